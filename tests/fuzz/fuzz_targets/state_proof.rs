//! See [`qratum_fuzz::targets::state_proof`].

#![no_main]

qratum_fuzz::target!(state_proof);
