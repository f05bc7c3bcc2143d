//! `constant-time [SAMPLES]`: tests the functions that secrets pass through, at least SAMPLES (10,000)
//! calls in each class, and leaks that are planted. A line for each on standard error, the report in
//! JSON on standard output. Exit 0 only when every planted leak was found and nothing else leaks.

use std::{env, hint::black_box, process::ExitCode, time::Duration};

use qratum_crypto::{
    kdf::{hkdf, hmac::Hmac},
    rng::drbg::{Drbg, Moment},
    sign::ed25519::SecretKey,
};
use qratum_metal::secret::ct_eq;
use qratum_tests::timing::{Case, FIXED, THRESHOLD, Verdict, test};

const NOW: Moment = Moment { elapsed: Duration::ZERO, process: 0, resumes: 0 };

fn main() -> ExitCode {
    let samples = match env::args().nth(1).map(|text| text.parse()) {
        None => 10_000,
        Some(Ok(samples)) if samples >= 100 => samples,
        Some(_) => {
            eprintln!("usage: constant-time [SAMPLES], 100 at least");
            return ExitCode::from(2);
        }
    };
    let verdicts: Vec<Verdict> = cases().iter().map(|case| test(case, samples)).collect();
    for verdict in &verdicts {
        let word = match (verdict.leaks, verdict.planted) {
            (false, false) => "constant",
            (true, true) => "leaks, as planted",
            (true, false) => "LEAKS",
            (false, true) => "PLANTED LEAK NOT FOUND",
        };
        eprintln!("{:28} |t| {:10.2}  {word}", verdict.name, verdict.t.abs());
    }
    let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
    let report = serde_json::json!({ "profile": profile, "threshold": THRESHOLD, "cases": verdicts });
    println!("{report}");
    if verdicts.iter().all(Verdict::is_good) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What is compared with the secret: equal to the fixed one, so that a comparison which stops early
/// runs to its end there, and only there.
const GUESS: [u8; 512] = [FIXED; 512];

/// What the secret is an index of.
const TABLE: [u8; 256] = [7; 256];

const fn case(name: &'static str, length: usize, run: fn(&[u8])) -> Case {
    Case { name, length, planted: false, run }
}

const fn planted(name: &'static str, length: usize, run: fn(&[u8])) -> Case {
    Case { name, length, planted: true, run }
}

fn cases() -> Vec<Case> {
    vec![
        case("hmac-sha3-512", 64, |key| {
            let mut tag = [0; 64];
            Hmac::new(key).mac(&[b"message"], &mut tag);
            black_box(tag);
        }),
        case("hkdf-sha3-512", 64, |ikm| {
            let (mut prk, mut okm) = ([0; 64], [0; 96]);
            hkdf::extract(b"salt", &[ikm], &mut prk);
            black_box(hkdf::expand(&prk, b"info", &mut okm).is_ok());
            black_box(okm);
        }),
        case("hmac-drbg-sha3-512", 48, |entropy| {
            let mut out = [0; 64];
            let drawn = Drbg::instantiate(entropy, &[1; 16], b"", NOW)
                .and_then(|mut drbg| drbg.generate(&mut out, b"", NOW));
            black_box((drawn.is_ok(), out));
        }),
        case("ed25519-sign", 32, |seed| {
            let Ok(seed) = seed.try_into() else { return };
            black_box(SecretKey::from_seed(seed).sign(b"message").0);
        }),
        case("comparison", 512, |secret| {
            black_box(ct_eq(black_box(secret), black_box(&GUESS)));
        }),
        planted("planted: comparison", 512, |secret| {
            black_box(stops_early(black_box(secret), black_box(&GUESS)));
        }),
        case("table, whole", 64, |secret| {
            black_box(secret.iter().map(|index| whole(black_box(&TABLE), *index)).fold(0, |a, b| a ^ b));
        }),
        planted("planted: branch on a bit", 64, |secret| {
            black_box(secret.iter().map(|byte| branches(black_box(&TABLE), *byte)).fold(0, |a, b| a ^ b));
        }),
    ]
}

/// What must not be done: how long it takes says how much of the guess is right.
#[inline(never)]
fn stops_early(a: &[u8], b: &[u8]) -> bool {
    a.iter().zip(b).all(|(a, b)| black_box(a) == black_box(b))
}

/// `table[index]` by reading all of it: no cache line tells which.
#[inline(never)]
fn whole(table: &[u8], index: u8) -> u8 {
    let mask = |i: u8| u8::from(black_box(ct_eq(&[i], &[index]))).wrapping_neg();
    (0..=255).zip(table).fold(0, |found, (i, value)| found | (value & mask(i)))
}

/// What must not be done: a branch on a bit of the secret.
#[inline(never)]
fn branches(table: &[u8], byte: u8) -> u8 {
    if byte & 1 == 1 { table.iter().fold(0, |a, b| black_box(a ^ b)) } else { 0 }
}
