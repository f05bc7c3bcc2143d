//! No division on secrets: how long one takes depends on the numbers. Disassembles the program whose
//! cases `make ct` times, and fails on every division in the functions that a secret passes through.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test file: a panic is the verdict"
)]

use std::{collections::BTreeMap, env, hint::black_box, io::ErrorKind, process::Command};

use qratum_tests::skip;

/// Parts of the names of functions that a secret passes through: scalars and field elements, the
/// signing itself, the hashes, what derives keys and draws them, and what keeps, compares and wipes
/// it all.
const SECRET: [&str; 11] = [
    "curve25519_dalek::",
    "ed25519_dalek::",
    "sha2::",
    "sha3::",
    "keccak::",
    "zeroize::",
    "memsec::",
    "qratum_crypto::sign::",
    "qratum_crypto::kdf::",
    "qratum_crypto::rng::drbg::",
    "qratum_metal::secret::",
];

/// Divisions that were looked at: how many in which function, and why they are harmless.
const PUBLIC: [(&str, usize, &str); 2] = [
    (
        "curve25519_dalek::scalar::Scalar::as_radix_2w",
        1,
        "256 over the window's width, a constant of the caller",
    ),
    ("keccak::backends::soft::keccak_p", 4, "indices of the 25 lanes, modulo 5"),
];

/// How long this takes depends on the secret: so that the test sees a division where there is one.
#[inline(never)]
fn planted_division(secret: u64, length: u64) -> u64 {
    secret / (length | 1)
}

/// The functions of a disassembly by name, and the divisions in each.
fn divisions(disassembly: &str) -> BTreeMap<&str, usize> {
    let mut found = BTreeMap::new();
    let mut function = "";
    for line in disassembly.lines() {
        let header = line.strip_suffix(">:").and_then(|line| line.split_once(" <"));
        if let Some((_, name)) = header {
            function = name;
            found.entry(function).or_insert(0);
        } else if line.split('\t').nth(1).is_some_and(is_division)
            && let Some(count) = found.get_mut(function)
        {
            *count += 1;
        }
    }
    found
}

/// Integer divisions of x86-64 and AArch64, in both spellings.
fn is_division(instruction: &str) -> bool {
    let mnemonic = instruction.split_whitespace().next().unwrap_or_default();
    let plain = mnemonic.strip_prefix(['i', 'u', 's']).unwrap_or(mnemonic);
    matches!(plain, "div" | "divb" | "divw" | "divl" | "divq")
}

/// The functions on the way of secrets that divide more often than was looked at.
fn guilty(found: &BTreeMap<&str, usize>, secret: &[&str]) -> Vec<String> {
    let allowed =
        |name: &str| PUBLIC.iter().find(|(public, ..)| *public == name).map_or(0, |(_, count, _)| *count);
    let on_the_way = |name: &str| secret.iter().any(|part| name.contains(part));
    let bad = found.iter().filter(|(name, count)| on_the_way(name) && **count > allowed(name));
    bad.map(|(name, count)| format!("{name}: {count}")).collect()
}

/// The disassembly of a program; none without `objdump`, which `gcc` brings along.
fn disassembled(program: &str) -> Option<String> {
    match Command::new("objdump").args(["-d", "-C", "--no-show-raw-insn", program]).output() {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Some(String::from_utf8(output.stdout).unwrap())
        }
        Err(error) if error.kind() == ErrorKind::NotFound && env::var_os("CI").is_none() => None,
        Err(error) => panic!("objdump: {error}"),
    }
}

#[test]
fn nothing_divides_on_the_way_of_a_secret() {
    let Some(text) = disassembled(env!("CARGO_BIN_EXE_constant-time")) else {
        return skip("house_no_division", "objdump not found, no machine code was looked at");
    };
    let found = divisions(&text);
    for part in SECRET {
        assert!(found.keys().any(|name| name.contains(part)), "no function of {part}: nothing was looked at");
    }
    assert_eq!(guilty(&found, &SECRET), [] as [&str; 0]);
    // The same look at this program, which divides.
    assert_eq!(planted_division(black_box(6), black_box(2)), 2);
    let this = disassembled(env::current_exe().unwrap().to_str().unwrap()).unwrap();
    assert_eq!(guilty(&divisions(&this), &["planted_division"]), ["house_no_division::planted_division: 1"]);
}

#[test]
fn divisions_are_counted_where_they_stand() {
    let text = "\
0000000000001000 <a::secret>:
    1000:\tmov    %rdi,%rax
    1003:\tdiv    %rsi
    1006:\tidivl  (%rdi)
0000000000002000 <b::divide>:
    2000:\tudiv   x0, x0, x1
    2004:\tcall   3000 <c::div>
    2008:\tdivsd  %xmm1,%xmm0
0000000000003000 <c::div>:
    3000:\tret
";
    let found = divisions(text);
    assert_eq!(found, BTreeMap::from([("a::secret", 2), ("b::divide", 1), ("c::div", 0)]));
    assert_eq!(guilty(&found, &["secret"]), ["a::secret: 2"]);
    assert_eq!(guilty(&found, &["c::"]), [] as [&str; 0]);
}
