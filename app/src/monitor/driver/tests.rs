//! From what the verifier accepted to what a sink is told, for each thing that must wake somebody.

use std::fs;

use qratum_chain::types::Time;
use qratum_light_node::{Snapshot, State, Witnesses};
use serde_json::Value;

use super::{super::program::Program, *};
use crate::screen::tests::stage::{
    LAST, accused, heads, heads_with, in_state, live, other_set, time_of, voting,
};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// What is seen, and for how many seconds.
type Seen = (Snapshot, u64);

/// The codes of the alarms that were raised, as a program on the other end has got them.
fn told(name: &str, from: Time, seen: Vec<Seen>) -> Vec<String> {
    let folder = std::env::temp_dir().join(format!("qratum-told-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).unwrap();
    let file = folder.join("told");
    let arguments = ["-a".to_owned(), file.display().to_string()].into();
    let tee = Program { path: "/usr/bin/tee".into(), arguments, within: Duration::from_secs(60) };
    let outlet =
        Outlet { name: "page".to_owned(), sink: Sink::Exec(tee), least: Level::Info, heartbeat: false };
    let setup = Setup {
        folder: folder.join("alerts"),
        network: Network { name: "demo".to_owned(), chain_id: "00".repeat(32) },
        watched: Watched { own: vec!["north".to_owned()], missed: 10, trusting_period_ms: 14 * DAY_MS },
        outlets: vec![outlet],
        heartbeat: Duration::from_secs(60),
        token: None,
        drills: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(look(setup, from, seen));
    let lines = fs::read_to_string(&file).unwrap_or_default();
    fs::remove_dir_all(folder).unwrap();
    let events = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let raised = events.filter(|event| event["event"] == "raised");
    raised.map(|event| event["code"].as_str().unwrap().to_owned()).collect()
}

/// Looks each second, until the sink has got everything.
async fn look(setup: Setup, from: Time, seen: Vec<Seen>) {
    let (changes, _followed) = mpsc::unbounded_channel();
    let mut work = Work::new(setup, changes, watch::channel(Arc::default()).0);
    work.show();
    let (mut now, mut waiting) = (from, 0);
    for (snapshot, seconds) in seen {
        for _ in 0..=seconds {
            let changes = work.keeper.observe(&snapshot, now);
            waiting += changes.len();
            work.tell(changes);
            now = now.plus(1000);
        }
    }
    while waiting > 0 {
        let outcome = work.outcomes.recv().await.unwrap();
        assert_eq!(outcome.error, None);
        waiting -= 1;
    }
}

#[test]
fn what_must_wake_somebody_reaches_a_sink() {
    let now = time_of(LAST).plus(1000);
    let in_state = |state| (in_state(state), 0);
    let alone = Snapshot { witnesses: Witnesses::default(), ..live() };
    let changed = heads_with(Some(other_set()));
    let other = Snapshot { head: Arc::clone(changed.last().unwrap()), ..live() };
    // North votes on none of the heights, and others do.
    let absent = |head: &Arc<qratum_verifier::Trusted>| {
        let snapshot = Snapshot { head: Arc::clone(head), voting: Arc::new(voting(head, &[0])), ..live() };
        (snapshot, 0)
    };
    let cases: Vec<(&str, Time, Vec<Seen>)> = vec![
        ("no-quorum", now, vec![in_state(State::NoQuorum)]),
        ("stalled", now, vec![in_state(State::Stalled)]),
        ("forked", now, vec![in_state(State::Forked)]),
        ("accused", now, vec![(accused(), 0)]),
        ("missed", now, heads().iter().map(absent).collect()),
        ("witnesses-lost", now, vec![(alone, 30)]),
        ("set-changed", now, vec![(live(), 0), (other, 0)]),
        ("trust-low", now.plus(12 * DAY_MS), vec![(live(), 60)]),
        ("expired", now, vec![in_state(State::Expired)]),
        ("clock", now, vec![(in_state(State::Clock).0, 5)]),
        ("blind", now, vec![(in_state(State::Disconnected).0, 60)]),
    ];
    for (code, from, seen) in cases {
        let raised = told(code, from, seen);
        assert!(raised.iter().any(|it| it == code), "{code} is not in {raised:?}");
        assert!(!crate::command::explain::page(code, 80).is_empty(), "{code} has no page");
    }
    assert_eq!(told("well", now, vec![(live(), 120)]), [""; 0]);
}
