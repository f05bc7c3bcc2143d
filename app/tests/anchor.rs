//! `qratum anchor` and `qratum reanchor` as a user or an attacker would call them, on homes in which
//! nothing runs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test file: a panic is the verdict"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::SystemTime,
};

use qratum_chain::{
    document::{Anchor, Evidence, ForkProof, HeaderProof, genesis_to_json},
    types::{BlockId, ForkEvidence, LightBlock, Time},
};
use serde_json::Value;

#[path = "../../light-node/tests/support/chain.rs"]
#[allow(unreachable_pub, dead_code, missing_docs, reason = "shared with the tests of the light node")]
mod chain;
#[path = "../../tests/tests/schemas/check.rs"]
#[allow(dead_code, reason = "shared with the tests of the documents")]
mod check;
#[path = "anchor/endorsed.rs"]
mod endorsed;

use chain::{Chain, bad_signature, constant, disjoint};
use check::Schema;

const DAY: u64 = 24 * 60 * 60 * 1000;

fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

/// Blocks that end about now, of a chain that began some days ago.
fn chain(days: u64, members: chain::Members) -> Chain {
    let mut chain = Chain::new("net", Time(now() - days * DAY - 60_000), members);
    for back in (1..=20).rev() {
        chain.grow(Time(now() - back * 1000));
    }
    chain
}

/// A home with the genesis of a chain.
struct Stage {
    home: PathBuf,
    chain: Chain,
}

impl Stage {
    fn new(name: &str, chain: Chain) -> Self {
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("anchor").join(name);
        let _ = fs::remove_dir_all(&home);
        fs::create_dir_all(&home).unwrap();
        fs::write(home.join("genesis.json"), genesis_to_json(&chain.genesis).unwrap()).unwrap();
        Self { home, chain }
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.home.join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// The anchor document of a block, not to be started from after its trusting period.
    fn document(&self, block: &LightBlock) -> String {
        self.until(block, block.header.time.0 + 14 * DAY)
    }

    fn until(&self, block: &LightBlock, not_after: u64) -> String {
        let name = format!("{}.json", block.header.id());
        self.file(&name, &Anchor::of(block.clone(), Time(not_after)).to_json().unwrap())
    }

    fn block(&self, height: u64) -> LightBlock {
        self.chain.block(height).unwrap().clone()
    }

    /// What the program prints on both channels, and how it ends.
    fn run(&self, arguments: &[&str]) -> (String, String, i32) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_qratum"));
        command.arg("--home").arg(&self.home).args(arguments).stdin(Stdio::null());
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(output.stdout), text(output.stderr), output.status.code().unwrap())
    }

    fn import(&self, file: &str, id: BlockId) -> (String, String, i32) {
        self.run(&["anchor", "import", file, "--block-id", &id.to_string(), "--json"])
    }

    fn show(&self) -> (Value, i32) {
        let (out, err, code) = self.run(&["anchor", "show", "--json"]);
        let value = serde_json::from_str(&out).unwrap_or_else(|why| panic!("{why}: {out}{err}"));
        Schema::named("anchor-status").holds(&value, "show");
        (value, code)
    }

    /// The pinned anchor, byte for byte.
    fn pinned(&self) -> Option<String> {
        fs::read_to_string(self.home.join("anchor.json")).ok()
    }
}

fn refused(what: &str, (out, err, code): (String, String, i32), want: i32, words: &str) {
    assert_eq!((no_answer(&out, want), code), (true, want), "{what}: {out}{err}");
    assert!(err.contains(words) && err.contains("Nothing was changed"), "{what}: {err}");
}

/// Nothing on standard output, or with --json the error with this code.
fn no_answer(out: &str, code: i32) -> bool {
    let error = serde_json::from_str::<Value>(out).ok();
    out.is_empty() || error.is_some_and(|error| error["schema"] == "qratum/error/v1" && error["exit"] == code)
}

