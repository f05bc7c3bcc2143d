//! See [`qratum_fuzz::targets::anchor_json`].

#![no_main]

qratum_fuzz::document_target!(anchor_json);
