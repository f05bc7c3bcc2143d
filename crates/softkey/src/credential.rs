//! Making credentials and asserting with them (CTAP 2.1 sections 6.1, 6.2 and 12.5).
//!
//! A credential's private key is not kept: it derives from the seed and the credential's number
//! (`algorithm [1] || nonce [16] || tag [16]`), whose tag says that it is of this key and party. So one
//! seed, party and user give one credential, wherever the key runs.

use ed25519_dalek::Signer as _;
use p256::{SecretKey, ecdsa};
use sha2::{Digest as _, Sha256};

use crate::{
    cbor::{Value, map},
    key::{Algorithm, ID, Id, Key, Status, Stop},
    protocol::{cose_ec2, hmac},
    script::Counting,
};

/// This kind of key, of which there is one.
pub const AAGUID: [u8; 16] = *b"qratum softkey\0\0";

const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const ATTESTED: u8 = 0x40;
const EXTENDED: u8 = 0x80;

/// How the secret of a credential signs.
enum Signer {
    Es256(SecretKey),
    EdDsa(ed25519_dalek::SigningKey),
}

impl Signer {
    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Es256(secret) => {
                let signature: ecdsa::Signature = ecdsa::SigningKey::from(secret).sign(message);
                signature.to_der().as_bytes().to_vec()
            }
            Self::EdDsa(secret) => secret.sign(message).to_bytes().to_vec(),
        }
    }

    fn cose(&self) -> Value {
        match self {
            Self::Es256(secret) => cose_ec2(&secret.public_key(), Algorithm::Es256.number()),
            Self::EdDsa(secret) => {
                let x = secret.verifying_key().to_bytes();
                let algorithm = Value::Int(Algorithm::EdDsa.number());
                map([(1, 1.into()), (3, algorithm), (-1, 6.into()), (-2, x.as_slice().into())])
            }
        }
    }
}

/// The parts of a request for either.
struct Asked<'a> {
    rp_id: &'a str,
    client_data_hash: &'a [u8],
    options: Option<&'a Value>,
    extension: Option<&'a Value>,
}

impl Asked<'_> {
    fn option(&self, name: &str) -> Option<bool> {
        self.options?.get(name)?.bool()
    }
}

impl Key {
    /// The credential of this party and user.
    #[must_use]
    pub fn id(&self, algorithm: Algorithm, rp_id: &str, user: &[u8]) -> Id {
        let party: [u8; 32] = Sha256::digest(rp_id).into();
        let generation = self.generation.to_be_bytes();
        let nonce = hmac(&self.settings.seed, &[b"nonce", &generation, &party, user]);
        let mut id = [0; ID];
        let parts = [algorithm as u8].into_iter().chain(nonce.into_iter().take(16));
        id.iter_mut().zip(parts).for_each(|(place, byte)| *place = byte);
        let tag = self.tag_of(&id, &party);
        id.iter_mut().skip(17).zip(tag).for_each(|(place, byte)| *place = byte);
        id
    }

    fn tag_of(&self, id: &Id, party: &[u8; 32]) -> [u8; 32] {
        let head = id.get(..17).unwrap_or_default();
        hmac(&self.settings.seed, &[b"tag", &self.generation.to_be_bytes(), party, head])
    }

    /// The credential of these bytes, where it is one of this key and party.
    fn known(&self, id: &[u8], rp_id: &str) -> Option<(Id, Signer)> {
        let id: Id = id.try_into().ok()?;
        let tag = self.tag_of(&id, &Sha256::digest(rp_id).into());
        (id.get(17..) == tag.get(..16)).then_some(())?;
        let derived = |try_number: u8| hmac(&self.settings.seed, &[b"private", &[try_number], &id]);
        let signer = match id.first()? {
            7 => Signer::Es256((0..=u8::MAX).find_map(|n| SecretKey::from_slice(&derived(n)).ok())?),
            8 => Signer::EdDsa(ed25519_dalek::SigningKey::from_bytes(&derived(0))),
            _ => return None,
        };
        Some((id, signer))
    }

