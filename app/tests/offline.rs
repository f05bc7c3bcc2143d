//! `qratum verify` and `qratum evidence verify` as a user or an attacker would call them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test file: a panic is the verdict"
)]

use std::{
    fs,
    io::Write as _,
    os::{
        fd::AsRawFd as _,
        unix::{
            fs::MetadataExt as _,
            process::{CommandExt as _, ExitStatusExt},
        },
    },
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use qratum_chain::{
    Hash,
    document::{Evidence, HeaderProof, MAX_LENGTH, OffenceProof, genesis_to_json},
    types::{
        ChainParams, DoubleVote, Genesis, GenesisValidator, Height, Jurisdiction, Offence, Phase, Round,
        SetId, SignedVote, Time, Validator, Vote,
    },
};
use qratum_crypto::sign::ed25519::SecretKey;

const GENESIS_TIME: u64 = 1_795_304_225_000;

fn genesis() -> Genesis {
    let member = |seed: u8| GenesisValidator {
        name: format!("v-{seed}"),
        validator: Validator {
            pubkey: SecretKey::from_seed(&[seed; 32]).public(),
            power: 10,
            jurisdiction: Jurisdiction::new(*b"CH").unwrap(),
            since_set: SetId(0),
            pq_key_hash: Hash::ZERO,
        },
        enrolment: None,
    };
    Genesis {
        network: "test".to_owned(),
        demo: true,
        time: Time(GENESIS_TIME),
        params: ChainParams::default(),
        validators: (1..=4).map(member).collect(),
        people: None,
    }
}

/// A folder of its own with an anchor in it.
struct Bench(PathBuf);

impl Bench {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        let bench = Self(path);
        bench.file("genesis.json", genesis_to_json(&genesis()).unwrap().as_bytes());
        bench
    }

    fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.0.join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn anchor(&self) -> String {
        self.0.join("genesis.json").to_str().unwrap().to_owned()
    }

    /// Runs with at most 64 MiB of private memory: an allocation beyond it aborts.
    fn run(&self, arguments: &[&str]) -> Output {
        self.limited(64 << 10, arguments, &[])
    }

    fn limited(&self, kib: u32, arguments: &[&str], input: &[u8]) -> Output {
        let mut child = Command::new("sh")
            .args(["-c", &format!("ulimit -d {kib} && exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_qratum")])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // The program may stop reading before the end: that is its right.
        let _ = child.stdin.take().unwrap().write_all(input);
        child.wait_with_output().unwrap()
    }

    fn verify(&self, file: &str, more: &[&str]) -> Output {
        let anchor = self.anchor();
        self.run(&[["verify", file, "--anchor", &anchor].as_slice(), more].concat())
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What `/proc` tells everybody of the process.
fn told(pid: u32, file: &str, line: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap();
    let words = text.lines().find_map(|found| found.strip_prefix(line)).unwrap_or_default();
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_running_command_can_be_read_by_root_alone_and_leaves_no_core() {
    // As an ordinary user, and through an open file: that user may have no way to its path.
    let program = fs::File::open(env!("CARGO_BIN_EXE_qratum")).unwrap();
    let mut command = Command::new(format!("/proc/self/fd/{}", program.as_raw_fd()));
    command.args(["txo", "inspect", "-"]).stdin(Stdio::piped());
    if rustix::process::geteuid().is_root() {
        command.uid(65_534).gid(65_534);
    }
    let mut child = command.spawn().unwrap();
    let pid = child.id();
    // The last of the steps; nothing is read from standard input before them.
    while told(pid, "status", "NoNewPrivs:") != "1" {
        assert_eq!(child.try_wait().unwrap(), None);
        std::thread::yield_now();
    }
    assert_eq!(told(pid, "limits", "Max core file size"), "0 0 bytes");
    let owner = |file: &str| fs::metadata(format!("/proc/{pid}/{file}")).unwrap().uid();
    assert_ne!(owner(""), 0, "it runs as root");
    assert_eq!((owner("mem"), owner("environ")), (0, 0), "its user may read it");
    drop(child.stdin.take());
    child.wait().unwrap();
}

/// Ended by itself, with this code and without a panic or an abort.
fn assert_code(output: &Output, code: i32, case: &str) {
    let all = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.signal(), None, "{case}: {all}");
    assert_eq!(output.status.code(), Some(code), "{case}: {all}");
    assert!(!all.contains("panicked"), "{case}: {all}");
    assert!(all.len() < 8 << 10, "{case}: {} bytes of output", all.len());
    let plain = |b: u8| b == b'\n' || (b' '..0x7f).contains(&b);
    assert!(all.bytes().all(plain), "{case}: {all:?}");
}

fn repeated(start: &str, unit: &str, end: &str) -> Vec<u8> {
    let mut bytes = start.as_bytes().to_vec();
    while bytes.len() + unit.len() + end.len() <= MAX_LENGTH {
        bytes.extend_from_slice(unit.as_bytes());
    }
    bytes.extend_from_slice(end.as_bytes());
    bytes
}

#[test]
fn files_that_are_no_documents_are_malformed() {
    let bench = Bench::new("malformed");
    let schema = "{\"schema\":\"qratum/header/v1\",";
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("empty", Vec::new()),
        ("garbage", (0..=255u8).cycle().take(100_000).collect()),
        ("escape", b"{\"schema\":\"\\u001b]0;PWN\\u0007\\u202e\"}".to_vec()),
        ("escape-raw", "\u{9b}2J\u{202e}".as_bytes().to_vec()),
        ("deep-array", vec![b'['; 100_000]),
        ("deep-object", "{\"a\":".repeat(100_000).into_bytes()),
        ("deep-inside", format!("{schema}\"path\":{}", "[".repeat(100_000)).into_bytes()),
        ("huge-number", format!("{schema}\"bytes\":1e999999}}").into_bytes()),
        ("long-number", format!("{schema}\"bytes\":{}}}", "9".repeat(1 << 20)).into_bytes()),
        ("unknown-field", repeated(&format!("{schema}\""), "x", "\":1}")),
        ("long-string", repeated(&format!("{schema}\"bytes\":\""), "\\n", "\"}")),
        ("mid-string", format!("{schema}\"{}\":1}}", "x".repeat(8_000_000)).into_bytes()),
        ("many-strings", repeated(&format!("{schema}\"path\":["), "\"\",", "\"\"]}")),
        (
            "many-numbers",
            repeated(&format!("{schema}\"certificate\":{{\"kind\":\"commit\",\"x\":["), "0,", "0]}}"),
        ),
        ("many-objects", repeated("[", "{},", "{}]")),
        ("many-arrays", repeated("[", "[],", "[]]")),
        ("spaces", repeated("", " ", "")),
    ];
    for (name, bytes) in cases {
        let file = bench.file(name, &bytes);
        if bytes.len() < 1 << 20 {
            let output = bench.verify(&file, &[]);
            assert_code(&output, 5, name);
            let start = "verdict   malformed\nreason    Malformed\n";
            assert!(text(&output.stdout).starts_with(start), "{name}");
        }
        let output = bench.verify(&file, &["--json"]);
        assert_code(&output, 5, name);
        assert!(
            text(&output.stdout).starts_with("{\"schema\":\"qratum/verdict/v1\",\"verdict\":\"malformed\",")
        );
        let anchor = bench.anchor();
        assert_code(&bench.run(&["evidence", "verify", &file, "--anchor", &anchor]), 5, name);
    }
}

/// Whichever byte of a good file is another one: it is refused, with a reason, and never an error.
#[test]
fn a_file_with_one_other_byte_is_refused() {
    let bench = Bench::new("flipped");
    let anchor = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/genesis.json");
    let honest = include_bytes!("data/header-3.json").trim_ascii_end();
    let judge = |document: &[u8]| {
        let file = bench.file("header.json", document);
        bench.run(&["verify", &file, "--anchor", anchor, "--at", "2026-11-22T00:08:06Z"])
    };
    assert_code(&judge(honest), 0, "as it was");
    for at in (0..honest.len()).step_by(honest.len() / 64) {
        let mut flipped = honest.to_vec();
        flipped[at] ^= 1;
        let output = judge(&flipped);
        assert_code(&output, 5, &format!("byte {at}"));
        assert!(text(&output.stdout).contains("\nreason    "), "byte {at}");
    }
}

#[test]
fn files_that_cannot_be_read_are_errors() {
    let bench = Bench::new("unreadable");
    let long = bench.file("long", &vec![b' '; 20 << 20]);
    let output = bench.verify(&long, &[]);
    assert_code(&output, 1, "20 MiB");
    assert!(text(&output.stderr).contains("longer than 16777216 bytes"), "{}", text(&output.stderr));
    let output = bench.verify("/dev/zero", &[]);
    assert_code(&output, 1, "endless");
    assert!(text(&output.stderr).contains("longer than 16777216 bytes"), "{}", text(&output.stderr));
    let output = bench.verify("no\u{1b}[2Jsuch", &[]);
    assert_code(&output, 1, "missing");
    assert!(text(&output.stderr).contains("no<U+001B>[2Jsuch: No such file"), "{}", text(&output.stderr));
    let folder = bench.0.to_str().unwrap().to_owned();
    assert_code(&bench.verify(&folder, &[]), 1, "a directory");
    let anchor = bench.anchor();
    let input = vec![b' '; 20 << 20];
    assert_code(&bench.limited(64 << 10, &["verify", "-", "--anchor", &anchor], &input), 1, "standard input");
}

/// The limit that the other tests lean on is real: with a tighter one the same call dies.
#[test]
fn the_memory_limit_bites() {
    let bench = Bench::new("limit");
    let file = bench.file("spaces", &repeated("", " ", ""));
    let anchor = bench.anchor();
    let output = bench.limited(8 << 10, &["verify", &file, "--anchor", &anchor], &[]);
    assert!(!matches!(output.status.code(), Some(0..=5)), "{:?}", output.status);
}

fn genesis_proof() -> HeaderProof {
    let genesis = genesis();
    HeaderProof {
        header: genesis.header().unwrap(),
        certificate: None,
        validators: genesis.validators.iter().map(|member| member.validator.clone()).collect(),
        path: Vec::new(),
        history: None,
    }
}

#[test]
fn the_anchor_proves_itself_and_nothing_else() {
    let bench = Bench::new("anchor");
    let mut proof = genesis_proof();
    let file = bench.file("genesis-header.json", proof.to_json().unwrap().as_bytes());
    let output = bench.verify(&file, &["--json", "--at", "2026-11-22T00:00:00Z"]);
    assert_code(&output, 0, "the anchor");
    let id = proof.header.id();
    assert_eq!(
        text(&output.stdout),
        format!(
            "{{\"schema\":\"qratum/verdict/v1\",\"verdict\":\"verified\",\"reason\":null,\"text\":\"it chains to \
             the anchor, inside the trusting period\",\"height\":0,\"block_id\":\"{id}\",\"anchor\":\"{id}\",\
             \"at_ms\":1795305600000}}\n"
        )
    );
    proof.header.height = Height(7);
    let file = bench.file("lonely-header.json", proof.to_json().unwrap().as_bytes());
    let output = bench.verify(&file, &[]);
    assert_code(&output, 5, "no certificate");
    assert!(text(&output.stdout).starts_with("verdict   refused\nreason    NotProven\n"));
    assert!(text(&output.stdout).contains("height    7  (claimed)\n"));
}

#[test]
fn a_wrong_call_is_a_usage_error() {
    let bench = Bench::new("usage");
    let (anchor, file) = (bench.anchor(), bench.file("empty", b""));
    let nowhere = bench.0.join("nowhere").to_str().unwrap().to_owned();
    for arguments in [
        ["verify", &file].as_slice(),
        &["verify", &file, "--anchor", &nowhere],
        &["verify", &file, "--anchor", &file],
        &["verify", &file, "--anchor", &anchor, "--at", "yesterday"],
        &["verify", &file, "--anchor", &anchor, "--at", "18446744073709551615"],
        &["verify", &file, "--anchor", &anchor, "\u{1b}[2J\u{202e}"],
        &["status", "--home", &nowhere],
        &["status", "--home", &nowhere, "--timeout", "0"],
        &["header", "1", "--home", &nowhere],
        &["header", "-1", "--home", &nowhere],
        &["demo", "--validators", "17"],
        &["demo", "--heads", "0"],
        &["--home", &nowhere],
        &["frobnicate"],
    ] {
        let output = bench.run(arguments);
        assert_code(&output, 2, &arguments.join(" "));
        assert!(text(&output.stderr).starts_with("qratum: ") && output.stdout.is_empty(), "{arguments:?}");
    }
    let output = bench.run(&["--home", &nowhere]);
    assert_eq!(text(&output.stderr).lines().count(), 2, "what to do, in two lines");
    for arguments in [["--help"].as_slice(), &["--version"], &["verify", "--help"]] {
        assert_code(&bench.run(arguments), 0, &arguments.join(" "));
    }
    assert!(text(&bench.run(&["--help"]).stdout).contains("  4  it chains to the anchor, but"));
}

#[test]
fn what_is_wrong_with_a_home_is_said() {
    let bench = Bench::new("home");
    let file = bench.file("plain", b"");
    let inside = format!("{file}/home");
    let odd = bench.0.join("odd");
    fs::create_dir_all(odd.join("genesis.json")).unwrap();
    // The tests may run as root, who can read everything: a loop of links nobody can open.
    let looped = bench.0.join("looped");
    fs::create_dir_all(&looped).unwrap();
    std::os::unix::fs::symlink("genesis.json", looped.join("genesis.json")).unwrap();
    let (odd, looped) = (odd.to_str().unwrap(), looped.to_str().unwrap());
    for (home, why) in [
        (file.as_str(), format!("qratum: {file}: it is a file, and a home is a directory\n")),
        (&inside, format!("qratum: {inside}: Not a directory")),
        (looped, format!("qratum: {looped}/genesis.json: Too many levels of symbolic links")),
        (odd, format!("qratum: {odd}/genesis.json: Is a directory")),
    ] {
        for command in ["status", "demo"] {
            let output = bench.run(&[command, "--home", home]);
            assert_code(&output, 2, command);
            let text = text(&output.stderr);
            assert!(text.starts_with(&why), "{command}: {text}");
            assert!(home == odd || text.contains("\nName a home with --home DIR"), "{command}: {text}");
        }
    }
}

#[test]
fn a_height_below_zero_is_no_height() {
    let output = Bench::new("height").run(&["header", "-1"]);
    assert_code(&output, 2, "-1");
    assert!(text(&output.stderr).contains("a height is a number from 0"), "{}", text(&output.stderr));
    assert!(!text(&output.stderr).contains("-- -1"), "{}", text(&output.stderr));
}

/// Nobody listens at the peers' addresses: the anchor is known without them.
#[test]
fn the_header_of_the_anchor_needs_no_peer() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let home = home.to_str().unwrap();
    let bench = Bench::new("header-0");
    let output = bench.run(&["header", "0", "--home", home, "--json"]);
    // The anchor of the sample is expired some day, and its document stays what it is.
    assert!(matches!(output.status.code(), Some(0 | 4)), "{:?}", output.status);
    let file = bench.file("header-0.json", &output.stdout);
    let anchor = format!("{home}/genesis.json");
    let judged = bench.run(&["verify", &file, "--anchor", &anchor, "--at", "2026-11-22T00:08:06Z"]);
    assert_code(&judged, 0, "the anchor");
    let page = text(&bench.run(&["header", "0", "--home", home]).stdout);
    assert!(page.contains("\nproof         none needed: it is the anchor\n"), "{page}");
}

