//! What does the light node see, as far as alarms depend on it? And what is wrong with that? Pure:
//! names and numbers in, findings out.

use qratum_chain::types::{Time, ValidatorSet};
use qratum_light_node::{Names, Snapshot, State, StoreState};
use qratum_widgets::SafeText;
use serde::{Deserialize, Serialize};

use super::code::Code;
use crate::time;

/// The subject of what is about the network as a whole.
const CHAIN: &str = "chain";
/// The subject of what is about this machine.
pub(super) const MACHINE: &str = "this machine";
/// A part of the trusting period that is this small is told.
const LOW: u64 = 5;
/// How many names or changes a text tells of one by one.
const LISTED: usize = 12;

/// What is to be watched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Watched {
    /// Names of the validators that are ours.
    pub(crate) own: Vec<String>,
    /// From this many missed heights of the last 100 on there is an alarm.
    pub(crate) missed: u8,
    /// How long a verified block vouches for later ones.
    pub(crate) trusting_period_ms: u64,
}

/// What is seen at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Sight {
    pub(super) state: State,
    pub(super) height: u64,
    pub(super) head_time: Time,
    /// How far the clock is off.
    pub(super) clock_offset_ms: Option<i64>,
    /// The members of the head's set.
    pub(super) set: Vec<Seat>,
    /// Who takes part in the vote; none while that cannot be said.
    pub(super) members: Option<Vec<Member>>,
    /// Members that signed two things for one place.
    pub(super) accused: Vec<String>,
    /// How many operators confirm the head, beside the peer that handed it over.
    pub(super) witnesses: usize,
    /// The height of the fork.
    pub(super) fork: Option<u64>,
    pub(super) store: StoreState,
    /// Peers that are banned, and for what.
    pub(super) banned: Vec<(String, &'static str)>,
    /// How many peers there are, and how many are connected.
    pub(super) peers: (usize, usize),
}

/// A member of a set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Seat {
    pub(super) key: String,
    /// As it is called now: names may be proven later.
    pub(super) name: String,
    pub(super) power: u64,
}

/// How a validator takes part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) silent: bool,
}

/// Something that is wrong now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) code: Code,
    pub(super) subject: String,
    pub(super) text: String,
}

impl Finding {
    /// In words of this program, in which names are [`named`] and words of others [`quoted`]: they go to
    /// screens and logs.
    pub(super) fn new(code: Code, subject: impl Into<String>, text: impl Into<String>) -> Self {
        Self { code, subject: subject.into(), text: text.into() }
    }
}

/// A name that is harmless, and looks like no other.
pub(super) fn named(name: &str) -> String {
    SafeText::name(name).to_string()
}

/// Words of others that are harmless.
pub(super) fn quoted(text: &str) -> String {
    SafeText::new(text, SafeText::SENTENCE).to_string()
}

/// Some of them, and how many more there are: a line is read by people.
fn listed(words: &[String], between: &str) -> String {
    let more = words.len().saturating_sub(LISTED);
    let shown = words.iter().take(LISTED).cloned().chain((more > 0).then(|| format!("and {more} more")));
    shown.collect::<Vec<_>>().join(between)
}

