//! What is looked at? Screens, lists with their cursors, and what lies open above them.

use std::collections::BTreeMap;

use qratum_chain::{
    PublicKey,
    types::{RequestId, Time},
};

use qratum_widgets::Order;

use super::{
    history::{Commands, Trail},
    proof::Asked,
    sign::Sign,
};
use crate::action::Screen;

/// A list of rows with a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum List {
    /// The head on the overview: what is proven first.
    Head,
    /// Members of the set on the overview.
    Members,
    /// Peers on the overview.
    Sources,
    /// What is wrong, on the overview.
    Notices,
    /// Members and their votes.
    Votes,
    /// The last heads.
    Heads,
    /// Power of the newest round.
    Power,
    /// Rounds lost, rate, lag.
    Lately,
    Validators,
    /// Whether too much stands in one hand.
    Diversity,
    Peers,
    Logs,
    /// The sources of randomness.
    Randomness,
    /// What they add up to.
    Pool,
    /// Requests that wait.
    Approvals,
    /// Requests that are closed.
    Acts,
    /// What guards this process.
    Guards,
    /// What was measured of functions that secrets pass through.
    Audit,
    Detail,
    Proof,
    Help,
    Palette,
    Page,
    Alarms,
    /// What somebody is asked to sign.
    Sheet,
}

/// Which lists a screen has; Tab goes from one to the next.
pub(crate) const fn panels(screen: Screen) -> &'static [List] {
    match screen {
        Screen::Overview => &[List::Head, List::Members, List::Sources, List::Notices],
        Screen::Consensus => &[List::Votes, List::Heads, List::Power, List::Lately],
        Screen::Validators => &[List::Validators, List::Diversity],
        Screen::Peers => &[List::Peers],
        Screen::Logs => &[List::Logs],
        Screen::Entropy => &[List::Randomness, List::Pool],
        Screen::Security => &[List::Guards, List::Audit],
        Screen::Approvals => &[List::Approvals],
        Screen::Audit => &[List::Acts],
    }
}

/// Where the cursor of a list is, among the rows that its filter leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) row: usize,
    /// Only rows with this text; with `!` in front, only those without.
    pub(crate) filter: String,
    /// By which column, named by its title, rows are sorted, if they are not in the order of the list.
    pub(crate) sort: Option<(&'static str, Order)>,
}

/// What one opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    /// A member of the set.
    Validator(PublicKey),
    /// A peer, by its place in the configuration.
    Peer(usize),
    /// A source of randomness, by its place in the report.
    Source(usize),
    /// What somebody asked for.
    Request(RequestId),
}

/// Something open above a screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Layer {
    Detail(Detail),
    Proof,
    Help,
    /// What a code means.
    Page(&'static str),
    /// With what was typed.
    Palette(String),
    Alarms,
    /// Why the alarm of this number is in good hands, with what was typed.
    Reason(u64, String),
    /// Typing a filter for the list below.
    Filter,
    /// Signing an act.
    Sign(Box<Sign>),
}

/// A line that says what a key did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flash {
    pub(crate) text: String,
    pub(crate) at: Time,
    /// Whether it may name somebody or something of this machine.
    pub(crate) private: bool,
}

/// What is looked at.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(crate) struct View {
    pub(crate) screen: Screen,
    /// The screen before.
    pub(crate) last: Screen,
    trail: Trail,
    pub(crate) commands: Commands,
    /// Which panel of a screen has the cursor.
    panels: BTreeMap<Screen, usize>,
    lists: BTreeMap<List, Cursor>,
    pub(crate) layers: Vec<Layer>,
    /// The proof that was asked for last.
    pub(crate) asked: Option<Asked>,
    /// What the registry says of the validator that was opened last.
    pub(crate) registered: Option<Asked>,
    /// Whether names and addresses are hidden.
    pub(crate) private: bool,
    pub(crate) flash: Option<Flash>,
    /// Columns and rows of the window.
    pub(crate) window: (u16, u16),
}

