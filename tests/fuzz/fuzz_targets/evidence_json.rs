//! See [`qratum_fuzz::targets::evidence_json`].

#![no_main]

qratum_fuzz::target!(evidence_json);
