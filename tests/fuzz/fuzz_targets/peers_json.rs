//! See [`qratum_fuzz::targets::peers_json`].

#![no_main]

qratum_fuzz::target!(peers_json);
