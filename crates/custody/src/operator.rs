//! The key of an operator who vouches for anchor checkpoints: Ed25519 and SLH-DSA-SHA2-192s, made in
//! locked memory, kept on a disk under a passphrase, opened to sign and forgotten.
//!
//! ```text
//! tag                       QRATUM/custody/operator-key/v1 and a zero byte
//! memory, passes, lanes     u32 each, little-endian: what a guess of the passphrase costs (Argon2id)
//! salt                  16
//! nonce                 12
//! commitment            32  to the key that the passphrase leads to
//! public key            80
//! seed                 104  sealed by AES-256-GCM-SIV, with all before it as associated data
//! its tag               16
//! ```

use std::{error::Error, fmt};

use qratum_chain::types::{Checkpoint, Endorsement, OperatorKey};
use qratum_crypto::{
    aead,
    domain::{self, OPERATOR_KEY, SEAL},
    kdf::argon2::{self, Cost},
    sign::{Scheme, SecretKey, SignError, hybrid::WithSlhDsa},
};
use qratum_metal::secret::{Locked, LockedBytes, ct_eq};

use crate::{
    derived::{Keys, SealError},
    entropy::{Moment, Random},
};

const SALT: usize = 16;
const SEED: usize = WithSlhDsa::SEED_LENGTH;
/// Bytes before the sealed seed, behind the tag.
const HEAD: usize = 12 + SALT + aead::NONCE_LENGTH + 32 + OperatorKey::LENGTH;
/// The least length of a passphrase in bytes.
pub const LEAST_PASSPHRASE: usize = 12;

/// Why a file is no key, or signs nothing.
#[derive(Debug)]
pub enum OperatorKeyError {
    /// Not such a file, or of another version.
    Form,
    /// The passphrase is not the one it was sealed with.
    Passphrase,
    /// The passphrase is right, and what is sealed was changed.
    Tampered,
    /// It asks for more memory or time than is ever spent, or there is not so much.
    Cost(argon2::Refused),
    /// The passphrase is shorter than [`LEAST_PASSPHRASE`].
    Short,
    /// There is no memory for the key, or no randomness for a new one.
    Seal(SealError),
    /// The machine computed a wrong signature.
    Sign(SignError),
}

impl fmt::Display for OperatorKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => f.write_str("not a key of an operator, or of another version"),
            Self::Passphrase => f.write_str("the passphrase is not the one of this key"),
            Self::Tampered => f.write_str("the passphrase is right, but the file was changed since"),
            Self::Cost(why) => why.fmt(f),
            Self::Short => write!(f, "a passphrase has at least {LEAST_PASSPHRASE} bytes"),
            Self::Seal(why) => why.fmt(f),
            Self::Sign(why) => why.fmt(f),
        }
    }
}

impl Error for OperatorKeyError {}

impl<E: Into<SealError>> From<E> for OperatorKeyError {
    fn from(why: E) -> Self {
        Self::Seal(why.into())
    }
}

/// An operator's secret key.
#[derive(Debug)]
pub struct Operator {
    secret: SecretKey<WithSlhDsa>,
    public: OperatorKey,
}

impl Operator {
    /// A new key, from a fresh seed of the generator.
    ///
    /// # Errors
    /// [`OperatorKeyError::Seal`].
    pub fn generate(random: &mut Random, now: Moment) -> Result<Self, OperatorKeyError> {
        Self::of(SecretKey::generate(random, now)?)
    }

    fn of(secret: SecretKey<WithSlhDsa>) -> Result<Self, OperatorKeyError> {
        let public = secret.public().map_err(|why| OperatorKeyError::Sign(SignError::Seed(why)))?;
        let public = public.first_chunk().and_then(OperatorKey::new).ok_or(OperatorKeyError::Form)?;
        Ok(Self { secret, public })
    }

    /// The public half.
    #[must_use]
    pub const fn public(&self) -> &OperatorKey {
        &self.public
    }

    /// Vouches for a checkpoint. Takes seconds.
    ///
    /// # Errors
    /// [`OperatorKeyError::Sign`].
    pub fn endorse(&self, checkpoint: &Checkpoint) -> Result<Endorsement, OperatorKeyError> {
        let signature = self.secret.sign(domain::ANCHOR, &checkpoint.sign_bytes());
        let signature = signature.map_err(OperatorKeyError::Sign)?;
        Ok(Endorsement { key: self.public.clone(), signature })
    }

    /// The file that keeps this key under a passphrase.
    ///
    /// # Errors
    /// [`OperatorKeyError`].
    pub fn seal(
        &self,
        passphrase: &LockedBytes,
        random: &mut Random,
        now: Moment,
    ) -> Result<Vec<u8>, OperatorKeyError> {
        self.seal_at(Cost::RECOMMENDED, passphrase, random, now)
    }

