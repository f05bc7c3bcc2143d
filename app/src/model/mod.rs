//! What does the console know? Plain data; nothing here reads a clock, a socket or a key.

mod drill;
mod fact;
mod health;
mod history;
mod log;
mod notice;
mod people;
mod proof;
mod public;
mod pulse;
mod session;
mod sheet;
mod sign;
mod tour;
mod view;
mod who;

use std::{collections::BTreeMap, sync::Arc};

use qratum_chain::{
    PublicKey,
    document::Anchor,
    types::{AccountId, BlockId, GenesisValidator, Time, ValidatorSet},
};
use qratum_custody::entropy::Report;
use qratum_light_node::{Config, Names, PeerId, Snapshot, State, Voting, peer_id};
use qratum_themes::{BUILT_IN, Theme};
use qratum_verifier::Trusted;

pub(crate) use self::{
    drill::Drill,
    fact::{Fact, Worth},
    health::{Health, Mood},
    log::{Event, Level, Log},
    notice::Notice,
    people::{Entries, People, Standing, Watch, start_of},
    proof::{Asked, Found, Ground, Proof, Subject, Wanted, happened},
    public::Public,
    pulse::{Beat, Pulse},
    session::Session,
    sheet::Sheet,
    sign::{Focus, Sign, Stage, Told},
    tour::Tour,
    view::{Cursor, Detail, Flash, Layer, List, View, panels},
    who::Who,
};
use crate::{
    audit::{Build, Found as Audited},
    check::Check,
    exit::{Exit, Failure},
    home::Home,
    monitor::{self, Change, View as Alarms, What},
    settings::ConsoleSettings,
};

/// The most notices that are kept: as many as a demo has validators.
const NOTICES: usize = 16;
/// How long a flash stays, in ms.
const FLASH_MS: u64 = 5000;

/// Everything that is drawn.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(crate) struct Model {
    pub(crate) network: String,
    pub(crate) demo: bool,
    /// Validators that this console started; none but those of a demo.
    pub(crate) started: Vec<String>,
    /// What this console is called on a demo that it joined.
    pub(crate) alias: Option<String>,
    /// The home, as a shell takes it.
    pub(crate) home: String,
    /// Block id of what is trusted at first.
    pub(crate) anchor: BlockId,
    /// Whether that is a later block than genesis.
    pub(crate) pinned: bool,
    /// Peers whose key genesis enrols, and the vote key of the validator that each is.
    pub(crate) enrolled: BTreeMap<PeerId, PublicKey>,
    /// Where the peers are dialled, in their order.
    pub(crate) addresses: Vec<String>,
    pub(crate) theme: Theme,
    /// The names of all themes that there are.
    pub(crate) themes: Vec<String>,
    /// What may be done with the terminal beside drawing.
    pub(crate) may: ConsoleSettings,
    pub(crate) now: Time,
    /// What guards this process, as it started.
    pub(crate) guards: Vec<Check>,
    /// The build that runs.
    pub(crate) build: Build,
    /// What was measured of functions that secrets pass through.
    pub(crate) audit: Audited,
    /// What is known now.
    pub(crate) live: Known,
    /// What was known when the picture was held still, and since when.
    pub(crate) held: Option<(Time, Known)>,
    /// What is wrong now, also while the picture is held still.
    pub(crate) alarms: Arc<Alarms>,
    /// The accounts whose security keys are set up here.
    pub(crate) me: Vec<AccountId>,
    /// Whether what is known of people is still so.
    pub(crate) watch: Watch,
    /// Whether it may act, and whether it is locked.
    pub(crate) session: Session,
    /// Where the tour of a demo is.
    pub(crate) tour: Tour,
    /// What is looked at.
    pub(crate) view: View,
}

/// What is known at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// What the light node knows; none until it said so once.
    pub(crate) snapshot: Option<Arc<Snapshot>>,
    pub(crate) pulse: Pulse,
    pub(crate) log: Log,
    /// What went wrong beside the chain, oldest first.
    pub(crate) notices: Vec<Notice>,
    /// How this machine is.
    pub(crate) health: Health,
    /// What the state says of people and of what they asked for.
    pub(crate) people: Option<Arc<People>>,
}

