//! Does our HMAC-DRBG say what another one says? Random scripts of requests, reseeds and prediction
//! resistance run through ours and through `tests/oracles/hmac_drbg.py`, which was written from the
//! standard and stands on Python's own `hmac`.

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

use qratum_crypto::hash::sha3_512;
use qratum_tests::{
    root, skip,
    vectors::{Report, run_text},
};
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

/// What the oracle answers; none where there is no Python.
fn oracle(scripts: &[Value]) -> Option<Vec<Vec<String>>> {
    let mut python = Command::new("python3");
    python.arg(root().join("tests/oracles/hmac_drbg.py")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = match python.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == ErrorKind::NotFound && env::var_os("CI").is_none() => return None,
        Err(error) => panic!("python3: {error}"),
    };
    child.stdin.take().unwrap().write_all(json!(scripts).to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn random_scripts_agree_with_an_independent_implementation() {
    let mut draws = Draws(0);
    let scripts: Vec<Value> = (0..SCRIPTS).map(|_| draws.script()).collect();
    let Some(outputs) = oracle(&scripts) else {
        return skip("drbg_oracle", "python3 not found, the generator was compared with no other");
    };
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