    fn seal_at(
        &self,
        cost: Cost,
        passphrase: &LockedBytes,
        random: &mut Random,
        now: Moment,
    ) -> Result<Vec<u8>, OperatorKeyError> {
        if passphrase.len() < LEAST_PASSPHRASE {
            return Err(OperatorKeyError::Short);
        }
        let (mut salt, mut nonce) = ([0; SALT], [0; aead::NONCE_LENGTH]);
        random.fill(&mut salt, OPERATOR_KEY, now)?;
        random.fill(&mut nonce, OPERATOR_KEY, now)?;
        let keys = keys(passphrase, &salt, cost)?;
        let Cost { memory_kib, passes, lanes } = cost;
        let mut file = OPERATOR_KEY.bytes().to_vec();
        [memory_kib, passes, lanes].iter().for_each(|cost| file.extend_from_slice(&cost.to_le_bytes()));
        file.extend_from_slice(&salt);
        file.extend_from_slice(&nonce);
        file.extend_from_slice(&keys.commitment()?);
        file.extend_from_slice(&self.public.bytes());
        let seed =
            self.secret.with_seed(|seed| LockedBytes::new_with(SEED, |copy| copy.copy_from_slice(seed)));
        let mut seed = seed?;
        let tag = keys.key(SEAL)?.with(|key| seed.with_mut(|seed| aead::seal(key, &nonce, &file, seed)));
        let tag = tag.map_err(|_| SealError::TooLong)?;
        seed.with(|sealed| file.extend_from_slice(sealed));
        file.extend_from_slice(&tag);
        Ok(file)
    }

    /// The key that a file keeps.
    ///
    /// # Errors
    /// [`OperatorKeyError`], for the first thing that is wrong.
    pub fn open(file: &[u8], passphrase: &LockedBytes) -> Result<Self, OperatorKeyError> {
        let sealed = Sealed::read(file).ok_or(OperatorKeyError::Form)?;
        let keys = keys(passphrase, &sealed.salt, sealed.cost)?;
        if !ct_eq(&keys.commitment()?, &sealed.commitment) {
            return Err(OperatorKeyError::Passphrase);
        }
        let key = keys.key(SEAL)?;
        let mut opened = Ok(());
        let secret = SecretKey::from_seed(|seed| {
            seed.copy_from_slice(&sealed.seed);
            opened = key.with(|key| aead::open(key, &sealed.nonce, sealed.head, seed, &sealed.tag));
        })?;
        opened.map_err(|_| OperatorKeyError::Tampered)?;
        Self::of(secret)
    }

    /// The public key that a file says it keeps: for people, before the passphrase is typed.
    #[must_use]
    pub fn said(file: &[u8]) -> Option<OperatorKey> {
        Sealed::read(file).map(|sealed| sealed.public)
    }
}

/// The parts of a file.
struct Sealed<'a> {
    /// All that is not sealed.
    head: &'a [u8],
    cost: Cost,
    salt: [u8; SALT],
    nonce: [u8; aead::NONCE_LENGTH],
    commitment: [u8; 32],
    public: OperatorKey,
    seed: [u8; SEED],
    tag: [u8; aead::TAG_LENGTH],
}

impl<'a> Sealed<'a> {
    /// None where the length or the tag is another.
    fn read(file: &'a [u8]) -> Option<Self> {
        let rest = file.strip_prefix(OPERATOR_KEY.bytes())?;
        let head = file.get(..file.len().checked_sub(SEED + aead::TAG_LENGTH)?)?;
        if rest.len() != HEAD + SEED + aead::TAG_LENGTH {
            return None;
        }
        let (memory, rest) = rest.split_first_chunk()?;
        let (passes, rest) = rest.split_first_chunk()?;
        let (lanes, rest) = rest.split_first_chunk()?;
        let [memory_kib, passes, lanes] = [memory, passes, lanes].map(|cost| u32::from_le_bytes(*cost));
        let (salt, rest) = rest.split_first_chunk()?;
        let (nonce, rest) = rest.split_first_chunk()?;
        let (commitment, rest) = rest.split_first_chunk()?;
        let (public, rest) = rest.split_first_chunk()?;
        let (seed, tag) = rest.split_first_chunk()?;
        Some(Self {
            head,
            cost: Cost { memory_kib, passes, lanes },
            salt: *salt,
            nonce: *nonce,
            commitment: *commitment,
            public: OperatorKey::new(public)?,
            seed: *seed,
            tag: tag.try_into().ok()?,
        })
    }
}

