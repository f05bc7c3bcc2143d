//! Our HMAC-DRBG next to OpenSSL's, both over SHA3-512: `drbg [--rounds N]`.
//!
//! Both take turns, the best round of each stands for it, and their first 64 bytes must be equal.

use std::{
    fmt::Write as _,
    hint::black_box,
    io::{self, Write as _},
    time::Duration,
};

use cpu_time::ThreadTime;
use qratum_bench::{Outcome, argument, c_peer::Peer, report::verdict};
use qratum_crypto::rng::drbg::{Drbg, Moment};

const NOW: Moment = Moment { elapsed: Duration::ZERO, process: 0, resumes: 0 };

/// How many times as fast as OpenSSL's ours shall be.
const GOAL: f64 = 1.0;

/// Bytes of a request, and how many of them make a round.
const WORK: [(usize, u32); 2] = [(32, 2000), (4096, 100)];

fn main() -> Outcome<()> {
    let rounds: u32 = argument("--rounds")?.map_or(Ok(40), |rounds| rounds.parse())?;
    let mut ours = Ours::new()?;
    let mut peer = Peer::start("openssl_drbg.c", ("-lcrypto", "libssl-dev"))?;
    if ours.first != peer.first {
        return Err("the two do not draw the same bytes".into());
    }
    let mut table = String::from("bytes      ours [us]  OpenSSL [us]  OpenSSL / ours\n");
    for (length, count) in WORK {
        let mut best = [Duration::MAX; 2];
        for _ in 0..rounds {
            best = [
                best[0].min(ours.time(length, count)?),
                best[1].min(peer.time(&format!("{length} {count}"))?),
            ];
        }
        let [ours, theirs] = best.map(|time| time.as_secs_f64() * 1e6 / f64::from(count));
        let ratio = theirs / ours;
        writeln!(
            table,
            "{length:5}  {ours:13.2} {theirs:13.2} {ratio:15.2}{}",
            verdict(ratio >= GOAL, GOAL)
        )?;
    }
    io::stdout().write_all(table.as_bytes())?;
    Ok(())
}

/// The seed of both: entropy 00.., nonce 80...
fn seeded() -> Outcome<Drbg> {
    let (entropy, nonce): (Vec<u8>, Vec<u8>) = ((0..64).collect(), (0x80..0xa0).collect());
    Drbg::instantiate(&entropy, &nonce, b"bench", NOW).map_err(|why| why.to_string().into())
}

struct Ours {
    drbg: Drbg,
    first: String,
    out: Vec<u8>,
}

impl Ours {
    fn new() -> Outcome<Self> {
        let (mut drbg, mut out) = (seeded()?, vec![0; 64]);
        drbg.generate(&mut out, b"", NOW).map_err(|why| why.to_string())?;
        let first = out.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { drbg, first, out })
    }

    /// The CPU time of `count` requests. A fresh generator each time: ours asks for a reseed.
    fn time(&mut self, length: usize, count: u32) -> Outcome<Duration> {
        self.drbg = seeded()?;
        self.out.resize(length, 0);
        let start = ThreadTime::now();
        for _ in 0..count {
            self.drbg.generate(black_box(&mut self.out), b"", NOW).map_err(|why| why.to_string())?;
        }
        Ok(start.elapsed())
    }
}
