//! Has every document that leaves the program a JSON Schema, and is that schema true? Documents of
//! forged and recorded chains are accepted, and every small break of one is refused for what it is.
//!
//! What only the program prints (status, verdicts, events) is checked beside it, in its own tests.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test file: a panic is the verdict"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use qratum_chain::{
    Hash,
    codec::Decode,
    document::{
        Anchor, Bundle, Evidence, ForkProof, HeaderProof, HistoryProof, OffenceProof, Statement,
        StatementProof, genesis_from_json, genesis_to_json,
    },
    types::{
        BlockId, ChainParams, DoubleProposal, DoubleVote, ForkEvidence, LightBlock, Offence, Proposal,
        SignedProposal, Time, TxoBody, TxoClass,
    },
};
use qratum_crypto::sign::ed25519::SecretKey;
use qratum_tests::{
    constant_time::{
        Case, cases, memcheck,
        report::{Operation, Report},
        t_test,
    },
    forge::{Forge, Member, Team},
    root,
};
use serde_json::Value;

#[path = "schemas/check.rs"]
mod check;

use check::{Schema, files};

// - the files

/// `name` of each `"qratum/name/vN"` in production code, with its version.
fn schemas_named(source: &str) -> BTreeSet<(String, String)> {
    let code = source.split("#[cfg(test)]\nmod tests").next().unwrap();
    let literals = code.split("\"qratum/").skip(1).filter_map(|rest| rest.split('"').next());
    let named = literals.filter_map(|literal| literal.split_once('/'));
    named.map(|(name, version)| (name.to_owned(), version.to_owned())).collect()
}

/// Every Rust file below a `src` folder of what ships.
fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = ["app", "crates", "light-node"].map(|top| root().join(top)).into();
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") && in_src(&path) {
                found.push(path);
            }
        }
    }
    // The one document that a program beside the product writes.
    found.push(root().join("tests/src/constant_time/report.rs"));
    found
}

fn in_src(path: &Path) -> bool {
    let parts: Vec<_> = path.strip_prefix(root()).unwrap().iter().collect();
    parts.contains(&"src".as_ref()) && !parts.contains(&"tests".as_ref()) && !path.ends_with("tests.rs")
}

#[test]
fn every_schema_in_the_sources_has_a_file_and_every_file_a_source() {
    let named: BTreeSet<(String, String)> =
        sources().iter().flat_map(|path| schemas_named(&fs::read_to_string(path).unwrap())).collect();
    let kept: BTreeSet<(String, String)> = files()
        .into_iter()
        .map(|(name, file)| {
            let id = file["$id"].as_str().unwrap().to_owned();
            let (known, version) = id.strip_prefix("qratum/").unwrap().split_once('/').unwrap();
            assert_eq!(known, name, "the file of {id}");
            assert_eq!(file["properties"]["schema"]["const"], id, "the documents of {name}");
            (name, version.to_owned())
        })
        .collect();
    assert!(named.contains(&("header".to_owned(), "v1".to_owned())), "the sources were not read");
    assert_eq!(named, kept, "in the sources, and in assets/schemas");
}

#[test]
fn names_are_found_in_production_code_only() {
    let of = |source| schemas_named(source).into_iter().map(|(name, version)| format!("{name} {version}"));
    let source = "const A: &str = \"qratum/a-b/v2\"; // \"/qratum/light/1\", qratum/c/v1\n\
                  #[cfg(test)]\nmod tests { const D: &str = \"qratum/d/v1\"; }";
    assert_eq!(of(source).collect::<Vec<_>>(), ["a-b v2"]);
}

/// What is missing in a schema: at every object, in every field.
fn complaints(schema: &Value, at: &str, found: &mut Vec<String>) {
    let mut say = |what: &str| found.push(format!("{at}: {what}"));
    if schema["type"] == "object" {
        if schema["additionalProperties"] != false {
            say("unknown fields are let through");
        }
        for (name, field) in schema["properties"].as_object().unwrap() {
            if field["description"].as_str().is_none_or(|text| !text.ends_with('.')) {
                say(&format!("{name} is not described"));
            }
        }
    }
    if schema["type"] == "integer" && (schema["minimum"].is_null() || schema["maximum"].is_null()) {
        say("a number without bounds");
    }
    if schema["type"] == "array" && schema["items"].is_null() {
        say("a list of anything");
    }
    let (fields, items) = (schema.as_object().into_iter().flatten(), schema.as_array().into_iter().flatten());
    fields.for_each(|(key, inner)| complaints(inner, &format!("{at}/{key}"), found));
    items.enumerate().for_each(|(i, inner)| complaints(inner, &format!("{at}/{i}"), found));
}

