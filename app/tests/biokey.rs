//! `qratum biokey` as it is used: what is said, what is asked, and what is left.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test file: a panic is the verdict"
)]
#![allow(dead_code, reason = "the support is shared")]

use std::{
    fs,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use qratum_chain::{
    Hash,
    types::{CredentialId, Time},
};
use qratum_custody::{
    biokey::{Consent, Loci, Panel, SealedPanel, Terms},
    entropy::{self, Random},
};
use qratum_metal::secret::Locked;
use serde_json::{Value, json};

#[path = "../../tests/tests/schemas/check.rs"]
mod check;
mod support;

use check::Schema;
use support::{folder, json, qratum};

const LOCI: &str = include_str!("../../assets/loci.tsv");

/// A home, and what the program says there.
struct Stage(PathBuf);

impl Stage {
    fn new(name: &str) -> Self {
        let home = folder(name);
        fs::create_dir(home.join("keys")).unwrap();
        Self(home)
    }

    /// A credential as a home knows it.
    fn registered(self, name: &str) -> Self {
        let known = json!({
            "schema": "qratum/security-key/v1", "account": name, "label": "blue", "rp_id": "test.invalid",
            "credential_id": "0102", "algorithm": "ed25519", "public_key": "07".repeat(32),
            "salt": "08".repeat(32), "aaguid": "00".repeat(16),
        });
        fs::write(self.keys(&format!("{name}.json")), known.to_string()).unwrap();
        self
    }

    fn keys(&self, file: &str) -> PathBuf {
        self.0.join("keys").join(file)
    }

    fn arguments<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        [&["--home", self.0.to_str().unwrap(), "biokey"], arguments].concat()
    }

    /// The document of its schema, and the exit code.
    fn json(&self, arguments: &[&str], schema: &str) -> Value {
        let output = qratum(&self.arguments(&[arguments, &["--json"]].concat())).output().unwrap();
        let (document, code) = json(&output);
        assert_eq!(code, 0, "{document}");
        Schema::named(schema).holds(&document, &arguments.join(" "));
        document
    }

    /// What it says on standard error, and the exit code.
    fn refused(&self, arguments: &[&str]) -> (String, i32) {
        let output = qratum(&self.arguments(arguments)).output().unwrap();
        (String::from_utf8(output.stderr).unwrap(), output.status.code().unwrap())
    }

    /// On a terminal, where each line is typed once the text before it has been shown.
    fn typing(&self, arguments: &[&str], lines: &[(&str, &str)]) -> (String, u32) {
        let pair = native_pty_system().openpty(PtySize { cols: 200, ..PtySize::default() }).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_qratum"));
        command.args(self.arguments(arguments));
        let mut child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let (mut reader, mut writer) =
            (pair.master.try_clone_reader().unwrap(), pair.master.take_writer().unwrap());
        let (mut shown, mut typed, mut part) = (String::new(), 0, [0; 4096]);
        while let Ok(read @ 1..) = reader.read(&mut part) {
            shown.push_str(&String::from_utf8_lossy(&part[..read]));
            while lines.get(typed).is_some_and(|(asked, _)| shown.contains(asked)) {
                writer.write_all(format!("{}\r", lines[typed].1).as_bytes()).unwrap();
                typed += 1;
            }
        }
        (shown, child.wait().unwrap().exit_code())
    }

    /// Enrols as the program does, with what a security key would have computed.
    fn enrol(&self, name: &str, until: u64) -> SealedPanel {
        let list = Loci::parse(LOCI).unwrap();
        let sources = entropy::sources(Path::new("/nonexistent")).unwrap();
        let mut random = Random::start(sources, entropy::now()).unwrap();
        let genotypes = qratum_custody::biokey::sample::vcf(&list, (&mut random, entropy::now())).unwrap();
        let panel = Panel::from_vcf(&list, &mut genotypes.as_bytes()).unwrap();
        let computed = Locked::new_with(|bytes| bytes.fill(9)).unwrap();
        let (credential, given, until) = (CredentialId(Hash([7; 32])), Time(1), Time(until));
        let terms = Terms { credential, version: 3, given, until, purpose: "tests".to_owned() };
        let drawing = (&mut random, entropy::now());
        let (sealed, biokey) = SealedPanel::enrol(&panel, &computed, terms.clone(), drawing).unwrap();
        let consent = Consent::of(name, terms, &list, "what was shown");
        let signed = consent.sign(&biokey).unwrap();
        let document = json!({
            "schema": "qratum/biokey-consent/v1", "account": name, "purpose": "tests", "given_ms": 1,
            "until_ms": until.0, "credential": "07".repeat(32), "version": 3,
            "loci": consent.loci.to_string(), "shown": consent.shown.to_string(),
            "ed25519": biokey.public().ed25519.to_string(), "mldsa_key": hex(&*signed.mldsa_key),
            "ed25519_signature": hex(&signed.ed25519.0), "mldsa_signature": hex(&*signed.mldsa),
        });
        fs::write(self.keys(&format!("{name}.panel")), sealed.bytes()).unwrap();
        fs::write(self.keys(&format!("{name}.consent")), document.to_string()).unwrap();
        sealed
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_dry_run_says_all_of_it_and_asks_for_nothing() {
    let stage = Stage::new("biokey-plan");
    let plan = stage.json(&["enrol", "alice", "--dry-run", "--retention", "30"], "biokey-plan");
    assert_eq!((&plan["loci"], &plan["counted_bits"]), (&json!(384), &json!(0)));
    assert_eq!(plan["measured_millibits"], 425_945, "as the table of the design computes it");
    assert_eq!(plan["until_ms"].as_u64().unwrap() - plan["given_ms"].as_u64().unwrap(), 30 * 86_400_000);
    let shown = plan["shown"].as_str().unwrap();
    for said in [
        "384 positions of GRCh38",
        "every other line of the file is passed over",
        "Sealed to the security key",
        "Never the file, its path",
        "Nothing on the chain can be turned back",
        "425.9 bits as measured, for a stranger; 0 bits are counted",
        "a leaked genome alone",
        "cannot act",
        "qratum biokey destroy alice",
        "a second security key that is enrolled",
        "as many approvers as the policy asks for",
        "SYNTHETIC",
    ] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    assert_eq!(fs::read_dir(stage.0.join("keys")).unwrap().count(), 0);
}

#[test]
fn without_the_words_nothing_is_asked_for_and_no_option_stands_for_them() {
    let stage = Stage::new("biokey-consent").registered("alice");
    for words in ["", "yes", "i consent", "I consent to it"] {
        let (shown, code) = stage.typing(&["enrol", "alice"], &[("anything else to end it: ", words)]);
        assert!(code == 2 && shown.contains("no consent"), "{words}: {shown}");
        assert!(!shown.contains("The file with the genotypes"), "{words}: {shown}");
    }
    let (said, code) = stage.refused(&["enrol", "alice", "--yes"]);
    assert!(code == 2 && said.contains("--yes"), "{said}");
    assert_eq!(fs::read_dir(stage.0.join("keys")).unwrap().count(), 1, "the credential alone");
}

/// What cannot end well is said before anybody consents to anything.
#[test]
fn nobody_is_asked_for_a_biokey_that_cannot_be_enrolled() {
    let stage = Stage::new("biokey-early").registered("alice");
    let (said, code) = stage.refused(&["enrol", "bob"]);
    assert!(code == 2 && said.contains("Register one first"), "{said}");
    fs::write(stage.keys("bob.json"), "{}").unwrap();
    let (said, code) = stage.refused(&["enrol", "bob"]);
    assert!(code == 5 && said.contains("not a credential"), "{said}");
    stage.enrol("alice", 99);
    let (said, code) = stage.refused(&["enrol", "alice"]);
    assert!(code == 2 && said.contains("Destroy it first"), "{said}");
}

/// The file is read once the words are typed, and the key asked once the file is read: here is none, and
/// nothing is left.
#[test]
fn what_is_not_sealed_is_not_kept() {
    let stage = Stage::new("biokey-nothing").registered("alice");
    let genotypes = stage.0.join("nobody.vcf");
    let path = genotypes.to_str().unwrap();
    let output = qratum(&stage.arguments(&["sample", "--out", path])).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let enrol = ["enrol", "alice", "--device", "/nonexistent/key"];
    let typed = [("anything else to end it: ", "I consent"), ("one sample): ", path)];
    let (shown, code) = stage.typing(&enrol, &typed);
    assert!(shown.contains("384 of 384 positions are called well and kept"), "{shown}");
    assert!(code != 0 && shown.contains("Nothing was kept"), "{code} {shown}");
    let typed = [("anything else to end it: ", "I consent"), ("one sample): ", "/nonexistent/genome")];
    let (shown, code) = stage.typing(&enrol, &typed);
    assert!(code == 1 && shown.contains("Nothing was read or kept"), "{shown}");
    assert_eq!(fs::read_dir(stage.0.join("keys")).unwrap().count(), 1, "the credential alone");
}

#[test]
fn panels_are_shown_with_their_public_keys() {
    let stage = Stage::new("biokey-show");
    assert_eq!(stage.json(&["show"], "biokey")["panels"], json!([]));
    let (bob, _) = (stage.enrol("bob", 2), stage.enrol("alice", u64::MAX));
    let shown = stage.json(&["show"], "biokey");
    let panels = shown["panels"].as_array().unwrap();
    let each = |field: &str| panels.iter().map(|panel| panel[field].clone()).collect::<Vec<_>>();
    assert_eq!(
        (each("name"), each("over")),
        (vec![json!("alice"), json!("bob")], vec![json!(false), json!(true)])
    );
    assert_eq!(panels[1]["ed25519"], bob.keys().ed25519.to_string());
    assert_eq!((&panels[1]["version"], &panels[1]["loci"]), (&json!(3), &json!(384)));
    let (said, code) = stage.refused(&["show", "carol"]);
    assert!(code == 2 && said.contains("no biokey for this key here"), "{said}");
    fs::write(stage.keys("bob.panel"), b"QRATUM").unwrap();
    let (said, code) = stage.refused(&["show", "bob"]);
    assert!(code == 5 && said.contains("not a sealed panel"), "{said}");
}

#[test]
fn a_consent_is_shown_where_its_biokey_has_signed_it_and_only_then() {
    let stage = Stage::new("biokey-word");
    stage.enrol("alice", 99);
    let consent = stage.json(&["consent", "show", "alice"], "biokey-consent");
    assert_eq!((&consent["purpose"], &consent["until_ms"]), (&json!("tests"), &json!(99)));
    let changes = [("until_ms", json!(100)), ("purpose", json!("more")), ("account", json!("bob"))];
    for (field, value) in changes {
        let mut changed = consent.clone();
        changed[field] = value;
        fs::write(stage.keys("alice.consent"), changed.to_string()).unwrap();
        let (said, code) = stage.refused(&["consent", "show", "alice"]);
        assert!(code == 5 && said.contains("has not signed this consent"), "{field}: {said}");
    }
    let (said, code) = stage.refused(&["consent", "show", "bob"]);
    assert!(code == 2 && said.contains("nobody has consented"), "{said}");
}

#[test]
fn a_panel_is_destroyed_once_its_name_is_typed() {
    let stage = Stage::new("biokey-destroy");
    stage.enrol("alice", 99);
    let panel = stage.keys("alice.panel");
    // A second name of the same bytes, to see what became of them.
    fs::hard_link(&panel, stage.0.join("linked")).unwrap();
    let (shown, code) = stage.typing(&["destroy", "alice"], &[("to destroy it: ", "bob")]);
    assert!(code == 2 && shown.contains("Nothing was destroyed") && panel.exists(), "{shown}");
    let (shown, code) = stage.typing(&["destroy", "alice"], &[("to destroy it: ", "alice")]);
    assert!(code == 0 && shown.contains("destroyed"), "{shown}");
    assert_eq!(fs::read_dir(stage.0.join("keys")).unwrap().count(), 0);
    let left = fs::read(stage.0.join("linked")).unwrap();
    assert!(left.len() > 2048 && left.iter().all(|byte| *byte == 0));
    stage.enrol("bob", 99);
    let gone = stage.json(&["destroy", "bob", "--yes"], "biokey-destroyed");
    assert_eq!(gone["files"].as_array().unwrap().len(), 2);
    let (said, code) = stage.refused(&["destroy", "bob", "--yes"]);
    assert!(code == 2 && said.contains("nothing to destroy"), "{said}");
}

#[test]
fn a_sample_is_a_file_that_can_be_enrolled() {
    let stage = Stage::new("biokey-sample");
    let out = stage.0.join("nobody.vcf");
    let output = qratum(&stage.arguments(&["sample", "--out", out.to_str().unwrap()])).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let list = Loci::parse(LOCI).unwrap();
    assert_eq!(Panel::from_vcf(&list, &mut fs::File::open(&out).unwrap()).unwrap().len(), 384);
    let (said, code) = stage.refused(&["sample", "--out", out.to_str().unwrap()]);
    assert!(code == 2 && said.contains("nothing is overwritten"), "{said}");
}
