//! A configuration that is sealed at rest once a key is enrolled. What is needed before unlock (the
//! network, anchors, the theme) stays readable, and is told apart from what may be believed.
//!
//! ```text
//! tag                       QRATUM/custody/config/v1 and a zero byte
//! home                  32  which home it is of
//! nonce                 12
//! commitment            32  to the key
//! length                 4  of what is readable, little-endian
//! readable
//! mac                   64  HMAC-SHA3-512 over all before it
//! sealed                    by AES-256-GCM-SIV, with all before it as associated data
//! its tag               16
//! ```
//!
//! An older file of the same home is not told from the newest: that takes a counter that lies elsewhere.

use std::{error::Error, fmt};

use qratum_crypto::{
    aead,
    domain::{CONFIG, MAC, SEAL},
    kdf::hmac::Hmac,
};
use qratum_metal::secret::{Locked, LockedBytes, ct_eq};

use crate::{
    derived::{Keys, SealError},
    entropy::{Moment, Random},
};

const MAC_LENGTH: usize = 64;
/// The longest part in bytes.
pub const MAX_PART: usize = 1 << 20;

/// What tells one home from another: drawn when the first key is enrolled, kept with that enrolment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HomeId(pub [u8; 32]);

/// Why a configuration is not obeyed.
#[derive(Debug)]
pub enum ConfigFault {
    /// A key is enrolled, and the file is not sealed: somebody put another in its place.
    NotSealed,
    /// It is cut, or longer than any.
    Form,
    /// It is of another home.
    OtherHome,
    /// It was sealed with another key.
    OtherKey,
    /// What is readable was changed.
    Readable,
    /// What is sealed was changed.
    Sealed,
    /// There is no memory for a key.
    Seal(SealError),
}

impl fmt::Display for ConfigFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotSealed => "a key is enrolled and the configuration is not sealed: it was replaced",
            Self::Form => "the sealed configuration is cut or malformed",
            Self::OtherHome => "the sealed configuration is that of another home",
            Self::OtherKey => "the configuration was sealed with another key",
            Self::Readable => "the readable part of the configuration was changed since it was sealed",
            Self::Sealed => "the sealed part of the configuration was changed since it was sealed",
            Self::Seal(why) => return why.fmt(f),
        })
    }
}

impl Error for ConfigFault {}

impl<E: Into<SealError>> From<E> for ConfigFault {
    fn from(why: E) -> Self {
        Self::Seal(why.into())
    }
}

/// Seals a configuration of two parts for `home`, under a key in locked memory.
///
/// # Errors
/// [`SealError`].
pub fn seal(
    key: &Locked<32>,
    home: HomeId,
    readable: &[u8],
    secret: &LockedBytes,
    (random, now): (&mut Random, Moment),
) -> Result<Vec<u8>, SealError> {
    if readable.len().max(secret.len()) > MAX_PART {
        return Err(SealError::TooLong);
    }
    let mut nonce = [0; aead::NONCE_LENGTH];
    random.fill(&mut nonce, CONFIG, now)?;
    let keys = Keys::new(key, CONFIG, &home.0)?;
    let mut file = CONFIG.bytes().to_vec();
    file.extend_from_slice(&home.0);
    file.extend_from_slice(&nonce);
    file.extend_from_slice(&keys.commitment()?);
    file.extend_from_slice(&u32::try_from(readable.len()).unwrap_or(u32::MAX).to_le_bytes());
    file.extend_from_slice(readable);
    let mut mac = [0; MAC_LENGTH];
    keys.key(MAC)?.with(|key| Hmac::new(key).mac(&[&file], &mut mac));
    file.extend_from_slice(&mac);
    let mut sealed =
        secret.with(|secret| LockedBytes::new_with(secret.len(), |copy| copy.copy_from_slice(secret)))?;
    let tag = keys.key(SEAL)?.with(|key| sealed.with_mut(|text| aead::seal(key, &nonce, &file, text)));
    let tag = tag.map_err(|_| SealError::TooLong)?;
    sealed.with(|sealed| file.extend_from_slice(sealed));
    file.extend_from_slice(&tag);
    Ok(file)
}

