//! `qratum crypto list`: which signatures are in use here, and what rests on them?

use serde::Serialize;

use crate::{
    exit::{Exit, Failure},
    output,
};

/// The suites, as `--json` prints them.
#[derive(Debug, Serialize)]
struct Suites {
    schema: &'static str,
    signatures: [Suite; 4],
}

/// A signature scheme and the rule it is used by. Sizes in bytes.
#[derive(Debug, Serialize)]
struct Suite {
    name: &'static str,
    standard: &'static str,
    rule: &'static str,
    public_key: usize,
    signature: usize,
    post_quantum: bool,
    used_for: &'static str,
    /// Whether anything is accepted or refused by it today.
    decides: bool,
    /// What that is, or what is missing.
    today: &'static str,
}

/// Only what exists: a scheme that arrives later gets its row then.
const SIGNATURES: [Suite; 4] = [
    Suite {
        name: "ed25519-votes",
        standard: "RFC 8032 (Ed25519)",
        rule: "cofactored equation, one by one and in batches alike; canonical s, key canonical and torsion-free",
        public_key: 32,
        signature: 64,
        post_quantum: false,
        used_for: "votes and proposals of validators, and the certificates and evidence made of them",
        decides: true,
        today: "every block rests on it",
    },
    Suite {
        name: "ed25519-strict",
        standard: "RFC 8032 (Ed25519)",
        rule: "strict: equation without cofactor, no key or point of small order",
        public_key: 32,
        signature: 64,
        post_quantum: false,
        used_for: "transactions, enrolments and proofs that a key is held",
        decides: true,
        today: "every transaction and every validator of a genesis rests on it",
    },
    Suite {
        name: "ml-dsa-65",
        standard: "FIPS 204 (ML-DSA-65)",
        rule: "pure, the purpose as context",
        public_key: 1952,
        signature: 3309,
        post_quantum: true,
        used_for: "hand-overs from one validator set to the next, beside Ed25519",
        decides: true,
        today: "every hand-over of a set whose validators registered keys rests on both; qratum-validator makes \
                a key for each validator",
    },
    Suite {
        name: "ed25519+slh-dsa-sha2-192s",
        standard: "RFC 8032 (Ed25519) and FIPS 205 (SLH-DSA-SHA2-192s)",
        rule: "both halves over one digest that binds both keys, the purpose as tag and context; both must hold",
        public_key: 80,
        signature: 16_288,
        post_quantum: true,
        used_for: "anchor checkpoints, for which operators vouch",
        decides: true,
        today: "where config.toml names operators, no anchor is taken without as many of them as it demands",
    },
];

/// Prints the list.
pub(crate) fn list(json: bool) -> Result<Exit, Failure> {
    if json {
        output::json(&Suites { schema: "qratum/crypto/v1", signatures: SIGNATURES })?;
    } else {
        let text: String = SIGNATURES.iter().map(Suite::text).collect();
        output::lines(&text)?;
    }
    Ok(Exit::Done)
}

impl Suite {
    fn text(&self) -> String {
        let Self { name, standard, rule, public_key, signature, used_for, today, .. } = self;
        let kind = if self.post_quantum { "post-quantum" } else { "not post-quantum" };
        format!(
            "{name}  {standard}, {kind}\n  rule   {rule}\n  sizes  key {public_key}, signature {signature} bytes\n\
             \x20 for    {used_for}\n  today  {today}\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use qratum_crypto::sign::{Scheme as _, ed25519::SecretKey, hybrid::WithSlhDsa, ml_dsa};

    use super::*;

    #[test]
    fn sizes_are_those_of_the_schemes() {
        let (ed25519, ml_dsa) = (SecretKey::from_seed(&[1; 32]), ml_dsa::SecretKey::from_seed(&[1; 32]));
        let small = (ed25519.public().0.len(), ed25519.sign(b"").0.len());
        let large = (ml_dsa.public().len(), ml_dsa::SIGNATURE_LENGTH);
        let anchors = (WithSlhDsa::PUBLIC_KEY_LENGTH, WithSlhDsa::SIGNATURE_LENGTH);
        let sizes = SIGNATURES.map(|suite| (suite.public_key, suite.signature));
        assert_eq!(sizes, [small, small, large, anchors]);
    }
}