#[test]
fn an_anchor_is_shown_imported_and_then_trusted_at_first() {
    let stage = Stage::new("import", chain(1, disjoint));
    let (genesis, code) = stage.show();
    assert_eq!((&genesis["source"], &genesis["height"], code), (&"genesis".into(), &0.into(), 0));
    assert_eq!((&genesis["days_left"], &genesis["highest"]), (&12.into(), &Value::Null));

    let block = stage.block(10);
    let file = stage.document(&block);
    let (out, err, code) = stage.import(&file, block.header.id());
    assert_eq!(code, 0, "{err}");
    let change = serde_json::from_str(&out).unwrap();
    Schema::named("anchor-change").holds(&change, "import");
    assert_eq!((&change["from"]["block_id"], &change["to"]["height"]), (&genesis["block_id"], &10.into()));
    let (shown, code) = stage.show();
    assert_eq!((&shown["source"], &shown["days_left"], code), (&"checkpoint".into(), &13.into(), 0));
    assert_eq!(shown["block_id"], block.header.id().to_string());
    assert_eq!((&shown["chain_id"], &shown["highest"]["height"]), (&genesis["chain_id"], &10.into()));

    // The header of the anchor itself needs no peer.
    stage.file("peers.json", include_str!("data/peers.json"));
    let (out, err, code) = stage.run(&["header", "10", "--json"]);
    assert_eq!(
        (code, serde_json::from_str::<Value>(&out).unwrap()["certificate"].is_null()),
        (0, true),
        "{err}"
    );
}

#[test]
fn what_is_no_newer_anchor_of_this_chain_changes_nothing() {
    let stage = Stage::new("refused", chain(1, disjoint));
    let block = stage.block(10);
    let (id, file) = (block.header.id(), stage.document(&block));
    let other = stage.block(9).header.id();
    refused("another id", stage.import(&file, other), 5, "not the block");

    let foreign = chain(1, constant);
    let theirs = foreign.block(12).unwrap();
    refused("another chain", stage.import(&stage.document(theirs), theirs.header.id()), 5, "chain");
    let unsigned = bad_signature(block.clone());
    refused("nobody signed", stage.import(&stage.document(&unsigned), id), 5, "signature");
    let mut lying = Anchor::of(block.clone(), Time(u64::MAX));
    lying.checkpoint.height = block.header.height.next();
    let lying = stage.file("lying.json", &lying.to_json().unwrap());
    refused("not what it pins", stage.import(&lying, id), 5, "not the block that the checkpoint pins");
    let late = stage.until(&block, now() - 1);
    refused("too late", stage.import(&late, id), 5, "checkpoint");
    assert_eq!(stage.pinned(), None);

    let file = stage.document(&block);
    assert_eq!(stage.import(&file, id).2, 0);
    let before = stage.pinned();
    let lower = stage.block(9);
    refused("lower", stage.import(&stage.document(&lower), lower.header.id()), 5, "below height 10");
    let again = ["reanchor", &file, "--block-id", &id.to_string(), "--yes"];
    refused("nothing to leave", stage.run(&again), 2, "no fork was seen");
    assert_eq!(stage.pinned(), before);

    for (what, text) in [("garbage", "{}"), ("no anchor", include_str!("data/peers.json"))] {
        let file = stage.file("garbage.json", text);
        let (out, err, code) = stage.import(&file, id);
        assert_eq!((no_answer(&out, 1), code), (true, 1), "{what}: {out}{err}");
        let damaged = stage.file("anchor.json", text);
        let (_, err, code) = stage.run(&["anchor", "show"]);
        assert!(code == 2 && err.contains(&damaged), "{what}: {err}");
    }
    let typed = ["anchor", "import", &file, "--block-id", "ABCD"];
    assert_eq!(stage.run(&typed).2, 2);
}

#[test]
fn an_anchor_that_is_too_old_is_left_with_a_newer_one() {
    let stage = Stage::new("expired", chain(20, constant));
    let (shown, code) = stage.show();
    assert_eq!((&shown["expired"], &shown["days_left"], code), (&true.into(), &0.into(), 4));
    let block = stage.block(17);
    let (file, id) = (stage.document(&block), block.header.id().to_string());
    let arguments = ["reanchor", &file, "--block-id", &id];
    refused("nobody said yes", stage.run(&arguments), 2, "--yes");
    assert_eq!(stage.pinned(), None);
    let (out, err, code) = stage.run(&[arguments.as_slice(), &["--yes", "--json"]].concat());
    assert_eq!(code, 0, "{err}");
    Schema::named("anchor-change").holds(&serde_json::from_str(&out).unwrap(), "reanchor");
    let (shown, code) = stage.show();
    assert_eq!((&shown["expired"], &shown["height"], code), (&false.into(), &17.into(), 0));
}

