//! The house rules as data. Change a row only together with its reason.

/// A crate of ours: where it lives and which of our crates it may name.
pub(crate) struct Room {
    pub(crate) package: &'static str,
    pub(crate) dir: &'static str,
    pub(crate) may_use: &'static [&'static str],
}

/// An outside library: exactly these of our crates name it, and why no other does.
pub(crate) struct Library {
    pub(crate) package: &'static str,
    pub(crate) owners: &'static [&'static str],
    pub(crate) why: &'static str,
}

const fn room(package: &'static str, dir: &'static str, may_use: &'static [&'static str]) -> Room {
    Room { package, dir, may_use }
}

const fn library(package: &'static str, owners: &'static [&'static str], why: &'static str) -> Library {
    Library { package, owners, why }
}

/// The crate that nothing depends on and nothing ships: it may name any library and any of our crates.
pub(crate) const TESTS: &str = "qratum-tests";

/// Our crates, from the ground up. An arrow that is not here is refused.
pub(crate) const ROOMS: &[Room] = &[
    room("qratum-metal", "crates/metal", &[]),
    room("qratum-crypto", "crates/crypto", &["qratum-metal"]),
    room("qratum-chain", "crates/chain", &["qratum-crypto"]),
    room("qratum-custody", "crates/custody", &["qratum-chain", "qratum-crypto", "qratum-metal"]),
    // Not custody: a mistake in one side of the protocol must not hide the same in the other.
    room("qratum-softkey", "crates/softkey", &["qratum-metal"]),
    // Nothing, so that it can share no mistake with the codec it is held against.
    room("qratum-decoder", "crates/decoder", &[]),
    room("qratum-verifier", "light-node/verifier", &["qratum-chain", "qratum-crypto"]),
    room("qratum-light-node", "light-node", &["qratum-verifier", "qratum-chain", "qratum-crypto"]),
    room(
        "qratum-validator",
        "crates/validator",
        &["qratum-light-node", "qratum-verifier", "qratum-chain", "qratum-crypto", "qratum-metal"],
    ),
    room("qratum-themes", "themes", &[]),
    room("qratum-widgets", "widgets", &["qratum-themes"]),
    // Not the validator (a separate process) and not crypto (the app does no key maths).
    room(
        "qratum",
        "app",
        &[
            "qratum-light-node",
            "qratum-verifier",
            "qratum-chain",
            "qratum-custody",
            "qratum-decoder",
            "qratum-metal",
            "qratum-themes",
            "qratum-widgets",
        ],
    ),
    room(
        TESTS,
        "tests",
        &[
            "qratum",
            "qratum-validator",
            "qratum-light-node",
            "qratum-verifier",
            "qratum-chain",
            "qratum-crypto",
            "qratum-custody",
            "qratum-metal",
            "qratum-softkey",
            "qratum-themes",
            "qratum-widgets",
        ],
    ),
];

/// Arrows of a crate's own tests alone, as (from, to, why): none of them ships.
pub(crate) const TEST_ARROWS: &[(&str, &str, &str)] = &[
    ("qratum", "qratum-crypto", "the tests of the commands sign what they feed them"),
    ("qratum-custody", "qratum-softkey", "ceremonies are tested on a key in software"),
];

/// Outside libraries. One that is not here is refused; so is a row that no manifest bears out.
pub(crate) const LIBRARIES: &[Library] = &[
    library(
        "sha3",
        &["qratum-crypto", "qratum-chain", "qratum-widgets"],
        "hashing is crypto's; the state map of chain takes its hasher as a type of sha3; look-alike \
         names are told apart by a digest, and pixels never see crypto",
    ),
    library("sha2", &["qratum-crypto", "qratum-softkey"], "hashing is crypto's, and the software key's own"),
    library("blake3", &["qratum-crypto"], "hashing is crypto's"),
    library("curve25519-dalek", &["qratum-crypto"], "key maths is crypto's"),
    library(
        "ed25519-dalek",
        &["qratum-crypto", "qratum-softkey"],
        "key maths is crypto's, and the software key's own",
    ),
    library(
        "p256",
        &["qratum-crypto", "qratum-softkey"],
        "key maths is crypto's, and the software key's own",
    ),
    library("aes", &["qratum-crypto", "qratum-softkey"], "what travels to and from a security key"),
    library("cbc", &["qratum-softkey"], "the software key's side of the same, in another's code"),
    library("hmac", &["qratum-softkey"], "as cbc; crypto has its own, which wipes"),
    library("base64ct", &["qratum-chain"], "the challenge of a security key, as WebAuthn writes it"),
    library("ml-dsa", &["qratum-crypto"], "key maths is crypto's"),
    library("ml-kem", &["qratum-crypto"], "key maths is crypto's"),
    library("slh-dsa", &["qratum-crypto"], "key maths is crypto's"),
    library("aes-gcm-siv", &["qratum-crypto"], "sealing is crypto's"),
    library("argon2", &["qratum-crypto"], "keys from passphrases are crypto's"),
    library("pqcrypto-mldsa", &["qratum-crypto"], "a second opinion on ML-DSA, behind a feature"),
    library("pqcrypto-traits", &["qratum-crypto"], "how the keys of pqcrypto-mldsa are read"),
    library("subtle", &["qratum-crypto"], "comparing secrets is crypto's"),
    library("zeroize", &["qratum-crypto", "qratum-validator"], "only who holds secrets wipes them"),
    library(
        "getrandom",
        &["qratum-crypto"],
        "one source of the generator of crypto::rng, from which all else draws",
    ),
    library("cryptoki", &["qratum-custody"], "tokens are custody's"),
    library("memsec", &["qratum-metal"], "wiping and comparing secrets is metal's"),
    library("libc", &["qratum-metal"], "memfd_secret, which neither std nor rustix has; numbers of calls"),
    library("landlock", &["qratum-metal"], "the kernel's own wall around files and ports"),
    library("seccompiler", &["qratum-metal"], "which calls the kernel refuses, without C"),
    library(
        "rustix",
        &["qratum-validator", "qratum", "qratum-metal", "qratum-light-node", "qratum-custody"],
        "what std does not say: the room on a disk, the settings of a terminal, the locks and limits of \
         memory, files that no link leads to, waiting for a device until a deadline",
    ),
    library("jmt", &["qratum-chain"], "the one state map, without I/O"),
    library("borsh", &["qratum-chain"], "the encoding of the state map's proofs, and of nothing else"),
    library("anyhow", &["qratum-chain"], "the error type in the state map's reader trait"),
    library(
        "minicbor",
        &["qratum-chain", "qratum-custody", "qratum-softkey"],
        "the one codec of transaction objects and actions; the language of security keys",
    ),
    library("hex", &["qratum-chain"], "byte strings in JSON are chain's documents"),
    library(
        "serde",
        &["qratum-chain", "qratum-light-node", "qratum-validator", "qratum-themes", "qratum"],
        "the files of a home, the colours, and the JSON that leaves the program",
    ),
    library(
        "serde_json",
        &["qratum-chain", "qratum-light-node", "qratum-validator", "qratum"],
        "the files of a home and the JSON that leaves the program",
    ),
    library("toml", &["qratum-themes", "qratum"], "colours and words are data, and so is what a user sets"),
    library("libp2p", &["qratum-light-node", "qratum-validator"], "only who carries opens a network"),
    library(
        "futures",
        &["qratum-light-node", "qratum-validator", "qratum"],
        "the streams of libp2p and of the terminal's events are of this trait",
    ),
    library("tokio-socks", &["qratum-light-node"], "only who carries opens a network"),
    library("either", &["qratum-validator"], "the type with which libp2p joins two handlers"),
    library("sled", &["qratum-light-node"], "the store is untrusted input to one crate only"),
    library(
        "tokio",
        &["qratum-light-node", "qratum-validator", "qratum"],
        "pure crates are not async; the runtime belongs to what runs",
    ),
    library("arc-malachitebft-core-consensus", &["qratum-validator"], "the BFT engine is the validator's"),
    library("arc-malachitebft-core-types", &["qratum-validator"], "the BFT engine is the validator's"),
    library(
        "ratatui-core",
        &["qratum-themes", "qratum-widgets"],
        "shapes and colours need cells, no terminal",
    ),
    library("icu_normalizer", &["qratum-widgets"], "one letter may be written in two ways"),
    library("icu_properties", &["qratum-widgets"], "which characters a terminal obeys or hides"),
    library("ratatui", &["qratum"], "one crate owns the terminal"),
    library("crossterm", &["qratum"], "one crate owns the terminal"),
    library("crc32fast", &["qratum"], "the checksum of a line of the alarm journal; already below sled"),
    library("ureq", &["qratum"], "alarms leave by a web hook; nothing else here speaks HTTP"),
    library("rustls", &["qratum"], "the TLS of that web hook, with the primitives that libp2p brings"),
    library("clap", &["qratum", "qratum-validator"], "command lines: of the console and of the validator"),
    library("clap_mangen", &["qratum"], "the manual is made of the same description"),
    library("clap_complete", &["qratum"], "what shells complete is made of the same description"),
];

/// Libraries that any crate may name as a dev-dependency: they never ship.
pub(crate) const DEV_ONLY: &[&str] =
    &["proptest", "fips203", "fips204", "fips205", "hkdf", "hmac", "boon", "portable-pty", "vt100", "vte"];

/// Crates without clock, randomness, I/O or an order that changes from run to run.
pub(crate) const PURE: &[&str] = &["crates/crypto", "crates/chain", "light-node/verifier"];

/// What the `clippy.toml` of a pure crate must ban at least.
pub(crate) const PURE_BANS: &[&str] = &[
    "std::time::SystemTime::now",
    "std::time::Instant::now",
    "std::time::SystemTime",
    "std::time::Instant",
    "std::fs::read",
    "std::fs::read_to_string",
    "std::fs::write",
    "std::fs::File::open",
    "std::fs::File::create",
    "std::env::var",
    "std::net::TcpStream",
    "std::net::UdpSocket",
    "std::thread::spawn",
    "std::collections::HashMap",
    "std::collections::HashSet",
];

/// Workspace lints that may not be softened, as (tool, lint, level).
pub(crate) const LINTS: &[(&str, &str, &str)] = &[
    ("rust", "unsafe_code", "forbid"),
    ("rust", "missing_docs", "deny"),
    ("clippy", "disallowed_methods", "deny"),
    ("clippy", "disallowed_types", "deny"),
    ("clippy", "too_many_lines", "deny"),
    ("clippy", "too_many_arguments", "deny"),
    ("clippy", "unwrap_used", "deny"),
    ("clippy", "expect_used", "deny"),
    ("clippy", "panic", "deny"),
    ("clippy", "indexing_slicing", "deny"),
    ("clippy", "todo", "deny"),
    ("clippy", "unimplemented", "deny"),
    ("clippy", "dbg_macro", "deny"),
];

/// The one crate that may hold `unsafe`, and so has lints of its own.
pub(crate) const UNSAFE_ROOM: &str = "crates/metal";

/// What those lints demand beyond the workspace's, which they must repeat but for `unsafe_code`.
pub(crate) const UNSAFE_LINTS: &[(&str, &str, &str)] = &[
    ("rust", "unsafe_code", "allow"),
    ("rust", "unsafe_op_in_unsafe_fn", "deny"),
    ("clippy", "undocumented_unsafe_blocks", "deny"),
    ("clippy", "multiple_unsafe_ops_per_block", "deny"),
];

/// What may lie at the top of the repository.
pub(crate) const TOP_LEVEL: &[&str] = &[
    ".ci",
    ".config",
    ".github",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "app",
    "assets",
    "clippy.toml",
    "crates",
    "deny.toml",
    "light-node",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "scripts",
    "tests",
    "themes",
    "widgets",
];

/// The packages that README's table must hold, each exactly once.
pub(crate) const README_PACKAGES: &[&str] = &[
    "ratatui",
    "crossterm",
    "tokio",
    "libp2p",
    "webauthn-authenticator-rs",
    "ctap-hid-fido2",
    "ed25519-dalek",
    "pqcrypto",
    "sha3",
    "hkdf",
    "zeroize",
    "memsec",
    "cryptoki",
    "sled",
];
