//! Where every key, nonce and salt of the product comes from: a generator, and the sources that seed
//! it.

use core::fmt;

use qratum_metal::secret::{Locked, Refused};

use super::{
    drbg::{self, Drbg, Moment},
    monitor::{Monitor, Record, Thresholds},
    pool::{Insufficient, Pool, Tally},
    source::{LENGTH, Source},
};
use crate::domain::{self, Tag};

/// Bytes of a seed that are entropy when the generator is made; the others are its nonce. 384 and 128
/// bits: SP 800-90A, section 8.6.7, lets both come from one string.
const ENTROPY: usize = 48;

/// A source counts as failing after three failures in a row, and as good after ten successes.
pub const THRESHOLDS: Thresholds = Thresholds { raise: 3, clear: 10 };

/// Why nothing was drawn. The output is zero or untouched, never half random.
#[derive(Debug)]
pub enum Error {
    /// The sources did not give enough.
    Insufficient(Insufficient),
    /// The generator refused.
    Drbg(drbg::Error),
    /// There is no memory for the seed.
    Memory(Refused),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Insufficient(why) => why.fmt(f),
            Self::Drbg(why) => why.fmt(f),
            Self::Memory(why) => why.fmt(f),
        }
    }
}

impl core::error::Error for Error {}

impl From<Insufficient> for Error {
    fn from(why: Insufficient) -> Self {
        Self::Insufficient(why)
    }
}

impl From<drbg::Error> for Error {
    fn from(why: drbg::Error) -> Self {
        Self::Drbg(why)
    }
}

impl From<Refused> for Error {
    fn from(why: Refused) -> Self {
        Self::Memory(why)
    }
}

/// The generator of a process with its sources. A seed takes tens of milliseconds, which the draws
/// that need one wait for.
#[derive(Debug)]
pub struct Random {
    /// None until the sources gave enough once.
    drbg: Option<Drbg>,
    sources: Sources,
}

impl Random {
    /// Collects the first seed. The personalisation is the product's tag and the moment.
    ///
    /// # Errors
    /// [`Error`]: then there is no generator at all.
    pub fn start(sources: Vec<Box<dyn Source>>, now: Moment) -> Result<Self, Error> {
        let mut random = Self::unseeded(sources);
        random.first(now)?;
        Ok(random)
    }

    /// A generator whose first seed is still to be collected, for who watches the sources even while
    /// they give too little.
    #[must_use]
    pub fn unseeded(sources: Vec<Box<dyn Source>>) -> Self {
        Self { drbg: None, sources: Sources { sources, monitor: Monitor::new(THRESHOLDS) } }
    }

    /// Collects a seed now, the first or a fresh one.
    ///
    /// # Errors
    /// [`Error`]: the seed before it, if any, serves on until it is stale.
    pub fn reseed(&mut self, now: Moment) -> Result<(), Error> {
        match &mut self.drbg {
            None => self.first(now).map(|_| ()),
            Some(drbg) => Ok(self.sources.seed(now)?.with(|seed| drbg.reseed(seed, &[], now))?),
        }
    }

    /// Draws for a purpose, after a reseed where one is due.
    ///
    /// # Errors
    /// [`Error`]: where a reseed is due and fails, nothing is drawn from the old seed.
    pub fn fill(&mut self, out: &mut [u8], purpose: Tag, now: Moment) -> Result<(), Error> {
        let drbg = match &mut self.drbg {
            None => self.first(now)?,
            Some(drbg) => {
                if drbg.stale(now).is_some() {
                    let seed = self.sources.seed(now)?;
                    seed.with(|seed| drbg.reseed(seed, purpose.bytes(), now))?;
                }
                drbg
            }
        };
        Ok(drbg.generate(out, purpose.bytes(), now)?)
    }

    /// Draws a key: always from a fresh seed (prediction resistance), so that who saw the generator
    /// before learns nothing of it.
    ///
    /// # Errors
    /// [`Error`].
    pub fn fill_key(&mut self, out: &mut [u8], purpose: Tag, now: Moment) -> Result<(), Error> {
        let Some(drbg) = &mut self.drbg else {
            // The first seed is as fresh as any.
            return Ok(self.first(now)?.generate(out, purpose.bytes(), now)?);
        };
        let seed = self.sources.seed(now)?;
        Ok(seed.with(|seed| drbg.generate_fresh(out, seed, purpose.bytes(), now))?)
    }

    fn first(&mut self, now: Moment) -> Result<&mut Drbg, Error> {
        let personalisation =
            [domain::DRBG.bytes(), &now.process.to_le_bytes(), &now.elapsed.as_nanos().to_le_bytes()]
                .concat();
        let drbg = self.sources.seed(now)?.with(|seed| {
            let (entropy, nonce) = seed.split_at(ENTROPY);
            Drbg::instantiate(entropy, nonce, &personalisation, now)
        })?;
        Ok(self.drbg.insert(drbg))
    }

