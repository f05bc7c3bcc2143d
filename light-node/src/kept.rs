//! What does a home know by itself, without any peer? What its store still leads to, verified again.

use qratum_chain::types::{Height, LightBlock};
use qratum_verifier::{Rules, Trusted, proof};
use tokio::task;

use crate::{
    Clock, Config, Proven, StartError, StoreState,
    climb::Climb,
    fetch::certified,
    open::{anchored, before, open_store},
    store::Store,
};

/// What a home has kept, verified again.
#[derive(Clone, Debug)]
pub struct Kept {
    /// What became of the store.
    pub state: StoreState,
    /// The newest block that it leads to; none where that is the anchor. Others may have newer ones.
    pub head: Option<Trusted>,
}

/// What a node would find in the store of `config`; [`StoreState::None`] where there is no store yet.
/// Records that do not chain to the anchor are removed, as at any start.
///
/// # Errors
/// [`StartError`], for a bad anchor or the store of another chain.
pub async fn inspect_store(config: &Config) -> Result<Kept, StartError> {
    let nothing = |state| Kept { state, head: None };
    let (anchor, rules) = anchored(config, Clock::SYSTEM)?;
    let existing = config.home.clone().filter(|home| home.store().exists());
    match (existing, before(config, rules.chain_id)) {
        (_, Err(why)) => Ok(nothing(StoreState::Failed(why))),
        (Some(home), Ok(before)) => {
            let opened = open_store(home, before, (&anchor, &rules), Clock::SYSTEM).await?;
            let head = Some(opened.sync.head().clone()).filter(|head| head.id() != anchor.id());
            Ok(Kept { state: opened.state, head })
        }
        (None, Ok(_)) => Ok(nothing(StoreState::None)),
    }
}

/// The header at `height` with its proof from the anchor, as far as the store of `config` has both: it
/// keeps the ends of sets, the ways into them, and its head. None where it does not, or where another
/// process owns it: that one answers over its socket.
///
/// # Errors
/// [`StartError`], as [`inspect_store`].
pub async fn kept_header(config: &Config, height: Height) -> Result<Option<Proven>, StartError> {
    let (anchor, rules) = anchored(config, Clock::SYSTEM)?;
    let Some(home) = config.home.clone().filter(|home| home.store().exists()) else { return Ok(None) };
    let Ok(before) = before(config, rules.chain_id) else { return Ok(None) };
    let opened = open_store(home, before, (&anchor, &rules), Clock::SYSTEM).await?;
    let Some(store) = opened.store.filter(|_| opened.fork.is_none()) else { return Ok(None) };
    let reading = task::spawn_blocking(move || proven(&store, height, &anchor, &rules));
    Ok(reading.await.ok().flatten())
}

fn proven(store: &Store, height: Height, anchor: &Trusted, rules: &Rules) -> Option<Proven> {
    let head = || store.head().filter(|head| head.header.height == height);
    let target = store.step(height).or_else(head)?;
    let short = climbed(store, target.clone(), anchor, rules);
    let path = short.or_else(|| Some([store.steps_below(height).ok()?, vec![target]].concat()))?;
    let proof = certified(path)?;
    let checked = proof::check(&proof, anchor, rules, Clock::SYSTEM.now()).ok()?;
    Some(Proven { proof, checked })
}

/// The fewest blocks that lead there, where the store has them.
fn climbed(store: &Store, target: LightBlock, anchor: &Trusted, rules: &Rules) -> Option<Vec<LightBlock>> {
    let now = Clock::SYSTEM.now();
    let mut climb = Climb::start(anchor, rules, target, now).ok()?;
    while let Some(want) = climb.ask() {
        climb.give(store.step(want)?, now).ok()?;
    }
    Some(climb.into_path())
}