fn double_vote(heights: [u64; 2], set: Vec<Validator>) -> Evidence {
    let key = SecretKey::from_seed(&[2; 32]);
    let signed = |height, value| {
        let vote = Vote {
            phase: Phase::Precommit,
            chain_id: genesis().chain_id().unwrap(),
            set_id: SetId(0),
            height: Height(height),
            round: Round(0),
            value,
        };
        SignedVote { signature: key.sign(&vote.sign_bytes()), vote, signer: 1 }
    };
    let block = Some(genesis().header().unwrap().id());
    let [first, second] = heights;
    let votes = DoubleVote { first: signed(first, None), second: signed(second, block) };
    let offence = Offence::DoubleVote(votes);
    Evidence::Offence(Box::new(OffenceProof { offence, validators: set, path: Vec::new() }))
}

#[test]
fn evidence_is_checked_against_the_set_of_the_anchor() {
    let bench = Bench::new("evidence");
    let set: Vec<Validator> = genesis_proof().validators;
    let fewer = set.iter().take(3).cloned().collect();
    let anchor = bench.anchor();
    let judge = |evidence: Evidence| {
        let file = bench.file("evidence.json", evidence.to_json().unwrap().as_bytes());
        let output = bench.run(&["evidence", "verify", &file, "--anchor", &anchor]);
        let same = bench.run(&["verify", &file, "--anchor", &anchor]);
        assert_eq!((&same.stdout, same.status), (&output.stdout, output.status));
        output
    };
    let output = judge(double_vote([5, 5], set.clone()));
    assert_code(&output, 0, "a double vote");
    let key = SecretKey::from_seed(&[2; 32]).public();
    let want = format!("verdict   verified\n          {key} voted twice at height 5, round 0\n");
    assert!(text(&output.stdout).starts_with(&want), "{}", text(&output.stdout));
    for (evidence, reason) in [
        (double_vote([5, 6], set), "EvidencePosition"),
        (double_vote([5, 5], fewer), "WrongValidators"),
        (double_vote([5, 5], Vec::new()), "BadSet"),
    ] {
        let output = judge(evidence);
        assert_code(&output, 5, reason);
        assert!(text(&output.stdout).starts_with(&format!("verdict   refused\nreason    {reason}\n")));
    }
}

