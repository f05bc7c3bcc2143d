//! ML-KEM (FIPS 203) at two strengths: a secret for two, sent under the public key of one.
//!
//! A secret key is its seed, a shared secret 32 bytes, both in locked memory at rest: the
//! library takes and gives them by value, so copies pass over the stack meanwhile. A ciphertext that is of
//! another key, or spoiled, is no error: it leads to another secret ("implicit rejection"), so whoever
//! uses one must have the other side confirm it.

use core::{fmt, marker::PhantomData};

pub use ml_kem::{MlKem768, MlKem1024};
use ml_kem::{ml_kem_768, ml_kem_1024};
use qratum_metal::secret::{Locked, Refused};
use zeroize::Zeroizing;

use crate::{
    domain,
    kdf::hmac::fill,
    rng::{
        drbg::Moment,
        random::{self, Random},
    },
};

/// Bytes of a seed, `d || z` of the standard.
pub const SEED_LENGTH: usize = 64;
/// Bytes of a shared secret.
pub const SHARED_LENGTH: usize = 32;

/// A public key, an expanded secret key or a ciphertext of the wrong length or encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no key or ciphertext of this ML-KEM")
    }
}

/// Why there is no shared secret.
#[derive(Debug)]
pub enum Error {
    /// What the other side sent is none.
    Malformed(Malformed),
    /// Nothing random could be drawn.
    Random(random::Error),
    /// There is no memory for it.
    Memory(Refused),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(why) => why.fmt(f),
            Self::Random(why) => why.fmt(f),
            Self::Memory(why) => why.fmt(f),
        }
    }
}

impl core::error::Error for Error {}

impl From<Malformed> for Error {
    fn from(why: Malformed) -> Self {
        Self::Malformed(why)
    }
}

impl From<random::Error> for Error {
    fn from(why: random::Error) -> Self {
        Self::Random(why)
    }
}

impl From<Refused> for Error {
    fn from(why: Refused) -> Self {
        Self::Memory(why)
    }
}

/// A set of parameters, and what it computes: FIPS 203, section 6.
pub trait Parameters {
    /// Its name in the standard.
    const NAME: &'static str;
    /// Bytes of a public key.
    const PUBLIC_KEY_LENGTH: usize;
    /// Bytes of a ciphertext.
    const CIPHERTEXT_LENGTH: usize;

    /// `ML-KEM.KeyGen_internal(d, z)`: the public key of a seed.
    fn public(seed: &[u8; SEED_LENGTH]) -> Vec<u8>;

    /// `ML-KEM.Encaps_internal(key, m)`: writes the secret, and gives the ciphertext. `m` must be fresh
    /// and secret: see [`encapsulate`].
    ///
    /// # Errors
    /// [`Malformed`], also for a key whose numbers are not reduced (section 7.2); `shared` is untouched.
    fn encapsulate(key: &[u8], m: &[u8; 32], shared: &mut [u8; SHARED_LENGTH]) -> Result<Vec<u8>, Malformed>;

    /// `ML-KEM.Decaps_internal(seed's key, ciphertext)`: writes the secret.
    ///
    /// # Errors
    /// [`Malformed`], for a ciphertext of another length; `shared` is untouched.
    fn decapsulate(
        seed: &[u8; SEED_LENGTH],
        ciphertext: &[u8],
        shared: &mut [u8; SHARED_LENGTH],
    ) -> Result<(), Malformed>;

    /// The same with an expanded secret key, for published vectors: keys of ours are seeds.
    ///
    /// # Errors
    /// [`Malformed`], also for a key that its own hash contradicts (section 7.3).
    fn decapsulate_expanded(
        key: &[u8],
        ciphertext: &[u8],
        shared: &mut [u8; SHARED_LENGTH],
    ) -> Result<(), Malformed>;
}

