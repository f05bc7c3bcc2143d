//! Which entries does a question need? Those that it reads: it is asked on what is proven, and what it
//! missed is fetched, until it misses nothing.

use core::fmt;
use std::collections::BTreeSet;

use qratum_chain::{
    ledger::{Draft, Missed},
    types::{Genesis, Parameters, People, Policy},
};
use qratum_light_node::FetchError;

use super::{facts::Facts, words};

/// How often what was missed is fetched.
const ROUNDS: usize = 8;

/// Why a question has no answer that is proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ungathered {
    /// Entries could not be proven.
    Unproven(FetchError),
    /// It reads what no proof can show: all entries that start so.
    Unlisted(Vec<u8>),
    /// It read more and more.
    Endless,
}

impl fmt::Display for Ungathered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unproven(why) => write!(f, "what it rests on could not be proven: {why}"),
            Self::Unlisted(prefix) => {
                write!(
                    f,
                    "no proof shows all that is under {}: it cannot be told from here",
                    words::key(prefix)
                )
            }
            Self::Endless => f.write_str("it reads too much: it cannot be told from here"),
        }
    }
}

/// The answer to a question about the state, with the facts that it rests on: all that it read, proven at
/// one head.
///
/// # Errors
/// [`Ungathered`].
pub(crate) async fn gather<T>(
    fetch: impl AsyncFn(&[Vec<u8>]) -> Result<Facts, FetchError>,
    question: impl Fn(&Facts, &Draft<'_>) -> T,
) -> Result<(Facts, T), Ungathered> {
    let first = [
        Genesis::PARAMS_KEY,
        Parameters::STATE_KEY,
        People::RP_ID_KEY,
        Policy::STATE_KEY,
        Policy::VERSION_KEY,
    ];
    let mut keys: BTreeSet<Vec<u8>> = first.into_iter().map(<[u8]>::to_vec).collect();
    for _ in 0..ROUNDS {
        let asked: Vec<Vec<u8>> = keys.iter().cloned().collect();
        let facts = fetch(&asked).await.map_err(Ungathered::Unproven)?;
        let known = facts.known();
        let answer = question(&facts, &Draft::over(&known));
        let missed = known.missed();
        if missed.is_empty() {
            return Ok((facts, answer));
        }
        for missed in missed {
            match missed {
                Missed::Entry(key) => drop(keys.insert(key)),
                Missed::Under(prefix) => return Err(Ungathered::Unlisted(prefix)),
            }
        }
    }
    Err(Ungathered::Endless)
}
