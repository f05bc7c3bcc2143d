//! See [`qratum_fuzz::targets::consensus_request`].

#![no_main]

qratum_fuzz::target!(consensus_request);
