//! What does the node know now? Plain values behind `Arc`s: cheap to take, nothing to lock.

use core::fmt;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use libp2p::PeerId;
use qratum_chain::{
    document::{ForkProof, OffenceProof},
    types::{Genesis, GenesisValidator, Height, Offence, Time},
};
use qratum_crypto::sign::ed25519::PublicKey;
use qratum_verifier::{
    Reject, Trusted,
    ballots::{Cast, RoundVotes},
    detect::Fork,
    quorum::Tally,
};

use crate::{Channel, State, config::Pinned};

/// What is known at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The state of following the chain.
    pub state: State,
    /// The newest verified block; the anchor at first.
    pub head: Arc<Trusted>,
    /// The local clock when the head was verified; none while it is the anchor.
    pub head_seen: Option<Time>,
    /// The highest height that was verified in this home before the start: less is not the newest.
    pub before: Option<Height>,
    /// Who else has a block of this height: what arming asks for.
    pub witnesses: Witnesses,
    /// How far the vote on the next height has come, and who takes part.
    pub voting: Arc<Voting>,
    /// How far the local clock is ahead of the network's, about, in ms; negative when it is behind.
    /// None while it is fine or nobody can say.
    pub clock_offset_ms: Option<i64>,
    /// The pinned peers, in the order of the configuration.
    pub peers: Vec<PeerView>,
    /// The newest refusals, oldest first; at most [`Snapshot::REFUSALS`].
    pub refusals: Vec<Refusal>,
    /// The first fork that was seen. Acting stops, and the head stays where it is.
    pub fork: Option<Arc<Fork>>,
    /// Both blocks of the fork, for a file that others can check; the way to them as far as it was
    /// found.
    pub evidence: Option<Arc<ForkProof>>,
    /// Members that broke the protocol, with what convinces others: the verifier accepted it as a file.
    /// Later here than in [`Voting::evidence`], as the way to their set is fetched.
    pub accused: Vec<Accused>,
    /// Names of the validators of genesis.
    pub names: Names,
    /// What became of the store.
    pub store: StoreState,
}

impl Snapshot {
    /// How many refusals are remembered.
    pub const REFUSALS: usize = 32;
}

/// A member that broke the protocol.
#[derive(Clone, Debug)]
pub struct Accused {
    /// Its key.
    pub key: PublicKey,
    /// What convinces others, as the verifier accepted it.
    pub proof: Arc<OffenceProof>,
}

/// Who named the same block for a height, beside the primary, which handed it over first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Witnesses {
    /// The newest height with enough of them, else that of the head.
    pub height: Height,
    /// Their operators; each stands for all that counts as one with it.
    pub operators: Vec<String>,
    /// Whether they are enough, and the state is [`State::Live`].
    pub may_arm: bool,
}

/// What verified votes show. They prove no block; peers can withhold them, and nobody can invent them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Voting {
    /// The members whose votes decide the next height, in index order.
    pub members: Vec<MemberVote>,
    /// Whether votes of two decided heights are known. Before, nobody is called silent.
    pub known: bool,
    /// Whether the chain stands because no more than two thirds of the power votes.
    pub stuck: bool,
    /// The newest height of which votes are known, with its newest rounds, rising.
    pub progress: Option<(Height, Vec<RoundVotes>)>,
    /// Members that signed two votes or proposals for one place, with the proof.
    pub evidence: Vec<(PublicKey, Offence)>,
}

/// How one member takes part in the vote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberVote {
    /// Its key.
    pub key: PublicKey,
    /// Its power.
    pub power: u64,
    /// Its last verified vote.
    pub last: Option<Cast>,
    /// Whether others voted at two heights and it did not; or, where the chain is stuck, whether it
    /// did not come as far as others.
    pub silent: bool,
    /// Its verified votes at the height of [`Voting::progress`], rising; those of the newest places.
    pub votes: Vec<Cast>,
}

impl Voting {
    /// The power of those that are silent, of all.
    #[must_use]
    pub fn missing(&self) -> Tally {
        let power = |members: &mut dyn Iterator<Item = &MemberVote>| {
            members.map(|member| u128::from(member.power)).sum()
        };
        let signed = power(&mut self.members.iter().filter(|member| member.silent));
        Tally { signed, total: power(&mut self.members.iter()) }
    }
}

/// A pinned peer as seen from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerView {
    /// What the configuration calls it.
    pub name: String,
    /// The key that must answer.
    pub id: PeerId,
    /// Who runs it: peers of one operator count as one witness.
    pub operator: String,
    /// Whether the chain says so: its key is enrolled as a validator's. Else the configuration does.
    pub bound: bool,
    /// Whether a connection stands, authenticated as that key.
    pub connected: bool,
    /// By which channel.
    pub channel: Option<Channel>,
    /// The height it last said its newest block has. Not verified: a peer may say anything.
    pub claimed_height: Option<Height>,
    /// How often it was late, broke off or offered what it did not lead to; one goes with each turn.
    /// Who has more than others is followed after them.
    pub demerits: u32,
    /// Why it is asked nothing now, and how long.
    pub ban: Option<Ban>,
}

impl PeerView {
    pub(crate) fn of(peer: &Pinned) -> Self {
        Self {
            name: peer.name.clone(),
            id: peer.id,
            operator: peer.operator.clone(),
            bound: peer.bound,
            connected: false,
            channel: None,
            claimed_height: None,
            demerits: 0,
            ban: None,
        }
    }
}

/// A peer that is asked nothing for a time, because it was proven to lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ban {
    /// The lie.
    pub reason: Reason,
    /// When it was told, by the local clock.
    pub at: Time,
    /// When the ban ends, by the local clock as it was then.
    pub until: Time,
    /// How many bans in a row this is.
    pub count: u32,
}

