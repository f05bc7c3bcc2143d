//! Does a branch or an address depend on a secret? The case runs in a process of its own under
//! valgrind's memcheck, with the secret marked undefined: it complains where one does.

use std::{
    io::{self, ErrorKind},
    path::Path,
    process::Command,
};

use qratum_metal::memcheck::{is_running, mark_secret};
use serde::Serialize;

use super::{Case, cases, t_test::FIXED};

/// The argument before the name of a case with which [`check`] starts a program.
pub const ARGUMENT: &str = "--under-memcheck";

/// The exit status that valgrind is told to give where it complained.
const COMPLAINED: i32 = 99;

/// How many places are kept.
const MOST_PLACES: usize = 8;

/// How many characters of the name of a place are kept.
const MOST_CHARACTERS: usize = 100;

/// What memcheck says of a function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// At how many places it complained.
    pub findings: usize,
    /// The functions of the first of them.
    pub places: Vec<String>,
    /// Whether there is one.
    pub leaks: bool,
}

/// The name and version of the tool; `None` where there is none on this machine.
///
/// # Errors
/// When it is there and cannot be started.
pub fn tool() -> io::Result<Option<String>> {
    match Command::new("valgrind").arg("--version").output() {
        Ok(output) => Ok(Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Runs the case once under memcheck, in a process of `program`, which does [`run_marked`] when it is
/// given [`ARGUMENT`] and a name.
///
/// # Errors
/// When it could not be started, or ended otherwise than clean or with complaints of secrets.
pub fn check(program: &Path, case: &Case) -> io::Result<Verdict> {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["-q", "--error-limit=no", &format!("--error-exitcode={COMPLAINED}")]);
    let output = valgrind.arg(program).args([ARGUMENT, case.name]).output()?;
    let verdict = read(&String::from_utf8_lossy(&output.stderr));
    match (output.status.code(), verdict.leaks) {
        (Some(0), false) | (Some(COMPLAINED), true) => Ok(verdict),
        _ => Err(io::Error::other(format!(
            "valgrind on {}: {}, {} findings: {}",
            case.name,
            output.status,
            verdict.findings,
            String::from_utf8_lossy(&output.stderr).trim()
        ))),
    }
}

/// What valgrind said about undefined bytes: the function of each is in the line behind it.
fn read(said: &str) -> Verdict {
    let is_finding = |line: &&str| {
        line.contains("depends on uninitialised value") || line.contains("Use of uninitialised value")
    };
    let findings = said.lines().filter(is_finding).count();
    let mut places = Vec::new();
    for (_, behind) in said.lines().zip(said.lines().skip(1)).filter(|(line, _)| is_finding(line)) {
        let place = behind.split_once(": ").map_or(behind, |(_, place)| place);
        let place: String = place.split(" (").next().unwrap_or(place).chars().take(MOST_CHARACTERS).collect();
        if places.len() < MOST_PLACES && !places.contains(&place) {
            places.push(place);
        }
    }
    Verdict { findings, places, leaks: findings > 0 }
}

/// What the program does that [`check`] starts: runs the case of this name on a secret.
///
/// # Errors
/// When there is no such case, or nobody would see the mark.
pub fn run_marked(name: &str) -> Result<(), String> {
    let case = cases::ALL.iter().find(|case| case.name == name).ok_or_else(|| format!("no case {name:?}"))?;
    if !is_running() {
        return Err("not under valgrind, or its requests are not known for this CPU".to_owned());
    }
    let mut secret = vec![FIXED; case.length];
    mark_secret(&mut secret);
    (case.run)(&secret);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "\
==7== Conditional jump or move depends on uninitialised value(s)
==7==    at 0x11F2A0: crypto::compare (in /target/release/constant-time)
==7==    by 0x11F2A1: main (in /target/release/constant-time)
==7== 
==7== Use of uninitialised value of size 8
==7==    at 0x11F2B0: crypto::look_up (in /target/release/constant-time)
==7== Conditional jump or move depends on uninitialised value(s)
==7==    at 0x11F2C0: crypto::compare (in /target/release/constant-time)
";

    #[test]
    fn findings_are_counted_and_their_places_named_once() {
        let places = vec!["crypto::compare".to_owned(), "crypto::look_up".to_owned()];
        assert_eq!(read(SAID), Verdict { findings: 3, places, leaks: true });
        assert_eq!(
            read("--7-- WARNING: unhandled amd64-linux syscall: 447"),
            Verdict { findings: 0, places: Vec::new(), leaks: false }
        );
    }

    #[test]
    fn a_mark_that_nobody_sees_is_an_error() {
        assert_eq!(run_marked("made up").unwrap_err(), "no case \"made up\"");
        assert!(run_marked("comparison").unwrap_err().starts_with("not under valgrind"));
    }
}
