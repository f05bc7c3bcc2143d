//! From a wish to a result that is proven, by commands on real processes: requests carried as text to
//! software keys and back, answered from two homes; what the console refuses by itself; and a console that
//! is killed between the journal and the end.

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
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use qratum_chain::{
    codec::{Decode as _, Reader},
    ledger::Act,
    types::{BlockRef, CredentialId, Sender, Txo, TxoBody},
};
use qratum_tests::{ceremony::Cast, console::program, processes::Validators};
use qratum_validator::demo;
use serde_json::Value;

#[path = "schemas/check.rs"]
#[allow(dead_code, reason = "shared with the tests of the documents")]
mod check;

const PATIENCE: Duration = Duration::from_secs(60);

/// Four validators as processes, and homes of people who follow them. All ended with it.
struct Network {
    cast: Cast,
    validators: Validators,
}

impl Network {
    fn start(name: &str) -> Self {
        let (cast, options) = (Cast::default(), demo::Options::default());
        let people = Some(cast.people(&options.network));
        let options = demo::Options { block_interval_ms: 1000, people, ..options };
        let folder = format!("acting-{name}-{}", std::process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
        Self { cast, validators: Validators::start(folder, 0, &options) }
    }

    /// The home of somebody, with what the operators hand out.
    fn home(&self, name: &str) -> PathBuf {
        let home = self.validators.folder().join(name);
        if !home.exists() {
            fs::create_dir(&home).unwrap();
            for file in ["genesis.json", "peers.json"] {
                fs::copy(self.validators.home().join(file), home.join(file)).unwrap();
            }
        }
        home
    }

    fn command(&self, home: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program("qratum"));
        command.args(args).arg("--home").arg(self.home(home)).stdin(Stdio::null());
        command
    }

    fn run(&self, home: &str, args: &[&str]) -> Output {
        self.command(home, args).output().unwrap()
    }

    /// Runs until it ends well: others may not have named the newest block yet.
    fn text(&self, home: &str, args: &[&str]) -> String {
        let started = Instant::now();
        loop {
            let out = self.run(home, args);
            if out.status.success() {
                return String::from_utf8(out.stdout).unwrap();
            }
            let why = String::from_utf8_lossy(&out.stderr).into_owned();
            assert_eq!(out.status.code(), Some(3), "{args:?}: {why}");
            assert!(started.elapsed() < PATIENCE, "{args:?}: {why}");
        }
    }

    fn json(&self, home: &str, args: &[&str]) -> Value {
        let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        let document: Value = serde_json::from_str(&self.text(home, &args)).unwrap();
        let schema = document["schema"].as_str().unwrap();
        let name = schema.strip_prefix("qratum/").unwrap().strip_suffix("/v1").unwrap();
        check::Schema::named(name).holds(&document, schema);
        document
    }

    /// It ends with this exit code and says this.
    #[track_caller]
    fn refused(&self, home: &str, args: &[&str], code: i32, says: &str) {
        let started = Instant::now();
        loop {
            let out = self.run(home, args);
            let why = String::from_utf8_lossy(&out.stderr).into_owned();
            if why.contains(says) {
                assert_eq!(out.status.code(), Some(code), "{args:?}: {why}");
                assert!(out.stdout.is_empty(), "{}", String::from_utf8_lossy(&out.stdout));
                assert!(why.contains("Nothing was signed") || why.contains("Nothing was sent"), "{why}");
                return;
            }
            let waits = out.status.code() == Some(3) && started.elapsed() < PATIENCE;
            assert!(waits, "{args:?} ends with {:?}: {why}", out.status.code());
        }
    }

    /// What a person with a software key answers to a text.
    fn sealed(&self, text: &str) -> Txo {
        let ToSign { body, credential, at } = ToSign::of(text);
        let Sender::Account(account) = &body.sender else { panic!("{body:?}") };
        let person = self.cast.get(account.as_str()).unwrap();
        assert_eq!(credential, person.credential());
        let act = Act::from_bytes(&body.payload).unwrap();
        let mut ceremony = person.ceremony(body.chain_id, body.nonce, at, act.step);
        ceremony.body = body;
        ceremony.finish()
    }

