//! See [`qratum_fuzz::targets::sync`].

#![no_main]

qratum_fuzz::target!(sync);
