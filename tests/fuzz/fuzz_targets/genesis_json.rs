//! See [`qratum_fuzz::targets::genesis_json`].

#![no_main]

qratum_fuzz::document_target!(genesis_json);
