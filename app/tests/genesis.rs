//! Four operators who share nothing but files make a network, and start it.

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
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;

#[path = "../../tests/tests/schemas/check.rs"]
mod check;
mod support;

use check::Schema;
use support::{build_validator, folder, json, qratum};

const OPERATORS: [(&str, &str, &str, u64); 4] = [
    ("north", "acme", "CH", 300_000),
    ("east", "bolt", "DE", 250_000),
    ("south", "cord", "SG", 250_000),
    ("west", "dune", "US", 209_999),
];

/// What was said on standard error, with this exit code.
fn complaint(output: &Output, code: i32) -> String {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(code), "{text}");
    text
}

/// A desk with the files that go around, and a home for each operator.
struct Desk(PathBuf);

impl Desk {
    fn new(name: &str) -> Self {
        build_validator();
        let desk = Self(folder(name));
        let draft = desk.file("draft.json");
        let args = [
            "new",
            "--network",
            "quartet",
            "--demo",
            "--set-length",
            "20",
            "--block-interval-ms",
            "200",
            "--out",
        ];
        let (report, code) = json(&desk.genesis(&[args.as_slice(), &[&draft, "--json"]].concat()));
        assert_eq!(
            (code, &report["chain_id"], report["faults"].as_array().unwrap().len()),
            (0, &Value::Null, 1)
        );
        desk
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    fn genesis(&self, arguments: &[&str]) -> Output {
        qratum(&[["genesis"].as_slice(), arguments].concat()).output().unwrap()
    }

    /// Applies for an operator with the keys of its own home.
    fn sign(&self, (name, operator, place, stake): (&str, &str, &str, u64), out: &str) -> Output {
        let (draft, home, stake) = (self.file("draft.json"), self.file(name), stake.to_string());
        self.genesis(&[
            "sign",
            "--draft",
            &draft,
            "--out",
            out,
            "--home",
            &home,
            "--name",
            name,
            "--operator",
            operator,
            "--jurisdiction",
            place,
            "--stake",
            &stake,
            "--json",
        ])
    }

    fn add(&self, out: &str, applications: &[&str]) -> Output {
        let (draft, out) = (self.file("draft.json"), self.file(out));
        self.genesis(&[["add", "--draft", &draft, "--out", &out].as_slice(), applications].concat())
    }
}

/// The processes of the validators, killed at the end.
struct Running(Vec<Child>);

impl Drop for Running {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn start(home: &str, name: &str) -> Child {
    let program = Path::new(env!("CARGO_BIN_EXE_qratum")).with_file_name("qratum-validator");
    let mut command = Command::new(program);
    command.args(["run", "--stop-on-stdin-eof", "--home", home, "--name", name]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap()
}

/// A free port for each operator: all are held until the last is found.
fn addresses(ids: &[String]) -> Vec<String> {
    let held: Vec<_> = ids.iter().map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let ports = held.iter().map(|listener| listener.local_addr().unwrap().port());
    ports.zip(ids).map(|(port, id)| format!("/ip4/127.0.0.1/tcp/{port}/p2p/{id}")).collect()
}

#[test]
fn four_operators_make_a_genesis_and_their_validators_agree() {
    let desk = Desk::new("quartet");
    let mut ids = Vec::new();
    let applications = OPERATORS.map(|operator| desk.file(&format!("{}.json", operator.0)));
    for (operator, out) in OPERATORS.into_iter().zip(&applications) {
        let output = desk.sign(operator, out);
        let (report, code) = json(&output);
        assert_eq!((code, report["faults"].as_array().unwrap().len()), (0, 0), "{report}");
        assert_eq!(report["stage"], "application");
        ids.push(report["validators"][0]["peer_id"].as_str().unwrap().to_owned());
        let keys = Path::new(&desk.file(operator.0)).join("validators").join(operator.0);
        for name in ["vote.key", "peer.key", "operator.key"] {
            assert_eq!(fs::metadata(keys.join(name)).unwrap().permissions().mode() & 0o777, 0o600);
            let seed = fs::read(keys.join(name)).unwrap();
            let hex: String = seed.iter().map(|byte| format!("{byte:02x}")).collect();
            let told = String::from_utf8(output.stdout.clone()).unwrap() + &fs::read_to_string(out).unwrap();
            assert!(!told.contains(&hex), "a secret left its file");
        }
    }

    let lone = desk.genesis(&["verify", &applications[0]]);
    let lone = String::from_utf8(lone.stdout).unwrap();
    assert!(lone.contains("the application of north alone and no network yet"), "{lone}");
    assert!(!lone.contains("chain id"), "{lone}");

    // Whoever puts them together, in whatever order, gets the same chain.
    let [north, east, south, west] = applications.each_ref().map(String::as_str);
    assert_eq!(complaint(&desk.add("genesis.json", &[north, east, south, west]), 0), "");
    assert_eq!(complaint(&desk.add("other.json", &[west, north, south, east]), 0), "");
    let genesis = desk.file("genesis.json");
    let same = fs::read(&genesis).unwrap() == fs::read(desk.file("other.json")).unwrap();
    assert!(same, "the order of the applications shows");
    let (report, code) = json(&desk.genesis(&["verify", &genesis, "--json"]));
    assert_eq!(code, 0, "{report}");
    Schema::named("genesis-report").holds(&report, "verify");
    let chain = report["chain_id"].as_str().unwrap();
    let spoken = String::from_utf8(desk.genesis(&["verify", &genesis]).stdout).unwrap();
    assert!(spoken.contains(&format!("chain id  {} {} ", &chain[..4], &chain[4..8])), "{spoken}");

    for line in
        ["sets      20 blocks, one each 200 ms", "21 sets", "clocks    10000 ms", "no operator signed"]
    {
        assert!(spoken.contains(line), "{line}: {spoken}");
    }

    let addresses = addresses(&ids);
    let names = OPERATORS.iter().zip(&addresses);
    let peers: Vec<String> = names
        .map(|((name, operator, ..), address)| format!("{name}={address},operator={operator}"))
        .collect();
    let mut running = Running(Vec::new());
    for (name, ..) in OPERATORS {
        let home = desk.file(name);
        let mut arguments = vec!["init", "--home", &home, "--genesis", &genesis, "--chain-id", chain];
        peers.iter().for_each(|peer| arguments.extend(["--peer", peer]));
        assert_eq!(complaint(&qratum(&arguments).output().unwrap(), 0), "");
        running.0.push(start(&home, name));
    }
    let watch = ["watch", "--home", &desk.file("east"), "--heads", "3", "--timeout", "60"];
    let output = qratum(&watch).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_does_not_fit_is_refused_with_the_reason_and_nothing_is_written() {
    let desk = Desk::new("misfits");
    let [north, east] = [0, 1].map(|index: usize| {
        let out = desk.file(&format!("{}.json", OPERATORS[index].0));
        assert_eq!(desk.sign(OPERATORS[index], &out).status.code(), Some(0));
        out
    });
    let refused = |application: &str, why: &str| {
        let text = complaint(&desk.add("genesis.json", &[&north, application]), 5);
        assert!(text.contains(why) && text.ends_with("\nNothing was written\n"), "{why}: {text}");
        assert!(!Path::new(&desk.file("genesis.json")).exists());
    };
    let changed = |name: &str, from: &str, to: &str| {
        let text = fs::read_to_string(&east).unwrap();
        assert!(text.contains(from), "{from}: {text}");
        let path = desk.file(name);
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
        path
    };
    refused(
        &changed("interval", "\"block_interval_ms\": 200", "\"block_interval_ms\": 201"),
        "it applies to another draft",
    );
    refused(&changed("stake", "\"stake\": 250000", "\"stake\": 260000"), "a power of 25, but stake for 26");
    refused(&changed("place", "\"DE\"", "\"DK\""), "validator east: no proof that the vote key is held");
    refused(&changed("name", "\"name\": \"east\"", "\"name\": \"north\""), "no unique name");
    refused(&desk.file("draft.json"), "there is no validator in it");
    refused(&north, "\"north\" is no unique name");

    // The same keys under another name.
    let thief = desk.file("thief");
    fs::create_dir_all(format!("{thief}/validators")).unwrap();
    fs::create_dir(format!("{thief}/validators/thief")).unwrap();
    for key in ["vote.key", "peer.key", "operator.key", "handover.key"] {
        let own = desk.file("north") + "/validators/north/" + key;
        fs::copy(own, format!("{thief}/validators/thief/{key}")).unwrap();
    }
    let out = desk.file("thief.json");
    assert_eq!(desk.sign(("thief", "acme", "CH", 300_000), &out).status.code(), Some(0));
    refused(&out, "validator 1 has the key of another one");

    let (report, code) = json(&desk.genesis(&["verify", &out.replace("thief.json", "stake"), "--json"]));
    assert_eq!((code, &report["chain_id"], report["faults"].as_array().unwrap().len()), (5, &Value::Null, 1));
    Schema::named("genesis-report").holds(&report, "a fault");
    for (from, to, why) in [
        (
            "\"clock_drift_ms\": 10000",
            "\"clock_drift_ms\": 60001",
            "clock_drift_ms is 60001: it must be 0 to 60000",
        ),
        ("\"time_ms\": ", "\"time_ms\": 9", "the chain starts "),
    ] {
        let path = changed("off", from, to);
        let output = desk.genesis(&["verify", &path]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!((output.status.code(), text.contains(why)), (Some(5), true), "{text}");
    }
    let text = complaint(&desk.sign(OPERATORS[0], &north), 1);
    assert!(text.contains("north.json exists, and nothing is overwritten\nNothing was signed\n"), "{text}");
    let text = complaint(&desk.genesis(&["show", "/dev/null"]), 1);
    assert!(text.contains("\nGet the file again from whoever made it\n"), "{text}");
}