/// Header 3 of a demo network that ran once, and its genesis.
#[test]
fn a_header_of_a_real_network_is_judged_by_time_and_signature() {
    let bench = Bench::new("real");
    let anchor = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/genesis.json");
    let honest = include_str!("data/header-3.json");
    let judge = |document: &str, at: &str| {
        let file = bench.file("header.json", document.as_bytes());
        bench.run(&["verify", &file, "--anchor", anchor, "--at", at])
    };
    let forged = honest.replacen("\"signatures\":[\"", "\"signatures\":[\"00", 1);
    let other_round = honest.replace("\"round\":0", "\"round\":1");
    let fewer_bits = honest.replace("\"bitmap\":\"0d\"", "\"bitmap\":\"0c\"");
    let now = "2026-11-22T00:08:06Z";
    for (document, at, code, start) in [
        (honest, now, 0, "verdict   verified\n          it chains"),
        (honest, "1795306089000", 0, "verdict   verified\n"),
        (honest, "2026-12-06T00:07:45Z", 4, "verdict   expired\nreason    TrustExpired\n"),
        (honest, "2026-11-22T00:00:00Z", 5, "verdict   refused\nreason    TimeInFuture\n"),
        (&other_round, now, 5, "verdict   refused\nreason    BadSignature\n"),
        (&other_round, "2027-11-22T00:08:06Z", 5, "verdict   refused\nreason    BadSignature\n"),
        (&fewer_bits, now, 5, "verdict   refused\nreason    SignatureCount\n"),
        (&forged, now, 5, "verdict   malformed\n"),
    ] {
        let output = judge(document, at);
        assert_code(&output, code, start);
        assert!(text(&output.stdout).starts_with(start), "{at}: {}", text(&output.stdout));
    }
    let file = bench.file("header.json", honest.as_bytes());
    let output = bench.verify(&file, &["--at", now]);
    assert_code(&output, 5, "another anchor");
    assert!(text(&output.stdout).contains("reason    WrongChain\n"), "{}", text(&output.stdout));
}

