//! Signatures, one module for each scheme and the rule it is used by.
//!
//! [`Scheme`] is what later schemes have in common: a secret key is a seed in locked memory
//! ([`SecretKey`]), and what is signed starts with a tag of the table.

pub mod ed25519;
pub mod es256;
pub mod hybrid;
pub mod ml_dsa;
#[cfg(feature = "pqcrypto")]
mod second;
pub mod slh_dsa;

use core::{fmt, marker::PhantomData};

use qratum_metal::secret::{LockedBytes, Refused};

use crate::{
    domain::{self, Tag},
    rng::{
        drbg::Moment,
        random::{self, Random},
    },
};

/// A signature that does not hold under the rule it was checked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadSignature;

impl fmt::Display for BadSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the signature does not hold")
    }
}

/// A seed of the wrong length for its scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadSeed;

impl fmt::Display for BadSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the seed is not as long as the scheme's seeds are")
    }
}

/// A signature scheme whose key pair is made of a seed, and whose signatures are of one purpose.
pub trait Scheme {
    /// Its name in the standard.
    const NAME: &'static str;
    /// Bytes of a seed.
    const SEED_LENGTH: usize;
    /// Bytes of a public key.
    const PUBLIC_KEY_LENGTH: usize;
    /// Bytes of a signature.
    const SIGNATURE_LENGTH: usize;

    /// The public key of a seed.
    ///
    /// # Errors
    /// [`BadSeed`].
    fn public(seed: &[u8]) -> Result<Vec<u8>, BadSeed>;

    /// The signature of a message for the purpose `tag`, the same each time.
    ///
    /// # Errors
    /// [`BadSeed`].
    fn sign(seed: &[u8], tag: Tag, message: &[u8]) -> Result<Vec<u8>, BadSeed>;

    /// Whether the signature is of this key, purpose and message.
    ///
    /// # Errors
    /// [`BadSignature`], also for a key or signature of the wrong length or encoding.
    fn verify(key: &[u8], tag: Tag, message: &[u8], signature: &[u8]) -> Result<(), BadSignature>;
}

/// Why nothing was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignError {
    /// The seed is of another scheme.
    Seed(BadSeed),
    /// The new signature did not verify, so it was not given out: a fault of this machine.
    Fault,
}

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seed(why) => write!(f, "{why}; nothing was signed"),
            Self::Fault => f.write_str(
                "the new signature does not verify, which says that this machine computes wrongly; it was \
                 not given out",
            ),
        }
    }
}

/// A secret key: its seed in locked memory. What is computed from it is made for one signature and
/// wiped by the scheme's library.
pub struct SecretKey<S> {
    seed: LockedBytes,
    scheme: PhantomData<S>,
}

impl<S: Scheme> fmt::Debug for SecretKey<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey([{}])", S::NAME)
    }
}

impl<S: Scheme> SecretKey<S> {
    /// A new key, drawn in place from a fresh seed of the generator.
    ///
    /// # Errors
    /// [`random::Error`].
    pub fn generate(random: &mut Random, now: Moment) -> Result<Self, random::Error> {
        let seed =
            LockedBytes::try_new_with(S::SEED_LENGTH, |seed| random.fill_key(seed, domain::KEY_SEED, now))?;
        Ok(Self { seed, scheme: PhantomData })
    }

    /// The key of a seed that `write` makes in place.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn from_seed(write: impl FnOnce(&mut [u8])) -> Result<Self, Refused> {
        Ok(Self { seed: LockedBytes::new_with(S::SEED_LENGTH, write)?, scheme: PhantomData })
    }

    /// What `see` makes of the seed: for keeping it.
    pub fn with_seed<R>(&self, see: impl FnOnce(&[u8]) -> R) -> R {
        self.seed.with(see)
    }

    /// The public half.
    ///
    /// # Errors
    /// [`BadSeed`], which a seed of this type's length is not.
    pub fn public(&self) -> Result<Vec<u8>, BadSeed> {
        self.seed.with(S::public)
    }

    /// Signs for the purpose `tag`, and verifies before the signature leaves: one that a fault of the
    /// machine spoiled could give the key away.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn sign(&self, tag: Tag, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let key = self.public().map_err(SignError::Seed)?;
        let signature = self.seed.with(|seed| S::sign(seed, tag, message)).map_err(SignError::Seed)?;
        S::verify(&key, tag, message, &signature).map_err(|BadSignature| SignError::Fault)?;
        Ok(signature)
    }
}

#[cfg(test)]
mod tests {
    use core::{cell::Cell, time::Duration};

    use super::{ml_dsa::MlDsa87, *};
    use crate::{
        domain::{ANCHOR, VOTE},
        rng::source,
    };

    const NOW: Moment = Moment { elapsed: Duration::ZERO, process: 7, resumes: 0 };

    fn random() -> Random {
        let nanoseconds = || u64::try_from(qratum_metal::process::since_boot().as_nanos()).unwrap_or(0);
        Random::start(source::local(nanoseconds), NOW).unwrap()
    }

    #[test]
    fn a_generated_key_signs_and_no_two_are_equal() {
        let mut random = random();
        let (one, two) = (
            SecretKey::<MlDsa87>::generate(&mut random, NOW).unwrap(),
            SecretKey::<MlDsa87>::generate(&mut random, NOW).unwrap(),
        );
        let signature = one.sign(ANCHOR, b"block").unwrap();
        assert_eq!(MlDsa87::verify(&one.public().unwrap(), ANCHOR, b"block", &signature), Ok(()));
        assert_eq!(MlDsa87::verify(&one.public().unwrap(), VOTE, b"block", &signature), Err(BadSignature));
        assert_ne!(one.public(), two.public());
    }

    thread_local! {
        /// Whether the scheme below computes wrongly.
        static FAULTY: Cell<bool> = const { Cell::new(false) };
    }

    /// ML-DSA-87 on a machine that may spoil a signature while it is made.
    struct Glitched;

    impl Scheme for Glitched {
        const NAME: &'static str = MlDsa87::NAME;
        const SEED_LENGTH: usize = MlDsa87::SEED_LENGTH;
        const PUBLIC_KEY_LENGTH: usize = MlDsa87::PUBLIC_KEY_LENGTH;
        const SIGNATURE_LENGTH: usize = MlDsa87::SIGNATURE_LENGTH;

        fn public(seed: &[u8]) -> Result<Vec<u8>, BadSeed> {
            MlDsa87::public(seed)
        }

        fn sign(seed: &[u8], tag: Tag, message: &[u8]) -> Result<Vec<u8>, BadSeed> {
            let mut signature = MlDsa87::sign(seed, tag, message)?;
            signature[2000] ^= u8::from(FAULTY.get());
            Ok(signature)
        }

        fn verify(key: &[u8], tag: Tag, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
            MlDsa87::verify(key, tag, message, signature)
        }
    }

    #[test]
    fn a_signature_that_does_not_verify_is_not_given_out() {
        let key = SecretKey::<Glitched>::from_seed(|seed| seed.fill(3)).unwrap();
        assert!(key.sign(ANCHOR, b"block").is_ok());
        FAULTY.set(true);
        assert_eq!(key.sign(ANCHOR, b"block"), Err(SignError::Fault));
    }
}
