//! Ceremonies and every way in which one fails, against the software key behind its socket.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
};

use qratum_chain::types::{AuthData, CredentialKey};
use qratum_crypto::{hash::sha2_256, rng::random::Random};
use qratum_metal::secret::{Locked, LockedBytes};
use qratum_softkey::{
    device::Device,
    key::{Algorithm as Made, Settings},
    protocol::Protocol,
    script::{Counting, Touch},
    serve::serve,
};

use super::{
    Algorithm, Ask, NewCredential, Registered, SecurityKey as _, Watch, error::KeyError, hid::Wire, key,
    key::Key,
};
use crate::entropy::{now, sources};

const PARTY: &str = "chain.qratum.invalid";
const PIN: &str = "2580";
const HASH: [u8; 32] = [7; 32];

/// What a watcher was told.
#[derive(Default)]
struct Seen {
    /// Whether it says no as soon as the key waits for a touch.
    refuses: AtomicBool,
    is_cancelled: AtomicBool,
    touches: AtomicU32,
    tries: Mutex<Vec<u8>>,
}

impl Watch for Seen {
    fn touch(&self, waiting: bool) {
        self.touches.fetch_add(u32::from(waiting), Ordering::SeqCst);
        self.is_cancelled.fetch_or(waiting && self.refuses.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    fn tries_left(&self, tries: u8) {
        self.tries.lock().unwrap().push(tries);
    }

    fn cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::SeqCst)
    }
}

/// A software key, plugged in.
struct Stage {
    socket: PathBuf,
    lines: UnixStream,
    answers: BufReader<UnixStream>,
    seen: Arc<Seen>,
}

fn settings(seed: u8) -> Settings {
    Settings {
        seed: [seed; 32],
        pin: Some(PIN.to_owned()),
        is_2_1: true,
        protocols: vec![Protocol::Two, Protocol::One],
        algorithms: vec![Made::Es256, Made::EdDsa],
        counting: Counting::Credential,
    }
}

impl Stage {
    fn new(settings: Settings) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::SeqCst);
        let name = format!("qratum-fido-{}-{number}", std::process::id());
        let socket = std::env::temp_dir().join(name);
        let _ = std::fs::remove_file(&socket);
        let listener = UnixListener::bind(&socket).unwrap();
        let (lines, theirs) = UnixStream::pair().unwrap();
        let device = Device::new(settings, Touch::Auto(std::time::Duration::ZERO));
        let answers = BufReader::new(lines.try_clone().unwrap());
        thread::spawn(move || {
            let reads = BufReader::new(theirs.try_clone().unwrap());
            serve(device, listener, reads, theirs)
        });
        Self { socket, lines, answers, seen: Arc::default() }
    }

    /// Steers the key.
    fn tell(&mut self, line: &str) -> String {
        writeln!(self.lines, "{line}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        assert!(!answer.starts_with("error") && !answer.starts_with("no "), "{answer}");
        answer
    }

    /// How often it was touched, and how often a PIN was tried.
    fn counts(&mut self) -> (u32, u32) {
        let report = self.tell("report");
        let count = |name: &str| {
            let (_, rest) = report.split_once(&format!("\"{name}\":")).unwrap();
            rest.split([',', '}']).next().unwrap().parse().unwrap()
        };
        (count("touches"), count("pins"))
    }

    fn wire(&self) -> Result<Wire, KeyError> {
        Wire::connect(&self.socket, Arc::clone(&self.seen) as Arc<dyn Watch>)
    }

    fn key(&self) -> Result<Key, KeyError> {
        let random = Random::start(sources(Path::new("/nonexistent")).unwrap(), now()).unwrap();
        Key::new(self.wire()?, random)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.socket);
    }
}

fn pin(text: &str) -> LockedBytes {
    LockedBytes::new_with(text.len(), |bytes| bytes.copy_from_slice(text.as_bytes())).unwrap()
}

fn new_credential<'a>(algorithms: &'a [Algorithm], exclude: &'a [&'a [u8]]) -> NewCredential<'a> {
    let user_name = "alice";
    NewCredential { rp_id: PARTY, user_id: b"1", user_name, algorithms, exclude, client_data_hash: HASH }
}

fn ask(credential: &Registered) -> Ask<'_> {
    let Registered { credential_id, key, .. } = credential;
    Ask { rp_id: PARTY, credential_id, key, client_data_hash: HASH }
}

