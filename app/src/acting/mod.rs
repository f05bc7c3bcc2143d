//! From a wish to a result that is proven: what an act rests on, what it would do, who signs it, what came
//! of it.
//!
//! - [`facts`]: the entries of the state that an act rests on, proven at one head.
//! - [`arm`]: whether acting is allowed now, and the sentence that says why not.
//! - [`gather`]: which entries a question needs.
//! - [`plan`]: a wish becomes the bytes to sign, and what they would do, tried on the facts
//!   with the chain's own rules.
//! - [`ceremony`]: what is said while a person shows two factors; [`run`]: how it goes.
//! - [`device`]: the security key and the biokey that this home knows.
//! - [`journal`]: what was signed is on disk before it is sent.
//! - [`send`]: it goes to the validators; [`outcome`]: what became of it, told by the state alone.
//! - [`paste`]: an act as a short text, for the machine that has the key, and its answer.
//! - [`whole`]: all of that, from the first touch to the proof.
//! - [`online`]: facts from the running light node.
//! - [`words`]: acts and effects in words.

pub(crate) mod arm;
pub(crate) mod ceremony;
pub(crate) mod device;
pub(crate) mod facts;
pub(crate) mod gather;
pub(crate) mod journal;
pub(crate) mod online;
pub(crate) mod outcome;
pub(crate) mod paste;
pub(crate) mod plan;
pub(crate) mod run;
pub(crate) mod send;
pub(crate) mod whole;
pub(crate) mod words;

#[cfg(test)]
mod tests;
