//! What does the console know? Plain data; nothing here reads a clock, a socket or a key.

use std::sync::Arc;

use qratum_chain::{
    document::Anchor,
    types::{BlockId, Genesis, Height, Time, ValidatorSet},
};
use qratum_light_node::{FetchError, Names, Proven, Snapshot, State, Voting};
use qratum_themes::Theme;
use qratum_verifier::Trusted;

use crate::{
    exit::{Exit, Failure},
    home::Home,
};

/// The most notices that are kept: as many as a demo has validators.
const NOTICES: usize = 16;

/// Everything that is drawn.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) network: String,
    pub(crate) demo: bool,
    /// The home, as a shell takes it.
    pub(crate) home: String,
    /// Block id of what is trusted at first.
    pub(crate) anchor: BlockId,
    /// Whether that is a later block than genesis.
    pub(crate) pinned: bool,
    pub(crate) theme: Theme,
    /// What the light node knows; none until it said so once.
    pub(crate) snapshot: Option<Arc<Snapshot>>,
    pub(crate) now: Time,
    pub(crate) pane: Pane,
    /// What went wrong beside the chain, oldest first.
    pub(crate) notices: Vec<Notice>,
}

/// Something that went wrong beside the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) text: String,
    /// The validator that ended, if it is about one.
    ended: Option<Lost>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Lost {
    name: String,
    /// Whether its peer was seen without a connection since: the news of its end may come first.
    apart: bool,
}

impl Notice {
    /// A notice that stays.
    pub(crate) const fn of(text: String) -> Self {
        Self { text, ended: None }
    }

    /// A notice that goes when the peer of this name is connected again.
    pub(crate) const fn ended(name: String, text: String) -> Self {
        Self { text, ended: Some(Lost { name, apart: false }) }
    }

    /// Takes note of the connections; whether the notice still holds.
    fn holds(&mut self, snapshot: &Snapshot) -> bool {
        let Some(lost) = &mut self.ended else { return true };
        let peer = snapshot.peers.iter().find(|peer| peer.name == lost.name);
        let connected = peer.is_some_and(|peer| peer.connected);
        let back = lost.apart && connected;
        lost.apart |= !connected;
        !back
    }
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
    pub(crate) fn new(genesis: &Genesis, home: &Home, theme: Theme) -> Result<Self, Failure> {
        let anchor = genesis.chain_id().map_err(|why| Failure::new(Exit::Usage, why.to_string()))?;
        Ok(Self {
            network: genesis.network.clone(),
            demo: genesis.demo,
            home: home.shown(),
            anchor: BlockId(anchor.0),
            pinned: false,
            theme,
            snapshot: None,
            now: Time(0),
            pane: Pane::Overview,
            notices: Vec::new(),
        })
    }

    /// The same, for a home that starts at `anchor`.
    pub(crate) fn starting_at(self, anchor: Option<&Anchor>) -> Self {
        let Some(anchor) = anchor else { return self };
        Self { anchor: anchor.checkpoint.block_id, pinned: true, ..self }
    }

    /// Keeps a notice, and forgets the oldest where there are too many.
    pub(crate) fn notify(&mut self, mut notice: Notice) {
        if let Some(snapshot) = &self.snapshot {
            notice.holds(snapshot);
        }
        self.notices.push(notice);
        let excess = self.notices.len().saturating_sub(NOTICES);
        self.notices.drain(..excess);
    }

    /// Takes what the light node knows now.
    pub(crate) fn learn(&mut self, snapshot: Arc<Snapshot>, now: Time) {
        self.notices.retain_mut(|notice| notice.holds(&snapshot));
        self.snapshot = Some(snapshot);
        self.now = now;
    }

    /// Whether the head is the network's newest.
    pub(crate) fn is_live(&self) -> bool {
        self.snapshot.as_ref().is_some_and(|snapshot| snapshot.state == State::Live)
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

/// The name of a member, or the start of its key where no name is proven.
pub(crate) fn member_name(index: u32, set: &ValidatorSet, names: &Names) -> String {
    set.member(index).map_or_else(|| format!("#{index}"), |(member, _)| names.called(&member.pubkey))
}

/// Names of those that are silent, in index order.
pub(crate) fn silent(voting: &Voting, names: &Names) -> Vec<String> {
    let members = voting.members.iter().filter(|member| member.silent);
    members.map(|member| names.called(&member.key)).collect()
}