/// A sealed configuration of which nothing was checked yet.
#[derive(Clone, Debug)]
pub struct SealedConfig<'a> {
    home: HomeId,
    nonce: [u8; aead::NONCE_LENGTH],
    commitment: [u8; 32],
    readable: &'a [u8],
    /// All that the MAC covers.
    maced: &'a [u8],
    mac: [u8; MAC_LENGTH],
    /// All that is not sealed.
    head: &'a [u8],
    sealed: &'a [u8],
    tag: [u8; aead::TAG_LENGTH],
}

impl<'a> SealedConfig<'a> {
    /// The parts of a file; whoever has enrolled a key takes no other.
    ///
    /// # Errors
    /// [`ConfigFault::NotSealed`], [`ConfigFault::Form`].
    pub fn read(file: &'a [u8]) -> Result<Self, ConfigFault> {
        let rest = file.strip_prefix(CONFIG.bytes()).ok_or(ConfigFault::NotSealed)?;
        Self::parts(file, rest).ok_or(ConfigFault::Form)
    }

    fn parts(file: &'a [u8], rest: &'a [u8]) -> Option<Self> {
        let (home, rest) = rest.split_first_chunk()?;
        let (nonce, rest) = rest.split_first_chunk()?;
        let (commitment, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (readable, rest) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        let maced = file.get(..file.len().checked_sub(rest.len())?)?;
        let (mac, rest) = rest.split_first_chunk()?;
        let head = file.get(..file.len().checked_sub(rest.len())?)?;
        let (sealed, tag) = rest.split_last_chunk()?;
        (readable.len().max(sealed.len()) <= MAX_PART).then_some(Self {
            home: HomeId(*home),
            nonce: *nonce,
            commitment: *commitment,
            readable,
            maced,
            mac: *mac,
            head,
            sealed,
            tag: *tag,
        })
    }

    /// The readable part, before unlock. Nobody vouches for it yet: it may say where to look, and no more.
    #[must_use]
    pub const fn unverified(&self) -> &'a [u8] {
        self.readable
    }