/// Evidence that cannot be read is not passed over: no command goes on as though there were no fork.
fn damaged_evidence_stops_everything(stage: &Stage, file: &str, list: &dyn Fn() -> (Value, i32)) {
    for (damage, found) in [("{", "damaged"), (include_str!("data/header-3.json"), "damaged")] {
        fs::write(file, damage).unwrap();
        for command in [["status"].as_slice(), &["header", "3"], &["watch"], &["validators"]] {
            let (out, err, code) = stage.run(&[command, &["--timeout", "1"]].concat());
            assert_eq!((out.as_str(), code), ("", 1), "{command:?}: {err}");
            assert!(err.starts_with(&format!("qratum: {file}: ")), "{command:?}: {err}");
            assert!(err.contains("from a copy") && err.contains("`qratum reanchor`"), "{command:?}: {err}");
        }
        let (fork, code) = list();
        assert_eq!((&fork["found"], &fork["height"], code), (&found.into(), &11.into(), 5), "{fork}");
        let (out, _, code) = stage.run(&["doctor", "--timeout", "1", "--json"]);
        let report: Value = serde_json::from_str(&out).unwrap();
        let check = report["checks"].as_array().unwrap().iter().find(|check| check["check"] == "evidence");
        assert_eq!((&check.unwrap()["verdict"], code), (&"fail".into(), 1), "{report}");
    }
}

/// Two certified blocks at height 11: everything on that home says so until the user leaves the fork,
/// and the evidence is kept.
#[test]
fn a_fork_is_known_to_every_command_until_it_is_left() {
    let stage = Stage::new("forked", chain(1, disjoint));
    stage.file("peers.json", include_str!("data/peers.json"));
    let first = stage.block(11);
    let mut second = first.clone();
    second.header.tx_root = first.header.state_root;
    second.header.time = first.header.time.plus(1);
    second.certificate = chain::certify(&second.header, &disjoint(2), &[]);
    let path = [4, 8, 10].map(|height| stage.block(height)).to_vec();
    let proof = ForkProof { blocks: ForkEvidence { first, second }, path };
    let evidence = Evidence::Fork(Box::new(proof)).to_json().unwrap();
    fs::create_dir(stage.home.join("evidence")).unwrap();
    let file = stage.file("evidence/fork-11.json", &evidence);
    let genesis = stage.home.join("genesis.json").to_str().unwrap().to_owned();
    let (out, err, code) = stage.run(&["evidence", "verify", &file, "--anchor", &genesis]);
    let shared = format!("the branches share block {} at height 10", stage.block(10).header.id());
    assert!(code == 0 && out.contains("forked at height 11") && out.contains(&shared), "{out}{err}");

    let status = ["status", "--timeout", "1", "--json"];
    let state = |(out, err, code): (String, String, i32)| {
        let status: Value = serde_json::from_str(&out).unwrap_or_else(|why| panic!("{why}: {out}{err}"));
        (status["state"].as_str().unwrap().to_owned(), code)
    };
    assert_eq!(state(stage.run(&status)), ("forked".to_owned(), 5));
    let json: Value = serde_json::from_str(&stage.run(&status).0).unwrap();
    Schema::named("status").holds(&json, "forked");
    assert_eq!((&json["fork"]["height"], &json["fork"]["common_height"]), (&11.into(), &10.into()));
    assert_eq!(stage.run(&["header", "3", "--timeout", "1"]).2, 5);
    let list = || {
        let (out, err, code) = stage.run(&["evidence", "list", "--timeout", "1", "--json"]);
        let list: Value = serde_json::from_str(&out).unwrap_or_else(|why| panic!("{why}: {out}{err}"));
        Schema::named("evidence-list").holds(&list, "a fork");
        (list["forks"][0].clone(), code)
    };
    let (fork, code) = list();
    assert_eq!((&fork["found"], &fork["height"], code), (&"verified".into(), &11.into(), 5));
    damaged_evidence_stops_everything(&stage, &file, &list);
    fs::write(&file, &evidence).unwrap();
    assert_eq!(state(stage.run(&status)), ("forked".to_owned(), 5), "the file is whole again");
    let block = stage.block(18);
    let (anchor, id) = (stage.document(&block), block.header.id());
    refused("a fork is not left by the way", stage.import(&anchor, id), 5, "qratum reanchor");
    let leave = ["reanchor", &anchor, "--block-id", &id.to_string(), "--yes", "--json"];
    let (out, err, code) = stage.run(&leave);
    assert_eq!(code, 0, "{err}");
    let change: Value = serde_json::from_str(&out).unwrap();
    Schema::named("anchor-change").holds(&change, "a fork");
    assert_eq!((&change["fork"], change["evidence"].as_array().unwrap().len()), (&11.into(), 1));
    assert_eq!(fs::read_to_string(change["evidence"][0].as_str().unwrap()).unwrap(), evidence);
    assert_eq!(state(stage.run(&status)), ("disconnected".to_owned(), 3));
}