    /// Signs a text elsewhere: the file with the answer.
    fn signed(&self, text: &str) -> String {
        let txo = self.sealed(text);
        let path = self.validators.folder().join(format!("{}.answer", txo.body.id()));
        fs::write(&path, answer(&txo)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Plans it, signs it elsewhere, sends it: what became of it.
    fn acted(&self, home: &str, args: &[&str]) -> Value {
        let offline: Vec<&str> = args.iter().copied().chain(["--as", home, "--offline"]).collect();
        let answer = self.signed(&self.text(home, &offline));
        let told = self.json(home, &["submit", &answer, "--timeout", "60"]);
        assert_eq!(told["standing"], "final", "{told}");
        assert!(self.out(home).is_empty(), "{:?}", self.out(home));
        told
    }

    /// The acts that are out.
    fn out(&self, home: &str) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.home(home).join("acts")) else { return Vec::new() };
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.extension().is_some_and(|end| end == "act")).collect()
    }
}

/// What a text asks to be signed, read by the form that FORMATS.md gives.
struct ToSign {
    body: TxoBody,
    credential: CredentialId,
    at: BlockRef,
}

impl ToSign {
    fn of(text: &str) -> Self {
        assert!(text.len() <= 2048, "{}", text.len());
        let bytes = content("request", text);
        let mut reader = Reader::new(&bytes);
        let body = TxoBody::from_bytes(reader.bytes("body", 2048).unwrap()).unwrap();
        let credential = CredentialId::decode(&mut reader).unwrap();
        assert_eq!(reader.bytes("rp-id", 253).unwrap(), qratum_tests::ceremony::RP_ID.as_bytes());
        Self { body, credential, at: BlockRef::decode(&mut reader).unwrap() }
    }
}

fn content(kind: &str, text: &str) -> Vec<u8> {
    let mut lines = text.lines();
    assert!(lines.next().unwrap().starts_with(&format!("qratum {kind} ")), "{text}");
    let digits: String = lines.take_while(|line| *line != "end").collect();
    hex::decode(digits).unwrap()
}

/// CRC-32 (IEEE 802.3), bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

fn answer(txo: &Txo) -> String {
    let bytes = txo.to_bytes();
    format!("qratum answer {:08x}\n{}\nend\n", crc32(&bytes), hex::encode(&bytes))
}

fn id_of(told: &Value) -> String {
    told["txo"].as_str().unwrap().to_owned()
}

#[test]
fn three_people_carry_a_request_to_a_result_that_is_proven() {
    let network = Network::start("whole");
    let accounts = network.json("carol", &["account", "list", "--timeout", "60"]);
    assert_eq!(accounts["accounts"].as_array().unwrap().len(), 7, "{accounts}");
    let planned =
        network.json("alice", &["request", "open", "suspend", "oscar", "--as", "alice", "--dry-run"]);
    assert_eq!(planned["nonce"], 0);
    assert!(planned["effect"][0].as_str().unwrap().contains(" opens until "), "{planned}");
    let opened = network.acted("alice", &["request", "open", "suspend", "oscar"]);
    let id = id_of(&opened);
    let list = network.json("bob", &["request", "list"]);
    assert_eq!(list["requests"][0]["request"], id, "{list}");
    assert_eq!(list["requests"][0]["standing"], "open");
    assert_eq!(network.json("bob", &["policy", "show"])["rules"][0]["threshold"], 2);
    let needs = network.json("bob", &["policy", "explain", &id[..12]]);
    assert_eq!(needs["missing"][1], "1 technical must still approve", "{needs}");

    // Whoever asked, whoever has another role and whoever is nobody are told so before they sign.
    let approve = |account| ["request", "approve", &id[..12], "--as", account];
    network.refused("alice", &approve("alice"), 5, "the same person asked for it");
    network.refused("oscar", &approve("oscar"), 5, "the rule asks nobody of this role");
    network.refused("mallory", &approve("mallory"), 5, "the chain has no such account");
    network.refused("bob", &approve("bob"), 2, "this machine has no security key for account bob");

    let first = network.acted("bob", &["request", "approve", &id[..12]]);
    assert!(first["text"].as_str().unwrap().ends_with("which is open"), "{first}");
    network.refused("bob", &approve("bob"), 5, "the same person approved it already");
    let last = network.acted("carol", &["request", "approve", &id[..12]]);
    assert!(last["text"].as_str().unwrap().contains("executed at height"), "{last}");
    let oscar = network.json("alice", &["account", "show", "oscar"]);
    assert_eq!(oscar["accounts"][0]["credentials"][0]["status"], "suspended", "{oscar}");
    let review = network.json("alice", &["access", "review"]);
    assert_eq!(review["changes"][0]["request"], id, "{review}");
    assert!(network.json("alice", &["request", "list"])["requests"].as_array().unwrap().is_empty());
    network.refused("dave", &approve("dave"), 5, "the request was carried out already");
}