impl Model {
    /// The console before anything is known.
    pub(crate) fn new(config: &Config, home: &Home, theme: Theme) -> Result<Self, Failure> {
        let genesis = &config.genesis;
        let chain = genesis.chain_id().map_err(|why| Failure::new(Exit::Usage, why.to_string()))?;
        let pinned = |anchor: &Anchor| anchor.checkpoint.block_id;
        Ok(Self {
            network: genesis.network.clone(),
            demo: genesis.demo,
            started: Vec::new(),
            alias: None,
            home: home.shown(),
            anchor: config.anchor.as_ref().map_or(BlockId(chain.0), pinned),
            pinned: config.anchor.is_some(),
            enrolled: genesis.validators.iter().filter_map(enrolled).collect(),
            addresses: config.peers.iter().map(|peer| peer.address.to_string()).collect(),
            theme,
            themes: BUILT_IN.map(str::to_owned).into(),
            may: ConsoleSettings::default(),
            now: Time(0),
            guards: Vec::new(),
            build: Build::own(),
            audit: Audited::Nothing,
            live: Known::default(),
            held: None,
            alarms: Arc::default(),
            me: Vec::new(),
            watch: Watch::default(),
            session: Session::default(),
            tour: Tour::Off,
            view: View::new(),
        })
    }

    /// Takes note of the validators that this console started: drills are for a demo only.
    pub(crate) fn start(&mut self, names: Vec<String>) {
        self.started = if self.demo { names } else { Vec::new() };
    }

    /// Keeps a notice, and forgets the oldest where there are too many.
    pub(crate) fn notify(&mut self, mut notice: Notice) {
        if let Some(snapshot) = &self.live.snapshot {
            notice.holds(snapshot);
        }
        self.live.log.push(Event::Notice(notice.text.clone()), self.now);
        let notices = &mut self.live.notices;
        notices.push(notice);
        let excess = notices.len().saturating_sub(NOTICES);
        notices.drain(..excess);
    }

    /// Takes what the light node knows now. Ages are told by seconds alone, so that all of them change
    /// together.
    pub(crate) fn learn(&mut self, snapshot: Arc<Snapshot>, now: Time) {
        let Known { snapshot: known, log, notices, .. } = &mut self.live;
        notices.retain_mut(|notice| notice.holds(&snapshot));
        log.learn(known.as_deref(), &snapshot, now);
        *known = Some(snapshot);
    }

    /// Takes what the watch of this machine reports.
    pub(crate) fn feel(&mut self, report: Arc<Report>, now: Time) {
        self.live.health.learn(report, now);
    }

    /// Takes a head that was verified.
    pub(crate) fn beat(&mut self, head: &Trusted, now: Time) {
        self.live.pulse.head(head, now);
        self.watch.head(head.header().get());
        self.live.log.head(head, now);
    }

    /// Takes what happened to an alarm, and what it is worth, if it tells of the chain; whether somebody who
    /// looks elsewhere should hear of it.
    pub(crate) fn alarm(&mut self, change: &Change, worth: Option<Worth>) -> bool {
        let level = match (change.what, change.alarm.level) {
            (What::Cleared | What::Acknowledged, _) | (_, monitor::Level::Info) => Level::Info,
            (_, monitor::Level::Warning) => Level::Warn,
            (_, monitor::Level::Critical) => Level::Crit,
        };
        let [line, taken] = change.parts();
        let event = Event::Alarm { line, taken, level, worth };
        self.live.log.push(event, self.now);
        self.may.bell && change.what == What::Raised && change.alarm.level == monitor::Level::Critical
    }

    /// What everything is worth that stands under the newest head, whatever is held still.
    pub(crate) fn live_worth(&self) -> Worth {
        self.live.snapshot.as_deref().map_or(Worth::Unverified, worth_of)
    }

    /// Says what a key did, on the bottom line and in the log.
    pub(crate) fn did(&mut self, text: String) {
        self.live.log.push(Event::Did(text.clone()), self.now);
        self.view.flash = Some(Flash { text, at: self.now, private: true });
    }

