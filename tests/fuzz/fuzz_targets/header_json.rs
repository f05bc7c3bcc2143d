//! See [`qratum_fuzz::targets::header_json`].

#![no_main]

qratum_fuzz::document_target!(header_json);
