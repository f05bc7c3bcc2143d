//! See [`qratum_fuzz::targets::phase`].

#![no_main]

qratum_fuzz::target!(phase);
