//! See [`qratum_fuzz::targets::order`].

#![no_main]

qratum_fuzz::target!(order);