impl Ban {
    /// The first ban: long enough that a liar costs a few answers an hour, short enough that a peer
    /// that was mended comes back soon.
    pub const FIRST: Duration = Duration::from_secs(60);
    /// No ban is longer: peers are few and pinned, and a mended one should not be missed for a day.
    pub const LONGEST: Duration = Duration::from_secs(3600);
}

/// Something a peer did that was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Name of the peer in the configuration.
    pub peer: String,
    /// What was wrong; the newest of its kind.
    pub reason: Reason,
    /// When it last happened, by the local clock.
    pub at: Time,
    /// How often in a row.
    pub count: u32,
}

/// What was wrong with an answer, or its absence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The verifier refused it.
    Rejected(Reject),
    /// The bytes are no answer of the protocol; the codec's words.
    Malformed(String),
    /// An answer to another kind of question.
    OffTopic,
    /// It offered a tip and does not have the block at this height, which leads there.
    Missing(Height),
    /// It offered a tip and did not bring the node nearer to it in time.
    NoProgress,
    /// No answer in time.
    TimedOut,
    /// It closed the stream before the answer was whole.
    Cut,
    /// It does not speak the light-client protocol.
    NoProtocol,
    /// Another key than the pinned one answers at its address.
    WrongKey,
}

impl Reason {
    /// The reason's name: the verifier's reject code, or the variant.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Rejected(reject) => reject.name(),
            Self::Malformed(_) => "Malformed",
            Self::OffTopic => "OffTopic",
            Self::Missing(_) => "Missing",
            Self::NoProgress => "NoProgress",
            Self::TimedOut => "TimedOut",
            Self::Cut => "Cut",
            Self::NoProtocol => "NoProtocol",
            Self::WrongKey => "WrongKey",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(reject) => reject.fmt(f),
            Self::Malformed(why) => write!(f, "no answer of the protocol: {why}"),
            Self::OffTopic => f.write_str("an answer to another question"),
            Self::Missing(height) => write!(f, "offered a tip, but not block {height} on the way to it"),
            Self::NoProgress => f.write_str("offered a tip, but did not bring the node nearer to it"),
            Self::TimedOut => f.write_str("no answer in time"),
            Self::Cut => f.write_str("ended in the middle of an answer"),
            Self::NoProtocol => f.write_str("does not speak the light-client protocol"),
            Self::WrongKey => f.write_str("another key than the pinned one answers at its address"),
        }
    }
}

/// Names of validators. The genesis gives the first: its state root, and so the chain id, binds them,
/// and they are as true as the anchor. Keys that joined later are here once an entry of the state was
/// proven under a verified header.
#[derive(Clone, Debug, Default)]
pub struct Names(Arc<BTreeMap<PublicKey, Named>>);

/// What is known of the holder of a key.
#[derive(Clone, Debug)]
struct Named {
    name: String,
    /// None where the network has no registry of ours.
    operator: Option<String>,
}

impl Names {
    /// Those that the genesis gives.
    #[must_use]
    pub fn of(genesis: &Genesis) -> Self {
        let name = |member: &GenesisValidator| {
            let operator = member.enrolment.as_ref().map(|enrolment| enrolment.operator.clone());
            (member.validator.pubkey, Named { name: member.name.clone(), operator })
        };
        Self(Arc::new(genesis.validators.iter().map(name).collect()))
    }

    /// The same with one more key of the validator of this name, whose operator stays.
    pub(crate) fn with(&self, key: PublicKey, name: String) -> Self {
        let before = self.0.values().find(|named| named.name == name);
        let operator = before.and_then(|named| named.operator.clone());
        let mut names = BTreeMap::clone(&self.0);
        names.insert(key, Named { name, operator });
        Self(Arc::new(names))
    }

    /// All names, each once, in alphabetical order.
    #[must_use]
    pub fn all(&self) -> BTreeSet<&str> {
        self.0.values().map(|named| named.name.as_str()).collect()
    }

    /// The name of this key.
    #[must_use]
    pub fn name(&self, key: &PublicKey) -> Option<&str> {
        self.0.get(key).map(|named| named.name.as_str())
    }

    /// Who runs the validator of this key, where it is enrolled.
    #[must_use]
    pub fn operator(&self, key: &PublicKey) -> Option<&str> {
        self.0.get(key)?.operator.as_deref()
    }

    /// The name of this key, or the first 12 hex digits of it where there is none.
    #[must_use]
    pub fn called(&self, key: &PublicKey) -> String {
        let start = || key.to_string().chars().take(12).collect();
        self.name(key).map_or_else(start, str::to_owned)
    }
}

/// What became of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreState {
    /// None was asked for.
    None,
    /// Verified blocks are kept.
    Kept {
        /// Blocks that chained to the anchor at the start.
        loaded: u32,
        /// Records that did not, and were removed.
        dropped: u32,
    },
    /// Blocks are kept, but the store came back lower than what was verified before: an older copy
    /// was put in its place, or it was lost. What is missing is fetched and verified anew.
    RolledBack {
        /// The highest block it still led to.
        found: Height,
        /// The highest block that was verified before.
        highest: Height,
    },
    /// Another process has it: the node runs without one.
    InUse,
    /// It cannot be opened, or a read or write failed: the node runs without one. The cause, in
    /// the words of the system.
    Failed(String),
}

impl StoreState {
    /// The word that documents and screens use.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Kept { .. } => "kept",
            Self::RolledBack { .. } => "rolled-back",
            Self::InUse => "in-use",
            Self::Failed(_) => "failed",
        }
    }
}