#[test]
fn schemas_are_strict_and_describe_every_field() {
    for (name, file) in files() {
        assert_eq!(file["$schema"], "https://json-schema.org/draft/2020-12/schema", "{name}");
        assert!(file["title"].is_string() && file["description"].is_string(), "{name}");
        let mut found = Vec::new();
        complaints(&file, &name, &mut found);
        assert!(found.is_empty(), "{}", found.join("\n"));
        Schema::named(&name);
    }
}

/// Each file stands alone, so a definition that two of them need is written twice: the same.
#[test]
fn definitions_of_one_name_are_the_same_everywhere() {
    let mut known: BTreeMap<String, (String, Value)> = BTreeMap::new();
    for (name, file) in files() {
        for (definition, body) in file["$defs"].as_object().into_iter().flatten() {
            // A peer of the configuration, and one as seen from here.
            let (first, same) =
                known.entry(definition.clone()).or_insert_with(|| (name.clone(), body.clone()));
            assert!(definition == "peer" || same == body, "{definition} of {first} and of {name}");
        }
    }
}

// - documents

fn value(json: String) -> Value {
    serde_json::from_str(&json).unwrap()
}

fn proof_of(forge: &Forge, height: u64) -> HeaderProof {
    let LightBlock { header, certificate, validators, .. } = forge.block(height);
    let path = forge.path_to(height);
    HeaderProof { header, certificate: Some(certificate), validators, path, history: None }
}

/// The genesis header: it is the anchor, and nobody signed it.
fn genesis_proof(forge: &Forge) -> HeaderProof {
    HeaderProof { certificate: None, path: Vec::new(), ..proof_of(forge, 0) }
}

/// Header 3 in the history of block 6.
fn history_proof(forge: &Forge) -> HeaderProof {
    let head = forge.block(6);
    let audit_path = forge.history.inclusion(3, 6).unwrap();
    HeaderProof { certificate: None, history: Some(HistoryProof { head, audit_path }), ..proof_of(forge, 3) }
}

/// Blocks 1 to 5 of a chain whose first hand-over carries ML-DSA signatures.
fn quantum_safe() -> Forge {
    let params = ChainParams { set_length: 4, ..ChainParams::default() };
    let team =
        |first: u64| Team { members: (first..first + 4).map(|s| Member::new(s, 10).with_pq(s)).collect() };
    Forge::new(params, vec![team(1), team(2)]).grown(5)
}

fn recorded(name: &str) -> Value {
    let path = root().join(format!("tests/vectors/hotstuff/{name}.json"));
    value(fs::read_to_string(path).unwrap())
}

/// The last block of a recorded chain, over all blocks before it that carry the next set.
fn chained_proof(name: &str) -> HeaderProof {
    let blocks = recorded(name)["light_blocks"].as_array().unwrap().clone();
    let decode = |hex: &Value| LightBlock::from_bytes(&hex::decode(hex.as_str().unwrap()).unwrap()).unwrap();
    let mut blocks: Vec<LightBlock> = blocks.iter().map(decode).collect();
    let LightBlock { header, certificate, validators, .. } = blocks.pop().unwrap();
    let path = blocks.into_iter().filter(|block| block.next_validators.is_some()).collect();
    HeaderProof { header, certificate: Some(certificate), validators, path, history: None }
}

fn headers() -> Vec<(&'static str, HeaderProof)> {
    let (small, changing, safe) = (Forge::small(7), Forge::changing(3, 10), quantum_safe());
    vec![
        ("a commit", proof_of(&small, 6)),
        ("hand-overs", proof_of(&changing, 10)),
        ("ML-DSA in the path", proof_of(&safe, 5)),
        ("ML-DSA", proof_of(&safe, 4)),
        ("height 0", genesis_proof(&small)),
        ("history", history_proof(&small)),
        ("chained", chained_proof("one-set")),
        ("chained, of two sets", chained_proof("key-change")),
    ]
}

