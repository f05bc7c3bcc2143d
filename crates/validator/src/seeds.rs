//! Where the keys of a validator come from: one generator for a command, seeded from several sources.

use std::{process, time::Instant};

use qratum_crypto::{
    domain,
    rng::{
        drbg::Moment,
        random::{Error, Random},
        source,
    },
    sign::{SecretKey, ml_dsa::MlDsa65},
};
use zeroize::Zeroizing;

/// A generator for the seeds of keys.
#[derive(Debug)]
pub struct KeySource {
    random: Random,
    since: Instant,
}

impl KeySource {
    /// A generator with its first seed, which takes some tens of milliseconds.
    ///
    /// # Errors
    /// [`Error`]: too few healthy sources, and then no key is made.
    pub fn start() -> Result<Self, Error> {
        let since = Instant::now();
        let nanoseconds = move || u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX);
        Ok(Self { random: Random::start(source::local(nanoseconds), moment(since))?, since })
    }

    /// The 32-byte seed of a new key, drawn from a fresh collection, wiped when dropped.
    ///
    /// # Errors
    /// [`Error`].
    pub fn draw(&mut self) -> Result<Zeroizing<[u8; 32]>, Error> {
        let mut seed = Zeroizing::new([0; 32]);
        self.random.fill_key(seed.as_mut_slice(), domain::KEY_SEED, moment(self.since))?;
        Ok(seed)
    }

    /// A new ML-DSA-65 key, made in locked memory from a fresh collection.
    ///
    /// # Errors
    /// [`Error`].
    pub fn draw_handover_key(&mut self) -> Result<SecretKey<MlDsa65>, Error> {
        SecretKey::generate(&mut self.random, moment(self.since))
    }
}

/// Now. Each key takes a seed of its own, so neither sleep nor a copy of the machine matters.
fn moment(since: Instant) -> Moment {
    Moment { elapsed: since.elapsed(), process: process::id(), resumes: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_seed_comes_twice() {
        let mut source = KeySource::start().unwrap();
        let mut seeds: Vec<[u8; 32]> = (0..20).map(|_| *source.draw().unwrap()).collect();
        seeds.push(*KeySource::start().unwrap().draw().unwrap());
        seeds.sort_unstable();
        seeds.dedup();
        assert_eq!(seeds.len(), 21);
    }
}
