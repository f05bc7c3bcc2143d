//! What is said in a ceremony, between the screen, the key and whoever proves facts.

use core::fmt;
use std::time::Duration;

use qratum_chain::{
    Hash,
    ledger::registry::Refusal,
    types::{AuthData, BiokeySignatures, CredentialId, Height, Txo},
};
use qratum_metal::secret::LockedBytes;

use super::{arm::Unarmed, facts::Facts, gather::Ungathered};

/// What a ceremony tells the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The PIN of the security key is needed.
    Pin {
        /// So many tries are left, where the key says so.
        tries: Option<u8>,
    },
    /// The key is about to blink and wait for a touch.
    Touch {
        /// The first or the second.
        n: u8,
        /// Of so many.
        of: u8,
        /// For what.
        why: Touch,
    },
    /// Words that only this key with this biokey brings about: whoever knows them sees that it is theirs.
    Words(String),
    /// The biokey is open for so long. [`Order::Go`] is waited for.
    BiokeyOpen {
        /// Time left.
        left: Duration,
    },
    /// Both factors are there. Nothing was sent yet.
    Signed {
        /// Id of the transaction.
        id: Hash,
    },
    /// So many validators took it.
    Sent {
        /// How many.
        to: usize,
    },
    /// It stands, and what it was to bring about is proven.
    Final {
        /// In the state after the block at this height.
        height: Height,
    },
    /// It ended before that. The sentence says whether anything was signed or sent.
    Failed(String),
}

/// Why the key blinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Touch {
    /// Opens the biokey.
    Open,
    /// Signs.
    Sign,
}

/// What the screen tells a ceremony.
#[derive(Debug)]
pub(crate) enum Order {
    /// The PIN that was typed.
    Pin(LockedBytes),
    /// The words are right: on with it.
    Go,
    /// No.
    Cancel,
}

/// What the key says where it did not do it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeyFault {
    /// The PIN is another one; so many tries are left.
    Pin {
        /// Tries.
        left: Option<u8>,
    },
    /// The biokey was open for as long as it may be.
    Lapsed,
    /// Anything else, in the words of whoever asked the key, which say that nothing was signed.
    Other(String),
}

/// A security key with the biokey that belongs to it, wherever it is.
pub(crate) trait Keys: Send {
    /// Which credential it seals with.
    fn credential(&self) -> CredentialId;

    /// Opens the biokey: one touch. The words that come of it, where there are any.
    fn open(&mut self, pin: &LockedBytes) -> Result<Option<String>, KeyFault>;

    /// How long the biokey stays open.
    fn left(&self) -> Duration;

    /// The security key signs for this hash of client data: one touch.
    fn assert(
        &mut self,
        client_data_hash: &[u8; 32],
        pin: &LockedBytes,
    ) -> Result<(AuthData, [u8; 64]), KeyFault>;

    /// The biokey signs, and is wiped.
    fn sign(&mut self, message: &Hash) -> Result<BiokeySignatures, KeyFault>;
}

/// Whoever can prove facts now.
pub(crate) trait Prover {
    /// These entries, all at one head that may be acted on.
    fn prove(&self, keys: &[Vec<u8>]) -> Result<Facts, Unarmed>;

    /// Whether the next block may carry what was signed, by the rules that validators go by.
    fn check(&self, txo: &Txo) -> Result<(), Stop>;
}

/// Why nothing was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Somebody said no, or the screen is gone.
    Cancelled,
    /// The biokey was open for as long as it may be.
    Lapsed,
    /// The key, in the words of whoever asked it.
    Key(String),
    /// Nobody may act now.
    Unarmed(Unarmed),
    /// It was signed, and the chain's own rules refuse it: it is not sent.
    Refused(Refusal),
    /// It was signed, and nobody may act any more: it is not sent.
    Unsent(Unarmed),
    /// It was signed, and could not be checked: it is not sent.
    Unproven(Ungathered),
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("cancelled: nothing was signed"),
            Self::Lapsed => f.write_str(
                "the biokey was open for as long as it may be: nothing was signed; start again at this step",
            ),
            Self::Key(why) => f.write_str(why),
            Self::Unarmed(why) => write!(f, "{why}: nothing was signed"),
            Self::Refused(why) => {
                write!(f, "what was signed would be refused by the validators: {why}\nNothing was sent")
            }
            Self::Unsent(why) => write!(f, "{why}\nNothing was sent"),
            Self::Unproven(why) => write!(f, "{why}\nNothing was sent"),
        }
    }
}

impl From<Unarmed> for Stop {
    fn from(why: Unarmed) -> Self {
        Self::Unarmed(why)
    }
}