#[test]
fn codes_are_explained_without_a_home_and_unknown_ones_are_told() {
    let bench = Bench::new("explain");
    let list = bench.run(&["explain"]);
    assert_eq!(list.status.code(), Some(0));
    assert!(text(&list.stdout).contains("\n  WrongParent           The header directly above"));
    let page = bench.run(&["explain", "wrongparent", "--home", "/dev/null"]);
    assert_code(&page, 0, "a page");
    assert!(text(&page.stdout).starts_with("WrongParent (refusal)\n"), "{}", text(&page.stdout));
    for (code, want) in [
        ("WrongParnet", "qratum: there is no code \"WrongParnet\"\nNear it: WrongParent\n"),
        ("\u{1b}[2J", "qratum: there is no code \"\\u{1b}[2J\"\n`qratum explain` lists all codes\n"),
    ] {
        let output = bench.run(&["explain", code]);
        assert_code(&output, 2, code);
        assert!(text(&output.stderr).starts_with(want), "{}", text(&output.stderr));
    }
}

/// The reader left before there was anything to read: what was judged is still said by the code.
#[test]
fn a_reader_that_left_makes_no_verdict_another() {
    let bench = Bench::new("left");
    let honest = genesis_proof();
    let mut forged = genesis_proof();
    forged.header.round = Round(1);
    for (proof, code) in [(honest, 0), (forged, 5)] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_qratum"));
        command.args(["verify", "-", "--anchor", &bench.anchor()]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        child.stdin.take().unwrap().write_all(proof.to_json().unwrap().as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(code), ""));
    }
}
