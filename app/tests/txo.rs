//! `qratum txo inspect` on what may be a transaction, and the small commands that need no network.

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
    process::{Command, Output},
};

use qratum_chain::{
    codec::Encode,
    ledger::{Act, Answer, Step, registry::Order},
    types::{
        AccountId, AuthData, BiokeySignatures, BlockId, BlockRef, ChainId, CredentialId, Factors, Height,
        RequestId, Role, Seal, Sender, Txo, TxoBody, TxoClass,
    },
};
use qratum_crypto::sign::ed25519::{PublicKey, SecretKey, Signature};
use serde_json::Value;

#[path = "../../tests/tests/schemas/check.rs"]
mod check;
mod support;

use check::Schema;
use support::{folder, json, qratum};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn txo(class: TxoClass, payload: Vec<u8>) -> Txo {
    let key = SecretKey::from_seed(&[7; 32]);
    TxoBody { chain_id: ChainId::ZERO, sender: key.public().into(), nonce: 3, class, payload }.sign(&key)
}

fn inspect(name: &str, content: &[u8], more: &[&str]) -> Output {
    let file = folder(&format!("txo-{name}")).join("txo");
    fs::write(&file, content).unwrap();
    qratum(&[["txo", "inspect", file.to_str().unwrap()].as_slice(), more].concat()).output().unwrap()
}

#[test]
fn every_field_of_a_transaction_is_told() {
    let schema = Schema::named("txo");
    let rotate = Order::Rotate { vote_key: PublicKey([9; 32]), proof: Signature([1; 64]) };
    for (name, order, kind, text, key) in [
        ("note", Order::Note(b"hello \x1b[2J".to_vec()), "note", Value::from("hello \u{1b}[2J"), Value::Null),
        ("raw", Order::Note(vec![0xff, 0xfe]), "note", Value::Null, Value::Null),
        ("leave", Order::Leave, "leave", Value::Null, Value::Null),
        ("rotate", rotate, "rotate", Value::Null, hex(&[9; 32]).into()),
    ] {
        let txo = txo(TxoClass::Network, order.to_bytes());
        let (told, code) = json(&inspect(name, &txo.to_bytes(), &["--json"]));
        assert_eq!((code, &told["signature_holds"], &told["nonce"]), (0, &true.into(), &3.into()));
        assert_eq!(told["id"], txo.body.id().to_string());
        let order = &told["order"];
        assert_eq!(
            (&order["kind"], &order["text"], &order["vote_key"]),
            (&kind.into(), &text, &key),
            "{name}"
        );
        schema.holds(&told, name);
        // In hex, broken into lines, it is the same.
        let lines = hex(&txo.to_bytes()).as_bytes().chunks(60).collect::<Vec<_>>().join(&b'\n');
        assert_eq!(json(&inspect(name, &lines, &["--json"])), (told, 0), "{name}");
    }
    let (told, _) = json(&inspect("admin", &txo(TxoClass::Admin, vec![2]).to_bytes(), &["--json"]));
    assert_eq!(
        (&told["class"], &told["order"]),
        (&"admin".into(), &Value::Null),
        "no order of another class"
    );
}

#[test]
fn a_wrong_signature_is_shown_and_refused() {
    let mut txo = txo(TxoClass::Network, Order::Leave.to_bytes());
    txo.seal = Seal::Key(Signature([1; 64]));
    let output = inspect("signature", &txo.to_bytes(), &[]);
    let page = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(5), "{page}");
    assert!(page.contains("\norder     leave\n") && page.contains(" DOES NOT HOLD: "), "{page}");
}

