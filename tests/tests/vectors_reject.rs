//! Refusals: every `Reject` variant has vectors, each is refused for its own reason, and its honest
//! twin is accepted.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test file: a panic is the verdict"
)]

use std::{collections::BTreeMap, fs};

use qratum_chain::{
    document::HeaderProof,
    types::{LightBlock, MAX_VALIDATORS, SetError, Validator, validators_hash},
};
use qratum_tests::{
    forge::{Forge, Member},
    root,
    vectors::{Report, reject, run_text},
};
use qratum_verifier::{Reject, SetCache, Trusted, Verdict, proof, verify};
use serde_json::Value;

/// The files of the repository.
fn committed() -> BTreeMap<String, Value> {
    let folder = root().join("tests/vectors/reject");
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let read = |path| serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    entries.map(|entry| (entry.file_name().into_string().unwrap(), read(entry.path()))).collect()
}

#[test]
fn the_files_are_what_the_generator_makes() {
    let (committed, made) = (committed(), reject::files());
    let names = |files: &BTreeMap<String, Value>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&committed), names(&made));
    for (name, file) in &made {
        assert!(committed[name] == *file, "{name} is stale: run forge-vectors tests/vectors/reject");
    }
}

#[test]
fn every_reject_has_two_negative_vectors_with_honest_twins() {
    let files = committed();
    for variant in Reject::NAMES {
        let file = files.get(&format!("{}.json", reject::kebab(variant))).expect(variant);
        let cases = file["cases"].as_array().unwrap();
        let by_id: BTreeMap<&str, &Value> =
            cases.iter().map(|case| (case["id"].as_str().unwrap(), case)).collect();
        assert_eq!(by_id.len(), cases.len(), "{variant}: one id twice");
        let negative: Vec<&&Value> = by_id.values().filter(|case| case["expect"] == "invalid").collect();
        assert!(negative.len() >= 2, "{variant} has {} negative cases", negative.len());
        assert_eq!(negative.len() * 2, cases.len(), "{variant}: each case has one twin");
        for case in negative {
            assert_eq!(case["reject"], *variant);
            let twin = by_id[format!("{}/twin", case["id"].as_str().unwrap()).as_str()];
            assert_eq!(twin["expect"], "valid");
            assert_ne!(twin["in"], case["in"]);
        }
    }
    assert_eq!(files.len(), Reject::NAMES.len(), "a file without a variant");
}

#[test]
fn every_vector_is_refused_for_its_own_reason_and_every_twin_accepted() {
    for (name, file) in committed() {
        let mut report = Report::default();
        run_text(&name, &file.to_string(), &mut report);
        assert_eq!((report.failed, report.unsupported), (0, 0), "{:#?}", report.failures);
        assert_eq!(report.passed as u64, file["count"].as_u64().unwrap());
    }
}

/// A vector that names another reason than the observed one fails, so the test above means it.
#[test]
fn a_vector_with_a_wrong_reason_or_a_wrong_verdict_fails() {
    let file = &committed()["wrong-proposer.json"];
    for (field, value) in [("reject", "WrongParent"), ("expect", "valid")] {
        let mut wrong = file.clone();
        wrong["cases"][0][field] = value.into();
        let mut report = Report::default();
        run_text("f", &wrong.to_string(), &mut report);
        assert_eq!(report.failed, 1, "{field}");
        assert!(report.failures[0].contains("WrongProposer"), "{:?}", report.failures);
    }
}

/// 1025 members do not decode from a peer, and are refused from a file; 1024 are a set. Here and
/// not as a vector: its file would have half a megabyte.
#[test]
fn a_set_above_the_bound_is_refused_and_one_at_it_is_not() {
    let many = |count: usize| -> Vec<Validator> {
        (0..count as u64).map(|seed| Member::new(1000 + seed, 1).validator).collect()
    };
    let forge = Forge::changing(3, 5);
    let handing_over = |next: Vec<Validator>| -> LightBlock {
        let mut header = forge.header(4);
        header.next_validators_hash = validators_hash(&next);
        let mut block = forge.certified(header);
        block.next_validators = Some(next);
        block
    };
    let (genesis, rules) = Trusted::genesis(&forge.genesis).unwrap();
    let judge = |block: &LightBlock| verify(block, &genesis, &rules, &mut SetCache::default(), forge.now());
    let bad = handing_over(many(MAX_VALIDATORS + 1));
    let Verdict::Reject(reject) = judge(&bad) else { panic!("1025 members") };
    assert_eq!(reject, Reject::BadSet { why: SetError::TooLarge });
    assert!(matches!(judge(&handing_over(many(MAX_VALIDATORS))), Verdict::Accept(_)));
    let bytes = qratum_chain::codec::Encode::to_bytes(&bad);
    assert!(<LightBlock as qratum_chain::codec::Decode>::from_bytes(&bytes).is_err());
    let block = forge.block(5);
    let document = HeaderProof {
        header: block.header,
        certificate: Some(block.certificate),
        validators: block.validators,
        path: vec![bad],
        history: None,
    };
    let read = HeaderProof::from_json(document.to_json().unwrap().as_bytes()).unwrap();
    let refused = proof::check(&read, &genesis, &rules, forge.now()).unwrap_err();
    assert_eq!(refused, Reject::BadSet { why: SetError::TooLarge });
}
