//! See [`qratum_fuzz::targets::bundle_json`].

#![no_main]

qratum_fuzz::document_target!(bundle_json);
