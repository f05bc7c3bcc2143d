//! See [`qratum_fuzz::targets::header`].

#![no_main]

qratum_fuzz::target!(header);
