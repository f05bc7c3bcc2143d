//! Does our code say what another says? Each program in `tests/oracles` was written from the standard
//! and stands on nothing but Python's own library.
//!
//! - `hmac_drbg.py`: random scripts of requests, reseeds and prediction resistance.
//! - `biokey.py`: the encoding of loci, and what a biokey is derived by.
//! - `cutoffs.py`: the cutoffs of the health tests, in exact decimals.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test file: a panic is the verdict"
)]

use std::{
    env,
    io::{ErrorKind, Write as _},
    process::{Command, Stdio},
};

use qratum_crypto::{
    hash::{sha3_256, sha3_512},
    kdf::biokey,
    rng::health::{Cutoffs, Entropy, Window},
};
use qratum_custody::biokey::{Base, Build, Locus, Panel};
use qratum_tests::{
    root, skip,
    vectors::{Report, run_text},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const SCRIPTS: u64 = 200;

/// Reproducible draws: SHA3-512 of a counter.
struct Draws(u64);

impl Draws {
    fn bytes(&mut self, length: usize) -> String {
        let mut bytes = Vec::new();
        while bytes.len() < length {
            self.0 += 1;
            bytes.extend(sha3_512(&self.0.to_le_bytes()));
        }
        hex::encode(&bytes[..length])
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 += 1;
        usize::from(u16::from_le_bytes(*sha3_512(&self.0.to_le_bytes()).first_chunk().unwrap())) % limit
    }

    /// Bytes of a random length, in a third of the cases none.
    fn additional(&mut self) -> String {
        let length = if self.below(3) == 0 { 0 } else { self.below(200) };
        self.bytes(length)
    }

    fn entropy(&mut self) -> String {
        let length = 32 + self.below(100);
        self.bytes(length)
    }

    fn step(&mut self) -> Value {
        match self.below(4) {
            0 => json!({"op": "reseed", "entropy": self.entropy(), "addl": self.additional()}),
            1 => json!({"op": "generate", "n": self.below(400), "addl": self.additional(),
                        "pr_entropy": self.entropy()}),
            _ => json!({"op": "generate", "n": self.below(400), "addl": self.additional()}),
        }
    }

    /// The outputs before the last cannot hide: each script ends with a request.
    fn script(&mut self) -> Value {
        let mut steps: Vec<Value> = (0..self.below(12)).map(|_| self.step()).collect();
        steps.push(json!({"op": "generate", "n": 64 + self.below(400), "addl": self.additional()}));
        let nonce = 16 + self.below(50);
        json!({"hash": "sha3_512", "entropy": self.entropy(), "nonce": self.bytes(nonce),
               "pers": self.additional(), "steps": steps})
    }
}

/// What the oracle of this name answers; none where there is no Python, after [`skip`] has said so.
fn oracle<T: DeserializeOwned>(name: &str, question: &Value) -> Option<T> {
    let mut python = Command::new("python3");
    python.arg(root().join("tests/oracles").join(name)).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = match python.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == ErrorKind::NotFound && env::var_os("CI").is_none() => {
            skip(&format!("oracles/{name}"), "python3 not found, nothing was compared with it");
            return None;
        }
        Err(error) => panic!("python3: {error}"),
    };
    child.stdin.take().unwrap().write_all(question.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn random_scripts_agree_with_an_independent_implementation() {
    let mut draws = Draws(0);
    let scripts: Vec<Value> = (0..SCRIPTS).map(|_| draws.script()).collect();
    let Some(outputs) = oracle::<Vec<Vec<String>>>("hmac_drbg.py", &json!(scripts)) else { return };
    assert_eq!(outputs.len(), scripts.len());
    let cases: Vec<Value> = scripts
        .into_iter()
        .zip(&outputs)
        .enumerate()
        .map(|(i, (script, outputs))| {
            json!({"id": format!("script-{i}"), "in": script, "out": {"last_output": outputs.last()}})
        })
        .collect();
    let file = json!({"format": "vectors-v1", "kind": "hmac_drbg", "count": cases.len(), "cases": cases});
    let mut report = Report::default();
    run_text("scripts", &file.to_string(), &mut report);
    assert_eq!((report.passed, report.failed, report.unsupported), (200, 0, 0), "{:#?}", report.failures);
}

/// What our own code derives from a case of the oracle.
fn biokey_of(case: &Value) -> Value {
    let array = |name: &str| hex::decode(case[name].as_str().unwrap()).unwrap();
    let loci: Vec<(Locus, u8)> = case["loci"].as_array().unwrap().iter().map(locus).collect();
    let panel = Panel::of(Build::Grch38, loci.clone().into_iter().map(|(locus, _)| locus), |dosages| {
        dosages.iter_mut().zip(&loci).for_each(|(to, (_, dosage))| *to = *dosage);
    });
    let (panel, salt, secret) = (panel.unwrap(), array("salt"), array("secret"));
    let credential = array("credential").try_into().unwrap();
    let purpose = biokey::Purpose { credential, version: case["version"].as_u64().unwrap() };
    let (mut prk, mut root, mut check, mut seeds) = ([0; 64], [0; 64], [0; 32], [[0; 32]; 2]);
    let (salt, secret) = (salt.try_into().unwrap(), secret.try_into().unwrap());
    panel.with(|loci| biokey::extract(&salt, loci, &secret, &mut prk));
    biokey::expand(&prk, &purpose, &mut root).unwrap();
    biokey::check(&prk, &purpose, &mut check).unwrap();
    for (seed, child) in seeds.iter_mut().zip([biokey::Child::Ed25519, biokey::Child::MlDsa65]) {
        biokey::seed(&root, child, seed).unwrap();
    }
    json!({"panel": panel.with(|parts| sha3_256(&parts.concat())).to_string(), "biokey": hex::encode(root),
           "check": hex::encode(check), "ed25519": hex::encode(seeds[0]), "ml_dsa": hex::encode(seeds[1])})
}

fn locus(of: &Value) -> (Locus, u8) {
    let base = |at: usize| match of[at].as_str().unwrap() {
        "A" => Base::A,
        "C" => Base::C,
        _ => Base::G,
    };
    let [chromosome, position, dosage] = [0, 1, 4].map(|at| of[at].as_u64().unwrap());
    let locus = Locus {
        chromosome: u8::try_from(chromosome).unwrap(),
        position: u32::try_from(position).unwrap(),
        reference: base(2),
        alternative: base(3),
    };
    (locus, u8::try_from(dosage).unwrap())
}

#[test]
fn biokeys_agree_with_an_independent_derivation() {
    let mut draws = Draws(7_000_000);
    let mut case = || {
        let (count, start) = (256 + draws.below(200), 1 + draws.below(5000));
        let loci = (0..count).map(|i| {
            let pair = [("A", "C"), ("A", "G"), ("C", "A"), ("G", "A")][draws.below(4)];
            json!([1 + i / 100, start + 7919 * i, pair.0, pair.1, draws.below(3)])
        });
        let loci: Vec<Value> = loci.collect();
        json!({"build": 38, "loci": loci, "salt": draws.bytes(64), "secret": draws.bytes(32),
               "credential": draws.bytes(32), "version": draws.below(1000)})
    };
    let cases: Vec<Value> = (0..50).map(|_| case()).collect();
    let Some(answers) = oracle::<Vec<Value>>("biokey.py", &json!(cases)) else { return };
    assert_eq!(answers.len(), cases.len());
    for (case, answer) in cases.iter().zip(answers) {
        assert_eq!(biokey_of(case), answer);
    }
}

/// Claims from a fiftieth of a bit to eight bits, at all tiers of false alarms.
#[test]
fn cutoffs_of_many_claims_agree_with_exact_decimals() {
    let claims: Vec<Entropy> = [(1, 50), (1, 10), (1, 3), (2, 3), (7, 5), (5, 1), (13, 2), (8, 1)]
        .map(|(bits, samples)| Entropy { bits, samples })
        .into();
    let mut cases = Vec::new();
    for entropy in claims {
        for alpha in [20, 30, 40, 60] {
            cases.extend([Window::Wide, Window::Binary].map(|window| (entropy, alpha, window)));
        }
    }
    let question: Vec<_> =
        cases.iter().map(|(e, alpha, w)| (e.bits, e.samples, alpha, w.samples())).collect();
    let Some(answers) = oracle::<Vec<(u32, u32)>>("cutoffs.py", &json!(question)) else { return };
    assert_eq!(answers.len(), cases.len());
    for ((entropy, alpha, window), (repetition, proportion)) in cases.into_iter().zip(answers) {
        let expected = Cutoffs { repetition, proportion };
        assert_eq!(Cutoffs::new(entropy, window, alpha), expected, "{entropy:?} 2^-{alpha} {window:?}");
    }
}
