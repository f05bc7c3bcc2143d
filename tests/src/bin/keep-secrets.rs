//! A program that makes secrets of every kind, uses them and ends them, and stops at each step until
//! it is told to go on: `residue` looks through its memory meanwhile.
//!
//! - `--limited`: it may lock so little that `memfd_secret` is refused and `mlock` is not.
//! - `--open`: nothing keeps it from leaving a core, as long as the kernel writes any; without it, it is
//!   hardened as every program of ours is.
//! - `--leak`: it leaves a copy of a secret in memory, and writes one in hex on standard error.
//! - `--biokey`: its secrets are those of a biokey alone.
//! - `--segv`, `--panic`: how it ends while it holds its secrets.

use std::{
    error::Error,
    fs,
    hint::black_box,
    io::{self, BufRead as _, Write as _},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::mpsc::{Sender, channel},
    time::Duration,
};

use qratum_chain::{
    Hash,
    types::{CredentialId, Time},
};
use qratum_crypto::kdf::hkdf;
use qratum_custody::{
    biokey::{Biokey, SealedPanel, Terms},
    entropy::{self, Random},
};
use qratum_metal::{
    process::harden,
    secret::{Expiring, Locked, LockedBytes},
};
use qratum_tests::residue::{self, ABSORBED, BRIEF, COMPUTED, KEY, LARGE, SALT, write};
use rustix::process::{Resource, Rlimit, Signal, getpid, kill_process, setrlimit};

/// Bytes that may be locked: sixteen pages for small secrets and one for the large, without guards.
const LIMIT: u64 = 17 * 4096;
/// How long the brief secret lives.
const BRIEFLY: Duration = Duration::from_millis(50);

fn main() -> Result<(), Box<dyn Error>> {
    let asked = |option: &str| std::env::args().any(|argument| argument == option);
    if asked("--limited") {
        setrlimit(Resource::Memlock, Rlimit { current: Some(LIMIT), maximum: Some(LIMIT) })?;
    }
    // A program that is not hardened would leave a core from here on.
    setrlimit(Resource::Core, Rlimit { current: None, maximum: None })?;
    if !asked("--open") {
        harden();
    }
    step("started")?;
    if asked("--biokey") {
        return keep_biokey();
    }
    let all = All::make()?;
    step(&format!("held: {}; {}", all.key.status(), all.large.status()))?;
    all.try_use()?;
    expire()?;
    step("expired")?;
    if asked("--leak") {
        leak()?;
    }
    match () {
        // Rust's own handler lets the first one pass, as it expects the fault to come again.
        () if asked("--segv") => loop {
            kill_process(getpid(), Signal::SEGV)?;
        },
        () if asked("--panic") => break_down(&[0; 32]),
        () => {}
    }
    drop(all);
    step("ended")?;
    leak()
}

/// A biokey is enrolled, unlocked, used and ended; its panel lies sealed in the folder.
fn keep_biokey() -> Result<(), Box<dyn Error>> {
    let mut random = Random::start(entropy::sources(Path::new("/nonexistent"))?, entropy::now())?;
    let computed = Locked::<32>::new_with(|computed| write(COMPUTED, computed))?;
    let (credential, given, until) = (CredentialId(Hash([7; 32])), Time(1), Time(9));
    let terms = Terms { credential, version: 0, given, until, purpose: "a test".to_owned() };
    let drawing = (&mut random, entropy::now());
    let (panel, enrolled) = SealedPanel::enrol(&residue::panel()?, &computed, terms, drawing)?;
    drop(enrolled);
    fs::write("panel", panel.bytes())?;
    let biokey = Biokey::unlock(&panel, &computed, credential, Time(2))?;
    step("held")?;
    black_box(biokey.sign(&[3; 32])?);
    step("signed")?;
    drop(biokey);
    step("ended")?;
    let leak = computed.with(|computed| computed.to_vec());
    step("leaked raw")?;
    black_box(leak.leak());
    Ok(())
}

/// One secret of each kind.
struct All {
    key: Locked<32>,
    large: LockedBytes,
    absorbed: Locked<32>,
    /// Between the key and what is derived.
    _prk: Locked<64>,
    derived: Expiring<Locked<32>>,
}

impl All {
    fn make() -> Result<Self, Box<dyn Error>> {
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
        Ok(Self { key, large, absorbed, _prk: prk, derived })
    }

    /// Compares them, and panics while one is in use.
    fn try_use(&self) -> Result<(), Box<dyn Error>> {
        let derived = |derived: &Locked<32>| derived.ct_eq(&self.key);
        if self.absorbed.ct_eq(&self.key) || self.derived.with(derived)? {
            return Err("two secrets are equal".into());
        }
        match catch_unwind(AssertUnwindSafe(|| self.key.with(break_down))) {
            Ok(()) => Err("it went on after a panic".into()),
            Err(_) => Ok(()),
        }
    }
}

/// A secret, and who hears of its end: fields go in this order.
struct Heard {
    _secret: Locked<32>,
    _end: Sender<()>,
}

/// Waits until the time of a secret is up and it was wiped, which nobody asks for.
fn expire() -> Result<(), Box<dyn Error>> {
    let (end, ended) = channel();
    let brief = Heard { _secret: Locked::new_with(|brief| write(BRIEF, brief))?, _end: end };
    let brief = Expiring::new(brief, BRIEFLY)?;
    match (ended.recv(), brief.with(|_| ())) {
        (Err(_), Err(_)) => Ok(()),
        _ => Err("it went on after the time of a secret".into()),
    }
}

/// What must not happen: a copy on the heap that nobody wipes, and one in hex.
fn leak() -> Result<(), Box<dyn Error>> {
    let mut leak = vec![0; 32];
    write(KEY, &mut leak);
    step("leaked raw")?;
    let text = hex::encode(black_box(&leak));
    eprintln!("leaked: {text}");
    step("leaked in hex")?;
    // There for whoever looks at a core.
    black_box(leak.leak());
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
