//! See [`qratum_fuzz::targets::peers_json`].

#![no_main]

qratum_fuzz::document_target!(peers_json);
