//! The ceremonies of a security key: one PIN and one touch each.

use core::fmt;

use minicbor::decode;
use qratum_chain::types::{AuthData, CredentialKey};
use qratum_crypto::{
    domain::SECURITY_KEY,
    hash::sha2_256,
    kex::pin_uv::{PinUvError, Point, Protocol, Shared},
    rng::random::Random,
    sign::es256,
};
use qratum_metal::secret::{Locked, LockedBytes};

use super::{
    About, Algorithm, Ask, Assertion, NewCredential, Registered, SecurityKey,
    error::KeyError,
    hid::Wire,
    message::{self, Permission, Salt},
};
use crate::entropy::now;

/// Flags of authenticator data beside presence and verification (WebAuthn section 6.1).
const BACKUP_ELIGIBLE: u8 = 0x08;
const ATTESTED: u8 = 0x40;
const EXTENDED: u8 = 0x80;
const BOTH: u8 = AuthData::USER_PRESENT | AuthData::USER_VERIFIED;

/// The longest PIN, in bytes.
const LONGEST_PIN: usize = 63;

/// A security key at hand.
pub struct Key {
    wire: Wire,
    about: About,
    random: Random,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({:?}, {:?})", self.wire, self.about)
    }
}

/// What a PIN has opened: a token for one request, and the agreement under which it came.
struct Session {
    shared: Shared,
    ours: Point,
    token: LockedBytes,
}

impl Session {
    /// What shows the key that a request for this hash knows the PIN.
    fn proof(&self, client_data_hash: &[u8; 32]) -> Vec<u8> {
        self.shared.protocol().authorise(&self.token, client_data_hash)
    }
}

impl Key {
    /// Asks the key what it can do.
    ///
    /// # Errors
    /// [`KeyError::OnlyU2f`], and those of a key that does not answer.
    pub fn new(mut wire: Wire, random: Random) -> Result<Self, KeyError> {
        let about = wire.call(&message::get_info()).map_err(|error| match error {
            KeyError::Status(_) => KeyError::OnlyU2f,
            other => other,
        })?;
        let about = read(message::read_info(&about))?;
        let knows_ctap2 = about.versions.iter().any(|version| version.starts_with("FIDO_2_"));
        if knows_ctap2 { Ok(Self { wire, about, random }) } else { Err(KeyError::OnlyU2f) }
    }

    /// What it says of itself.
    #[must_use]
    pub const fn about(&self) -> &About {
        &self.about
    }

    /// Sets a PIN where there is none.
    ///
    /// # Errors
    /// [`KeyError`]; where a PIN is set, [`KeyError::PinExpired`].
    pub fn set_pin(&mut self, new: &LockedBytes) -> Result<(), KeyError> {
        self.put_pin(None, new)
    }

