//! What a locked secret of 32 bytes costs, made, read and dropped, next to memsec's and libsodium's
//! guarded allocations: `secrets [--rounds N]`. The parties take turns, the best round of each stands
//! for it.

use std::{
    hint::black_box,
    io::{self, Write as _},
    time::Duration,
};

use cpu_time::ThreadTime;
use qratum_bench::{Outcome, argument, c_peer::Peer, report::verdict};
use qratum_metal::secret::Locked;

/// Secrets of a round.
const COUNT: u32 = 2000;

/// How many times cheaper ours shall be.
const GOAL: f64 = 10.0;

fn main() -> Outcome<()> {
    let rounds: u32 = argument("--rounds")?.map_or(Ok(20), |rounds| rounds.parse())?;
    let mut sodium = Peer::start("sodium_malloc.c", ("-l:libsodium.so.23", "libsodium23"))?;
    // The first one makes the slab: a process pays that once.
    let kept = Locked::<32>::new_with(|_| ())?;
    let mut best = [Duration::MAX; 3];
    for _ in 0..rounds {
        let times = [time(ours)?, time(memsec)?, sodium.time(&COUNT.to_string())?];
        best.iter_mut().zip(times).for_each(|(best, time)| *best = time.min(*best));
    }
    let [ours, memsec, libsodium] = best.map(|time| time.as_secs_f64() * 1e6 / f64::from(COUNT));
    let mut out = io::stdout();
    writeln!(out, "a secret of 32 bytes, made, read and dropped ({})", kept.status())?;
    writeln!(out, "ours                {ours:8.3} us")?;
    for (name, theirs) in
        [("memsec 0.7.0".to_owned(), memsec), (format!("libsodium {}", sodium.first), libsodium)]
    {
        let ratio = theirs / ours;
        writeln!(out, "{name:19} {theirs:8.3} us   {ratio:8.1} times ours{}", verdict(ratio >= GOAL, GOAL))?;
    }
    Ok(())
}

/// The CPU time of a round.
fn time(work: fn() -> Outcome<u8>) -> Outcome<Duration> {
    let start = ThreadTime::now();
    for _ in 0..COUNT {
        black_box(work()?);
    }
    Ok(start.elapsed())
}

fn ours() -> Outcome<u8> {
    let secret = Locked::<32>::new_with(|bytes| *bytes = black_box([7; 32]))?;
    Ok(secret.with(|bytes| bytes.iter().fold(0, |a, b| a ^ b)))
}

fn memsec() -> Outcome<u8> {
    qratum_bench_memsec::make_use_drop().ok_or_else(|| "memsec gave no memory".into())
}
