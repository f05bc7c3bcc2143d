//! Every rule, in virtual time: a second is a step.

use std::collections::BTreeSet;

use qratum_chain::types::Height;
use qratum_light_node::StoreState;

use super::*;
use crate::monitor::sight::{Member, set_change};

const TRUST_MS: u64 = 1_000_000_000;
const SIX_HOURS: u64 = 21_600;
const START: Time = Time(1_795_306_067_000);

fn watched() -> Watched {
    Watched { own: vec!["north".to_owned()], missed: 10, trusting_period_ms: TRUST_MS }
}

fn seat(name: &str, power: u64) -> Seat {
    Seat { key: format!("key of {name}"), name: name.to_owned(), power }
}

/// A network of four that is well.
fn well() -> Sight {
    let names = ["north", "east", "south", "west"];
    Sight {
        state: State::Live,
        height: 100,
        head_time: START,
        clock_offset_ms: None,
        set: names.map(|name| seat(name, 25)).to_vec(),
        members: Some(names.map(|name| Member { name: name.to_owned(), silent: false }).to_vec()),
        accused: Vec::new(),
        witnesses: 2,
        fork: None,
        store: StoreState::Kept { loaded: 1, dropped: 0 },
        banned: Vec::new(),
        peers: (4, 4),
    }
}

/// Alarms, and a clock that goes a second at each look; the chain grows by a block each second.
struct Bench {
    alarms: Alarms,
    now: Time,
    grows: bool,
}

impl Bench {
    fn new() -> Self {
        Self { alarms: Alarms::new(watched()), now: START, grows: true }
    }

    /// What changes in so many seconds of this sight, by the second, from 0.
    fn look(&mut self, seconds: u64, sight: &Sight) -> Vec<(u64, What, Alarm)> {
        let mut told = Vec::new();
        for second in 0..seconds {
            let blocks = if self.grows { (self.now.0 - START.0 / 2) / 1000 } else { 0 };
            let head_time = if self.grows { self.now } else { sight.head_time };
            let sight = Sight { height: sight.height + blocks, head_time, ..sight.clone() };
            let changes = self.alarms.see(&sight, self.now);
            told.extend(changes.into_iter().map(|change| (second, change.what, change.alarm)));
            self.now = self.now.plus(1000);
        }
        told
    }

    /// The same, as words.
    fn words(&mut self, seconds: u64, sight: &Sight) -> Vec<String> {
        let told = self.look(seconds, sight).into_iter();
        told.map(|(second, what, alarm)| format!("{second} {} {} {}", what.word(), alarm.code, alarm.subject))
            .collect()
    }

    fn open(&self) -> Vec<String> {
        self.alarms.active().iter().map(|alarm| alarm.code.word().to_owned()).collect()
    }
}

fn state(state: State) -> Sight {
    Sight { state, ..well() }
}

fn silent(names: &[&str]) -> Sight {
    let mut sight = well();
    for member in sight.members.iter_mut().flatten() {
        member.silent = names.contains(&member.name.as_str());
    }
    sight
}

#[test]
fn a_network_that_is_well_raises_nothing() {
    let mut bench = Bench::new();
    assert_eq!(bench.words(1000, &well()), [""; 0]);
    assert!(bench.alarms.active().is_empty() && bench.alarms.tracks.is_empty());
}

/// What, raised after how many seconds, over after how many.
#[test]
fn each_condition_is_raised_and_ended_after_its_time() {
    let cases: Vec<(Sight, &str, u64, u64)> = vec![
        (Sight { fork: Some(7), ..state(State::Forked) }, "forked chain", 0, 10),
        (state(State::Expired), "expired chain", 0, 10),
        (state(State::NoQuorum), "no-quorum chain", 0, 10),
        (state(State::Stalled), "stalled chain", 0, 10),
        (Sight { clock_offset_ms: Some(3_600_000), ..state(State::Clock) }, "clock this machine", 5, 30),
        (Sight { accused: vec!["east".to_owned()], ..well() }, "accused east", 0, 10),
        (
            Sight { store: StoreState::RolledBack { found: Height(1), highest: Height(9) }, ..well() },
            "store-rolled-back this machine",
            0,
            10,
        ),
        (state(State::Disconnected), "disconnected this machine", 5, 10),
        (Sight { witnesses: 0, ..well() }, "witnesses-lost chain", 30, 15),
        (silent(&["west"]), "silent west", 5, 15),
        (Sight { banned: vec![("west".to_owned(), "OffTopic")], ..well() }, "peer-lied west", 0, 30),
        (Sight { store: StoreState::Failed("full".to_owned()), ..well() }, "store-failed this machine", 0, 0),
    ];
    for (sight, name, raise, clear) in cases {
        let mut bench = Bench::new();
        bench.look(10, &well());
        let (code, subject) = name.split_once(' ').unwrap();
        let told: Vec<String> =
            bench.words(40, &sight).into_iter().filter(|line| line.contains(code)).collect();
        assert_eq!(told, [format!("{raise} raised {code} {subject}")]);
        let told: Vec<String> =
            bench.words(60, &well()).into_iter().filter(|line| line.contains(code)).collect();
        assert_eq!(told, [format!("{clear} cleared {code} {subject}")]);
    }
}

