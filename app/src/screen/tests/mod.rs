//! Every screen, drawn on a test backend from a network whose heads and proofs the verifier accepted.

mod events;
mod folk;
mod habits;
mod keys;
pub(crate) mod machine;
mod overview;
mod people;
mod proofs;
mod provenance;
mod shots;
mod signing;
mod snapshots;
pub(crate) mod stage;
mod times;
mod tour;

use std::sync::Arc;

use qratum_light_node::State;

use self::stage::{Paint, alarms_in, answer, in_state, press, watching};
use crate::{
    model::Model,
    update::{Msg, update},
};

/// Names of pictures, and the keys that lead there from the first screen.
const SCENES: [(&str, &str); 18] = [
    ("overview", ""),
    ("consensus", "2"),
    ("validators", "3"),
    ("validator", "3j\n"),
    ("peers", "4"),
    ("peer", "4j\n"),
    ("logs", "5"),
    ("entropy", "6"),
    ("source", "6j\n"),
    ("security", "7"),
    ("approvals", "8"),
    ("request", "8\n"),
    ("audit", "9"),
    ("proof", "e"),
    ("help", "?"),
    ("palette", ":va"),
    ("explain", "i"),
    ("alarms", "!"),
];

/// The sizes that pictures are taken in.
const SIZES: [(u16, u16); 3] = [(80, 24), (120, 36), (60, 16)];

/// A scene in a state; proofs that are asked for arrive.
fn scene(keys: &str, state: State, paint: Paint) -> Model {
    let mut model = watching(in_state(state), paint);
    update(&mut model, Msg::Alarms(Arc::new(alarms_in(state))));
    machine::reported(&mut model, state);
    machine::guarded(&mut model, state);
    press(&mut model, keys);
    answer(&mut model);
    model
}
