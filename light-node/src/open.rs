//! What is known before anybody is asked? The anchor that was pinned outside the store; from there
//! up, what the store still leads to; and whether a fork was seen.

use core::fmt;

use std::{collections::VecDeque, path::Path};

use qratum_chain::{
    document::ForkProof,
    types::{ChainId, ForkEvidence, Height, LightBlock, Time},
};
use qratum_verifier::{
    Rules, Trusted,
    anchor::{self, Start},
    detect::{self, Fork},
    sync::Sync,
};
use tokio::task;

use crate::{
    Accused, Clock, Config, ConfigError, Highest, Mark, Place, StoreState,
    evidence::{Found, KeptFork, offences},
    store::{OpenError, Replayed, Store, replay},
};

/// Why a node does not start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartError {
    /// The peers.
    Peers(ConfigError),
    /// The genesis breaks a rule, or the pinned block does not fit it.
    Anchor(anchor::StartError),
    /// The store was made for another chain.
    StoreOfAnotherChain {
        /// The chain it names.
        got: ChainId,
        /// The chain of the genesis.
        want: ChainId,
    },
    /// What the home knows of forks cannot be read; the words of the system.
    Home(String),
    /// The network stack could not be set up; its words.
    Network(String),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peers(why) => why.fmt(f),
            Self::Anchor(why) => why.fmt(f),
            Self::StoreOfAnotherChain { got, want } => {
                write!(f, "the store is of chain {got}, the genesis of chain {want}: use another directory")
            }
            Self::Home(why) => f.write_str(why),
            Self::Network(why) => write!(f, "the network could not be set up: {why}"),
        }
    }
}

impl std::error::Error for StartError {}

/// A home that was opened and read again, or what there is without one.
pub(crate) struct Opened {
    pub(crate) store: Option<Store>,
    pub(crate) state: StoreState,
    pub(crate) sync: Sync,
    pub(crate) fork: Option<(Fork, Option<ForkProof>)>,
    /// Who broke the protocol, as was seen here before.
    pub(crate) accused: Vec<Accused>,
    /// The newest blocks as they were kept, rising.
    pub(crate) recent: VecDeque<LightBlock>,
    /// The highest block that was verified in this home before.
    pub(crate) before: Option<Mark>,
}

/// The anchor and the rules that hold from there. One that is too old vouches for nothing, not for
/// a moment; a clock that was set back below what was verified makes it no younger.
pub(crate) fn anchored(config: &Config, clock: Clock) -> Result<(Trusted, Rules), StartError> {
    let start = Start::of(&config.genesis, config.anchor.as_ref()).map_err(StartError::Anchor)?;
    let seen = before(config, start.rules.chain_id).ok().flatten().map(|mark| mark.time);
    let is_expired = start.is_expired(clock.now().max(seen.unwrap_or(Time(0))));
    let Start { anchor, mut rules, .. } = start;
    if is_expired {
        rules.params.trusting_period_ms = 0;
    }
    Ok((anchor, rules))
}

/// The highest block that was verified in the home before, where there is a home.
pub(crate) fn before(config: &Config, chain: ChainId) -> Result<Option<Mark>, String> {
    config.home.as_ref().map_or(Ok(None), |place| Highest::of(place).read(chain))
}

/// Reads a home, on a blocking task: sled reads files, and panics on some damaged ones. All but the
/// store of another chain, and evidence that cannot be read, is survived.
pub(crate) async fn open(
    config: &Config,
    anchor: &Trusted,
    rules: &Rules,
    clock: Clock,
) -> Result<Opened, StartError> {
    let mut opened = match (config.home.clone().filter(|_| config.keep), before(config, rules.chain_id)) {
        (_, Err(why)) => without(anchor, rules, StoreState::Failed(why)),
        (Some(place), Ok(before)) => open_store(place, before, (anchor, rules), clock).await?,
        (None, Ok(before)) => Opened { before, ..without(anchor, rules, StoreState::None) },
    };
    if let Some(place) = config.home.clone() {
        let (from, to, store) = (anchor.clone(), rules.clone(), opened.store.clone());
        let reading = task::spawn_blocking(move || {
            let fork = known_fork(&place, (&from, &to), store.as_ref(), clock)?;
            Ok((fork, offences(&place, (&from, &to), clock.now())))
        });
        let failed = || Err("the evidence could not be read".to_owned());
        let (known, accused) = reading.await.unwrap_or_else(|_| failed()).map_err(StartError::Home)?;
        opened.accused = accused;
        opened.fork = known.map(|(fork, proof)| (fork, Some(proof))).or(opened.fork);
    }
    Ok(opened)
}