    /// Changes the PIN. A wrong old one costs a try.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn change_pin(&mut self, old: &LockedBytes, new: &LockedBytes) -> Result<(), KeyError> {
        self.put_pin(Some(old), new)
    }

    /// The new PIN travels filled up to 64 bytes with zeros (CTAP 2.1 section 6.5.5.5).
    fn put_pin(&mut self, old: Option<&LockedBytes>, new: &LockedBytes) -> Result<(), KeyError> {
        self.has_length(new)?;
        let (shared, ours) = self.agree()?;
        let padded = Locked::<64>::require_locked(|padded| {
            new.with(|new| padded.iter_mut().zip(new).for_each(|(place, byte)| *place = *byte));
            Ok::<_, KeyError>(())
        })?;
        let iv = self.draw()?;
        let fresh = padded.with(|padded| shared.encrypt(&iv, padded));
        let hash = match old {
            Some(old) => Some(shared.pin_hash(&self.draw()?, old)),
            None => None,
        };
        let signed = [fresh.as_slice(), hash.as_deref().unwrap_or_default()].concat();
        let pins = (fresh.as_slice(), hash.as_deref());
        let command = message::put_pin(shared.protocol(), &ours, pins, &shared.tag(&signed));
        self.wire.call(&command).map_err(|error| self.with_tries(error))?;
        self.about.has_pin = Some(true);
        Ok(())
    }

    fn has_length(&self, pin: &LockedBytes) -> Result<(), KeyError> {
        let least = self.about.least_pin.unwrap_or(4);
        let right = (usize::from(least)..=LONGEST_PIN).contains(&pin.len());
        if right { Ok(()) } else { Err(KeyError::PinLength { least }) }
    }

    /// How many tries the PIN has; none where none is set.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn tries(&mut self) -> Result<Option<u8>, KeyError> {
        if self.about.has_pin != Some(true) {
            return Ok(None);
        }
        let command = message::get_retries(self.protocol()?);
        read(message::read_retries(&self.wire.call(&command)?))
    }

    /// Protocol two where the key knows it.
    fn protocol(&self) -> Result<Protocol, KeyError> {
        let known = self.about.protocols.iter().filter_map(|number| Protocol::numbered(*number));
        known.max_by_key(|protocol| protocol.number()).ok_or(KeyError::Garbled)
    }

    /// Shows the PIN. The key is asked for the tries first, so that a person knows them before one is
    /// spent, and again where it was wrong.
    fn session(
        &mut self,
        permission: Permission,
        rp_id: &str,
        pin: &LockedBytes,
    ) -> Result<Session, KeyError> {
        self.has_length(pin)?;
        let tries = self.tries()?.ok_or(KeyError::NoPin)?;
        self.wire.watch().tries_left(tries);
        if tries == 0 {
            return Err(KeyError::PinLocked);
        }
        let (shared, ours) = self.agree()?;
        let pin_hash = shared.pin_hash(&self.draw()?, pin);
        let scope = self.about.has_permissions.then_some((permission, rp_id));
        let command = message::get_token(shared.protocol(), &ours, &pin_hash, scope);
        let answer = self.wire.call(&command).map_err(|error| self.with_tries(error))?;
        let token = shared.decrypt(read(message::read_bytes(&answer, 2))?)?;
        Ok(Session { shared, ours, token })
    }

    /// How many tries a wrong PIN has left: the key says so only when it is asked.
    fn with_tries(&mut self, error: KeyError) -> KeyError {
        match (error, self.tries()) {
            (KeyError::WrongPin { .. }, Ok(Some(left))) => KeyError::WrongPin { left },
            (KeyError::PinPaused { .. }, Ok(Some(left))) => KeyError::PinPaused { left },
            (error, _) => error,
        }
    }

    /// Draws until it is a scalar, which is once.
    fn agree(&mut self) -> Result<(Shared, Point), KeyError> {
        let protocol = self.protocol()?;
        let theirs = self.wire.call(&message::get_key_agreement(protocol))?;
        let theirs = read(message::read_key_agreement(&theirs))?;
        loop {
            let ours = Locked::require_locked(|ours| {
                self.random.fill(ours, SECURITY_KEY, now()).map_err(KeyError::from)
            })?;
            match Shared::agree(protocol, &ours, &theirs) {
                Err(PinUvError::Scalar) => {}
                agreed => return Ok(agreed?),
            }
        }
    }

    /// Random bytes that are no secret: a vector, the number of a user, a salt for [`SecurityKey::secret`].
    ///
    /// # Errors
    /// [`KeyError::Random`].
    pub fn draw<const N: usize>(&mut self) -> Result<[u8; N], KeyError> {
        let mut bytes = [0; N];
        self.random.fill(&mut bytes, SECURITY_KEY, now())?;
        Ok(bytes)
    }

    /// Sends a request for an assertion, and checks its answer.
    ///
    /// # Returns
    /// The head of the authenticator data, what follows it, and the signature.
    fn asserted(
        &mut self,
        ask: &Ask<'_>,
        command: &[u8],
        flags: u8,
    ) -> Result<(AuthData, Vec<u8>, [u8; 64]), KeyError> {
        let answer = self.wire.call(command)?;
        let data = read(message::read_bytes(&answer, 2))?;
        let (head, rest) = data.split_first_chunk().ok_or(KeyError::Garbled)?;
        let head = checked(AuthData(*head), ask.rp_id, flags)?;
        let signature = one_form(ask.key, read(message::read_bytes(&answer, 3))?)?;
        let signed = [data, &ask.client_data_hash].concat();
        ask.key.verify(&signed, &signature).map_err(|_| KeyError::Garbled)?;
        Ok((head, rest.to_vec(), signature))
    }
}

impl SecurityKey for Key {
    fn assert(&mut self, ask: &Ask<'_>, pin: &LockedBytes) -> Result<Assertion, KeyError> {
        let session = self.session(Permission::GetAssertion, ask.rp_id, pin)?;
        let proof = session.proof(&ask.client_data_hash);
        let command = message::get_assertion(ask, None, (&proof, session.shared.protocol()));
        match self.asserted(ask, &command, BOTH)? {
            (auth_data, rest, signature) if rest.is_empty() => Ok(Assertion { auth_data, signature }),
            _ => Err(KeyError::Garbled),
        }
    }