#[test]
fn headers_are_of_their_schema() {
    let schema = Schema::named("header");
    for (case, proof) in headers() {
        let json = proof.to_json().unwrap();
        assert_eq!(HeaderProof::from_json(json.as_bytes()).as_ref(), Ok(&proof), "{case}");
        schema.holds(&value(json), case);
    }
}

/// Statements over one header: of an entry, of none, and of a transaction.
fn statements() -> Vec<(&'static str, StatementProof)> {
    let forge = Forge::small(7);
    let state = forge.genesis.state().unwrap();
    let entry = |key: &[u8]| {
        let (value, proof) = state.prove(key).unwrap();
        Statement::State { key: key.to_vec(), value, proof }
    };
    let key = SecretKey::from_seed(&[7; 32]);
    let (sender, chain_id) = (key.public(), forge.genesis.chain_id().unwrap());
    let body =
        TxoBody { chain_id, sender: sender.into(), nonce: 1, class: TxoClass::Network, payload: vec![2, 3] };
    let audit_path = vec![Hash([1; 32]), Hash([2; 32])];
    let txo = Statement::Txo { txo: body.sign(&key), index: 2, count: 3, audit_path };
    let header = proof_of(&forge, 6);
    let of = |statement| StatementProof { header: header.clone(), statement };
    vec![("an entry", of(entry(b"params"))), ("no entry", of(entry(b"nothing"))), ("a transaction", of(txo))]
}

#[test]
fn proofs_are_of_their_schema() {
    let schema = Schema::named("proof");
    for (case, proof) in statements() {
        let json = proof.to_json().unwrap();
        assert_eq!(StatementProof::from_json(json.as_bytes()).as_ref(), Ok(&proof), "{case}");
        schema.holds(&value(json), case);
    }
}

