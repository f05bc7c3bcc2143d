//! See [`qratum_fuzz::targets::chained`].

#![no_main]

qratum_fuzz::target!(chained);