    fn secret(&mut self, ask: &Ask<'_>, salt: &[u8; 32], pin: &LockedBytes) -> Result<Locked<32>, KeyError> {
        if !self.about.has_secret {
            return Err(KeyError::NoSecret);
        }
        let session = self.session(Permission::GetAssertion, ask.rp_id, pin)?;
        let Session { shared, ours, .. } = &session;
        let encrypted = shared.encrypt(&self.draw()?, salt);
        let tag = shared.tag(&encrypted);
        let salt = Salt { protocol: shared.protocol(), ours, encrypted: &encrypted, tag: &tag };
        let proof = session.proof(&ask.client_data_hash);
        let command = message::get_assertion(ask, Some(&salt), (&proof, shared.protocol()));
        let (_, extensions, _) = self.asserted(ask, &command, BOTH | EXTENDED)?;
        let secret = shared.decrypt(read(message::read_secret(&extensions))?)?;
        if secret.len() != 32 {
            return Err(KeyError::Garbled);
        }
        Locked::require_locked(|whole| {
            secret.with(|secret| whole.iter_mut().zip(secret).for_each(|(place, byte)| *place = *byte));
            Ok(())
        })
    }

    fn register(&mut self, new: &NewCredential<'_>, pin: &LockedBytes) -> Result<Registered, KeyError> {
        if !self.about.has_secret {
            return Err(KeyError::NoSecret);
        }
        let session = self.session(Permission::MakeCredential, new.rp_id, pin)?;
        let proof = session.proof(&new.client_data_hash);
        let command = message::make_credential(new, (&proof, session.shared.protocol()));
        let answer = self.wire.call(&command)?;
        registered(new, read(message::read_bytes(&answer, 2))?)
    }
}

/// Whether the key holds the credential, asked without a touch.
pub(super) fn holds(wire: &mut Wire, rp_id: &str, credential_id: &[u8]) -> bool {
    wire.call(&message::preflight(rp_id, credential_id)).is_ok()
}

/// The credential of the authenticator data of a new one (WebAuthn section 6.5.1): `head [37] || aaguid
/// [16] || length u16 || id || COSE key || extensions`.
fn registered(new: &NewCredential<'_>, data: &[u8]) -> Result<Registered, KeyError> {
    let (head, rest) = data.split_first_chunk().ok_or(KeyError::Garbled)?;
    let head = AuthData(*head);
    if head.flags() & BACKUP_ELIGIBLE != 0 {
        return Err(KeyError::Copied);
    }
    let extended = head.flags() & EXTENDED;
    let head = checked(head, new.rp_id, BOTH | ATTESTED | extended)?;
    let (aaguid, rest) = rest.split_first_chunk().ok_or(KeyError::Garbled)?;
    let (length, rest) = rest.split_first_chunk().ok_or(KeyError::Garbled)?;
    let length = usize::from(u16::from_be_bytes(*length));
    let (id, rest) = rest.split_at_checked(length).filter(|_| length <= 255).ok_or(KeyError::Garbled)?;
    let key = message::read_credential_key(rest).ok_or(KeyError::Algorithm)?;
    let algorithm = match key {
        CredentialKey::Es256(_) => Algorithm::Es256,
        CredentialKey::Ed25519(_) => Algorithm::EdDsa,
    };
    if !new.algorithms.contains(&algorithm) {
        return Err(KeyError::Algorithm);
    }
    if extended == 0 {
        return Err(KeyError::NoSecret);
    }
    Ok(Registered { credential_id: id.to_vec(), key, aaguid: *aaguid, sign_count: head.counter() })
}

/// Of this party, with exactly these flags.
fn checked(head: AuthData, rp_id: &str, flags: u8) -> Result<AuthData, KeyError> {
    match (head.rp_id_hash() == sha2_256(rp_id.as_bytes()), head.flags() & BOTH, head.flags() == flags) {
        (false, ..) => Err(KeyError::Garbled),
        (_, BOTH, true) => Ok(head),
        (_, BOTH, false) => Err(KeyError::Garbled),
        _ => Err(KeyError::Unverified),
    }
}

/// A signature in the one form in which the chain takes it.
fn one_form(key: &CredentialKey, signature: &[u8]) -> Result<[u8; 64], KeyError> {
    match key {
        CredentialKey::Es256(_) => es256::low_s_of_der(signature).map_err(|_| KeyError::Garbled),
        CredentialKey::Ed25519(_) => signature.try_into().map_err(|_| KeyError::Garbled),
    }
}

fn read<T>(read: Result<T, decode::Error>) -> Result<T, KeyError> {
    read.map_err(|_| KeyError::Garbled)
}