/// Two validators whose names look alike are two alarms, and told apart wherever they are named.
#[test]
fn names_that_look_alike_are_told_apart() {
    let [latin, cyrillic] = ["admin", "\u{430}dmin"];
    let mut sight = well();
    sight.members = Some([latin, cyrillic].map(|name| Member { name: name.to_owned(), silent: true }).into());
    let mut bench = Bench::new();
    let subjects: Vec<String> =
        bench.look(10, &sight).into_iter().map(|(_, _, alarm)| alarm.subject).collect();
    assert_eq!(subjects.len(), 2);
    assert!(subjects.contains(&"admin".to_owned()), "{subjects:?}");
    let other = subjects.iter().find(|subject| subject.starts_with("≈\u{430}dmin#")).unwrap();
    sight.state = State::NoQuorum;
    let text = bench.look(1, &sight)[0].2.text.clone();
    assert!(text.starts_with(&format!("silent: admin {other}; last verified height ")), "{text}");
    let changed = set_change(&[seat(latin, 1)], &[seat(cyrillic, 2)]).unwrap();
    assert_eq!(changed, format!("{other} joined with power 2, admin left"));
    let many: Vec<Seat> = (0..20).map(|number| seat(&format!("v{number}"), 1)).collect();
    assert!(set_change(&many, &[]).unwrap().ends_with("v11 left, and 8 more"));
}

#[test]
fn what_does_not_last_is_no_alarm() {
    let mut bench = Bench::new();
    for _ in 0..20 {
        for sight in [silent(&["west"]), state(State::Disconnected), Sight { witnesses: 0, ..well() }] {
            assert_eq!(bench.words(5, &sight), [""; 0]);
            assert_eq!(bench.words(1, &well()), [""; 0]);
        }
    }
}

#[test]
fn no_answer_for_a_minute_is_blind_and_progress_is_not() {
    for blind in [State::Loading, State::Disconnected, State::Syncing] {
        let mut bench = Bench::new();
        bench.grows = false;
        let told = bench.words(200, &state(blind));
        assert!(told.contains(&"60 raised blind this machine".to_owned()), "{blind}: {told:?}");
        assert!(bench.alarms.active()[0].text.starts_with("nothing new from any peer for 3 min "));
    }
    let mut bench = Bench::new();
    assert_eq!(bench.words(600, &state(State::Syncing)), [""; 0], "a long way up is no blindness");
}

/// While this console cannot see, it neither says that the network is well again nor that it is worse.
#[test]
fn what_cannot_be_seen_ends_nothing() {
    let mut bench = Bench::new();
    assert_eq!(bench.words(20, &state(State::NoQuorum)), ["0 raised no-quorum chain"]);
    bench.look(20, &silent(&["west"]));
    let hidden = Sight { members: None, ..state(State::Disconnected) };
    let told = bench.words(300, &hidden);
    assert!(told.iter().all(|line| !line.contains("silent")), "{told:?}");
    assert!(bench.open().contains(&"silent".to_owned()));
    for hides in [State::Clock, State::Expired, State::Forked, State::Loading, State::Syncing] {
        let mut bench = Bench::new();
        bench.look(20, &Sight { members: silent(&["west"]).members, ..state(State::NoQuorum) });
        let told = bench.words(300, &Sight { members: None, ..state(hides) });
        assert!(
            told.iter().all(|line| !line.contains("quorum") && !line.contains("silent")),
            "{hides}: {told:?}"
        );
        assert!(bench.words(60, &well()).contains(&"10 cleared no-quorum chain".to_owned()), "{hides}");
    }
}