/// The credential of alice in the key of this stage.
fn enrolled(stage: &Stage) -> Registered {
    stage.key().unwrap().register(&new_credential(&[Algorithm::Es256], &[]), &pin(PIN)).unwrap()
}

fn bytes(secret: &Locked<32>) -> [u8; 32] {
    secret.with(|secret| *secret)
}

#[test]
fn on_both_versions_protocols_and_algorithms_a_ceremony_is_one_pin_and_one_touch() {
    for is_2_1 in [false, true] {
        for (protocol, algorithm) in [
            (Protocol::One, Algorithm::Es256),
            (Protocol::Two, Algorithm::EdDsa),
            (Protocol::Two, Algorithm::Es256),
        ] {
            let mut stage = Stage::new(Settings { is_2_1, protocols: vec![protocol], ..settings(1) });
            let mut key = stage.key().unwrap();
            let made = key.register(&new_credential(&[algorithm], &[]), &pin(PIN)).unwrap();
            assert_eq!(stage.counts(), (1, 1));
            assert_eq!(matches!(made.key, CredentialKey::Es256(_)), algorithm == Algorithm::Es256);

            let assertion = key.assert(&ask(&made), &pin(PIN)).unwrap();
            assert_eq!(stage.counts(), (2, 2));
            let AuthData(data) = assertion.auth_data;
            assert_eq!(made.key.verify(&[data.as_slice(), &HASH].concat(), &assertion.signature), Ok(()));
            assert_eq!(assertion.auth_data.flags(), AuthData::USER_PRESENT | AuthData::USER_VERIFIED);
            assert_eq!(assertion.auth_data.rp_id_hash(), sha2_256(PARTY.as_bytes()));
            assert_eq!(assertion.auth_data.counter(), made.sign_count + 1);

            let secret = key.secret(&ask(&made), &[1; 32], &pin(PIN)).unwrap();
            assert_eq!(stage.counts(), (3, 3));
            let again = key.secret(&ask(&made), &[1; 32], &pin(PIN)).unwrap();
            let other = key.secret(&ask(&made), &[2; 32], &pin(PIN)).unwrap();
            assert_eq!(bytes(&secret), bytes(&again));
            assert_ne!(bytes(&secret), bytes(&other));
            assert_eq!(stage.seen.touches.load(Ordering::SeqCst), 5, "each is announced");
        }
    }
}

/// What is sealed to a key must open on whatever protocol it is asked.
#[test]
fn the_secret_is_the_same_on_both_protocols() {
    let secrets = [Protocol::One, Protocol::Two].map(|protocol| {
        let stage = Stage::new(Settings { protocols: vec![protocol], ..settings(3) });
        let made = enrolled(&stage);
        bytes(&stage.key().unwrap().secret(&ask(&made), &[9; 32], &pin(PIN)).unwrap())
    });
    assert_eq!(secrets[0], secrets[1]);
}

#[test]
fn wrong_pins_count_down_pause_and_lock() {
    let mut stage = Stage::new(settings(1));
    let made = enrolled(&stage);
    let attempt = |stage: &Stage, text: &str| stage.key()?.assert(&ask(&made), &pin(text)).map(|_| ());
    let mut left = 8;
    for round in 0..3 {
        for wrong in 1..=3 {
            let refused = attempt(&stage, "0000").unwrap_err();
            left -= 1;
            match (left, wrong) {
                (0, _) => assert!(matches!(refused, KeyError::PinLocked), "{refused}"),
                (_, 3) => {
                    assert!(matches!(refused, KeyError::PinPaused { left: l } if l == left), "{refused}")
                }
                _ => assert!(matches!(refused, KeyError::WrongPin { left: l } if l == left), "{refused}"),
            }
            if left == 0 {
                break;
            }
        }
        // Not even the right one is taken now, and no try is spent.
        let refused = attempt(&stage, PIN).unwrap_err();
        let expected = if round < 2 { "unplug the key" } else { "must be reset" };
        assert!(refused.to_string().contains(expected), "{refused}");
        stage.tell("unplug");
        stage.tell("plug");
    }
    assert!(matches!(attempt(&stage, PIN), Err(KeyError::PinLocked)));
    assert_eq!(stage.seen.tries.lock().unwrap()[..4], [8, 8, 7, 6], "told before each is spent");
    assert_eq!(stage.counts(), (1, 9), "no touch was asked for");
}

