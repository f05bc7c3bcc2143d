//! How long does something take, in CPU time of this thread, next to something else?

use std::{hint::black_box, time::Duration};

use cpu_time::ThreadTime;

use crate::Outcome;

/// One of several parties that do comparable work.
pub struct Party<'a> {
    name: &'static str,
    work: Box<dyn FnMut() -> Outcome<()> + 'a>,
}

impl<'a> Party<'a> {
    /// A party that does `work`.
    pub fn new(name: &'static str, work: impl FnMut() -> Outcome<()> + 'a) -> Self {
        Self { name, work: Box::new(work) }
    }

    /// CPU time of one piece of work, as the mean of `count`.
    fn time(&mut self, count: u32) -> Outcome<Duration> {
        let start = ThreadTime::now();
        for _ in 0..count {
            (self.work)().map_err(|error| format!("{}: {error}", self.name))?;
        }
        Ok(start.elapsed() / count.max(1))
    }
}

/// What one party needed for one piece of work.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Who.
    pub name: &'static str,
    /// Mean of the best batch.
    pub best: Duration,
    /// Mean of the middle batch: far above the best, it says that the machine was busy.
    pub median: Duration,
}

/// Times every party in turn, `rounds` times over, each turn for about `batch`.
///
/// # Errors
/// The first error of a party: work that failed is not measured.
pub fn measure(parties: &mut [Party<'_>], rounds: u32, batch: Duration) -> Outcome<Vec<Timing>> {
    let mut counts = Vec::new();
    for party in parties.iter_mut() {
        // The first run also fills the caches of the machine, so the second one is asked.
        party.time(1)?;
        let once = party.time(1)?.as_nanos().max(1);
        counts.push(u32::try_from(batch.as_nanos() / once)?.max(1));
    }
    let mut samples = vec![Vec::new(); parties.len()];
    for round in 0..rounds {
        for ((party, count), samples) in parties.iter_mut().zip(&counts).zip(&mut samples) {
            samples.push(at_depth(round % DEPTHS, &mut || party.time(*count))?);
        }
    }
    parties.iter().zip(samples).map(|(party, samples)| summary(party.name, samples)).collect()
}

/// How many depths of about 256 bytes make one page of the stack.
const DEPTHS: u32 = 16;

/// Does the work some calls further down the stack. Where its frames lie within a page decides
/// whether stores to them clash with loads from its buffers, which makes up to 25% of the time of a
/// signature check and stays for a whole run: the best of all places is fair to every party.
#[inline(never)]
fn at_depth(depth: u32, work: &mut dyn FnMut() -> Outcome<Duration>) -> Outcome<Duration> {
    let frame = black_box([0u8; 112]);
    let done = if depth == 0 { work() } else { at_depth(depth - 1, work) };
    // Read after the call, so that the frame is still there during it.
    black_box(&frame);
    done
}

fn summary(name: &'static str, mut samples: Vec<Duration>) -> Outcome<Timing> {
    samples.sort_unstable();
    let (best, median) = (samples.first(), samples.get(samples.len() / 2));
    let (best, median) = best.zip(median).ok_or("measured in no round")?;
    Ok(Timing { name, best: *best, median: *median })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_and_the_middle_of_the_samples_count() {
        let samples = [5, 3, 9, 4, 8].map(Duration::from_nanos).to_vec();
        let timing = summary("it", samples).unwrap();
        assert_eq!((timing.best.as_nanos(), timing.median.as_nanos()), (3, 5));
        assert!(summary("it", Vec::new()).is_err());
    }

    #[test]
    fn parties_take_turns_and_a_failure_is_not_measured() {
        let order = std::cell::RefCell::new(String::new());
        let note = |name: char| {
            order.borrow_mut().push(name);
            Ok(())
        };
        let mut parties = [Party::new("a", || note('a')), Party::new("b", || note('b'))];
        measure(&mut parties, 2, Duration::ZERO).unwrap();
        assert_eq!(*order.borrow(), "aabbabab");
        let mut failing = [Party::new("c", || Err("refused".into()))];
        let error = measure(&mut failing, 1, Duration::ZERO).unwrap_err();
        assert_eq!(error.to_string(), "c: refused");
    }
}
