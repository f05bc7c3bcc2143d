//! See [`qratum_fuzz::targets::signed_proposal`].

#![no_main]

qratum_fuzz::target!(signed_proposal);
