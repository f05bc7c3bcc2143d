//! See [`qratum_fuzz::targets::proposal`].

#![no_main]

qratum_fuzz::target!(proposal);
