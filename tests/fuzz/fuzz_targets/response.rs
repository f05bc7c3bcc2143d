//! See [`qratum_fuzz::targets::response`].

#![no_main]

qratum_fuzz::target!(response);
