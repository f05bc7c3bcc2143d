//! What does the console know? Plain data; nothing here reads a clock, a socket or a key.

use std::sync::Arc;

use qratum_chain::types::{BlockId, Genesis, Height, Time, ValidatorSet};
use qratum_light_node::{FetchError, Names, Proven, Snapshot};
use qratum_themes::Theme;
use qratum_verifier::Trusted;

use crate::exit::{Exit, Failure};

/// Everything that is drawn.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) network: String,
    pub(crate) demo: bool,
    /// Block id of the genesis header: what is trusted at first.
    pub(crate) anchor: BlockId,
    pub(crate) theme: Theme,
    /// What the light node knows; none until it said so once.
    pub(crate) snapshot: Option<Arc<Snapshot>>,
    pub(crate) now: Time,
    pub(crate) pane: Pane,
    /// What went wrong beside the chain, oldest first.
    pub(crate) notices: Vec<String>,
}

/// Which pane is open.
#[derive(Debug)]
pub(crate) enum Pane {
    /// Head, validators, peers.
    Overview,
    /// The proof of a head.
    Proof(Height, Proof),
}

/// What became of fetching a proof.
#[derive(Debug)]
pub(crate) enum Proof {
    /// Asked for.
    Fetching,
    /// Here, and accepted by the verifier.
    Shown(Box<Proven>),
    /// Not to be had.
    Failed(FetchError),
}

impl Model {
    /// The console before anything is known.
    pub(crate) fn new(genesis: &Genesis, theme: Theme) -> Result<Self, Failure> {
        let anchor = genesis.chain_id().map_err(|why| Failure::new(Exit::Usage, why.to_string()))?;
        Ok(Self {
            network: genesis.network.clone(),
            demo: genesis.demo,
            anchor: BlockId(anchor.0),
            theme,
            snapshot: None,
            now: Time(0),
            pane: Pane::Overview,
            notices: Vec::new(),
        })
    }

    /// The newest verified head above the anchor.
    pub(crate) fn head(&self) -> Option<&Trusted> {
        head_of(self.snapshot.as_deref()?)
    }
}

/// The newest verified head; none while it is the anchor, which nobody signed.
pub(crate) fn head_of(snapshot: &Snapshot) -> Option<&Trusted> {
    Some(snapshot.head.as_ref()).filter(|head| !head.signers().is_empty())
}

/// Names of the members whose signatures were verified.
pub(crate) fn signers(head: &Trusted, names: &Names) -> Vec<String> {
    head.signers().iter().map(|signer| member_name(*signer, head.validators(), names)).collect()
}

/// The name of a member, or the start of its key where the genesis names none.
pub(crate) fn member_name(index: u32, set: &ValidatorSet, names: &Names) -> String {
    let Some((member, _)) = set.member(index) else { return format!("#{index}") };
    let key = || member.pubkey.to_string().chars().take(12).collect();
    names.name(&member.pubkey).map_or_else(key, str::to_owned)
}