    /// Unlocks: checks what was readable, and opens what was sealed into locked memory. Returns both.
    ///
    /// # Errors
    /// [`ConfigFault`], for the first thing that is wrong; then nothing of the file is to be obeyed.
    pub fn open(&self, key: &Locked<32>, home: HomeId) -> Result<(&'a [u8], LockedBytes), ConfigFault> {
        if self.home != home {
            return Err(ConfigFault::OtherHome);
        }
        let keys = Keys::new(key, CONFIG, &home.0)?;
        if !ct_eq(&keys.commitment()?, &self.commitment) {
            return Err(ConfigFault::OtherKey);
        }
        let mac = keys.key(MAC)?.with(|key| Hmac::new(key).verify(&[self.maced], &self.mac));
        mac.map_err(|_| ConfigFault::Readable)?;
        let key = keys.key(SEAL)?;
        let secret = LockedBytes::try_new_with(self.sealed.len(), |text| {
            text.copy_from_slice(self.sealed);
            key.with(|key| aead::open(key, &self.nonce, self.head, text, &self.tag))
                .map_err(|_| ConfigFault::Sealed)
        })?;
        Ok((self.readable, secret))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::entropy::{now, sources};

    const HOME: HomeId = HomeId([1; 32]);
    const READABLE: &[u8] = b"[anchors]\nthreshold = 2\n";
    const SECRET: &str = "[alerts]\nown = [\"north\"]\n";

    fn random() -> Random {
        Random::start(sources(Path::new("/nonexistent")).unwrap(), now()).unwrap()
    }

    fn root(byte: u8) -> Locked<32> {
        Locked::new_with(|bytes| bytes.fill(byte)).unwrap()
    }

    fn sealed(key: u8, home: HomeId, random: &mut Random) -> Vec<u8> {
        let secret = LockedBytes::new_with(SECRET.len(), |it| it.copy_from_slice(SECRET.as_bytes()));
        seal(&root(key), home, READABLE, &secret.unwrap(), (random, now())).unwrap()
    }

    /// What opening under key 7 in the home comes to, in words.
    fn opened(file: &[u8], home: HomeId) -> Result<(Vec<u8>, String), String> {
        let (readable, secret) = SealedConfig::read(file)
            .and_then(|config| config.open(&root(7), home))
            .map_err(|why| why.to_string())?;
        Ok((readable.to_vec(), secret.with(|it| String::from_utf8_lossy(it).into_owned())))
    }

    #[test]
    fn what_was_sealed_opens_and_only_the_readable_part_is_read_before() {
        let mut random = random();
        let file = sealed(7, HOME, &mut random);
        assert_eq!(opened(&file, HOME), Ok((READABLE.to_vec(), SECRET.to_owned())));
        assert_eq!(SealedConfig::read(&file).unwrap().unverified(), READABLE);
        assert!(!file.windows(8).any(|it| SECRET.as_bytes().windows(8).any(|secret| secret == it)));
        assert_ne!(file, sealed(7, HOME, &mut random), "another nonce");
    }

    #[test]
    fn each_way_to_tamper_has_its_reason() {
        let mut random = random();
        let file = sealed(7, HOME, &mut random);
        let refused = |fault: ConfigFault| Err(fault.to_string());
        let flipped = |at: usize| {
            let mut file = file.clone();
            file[at] ^= 1;
            opened(&file, HOME)
        };
        let tag = CONFIG.bytes().len();
        let (nonce, commitment, length, readable) = (tag + 32, tag + 44, tag + 76, tag + 80);
        let (mac, text) = (readable + READABLE.len(), readable + READABLE.len() + MAC_LENGTH);
        for at in readable..mac {
            assert_eq!(flipped(at), refused(ConfigFault::Readable), "byte {at}");
        }
        for at in [nonce, mac, text - 1, length] {
            assert_eq!(flipped(at), refused(ConfigFault::Readable), "byte {at}");
        }
        for at in text..file.len() {
            assert_eq!(flipped(at), refused(ConfigFault::Sealed), "byte {at}");
        }
        assert_eq!(flipped(commitment), refused(ConfigFault::OtherKey));
        assert_eq!(flipped(tag), refused(ConfigFault::OtherHome));
        let other_key = sealed(8, HOME, &mut random);
        assert_eq!(opened(&other_key, HOME), refused(ConfigFault::OtherKey));
    }

    #[test]
    fn a_file_of_another_home_is_refused_whatever_it_says() {
        let mut random = random();
        let other = HomeId([2; 32]);
        let file = sealed(7, other, &mut random);
        assert_eq!(opened(&file, HOME), Err(ConfigFault::OtherHome.to_string()));
        let mut renamed = file.clone();
        let at = CONFIG.bytes().len();
        renamed[at..at + 32].copy_from_slice(&HOME.0);
        assert_eq!(opened(&renamed, HOME), Err(ConfigFault::OtherKey.to_string()));
        // The sealed part of one beside the readable part of the other, both of one home.
        let [first, second] = [1, 2].map(|_| sealed(7, HOME, &mut random));
        let text = first.len() - SECRET.len() - aead::TAG_LENGTH;
        let spliced = [&first[..text], &second[text..]].concat();
        assert_eq!(opened(&spliced, HOME), Err(ConfigFault::Sealed.to_string()));
    }

    #[test]
    fn a_cut_file_and_one_that_is_not_sealed_are_refused() {
        let file = sealed(7, HOME, &mut random());
        let tag = CONFIG.bytes().len();
        for length in 0..file.len() {
            let want = match length {
                short if short < tag => ConfigFault::NotSealed,
                cut if cut < file.len() - SECRET.len() => ConfigFault::Form,
                _ => ConfigFault::Sealed,
            };
            assert_eq!(opened(&file[..length], HOME), Err(want.to_string()), "{length} bytes");
        }
        assert_eq!(opened(READABLE, HOME), Err(ConfigFault::NotSealed.to_string()));
        let longer = [file.as_slice(), &[0]].concat();
        assert_eq!(opened(&longer, HOME), Err(ConfigFault::Sealed.to_string()));
    }
}
