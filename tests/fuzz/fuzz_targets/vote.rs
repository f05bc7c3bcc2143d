//! See [`qratum_fuzz::targets::vote`].

#![no_main]

qratum_fuzz::target!(vote);
