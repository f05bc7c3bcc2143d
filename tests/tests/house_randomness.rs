//! Keys, nonces and salts come from `crypto::rng` and from nowhere else: no production code names
//! another source of random bytes, but where this table says why.
//!
//! A crate may not even depend on `getrandom` or a `rand` (`house_manifests`), and clippy refuses
//! `getrandom::fill` outside its one place. This finds what needs no such crate: the device files, the
//! standard library's seeded hasher, and keys that another library generates.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test file: a panic is the verdict"
)]

use std::fs;

/// What draws random bytes, as it is written.
const SOURCES: [&str; 12] = [
    "getrandom::",
    "/dev/urandom",
    "/dev/random",
    "/dev/hwrng",
    "RandomState",
    "OsRng",
    "SysRng",
    "ThreadRng",
    "rand::",
    "fastrand::",
    "Keypair::generate",
    "generate_ed25519",
];

/// Where one of them stands rightly: the file, what, and why.
const ALLOWED: [(&str, &str, &str); 1] =
    [("crates/crypto/src/rng/source.rs", "getrandom::", "the kernel, as one source of the pool")];

/// Every complaint about the code of `file`: comments and what stands below its tests left out.
fn complaints(file: &str, source: &str) -> Vec<String> {
    let code = source.lines().take_while(|line| !line.starts_with("mod tests"));
    let code = code.map(|line| line.split("//").next().unwrap_or_default());
    let mut found = Vec::new();
    for (number, line) in (1..).zip(code) {
        let named = SOURCES.iter().filter(|source| names(line, source));
        let wrong = named.filter(|source| !ALLOWED.iter().any(|(at, what, _)| (*at, what) == (file, source)));
        found.extend(wrong.map(|source| format!("{file}:{number} draws from {source}")));
    }
    found
}

/// Whether `line` holds `source` and not only the end of a longer name (`operand::`).
fn names(line: &str, source: &str) -> bool {
    let longer = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(source).any(|(at, _)| !line[..at].ends_with(longer))
}

#[test]
fn nothing_draws_from_another_source() {
    let sources = qratum_tests::shipped_sources().unwrap();
    assert!(sources.len() > 100, "only {} files were read", sources.len());
    let found: Vec<String> = sources.iter().flat_map(|(file, source)| complaints(file, source)).collect();
    assert_eq!(found, [""; 0]);
}

/// What is allowed is there: a row that nothing bears out would quietly allow what nobody decided.
#[test]
fn every_exception_is_still_needed() {
    for (file, what, why) in ALLOWED {
        let source = fs::read_to_string(qratum_tests::root().join(file)).unwrap();
        assert!(source.lines().any(|line| names(line, what)), "{file} no longer names {what}: {why}");
    }
}

#[test]
fn a_planted_source_is_found_and_its_neighbours_are_not() {
    let file = "app/src/made_up.rs";
    let bad = "fn a() {\n    getrandom::fill(&mut b);\n    File::open(\"/dev/urandom\");\n}\n";
    assert_eq!(
        complaints(file, bad),
        [format!("{file}:2 draws from getrandom::"), format!("{file}:3 draws from /dev/urandom")]
    );
    assert_eq!(complaints("crates/crypto/src/rng/source.rs", "getrandom::fill(b)"), [""; 0]);
    assert_eq!(complaints(file, "operand::fill(b); // getrandom::fill\nmod tests {\n rand::rng();"), [""; 0]);
}
