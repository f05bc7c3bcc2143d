//! See [`qratum_fuzz::targets::registration`].

#![no_main]

qratum_fuzz::target!(registration);