#[test]
fn a_right_pin_gives_the_tries_back() {
    let stage = Stage::new(settings(1));
    let made = enrolled(&stage);
    let mut key = stage.key().unwrap();
    assert!(matches!(key.assert(&ask(&made), &pin("0000")), Err(KeyError::WrongPin { left: 7 })));
    key.assert(&ask(&made), &pin(PIN)).unwrap();
    assert_eq!(key.tries().unwrap(), Some(8));
}

#[test]
fn a_pin_is_set_once_and_changed_by_who_knows_it() {
    for protocol in [Protocol::One, Protocol::Two] {
        let stage = Stage::new(Settings { pin: None, protocols: vec![protocol], ..settings(1) });
        let mut key = stage.key().unwrap();
        assert_eq!((key.about().has_pin, key.tries().unwrap()), (Some(false), None));
        assert!(matches!(key.set_pin(&pin("123")), Err(KeyError::PinLength { least: 4 })));
        key.set_pin(&pin(PIN)).unwrap();
        assert_eq!(key.tries().unwrap(), Some(8));
        assert!(matches!(key.set_pin(&pin("9999")), Err(KeyError::PinExpired)), "not without the old one");
        let made = enrolled(&stage);
        let wrong = key.change_pin(&pin("0000"), &pin("9999"));
        assert!(matches!(wrong, Err(KeyError::WrongPin { left: 7 })), "{wrong:?}");
        key.change_pin(&pin(PIN), &pin("longer than one block of the cipher")).unwrap();
        assert!(matches!(key.assert(&ask(&made), &pin(PIN)), Err(KeyError::WrongPin { .. })));
        key.assert(&ask(&made), &pin("longer than one block of the cipher")).unwrap();
    }
}

/// What is missing of a report is not waited for: a device that sends less and then nothing holds nobody.
#[test]
fn a_report_that_is_cut_short_is_none() {
    let socket = std::env::temp_dir().join(format!("qratum-fido-short-{}", std::process::id()));
    let _ = std::fs::remove_file(&socket);
    let listener = UnixListener::bind(&socket).unwrap();
    let device = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0; 64]).unwrap();
        stream.write_all(&[0xff; 10]).unwrap();
        // Open until the other side is gone.
        let _ = stream.read(&mut [0; 64]);
    });
    let wire = Wire::connect(&socket, Arc::new(Seen::default()));
    assert!(matches!(wire, Err(KeyError::Garbled)));
    device.join().unwrap();
    std::fs::remove_file(socket).unwrap();
}

/// What it still says to what was given up is not taken for an answer to something else.
#[test]
fn a_key_that_was_given_up_can_be_asked_again() {
    let mut stage = Stage::new(settings(1));
    let made = enrolled(&stage);
    let mut key = stage.key().unwrap();
    stage.tell("touch manual");
    stage.tell("fault slow");
    assert!(matches!(key.assert(&ask(&made), &pin(PIN)), Err(KeyError::Silent)));
    stage.tell("fault none");
    stage.tell("touch auto");
    key.assert(&ask(&made), &pin(PIN)).unwrap();
}

/// The reason why an assertion with a key that does this fails.
fn reason(lines: &[&str]) -> KeyError {
    let mut stage = Stage::new(settings(1));
    let made = enrolled(&stage);
    lines.iter().for_each(|line| _ = stage.tell(line));
    let failed = stage.key().and_then(|mut key| key.assert(&ask(&made), &pin(PIN)));
    failed.map(|_| ()).unwrap_err()
}

#[test]
fn each_fault_has_its_own_reason() {
    assert!(matches!(reason(&["fault silent"]), KeyError::Silent));
    assert!(matches!(reason(&["fault wrong-channel"]), KeyError::Silent));
    assert!(matches!(reason(&["fault truncated"]), KeyError::Silent));
    assert!(matches!(reason(&["touch never", "fault slow"]), KeyError::Silent));
    assert!(matches!(reason(&["fault busy"]), KeyError::Busy));
    assert!(matches!(reason(&["fault garbled"]), KeyError::Garbled));
    assert!(matches!(reason(&["fault uv-blocked"]), KeyError::FingerLocked));
    assert!(matches!(reason(&["touch never", "patience 200"]), KeyError::NotTouched));
    assert!(matches!(reason(&["unplug"]), KeyError::Removed));
    // getInfo, tries, agreement, token, assertion.
    for step in 1..=5 {
        let removed = reason(&[&format!("fault unplug:{step}")]);
        assert!(matches!(removed, KeyError::Removed), "at {step}: {removed}");
    }
}

