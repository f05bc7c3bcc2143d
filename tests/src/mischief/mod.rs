//! Validators and peers with one named fault each, to try the honest ones on. No package contains
//! them.

pub mod voice;
