//! What is being proven, and what has come of it?

use qratum_chain::{
    PublicKey,
    types::{Height, Registration},
};
use qratum_light_node::{FetchError, Proven, ProvenStatement};

/// What a proof is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The block at a height.
    Block(Height),
    /// That a key is a member of the set that certified a block.
    Member { key: PublicKey, height: Height },
    /// What the registry says of a validator.
    Validator { name: String, key: PublicKey },
}

impl Subject {
    /// What to ask for.
    pub(crate) fn wanted(&self) -> Wanted {
        match self {
            Self::Validator { name, .. } => Wanted::Entry(Registration::state_key(name)),
            Self::Block(height) | Self::Member { height, .. } => Wanted::Header(*height),
        }
    }

    /// The member it is about.
    pub(crate) const fn member(&self) -> Option<&PublicKey> {
        match self {
            Self::Member { key, .. } | Self::Validator { key, .. } => Some(key),
            Self::Block(_) => None,
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
}

/// What arrived, and was accepted by the verifier.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    /// A header with its proof.
    Header(Box<Proven>),
    /// An entry of the state with its proof.
    Entry(Box<ProvenStatement>),
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
        }
    }
}