/// Two of four peers are too few witnesses; and what was changed on the way is not sent.
#[test]
fn what_is_not_good_enough_to_act_on_is_refused_before_anybody_signs() {
    let network = Network::start("refusals");
    let open = ["request", "open", "suspend", "oscar", "--as", "alice", "--offline"];
    let mut peers: Value =
        serde_json::from_slice(&fs::read(network.home("few").join("peers.json")).unwrap()).unwrap();
    peers["peers"].as_array_mut().unwrap().truncate(2);
    fs::write(network.home("few").join("peers.json"), peers.to_string()).unwrap();
    // None or one, as the other peer keeps up.
    let too_few = " other operators name the same newest block, and 2 must";
    network.refused("few", &open, 3, too_few);
    // Each text is good for a minute.
    let file = network.signed(&network.text("alice", &open));
    network.refused("few", &["submit", &file], 3, too_few);

    let path = network.validators.folder().join("changed.answer");
    let torn = fs::read_to_string(&file).unwrap().replacen('0', "1", 1);
    fs::write(&path, torn).unwrap();
    let path = path.to_str().unwrap();
    network.refused("alice", &["submit", path], 5, "it was changed on the way");
    let mut forged = network.sealed(&network.text("alice", &open));
    forged.body.nonce = 1;
    fs::write(path, answer(&forged)).unwrap();
    network.refused("alice", &["submit", path], 5, "the security key did not sign this");
    assert!(network.out("alice").is_empty() && network.out("few").is_empty());
    assert!(network.json("alice", &["request", "list"])["requests"].as_array().unwrap().is_empty());
}

/// Killed as soon as the journal has the act, sent or not; and killed while it waits for the result.
#[test]
fn a_console_that_is_killed_loses_no_act_and_doubles_none() {
    let network = Network::start("killed");
    let open = ["request", "open", "suspend", "oscar", "--as", "alice", "--offline"];
    for round in 0..2 {
        let file = network.signed(&network.text("alice", &open));
        let mut child = network.command("alice", &["submit", &file]).stdout(Stdio::null()).spawn().unwrap();
        let started = Instant::now();
        while network.out("alice").is_empty() {
            assert!(started.elapsed() < PATIENCE && child.try_wait().unwrap().is_none());
            thread::sleep(Duration::from_millis(1));
        }
        if round == 1 {
            thread::sleep(Duration::from_millis(150));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let told = network.json("alice", &["submit", "--timeout", "60"]);
        assert_eq!(told["standing"], "final", "{told}");
        // Sent once more, it is the same act.
        assert_eq!(network.json("alice", &["submit", &file])["txo"], told["txo"]);
        let again = network.json("alice", &["request", "list"]);
        assert_eq!(again["requests"].as_array().unwrap().len(), round + 1, "{again}");
    }
}