#[test]
fn what_the_key_cannot_do_or_will_not_has_its_own_reason() {
    let stage = Stage::new(settings(1));
    let made = enrolled(&stage);
    let mut key = stage.key().unwrap();
    let ids: [&[u8]; 1] = [&made.credential_id];
    let twice = key.register(&new_credential(&[Algorithm::Es256], &ids), &pin(PIN));
    assert!(matches!(twice, Err(KeyError::AlreadyEnrolled)));
    let strange = Registered { credential_id: vec![1; 33], ..made.clone() };
    assert!(matches!(key.assert(&ask(&strange), &pin(PIN)), Err(KeyError::NotEnrolled)));
    let elsewhere = Ask { rp_id: "other.invalid", ..ask(&made) };
    assert!(matches!(key.assert(&elsewhere, &pin(PIN)), Err(KeyError::NotEnrolled)));
    let long = "x".repeat(64);
    for length in ["", "123", &long] {
        let refused = key.assert(&ask(&made), &pin(length));
        assert!(matches!(refused, Err(KeyError::PinLength { least: 4 })), "{length}");
    }

    let plain = Stage::new(Settings { pin: None, ..settings(1) });
    assert!(matches!(plain.key().unwrap().assert(&ask(&made), &pin(PIN)), Err(KeyError::NoPin)));
    let old = Stage::new(Settings { algorithms: vec![Made::Es256], ..settings(1) });
    let refused = old.key().unwrap().register(&new_credential(&[Algorithm::EdDsa], &[]), &pin(PIN));
    assert!(matches!(refused, Err(KeyError::Algorithm)));
}

/// A key that signs under another key than the enrolled one is a liar or a mistake: what it signs is not
/// handed out.
#[test]
fn an_assertion_that_does_not_verify_is_not_handed_out() {
    let stage = Stage::new(settings(1));
    let made = enrolled(&stage);
    let other = enrolled(&Stage::new(settings(2)));
    let mixed = Registered { key: other.key, ..made };
    assert!(matches!(stage.key().unwrap().assert(&ask(&mixed), &pin(PIN)), Err(KeyError::Garbled)));
}

#[test]
fn whoever_says_no_while_the_key_blinks_gets_no_signature() {
    let mut stage = Stage::new(settings(1));
    let made = enrolled(&stage);
    stage.tell("touch never");
    stage.seen.refuses.store(true, Ordering::SeqCst);
    let mut key = stage.key().unwrap();
    assert!(matches!(key.assert(&ask(&made), &pin(PIN)), Err(KeyError::Cancelled)));
    assert!(matches!(key.assert(&ask(&made), &pin(PIN)), Err(KeyError::Cancelled)), "still no");
    // The key itself is free again.
    stage.seen.refuses.store(false, Ordering::SeqCst);
    stage.seen.is_cancelled.store(false, Ordering::SeqCst);
    stage.tell("touch auto");
    key.assert(&ask(&made), &pin(PIN)).unwrap();
    assert_eq!(stage.tell("report").trim().split_once("\"signatures\":").unwrap().1.as_bytes()[0], b'1');
}

#[test]
fn of_two_keys_the_one_that_holds_the_credential_is_found_without_a_touch() {
    let (mut one, mut two) = (Stage::new(settings(1)), Stage::new(settings(2)));
    let made = enrolled(&two);
    let holds = |stage: &Stage| key::holds(&mut stage.wire().unwrap(), PARTY, &made.credential_id);
    assert_eq!([holds(&one), holds(&two)], [false, true]);
    assert_eq!((one.counts(), two.counts()), ((0, 0), (1, 1)), "only enrolling asked for something");
}

#[test]
fn another_program_that_waits_for_a_touch_keeps_the_key_busy() {
    let mut stage = Stage::new(settings(1));
    let made = enrolled(&stage);
    stage.tell("touch manual");
    thread::scope(|scope| {
        let waits = scope.spawn(|| stage.key().unwrap().assert(&ask(&made), &pin(PIN)).map(|_| ()));
        while stage.seen.touches.load(Ordering::SeqCst) < 2 {
            thread::yield_now();
        }
        assert!(matches!(stage.key().map(|_| ()), Err(KeyError::Busy)));
        let mut lines = &stage.lines;
        writeln!(lines, "touch").unwrap();
        waits.join().unwrap().unwrap();
    });
}