    /// Lets a source that is out for good try again, from its start-up test on: somebody has looked at it.
    pub fn acknowledge(&mut self, id: &str) {
        let found = self.sources.sources.iter_mut().find(|source| source.id() == id);
        found.into_iter().for_each(|source| source.health_mut().acknowledge());
    }

    /// The generator, to show its age and its count; none before its first seed.
    #[must_use]
    pub const fn drbg(&self) -> Option<&Drbg> {
        self.drbg.as_ref()
    }

    /// What is remembered of the sources.
    #[must_use]
    pub const fn monitor(&self) -> &Monitor {
        &self.sources.monitor
    }

    /// The sources, each with what is remembered of it once it was asked.
    pub fn watched(&self) -> impl Iterator<Item = (&dyn Source, Option<&Record>)> {
        let Sources { sources, monitor } = &self.sources;
        sources.iter().map(|source| (source.as_ref(), monitor.record(source.id())))
    }
}

/// The sources: all are begun, and then waited for one after the other on the caller's thread.
struct Sources {
    sources: Vec<Box<dyn Source>>,
    monitor: Monitor,
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.sources.iter().map(|source| source.id())).finish()
    }
}

impl Sources {
    fn seed(&mut self, now: Moment) -> Result<Locked<LENGTH>, Error> {
        let pool = self.collect(now)?;
        Locked::try_new_with(|seed| {
            let result = pool.seed(seed);
            self.monitor.concluded(result, now.elapsed);
            result.map(|_: Tally| ()).map_err(Error::from)
        })
    }