/// The samples have what they are named after: none of them is a plain commit by mistake.
#[test]
fn the_headers_are_of_every_kind() {
    let kinds: BTreeSet<String> = headers()
        .iter()
        .flat_map(|(_, proof)| {
            let json = value(proof.to_json().unwrap());
            let steps = json["path"].as_array().unwrap().clone();
            let certificates = steps.into_iter().chain([json]).map(|step| step["certificate"].clone());
            certificates
                .map(|c| format!("{} {}", c["kind"].as_str().unwrap_or("none"), !c["pq"].is_null()))
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(Vec::from_iter(kinds), ["chained false", "commit false", "handover true", "none false"]);
}

#[test]
fn a_header_has_one_proof_and_of_a_known_kind() {
    let (schema, small) = (Schema::named("header"), Forge::small(7));
    let faults = |document: &Value, at: &str| {
        let found = schema.faults(document);
        assert!(found.iter().any(|(place, _)| place == at), "{at}: {found:?}");
    };
    let mut two = value(history_proof(&small).to_json().unwrap());
    two["certificate"] = value(proof_of(&small, 3).to_json().unwrap())["certificate"].clone();
    faults(&two, "/certificate");
    assert!(HeaderProof::from_json(two.to_string().as_bytes()).is_err());
    let mut kind = value(proof_of(&small, 3).to_json().unwrap());
    for other in ["chained", "Commit", "genesis"] {
        kind["certificate"]["kind"] = other.into();
        faults(&kind, "/certificate/kind");
        assert!(HeaderProof::from_json(kind.to_string().as_bytes()).is_err(), "{other}");
    }
    let mut pq = value(proof_of(&quantum_safe(), 4).to_json().unwrap());
    pq["certificate"]["kind"] = "commit".into();
    faults(&pq, "/certificate/kind");
    assert!(HeaderProof::from_json(pq.to_string().as_bytes()).is_err());
}

#[test]
fn a_genesis_is_of_its_schema() {
    let schema = Schema::named("genesis");
    let recorded = genesis_from_json(recorded("key-change")["genesis"].to_string().as_bytes()).unwrap();
    let small = Forge::small(0);
    for (case, genesis) in
        [("tendermint", small.genesis.clone()), ("tendermint", small.enrolled()), ("hotstuff", recorded)]
    {
        let json = value(genesis_to_json(&genesis).unwrap());
        assert_eq!(json["params"]["engine"]["family"], case);
        schema.holds(&json, case);
    }
}

#[test]
fn an_anchor_is_of_its_schema() {
    let schema = Schema::named("anchor");
    for (case, block) in [("commit", Forge::changing(3, 10).block(7)), ("ML-DSA", quantum_safe().block(4))] {
        let anchor = Anchor::of(block, Time(9));
        let mut json = value(anchor.to_json().unwrap());
        assert_eq!(Anchor::from_json(json.to_string().as_bytes()), Ok(anchor), "{case}");
        schema.holds(&json, case);
        let checkpoint = json["checkpoint"].as_str().unwrap().to_owned();
        for damaged in ["", "00", &checkpoint[2..]] {
            json["checkpoint"] = damaged.into();
            assert!(!schema.faults(&json).is_empty(), "{damaged}");
            assert!(Anchor::from_json(json.to_string().as_bytes()).is_err(), "{damaged}");
        }
    }
}

fn evidence() -> Vec<(&'static str, Evidence)> {
    let forge = Forge::small(6);
    let header = forge.header(5);
    let vote = |value| forge.team(5).vote(1, forge.precommit(&header, value));
    let votes = DoubleVote { first: vote(Some(header.id())), second: vote(None) };
    let proposal = |block_id: BlockId| {
        let proposal = Proposal {
            chain_id: forge.chain_id,
            set_id: header.set_id,
            height: header.height,
            round: header.round,
            pol_round: -1,
            block_id,
        };
        let signature = forge.team(5).members[1].secret.sign(&proposal.sign_bytes());
        SignedProposal { proposal, signer: 1, signature }
    };
    let proposals = DoubleProposal { first: proposal(header.id()), second: proposal(BlockId::ZERO) };
    let offence = |offence, path| {
        Evidence::Offence(Box::new(OffenceProof { offence, validators: forge.team(5).validators(), path }))
    };
    let fork = ForkEvidence { first: forge.block(5), second: forge.signed_by(header, &[0, 1, 3]) };
    vec![
        ("double-vote", offence(Offence::DoubleVote(votes.clone()), Vec::new())),
        ("double-vote", offence(Offence::DoubleVote(votes), vec![forge.block(5)])),
        ("double-proposal", offence(Offence::DoubleProposal(proposals), Vec::new())),
        ("fork", Evidence::Fork(Box::new(ForkProof { blocks: fork.clone(), path: Vec::new() }))),
        ("fork", Evidence::Fork(Box::new(ForkProof { blocks: fork, path: vec![forge.block(4)] }))),
    ]
}

#[test]
fn evidence_is_of_its_schema() {
    let schema = Schema::named("evidence");
    for (case, evidence) in evidence() {
        let mut json = value(evidence.to_json().unwrap());
        schema.holds(&json, case);
        assert_eq!(json["kind"], case);
        for other in ["double-vote", "double-proposal", "fork", "triple-vote"] {
            json["kind"] = other.into();
            assert_eq!(schema.faults(&json).is_empty(), other == case, "the bytes of {case} as {other}");
        }
        json["kind"] = case.into();
        json["validators"] = serde_json::json!(["00"]);
        assert!(!schema.faults(&json).is_empty(), "{case} with such a set");
        let refused = Evidence::from_json(json.to_string().as_bytes()).unwrap_err();
        assert!(refused.to_string().starts_with("validators"), "{refused}");
    }
}

#[test]
fn bundles_are_of_their_schema() {
    let (schema, small) = (Schema::named("bundle"), Forge::small(7));
    let key = SecretKey::from_seed(&[7; 32]);
    let body = |nonce| TxoBody {
        chain_id: small.chain_id,
        sender: key.public().into(),
        nonce,
        class: TxoClass::Network,
        payload: vec![2],
    };
    for count in [0, 2] {
        let transactions = (0..count).map(|nonce| body(nonce).sign(&key)).collect();
        let bundle = Bundle { head: proof_of(&small, 6), transactions };
        schema.holds(&value(bundle.to_json().unwrap()), "a bundle");
    }
}

#[test]
fn pinned_peers_are_of_their_schema() {
    let path = root().join("app/tests/data/peers.json");
    let mut peers = value(fs::read_to_string(path).unwrap());
    let schema = Schema::named("peers");
    schema.holds(&peers, "the peers of a demo");
    let first = peers["peers"][0]["address"].clone();
    let id = first.as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    for (address, fits) in [
        (format!("/ip6/::1/tcp/4000/p2p/{id}"), true),
        (format!("/onion3/{}:4000/p2p/{id}", "a".repeat(56)), true),
        (format!("/dns/{}.onion/tcp/4000/p2p/{id}", "a".repeat(56)), true),
        (format!("/dns/{}.b32.i2p/tcp/4000/p2p/{id}", "a".repeat(52)), true),
        (format!("/onion3/{}:0/p2p/{id}", "a".repeat(56)), false),
        (format!("/dns/{}.onion/tcp/4000/p2p/{id}", "a".repeat(16)), false),
        ("/ip4/127.0.0.1/tcp/4000".to_owned(), false),
        (format!("/dns4/example.org/tcp/4000/p2p/{id}"), false),
        (format!("/ip4/127.0.0.1/udp/4000/p2p/{id}"), false),
        (format!("/ip4/127.0.0.1/tcp/0/p2p/{id}"), false),
    ] {
        peers["peers"][0]["address"] = address.as_str().into();
        assert_eq!(schema.faults(&peers).is_empty(), fits, "{address}");
        peers["peers"][0]["address"] = first.clone();
        peers["peers"][0]["fallbacks"] = vec![address.as_str()].into();
        assert_eq!(schema.faults(&peers).is_empty(), fits, "{address} as another");
    }
}

/// Every document that lies in the repository, alone or inside a vector.
#[test]
fn documents_of_the_repository_are_of_their_schemas() {
    let schemas: BTreeMap<String, Schema> =
        files().into_iter().map(|(name, _)| (format!("qratum/{name}/v1"), Schema::named(&name))).collect();
    let mut checked: BTreeMap<String, u32> = BTreeMap::new();
    for folder in ["app/tests/data", "tests/vectors/reject", "tests/vectors/hotstuff"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            for document in documents(value(fs::read_to_string(&path).unwrap())) {
                let name = document["schema"].as_str().unwrap();
                let Some(schema) = schemas.get(name) else { panic!("{}: {name}", path.display()) };
                assert_eq!(schema.faults(&document), [], "{}: {name}", path.display());
                *checked.entry(name.to_owned()).or_default() += 1;
            }
        }
    }
    assert!(checked["qratum/genesis/v1"] > 100 && checked["qratum/header/v1"] > 10, "{checked:?}");
}

/// The documents in a file. What a vector gives as invalid may break a schema too.
fn documents(file: Value) -> Vec<Value> {
    let (mut found, mut left) = (Vec::new(), vec![file]);
    while let Some(next) = left.pop() {
        let schema = next["schema"].as_str().filter(|name| *name != "qratum/recorded-chain/v1");
        if schema.is_some() {
            found.push(next);
        } else if next["expect"] != "invalid" {
            left.extend(next.as_object().into_iter().flatten().map(|(_, value)| value.clone()));
            left.extend(next.as_array().into_iter().flatten().cloned());
        }
    }
    found
}

// - constant time

#[test]
fn a_report_of_constant_time_is_true() {
    let said = |leaks: bool| {
        let places = if leaks { vec!["crypto::compare".to_owned()] } else { Vec::new() };
        let clock = t_test::Verdict { samples: 10_000, t_milli: 1_400, leaks };
        (Some(clock), Some(memcheck::Verdict { findings: places.len(), places, leaks }))
    };
    let operation = |case: &Case, (clock, flow)| Operation::new(case, clock, flow);
    let operations = cases::ALL.iter().map(|case| operation(case, said(case.planted))).collect();
    let whole = Report::new(Some(1.25), Some("valgrind-3.19.0".to_owned()), operations);
    let half = Report::new(None, None, vec![operation(&cases::ALL[0], (None, None))]);
    for (case, report) in [("whole", whole), ("half", half)] {
        Schema::named("constant-time").holds(&serde_json::to_value(report).unwrap(), case);
    }
}
