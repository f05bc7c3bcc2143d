//! What a key is and keeps. What it does stands in [`crate::pin`], [`crate::credential`] and
//! [`crate::command`].

use std::collections::BTreeMap;

use p256::SecretKey;

use crate::{
    protocol::{Protocol, hash_of, hmac},
    script::Counting,
};

/// Tries that a PIN has.
pub const TRIES: u8 = 8;

/// What credentials sign with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Algorithm {
    /// ECDSA over P-256 with SHA-256: -7.
    Es256 = 7,
    /// Ed25519: -8.
    EdDsa = 8,
}

impl Algorithm {
    /// Its number in COSE.
    #[must_use]
    pub const fn number(self) -> i64 {
        -(self as i64)
    }
}

/// Bytes of a credential's number.
pub const ID: usize = 33;
/// The number of a credential.
pub type Id = [u8; ID];

/// Why a command was refused (CTAP 2.1 section 8.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names are those of the standard")]
pub enum Status {
    InvalidCommand = 0x01,
    InvalidParameter = 0x02,
    InvalidLength = 0x03,
    InvalidCbor = 0x12,
    MissingParameter = 0x14,
    CredentialExcluded = 0x19,
    UnsupportedAlgorithm = 0x26,
    UnsupportedOption = 0x2b,
    InvalidOption = 0x2c,
    KeepaliveCancel = 0x2d,
    NoCredentials = 0x2e,
    UserActionTimeout = 0x2f,
    NotAllowed = 0x30,
    PinInvalid = 0x31,
    PinBlocked = 0x32,
    PinAuthInvalid = 0x33,
    PinAuthBlocked = 0x34,
    PinNotSet = 0x35,
    PinRequired = 0x36,
    PinPolicyViolation = 0x37,
    UvBlocked = 0x3c,
    InvalidSubcommand = 0x3e,
    Other = 0x7f,
}

/// Why a command has no answer yet, or none at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Somebody has to touch the key first: ask again then.
    Touch,
    /// It is refused.
    Status(Status),
}

/// What kind of key this is.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What all its secrets derive from.
    pub seed: [u8; 32],
    /// The PIN that it has at first.
    pub pin: Option<String>,
    /// Whether it knows CTAP 2.1, beside 2.0.
    pub is_2_1: bool,
    /// The protocols of the PIN, the preferred one first.
    pub protocols: Vec<Protocol>,
    /// What it can sign with.
    pub algorithms: Vec<Algorithm>,
    /// How it counts.
    pub counting: Counting,
}

/// What a PIN allows for a while.
#[derive(Debug)]
pub struct Token {
    /// 32 bytes, or 16 as an old key may have them.
    pub(crate) secret: Vec<u8>,
    /// 1 is making credentials, 2 asserting.
    pub(crate) permissions: i64,
    pub(crate) rp_id: Option<String>,
}

/// What the key knows of its PIN. The hash and the tries outlive a power cycle.
#[derive(Debug)]
pub struct Pin {
    /// The first half of its SHA-256.
    pub(crate) hash: Option<[u8; 16]>,
    /// How many tries are left.
    pub(crate) tries: u8,
    pub(crate) in_a_row: u8,
    pub(crate) agreement: SecretKey,
    pub(crate) token: Option<Token>,
}

impl Pin {
    /// A PIN as after a power cycle.
    #[must_use]
    pub const fn new(hash: Option<[u8; 16]>, tries: u8, agreement: SecretKey) -> Self {
        Self { hash, tries, in_a_row: 0, agreement, token: None }
    }
}

/// What it was asked, since it was started.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Touches that somebody gave because the key waited for one.
    pub touches: u32,
    /// PINs that were tried.
    pub pins: u32,
    /// Those of them that were wrong.
    pub wrong_pins: u32,
    /// Assertions with a touch.
    pub signatures: u32,
    /// Winks.
    pub winks: u32,
}

/// The key, without its wire.
#[derive(Debug)]
pub struct Key {
    /// What kind it is.
    pub settings: Settings,
    /// What it was asked.
    pub counts: Counts,
    /// Whether it refuses to verify users.
    pub is_uv_blocked: bool,
    pub(crate) pin: Pin,
    pub(crate) generation: u32,
    pub(crate) total: u32,
    pub(crate) counters: BTreeMap<Id, u32>,
    draws: u32,
}

impl Key {
    /// A new key.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let pin = settings.pin.as_ref().map(|pin| hash_of(pin.as_bytes()));
        let agreement = agreement(&settings.seed, 0);
        let pin = Pin::new(pin, TRIES, agreement);
        let (counts, counters) = (Counts::default(), BTreeMap::new());
        Self { settings, counts, is_uv_blocked: false, pin, generation: 0, total: 0, counters, draws: 1 }
    }

    /// The next 32 bytes of its generator, which a seed makes the same each time.
    pub(crate) fn draw(&mut self) -> [u8; 32] {
        self.draws = self.draws.wrapping_add(1);
        hmac(&self.settings.seed, &[b"draw", &self.draws.to_be_bytes()])
    }

    pub(crate) fn draw_iv(&mut self) -> [u8; 16] {
        let [first @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = self.draw();
        first
    }

    pub(crate) fn draw_agreement(&mut self) -> SecretKey {
        self.draws = self.draws.wrapping_add(1);
        agreement(&self.settings.seed, self.draws)
    }

    /// Forgets what ends with the power: tokens, keys of agreement, wrong PINs in a row.
    pub fn power_cycle(&mut self) {
        let agreement = self.draw_agreement();
        self.pin = Pin::new(self.pin.hash, self.pin.tries, agreement);
    }
}

/// A key of agreement: the first derived number that is a scalar of P-256, as nearly all are.
fn agreement(seed: &[u8; 32], draw: u32) -> SecretKey {
    let mut number = 0_u32;
    loop {
        let derived = hmac(seed, &[b"agreement", &draw.to_be_bytes(), &number.to_be_bytes()]);
        if let Ok(secret) = SecretKey::from_slice(&derived) {
            return secret;
        }
        number = number.wrapping_add(1);
    }
}