impl View {
    /// The first screen.
    pub(super) fn new() -> Self {
        Self {
            screen: Screen::Overview,
            last: Screen::Overview,
            trail: Trail::default(),
            commands: Commands::default(),
            panels: BTreeMap::new(),
            lists: BTreeMap::new(),
            layers: Vec::new(),
            asked: None,
            registered: None,
            private: false,
            flash: None,
            window: (80, 24),
        }
    }

    /// The panel of the screen that has the cursor.
    pub(crate) fn panel(&self) -> List {
        let place = self.panels.get(&self.screen).copied().unwrap_or(0);
        panels(self.screen).get(place).copied().unwrap_or(List::Head)
    }

    /// The list that keys go to: of the topmost layer, else of the screen.
    pub(crate) fn list(&self) -> List {
        let of = |layer: &Layer| match layer {
            Layer::Detail(_) => Some(List::Detail),
            Layer::Proof => Some(List::Proof),
            Layer::Help => Some(List::Help),
            Layer::Page(_) => Some(List::Page),
            Layer::Palette(_) => Some(List::Palette),
            Layer::Alarms => Some(List::Alarms),
            Layer::Sign(_) => Some(List::Sheet),
            Layer::Filter | Layer::Reason(..) => None,
        };
        self.layers.iter().rev().find_map(of).unwrap_or_else(|| self.panel())
    }

    /// Shows a screen and closes what lies open.
    pub(crate) fn show(&mut self, screen: Screen) {
        self.layers.clear();
        if self.screen != screen {
            self.trail.leave(self.screen);
            self.last = std::mem::replace(&mut self.screen, screen);
        }
    }

    /// Shows the screen a step back, or forward again; whether there is one.
    pub(crate) fn step(&mut self, back: bool) -> bool {
        let Some(screen) = self.trail.step(self.screen, back) else { return false };
        self.layers.clear();
        self.last = std::mem::replace(&mut self.screen, screen);
        true
    }

    /// Whether a text is being typed.
    pub(crate) fn is_typing(&self) -> bool {
        matches!(self.top(), Some(Layer::Palette(_) | Layer::Filter | Layer::Reason(..)))
    }

    /// The dialog that is open, if one is.
    pub(crate) fn sign(&self) -> Option<&Sign> {
        match self.top() {
            Some(Layer::Sign(sign)) => Some(sign),
            _ => None,
        }
    }

    /// The same, to go on with it.
    pub(crate) fn sign_mut(&mut self) -> Option<&mut Sign> {
        match self.layers.last_mut() {
            Some(Layer::Sign(sign)) => Some(sign),
            _ => None,
        }
    }

    /// Goes to the next panel, or the one before.
    pub(crate) fn turn(&mut self, forward: bool) {
        let count = panels(self.screen).len();
        let place = self.panels.entry(self.screen).or_default();
        let step = if forward { 1 } else { count.saturating_sub(1) };
        *place = place.saturating_add(step).checked_rem(count).unwrap_or(0);
    }

    /// The cursor of a list.
    pub(crate) fn cursor(&self, list: List) -> Cursor {
        self.lists.get(&list).cloned().unwrap_or_default()
    }

    /// The lists that have been walked, with their cursors.
    pub(crate) fn cursors(&self) -> impl Iterator<Item = (List, &Cursor)> {
        self.lists.iter().map(|(list, cursor)| (*list, cursor))
    }

    /// The cursor of a list, to move it.
    pub(crate) fn cursor_mut(&mut self, list: List) -> &mut Cursor {
        self.lists.entry(list).or_default()
    }

    /// The topmost layer.
    pub(crate) fn top(&self) -> Option<&Layer> {
        self.layers.last()
    }

    /// Opens a layer, with its cursor at the start. What is open once is not opened again.
    pub(crate) fn open(&mut self, layer: Layer) {
        if self.top() == Some(&layer) {
            return;
        }
        self.layers.push(layer);
        if !matches!(self.top(), Some(Layer::Filter | Layer::Reason(..))) {
            let list = self.list();
            self.lists.remove(&list);
        }
    }
}