/// Makes a set of the library one of ours: its name, and the lengths of FIPS 203, table 3.
macro_rules! parameters {
    ($set:ty, $module:ident, $name:literal, $key:literal, $ciphertext:literal) => {
        impl Parameters for $set {
            const NAME: &'static str = $name;
            const PUBLIC_KEY_LENGTH: usize = $key;
            const CIPHERTEXT_LENGTH: usize = $ciphertext;

            fn public(seed: &[u8; SEED_LENGTH]) -> Vec<u8> {
                use ml_kem::KeyExport as _;
                $module::DecapsulationKey::from_seed((*seed).into()).encapsulation_key().to_bytes().to_vec()
            }

            fn encapsulate(
                key: &[u8],
                m: &[u8; 32],
                shared: &mut [u8; SHARED_LENGTH],
            ) -> Result<Vec<u8>, Malformed> {
                let key = key.try_into().map_err(|_| Malformed)?;
                let key = $module::EncapsulationKey::new(&key).map_err(|_| Malformed)?;
                let (ciphertext, secret) = key.encapsulate_deterministic(m.into());
                fill(shared, &*Zeroizing::new(secret));
                Ok(ciphertext.to_vec())
            }

            fn decapsulate(
                seed: &[u8; SEED_LENGTH],
                ciphertext: &[u8],
                shared: &mut [u8; SHARED_LENGTH],
            ) -> Result<(), Malformed> {
                use ml_kem::Decapsulate as _;
                let ciphertext: $module::Ciphertext = ciphertext.try_into().map_err(|_| Malformed)?;
                let key = $module::DecapsulationKey::from_seed((*seed).into());
                fill(shared, &*Zeroizing::new(key.decapsulate(&ciphertext)));
                Ok(())
            }

            fn decapsulate_expanded(
                key: &[u8],
                ciphertext: &[u8],
                shared: &mut [u8; SHARED_LENGTH],
            ) -> Result<(), Malformed> {
                use ml_kem::Decapsulate as _;
                let ciphertext: $module::Ciphertext = ciphertext.try_into().map_err(|_| Malformed)?;
                let key = key.try_into().map_err(|_| Malformed)?;
                #[expect(deprecated, reason = "the form of published vectors")]
                let key = $module::DecapsulationKey::from_expanded(&key).map_err(|_| Malformed)?;
                fill(shared, &*Zeroizing::new(key.decapsulate(&ciphertext)));
                Ok(())
            }
        }
    };
}

parameters!(MlKem768, ml_kem_768, "ML-KEM-768", 1184, 1088);
parameters!(MlKem1024, ml_kem_1024, "ML-KEM-1024", 1568, 1568);

/// A secret key: its seed.
pub struct SecretKey<P> {
    seed: Locked<SEED_LENGTH>,
    parameters: PhantomData<P>,
}

impl<P: Parameters> fmt::Debug for SecretKey<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey([{}])", P::NAME)
    }
}