    /// The public key of a credential of this key, as COSE writes it.
    #[must_use]
    pub fn public(&self, id: &Id, rp_id: &str) -> Option<Value> {
        self.known(id, rp_id).map(|(_, signer)| signer.cose())
    }

    /// authenticatorMakeCredential.
    pub(crate) fn make_credential(&mut self, request: &Value, touched: bool) -> Result<Value, Stop> {
        let missing = Stop::Status(Status::MissingParameter);
        let client_data_hash = request.get(1).and_then(Value::bytes).ok_or(missing)?;
        let rp_id = request.get(2).and_then(|rp| rp.get("id")).and_then(Value::text).ok_or(missing)?;
        let user = request.get(3).and_then(|user| user.get("id")).and_then(Value::bytes).ok_or(missing)?;
        let asked = Asked { rp_id, client_data_hash, options: request.get(7), extension: request.get(6) };
        if asked.option("rk") == Some(true) || asked.option("up") == Some(false) {
            return Err(Stop::Status(Status::UnsupportedOption));
        }
        let wanted = request.get(4).map(Value::items).unwrap_or_default();
        let numbers = wanted.iter().filter_map(|one| one.get("alg")?.int());
        let mut known = numbers.filter_map(|n| self.settings.algorithms.iter().find(|a| a.number() == n));
        let algorithm = *known.next().ok_or(Stop::Status(Status::UnsupportedAlgorithm))?;
        let is_verified = self.is_verified((request.get(8), request.get(9)), client_data_hash, 1, rp_id)?;
        if self.pin.hash.is_some() && !is_verified {
            return Err(Stop::Status(Status::PinRequired));
        }
        if !touched {
            return Err(Stop::Touch);
        }
        self.spend_token();
        let excluded = request.get(5).map(Value::items).unwrap_or_default();
        let mut ids = excluded.iter().filter_map(|one| one.get("id")?.bytes());
        if ids.any(|id| self.known(id, rp_id).is_some()) {
            return Err(Stop::Status(Status::CredentialExcluded));
        }
        let id = self.id(algorithm, rp_id, user);
        self.attested(&id, &asked, is_verified)
    }

    /// The answer for a new credential, attested by itself.
    fn attested(&mut self, id: &Id, asked: &Asked<'_>, is_verified: bool) -> Result<Value, Stop> {
        let (_, signer) = self.known(id, asked.rp_id).ok_or(Stop::Status(Status::Other))?;
        let extension = asked.extension.and_then(|all| all.get("hmac-secret")?.bool());
        let extension = extension.map(|wanted| map([("hmac-secret", wanted.into())]));
        let flags = ATTESTED | PRESENT | if is_verified { VERIFIED } else { 0 };
        let counter = self.count(id);
        let mut data = head(asked.rp_id, flags | extended(&extension), counter);
        data.extend([AAGUID.as_slice(), &[0, ID as u8], id, &signer.cose().write()].concat());
        data.extend(extension.iter().flat_map(Value::write));
        let signature = signer.sign(&[&data, asked.client_data_hash].concat());
        let algorithm = Value::Int(-i64::from(id.first().copied().unwrap_or_default()));
        let statement = map([("alg", algorithm), ("sig", Value::Bytes(signature))]);
        Ok(map([(1, "packed".into()), (2, Value::Bytes(data)), (3, statement)]))
    }

