//! What happened? A line of `qratum watch` or `qratum demo --headless`, in words or in JSON.

mod accused;
mod set;

pub(super) use self::{accused::AccusedEvent, set::SetEvent};

use qratum_light_node::{Names, PeerView, Refusal, Snapshot, Voting};
use qratum_verifier::{Trusted, quorum::Tally};
use serde::Serialize;

use crate::{
    model::{head_of, signers},
    output::names,
    time,
};

const SCHEMA: &str = "qratum/event/v1";

/// A line.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Event {
    /// A new newest block was verified.
    Head(HeadEvent),
    /// Another state.
    State(StateEvent),
    /// A pinned peer came or went.
    Peer(PeerEvent),
    /// An answer of a peer was not used.
    Refusal(RefusalEvent),
    /// Others are silent than before.
    Silent(SilentEvent),
    /// Somebody broke the protocol.
    Accused(AccusedEvent),
    /// Another set certifies blocks.
    Set(SetEvent),
}

impl Event {
    /// In words.
    pub(super) fn line(&self) -> String {
        match self {
            Self::Head(event) => event.line(),
            Self::State(event) => event.line(),
            Self::Peer(event) => event.line(),
            Self::Refusal(event) => event.line(),
            Self::Silent(event) => event.line(),
            Self::Accused(event) => event.line(),
            Self::Set(event) => event.line(),
        }
    }
}

/// A verified head, as `--json` prints it.
#[derive(Debug, Serialize)]
pub(super) struct HeadEvent {
    schema: &'static str,
    event: &'static str,
    height: u64,
    block_id: String,
    time_ms: u64,
    age_ms: u64,
    signed: u128,
    total: u128,
    signers: Vec<String>,
}

impl HeadEvent {
    pub(super) fn of(head: &Trusted, known: &Names) -> Self {
        let (header, tally) = (head.header().get(), head.tally());
        Self {
            schema: SCHEMA,
            event: "head",
            height: header.height.0,
            block_id: head.id().to_string(),
            time_ms: header.time.0,
            age_ms: time::since(header.time, time::now()),
            signed: tally.signed,
            total: tally.total,
            signers: signers(head, known),
        }
    }

    fn line(&self) -> String {
        let Self { height, block_id, age_ms, signed, total, .. } = self;
        let names = names(&self.signers, " ");
        format!("verified {height}  {block_id}  {age_ms} ms old  {signed}/{total} power: {names}")
    }
}

/// Another state of following the chain, as `--json` prints it.
#[derive(Debug, Serialize)]
pub(super) struct StateEvent {
    schema: &'static str,
    event: &'static str,
    state: &'static str,
    /// Null until a head was verified.
    verified_height: Option<u64>,
    at_ms: u64,
}

impl StateEvent {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        Self {
            schema: SCHEMA,
            event: "state",
            state: snapshot.state.word(),
            verified_height: head_of(snapshot).map(|head| head.header().get().height.0),
            at_ms: time::now().0,
        }
    }

    fn line(&self) -> String {
        let known = self.verified_height.map(|height| format!("last verified height {height}"));
        format!("state {}, {}", self.state, known.as_deref().unwrap_or("nothing verified yet"))
    }
}

/// A pinned peer that came or went, as `--json` prints it.
#[derive(Debug, Serialize)]
pub(super) struct PeerEvent {
    schema: &'static str,
    event: &'static str,
    peer: String,
    connected: bool,
    at_ms: u64,
}

impl PeerEvent {
    pub(super) fn of(peer: &PeerView) -> Self {
        let (name, connected) = (peer.name.clone(), peer.connected);
        Self { schema: SCHEMA, event: "peer", peer: name, connected, at_ms: time::now().0 }
    }

    fn line(&self) -> String {
        format!("peer {} {}", self.peer, if self.connected { "connected" } else { "lost" })
    }
}

/// An answer of a peer that was not used, as `--json` prints it.
#[derive(Debug, Serialize)]
pub(super) struct RefusalEvent {
    schema: &'static str,
    event: &'static str,
    peer: String,
    reason: &'static str,
    text: String,
    /// In a row, up to now.
    count: u32,
    at_ms: u64,
}

impl RefusalEvent {
    pub(super) fn of(refusal: &Refusal) -> Self {
        Self {
            schema: SCHEMA,
            event: "refusal",
            peer: refusal.peer.clone(),
            reason: refusal.reason.name(),
            text: refusal.reason.to_string(),
            count: refusal.count,
            at_ms: refusal.at.0,
        }
    }

    fn line(&self) -> String {
        let Self { peer, reason, text, count, .. } = self;
        let times = if *count > 1 { format!(", {count} times") } else { String::new() };
        format!("refused {peer}: {text} ({reason}){times}")
    }
}

