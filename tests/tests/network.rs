//! The demo network as its users see it: real processes on loopback, killed and brought back, and
//! what `qratum` says of them. The programs are those of this build; they stand beside the test's.

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
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use qratum_chain::{
    codec::Encode,
    ledger::registry::Order,
    types::{Time, TxoBody, TxoClass},
};
use qratum_validator::{
    demo::{Options, create},
    home::Home,
};
use serde_json::Value;

#[path = "schemas/check.rs"]
#[allow(dead_code, reason = "shared with the tests of schemas, which break documents too")]
mod check;

/// The longest that any step waits for what must come by itself.
const PATIENCE: Duration = Duration::from_secs(60);
const NAMES: [&str; 4] = ["north", "east", "south", "west"];

/// A program of this build.
fn program(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_run-vectors")).with_file_name(name);
    assert!(path.is_file(), "{} is not built: run the tests of the whole workspace", path.display());
    path
}

/// `qratum demo --headless --json`, what it prints, and validators that the test started itself.
/// All are ended with it.
struct Demo {
    home: PathBuf,
    child: Child,
    events: Receiver<Value>,
    restarted: BTreeMap<&'static str, Child>,
}

impl Demo {
    fn start(name: &str) -> Self {
        Self::on(Self::home(name))
    }

    fn home(name: &str) -> PathBuf {
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("network-{name}"));
        let _ = fs::remove_dir_all(&home);
        home
    }

    /// Ten blocks a second.
    fn fast(name: &str) -> Self {
        Self::with_interval(name, 100)
    }

    fn with_interval(name: &str, block_interval_ms: u64) -> Self {
        let home = Self::home(name);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        let options = Options { block_interval_ms, ..Options::default() };
        create(&home, Time(u64::try_from(now).unwrap()), &options).unwrap();
        Self::on(home)
    }

    fn on(home: PathBuf) -> Self {
        let mut child = Command::new(program("qratum"))
            .args(["demo", "--headless", "--json", "--home"])
            .arg(&home)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (sender, events) = channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                // The test may have ended.
                let _ = sender.send(serde_json::from_str(&line).unwrap());
            }
        });
        Self { home, child, events, restarted: BTreeMap::new() }
    }

    /// Reads events until one is as wanted.
    fn until(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let (started, mut seen) = (Instant::now(), Vec::new());
        loop {
            match self.events.recv_timeout(PATIENCE.saturating_sub(started.elapsed())) {
                Ok(event) if wanted(&event) => return event,
                Ok(event) => seen.push(event.to_string()),
                Err(why) => panic!("{what}: {why}\n{}", seen.join("\n")),
            }
        }
    }

    fn head(&self) -> u64 {
        self.until("a verified head", |event| event["event"] == "head")["height"].as_u64().unwrap()
    }

    /// The next heads, above `height`, until there were so many.
    fn heads_above(&self, height: u64, count: u64) {
        let above = |event: &Value| event["height"].as_u64().is_some_and(|h| h >= height + count);
        self.until(&format!("{count} heads above {height}"), |event| {
            event["event"] == "head" && above(event)
        });
    }

    fn state(&self, state: &str) {
        self.until(&format!("state {state}"), |event| event["event"] == "state" && event["state"] == state);
    }

    /// Starts a validator that has a fault, in place of one that was killed.
    fn corrupt(&mut self, name: &'static str, fault: &str) {
        let mut liar = Command::new(env!("CARGO_BIN_EXE_qratum-mischief"));
        liar.args(["validator", "--name", name, "--fault", fault, "--home"]).arg(&self.home);
        let liar = liar.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        self.restarted.insert(name, liar);
    }

    /// Forgets what was said before.
    fn drain(&self) {
        while self.events.try_recv().is_ok() {}
    }

    fn kill(&mut self, name: &str) {
        if let Some(mut child) = self.restarted.remove(name) {
            child.kill().unwrap();
            child.wait().unwrap();
            return;
        }
        let index = NAMES.iter().position(|known| *known == name).unwrap();
        let pid = fs::read_to_string(self.home.join(format!("run/validator-{index}.pid"))).unwrap();
        assert!(Command::new("kill").args(["-KILL", pid.trim()]).status().unwrap().success());
        // Until it has ended it holds the lock of its folder, and another could not take its place.
        let stat = PathBuf::from(format!("/proc/{}/stat", pid.trim()));
        let runs = || fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z "));
        let started = Instant::now();
        while runs() {
            assert!(started.elapsed() < PATIENCE, "{name} does not end");
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn restore(&mut self, name: &'static str) {
        let child = Command::new(program("qratum-validator"))
            .args(["run", "--stop-on-stdin-eof", "--name", name, "--home"])
            .arg(&self.home)
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.restarted.insert(name, child);
    }

    fn qratum(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program("qratum"));
        command.arg("--home").arg(&self.home).args(arguments).stderr(Stdio::piped());
        command
    }

    /// What it prints as JSON, and its exit code.
    fn json(&self, arguments: &[&str]) -> (Value, Option<i32>) {
        let output = self.qratum(&[arguments, &["--json"]].concat()).output().unwrap();
        let complained = String::from_utf8_lossy(&output.stderr);
        let said = serde_json::from_slice(&output.stdout);
        (said.unwrap_or_else(|why| panic!("{arguments:?}: {why}: {complained}")), output.status.code())
    }

    fn status(&self) -> Value {
        let output = self.qratum(&["status", "--json"]).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        for child in self.restarted.values_mut().chain([&mut self.child]) {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = fs::remove_dir_all(&self.home);
    }
}

/// Whether this head's certificate has a vote of that validator.
fn signed(head: &Value, name: &str) -> bool {
    head["signers"].as_array().unwrap().iter().any(|signer| signer == name)
}

/// Who is named as silent; none where it cannot be said yet.
fn silent(status: &Value) -> Option<Vec<&str>> {
    Some(status["silent"].as_array()?.iter().map(|name| name.as_str().unwrap()).collect())
}

/// Kills each of these alone and takes it back: two heads after, one `status` that starts with nothing
/// names it, and nobody else. A demo ends with the last validator of its own, so no network loses all
/// four.
fn one_is_killed_and_comes_back(network: &str, names: [&'static str; 2]) {
    let mut demo = Demo::start(network);
    for name in names {
        demo.drain();
        demo.head();
        demo.kill(name);
        for _ in 0..2 {
            // Its vote for the next block may have left it already.
            demo.until("a head without it", |event| event["event"] == "head" && !signed(event, name));
        }
        let status = demo.status();
        assert_eq!(silent(&status), Some(vec![name]), "{status}");
        demo.restore(name);
        let started = Instant::now();
        while silent(&demo.status()) != Some(Vec::new()) {
            assert!(started.elapsed() < PATIENCE, "{name} is back and still called silent");
        }
    }
}

#[test]
fn north_or_east_is_killed_heads_go_on_and_status_names_it() {
    one_is_killed_and_comes_back("one", ["north", "east"]);
}

#[test]
fn south_or_west_is_killed_heads_go_on_and_status_names_it() {
    one_is_killed_and_comes_back("other", ["south", "west"]);
}

#[test]
fn two_killed_are_no_quorum_and_restored_it_goes_on_by_itself() {
    let mut demo = Demo::start("two");
    demo.head();
    for name in ["north", "south"] {
        demo.kill(name);
    }
    demo.state("no-quorum");
    let status = demo.status();
    assert_eq!(status["state"], "no-quorum", "{status}");
    assert_eq!(silent(&status), Some(vec!["north", "south"]), "{status}");
    for name in ["north", "south"] {
        demo.restore(name);
    }
    demo.state("live");
    let tip = demo.head();
    demo.heads_above(tip, 2);
}

/// One of four is dead while two sets end: their hand-overs carry ML-DSA signatures of the others, and
/// without any of them, or with a false one, `qratum verify` refuses the proof.
#[test]
fn sets_are_handed_over_with_ml_dsa_although_one_is_dead() {
    let mut demo = Demo::fast("handed");
    demo.head();
    demo.kill("east");
    demo.until("a head in the third set", |event| event["height"].as_u64().is_some_and(|at| at > 42));
    let (proof, code) = demo.json(&["header", "42", "--timeout", "30"]);
    assert_eq!(code, Some(0), "{proof}");
    let path = proof["path"].as_array().unwrap();
    assert_eq!(path.iter().map(|it| &it["certificate"]["height"]).collect::<Vec<_>>(), [20, 40]);
    let pq = |at: usize| format!("/path/{at}/certificate/pq");
    let halves = |at: usize| proof.pointer(&pq(at)).unwrap().as_array().unwrap();
    let signers = |at: usize| halves(at).iter().map(|half| half["signer"].as_u64().unwrap());
    assert_eq!(signers(1).collect::<Vec<_>>(), [0, 2, 3], "without east");

    let verify = |document: &Value| {
        let (file, anchor) = (demo.home.join("proof.json"), demo.home.join("genesis.json"));
        fs::write(&file, document.to_string()).unwrap();
        let (verdict, code) =
            demo.json(&["verify", file.to_str().unwrap(), "--anchor", anchor.to_str().unwrap()]);
        (verdict["reason"].as_str().map(str::to_owned), code)
    };
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut document = proof.clone();
        change(&mut document);
        verify(&document)
    };
    let refused = |reason: &str| (Some(reason.to_owned()), Some(5));
    assert_eq!(verify(&proof), (None, Some(0)));
    for missing in 0..3 {
        let dropped = changed(&|it| {
            it.pointer_mut(&pq(1)).unwrap().as_array_mut().unwrap().remove(missing);
        });
        assert_eq!(dropped, refused("PqQuorumNotReached"), "without half {missing}");
    }
    let none = changed(&|it| {
        let certificate = it.pointer_mut("/path/0/certificate").unwrap().as_object_mut().unwrap();
        certificate.insert("kind".to_owned(), "commit".into());
        certificate.remove("pq");
    });
    assert_eq!(none, refused("PqQuorumNotReached"));
    let flipped = changed(&|it| {
        let signature = it.pointer_mut(&format!("{}/2/signature", pq(1))).unwrap();
        let text = signature.as_str().unwrap();
        let first = if text.starts_with('0') { "1" } else { "0" };
        *signature = format!("{first}{}", &text[1..]).into();
    });
    assert_eq!(flipped, refused("PqSignature"));
}

#[test]
fn commands_and_a_watch_run_beside_each_other_on_one_home() {
    let demo = Demo::start("beside");
    let tip = demo.head();
    demo.heads_above(tip, 3);
    let mut watch = demo.qratum(&["watch", "--json", "--heads", "3"]);
    let watch = watch.stdout(Stdio::piped()).spawn().unwrap();
    let height = tip.to_string();
    let mut running: Vec<Child> = [vec!["status", "--json"], vec!["header", &height, "--json"]]
        .into_iter()
        .map(|arguments| demo.qratum(&arguments).stdout(Stdio::piped()).spawn().unwrap())
        .collect();
    running.push(watch);
    for child in running {
        let output = child.wait_with_output().unwrap();
        let (said, complained) = (String::from_utf8(output.stdout), String::from_utf8(output.stderr));
        let (said, complained) = (said.unwrap(), complained.unwrap());
        assert!(output.status.success(), "{said}{complained}");
        for line in said.lines().take(1) {
            assert!(serde_json::from_str::<Value>(line).unwrap()["schema"].is_string());
        }
        assert!(!complained.contains("lock"), "{complained}");
    }
}

/// A key that no genesis names: the chain does, and its name is proven before it is shown.
#[test]
fn a_rotated_key_keeps_the_name_and_the_operator_of_its_validator() {
    let demo = Demo::fast("rotated");
    demo.head();
    let mut rotate = Command::new(program("qratum-validator"));
    let rotate = rotate.args(["rotate", "--name", "east", "--home"]).arg(&demo.home).output().unwrap();
    assert!(rotate.status.success(), "{}", String::from_utf8_lossy(&rotate.stderr));
    let mut watch = demo.qratum(&["watch", "--json", "--heads", "60"]);
    let watched = watch.stdout(Stdio::piped()).output().unwrap();
    let output = demo.qratum(&["validators", "--json"]).output().unwrap();
    let set: Value = serde_json::from_slice(&output.stdout).unwrap();
    let members = set["validators"].as_array().unwrap();
    let joined = members.iter().find(|member| member["since_set"] != 0);
    let joined = joined.unwrap_or_else(|| panic!("nobody rotated: {set}"));
    assert_eq!((joined["name"].as_str(), joined["operator"].as_str()), (Some("east"), Some("east")), "{set}");
    let sets = String::from_utf8_lossy(&watched.stdout).into_owned();
    let mut sets = sets.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let turned = sets.find(|event| event["event"] == "set").expect("a set change is told");
    assert_eq!(
        (turned["joined"].as_array().unwrap().len(), turned["left"].as_array().unwrap().len()),
        (0, 0)
    );
    let changed = &turned["changed"][0];
    assert_eq!((&changed["validator"], &changed["new_key"]), (&"east".into(), &true.into()), "{turned}");
    // A watch that began before the rotation names the new key too, but for the head or two until it is
    // proven.
    let heads = String::from_utf8(watched.stdout).unwrap();
    let heads = heads.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let heads: Vec<Value> = heads.filter(|event| event["event"] == "head").collect();
    let signers = heads[heads.len() - 20..].iter().flat_map(|head| head["signers"].as_array().unwrap());
    let signers: BTreeSet<&str> = signers.map(|signer| signer.as_str().unwrap()).collect();
    assert!(signers.contains("east") && signers.is_subset(&BTreeSet::from(NAMES)), "{signers:?}");
}

/// Honest validators name who proposed a bad block, and why it was refused; the chain goes on.
#[test]
fn whoever_proposes_bad_blocks_is_named_with_the_reason() {
    let mut demo = Demo::fast("bad-blocks");
    demo.head();
    demo.kill("east");
    for (fault, reason) in [
        ("wrong-state-root", "another state root"),
        ("forged-history", "another history root"),
        ("future-time", "time outside"),
    ] {
        demo.corrupt("east", fault);
        let named =
            |line: &str| line.starts_with("proposal ") && line.contains(&format!(" of east: {reason}"));
        let started = Instant::now();
        for name in ["north", "south", "west"] {
            let log = demo.home.join(format!("log/{name}.log"));
            while !fs::read_to_string(&log).unwrap().lines().any(named) {
                assert!(started.elapsed() < PATIENCE, "{name} does not name east for {fault}");
                demo.head();
            }
        }
        demo.kill("east");
    }
    let tip = demo.head();
    demo.heads_above(tip, 2);
}

/// A validator that votes twice, in another set than the anchor's: a watch names it with a document that
/// convinces others, the chain takes its seat, and the block that did so is proven.
#[test]
fn whoever_votes_twice_is_named_with_evidence_and_jailed_and_that_is_proven() {
    let mut demo = Demo::with_interval("double-sign", 300);
    demo.heads_above(20, 1);
    let mut watch =
        demo.qratum(&["watch", "--json", "--heads", "300"]).stdout(Stdio::piped()).spawn().unwrap();
    demo.kill("east");
    demo.corrupt("east", "double-sign");
    let lines = BufReader::new(watch.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut events = lines.map(|line| serde_json::from_str::<Value>(&line).unwrap());
    let accused = events.find(|event| event["event"] == "accused").expect("a watch that goes on");
    let told = |field: &str| accused[field].as_str().unwrap().to_owned();
    assert_eq!([told("validator"), told("operator"), told("kind")], ["east", "east", "double-vote"]);
    let document = &accused["evidence"];
    assert!(!document["path"].as_array().unwrap().is_empty(), "the way to set 1: {document}");
    let judge = |name: &str, document: &Value| {
        let file = demo.home.join(name);
        fs::write(&file, document.to_string()).unwrap();
        let (file, anchor) = (file.to_str().unwrap().to_owned(), demo.home.join("genesis.json"));
        let (verdict, code) = demo.json(&["evidence", "verify", &file, "--anchor", anchor.to_str().unwrap()]);
        (verdict["verdict"].as_str().unwrap().to_owned(), verdict["reason"].clone(), code)
    };
    let verified = ("verified".to_owned(), Value::Null, Some(0));
    assert_eq!(judge("accused.json", document), verified);
    // The last byte of the second signature; and a path that ends before the set.
    let mut flipped = document.clone();
    let bytes = document["bytes"].as_str().unwrap();
    let last = if bytes.ends_with("00") { "01" } else { "00" };
    flipped["bytes"] = format!("{}{last}", &bytes[..bytes.len() - 2]).into();
    let refused = |reason: &str| ("refused".to_owned(), reason.into(), Some(5));
    assert_eq!(judge("flipped.json", &flipped), refused("BadSignature"));
    let mut nowhere = document.clone();
    nowhere.as_object_mut().unwrap().remove("path");
    assert_eq!(judge("nowhere.json", &nowhere), refused("NotProven"));

    let left = events.find(|event| event["event"] == "set").expect("a watch that goes on");
    assert_eq!((&left["left"][0]["validator"], &left["joined"]), (&"east".into(), &serde_json::json!([])));
    watch.kill().unwrap();
    watch.wait().unwrap();
    let (list, code) = demo.json(&["evidence", "list"]);
    let jailed = &list["jailed"][0];
    assert_eq!(
        (jailed["validator"].as_str(), jailed["stake"].as_u64(), code),
        (Some("east"), Some(237_500), Some(0))
    );
    let block = jailed["block_height"].as_u64().unwrap().to_string();
    let (shown, code) = demo.json(&["evidence", "show", &block]);
    assert_eq!((shown["evidence"].as_array().unwrap().len(), code), (1, Some(0)), "{shown}");
    let piece = &shown["evidence"][0];
    assert_eq!((&piece["validator"], &piece["height"]), (&"east".into(), &jailed["offence_height"]));
    assert_eq!(judge("shown.json", &piece["document"]), verified);
    let (none, code) = demo.json(&["evidence", "show", "3"]);
    assert_eq!((&none["evidence"], code), (&serde_json::json!([]), Some(0)));
}

/// FEATURES A-055: a bundle is exported, checked without a network, refused when a byte of it changed, and
/// what it brings back stands in a block. All channels to the validators of a demo are TCP.
#[test]
fn a_bundle_crosses_an_air_gap_and_comes_back() {
    let demo = Demo::fast("bundle");
    demo.heads_above(0, 3);
    let path = |name: &str| demo.home.join(name).to_str().unwrap().to_owned();
    let (out, back, note, genesis) =
        (path("out.json"), path("back.json"), path("note.hex"), path("genesis.json"));
    let is_of = |name: &str, document: &Value| {
        assert_eq!(check::Schema::named(name).faults(document), [], "{name}: {document}");
    };
    let (written, code) = demo.json(&["bundle", "export", &out]);
    is_of("bundle-written", &written);
    assert_eq!((&written["transactions"], code), (&serde_json::json!([]), Some(0)), "{written}");

    let home = Home::new(&demo.home);
    let (chain_id, operator) =
        (home.genesis().unwrap().chain_id().unwrap(), home.operator_key("north").unwrap());
    let payload = Order::Note(b"by hand".to_vec()).to_bytes();
    let (sender, class) = (operator.public().into(), TxoClass::Network);
    let txo = TxoBody { chain_id, sender, nonce: 0, class, payload }.sign(&operator);
    let id = txo.body.id().to_string();
    fs::write(&note, hex::encode(txo.to_bytes())).unwrap();

    // Where there is no network: a home of its own, that has the genesis and nobody to ask.
    let verify = |file: &str| demo.json(&["bundle", "verify", file, "--anchor", &genesis]);
    let (verdict, code) = verify(&out);
    assert_eq!(
        (&verdict["verdict"], &verdict["height"], code),
        (&"verified".into(), &written["height"], Some(0))
    );
    let (written, code) = demo.json(&["bundle", "export", &back, "--head", &out, "--txo", &note]);
    assert_eq!((&written["transactions"], code), (&serde_json::json!([id]), Some(0)));

    let mut text = fs::read(&back).unwrap();
    let last = text.len() - 40;
    text[last] = if text[last] == b'0' { b'1' } else { b'0' };
    let changed = path("changed.json");
    fs::write(&changed, &text).unwrap();
    let (verdict, code) = verify(&changed);
    assert_eq!((&verdict["verdict"], code), (&"malformed".into(), Some(5)), "{verdict}");
    let (_, code) = demo.json(&["bundle", "submit", &changed]);
    assert_eq!(code, Some(5));

    let (delivery, code) = demo.json(&["bundle", "submit", &back]);
    is_of("delivery", &delivery);
    let one = &delivery["transactions"][0];
    assert_eq!((&one["id"], &one["tried"][0]["failure"]), (&id.as_str().into(), &Value::Null), "{delivery}");
    // What stands in a block is proven; what others only say is no success yet.
    let want = if one["outcome"] == "included" { 0 } else { 3 };
    assert!(["waits", "included"].contains(&one["outcome"].as_str().unwrap()), "{delivery}");
    assert_eq!(code, Some(want), "{delivery}");
    let started = Instant::now();
    let proven = || demo.json(&["bundle", "submit", &back]).0["transactions"][0]["outcome"] == "included";
    while !proven() {
        assert!(started.elapsed() < PATIENCE, "it stands in no block");
        demo.head();
    }

    let (channels, code) = demo.json(&["channels"]);
    is_of("channels", &channels);
    let lanes = channels["lanes"].as_array().unwrap();
    assert!(lanes.len() == 4 && lanes.iter().all(|lane| lane["took_ms"].is_u64()), "{channels}");
    assert_eq!(code, Some(0));
}
