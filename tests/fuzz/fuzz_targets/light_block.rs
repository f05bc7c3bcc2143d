//! See [`qratum_fuzz::targets::light_block`].

#![no_main]

qratum_fuzz::target!(light_block);
