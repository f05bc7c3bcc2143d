//! See [`qratum_fuzz::targets::validators`].

#![no_main]

qratum_fuzz::target!(validators);
