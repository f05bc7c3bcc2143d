//! HMAC-DRBG over SHA3-512: NIST SP 800-90A revision 1, section 10.1.2, at a strength of 256 bits.
//!
//! It has no clock and asks nobody for entropy: who calls says when and where it is ([`Moment`]), and
//! is told that a reseed is due ([`Stale`]). There is no way to draw from a stale state. To
//! uninstantiate is to drop: the state is wiped, and what is gone cannot be asked.

mod known_answers;

use core::{fmt, time::Duration};
use std::io;

pub use known_answers::self_test;

use qratum_metal::secret::{Locked, Refused};

use crate::kdf::hmac::{Hmac, LENGTH, fill};

/// The most bytes of one request: 2^19 bits, SP 800-90A table 2. More is an error and never split,
/// since nothing here needs it.
pub const MAX_REQUEST: usize = 1 << 16;
/// The most bytes of one input (entropy, nonce, personalisation, additional): the standard allows
/// 2^32, nothing here needs more than this.
pub const MAX_INPUT: usize = 1 << 16;
/// The fewest bytes of entropy: the strength.
pub const MIN_ENTROPY: usize = 32;
/// The fewest bytes of a nonce: half the strength.
pub const MIN_NONCE: usize = 16;
/// How many requests a seed serves. The standard allows 2^48.
pub const MAX_REQUESTS: u32 = 1 << 16;
/// How long a seed serves.
pub const MAX_AGE: Duration = Duration::from_secs(60);

/// When and where a request is made: what decides whether a state is still fresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Time since any fixed start, by a clock that never goes back and also counts while suspended.
    pub elapsed: Duration,
    /// The asking process: another id means that this state is a copy in a child.
    pub process: u32,
    /// How often the machine has resumed, or come up as a copy of itself.
    pub resumes: u64,
}

/// Why a state may serve no more before it is reseeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stale {
    /// It has served [`MAX_REQUESTS`].
    Requests,
    /// It is as old as [`MAX_AGE`], or its clock went back.
    Age,
    /// It was seeded in another process.
    Fork,
    /// The machine has resumed since.
    Resume,
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requests => write!(f, "its seed has served {MAX_REQUESTS} requests"),
            Self::Age => write!(f, "its seed is older than {} s", MAX_AGE.as_secs()),
            Self::Fork => f.write_str("it was seeded in another process"),
            Self::Resume => f.write_str("the machine has resumed since it was seeded"),
        }
    }
}

/// Why nothing was drawn. The output is untouched, and so is the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// More than [`MAX_REQUEST`] bytes were asked for.
    RequestTooLong,
    /// An input is longer than [`MAX_INPUT`].
    InputTooLong,
    /// Entropy or nonce are shorter than [`MIN_ENTROPY`] and [`MIN_NONCE`].
    InputTooShort,
    /// A reseed is due.
    Stale(Stale),
    /// There is no memory for the state.
    Memory(io::ErrorKind),
}

impl core::error::Error for Error {}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NoMemory(error) | Refused::NotLocked(error) => Self::Memory(error.kind()),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RequestTooLong => write!(f, "one request gives at most {MAX_REQUEST} bytes"),
            Self::InputTooLong => write!(f, "an input of the generator is longer than {MAX_INPUT} bytes"),
            Self::InputTooShort => {
                write!(f, "a seed takes {MIN_ENTROPY} bytes of entropy and a nonce of {MIN_NONCE}")
            }
            Self::Stale(why) => write!(f, "the generator must be reseeded: {why}"),
            Self::Memory(why) => write!(f, "no memory for the generator's state: {why}"),
        }
    }
}

/// The working state `(Key, V)`, on pages that hold nothing else.
struct State {
    key: Locked<LENGTH>,
    value: Locked<LENGTH>,
}

impl State {
    /// `Key = 0x00*`, `V = 0x01*`.
    fn new() -> Result<Self, Refused> {
        Ok(Self { key: Locked::alone_with(|_| ())?, value: Locked::alone_with(|value| value.fill(0x01))? })
    }

    /// `HMAC_DRBG_Update`, section 10.1.2.2, over the parts joined.
    fn update(&mut self, data: [&[u8]; 3]) {
        self.absorb(0x00, data);
        if data.iter().any(|part| !part.is_empty()) {
            self.absorb(0x01, data);
        }
    }

    /// `Key = HMAC(Key, V || round || data)`, `V = HMAC(Key, V)`.
    fn absorb(&mut self, round: u8, data: [&[u8]; 3]) {
        let [first, second, third] = data;
        self.key.with_mut(|key| {
            self.value.with_mut(|value| {
                Hmac::new(key).mac(&[value, &[round], first, second, third], key);
                Hmac::new(key).chain(value);
            });
        });
    }

    /// `V = HMAC(Key, V)` for each block of the output.
    fn squeeze(&mut self, out: &mut [u8]) {
        let key = self.key.with(|key| Hmac::new(key));
        self.value.with_mut(|value| {
            for block in out.chunks_mut(LENGTH) {
                key.chain(value);
                fill(block, value);
            }
        });
    }
}