    /// authenticatorGetAssertion.
    pub(crate) fn get_assertion(&mut self, request: &Value, touched: bool) -> Result<Value, Stop> {
        let missing = Stop::Status(Status::MissingParameter);
        let rp_id = request.get(1).and_then(Value::text).ok_or(missing)?;
        let client_data_hash = request.get(2).and_then(Value::bytes).ok_or(missing)?;
        let asked = Asked { rp_id, client_data_hash, options: request.get(5), extension: request.get(4) };
        if asked.option("uv") == Some(true) {
            return Err(Stop::Status(Status::InvalidOption));
        }
        let is_verified = self.is_verified((request.get(6), request.get(7)), client_data_hash, 2, rp_id)?;
        let allowed = request.get(3).map(Value::items).unwrap_or_default();
        let mut ids = allowed.iter().filter_map(|one| one.get("id")?.bytes());
        let found = ids.find_map(|id| self.known(id, rp_id));
        let (id, signer) = found.ok_or(Stop::Status(Status::NoCredentials))?;
        let is_present = asked.option("up") != Some(false);
        let salts = asked.extension.and_then(|all| all.get("hmac-secret"));
        if salts.is_some() && !is_present {
            return Err(Stop::Status(Status::UnsupportedOption));
        }
        if is_present && !touched {
            return Err(Stop::Touch);
        }
        let extension = match salts {
            Some(salts) => Some(map([("hmac-secret", self.secrets(&id, salts, is_verified)?)])),
            None => None,
        };
        if is_present {
            self.spend_token();
        }
        let present = if is_present { PRESENT } else { 0 };
        let flags = present | if is_verified { VERIFIED } else { 0 };
        let counter = self.count(&id);
        let mut data = head(rp_id, flags | extended(&extension), counter);
        data.extend(extension.iter().flat_map(Value::write));
        let signature = signer.sign(&[&data, client_data_hash].concat());
        self.counts.signatures += u32::from(is_present);
        let credential = map([("id", id.as_slice().into()), ("type", "public-key".into())]);
        Ok(map([(1, credential), (2, Value::Bytes(data)), (3, Value::Bytes(signature))]))
    }

    /// `HMAC(CredRandom, salt)` for one or two salts, of a CredRandom for verified users or for others.
    fn secrets(&mut self, id: &Id, asked: &Value, is_verified: bool) -> Result<Value, Stop> {
        let missing = Stop::Status(Status::MissingParameter);
        let theirs = asked.get(1).ok_or(missing)?;
        let shared = self.shared_with(asked.get(4).and_then(Value::int), theirs)?;
        let salts = asked.get(2).and_then(Value::bytes).ok_or(missing)?;
        if !shared.verifies(salts, asked.get(3).and_then(Value::bytes).ok_or(missing)?) {
            return Err(Stop::Status(Status::PinAuthInvalid));
        }
        let salts = shared.decrypt(salts).filter(|salts| matches!(salts.len(), 32 | 64));
        let salts = salts.ok_or(Stop::Status(Status::InvalidLength))?;
        let random = hmac(&self.settings.seed, &[b"hmac-secret", &[u8::from(is_verified)], id]);
        let secrets = salts.chunks(32).flat_map(|salt| hmac(&random, &[salt])).collect::<Vec<_>>();
        let iv = self.draw_iv();
        Ok(Value::Bytes(shared.encrypt(&iv, &secrets)))
    }

    /// Counts a use of the credential.
    fn count(&mut self, id: &Id) -> u32 {
        self.total = self.total.wrapping_add(1);
        let own = self.counters.entry(*id).or_default();
        *own = own.wrapping_add(1);
        match self.settings.counting {
            Counting::Zero => 0,
            Counting::Credential => *own,
            Counting::Global => self.total,
            Counting::Backwards => u32::MAX.wrapping_sub(self.total),
        }
    }
}

const fn extended(extension: &Option<Value>) -> u8 {
    if extension.is_some() { EXTENDED } else { 0 }
}

/// `SHA-256(rp id) || flags || counter`.
fn head(rp_id: &str, flags: u8, counter: u32) -> Vec<u8> {
    [Sha256::digest(rp_id).as_slice(), &[flags], &counter.to_be_bytes()].concat()
}
