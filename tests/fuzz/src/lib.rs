//! Does every decoder read exactly one byte string for each value, and does the verifier stay
//! sound on whatever a peer may send?
//!
//! Each function of [`targets`] is one fuzz target: it takes any bytes and panics when a promise
//! is broken. What it tests it takes from `subject`: the product as it is, or, with the feature
//! `planted`, the product behind a wrapper with one bug in each decoder, which shows that the
//! target can find one. [`seeds`] writes honest encodings to start from.

pub mod mutate;
pub mod seeds;
pub mod targets;

mod adversary;
mod honest;
mod members;
#[cfg(feature = "planted")]
mod planted;

#[cfg(not(feature = "planted"))]
use honest as subject;
#[cfg(feature = "planted")]
use planted as subject;

pub use libfuzzer_sys;

/// The body of a target's binary: writes its seeds when asked to, then runs it on each input.
#[macro_export]
macro_rules! target {
    ($name:ident) => {
        $crate::libfuzzer_sys::fuzz_target!(
            init: $crate::seeds::write_if_asked(stringify!($name)),
            |data: &[u8]| $crate::targets::$name(data)
        );
    };
}

/// The same for a target that reads documents.
#[macro_export]
macro_rules! document_target {
    ($name:ident) => {
        $crate::target!($name);
        $crate::libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
            $crate::mutate::document(stringify!($name), data, (size, max_size), seed)
        });
    };
}