/// A generator.
pub struct Drbg {
    state: State,
    requests: u32,
    seeded: Moment,
}

impl fmt::Debug for Drbg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drbg")
            .field("requests", &self.requests)
            .field("seeded", &self.seeded)
            .finish_non_exhaustive()
    }
}

impl Drbg {
    /// Instantiate, section 10.1.2.3: `Key = 0x00*`, `V = 0x01*`, `Update(entropy || nonce ||
    /// personalisation)`.
    ///
    /// # Errors
    /// [`Error::InputTooShort`], [`Error::InputTooLong`], [`Error::Memory`].
    pub fn instantiate(
        entropy: &[u8],
        nonce: &[u8],
        personalisation: &[u8],
        now: Moment,
    ) -> Result<Self, Error> {
        check_entropy(entropy)?;
        if nonce.len() < MIN_NONCE {
            return Err(Error::InputTooShort);
        }
        check_inputs(&[nonce, personalisation])?;
        let mut drbg = Self { state: State::new()?, requests: 0, seeded: now };
        drbg.state.update([entropy, nonce, personalisation]);
        Ok(drbg)
    }

    /// Reseed, section 10.1.2.4: `Update(entropy || additional)`, and the counter starts anew.
    ///
    /// # Errors
    /// [`Error::InputTooShort`], [`Error::InputTooLong`].
    pub fn reseed(&mut self, entropy: &[u8], additional: &[u8], now: Moment) -> Result<(), Error> {
        check_entropy(entropy)?;
        check_inputs(&[additional])?;
        self.state.update([entropy, additional, &[]]);
        (self.requests, self.seeded) = (0, now);
        Ok(())
    }

    /// Generate, section 10.1.2.5: `Update(additional)` unless empty, the output, and
    /// `Update(additional)`, so that a stolen state tells nothing of what was drawn before.
    ///
    /// # Errors
    /// [`Error::RequestTooLong`], [`Error::InputTooLong`], [`Error::Stale`].
    pub fn generate(&mut self, out: &mut [u8], additional: &[u8], now: Moment) -> Result<(), Error> {
        if out.len() > MAX_REQUEST {
            return Err(Error::RequestTooLong);
        }
        check_inputs(&[additional])?;
        if let Some(why) = self.stale(now) {
            return Err(Error::Stale(why));
        }
        if !additional.is_empty() {
            self.state.update([additional, &[], &[]]);
        }
        self.state.squeeze(out);
        self.state.update([additional, &[], &[]]);
        self.requests += 1;
        Ok(())
    }

    /// Generate with prediction resistance, section 9.3.1: the additional input goes into the reseed,
    /// and not a second time into the output. For keys: whoever saw the state before learns nothing.
    ///
    /// # Errors
    /// [`Error::RequestTooLong`], [`Error::InputTooShort`], [`Error::InputTooLong`].
    pub fn generate_fresh(
        &mut self,
        out: &mut [u8],
        entropy: &[u8],
        additional: &[u8],
        now: Moment,
    ) -> Result<(), Error> {
        if out.len() > MAX_REQUEST {
            return Err(Error::RequestTooLong);
        }
        self.reseed(entropy, additional, now)?;
        self.generate(out, &[], now)
    }

    /// Why a reseed is due now, if one is.
    #[must_use]
    pub fn stale(&self, now: Moment) -> Option<Stale> {
        let age = now.elapsed.checked_sub(self.seeded.elapsed);
        if now.process != self.seeded.process {
            Some(Stale::Fork)
        } else if now.resumes != self.seeded.resumes {
            Some(Stale::Resume)
        } else if age.is_none_or(|age| age >= MAX_AGE) {
            Some(Stale::Age)
        } else {
            (self.requests >= MAX_REQUESTS).then_some(Stale::Requests)
        }
    }

    /// How many requests the seed has served.
    #[must_use]
    pub const fn requests(&self) -> u32 {
        self.requests
    }

    /// When and where it was seeded.
    #[must_use]
    pub const fn seeded(&self) -> Moment {
        self.seeded
    }
}

fn check_entropy(entropy: &[u8]) -> Result<(), Error> {
    if entropy.len() < MIN_ENTROPY {
        return Err(Error::InputTooShort);
    }
    check_inputs(&[entropy])
}