/// Only the chain that has the account can tell whether a person sealed it.
#[test]
fn what_a_person_sealed_is_shown_and_not_judged() {
    let answer = Answer { request: RequestId::ZERO, role: Role::Compliance };
    let act = Act { from: Height(7), until: Height(99), step: Step::Approve(answer) };
    let signed = txo(TxoClass::Admin, act.to_bytes());
    let carol = Sender::Account(AccountId::new("carol").unwrap());
    let factors = Factors {
        credential: CredentialId::of(b"key"),
        auth_data: AuthData([1; 37]),
        signature: [2; 64],
        opened_at: BlockRef { height: Height(7), block_id: BlockId::ZERO },
        biokey: BiokeySignatures::missing(),
    };
    let sealed =
        Txo { body: TxoBody { sender: carol, ..signed.body }, seal: Seal::Factors(Box::new(factors)) };
    let (told, code) = json(&inspect("sealed", &sealed.to_bytes(), &["--json"]));
    Schema::named("txo").holds(&told, "a person's");
    assert_eq!((code, &told["signature_holds"], &told["signature"]), (3, &Value::Null, &Value::Null));
    let says = format!("approve request {} as compliance", RequestId::ZERO);
    assert_eq!((&told["act"]["until"], &told["act"]["says"]), (&99.into(), &says.into()));
    assert_eq!((&told["sender"], &told["factors"]["opened_at"]["height"]), (&"carol".into(), &7.into()));
    let page = String::from_utf8(inspect("sealed", &sealed.to_bytes(), &[]).stdout).unwrap();
    assert!(page.contains("not judged here") && page.contains("\nact       approve request 00"), "{page}");
}

#[test]
fn a_note_cannot_draw_lines_of_its_own() {
    let note = Order::Note(b"x\nsignature 00 holds\nid        \"1\"".to_vec());
    let output = inspect("lines", &txo(TxoClass::Network, note.to_bytes()).to_bytes(), &[]);
    let page = String::from_utf8(output.stdout).unwrap();
    let starts = |start: &str| page.lines().filter(|line| line.starts_with(start)).count();
    assert_eq!((page.lines().count(), starts("signature "), starts("id ")), (9, 1, 1), "{page}");
}

#[test]
fn another_encoding_of_the_same_is_no_transaction() {
    let bytes = txo(TxoClass::Network, Order::Note(b"x".to_vec()).to_bytes()).to_bytes();
    // The version 1 in two bytes: CBOR's longer form of a small number.
    let at = bytes.windows(2).position(|two| two == [0, 1]).unwrap() + 1;
    let longer = [&bytes[..at], &[0x18, 1], &bytes[at + 1..]].concat();
    let more = [bytes.as_slice(), &[0]].concat();
    for (name, content, why) in [
        ("longer", longer, "canonical transaction"),
        ("more", more, ""),
        ("cut", bytes[..bytes.len() - 1].to_vec(), "transaction"),
        ("empty", Vec::new(), "transaction"),
        ("huge", vec![b'a'; 1 << 20], "longer than"),
    ] {
        let output = inspect(name, &content, &["--json"]);
        let text = String::from_utf8(output.stderr).unwrap();
        let error: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((output.status.code(), &error["error"]), (Some(1), &"error".into()), "{name}: {text}");
        assert!(text.contains(why), "{name}: {text}");
    }
}

#[test]
fn the_list_of_schemes_is_of_its_schema() {
    let (list, code) = json(&qratum(&["crypto", "list", "--json"]).output().unwrap());
    assert_eq!(code, 0);
    Schema::named("crypto").holds(&list, "list");
    let page = String::from_utf8(qratum(&["crypto", "list"]).output().unwrap().stdout).unwrap();
    let names = list["signatures"].as_array().unwrap().iter().map(|suite| suite["name"].as_str().unwrap());
    assert!(
        names.clone().count() == 4 && names.clone().all(|name| page.contains(&format!("{name}  "))),
        "{page}"
    );
}

#[test]
fn completions_are_scripts_that_their_shell_reads() {
    for (shell, checker) in [("bash", Some("bash")), ("zsh", None), ("fish", None)] {
        let output = qratum(&["completions", shell]).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(script.contains("doctor") && script.contains("explain"), "{shell}");
        let file = folder(&format!("completions-{shell}")).join("script");
        fs::write(&file, script).unwrap();
        if let Some(program) = checker {
            assert!(Command::new(program).arg("-n").arg(&file).status().unwrap().success(), "{shell}");
        }
    }
    assert_eq!(qratum(&["completions", "csh"]).output().unwrap().status.code(), Some(2));
}
