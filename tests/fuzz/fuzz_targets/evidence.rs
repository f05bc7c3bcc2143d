//! See [`qratum_fuzz::targets::evidence`].

#![no_main]

qratum_fuzz::target!(evidence);