impl<P: Parameters> SecretKey<P> {
    /// A new key, drawn in place from a fresh seed of the generator.
    ///
    /// # Errors
    /// [`random::Error`].
    pub fn generate(random: &mut Random, now: Moment) -> Result<Self, random::Error> {
        let seed = Locked::try_new_with(|seed| random.fill_key(seed, domain::KEY_SEED, now))?;
        Ok(Self { seed, parameters: PhantomData })
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> Vec<u8> {
        self.seed.with(P::public)
    }

    /// The secret of a ciphertext: the one that was sent only if it was made with the public half.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::Memory`].
    pub fn decapsulate(&self, ciphertext: &[u8]) -> Result<Locked<SHARED_LENGTH>, Error> {
        Locked::try_new_with(|shared| Ok(self.seed.with(|seed| P::decapsulate(seed, ciphertext, shared))?))
    }
}

/// A new secret for the holder of `key`, and the ciphertext that tells it.
///
/// # Errors
/// [`Error`].
pub fn encapsulate<P: Parameters>(
    key: &[u8],
    random: &mut Random,
    now: Moment,
) -> Result<(Vec<u8>, Locked<SHARED_LENGTH>), Error> {
    let m = Locked::<32>::try_new_with(|m| random.fill_key(m, domain::KEM, now))?;
    let mut ciphertext = Vec::new();
    let shared = Locked::try_new_with(|shared| {
        ciphertext = m.with(|m| P::encapsulate(key, m, shared))?;
        Ok::<_, Error>(())
    })?;
    Ok((ciphertext, shared))
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;
    use crate::rng::{source, stream::Stream};

    const NOW: Moment = Moment { elapsed: Duration::ZERO, process: 7, resumes: 0 };

    fn random() -> Random {
        let nanoseconds = || u64::try_from(qratum_metal::process::since_boot().as_nanos()).unwrap_or(0);
        Random::start(source::local(nanoseconds), NOW).unwrap()
    }

    fn check<P: Parameters>() {
        let mut random = random();
        let key = SecretKey::<P>::generate(&mut random, NOW).unwrap();
        let (ciphertext, sent) = encapsulate::<P>(&key.public(), &mut random, NOW).unwrap();
        assert_eq!((key.public().len(), ciphertext.len()), (P::PUBLIC_KEY_LENGTH, P::CIPHERTEXT_LENGTH));
        assert!(key.decapsulate(&ciphertext).unwrap().ct_eq(&sent));
        let (_, again) = encapsulate::<P>(&key.public(), &mut random, NOW).unwrap();
        assert!(!again.ct_eq(&sent), "no two are equal");
        let other = SecretKey::<P>::generate(&mut random, NOW).unwrap();
        let other = other.decapsulate(&ciphertext).unwrap();
        assert!(!other.ct_eq(&sent));
        for at in (0..ciphertext.len()).step_by(97) {
            let mut bad = ciphertext.clone();
            bad[at] ^= 1;
            let (one, two) = (key.decapsulate(&bad).unwrap(), key.decapsulate(&bad).unwrap());
            assert!(!one.ct_eq(&sent) && !one.ct_eq(&other), "{}: byte {at}", P::NAME);
            assert!(one.ct_eq(&two), "a spoiled ciphertext always leads to the same secret");
        }
        assert_eq!(format!("{key:?}"), format!("SecretKey([{}])", P::NAME));
    }

    #[test]
    fn both_sides_have_the_secret_and_nobody_else() {
        check::<MlKem768>();
        check::<MlKem1024>();
    }

    fn check_malformed<P: Parameters>() {
        let (key, mut shared) = (P::public(&[3; SEED_LENGTH]), [7; SHARED_LENGTH]);
        let ciphertext = P::encapsulate(&key, &[5; 32], &mut shared).unwrap();
        let mut untouched = [7; SHARED_LENGTH];
        // Twelve bits of ones are no number below 3329.
        let unreduced = [&[0xff, 0xff], &key[2..]].concat();
        for bad in [&key[1..], &[&key[..], &[0]].concat(), &unreduced, &[]] {
            assert_eq!(P::encapsulate(bad, &[5; 32], &mut untouched), Err(Malformed));
        }
        for bad in [&ciphertext[1..], &[&ciphertext[..], &[0]].concat(), &[]] {
            assert_eq!(P::decapsulate(&[3; SEED_LENGTH], bad, &mut untouched), Err(Malformed));
        }
        assert_eq!(untouched, [7; SHARED_LENGTH]);
    }

    #[test]
    fn what_is_no_key_or_ciphertext_is_refused_and_writes_nothing() {
        check_malformed::<MlKem768>();
        check_malformed::<MlKem1024>();
    }

    /// Keys, ciphertexts and secrets are equal, also the secret of a spoiled ciphertext.
    macro_rules! agrees {
        ($ours:ty, $theirs:ident, $random:expr) => {{
            use fips203::traits::{Decaps as _, Encaps as _, KeyGen as _, SerDes as _};
            let seed: [u8; 64] = $random.bytes(64).try_into().unwrap();
            let m: [u8; 32] = $random.bytes(32).try_into().unwrap();
            let (d, z) = (seed[..32].try_into().unwrap(), seed[32..].try_into().unwrap());
            let (public, secret) = fips203::$theirs::KG::keygen_from_seed(d, z);
            assert_eq!(public.clone().into_bytes().as_slice(), <$ours>::public(&seed));
            let (theirs, their_ciphertext) = public.encaps_from_seed(&m);
            let mut shared = [0; SHARED_LENGTH];
            let mut ciphertext = <$ours>::encapsulate(&<$ours>::public(&seed), &m, &mut shared).unwrap();
            assert_eq!(ciphertext, their_ciphertext.into_bytes());
            assert_eq!(shared, theirs.into_bytes());
            ciphertext[100] ^= 1;
            <$ours>::decapsulate(&seed, &ciphertext, &mut shared).unwrap();
            let bytes = ciphertext.try_into().unwrap();
            let spoiled = fips203::$theirs::CipherText::try_from_bytes(bytes).unwrap();
            assert_eq!(shared, secret.try_decaps(&spoiled).unwrap().into_bytes());
        }};
    }

    #[test]
    fn equals_the_fips203_crate() {
        let mut random = Stream::new(b"ml-kem");
        for _ in 0..5 {
            agrees!(MlKem768, ml_kem_768, random);
            agrees!(MlKem1024, ml_kem_1024, random);
        }
    }
}
