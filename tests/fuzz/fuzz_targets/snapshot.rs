//! See [`qratum_fuzz::targets::snapshot`].

#![no_main]

qratum_fuzz::target!(snapshot);
