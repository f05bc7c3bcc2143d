//! See [`qratum_fuzz::targets::consensus_reply`].

#![no_main]

qratum_fuzz::target!(consensus_reply);
