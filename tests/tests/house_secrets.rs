//! No `==`, no division and no remainder on secrets: how long they take depends on what they are
//! given, and a comparison that stops early tells how much of a guess is right. Secrets are compared
//! by `ct_eq`.
//!
//! Three nets. Types that hold a secret have no operator and no way out, or this file does not
//! compile. In closures that see a secret no such operator may stand, anywhere in the product. And in
//! the modules that secrets pass through every one of them stands in a table with the reason. What
//! the compiler makes of the code is looked at by `house_no_division` and `make ct`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test file: a panic is the verdict"
)]

use std::{fs, str::FromStr as _};

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use qratum_crypto::{
    kdf::{hd::Node, hmac::Hmac},
    kex::kem,
    rng::{drbg::Drbg, pool::Pool, random::Random},
    sign::{self, ed25519, ml_dsa},
};
use qratum_metal::secret::{Expiring, Locked, LockedBytes};

/// Does not compile where one of the types has one of the traits: `given` could then be either of two
/// functions.
macro_rules! without {
    ([$($type:ty),+ $(,)?] $traits:tt) => { $(without!(@ $type, $traits);)+ };
    (@ $type:ty, [$($trait:path),+ $(,)?]) => { $(const _: fn() = || {
        trait Given<Which> {
            fn given() {}
        }
        struct ByTrait;
        impl<T> Given<()> for T {}
        impl<T: $trait> Given<ByTrait> for T {}
        <$type as Given<_>>::given();
    };)+ };
}

without!(
    [
        Locked<32>,
        LockedBytes,
        Expiring<Locked<32>>,
        Hmac,
        Pool,
        Drbg,
        Random,
        ed25519::SecretKey,
        ml_dsa::SecretKey,
        sign::SecretKey<ml_dsa::MlDsa87>,
        Node,
        kem::SecretKey<kem::MlKem768>,
    ]
    [
        PartialEq,
        PartialEq<[u8]>,
        PartialOrd,
        std::hash::Hash,
        std::ops::Div,
        std::ops::Rem,
        Clone,
        std::ops::Deref,
        AsRef<[u8]>,
        Into<Vec<u8>>,
        std::fmt::Display,
        serde::Serialize,
    ]
);

/// What opens a secret to a closure.
const OPENERS: [&str; 6] = ["with", "with_mut", "new_with", "try_new_with", "require_locked", "from_seed"];

/// Methods that compare or divide, beside the operators.
const METHODS: [&str; 15] = [
    "eq",
    "ne",
    "cmp",
    "partial_cmp",
    "starts_with",
    "ends_with",
    "contains",
    "div",
    "rem",
    "div_ceil",
    "div_euclid",
    "rem_euclid",
    "checked_div",
    "checked_rem",
    "is_multiple_of",
];

/// The modules that secrets pass through: files, and directories with all that is below.
const MODULES: [&str; 7] = [
    "crates/crypto/src/kdf",
    "crates/crypto/src/kex",
    "crates/crypto/src/rng/drbg.rs",
    "crates/crypto/src/rng/pool.rs",
    "crates/crypto/src/rng/random.rs",
    "crates/crypto/src/sign",
    "crates/metal/src/secret",
];

/// Where a module compares or divides rightly: the file, a part of the line, and why.
const PUBLIC: &[(&str, &str, &str)] = &[
    ("crates/crypto/src/kdf/hd.rs", "SEED.contains(&seed.len())", "a length"),
    ("crates/crypto/src/rng/drbg.rs", "now.process != self.seeded.process", "numbers of processes"),
    ("crates/crypto/src/rng/drbg.rs", "now.resumes != self.seeded.resumes", "a count of resumes"),
    ("crates/crypto/src/rng/pool.rs", "self.others == 0", "credited bits, which a screen shows"),
    ("crates/crypto/src/rng/pool.rs", "**class != Class::Kernel", "the name of a class"),
    ("crates/crypto/src/rng/random.rs", "source.id() == id", "the name of a source"),
    ("crates/crypto/src/sign/ed25519.rs", "*first < 0xed || middle.iter()", "a public key"),
    ("crates/crypto/src/sign/ed25519.rs", "*point == -point", "a public key"),
    ("crates/crypto/src/sign/ed25519.rs", "[-Scalar::ONE], [point]) == -point", "a public key"),
    ("crates/crypto/src/sign/es256.rs", "signature.normalize_s() != signature", "a signature"),
    ("crates/crypto/src/sign/slh_dsa.rs", "seed.len() != 3 * N", "a length"),
    ("crates/custody/src/token/helper.rs", "question == [Question::Random as u8]", "what was asked"),
    ("crates/custody/src/token/helper.rs", "why == Error::Absent", "a reason"),
    ("crates/metal/src/secret/slab.rs", "(PAGES * 4096 - CANARY) / SLOT", "a constant"),
    ("crates/metal/src/secret.rs", "self.len() == 0", "a length"),
    ("crates/metal/src/secret.rs", "need == Need::Locked", "what the caller asks for"),
    ("crates/metal/src/secret.rs", "a.len() == b.len() && unsafe { memsec::memeq(", "lengths"),
];

