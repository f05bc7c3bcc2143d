//! A program that signs and does nothing else: what its machine code does with secrets is looked at
//! by `house_no_division`. It signs standard input with the seed that is its first 32 bytes.

use std::{
    hint::black_box,
    io::{self, Read as _, Write as _},
    process::ExitCode,
};

use qratum_crypto::sign::ed25519::SecretKey;

fn main() -> ExitCode {
    let mut input = Vec::new();
    if io::stdin().take(1 << 20).read_to_end(&mut input).is_err() {
        return ExitCode::FAILURE;
    }
    let Some((seed, message)) = input.split_first_chunk::<32>() else { return ExitCode::from(2) };
    let signature = SecretKey::from_seed(seed).sign(message);
    // So that the code which the test must find fault with is part of the program.
    let planted = planted_division(black_box(signature.0[0]), black_box(message.len()));
    let written = io::stdout().write_all(&signature.0);
    if written.is_err() || planted > u64::from(u8::MAX) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// What must not happen to a secret: how long this takes depends on it.
#[inline(never)]
fn planted_division(secret: u8, length: usize) -> u64 {
    let length = u64::try_from(length).unwrap_or(u64::MAX);
    u64::from(secret) / (length | 1)
}