impl Sight {
    /// What a snapshot of the light node says.
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let (header, names) = (snapshot.head.header().get(), &snapshot.names);
        let voting = &snapshot.voting;
        let member = |vote: &qratum_light_node::MemberVote| Member {
            name: names.called(&vote.key),
            silent: vote.silent,
        };
        let bans = snapshot.peers.iter().filter_map(|peer| Some((peer, peer.ban.as_ref()?)));
        let connected = snapshot.peers.iter().filter(|peer| peer.connected).count();
        Self {
            state: snapshot.state,
            height: header.height.0,
            head_time: header.time,
            clock_offset_ms: snapshot.clock_offset_ms,
            set: set_of(snapshot.head.validators(), names),
            members: (voting.known || voting.stuck).then(|| voting.members.iter().map(member).collect()),
            accused: voting.evidence.iter().map(|(key, _)| names.called(key)).collect(),
            witnesses: snapshot.witnesses.operators.len(),
            fork: snapshot.fork.as_ref().map(|fork| fork.height().0),
            store: snapshot.store.clone(),
            banned: bans.map(|(peer, ban)| (peer.name.clone(), ban.reason.name())).collect(),
            peers: (snapshot.peers.len(), connected),
        }
    }

    /// Everything that is wrong now, but for what only a look back can say.
    pub(super) fn findings(&self, watched: &Watched, now: Time) -> Vec<Finding> {
        let mut found = Vec::from_iter(self.state_finding());
        if let Some(height) = self.fork.filter(|_| self.state != State::Forked) {
            found.push(forked(height));
        }
        found.extend(self.trust(watched, now));
        if self.state == State::Live && self.witnesses == 0 {
            let text = format!("no second operator has block {}", self.height);
            found.push(Finding::new(Code::WitnessesLost, CHAIN, text));
        }
        let silent = self.members.iter().flatten().filter(|member| member.silent);
        found.extend(silent.map(|member| {
            let text = "no vote in the last two decided heights";
            Finding::new(Code::Silent, named(&member.name), text)
        }));
        let twice = "its key signed two statements for one place";
        found.extend(self.accused.iter().map(|name| Finding::new(Code::Accused, named(name), twice)));
        found.extend(self.banned.iter().map(|(peer, reason)| {
            let text = format!("refused for {reason}, and asked nothing for a time");
            Finding::new(Code::PeerLied, named(peer), text)
        }));
        found.extend(self.store_finding());
        found
    }

    fn state_finding(&self) -> Option<Finding> {
        let Self { height, peers: (all, connected), .. } = self;
        let since = format!("last verified height {height}");
        Some(match self.state {
            State::Forked => forked(self.fork.unwrap_or(*height)),
            State::Expired => Finding::new(Code::Expired, CHAIN, format!("no fresh block, {since}")),
            State::NoQuorum => {
                let silent = self.members.iter().flatten().filter(|member| member.silent);
                let names: Vec<String> = silent.map(|member| named(&member.name)).collect();
                Finding::new(Code::NoQuorum, CHAIN, format!("silent: {}; {since}", listed(&names, " ")))
            }
            State::Stalled => Finding::new(Code::Stalled, CHAIN, format!("no new block, {since}")),
            State::Clock => {
                let offset = self.clock_offset_ms.map_or_else(|| "wrong".to_owned(), time::offset);
                Finding::new(Code::Clock, MACHINE, format!("the clock is {offset}"))
            }
            State::Disconnected => {
                Finding::new(Code::Disconnected, MACHINE, format!("{connected} of {all} peers connected"))
            }
            State::Loading | State::Syncing | State::Live | State::Stale => return None,
        })
    }

    /// A head that is being caught up with is old for another reason.
    fn trust(&self, watched: &Watched, now: Time) -> Option<Finding> {
        let left = self.head_time.plus(watched.trusting_period_ms).0.saturating_sub(now.0);
        let low = left < watched.trusting_period_ms / LOW;
        let text = || format!("{} of trust left in block {}", time::age(left), self.height);
        (low && !self.is_catching_up()).then(|| Finding::new(Code::TrustLow, CHAIN, text()))
    }

    fn store_finding(&self) -> Option<Finding> {
        match &self.store {
            StoreState::Failed(why) => Some(Finding::new(Code::StoreFailed, MACHINE, quoted(why))),
            StoreState::RolledBack { found, highest } => {
                let text = format!("the store leads to height {found}, and {highest} was verified before");
                Some(Finding::new(Code::StoreRolledBack, MACHINE, text))
            }
            StoreState::None | StoreState::Kept { .. } | StoreState::InUse => None,
        }
    }

    /// Whether it can be said that this is *not* so. What one state hides is not over because of it.
    pub(super) fn can_tell(&self, code: Code) -> bool {
        let sees = !matches!(
            self.state,
            State::Forked | State::Expired | State::Disconnected | State::Loading | State::Clock
        );
        match code {
            Code::NoQuorum => matches!(self.state, State::Live | State::Stale | State::Stalled),
            Code::Stalled => matches!(self.state, State::Live | State::Stale),
            Code::Clock => sees,
            Code::Silent | Code::Missed => sees && self.members.is_some(),
            Code::WitnessesLost => self.state == State::Live,
            Code::TrustLow => !self.is_catching_up(),
            _ => true,
        }
    }

    const fn is_catching_up(&self) -> bool {
        matches!(self.state, State::Loading | State::Syncing | State::Disconnected | State::Clock)
    }
}

fn forked(height: u64) -> Finding {
    Finding::new(Code::Forked, CHAIN, format!("two certified blocks at height {height}"))
}

fn set_of(set: &ValidatorSet, names: &Names) -> Vec<Seat> {
    let seat = |member: &qratum_chain::types::Validator| Seat {
        key: member.pubkey.to_string(),
        name: names.called(&member.pubkey),
        power: member.power,
    };
    set.members().iter().map(seat).collect()
}

/// In words, how a set differs from the one before; none where it does not.
pub(super) fn set_change(before: &[Seat], after: &[Seat]) -> Option<String> {
    let in_set =
        |set: &[Seat], seat: &Seat| set.iter().find(|known| known.key == seat.key).map(|known| known.power);
    let changed = |seat: &Seat| {
        let (name, power) = (named(&seat.name), seat.power);
        match in_set(before, seat) {
            None => Some(format!("{name} joined with power {power}")),
            Some(then) if then != power => Some(format!("{name} has power {power} instead of {then}")),
            Some(_) => None,
        }
    };
    let left = before.iter().filter(|seat| in_set(after, seat).is_none());
    let left = left.map(|seat| format!("{} left", named(&seat.name)));
    let words: Vec<String> = after.iter().filter_map(changed).chain(left).collect();
    (!words.is_empty()).then(|| listed(&words, ", "))
}
