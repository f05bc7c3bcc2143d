//! See [`qratum_fuzz::targets::checkpoint`].

#![no_main]

qratum_fuzz::target!(checkpoint);