fn check_inputs(inputs: &[&[u8]]) -> Result<(), Error> {
    if inputs.iter().any(|input| input.len() > MAX_INPUT) { Err(Error::InputTooLong) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment { elapsed: Duration::from_secs(1000), process: 7, resumes: 2 };

    fn drbg() -> Drbg {
        Drbg::instantiate(&[1; 48], &[2; 16], b"test", NOW).unwrap()
    }

    fn draw(drbg: &mut Drbg, length: usize) -> Vec<u8> {
        let mut out = vec![0; length];
        drbg.generate(&mut out, b"", NOW).unwrap();
        out
    }

    fn later(seconds: u64) -> Moment {
        Moment { elapsed: NOW.elapsed + Duration::from_secs(seconds), ..NOW }
    }

    /// A crate of this name panics when a length is no multiple of the digest.
    #[test]
    fn any_length_up_to_the_limit_is_a_prefix_of_the_longest() {
        let longest = draw(&mut drbg(), MAX_REQUEST);
        for length in (0..=3 * LENGTH + 1).chain([MAX_REQUEST - 1]) {
            assert_eq!(draw(&mut drbg(), length), longest[..length], "{length} bytes");
        }
    }

    #[test]
    fn one_byte_over_a_limit_is_an_error_that_changes_nothing() {
        let mut drbg = drbg();
        let (mut long, long_input) = (vec![7; MAX_REQUEST + 1], vec![0; MAX_INPUT + 1]);
        assert_eq!(drbg.generate(&mut long, b"", NOW), Err(Error::RequestTooLong));
        assert_eq!(drbg.generate_fresh(&mut long, &[3; 32], b"", NOW), Err(Error::RequestTooLong));
        assert_eq!(drbg.generate(&mut long[..1], &long_input, NOW), Err(Error::InputTooLong));
        assert_eq!(drbg.reseed(&long_input, b"", NOW), Err(Error::InputTooLong));
        assert_eq!(drbg.reseed(&[3; 32], &long_input, NOW), Err(Error::InputTooLong));
        assert_eq!(drbg.reseed(&[3; MIN_ENTROPY - 1], b"", NOW), Err(Error::InputTooShort));
        assert!(long.iter().all(|byte| *byte == 7));
        assert_eq!(draw(&mut drbg, 64), draw(&mut self::drbg(), 64));
    }

    #[test]
    fn a_seed_below_its_strength_is_refused() {
        let instantiate = |entropy, nonce| {
            Drbg::instantiate(&vec![1; entropy], &vec![2; nonce], b"", NOW).map(|_| ()).unwrap_err()
        };
        assert_eq!(instantiate(MIN_ENTROPY - 1, MIN_NONCE), Error::InputTooShort);
        assert_eq!(instantiate(MIN_ENTROPY, MIN_NONCE - 1), Error::InputTooShort);
        assert_eq!(instantiate(MIN_ENTROPY, MAX_INPUT + 1), Error::InputTooLong);
        assert!(Drbg::instantiate(&[1; MIN_ENTROPY], &[2; MIN_NONCE], b"", NOW).is_ok());
    }

    #[test]
    fn a_seed_serves_so_many_requests_and_a_reseed_starts_the_count_anew() {
        let mut drbg = Drbg { requests: MAX_REQUESTS - 1, ..drbg() };
        drbg.generate(&mut [0], b"", NOW).unwrap();
        let due = Err(Error::Stale(Stale::Requests));
        assert_eq!(drbg.generate(&mut [0], b"", NOW), due);
        assert_eq!(drbg.generate(&mut [0], b"", NOW), due, "asking again changes nothing");
        drbg.reseed(&[3; 32], b"", NOW).unwrap();
        assert_eq!(drbg.requests(), 0);
        drbg.generate(&mut [0], b"", NOW).unwrap();
        assert_eq!(drbg.requests(), 1);
    }

    #[test]
    fn age_fork_and_resume_each_demand_a_reseed() {
        let cases = [
            (later(59), None),
            (later(60), Some(Stale::Age)),
            (Moment { elapsed: NOW.elapsed - Duration::from_nanos(1), ..NOW }, Some(Stale::Age)),
            (Moment { process: 8, ..NOW }, Some(Stale::Fork)),
            (Moment { resumes: 3, ..NOW }, Some(Stale::Resume)),
        ];
        for (moment, due) in cases {
            let mut drbg = drbg();
            assert_eq!(drbg.generate(&mut [0], b"", moment).err(), due.map(Error::Stale), "{moment:?}");
            drbg.reseed(&[3; 32], b"", moment).unwrap();
            assert_eq!(drbg.generate(&mut [0], b"", moment), Ok(()));
        }
    }

    /// The child of a fork has the parent's state: both must not go on from it.
    #[test]
    fn parent_and_child_do_not_draw_the_same() {
        let (mut parent, mut child) = (drbg(), drbg());
        let there = Moment { process: 8, ..NOW };
        assert_eq!(child.generate(&mut [0; 64], b"", there), Err(Error::Stale(Stale::Fork)));
        child.reseed(&[4; 32], b"", there).unwrap();
        let mut drawn = [0; 64];
        child.generate(&mut drawn, b"", there).unwrap();
        assert_ne!(draw(&mut parent, 64), drawn);
    }

    #[test]
    fn what_is_printed_is_no_secret() {
        let shown = format!("{:?}", drbg());
        assert_eq!(
            shown,
            "Drbg { requests: 0, seeded: Moment { elapsed: 1000s, process: 7, resumes: 2 }, .. }"
        );
    }
}
