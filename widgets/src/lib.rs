//! Shapes: rows in, cells out. They know colors and characters, never what a value is.
//!
//! - [`SafeText`]: text from outside, made harmless.
//! - [`badge`]: a mark and its word.
//! - [`PowerBar`]: a share of power, with the line it has to cross.

pub mod badge;
mod power_bar;
mod safe_text;

pub use power_bar::PowerBar;
pub use safe_text::SafeText;
