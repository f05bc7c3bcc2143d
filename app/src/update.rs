//! What does an event change? A pure step from model to model: time and data come in as messages,
//! what is to be done goes out as an effect.

use std::sync::Arc;

use qratum_chain::types::{Height, Time};
use qratum_light_node::{FetchError, Proven, Snapshot};

use crate::{
    model::{Model, Notice, Pane, Proof},
    time,
};

/// Something that happened.
#[derive(Debug)]
pub(crate) enum Msg {
    /// The light node knows something new.
    Snapshot(Arc<Snapshot>, Time),
    /// Time passed.
    Tick(Time),
    /// A key that means something.
    Key(Key),
    /// A proof arrived, or does not come.
    Proof(Height, Box<Result<Proven, FetchError>>),
    /// Something beside the chain went wrong.
    Notice(Notice),
    /// The window has another size.
    Resized,
}

/// The keys of this console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// Leave the pane, or the program.
    Quit,
    /// Show the proof of the head.
    Proof,
    /// Leave the pane.
    Back,
    /// Leave the program from everywhere.
    Abort,
}

/// Something to be done outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// End the program.
    Quit,
    /// Fetch the proof of the block at this height.
    Prove(Height),
}

/// What a message led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Whether anything on screen changed.
    pub(crate) redraw: bool,
    /// What to do.
    pub(crate) effect: Option<Effect>,
}

impl Step {
    const NOTHING: Self = Self { redraw: false, effect: None };
    const REDRAW: Self = Self { redraw: true, effect: None };
}

/// Applies one message.
pub(crate) fn update(model: &mut Model, msg: Msg) -> Step {
    match msg {
        Msg::Snapshot(snapshot, now) => {
            model.learn(snapshot, now);
            Step::REDRAW
        }
        Msg::Tick(now) => tick(model, now),
        Msg::Key(key) => press(model, key),
        Msg::Proof(height, result) => proof(model, height, *result),
        Msg::Notice(notice) => {
            model.notify(notice);
            Step::REDRAW
        }
        Msg::Resized => Step::REDRAW,
    }
}

/// Only the age of the head depends on time, and it is shown in seconds.
fn tick(model: &mut Model, now: Time) -> Step {
    let shown = |now| model.head().map(|head| time::age(time::since(head.header().get().time, now)));
    let redraw = shown(model.now) != shown(now);
    model.now = now;
    Step { redraw, effect: None }
}

fn press(model: &mut Model, key: Key) -> Step {
    let inside = matches!(model.pane, Pane::Proof(..));
    match key {
        Key::Abort => Step { redraw: false, effect: Some(Effect::Quit) },
        Key::Quit if !inside => Step { redraw: false, effect: Some(Effect::Quit) },
        Key::Quit | Key::Back if inside => {
            model.pane = Pane::Overview;
            Step::REDRAW
        }
        Key::Proof => {
            let Some(height) = model.head().map(|head| head.header().get().height) else {
                return Step::NOTHING;
            };
            model.pane = Pane::Proof(height, Proof::Fetching);
            Step { redraw: true, effect: Some(Effect::Prove(height)) }
        }
        Key::Quit | Key::Back => Step::NOTHING,
    }
}

/// A proof that is no longer waited for changes nothing.
fn proof(model: &mut Model, height: Height, result: Result<Proven, FetchError>) -> Step {
    match &mut model.pane {
        Pane::Proof(wanted, proof @ Proof::Fetching) if *wanted == height => {
            *proof = match result {
                Ok(proven) => Proof::Shown(Box::new(proven)),
                Err(error) => Proof::Failed(error),
            };
            Step::REDRAW
        }
        _ => Step::NOTHING,
    }
}