/// What a passphrase leads to.
fn keys(passphrase: &LockedBytes, salt: &[u8], cost: Cost) -> Result<Keys, OperatorKeyError> {
    let root = Locked::try_new_with(|root| {
        passphrase
            .with(|passphrase| argon2::derive(passphrase, salt, cost, root))
            .map_err(OperatorKeyError::Cost)
    })?;
    Ok(Keys::new(&root, OPERATOR_KEY, salt)?)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use qratum_chain::{
        Hash,
        types::{BlockId, ChainId, Height, SetId, Time},
    };

    use super::*;
    use crate::entropy::{now, sources};

    fn passphrase(text: &str) -> LockedBytes {
        LockedBytes::new_with(text.len(), |bytes| bytes.copy_from_slice(text.as_bytes())).unwrap()
    }

    fn checkpoint() -> Checkpoint {
        Checkpoint {
            chain_id: ChainId(Hash([1; 32])),
            height: Height(90),
            time: Time(7),
            set_id: SetId(4),
            block_id: BlockId(Hash([2; 32])),
            validators_hash: Hash([3; 32]),
            next_validators_hash: Hash([4; 32]),
            not_after: Time(99),
        }
    }

    #[test]
    fn a_sealed_key_opens_under_its_passphrase_only_and_every_change_has_its_reason() {
        let mut random = Random::start(sources(Path::new("/nonexistent")).unwrap(), now()).unwrap();
        let operator = Operator::generate(&mut random, now()).unwrap();
        let right = passphrase("correct horse battery");
        let cheap = Cost { memory_kib: 64, passes: 2, lanes: 2 };
        let file = operator.seal_at(cheap, &right, &mut random, now()).unwrap();
        assert_eq!(Operator::said(&file).as_ref(), Some(operator.public()));
        let again = operator.seal(&right, &mut random, now()).unwrap();
        assert_ne!(file, again, "another salt and nonce");
        assert!(Operator::open(&again, &right).is_ok(), "at the recommended cost too");
        let opened = Operator::open(&file, &right).unwrap();
        assert_eq!(opened.public(), operator.public());
        // The last 24 bytes are PK.seed, a part of the public key.
        operator.secret.with_seed(|seed| {
            let seed = &seed[..SEED - 24];
            assert!(file.windows(8).all(|window| !seed.windows(8).any(|secret| secret == window)));
        });

        let reason = |file: &[u8], typed: &LockedBytes| Operator::open(file, typed).unwrap_err().to_string();
        let wrong = OperatorKeyError::Passphrase.to_string();
        assert_eq!(reason(&file, &passphrase("correct horse batterz")), wrong);
        let changed = |at: usize| {
            let mut file = file.clone();
            file[at] ^= 1;
            reason(&file, &right)
        };
        let tag = OPERATOR_KEY.bytes().len();
        let (salt, nonce) = (tag + 12, tag + 12 + SALT);
        let (commitment, public, seed) = (nonce + 12, nonce + 44, nonce + 124);
        let (form, tampered) = (OperatorKeyError::Form.to_string(), OperatorKeyError::Tampered.to_string());
        assert_eq!(changed(0), form);
        assert_eq!(changed(tag + 3), OperatorKeyError::Cost(argon2::Refused::Cost).to_string());
        for at in [tag, tag + 4, tag + 8, salt, commitment, commitment + 31] {
            assert_eq!(changed(at), wrong, "byte {at}");
        }
        for at in [nonce, public, public + 79, seed, seed + 103, file.len() - 1] {
            assert_eq!(changed(at), tampered, "byte {at}");
        }
        for length in [0, tag, file.len() - 1] {
            assert_eq!(reason(&file[..length], &right), form, "{length} bytes");
        }
        let short = operator.seal(&passphrase("elevenbytes"), &mut random, now());
        assert!(matches!(short, Err(OperatorKeyError::Short)));
    }

    #[test]
    fn an_endorsement_has_both_halves_over_the_tagged_bytes() {
        let secret = SecretKey::from_seed(|seed| seed.fill(7)).unwrap();
        let operator = Operator::of(secret).unwrap();
        let endorsement = operator.endorse(&checkpoint()).unwrap();
        assert_eq!(endorsement.signature.len(), Endorsement::LENGTH);
        let key = operator.public().bytes();
        let bytes = checkpoint().sign_bytes();
        assert!(bytes.starts_with(b"QRATUM/chain/anchor/v1\0"));
        let halves = WithSlhDsa::halves(&key, domain::ANCHOR, &bytes, &endorsement.signature);
        assert_eq!(halves, Ok([true, true]));
    }
}
