//! The `qratum` program.
fn main() {}
