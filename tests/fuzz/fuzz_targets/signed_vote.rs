//! See [`qratum_fuzz::targets::signed_vote`].

#![no_main]

qratum_fuzz::target!(signed_vote);
