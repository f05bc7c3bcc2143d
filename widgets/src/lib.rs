//! Shapes: rows in, cells out. They know colors and characters, never what a value is.
//!
//! - [`SafeText`]: text from outside, made harmless.
//! - [`badge`]: a mark and its word.
//! - [`PowerBar`]: a share of power, with the line it has to cross.
//! - [`WindowTable`]: a table of any length, of which only the visible rows are made.
//! - [`Spark`]: the last values, and a number.
//! - [`TrustBar`], [`TabBar`], [`KeyHints`]: rows whose parts go in order when the window is narrow.
//! - [`fit`]: text cut to a width, with a sign of it.

pub mod badge;
pub mod fit;
mod power_bar;
mod rows;
mod safe_text;
mod spark;
mod window_table;

pub use power_bar::PowerBar;
pub use rows::{Hint, KeyHints, Part, Tab, TabBar, TrustBar};
pub use safe_text::{SafeText, is_drawable};
pub use spark::{Spark, bars};
pub use window_table::{Column, Order, TableCell, WindowTable, window};
