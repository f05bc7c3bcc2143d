//! See [`qratum_fuzz::targets::journal`].

#![no_main]

qratum_fuzz::target!(journal);
