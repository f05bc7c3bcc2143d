//! See [`qratum_fuzz::targets::header_json`].

#![no_main]

qratum_fuzz::target!(header_json);