#[test]
fn what_comes_back_within_a_minute_is_counted_and_later_it_is_another_one() {
    let mut bench = Bench::new();
    let first = bench.look(20, &silent(&["west"]))[0].2.id;
    assert_eq!(bench.words(20, &well()), ["15 cleared silent west"]);
    let again = bench.look(20, &silent(&["west"]));
    let (_, what, alarm) = &again[0];
    assert_eq!((*what, alarm.id, alarm.count), (What::Repeated, first, 2));
    assert_eq!(bench.words(120, &well()), ["30 cleared silent west"], "it must stay away for longer");
    let later = bench.look(20, &silent(&["west"]));
    assert!(later[0].1 == What::Raised && later[0].2.id > first && later[0].2.count == 1);
}

/// Again and again for six hours: a few dozen changes, and at any time the alarm tells the truth of the last
/// ten minutes.
#[test]
fn what_comes_and_goes_each_second_is_no_storm() {
    for (on, off) in [(1, 1), (30, 1), (1, 30), (7, 16), (20, 40), (60, 61), (15, 100)] {
        let mut bench = Bench::new();
        let mut changes: u64 = 0;
        for _ in 0..(SIX_HOURS / (on + off)) {
            changes += bench.words(on, &state(State::NoQuorum)).len() as u64;
            changes += bench.words(off, &well()).len() as u64;
        }
        assert!(changes <= SIX_HOURS / 60, "{on} {off}: {changes}");
        assert_eq!(bench.open(), ["no-quorum"], "critical: it is not forgotten");
    }
}

#[test]
fn what_is_critical_stays_until_somebody_takes_it_on_with_a_reason() {
    let mut bench = Bench::new();
    let id = bench.look(5, &state(State::NoQuorum))[0].2.id;
    bench.look(100_000, &well());
    assert_eq!(bench.open(), ["no-quorum"]);
    let taken = |reason: &str| Acknowledgement::new("ann", reason, 7);
    assert_eq!(bench.alarms.acknowledge(id + 1, taken("no")), None);
    let change = bench.alarms.acknowledge(id, taken("west \u{1b}[2Jis back")).unwrap();
    assert_eq!(change.what, What::Acknowledged);
    assert_eq!(change.alarm.acknowledged.unwrap().reason, "west <U+001B>[2Jis back");
    assert_eq!(bench.alarms.acknowledge(id, taken("twice")), None);
    assert!(bench.open().is_empty());
    // It comes back: somebody must look again.
    let told = bench.look(5, &state(State::NoQuorum));
    assert!(told[0].1 == What::Raised && told[0].2.acknowledged.is_none());
}

#[test]
fn an_alarm_that_was_taken_on_while_it_lasts_ends_by_itself() {
    let mut bench = Bench::new();
    let id = bench.look(5, &state(State::Stalled))[0].2.id;
    bench.alarms.acknowledge(id, Acknowledgement::new("ann", "called them", 7)).unwrap();
    assert_eq!(bench.open(), ["stalled"], "it is still so");
    assert_eq!(bench.words(100, &well()), ["10 cleared stalled chain"]);
    assert!(bench.open().is_empty());
}

#[test]
fn own_validators_are_told_of_when_they_miss_too_much() {
    let mut bench = Bench::new();
    bench.look(100, &well());
    // One height is looked at when the next is there.
    let told = bench.words(30, &silent(&["north", "west"]));
    assert_eq!(told, ["5 raised silent north", "5 raised silent west", "10 raised missed north"]);
    assert_eq!(bench.alarms.missed.of("north"), (29, 100));
    assert_eq!(bench.alarms.missed.of("west"), (0, 0), "not ours");
    let told = bench.words(400, &well());
    let ended = told.iter().find(|line| line.contains("missed")).unwrap();
    // 30 misses leave the window of 100 one by one; at five it counts as gone, and must stay so.
    assert_eq!(ended, "155 cleared missed north");
}

#[test]
fn a_set_that_changes_is_told_once_and_one_of_long_ago_is_not() {
    let mut bench = Bench::new();
    bench.look(5, &well());
    let mut other = well();
    other.set = vec![seat("north", 30), seat("east", 25), seat("south", 25), seat("new", 5)];
    let told = bench.look(100, &other);
    assert_eq!(told.len(), 2, "raised, and over after a minute");
    assert_eq!(told[0].2.text, "north has power 30 instead of 25, new joined with power 5, west left");
    assert_eq!((told[0].2.level, told[1].1, told[1].0), (Level::Info, What::Cleared, 60));
    let mut named = other.clone();
    named.set[3].name = "called-otherwise".to_owned();
    assert_eq!(bench.words(10, &named), [""; 0], "a name is no change");
    let mut bench = Bench::new();
    bench.look(50, &Sight { state: State::Syncing, ..other });
    assert_eq!(bench.words(50, &well()), [""; 0]);
}

