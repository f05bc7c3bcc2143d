//! Names of networks, validators and operators.

/// The longest name in bytes.
pub const MAX_NAME: usize = 32;

/// Whether this is a name: 1 to [`MAX_NAME`] of `a-z 0-9 -`. Names are shown on screens and typed in
/// commands: plain ASCII, no capitals.
#[must_use]
pub fn is_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}
