//! How fast is header verification, against whom, and how much does following a long chain cost?
//!
//! `headers` compares one verification with peers, `million` sends a client through a chain of a
//! million headers; `drbg` and `secrets` compare random bytes and locked memory. All figures are CPU time of one thread, and what counts is the
//! ratio of two figures of one run: the compared parties take turns, and the best batch of each
//! stands for it, as other load on the machine can only add.

use std::{env, error::Error};

pub mod c_peer;
pub mod clock;
pub mod million;
pub mod ours;
pub mod report;
pub mod tendermint_peer;

/// What a bench returns: anything that goes wrong stops it, as a figure of something else than the
/// work that was meant is worse than none.
pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// The value behind `name` on the command line, as in `--json FILE`.
///
/// # Errors
/// When the name is there and the value is not.
pub fn argument(name: &str) -> Outcome<Option<String>> {
    let mut arguments = env::args().skip_while(|argument| argument != name);
    match (arguments.next(), arguments.next()) {
        (None, _) => Ok(None),
        (Some(_), Some(value)) => Ok(Some(value)),
        (Some(_), None) => Err(format!("{name} needs a value").into()),
    }
}
