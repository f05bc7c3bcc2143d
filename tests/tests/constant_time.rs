//! Does memcheck see the marks? What leaks on purpose is found and what does not is left alone, in the
//! program of `make ct`; the clock is left to that target, as it needs a quiet machine.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test file: a panic is the verdict"
)]

use std::{env, path::Path, process::Command};

use qratum_tests::{
    constant_time::{cases, memcheck},
    skip,
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_constant-time");

#[test]
fn memcheck_finds_what_leaks_and_nothing_else() {
    if memcheck::tool().unwrap().is_none() {
        assert!(env::var_os("CI").is_none(), "valgrind is a duty in CI");
        return skip("constant_time", "valgrind not found, no flow of secrets was followed");
    }
    let wanted = ["comparison", "planted: branch on a bit", "planted: table lookup by address"];
    for case in cases::ALL.iter().filter(|case| wanted.contains(&case.name)) {
        let said = memcheck::check(Path::new(PROGRAM), case).unwrap();
        assert_eq!(said.leaks, case.planted, "{}: {said:?}", case.name);
        let by_name = said.places.iter().any(|place| place.ends_with("cases::branches"));
        assert_eq!(by_name, case.name == "planted: branch on a bit", "{}: {said:?}", case.name);
    }
}

#[test]
fn what_was_not_asked_for_is_refused_with_how_to_ask() {
    for bad in [&["--samples", "9999"][..], &["--samples"], &["--out"], &["fast"]] {
        let output = Command::new(PROGRAM).args(bad).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{bad:?}");
        assert!(said.contains("usage: constant-time [--samples N] [--out FILE], N at least 10000"), "{said}");
    }
}