fn without(anchor: &Trusted, rules: &Rules, state: StoreState) -> Opened {
    let sync = Sync::new(anchor.clone(), rules.clone());
    let (recent, accused) = (VecDeque::new(), Vec::new());
    Opened { store: None, state, sync, fork: None, accused, recent, before: None }
}

pub(crate) async fn open_store(
    place: Place,
    before: Option<Mark>,
    (anchor, rules): (&Trusted, &Rules),
    clock: Clock,
) -> Result<Opened, StartError> {
    let (from, to) = (anchor.clone(), rules.clone());
    let opening = task::spawn_blocking(move || {
        let store = Store::open(&place, to.chain_id)?;
        let replayed = replay(&store, &from, &to, clock.now()).map_err(OpenError::Failed)?;
        Ok((store, replayed))
    });
    let opened =
        match opening.await.unwrap_or_else(|_| Err(OpenError::Failed("the store is damaged".to_owned()))) {
            Ok((store, replayed)) => {
                let state = replayed.state(before.map(|mark| mark.height));
                let Replayed { sync, fork, recent, .. } = replayed;
                let fork = fork.map(|fork| (fork, None));
                Opened { store: Some(store), state, sync, fork, accused: Vec::new(), recent, before }
            }
            Err(OpenError::InUse) => without(anchor, rules, StoreState::InUse),
            Err(OpenError::Failed(why)) => without(anchor, rules, StoreState::Failed(why)),
            Err(OpenError::OtherChain(got)) => {
                return Err(StartError::StoreOfAnotherChain { got, want: rules.chain_id });
            }
        };
    Ok(Opened { before, ..opened })
}

/// The fork that the home remembers, the lowest. Evidence that was written before its path was found
/// verifies by what the store leads to. What does not verify at all, and is not below the anchor, is no
/// fork; but it was one when it was written, so nothing is followed over it.
fn known_fork(
    place: &Place,
    (anchor, rules): (&Trusted, &Rules),
    store: Option<&Store>,
    clock: Clock,
) -> Result<Option<(Fork, ForkProof)>, String> {
    let (mut known, mut lost) = (Vec::new(), None);
    for kept in KeptFork::all(place, (anchor, rules), clock.now())? {
        match fork_of(kept, (anchor, rules), store, clock) {
            Ok(fork) => known.extend(fork),
            Err(why) => drop(lost.get_or_insert(why)),
        }
    }
    known.sort_by_key(|(fork, _)| fork.height());
    match (known.into_iter().next(), lost) {
        (None, Some(why)) => Err(why),
        (known, _) => Ok(known),
    }
}

/// The fork that a file proves; none where it is not above the anchor.
fn fork_of(
    kept: KeptFork,
    (anchor, rules): (&Trusted, &Rules),
    store: Option<&Store>,
    clock: Clock,
) -> Result<Option<(Fork, ForkProof)>, String> {
    let left = kept.is_left(anchor);
    match kept.found {
        Found::Verified(verified) => Ok(Some(*verified)),
        Found::Damaged(why) => Err(lost_evidence(&kept.path, &why)),
        Found::Unverified(proof, reject) => {
            let proven = store.and_then(|store| with_path(proof.blocks, store, (anchor, rules), clock));
            if proven.is_some() || left {
                return Ok(proven);
            }
            Err(lost_evidence(&kept.path, &reject.to_string()))
        }
    }
}

fn lost_evidence(path: &Path, why: &str) -> String {
    format!(
        "{}: {why}\n\
         This home saw a fork, and what proves it cannot be used any more: nothing is followed from here\n\
         Put the file back from a copy, or leave the fork with `qratum reanchor`",
        path.display()
    )
}

/// Evidence with the way to it that the store has, where it verifies so.
pub(crate) fn with_path(
    blocks: ForkEvidence,
    store: &Store,
    (anchor, rules): (&Trusted, &Rules),
    clock: Clock,
) -> Option<(Fork, ForkProof)> {
    let height = blocks.first.header.height;
    // The block right below is no way to a branch that parted further down.
    [height, Height(height.0.saturating_sub(1))].into_iter().find_map(|height| {
        let proof = ForkProof { blocks: blocks.clone(), path: store.steps_below(height).ok()? };
        let fork = detect::fork_proof(&proof, anchor, rules, clock.now()).ok()?;
        Some((fork, proof))
    })
}
