//! See [`qratum_fuzz::targets::merkle`].

#![no_main]

qratum_fuzz::target!(merkle);
