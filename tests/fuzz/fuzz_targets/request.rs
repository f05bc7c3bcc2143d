//! See [`qratum_fuzz::targets::request`].

#![no_main]

qratum_fuzz::target!(request);
