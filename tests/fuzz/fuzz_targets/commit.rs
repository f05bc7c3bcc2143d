//! See [`qratum_fuzz::targets::commit`].

#![no_main]

qratum_fuzz::target!(commit);
