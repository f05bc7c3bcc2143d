//! What is being proven, and what has come of it?

use qratum_chain::{
    PublicKey,
    document::Evidence,
    ledger::Request,
    types::{Height, Registration, RequestId},
};
use qratum_light_node::{FetchError, Proven, ProvenStatement};

use super::Model;

/// What a proof is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The block at a height.
    Block(Height),
    /// That a key is a member of the set that certified a block.
    Member { key: PublicKey, height: Height },
    /// What the registry says of a validator.
    Validator { name: String, key: PublicKey },
    /// What was asked for, who answered and what came of it.
    Request(RequestId),
    /// That the holder of a key signed two statements that exclude each other.
    Offence(PublicKey),
    /// That the chain has two certified blocks at one height.
    Fork,
}

impl Subject {
    /// What to ask for.
    pub(crate) fn wanted(&self) -> Wanted {
        match self {
            Self::Validator { name, .. } => Wanted::Entry(Registration::state_key(name)),
            Self::Request(id) => Wanted::Entry(Request::state_key(*id)),
            Self::Block(height) | Self::Member { height, .. } => Wanted::Header(*height),
            Self::Offence(key) => Wanted::Offence(*key),
            Self::Fork => Wanted::Fork,
        }
    }

    /// The member it is about.
    pub(crate) const fn member(&self) -> Option<&PublicKey> {
        match self {
            Self::Member { key, .. } | Self::Validator { key, .. } => Some(key),
            Self::Block(_) | Self::Request(_) | Self::Offence(_) | Self::Fork => None,
        }
    }
}

/// What a proof is made of, as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The header at a height.
    Header(Height),
    /// The entry under a key of the state.
    Entry(Vec<u8>),
    /// The two statements of the holder of a key, which the light node shows as soon as it can.
    Offence(PublicKey),
    /// The two blocks of the fork.
    Fork,
}

/// What a row of a list rests on: what `e` shows there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ground {
    /// On this proof.
    Proven(Subject),
    /// On none, in words that say why.
    Unproven(&'static str),
}

impl Ground {
    /// What this machine knows.
    pub(crate) const HERE: Self = Self::Unproven("the chain does not say this: it is known here alone");
    /// What a peer says.
    pub(crate) const CLAIM: Self = Self::Unproven("a peer claims it, and nothing here rests on it");
    /// What votes show, which no block holds.
    pub(crate) const VOTES: Self =
        Self::Unproven("votes stand in no block; their signatures were checked here");
    /// What was worked out from several values.
    pub(crate) const COUNTED: Self = Self::Unproven("it is counted here; e proves each of what is counted");
}

impl Model {
    /// What proves a member: its entry of the registry where there is one, else its place in the set of
    /// the head.
    pub(crate) fn member(&self, key: &PublicKey) -> Subject {
        let snapshot = self.snapshot();
        let named = snapshot.filter(|snapshot| snapshot.names.operator(key).is_some());
        match named.and_then(|snapshot| snapshot.names.name(key)) {
            Some(name) => Subject::Validator { name: name.to_owned(), key: *key },
            None => self.seat(key),
        }
    }

    /// What proves that somebody is a member of the set of the head, and signed it or not.
    pub(crate) fn seat(&self, key: &PublicKey) -> Subject {
        let height = self.snapshot().map_or_else(Default::default, |it| it.head.header().get().height);
        Subject::Member { key: *key, height }
    }

    /// What proves the head.
    pub(crate) fn newest(&self) -> Ground {
        self.head().map_or(Ground::HERE, |head| Ground::Proven(Subject::Block(head.header().get().height)))
    }
}

/// What arrived, and was accepted by the verifier.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    /// A header with its proof.
    Header(Box<Proven>),
    /// An entry of the state with its proof.
    Entry(Box<ProvenStatement>),
    /// What convinces others that the protocol was broken.
    Evidence(Box<Evidence>),
}

/// What became of fetching a proof.
#[derive(Clone, Debug)]
pub(crate) enum Proof {
    /// Asked for.
    Fetching,
    /// Here.
    Shown(Found),
    /// Not to be had.
    Failed(FetchError),
}

/// A proof that was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) subject: Subject,
    pub(crate) proof: Proof,
}

impl Found {
    /// The document that convinces others, and the name of a file for it; none where memory ran out.
    pub(crate) fn document(&self) -> Option<(String, String)> {
        match self {
            Self::Header(proven) => {
                let height = proven.proof.header.height;
                Some((format!("qratum-header-{height}"), proven.proof.to_json().ok()?))
            }
            Self::Entry(proven) => {
                let height = proven.proof.header.header.height;
                Some((format!("qratum-proof-{height}"), proven.proof.to_json().ok()?))
            }
            Self::Evidence(evidence) => {
                let height = happened(evidence);
                Some((format!("qratum-evidence-{height}"), evidence.to_json().ok()?))
            }
        }
    }
}

/// Where the protocol was broken.
pub(crate) fn happened(evidence: &Evidence) -> Height {
    match evidence {
        Evidence::Offence(proof) => proof.offence.height(),
        Evidence::Fork(proof) => proof.blocks.first.header.height,
    }
}