#[test]
fn little_trust_is_told_when_it_is_not_just_caught_up_with() {
    let mut bench = Bench::new();
    bench.grows = false;
    let old = |left: u64| Sight { head_time: Time(START.0 + left - TRUST_MS), ..state(State::Stale) };
    assert_eq!(bench.words(100, &old(TRUST_MS / 5 + 300_000)), [""; 0]);
    let told = bench.words(100, &old(TRUST_MS / 5 + 90_000));
    assert_eq!(told, ["60 raised trust-low chain"], "below a fifth since the look began");
    let mut bench = Bench::new();
    bench.grows = false;
    let told = bench.words(50, &Sight { state: State::Syncing, ..old(1000) });
    assert_eq!(told, [""; 0]);
}

#[test]
fn a_clock_that_jumps_neither_hides_nor_invents() {
    let mut bench = Bench::new();
    bench.look(3, &silent(&["west"]));
    bench.now = Time(bench.now.0 - 900_000);
    assert_eq!(bench.words(10, &silent(&["west"])), ["5 raised silent west"]);
    bench.look(3, &well());
    bench.now = Time(bench.now.0 - 90_000);
    assert_eq!(bench.words(60, &well()), ["15 cleared silent west"]);
}

#[test]
fn what_others_call_themselves_is_made_harmless() {
    let mut bench = Bench::new();
    let name = "\u{202e}\u{1b}]0;x\u{7}";
    let told = bench.look(1, &Sight { accused: vec![name.to_owned()], ..well() });
    assert!(told[0].2.subject.starts_with("<U+202E><U+001B>]0;x<U+0007>#"), "{}", told[0].2.subject);
}

#[test]
fn alarms_of_an_earlier_run_go_on() {
    let mut bench = Bench::new();
    let id = bench.look(5, &state(State::NoQuorum))[0].2.id;
    let mut after = Alarms::new(watched());
    after.resume(bench.alarms.active(), id + 1);
    bench.alarms = after;
    assert_eq!(bench.words(20, &state(State::NoQuorum)), [""; 0], "it is the same one");
    assert_eq!(bench.words(20, &well()), ["10 cleared no-quorum chain"]);
    assert!(bench.look(9, &silent(&["west"])).iter().all(|(_, _, alarm)| alarm.id == id + 1));
}

/// The same numbers for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// Whatever happens in whatever order: what lasts longer than its time is an alarm, what is raised is
/// ended only after it was gone, every change follows from the one before, and numbers never come twice.
#[test]
fn nothing_is_lost_and_nothing_is_told_twice_in_any_order() {
    for seed in 1..=20 {
        let (mut bench, mut dice) = (Bench::new(), Dice(seed * 0x9e37_79b9));
        let (mut on, mut ids) = (BTreeSet::new(), BTreeSet::new());
        let (mut run, mut gone) = (0u64, 0u64);
        for _ in 0..400 {
            let kind = State::ALL[usize::try_from(dice.roll(10)).unwrap()];
            let mut sight = if dice.roll(2) == 0 { silent(&["west"]) } else { well() };
            sight.state = kind;
            let longest = if dice.roll(5) == 0 { 200 } else { 8 };
            let seconds = 1 + dice.roll(longest);
            let (before, known) = (run, sight.can_tell(Code::Silent));
            let is_silent = sight.members.iter().flatten().any(|member| member.silent);
            run = if is_silent { before + seconds } else { 0 };
            gone = if is_silent || !known { 0 } else { gone + seconds };
            for (_, what, alarm) in bench.look(seconds, &sight) {
                let key = (alarm.code, alarm.subject.clone());
                match what {
                    What::Raised => assert!(on.insert(key) && ids.insert(alarm.id), "{seed}: {alarm:?}"),
                    What::Repeated => assert!(on.insert(key) && ids.contains(&alarm.id), "{seed}: {alarm:?}"),
                    What::Cleared => assert!(on.remove(&key), "{seed}: {alarm:?}"),
                    What::Acknowledged => unreachable!(),
                }
                if alarm.code == Code::Silent && what == What::Cleared {
                    assert!(gone >= 15, "{seed}: it was gone for {gone} s only");
                }
            }
            let told = on.contains(&(Code::Silent, "west".to_owned()));
            assert!(told || run <= 6, "{seed}: silent for {run} s, and no alarm");
        }
    }
}
