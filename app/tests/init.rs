//! `qratum init`: what is checked, what is written, and that nothing is overwritten.

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
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Output,
};

#[path = "../../tests/tests/schemas/check.rs"]
mod check;
mod support;

use check::Schema;
use support::{folder, json, qratum};

const CHAIN: &str = "463437c9235cfdb2f6f1a7be9a333b70f4b7bb8f51daa378ba913290390ffc2d";
const NORTH: &str =
    "north=/ip4/127.0.0.1/tcp/1/p2p/12D3KooWDu8fmEfRxDt8YSpxDcxCAXSWnDuYkvKXvuesAn1hrMeq,operator=acme";
const EAST: &str = "east=/ip4/127.0.0.1/tcp/2/p2p/12D3KooWEPw1EwvUraJr4EFcq7y5EDhmKL9t3e6TqRaghX7dL7n4";

fn genesis() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/genesis.json")
}

fn init(home: &Path, arguments: &[&str]) -> Output {
    let (home, genesis) = (home.to_str().unwrap(), genesis());
    let fixed = ["init", "--home", home, "--genesis", genesis.to_str().unwrap()];
    qratum(&[fixed.as_slice(), arguments].concat()).output().unwrap()
}

fn complaint(output: &Output, code: i32) -> String {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(code), "{text}");
    text
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_home_is_made_once_and_is_of_use() {
    let home = folder("init").join("a/home");
    let spoken = CHAIN.as_bytes().chunks(4).map(|four| String::from_utf8_lossy(four)).collect::<Vec<_>>();
    let arguments = ["--chain-id", &spoken.join(" "), "--peer", NORTH, "--peer", EAST];
    let (made, code) = json(&init(&home, &[arguments.as_slice(), &["--json"]].concat()));
    assert_eq!((code, made["chain_id"].as_str(), made["peers"].as_u64()), (0, Some(CHAIN), Some(2)));
    Schema::named("init").holds(&made, "made");
    assert_eq!(
        [mode(&home), mode(&home.join("genesis.json")), mode(&home.join("peers.json"))],
        [0o700, 0o600, 0o600]
    );
    assert_eq!(fs::read(home.join("genesis.json")).unwrap(), fs::read(genesis()).unwrap());
    let peers = serde_json::from_slice(&fs::read(home.join("peers.json")).unwrap()).unwrap();
    assert_eq!(Schema::named("peers").faults(&peers), []);
    assert_eq!(
        (&peers["peers"][0]["operator"], &peers["peers"][1]["operator"]),
        (&"acme".into(), &().into())
    );

    let again = complaint(&init(&home, &arguments), 2);
    assert!(again.contains(" holds genesis.json already, and nothing is overwritten\n"), "{again}");
    let (status, code) = json(
        &qratum(&["status", "--json", "--timeout", "1", "--home", home.to_str().unwrap()]).output().unwrap(),
    );
    assert_eq!((code, status["chain_id"].as_str()), (3, Some(CHAIN)));
}

#[test]
fn nothing_is_written_when_anything_is_wrong() {
    let home = folder("init-wrong").join("home");
    let other = CHAIN.replace('4', "5");
    let short = &CHAIN[1..];
    for (arguments, code, why) in [
        (["--chain-id", &other, "--peer", NORTH], 5, "the chain id of "),
        (["--chain-id", short, "--peer", NORTH], 2, "it has 63 hex digits"),
        (["--chain-id", CHAIN, "--peer", "north"], 2, "a peer is NAME=ADDRESS"),
        (
            ["--chain-id", CHAIN, "--peer", "north=/dns4/example.org/tcp/1"],
            2,
            "--peer: an address of peer north",
        ),
        (["--chain-id", CHAIN, "--peer", "No=/ip4/127.0.0.1/tcp/1"], 2, "--peer: peer 0 has a name"),
        (["--peer", NORTH, "--peer", NORTH], 2, "--peer: peer north has the name"),
        (["--peer", NORTH, "--peer", EAST], 2, "nobody is here to confirm it:\n4634 37c9 "),
    ] {
        let text = complaint(&init(&home, &arguments), code);
        assert!(text.contains(why), "{arguments:?}: {text}");
        assert!(text.lines().count() >= 2, "no word on what to do: {text}");
        assert!(!home.exists(), "{arguments:?}");
    }
    let damaged = home.with_file_name("damaged.json");
    fs::write(&damaged, fs::read_to_string(genesis()).unwrap().replace("\"demo\":", "\"dem\":")).unwrap();
    let arguments = ["--genesis", damaged.to_str().unwrap(), "--chain-id", CHAIN, "--peer", NORTH];
    let output =
        qratum(&[["init", "--home", home.to_str().unwrap()].as_slice(), &arguments].concat()).output();
    assert!(complaint(&output.unwrap(), 2).contains("Get the file again from the network's operators"));
    assert!(!home.exists());
}

#[test]
fn a_directory_that_others_can_read_and_one_that_cannot_be_written_are_left_alone() {
    let home = folder("init-open");
    fs::set_permissions(&home, fs::Permissions::from_mode(0o755)).unwrap();
    let arguments = ["--chain-id", CHAIN, "--peer", NORTH];
    assert!(complaint(&init(&home, &arguments), 2).contains("\nFirst: chmod 700 "));
    fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).unwrap();
    std::os::unix::fs::symlink("/nowhere/genesis", home.join("anchor.json")).unwrap();
    assert!(complaint(&init(&home, &arguments), 2).contains(" holds anchor.json already"));
    fs::remove_file(home.join("anchor.json")).unwrap();
    assert_eq!(fs::read_dir(&home).unwrap().count(), 0);
    assert!(complaint(&init(Path::new("/dev/null/home"), &arguments), 1).contains("/dev/null/home"));
}

/// The peers as operators hand them out are taken as they are, or not at all.
#[test]
fn peers_come_from_a_file_as_well() {
    let folder = folder("init-peers");
    let (home, file) = (folder.join("home"), folder.join("peers.json"));
    let handed_out = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/peers.json")).unwrap();
    let arguments = ["--chain-id", CHAIN, "--peers", file.to_str().unwrap()];
    fs::write(&file, b"{}").unwrap();
    let text = complaint(&init(&home, &arguments), 2);
    assert!(text.contains("peers.json: no list of peers: ") && text.contains("Get the file again"), "{text}");
    assert!(!home.exists(), "nothing was written");
    fs::write(&file, &handed_out).unwrap();
    let both = [arguments.as_slice(), &["--peer", NORTH]].concat();
    assert_eq!(init(&home, &both).status.code(), Some(2));
    let (made, code) = json(&init(&home, &[arguments.as_slice(), &["--json"]].concat()));
    assert_eq!((made["peers"].as_u64().unwrap() > 0, code), (true, 0), "{made}");
    assert_eq!(fs::read(home.join("peers.json")).unwrap(), handed_out);
    // Nobody listens at those addresses: each command says what to do next.
    let home = home.to_str().unwrap();
    for command in
        [["evidence", "show", "1"].as_slice(), &["proof", "state", "params"], &["anchor", "export"]]
    {
        let tried = qratum(&[command, &["--home", home, "--timeout", "1"]].concat()).output().unwrap();
        let text = String::from_utf8(tried.stderr).unwrap();
        let last = text.lines().last().unwrap();
        let next = ["`qratum doctor` looks for the cause", "`qratum explain expired` says what to do"];
        assert!(next.contains(&last), "{command:?}: {text}");
    }
}
