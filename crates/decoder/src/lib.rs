//! A second reading of what a person signs.
//!
//! Whoever signs sees the bytes decoded twice: by the codec of the chain, and here. This crate depends
//! on nothing, so it can share no mistake with that codec: it has a reader of CBOR of its own, and what
//! the bytes mean stands in `assets/schemas/act.cddl`, which was written from the text of
//! `assets/FORMATS.md`. Where the two readings differ in a line, nothing can be signed.

mod cbor;
mod cddl;
mod line;
mod packed;
mod walk;

pub use cddl::{BadSchema, Schema};
pub use line::{Line, Value};
pub use walk::Undecodable;

/// The longest body in bytes that is read: the longest payload, and what stands around it.
pub const MAX_LENGTH: usize = (64 << 10) + 256;

/// The schema that ships.
pub const ACT: &str = include_str!("../../../assets/schemas/act.cddl");

/// The lines of the body of a transaction that carries an act, in the order of its bytes.
///
/// # Errors
/// [`Undecodable`], for bytes that are no such body in its one encoding, or one that the schema does
/// not know.
pub fn lines(body: &[u8]) -> Result<Vec<Line>, Undecodable> {
    lines_under(&act()?, "body", body)
}

/// The lines of a request, from what the state has under its key, which is no CBOR.
///
/// # Errors
/// [`Undecodable`].
pub fn request_lines(value: &[u8]) -> Result<Vec<Line>, Undecodable> {
    walk::read(&act()?, "request-entry", walk::Input::packed(value))
}

/// The lines of CBOR under a schema of one's own, from its rule of this name.
///
/// # Errors
/// [`Undecodable`].
pub fn lines_under(schema: &Schema, rule: &str, body: &[u8]) -> Result<Vec<Line>, Undecodable> {
    walk::read(schema, rule, walk::Input::cbor(body))
}

fn act() -> Result<Schema, Undecodable> {
    Schema::parse(ACT).map_err(|_| Undecodable { at: 0, why: "the schema is none" })
}

#[cfg(test)]
mod tests;