/// The lines of `tokens` that compare or divide: all of them, or only those inside of closures that
/// see a secret.
fn operators(tokens: &TokenStream, everywhere: bool) -> Vec<usize> {
    let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if let TokenTree::Group(group) = token {
            let opens = |token: &TokenTree| OPENERS.iter().any(|opener| token.to_string() == *opener);
            let opened = group.delimiter() == Delimiter::Parenthesis && at > 0 && opens(&tokens[at - 1]);
            found.extend(operators(&group.stream(), everywhere || opened));
        } else if everywhere && compares_or_divides(&tokens, at) {
            found.push(token.span().start().line);
        }
    }
    found
}

/// Whether an operator or a method that compares or divides begins here.
fn compares_or_divides(tokens: &[TokenTree], at: usize) -> bool {
    let after = tokens.get(at + 1);
    let follows = |wanted: char| matches!(after, Some(TokenTree::Punct(next)) if next.as_char() == wanted);
    match &tokens[at] {
        TokenTree::Punct(sign) => match sign.as_char() {
            '/' | '%' => true,
            '=' | '!' => sign.spacing() == Spacing::Joint && follows('='),
            _ => false,
        },
        TokenTree::Ident(name) => {
            let is_called =
                at > 0 && matches!(&tokens[at - 1], TokenTree::Punct(dot) if dot.as_char() == '.');
            is_called && METHODS.iter().any(|method| name == method)
        }
        _ => false,
    }
}

/// What stands above the tests of a file.
fn production(source: &str) -> TokenStream {
    let code = source.split("\nmod tests").next().unwrap_or_default();
    TokenStream::from_str(code).unwrap()
}

/// Every operator on what may be a secret, as a line for people.
fn complaints(file: &str, source: &str) -> Vec<String> {
    let everywhere = MODULES.iter().any(|module| file.starts_with(module));
    let lines: Vec<&str> = source.lines().collect();
    let is_public =
        |line: usize| PUBLIC.iter().any(|(at, part, _)| *at == file && lines[line - 1].contains(part));
    let mut found = operators(&production(source), everywhere);
    found.dedup();
    let bad = found.into_iter().filter(|line| !is_public(*line));
    bad.map(|line| format!("{file}:{line} {}", lines[line - 1].trim())).collect()
}

#[test]
fn nothing_compares_or_divides_secrets() {
    let sources = qratum_tests::shipped_sources().unwrap();
    assert!(sources.len() > 100, "only {} files were read", sources.len());
    for module in MODULES {
        assert!(sources.iter().any(|(file, _)| file.starts_with(module)), "{module} is gone");
    }
    let found: Vec<String> = sources.iter().flat_map(|(file, source)| complaints(file, source)).collect();
    assert_eq!(found, [""; 0]);
}

/// A row that nothing bears out would quietly allow what nobody decided.
#[test]
fn every_exception_is_still_needed() {
    for (file, part, why) in PUBLIC {
        let source = fs::read_to_string(qratum_tests::root().join(file)).unwrap();
        assert!(source.contains(part), "{file} no longer says {part}: {why}");
    }
}

#[test]
fn a_planted_operator_is_found_and_its_neighbours_are_not() {
    let (module, elsewhere) = ("crates/crypto/src/kdf/made_up.rs", "app/src/made_up.rs");
    for bad in ["a == b", "a != *b", "a / 3", "a %= b", "a.starts_with(b)", "a.eq(b)", "a.rem_euclid(3)"] {
        let plain = format!("fn f() {{\n    {bad};\n}}");
        assert_eq!(complaints(module, &plain), [format!("{module}:2 {bad};")]);
        assert_eq!(complaints(elsewhere, &plain), [""; 0]);
        for open in ["secret.with(", "secret.with_mut(", "Locked::new_with("] {
            let seen = format!("fn f() {{\n    {open}|bytes| {{ {bad} }});\n}}");
            assert_eq!(complaints(elsewhere, &seen).len(), 1, "{seen}");
        }
    }
    let good =
        "/// a == b\nfn f() { let a = \"a == b / c\"; a <= b && a >= c; x => y; *a = *b; a.ct_eq(b); }";
    assert_eq!(complaints(module, good), [""; 0]);
    assert_eq!(complaints(module, "fn f() {}\n#[cfg(test)]\nmod tests { fn g() { a == b } }"), [""; 0]);
    let row = ("crates/metal/src/secret.rs", "fn f() { self.len() == 0 }");
    assert_eq!(complaints(row.0, row.1), [""; 0]);
    assert_eq!(complaints(module, row.1).len(), 1, "a row is for its file only");
}
