//! See [`qratum_fuzz::targets::evidence_json`].

#![no_main]

qratum_fuzz::document_target!(evidence_json);
