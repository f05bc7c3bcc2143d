//! Security keys: making credentials, asserting with them, and the secret that opens what is sealed to a
//! key (CTAP 2.1).
//!
//! - [`hid`]: reports on a hidraw file, with a deadline for each, cancelling, and who waits for a touch.
//! - [`scan`]: which keys are plugged in, and which of them may not be opened.
//! - [`key`]: the ceremonies themselves.
//! - [`error`]: what may go wrong, each with what to do and whether anything was signed.
//!
//! The messages are our own and few: a PIN goes from locked memory into the cipher and nowhere else, which
//! no library for keys offers. Everything here blocks, and belongs on a thread of its own.

pub mod error;
pub mod hid;
pub mod key;
mod message;
pub mod scan;

use qratum_chain::types::{AuthData, CredentialKey};
use qratum_metal::secret::{Locked, LockedBytes};

use self::error::KeyError;

/// Who is told how a ceremony goes, and can end it.
pub trait Watch: Send + Sync {
    /// The key begins to wait for a touch, or no longer does.
    fn touch(&self, waiting: bool);
    /// So many tries the PIN has before it is used.
    fn tries_left(&self, tries: u8);
    /// Whether somebody has said no. Asked several times a second.
    fn cancelled(&self) -> bool;
}

/// Nobody is told anything, and nobody cancels.
#[derive(Clone, Copy, Debug)]
pub struct Unwatched;

impl Watch for Unwatched {
    fn touch(&self, _: bool) {}

    fn tries_left(&self, _: u8) {}

    fn cancelled(&self) -> bool {
        false
    }
}

/// What a key is to assert.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Which party.
    pub rp_id: &'a str,
    /// Which credential, as the key named it.
    pub credential_id: &'a [u8],
    /// What the assertion must verify under: one that does not is not handed out.
    pub key: &'a CredentialKey,
    /// `SHA-256(clientDataJSON)`.
    pub client_data_hash: [u8; 32],
}

/// What a key signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// Party, flags and counter.
    pub auth_data: AuthData,
    /// `r || s` with the lower s, or `R || s` of Ed25519.
    pub signature: [u8; 64],
}

/// What a credential may sign with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// EdDSA over Ed25519: -8.
    EdDsa,
    /// ECDSA over P-256 with SHA-256: -7.
    Es256,
}

/// What a new credential is for.
#[derive(Clone, Copy, Debug)]
pub struct NewCredential<'a> {
    /// Which party.
    pub rp_id: &'a str,
    /// Number of the user, at most 64 bytes; no name.
    pub user_id: &'a [u8],
    /// What a key with a display calls them.
    pub user_name: &'a str,
    /// What it may sign with, the preferred one first.
    pub algorithms: &'a [Algorithm],
    /// Credentials beside which the same key may hold no other.
    pub exclude: &'a [&'a [u8]],
    /// `SHA-256(clientDataJSON)`.
    pub client_data_hash: [u8; 32],
}

/// A new credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// As the key names it, at most 255 bytes.
    pub credential_id: Vec<u8>,
    /// What its assertions verify under.
    pub key: CredentialKey,
    /// Which model of key says that it made it.
    pub aaguid: [u8; 16],
    /// The counter at its making.
    pub sign_count: u32,
}

/// What a key says of itself (CTAP 2.1 section 6.4), as far as it matters here. Nothing of it is proven.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// Names of the protocols that it speaks: `FIDO_2_1`.
    pub versions: Vec<String>,
    /// Which model it is.
    pub aaguid: Option<[u8; 16]>,
    /// Whether it has the extension `hmac-secret`.
    pub has_secret: bool,
    /// Whether a PIN is set; none where the key knows no PIN.
    pub has_pin: Option<bool>,
    /// Whether tokens have permissions.
    pub has_permissions: bool,
    /// Numbers of the PIN protocols that it knows, the preferred one first.
    pub protocols: Vec<u64>,
    /// The fewest bytes of a PIN.
    pub least_pin: Option<u8>,
}

/// A security key. Each of these asks the PIN once and waits for one touch.
pub trait SecurityKey {
    /// Has it sign.
    ///
    /// # Errors
    /// [`KeyError`]; nothing was signed then, or what was signed is dropped.
    fn assert(&mut self, ask: &Ask<'_>, pin: &LockedBytes) -> Result<Assertion, KeyError>;

    /// `HMAC-SHA-256(secret of the credential for verified users, salt)`: the extension `hmac-secret`.
    /// Its assertion is checked and dropped: it carries the extension, and so no validator takes it.
    ///
    /// # Errors
    /// [`KeyError`].
    fn secret(&mut self, ask: &Ask<'_>, salt: &[u8; 32], pin: &LockedBytes) -> Result<Locked<32>, KeyError>;

    /// Makes a credential that can do both.
    ///
    /// # Errors
    /// [`KeyError`]; no credential is there then, or none that was handed out.
    fn register(&mut self, new: &NewCredential<'_>, pin: &LockedBytes) -> Result<Registered, KeyError>;
}

#[cfg(test)]
mod tests;
