//! What is tested: the functions of the product that secrets pass through, and planted leaks.

use std::{hint::black_box, time::Duration};

use qratum_crypto::{
    kdf::{
        self,
        biokey::{Child, Purpose},
        hd::Node,
        hkdf,
        hmac::Hmac,
    },
    rng::drbg::{Drbg, Moment},
    sign::ed25519::SecretKey,
};
use qratum_metal::secret::ct_eq;

use super::{Case, t_test::FIXED};

const NOW: Moment = Moment { elapsed: Duration::ZERO, process: 0, resumes: 0 };

/// What is compared with the secret: equal to the fixed one, so that a comparison which stops early
/// runs to its end there, and only there.
const GUESS: [u8; 512] = [FIXED; 512];

/// What the secret is an index of.
const TABLE: [u8; 256] = [7; 256];

/// This file, where the leaks are planted.
const HERE: &str = "tests/src/constant_time/cases.rs";

/// All cases, in the order in which they are shown.
pub const ALL: [Case; 11] = [
    shipped("hmac-sha3-512", "crates/crypto/src/kdf/hmac.rs", ("the key", 64), hmac),
    shipped("hkdf-sha3-512", "crates/crypto/src/kdf/hkdf.rs", ("the input key", 64), hkdf),
    shipped(
        "biokey",
        "crates/crypto/src/kdf/biokey.rs",
        ("the loci and what the key computes", 2080),
        biokey,
    ),
    shipped("hmac-drbg-sha3-512", "crates/crypto/src/rng/drbg.rs", ("the entropy", 48), drbg),
    shipped("ed25519-sign", "crates/crypto/src/sign/ed25519.rs", ("the seed", 32), ed25519),
    shipped("slip-0010", "crates/crypto/src/kdf/hd.rs", ("the seed", 64), slip0010),
    shipped("comparison", "crates/metal/src/secret.rs", ("one side", 512), |secret| {
        black_box(ct_eq(secret, black_box(&GUESS)));
    }),
    shipped("table lookup", HERE, ("the index", 64), |secret| looked_up(secret, whole)),
    planted("planted: comparison that stops early", ("one side", 512), |secret| {
        black_box(stops_early(secret, black_box(&GUESS)));
    }),
    planted("planted: branch on a bit", ("the bit", 64), |secret| looked_up(secret, branches)),
    Case {
        timed: false,
        ..planted("planted: table lookup by address", ("the index", 64), |secret| {
            looked_up(secret, by_address);
        })
    },
];

type Secret = (&'static str, usize);

const fn shipped(name: &'static str, file: &'static str, (secret, length): Secret, run: fn(&[u8])) -> Case {
    Case { name, file, secret, length, planted: false, timed: true, run }
}

const fn planted(name: &'static str, secret: Secret, run: fn(&[u8])) -> Case {
    Case { planted: true, ..shipped(name, HERE, secret, run) }
}

fn hmac(key: &[u8]) {
    let mut tag = [0; 64];
    Hmac::new(key).mac(&[b"message"], &mut tag);
    black_box(tag);
}

fn hkdf(ikm: &[u8]) {
    let (mut prk, mut okm) = ([0; 64], [0; 96]);
    hkdf::extract(b"salt", &[ikm], &mut prk);
    black_box(hkdf::expand(&prk, b"info", &mut okm).is_ok());
    black_box(okm);
}

/// 256 records of loci vary, and not the salt; and both seeds below.
fn biokey(secret: &[u8]) {
    let Some((computed, records)) = secret.split_first_chunk() else { return };
    let purpose = Purpose { credential: [1; 32], version: 0 };
    let (mut prk, mut root, mut seeds) = ([0; 64], [0; 64], [[0; 32]; 2]);
    kdf::biokey::extract(&[1; 64], [b"head", records], computed, &mut prk);
    black_box(kdf::biokey::expand(&prk, &purpose, &mut root).is_ok());
    for (seed, child) in seeds.iter_mut().zip([Child::Ed25519, Child::MlDsa65]) {
        black_box(kdf::biokey::seed(&root, child, seed).is_ok());
    }
    black_box(seeds);
}

fn drbg(entropy: &[u8]) {
    let mut out = [0; 64];
    let drawn = Drbg::instantiate(entropy, &[1; 16], b"", NOW).and_then(|mut drbg| {
        drbg.generate(&mut out, b"additional", NOW)?;
        drbg.reseed(entropy, b"", NOW)?;
        drbg.generate(&mut out, b"", NOW)
    });
    black_box((drawn.is_ok(), out));
}

fn slip0010(seed: &[u8]) {
    black_box(Node::derive(seed, &[1, 2]).is_ok());
}

fn ed25519(seed: &[u8]) {
    let Ok(seed) = seed.try_into() else { return };
    black_box(SecretKey::from_seed(seed).sign(b"message").0);
}

/// Reads the table once for each byte of the secret.
fn looked_up(secret: &[u8], read: fn(&[u8; 256], u8) -> u8) {
    black_box(secret.iter().map(|index| read(black_box(&TABLE), *index)).fold(0, |a, b| a ^ b));
}

/// `table[index]` by reading all of it: no cache line tells which.
#[inline(never)]
fn whole(table: &[u8; 256], index: u8) -> u8 {
    let mask = |i: u8| u8::from(black_box(ct_eq(&[i], &[index]))).wrapping_neg();
    (0..=255).zip(table).fold(0, |found, (i, value)| found | (value & mask(i)))
}

/// What must not be done: how long it takes says how much of the guess is right.
#[inline(never)]
fn stops_early(a: &[u8], b: &[u8]) -> bool {
    a.iter().zip(b).all(|(a, b)| black_box(a) == black_box(b))
}

/// What must not be done: a branch on a bit of the secret.
#[inline(never)]
fn branches(table: &[u8; 256], byte: u8) -> u8 {
    if byte & 1 == 1 { table.iter().fold(0, |a, b| black_box(a ^ b)) } else { 0 }
}

/// What must not be done: an address that is made of the secret.
#[inline(never)]
fn by_address(table: &[u8; 256], index: u8) -> u8 {
    table.get(usize::from(index)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_table_gives_what_its_address_gives() {
        let table: [u8; 256] = std::array::from_fn(|i| (i * 7 + 3) as u8);
        for index in 0..=255 {
            assert_eq!(whole(&table, index), by_address(&table, index), "{index}");
        }
    }

    #[test]
    fn every_case_runs_and_names_a_file_that_is_there() {
        for case in &ALL {
            (case.run)(&vec![FIXED; case.length]);
            assert!(crate::root().join(case.file).is_file(), "{}", case.file);
        }
        assert!(ALL.iter().any(|case| case.planted && case.timed));
    }
}
