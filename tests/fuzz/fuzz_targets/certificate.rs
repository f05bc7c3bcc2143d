//! See [`qratum_fuzz::targets::certificate`].

#![no_main]

qratum_fuzz::target!(certificate);