    /// Says something on the bottom line, in words of this program: nobody is named.
    pub(crate) fn say(&mut self, text: impl Into<String>) {
        self.view.flash = Some(Flash { text: text.into(), at: self.now, private: false });
    }

    /// Time passed.
    pub(crate) fn tick(&mut self, now: Time) {
        self.now = now;
        if self.view.flash.as_ref().is_some_and(|flash| flash.at.plus(FLASH_MS) <= now) {
            self.view.flash = None;
        }
    }

    /// Holds the picture still, or shows what is known by now.
    pub(crate) fn pause(&mut self) {
        self.held = match self.held.take() {
            Some(_) => None,
            None => {
                self.say("the picture is held still: Space lets it go, PgDn pages");
                Some((self.now, self.live.clone()))
            }
        };
    }

    /// What is drawn below the bar: what is known now, or what was when the picture was held.
    pub(crate) fn shown(&self) -> &Known {
        self.held.as_ref().map_or(&self.live, |(_, known)| known)
    }

    /// The state as it is now, whatever is held still.
    pub(crate) fn state(&self) -> State {
        self.live.snapshot.as_ref().map_or(State::Loading, |snapshot| snapshot.state)
    }

    /// What the light node knew then.
    pub(crate) fn snapshot(&self) -> Option<&Snapshot> {
        self.shown().snapshot.as_deref()
    }

    /// The newest verified head above the anchor, among what is drawn.
    pub(crate) fn head(&self) -> Option<&Trusted> {
        head_of(self.snapshot()?)
    }

    /// What everything is worth that stands under the head. A picture that is held still is not the
    /// newest.
    pub(crate) fn worth(&self) -> Worth {
        let Some(snapshot) = self.snapshot() else { return Worth::Unverified };
        if self.held.is_some() {
            return Worth::Stale(snapshot.head.header().get().height);
        }
        worth_of(snapshot)
    }

    /// What the state says of people, among what is drawn.
    pub(crate) fn people(&self) -> Option<&People> {
        self.shown().people.as_deref()
    }

    /// What that is worth: no transaction came since, or one did.
    pub(crate) fn people_worth(&self) -> Worth {
        match (self.worth(), self.people()) {
            (Worth::Verified(_), Some(people)) if self.watch.holds(people) => Worth::Verified(people.at),
            (_, Some(people)) => Worth::Stale(people.at),
            (_, None) => Worth::Unverified,
        }
    }

    /// Names as they may be shown.
    pub(crate) fn who<'a>(&self, snapshot: &'a Snapshot) -> Who<'a> {
        Who { snapshot, hidden: self.view.private }
    }
}

/// The peer that a validator answers as, and the key that it votes with.
fn enrolled(member: &GenesisValidator) -> Option<(PeerId, PublicKey)> {
    Some((peer_id(&member.enrolment.as_ref()?.peer_key)?, member.validator.pubkey))
}

/// What everything is worth that stands under the head.
pub(crate) fn worth_of(snapshot: &Snapshot) -> Worth {
    let height = snapshot.head.header().get().height;
    let newest = snapshot.state == State::Live && head_of(snapshot).is_some();
    if newest { Worth::Verified(height) } else { Worth::Stale(height) }
}

/// The newest verified head; none while it is the anchor, which nobody signed.
pub(crate) fn head_of(snapshot: &Snapshot) -> Option<&Trusted> {
    Some(snapshot.head.as_ref()).filter(|head| !head.signers().is_empty())
}

/// Names of the members whose signatures were verified.
pub(crate) fn signers(head: &Trusted, names: &Names) -> Vec<String> {
    head.signers().iter().map(|signer| member_name(*signer, head.validators(), names)).collect()
}

/// The name of a member, or the start of its key where no name is proven.
pub(crate) fn member_name(index: u32, set: &ValidatorSet, names: &Names) -> String {
    set.member(index).map_or_else(|| format!("#{index}"), |(member, _)| names.called(&member.pubkey))
}

/// Names of those that are silent, in index order.
pub(crate) fn silent(voting: &Voting, names: &Names) -> Vec<String> {
    let members = voting.members.iter().filter(|member| member.silent);
    members.map(|member| names.called(&member.key)).collect()
}
