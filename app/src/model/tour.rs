//! Which step of the tour is shown? Steps come from a file that is part of the program; each goes on
//! by what is verified, whatever keys led there.

use std::sync::LazyLock;

use qratum_chain::types::{Height, Time};
use qratum_light_node::{Reason, Snapshot, State};
use qratum_verifier::Blame;
use serde::Deserialize;

use super::{Found, Layer, Model, Proof, silent};
use crate::monitor::Alarm;

/// The steps, as their file has them. A test reads it.
static STEPS: LazyLock<Vec<Step>> = LazyLock::new(|| {
    let file = toml::from_str(include_str!("../../../assets/tour.toml"));
    file.map_or_else(|_| Vec::new(), |file: File| file.step)
});

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    step: Vec<Step>,
}

/// One step.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    /// Which keys to press.
    press: String,
    /// What is to be seen then.
    text: String,
    /// When the next step comes.
    until: Until,
}

/// What ends a step.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Until {
    /// The proof of a block is open and stands, and the cursor has come to the anchor.
    Anchor,
    /// A lie of the peer of this name was refused since the step began, and there are newer heads.
    Refused(String),
    /// An alarm of this code was acknowledged since the step began, and the pool of randomness gives seeds.
    Acknowledged(String),
    /// There are newer heads than when the step began, and the validator of this name is silent.
    Silent(String),
    /// The light node is in the state of this word.
    State(String),
}

/// The tour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tour {
    /// Not asked for, or over.
    #[default]
    Off,
    /// The bottom line tells that there is one.
    Offered,
    /// In a step, which began with this head at this time.
    At { step: usize, from: Height, since: Time },
}

impl Model {
    /// Tells on the bottom line that there is a tour, where there can be one.
    pub(crate) fn offer_tour(&mut self) {
        self.tour = if self.started.is_empty() { Tour::Off } else { Tour::Offered };
    }

    /// Begins the tour.
    pub(crate) fn start_tour(&mut self) {
        if self.started.is_empty() {
            self.say("the tour needs a demo network that this console started: qratum demo");
        } else {
            self.view.flash = None;
            self.step(0);
        }
    }

    /// Ends the tour, or takes its offer away; whether there was one.
    pub(crate) fn end_tour(&mut self) -> bool {
        let was = std::mem::take(&mut self.tour) != Tour::Off;
        if was {
            self.say(":tour begins the tour");
        }
        was
    }

    /// Goes on where the condition of the step holds. `at_anchor`: the cursor of the open proof has come to
    /// the anchor.
    pub(crate) fn go_on(&mut self, at_anchor: bool) {
        let Tour::At { step, from, since } = self.tour else { return };
        if STEPS.get(step).is_none_or(|step| self.holds(&step.until, (from, since), at_anchor)) {
            self.step(step.saturating_add(1));
        }
    }

    fn step(&mut self, step: usize) {
        if step >= STEPS.len() {
            self.tour = Tour::Off;
            self.did("the tour is over: what you saw was verified here, and ? has all keys".to_owned());
            return;
        }
        let from = self.live.snapshot.as_deref().map_or(Height(0), height);
        self.tour = Tour::At { step, from, since: self.now };
    }

    fn holds(&self, until: &Until, (from, since): (Height, Time), at_anchor: bool) -> bool {
        let Some(snapshot) = self.live.snapshot.as_deref() else { return false };
        let goes_on = snapshot.state == State::Live && height(snapshot) > from;
        match until {
            Until::Anchor => at_anchor && self.proves_a_block(),
            Until::Refused(name) => goes_on && has_lied(snapshot, name, since),
            Until::Acknowledged(code) => self.is_fed() && self.is_taken_on(code, since),
            Until::Silent(name) => goes_on && silent(&snapshot.voting, &snapshot.names).contains(name),
            Until::State(word) => snapshot.state.word() == word,
        }
    }

    fn is_fed(&self) -> bool {
        self.live.health.report().is_some_and(|report| report.pool.is_ok())
    }

    fn is_taken_on(&self, code: &str, since: Time) -> bool {
        let taken = |alarm: &Alarm| {
            alarm
                .acknowledged
                .as_ref()
                .is_some_and(|taken| alarm.code.word() == code && taken.at_ms >= since.0)
        };
        self.alarms.open.iter().any(taken)
    }

    fn proves_a_block(&self) -> bool {
        let asked = self.view.asked.as_ref().filter(|_| self.view.top() == Some(&Layer::Proof));
        asked.is_some_and(|asked| match &asked.proof {
            Proof::Shown(Found::Header(proven)) => !proven.checked.expired,
            _ => false,
        })
    }

    /// What the bottom line says of it.
    pub(crate) fn tour_line(&self) -> Option<String> {
        match self.tour {
            Tour::Off => None,
            Tour::Offered => Some("new here? :tour shows what a proof is worth; Esc: no, thanks".to_owned()),
            Tour::At { step, .. } => {
                let Step { press, text, .. } = STEPS.get(step)?;
                let number = step.saturating_add(1);
                Some(format!("tour {number}/{}  press {press}  {text}; Esc ends it", STEPS.len()))
            }
        }
    }
}

/// Whether the verifier refused something of this peer since then.
fn has_lied(snapshot: &Snapshot, peer: &str, since: Time) -> bool {
    let lie = |reason: &Reason| matches!(reason, Reason::Rejected(reject) if reject.blame() == Blame::Peer);
    let mut refusals = snapshot.refusals.iter();
    refusals.any(|refusal| refusal.peer == peer && refusal.at >= since && lie(&refusal.reason))
}

fn height(snapshot: &Snapshot) -> Height {
    snapshot.head.header().get().height
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::Code;

    /// Read it must be, name states that there are, and leave room for its line.
    #[test]
    fn the_file_is_a_tour() {
        let file: File = toml::from_str(include_str!("../../../assets/tour.toml")).unwrap();
        assert_eq!(file.step.len(), STEPS.len());
        for Step { press, text, until } in &file.step {
            match until {
                Until::State(word) => assert!(State::ALL.iter().any(|state| state.word() == word), "{word}"),
                Until::Acknowledged(word) => {
                    assert!(Code::ALL.iter().any(|code| code.word() == word), "{word}")
                }
                Until::Anchor | Until::Refused(_) | Until::Silent(_) => {}
            }
            let line = format!(" tour 1/9  press {press}  {text}");
            assert!(line.chars().count() <= 80 && line.is_ascii(), "{line}");
        }
    }
}
