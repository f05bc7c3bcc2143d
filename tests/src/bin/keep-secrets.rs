//! A program that makes secrets of every kind, uses them and ends them, and stops at each step until
//! it is told to go on: `residue` looks through its memory meanwhile. With `--limited` it may lock so
//! little that `memfd_secret` is refused and `mlock` is not.

use std::{
    error::Error,
    hint::black_box,
    io::{self, BufRead as _, Write as _},
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use qratum_crypto::kdf::hkdf;
use qratum_metal::secret::{Expiring, Locked, LockedBytes};
use qratum_tests::residue::{ABSORBED, BRIEF, KEY, LARGE, SALT, write};
use rustix::process::{Resource, Rlimit, setrlimit};

/// Bytes that may be locked: sixteen pages for small secrets and one for the large, without guards.
const LIMIT: u64 = 17 * 4096;

fn main() -> Result<(), Box<dyn Error>> {
    if std::env::args().any(|argument| argument == "--limited") {
        setrlimit(Resource::Memlock, Rlimit { current: Some(LIMIT), maximum: Some(LIMIT) })?;
    }
    step("started")?;
    let key = Locked::<32>::new_with(|key| write(KEY, key))?;
    let large = LockedBytes::new_with(2000, |large| write(LARGE, large))?;
    let mut elsewhere = [0; 32];
    write(ABSORBED, &mut elsewhere);
    let absorbed = Locked::absorb(&mut elsewhere)?;
    let prk = Locked::<64>::new_with(|prk| key.with(|key| hkdf::extract(SALT, &[key], prk)))?;
    let derived = Locked::<32>::try_new_with(|okm| -> Result<(), Box<dyn Error>> {
        Ok(prk.with(|prk| hkdf::expand(prk, b"", okm)).map_err(|error| error.to_string())?)
    });
    let derived = Expiring::new(derived?, Duration::from_secs(60))?;
    step(&format!("held: {}; {}", key.status(), large.status()))?;

    if absorbed.ct_eq(&key) || derived.with(|derived| derived.ct_eq(&key))? {
        return Err("two secrets are equal".into());
    }
    let broken = catch_unwind(AssertUnwindSafe(|| key.with(break_down)));
    let brief = Expiring::new(Locked::<32>::new_with(|brief| write(BRIEF, brief))?, Duration::ZERO)?;
    if broken.is_ok() || brief.with(|_| ()).is_ok() {
        return Err("it went on after a panic, or after the time of a secret".into());
    }
    derived.wipe();
    drop((key, large, absorbed, prk));
    step("ended")?;

    // What must not happen: a copy on the heap that nobody wipes, and one in hex.
    let mut leak = vec![0; 32];
    write(KEY, &mut leak);
    step("leaked raw")?;
    let text = hex::encode(black_box(&leak));
    leak.fill(0);
    black_box(&leak);
    step("leaked in hex")?;
    black_box(text);
    Ok(())
}

/// Tells where the program is, and waits for a line.
fn step(now: &str) -> io::Result<()> {
    let mut out = io::stdout();
    writeln!(out, "{now}")?;
    out.flush()?;
    io::stdin().lock().read_line(&mut String::new()).map(|_| ())
}

#[expect(clippy::panic, reason = "a panic while a secret is in use is what is tested")]
fn break_down(key: &[u8; 32]) {
    black_box(key);
    panic!("while a secret is in use");
}