/// Who is silent from now on, as `--json` prints it.
#[derive(Debug, Serialize)]
pub(super) struct SilentEvent {
    schema: &'static str,
    event: &'static str,
    silent: Vec<String>,
    missing: u128,
    total: u128,
    at_ms: u64,
}

impl SilentEvent {
    pub(super) fn of(voting: &Voting, silent: &[String]) -> Self {
        let Tally { signed: missing, total } = voting.missing();
        Self {
            schema: SCHEMA,
            event: "silent",
            silent: silent.to_vec(),
            missing,
            total,
            at_ms: time::now().0,
        }
    }

    fn line(&self) -> String {
        let Self { silent, missing, total, .. } = self;
        let names = if silent.is_empty() { "nobody".to_owned() } else { names(silent, " ") };
        format!("silent {names}, {missing} of {total} power is missing")
    }
}

#[cfg(test)]
mod tests {
    use qratum_chain::{
        document::{HeaderProof, genesis_from_json},
        types::{LightBlock, Time},
    };
    use qratum_light_node::Reason;
    use qratum_verifier::{SetCache, Verdict, verify};

    use super::*;

    /// Head 3 of a demo network, as the sample has it; the sample's schema is checked with the others.
    #[test]
    fn an_event_is_printed_as_in_the_sample() {
        let genesis = genesis_from_json(include_bytes!("../../tests/data/genesis.json")).unwrap();
        let (anchor, rules) = Trusted::genesis(&genesis).unwrap();
        let document = HeaderProof::from_json(include_bytes!("../../tests/data/header-3.json")).unwrap();
        let HeaderProof { header, certificate, validators, .. } = document;
        let now = header.time;
        let block =
            LightBlock { header, certificate: certificate.unwrap(), validators, next_validators: None };
        let verdict = verify(&block, &anchor, &rules, &mut SetCache::default(), now);
        let Verdict::Accept(head) = verdict else { panic!("{verdict:?}") };
        let event = HeadEvent { age_ms: 48, ..HeadEvent::of(&head, &Names::default()) };
        let sample = include_str!("../../tests/data/event-3.json");
        assert_eq!(serde_json::to_string(&event).unwrap(), sample.trim_end());
    }

    #[test]
    fn who_falls_silent_is_named_with_the_power_that_is_missing() {
        let event = |silent: &[&str], missing| SilentEvent {
            schema: SCHEMA,
            event: "silent",
            silent: silent.iter().map(|name| (*name).to_owned()).collect(),
            missing,
            total: 100,
            at_ms: 1_795_306_067_490,
        };
        assert_eq!(event(&["north", "west"], 50).line(), "silent north west, 50 of 100 power is missing");
        assert_eq!(event(&[], 0).line(), "silent nobody, 0 of 100 power is missing");
        let [latin, cyrillic] = ["admin", "\u{430}dmin"].map(|name| event(&[name], 50).line());
        assert_eq!(latin, "silent admin, 50 of 100 power is missing");
        assert!(cyrillic.starts_with("silent ≈\u{430}dmin#"), "{cyrillic}");
        let sample = include_str!("../../tests/data/event-silent.json");
        assert_eq!(serde_json::to_string(&event(&["north"], 30)).unwrap(), sample.trim_end());
    }

    #[test]
    fn a_change_of_state_says_how_far_the_head_is() {
        let event = |verified_height| StateEvent {
            schema: SCHEMA,
            event: "state",
            state: "stalled",
            verified_height,
            at_ms: 1_795_306_067_490,
        };
        assert_eq!(event(Some(12)).line(), "state stalled, last verified height 12");
        assert_eq!(event(None).line(), "state stalled, nothing verified yet");
        let sample = include_str!("../../tests/data/event-state.json");
        assert_eq!(serde_json::to_string(&event(Some(12))).unwrap(), sample.trim_end());
    }

    #[test]
    fn peers_and_refusals_are_printed_as_in_the_samples() {
        let (peer, connected) = ("north".to_owned(), false);
        let event = PeerEvent { schema: SCHEMA, event: "peer", peer, connected, at_ms: 1_795_306_067_490 };
        assert_eq!(event.line(), "peer north lost");
        let sample = include_str!("../../tests/data/event-peer.json");
        assert_eq!(serde_json::to_string(&event).unwrap(), sample.trim_end());
        let (peer, reason, at) = ("west".to_owned(), Reason::OffTopic, Time(1_795_306_067_490));
        let event = RefusalEvent::of(&Refusal { peer, reason, at, count: 4 });
        assert_eq!(event.line(), "refused west: an answer to another question (OffTopic), 4 times");
        let sample = include_str!("../../tests/data/event-refusal.json");
        assert_eq!(serde_json::to_string(&event).unwrap(), sample.trim_end());
    }
}