    fn collect(&mut self, now: Moment) -> Result<Pool, Refused> {
        let mut pool = Pool::new();
        let mut bytes = Locked::<LENGTH>::new_with(|_| ())?;
        self.sources.iter_mut().for_each(|source| source.begin());
        for source in &mut self.sources {
            let result = bytes.with_mut(|bytes| {
                let result = source.collect(bytes);
                pool.add(source.id(), source.class(), result.map(|credit| (credit, &*bytes)));
                result
            });
            self.monitor.note(source.id(), result, now.elapsed);
            self.monitor.timed(source.id(), source.latency());
        }
        Ok(pool)
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;
    use crate::{
        domain::{POSSESSION, ROTATION},
        rng::{
            drbg::Stale,
            source::{Class, Description, Device, Fault},
            stream::Stream,
        },
    };

    const NOW: Moment = Moment { elapsed: Duration::from_secs(100), process: 7, resumes: 0 };
    const LATER: Moment = Moment { elapsed: Duration::from_secs(160), ..NOW };

    /// A source of `class` that fails from its collection of this number on; the eight reads of its
    /// start-up test are part of the first.
    fn source(class: Class, fails_at: usize) -> Box<dyn Source> {
        let (id, name): (_, &[u8]) =
            if class == Class::Kernel { ("system-rng", b"kernel") } else { ("cpu-rdseed", b"cpu") };
        let (mut random, mut reads) = (Stream::new(name), 0);
        Box::new(Device::new(Description { id, class, credit: 256 }, move |bytes: &mut [u8; LENGTH]| {
            reads += 1;
            bytes.copy_from_slice(&random.bytes(LENGTH));
            if reads >= fails_at + 8 { Err(Fault::Failed) } else { Ok(()) }
        }))
    }

    fn start(kernel_fails_at: usize, cpu_fails_at: usize) -> Result<Random, Error> {
        Random::start(vec![source(Class::Kernel, kernel_fails_at), source(Class::Cpu, cpu_fails_at)], NOW)
    }

    const NEVER: usize = usize::MAX / 2;

    fn draw(random: &mut Random, purpose: Tag, now: Moment) -> [u8; 64] {
        let mut out = [0; 64];
        random.fill(&mut out, purpose, now).unwrap();
        out
    }

    fn asked(random: &Random) -> u64 {
        random.monitor().records().map(|(_, record)| record.asked).max().unwrap()
    }

    #[test]
    fn there_is_no_generator_without_enough_sources() {
        assert!(start(NEVER, NEVER).is_ok());
        let refused = |result: Result<Random, Error>| match result {
            Err(Error::Insufficient(why)) => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(refused(start(1, NEVER)), Insufficient::Kernel(0));
        assert_eq!(refused(start(NEVER, 1)), Insufficient::KernelAlone);
        assert_eq!(refused(Random::start(vec![], NOW)), Insufficient::Kernel(0));
    }

    /// A machine whose first collection fails can still be watched, and mended.
    #[test]
    fn an_unseeded_generator_draws_nothing_until_its_sources_give_enough() {
        let (mut asked, mut out) = (0, [7; 64]);
        let mut random = Stream::new(b"late");
        let about = Description { id: "late", class: Class::Cpu, credit: 256 };
        let late = Device::new(about, move |bytes: &mut [u8; LENGTH]| {
            asked += 1;
            bytes.copy_from_slice(&random.bytes(LENGTH));
            if asked == 1 { Err(Fault::Failed) } else { Ok(()) }
        });
        let mut random = Random::unseeded(vec![source(Class::Kernel, NEVER), Box::new(late)]);
        let refused = random.fill(&mut out, POSSESSION, NOW);
        assert!(matches!(refused, Err(Error::Insufficient(Insufficient::KernelAlone))), "{refused:?}");
        assert!(random.drbg().is_none() && out == [7; 64]);
        random.reseed(NOW).unwrap();
        assert_eq!(random.drbg().map(Drbg::requests), Some(0));
        let one = draw(&mut random, POSSESSION, NOW);
        random.reseed(LATER).unwrap();
        assert_eq!(random.drbg().map(Drbg::seeded), Some(LATER));
        assert_ne!(one, draw(&mut random, POSSESSION, LATER));
    }

    #[test]
    fn a_seed_serves_until_it_is_stale() {
        let mut random = start(NEVER, NEVER).unwrap();
        draw(&mut random, POSSESSION, NOW);
        assert_eq!((asked(&random), random.drbg().unwrap().requests()), (1, 1));
        draw(&mut random, POSSESSION, LATER);
        assert_eq!(
            (asked(&random), random.drbg().unwrap().requests(), random.drbg().unwrap().seeded()),
            (2, 1, LATER)
        );
        draw(&mut random, POSSESSION, Moment { process: 8, ..LATER });
        draw(&mut random, POSSESSION, Moment { process: 8, resumes: 1, ..LATER });
        assert_eq!(asked(&random), 4, "a fork and a resume each take a fresh seed");
    }

    #[test]
    fn where_a_reseed_fails_nothing_more_is_drawn_from_the_old_seed() {
        let mut random = start(2, NEVER).unwrap();
        draw(&mut random, POSSESSION, NOW);
        let mut out = [7; 64];
        for _ in 0..3 {
            let refused = random.fill(&mut out, POSSESSION, LATER);
            assert!(matches!(refused, Err(Error::Insufficient(Insufficient::Kernel(0)))), "{refused:?}");
        }
        assert_eq!((out, random.drbg().unwrap().stale(LATER)), ([7; 64], Some(Stale::Age)));
        assert_eq!(random.monitor().last(), Some((LATER.elapsed, Err(Insufficient::Kernel(0)))));
    }

    #[test]
    fn a_key_always_takes_a_fresh_seed() {
        let mut random = start(3, NEVER).unwrap();
        let (mut one, mut two) = ([0; 32], [0; 32]);
        random.fill_key(&mut one, POSSESSION, NOW).unwrap();
        assert_eq!(asked(&random), 2);
        let refused = random.fill_key(&mut two, POSSESSION, NOW);
        assert!(matches!(refused, Err(Error::Insufficient(_))), "{refused:?}");
        assert_eq!(two, [0; 32], "though the seed is fresh enough for anything else");
        draw(&mut random, POSSESSION, NOW);
    }

    #[test]
    fn the_first_key_takes_the_first_seed() {
        let sources = vec![source(Class::Kernel, NEVER), source(Class::Cpu, NEVER)];
        let mut random = Random::unseeded(sources);
        let mut key = [0; 32];
        random.fill_key(&mut key, POSSESSION, NOW).unwrap();
        assert_eq!(asked(&random), 1);
        assert_ne!(key, [0; 32]);
    }

    /// The same seed, drawn from for two purposes.
    #[test]
    fn a_purpose_changes_what_is_drawn() {
        let drawn = |purpose| draw(&mut start(NEVER, NEVER).unwrap(), purpose, NOW);
        assert_eq!(drawn(POSSESSION), drawn(POSSESSION), "the test's sources are reproducible");
        assert_ne!(drawn(POSSESSION), drawn(ROTATION));
    }

    #[test]
    fn more_than_one_digest_can_be_drawn() {
        let mut out = vec![0; 65];
        start(NEVER, NEVER).unwrap().fill(&mut out, POSSESSION, NOW).unwrap();
        assert!(out[1..].iter().any(|byte| *byte != out[0]) && out[60..].iter().any(|byte| *byte != 0));
    }
}