#[test]
fn files_are_checked_from_an_anchor_too() {
    let stage = Stage::new("verify", chain(1, disjoint));
    let proof = |height: u64, path: &[u64]| {
        let LightBlock { header, certificate, validators, .. } = stage.block(height);
        let path = path.iter().map(|height| stage.block(*height)).collect();
        let proof = HeaderProof { header, certificate: Some(certificate), validators, path, history: None };
        stage.file(&format!("header-{height}.json"), &proof.to_json().unwrap())
    };
    let (near, far) = (proof(12, &[]), proof(18, &[12, 16]));
    let block = stage.block(10);
    let anchor = stage.document(&block);
    let genesis = stage.home.join("genesis.json").to_str().unwrap().to_owned();
    let verify = |file: &str, more: &[&str]| {
        let (out, err, code) =
            stage.run(&[["verify", file, "--anchor", &anchor, "--json"].as_slice(), more].concat());
        let verdict: Value = serde_json::from_str(&out).unwrap_or_else(|why| panic!("{why}: {out}{err}"));
        (verdict, code)
    };
    for file in [&near, &far] {
        let (verdict, code) = verify(file, &["--genesis", &genesis]);
        assert_eq!((&verdict["anchor"], code), (&block.header.id().to_string().into(), 0), "{verdict}");
        assert_eq!(verify(file, &[]).1, 0, "the genesis of the home");
    }
    let after = (block.header.time.0 + 14 * DAY).to_string();
    let (verdict, code) = verify(&far, &["--at", &after]);
    assert_eq!((&verdict["verdict"], code), (&"expired".into(), 4), "{verdict}");
    let (verdict, code) = verify(&proof(9, &[]), &[]);
    assert_eq!((&verdict["reason"], code), (&"HeightNotAbove".into(), 5), "{verdict}");

    let short = stage.until(&block, block.header.time.0 + 5000);
    let (_, err, code) = stage.run(&["verify", &far, "--anchor", &short, "--at", &(now() + DAY).to_string()]);
    assert_eq!(code, 4, "its own word ends sooner than the trusting period: {err}");
    let foreign = chain(1, constant);
    let theirs = stage.document(foreign.block(3).unwrap());
    let (_, err, code) = stage.run(&["verify", &far, "--anchor", &theirs]);
    assert!(code == 2 && err.contains("chain"), "{err}");
}

#[test]
fn an_anchor_of_another_chain_is_named_with_its_file_and_the_other_checks_go_on() {
    let stage = Stage::new("foreign", chain(1, disjoint));
    let (_, err, code) =
        stage.run(&["anchor", "import", &stage.file("half.json", "{"), "--block-id", &"00".repeat(32)]);
    assert!(code == 1 && err.contains("\nNothing was changed: get the file again\n"), "{err}");
    let other = chain(2, constant);
    let block = other.block(5).unwrap().clone();
    let until = Time(block.header.time.0 + 14 * DAY);
    stage.file("anchor.json", &Anchor::of(block, until).to_json().unwrap());
    let peers = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/peers.json");
    fs::copy(peers, stage.home.join("peers.json")).unwrap();
    let (out, err, code) = stage.run(&["doctor", "--json", "--timeout", "1"]);
    assert_eq!((err.as_str(), code), ("", 1), "{out}");
    let report: Value = serde_json::from_str(&out).unwrap();
    Schema::named("doctor").holds(&report, "foreign");
    let checks = report["checks"].as_array().unwrap();
    let of = |name: &str| checks.iter().find(|check| check["check"] == name).unwrap();
    assert!(of("anchor")["text"].as_str().unwrap().contains("/anchor.json: "), "{report}");
    assert_eq!(of("anchor")["todo"], "Get it again from the network's operators, for this chain");
    assert_eq!((&of("network")["verdict"], &of("files")["verdict"]), (&"fail".into(), &"ok".into()));

    let empty = stage.home.join("nothing");
    let mut show = Command::new(env!("CARGO_BIN_EXE_qratum"));
    let output = show.arg("--home").arg(empty).args(["anchor", "show"]).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("\nName a home with --home DIR, make one with `qratum init`"), "{text}");
}
