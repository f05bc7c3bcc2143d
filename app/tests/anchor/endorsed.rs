//! Anchors for which operators vouch: from the making of a key on a terminal to a home that starts from
//! the block.

use std::{
    io::{Read as _, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use qratum_chain::document::{Endorsements, operator_key_to_hex};
use qratum_custody::{
    entropy::{self, Random},
    operator::Operator,
};

use super::*;

const PASSPHRASE: &str = "correct horse battery";

impl Stage {
    /// Runs on a terminal, where each line is typed once something was asked for. What the terminal shows,
    /// and how the program ends.
    fn typing(&self, arguments: &[&str], lines: &[&str]) -> (String, u32) {
        let pair = native_pty_system().openpty(PtySize::default()).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_qratum"));
        command.args(["--home", self.home.to_str().unwrap()]);
        command.args(arguments);
        let mut child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let (mut reader, mut writer) =
            (pair.master.try_clone_reader().unwrap(), pair.master.take_writer().unwrap());
        let (mut shown, mut typed, mut part) = (String::new(), 0, [0; 4096]);
        // The end of the program ends its terminal.
        while let Ok(read @ 1..) = reader.read(&mut part) {
            shown.push_str(&String::from_utf8_lossy(&part[..read]));
            let asked = shown.matches("assphrase of the key: ").count()
                + shown.matches("characters: ").count()
                + shown.matches("The same again: ").count();
            for line in lines.iter().take(asked).skip(typed) {
                writer.write_all(format!("{line}\r").as_bytes()).unwrap();
                typed += 1;
            }
        }
        (shown, child.wait().unwrap().exit_code())
    }

    /// Names operators, of whom so many must sign.
    fn names(&self, threshold: usize, operators: &[(&str, &str)]) {
        let mut text = format!("[anchors]\nthreshold = {threshold}\n");
        for (name, key) in operators {
            text.push_str(&format!("[[anchors.operator]]\nname = \"{name}\"\nkey = \"{key}\"\n"));
        }
        self.file("config.toml", &text);
    }

    fn json(&self, arguments: &[&str]) -> (Value, i32) {
        let (out, err, code) = self.run(&[arguments, &["--json"]].concat());
        (serde_json::from_str(&out).unwrap_or_else(|why| panic!("{why}: {out}{err}")), code)
    }
}

#[test]
fn a_key_is_made_and_signs_on_a_terminal_and_the_home_starts_from_what_it_signed() {
    let stage = Stage::new("endorse", chain(1, disjoint));
    let at = |name: &str| stage.home.join(name).to_str().unwrap().to_owned();
    let (key, signature) = (at("north.key"), at("north.sig"));
    let make = ["anchor", "key", "--out", &key];
    let (shown, code) = stage.typing(&make, &[PASSPHRASE, "correct horse batterz"]);
    assert!(code == 2 && shown.contains("the two differ") && !Path::new(&key).exists(), "{shown}");
    let (shown, code) = stage.typing(&make, &["short"]);
    assert!(code == 2 && shown.contains("at least 12 characters") && !Path::new(&key).exists(), "{shown}");
    let (shown, code) = stage.typing(&make, &[PASSPHRASE, PASSPHRASE]);
    assert!(code == 0 && !shown.contains("horse"), "{shown}");
    let public: String = shown.split("key = \"").nth(1).unwrap().chars().take(160).collect();
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    let (_, err, code) = stage.run(&make);
    assert!(code == 2 && err.contains("nothing is overwritten"), "{err}");

    let block = stage.block(10);
    let (file, id) = (stage.document(&block), block.header.id().to_string());
    let sign = ["anchor", "sign", &file, "--block-id", &id, "--key", &key];
    let (shown, code) = stage.json(&sign);
    Schema::named("anchor-signing").holds(&shown, "a dry run");
    assert_eq!((&shown["height"], &shown["file"], code), (&10.into(), &Value::Null, 0));
    assert_eq!((&shown["block_id"], &shown["key"]), (&id.as_str().into(), &public.as_str().into()));
    let out = [sign.as_slice(), &["--out", &signature]].concat();
    let (_, err, code) = stage.run(&out);
    assert!(code == 2 && err.contains("typed on a terminal"), "{err}");
    let (shown, code) = stage.typing(&out, &["not the passphrase"]);
    assert!(
        code == 5 && shown.contains("not the one of this key") && shown.contains("Nothing was signed"),
        "{shown}"
    );
    assert!(!Path::new(&signature).exists());
    let other = stage.block(9).header.id().to_string();
    let (_, err, code) = stage.run(&["anchor", "sign", &file, "--block-id", &other, "--key", &key]);
    assert!(code == 5 && err.contains("Nothing was signed"), "{err}");
    let (shown, code) = stage.typing(&out, &[PASSPHRASE]);
    assert!(code == 0 && shown.contains(&format!("block id    {id}")), "{shown}");
    let signed: Value = serde_json::from_slice(&fs::read(&signature).unwrap()).unwrap();
    Schema::named("anchor-signatures").holds(&signed, "one");

    stage.names(1, &[("north", &public)]);
    let (verdict, code) = stage.json(&["anchor", "verify", &file, &signature]);
    Schema::named("anchor-verdict").holds(&verdict, "met");
    assert_eq!((&verdict["met"], &verdict["signed"][0], code), (&true.into(), &"north".into(), 0));
    let (change, code) = stage.json(&["anchor", "import", &file, "--signatures", &signature]);
    assert_eq!((&change["endorsed"][0], code), (&"north".into(), 0), "{change}");
    Schema::named("anchor-change").holds(&change, "endorsed");
    assert_eq!(stage.show().0["block_id"], id);
}

/// Operators with keys of their own.
fn operators<const N: usize>() -> [Operator; N] {
    let sources = entropy::sources(Path::new("/nonexistent")).unwrap();
    let mut random = Random::start(sources, entropy::now()).unwrap();
    std::array::from_fn(|_| Operator::generate(&mut random, entropy::now()).unwrap())
}

/// A home that names two operators, of whom both must sign, and the anchor document of block 10.
struct Named {
    stage: Stage,
    signers: [Operator; 3],
    file: String,
    id: String,
}

impl Named {
    fn new(name: &str) -> Self {
        let stage = Stage::new(name, chain(1, disjoint));
        let block = stage.block(10);
        let (file, id) = (stage.document(&block), block.header.id().to_string());
        let signers = operators();
        let keys = signers.each_ref().map(|operator: &Operator| operator_key_to_hex(operator.public()));
        stage.names(2, &[("north", &keys[0]), ("east", &keys[1])]);
        Self { stage, signers, file, id }
    }

    /// The signature of an operator over an anchor document, as a file.
    fn signed(&self, signer: usize, document: &str) -> String {
        let checkpoint = Anchor::from_json(&fs::read(document).unwrap()).unwrap().checkpoint;
        let name = format!("{signer}-{}.sig", checkpoint.not_after.0);
        let signatures = vec![self.signers[signer].endorse(&checkpoint).unwrap()];
        self.stage.file(&name, &Endorsements { checkpoint, signatures }.to_json().unwrap())
    }

    fn import(&self, files: &[&str], more: &[&str]) -> (String, String, i32) {
        let files = files.iter().flat_map(|file| ["--signatures", *file]).collect::<Vec<_>>();
        self.stage.run(&[&["anchor", "import", &self.file, "--json"], files.as_slice(), more].concat())
    }
}

#[test]
fn where_operators_are_named_nothing_less_than_m_of_n_changes_the_anchor() {
    let named = Named::new("endorsed");
    let Named { stage, file, id, .. } = &named;
    let [north, east, outsider] = [0, 1, 2].map(|signer| named.signed(signer, file));
    refused("the id alone", named.import(&[], &["--block-id", id]), 5, "0 of 2 operators signed it");
    refused("one of two", named.import(&[&north], &[]), 5, "missing: east");
    refused("one twice", named.import(&[&north, &north], &[]), 5, "counted already");
    let id_too = ["--block-id", id];
    refused("an outsider", named.import(&[&north, &outsider], &id_too), 5, "of no operator of the profile");
    let other = stage.block(9).header.id().to_string();
    refused("another id", named.import(&[&north, &east], &["--block-id", &other]), 5, "not the block");

    let (verdict, code) = stage.json(&["anchor", "verify", file, &north, &outsider, &north]);
    Schema::named("anchor-verdict").holds(&verdict, "not met");
    let refusals = verdict["refused"].as_array().unwrap();
    let reasons: Vec<_> = refusals.iter().filter_map(|it| it["reason"].as_str()).collect();
    assert_eq!((reasons, code), (vec!["Outsider", "Twice"], 5), "{verdict}");
    assert_eq!((&verdict["missing"][0], &verdict["met"]), (&"east".into(), &false.into()));
    assert_eq!(stage.pinned(), None);

    let merged = stage.home.join("merged.sig").to_str().unwrap().to_owned();
    let merge = ["anchor", "verify", file, &outsider, &east, &north, "--out", &merged];
    assert_eq!(stage.json(&merge).1, 0);
    let (out, err, code) = named.import(&[&merged], &[]);
    assert_eq!(code, 0, "{out}{err}");
    let change: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(change["endorsed"], serde_json::json!(["north", "east"]));
    assert_eq!(stage.show().0["height"], 10);
}

#[test]
fn an_anchor_that_all_signed_is_not_started_from_after_its_time_or_under_another_checkpoint() {
    let named = Named::new("late");
    let stage = &named.stage;
    let late = stage.file("late.json", "");
    fs::rename(stage.until(&stage.block(10), now() - 1), &late).unwrap();
    let file = stage.document(&stage.block(10));
    let [north, east] = [0, 1].map(|signer| named.signed(signer, &late));
    let expired = ["anchor", "import", &late, "--signatures", &north, "--signatures", &east];
    refused("expired", stage.run(&expired), 5, "checkpoint");
    let (verdict, code) = stage.json(&["anchor", "verify", &late, &north, &east]);
    Schema::named("anchor-verdict").holds(&verdict, "expired");
    assert_eq!((&verdict["met"], verdict["unfit"].is_string(), code), (&false.into(), true, 5), "{verdict}");
    let (verdict, code) = stage.json(&["anchor", "verify", &file, &north, &east]);
    let reasons = [0, 1].map(|at| &verdict["refused"][at]["reason"]);
    assert_eq!((reasons, code), ([&"OtherCheckpoint".into(); 2], 5), "{verdict}");
    assert_eq!(stage.pinned(), None);
}

#[test]
fn where_no_operator_is_named_signatures_are_nobodys() {
    let stage = Stage::new("unnamed", chain(1, disjoint));
    let block = stage.block(10);
    let (file, id) = (stage.document(&block), block.header.id().to_string());
    refused("no id", stage.run(&["anchor", "import", &file]), 2, "give --block-id");
    let with = ["anchor", "import", &file, "--block-id", &id, "--signatures", &file];
    refused("signatures", stage.run(&with), 2, "names no operators");
    let (_, err, code) = stage.run(&["anchor", "verify", &file]);
    assert!(code == 2 && err.contains("names no operators"), "{err}");
}
