//! See [`qratum_fuzz::targets::genesis_json`].

#![no_main]

qratum_fuzz::target!(genesis_json);
