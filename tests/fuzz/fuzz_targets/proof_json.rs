//! See [`qratum_fuzz::targets::proof_json`].

#![no_main]

qratum_fuzz::document_target!(proof_json);
