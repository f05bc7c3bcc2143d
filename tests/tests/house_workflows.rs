//! Do the workflows name what is there? A path that is gone never starts one, silently; and an action
//! that is not pinned to a version is another program tomorrow.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test file: a panic is the verdict"
)]

use std::{fs, path::Path};

/// Every complaint about a workflow of the repository at `root`.
fn complaints(workflow: &str, root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for list in lists_of_paths(workflow) {
        let gone = |path: &&str| !root.join(path.trim_end_matches("/**")).exists();
        found.extend(list.into_iter().filter(gone).map(|path| format!("{path} is gone")));
    }
    let makefile = fs::read_to_string(root.join("Makefile")).unwrap();
    for line in workflow.lines().map(str::trim) {
        if let Some(target) = line.strip_prefix("run: make ")
            && !makefile.contains(&format!("\n{target}: "))
        {
            found.push(format!("there is no make {target}"));
        }
        let action = line.trim_start_matches("- ").strip_prefix("uses: ");
        found.extend(
            action.filter(|action| !is_pinned(action)).map(|action| format!("{action} is not pinned")),
        );
    }
    found
}

/// The items of each `paths:`.
fn lists_of_paths(workflow: &str) -> Vec<Vec<&str>> {
    let mut lists = Vec::new();
    let mut lines = workflow.lines().map(str::trim).peekable();
    while let Some(line) = lines.next() {
        if line == "paths:" {
            let items = std::iter::from_fn(|| lines.next_if(|line| line.starts_with("- ")));
            lists.push(items.map(|item| item.trim_start_matches("- ")).collect());
        }
    }
    lists
}

/// To a whole version, `@v1.2.3`.
fn is_pinned(action: &str) -> bool {
    let version = action.split_once("@v").map(|(_, version)| version.split('.').collect::<Vec<_>>());
    version.is_some_and(|parts| parts.len() == 3 && parts.iter().all(|part| part.parse::<u32>().is_ok()))
}

#[test]
fn workflows_name_what_is_there() {
    let root = qratum_tests::root();
    let mut files = 0;
    for entry in fs::read_dir(root.join(".github/workflows")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(complaints(&text, &root), [""; 0], "{}", path.display());
        files += 1;
    }
    assert!(files > 0);
}

/// Whatever starts the check on a push starts it on a pull request, and the other way round.
#[test]
fn constant_time_is_checked_on_every_change_of_what_secrets_pass_through() {
    let file = qratum_tests::root().join(".github/workflows/constant-time-check.yml");
    let text = fs::read_to_string(file).unwrap();
    let lists = lists_of_paths(&text);
    assert_eq!(lists.len(), 2);
    assert_eq!(lists[0], lists[1]);
    for code in ["crates/crypto/**", "crates/metal/**", "crates/custody/**", "Cargo.lock"] {
        assert!(lists[0].contains(&code), "{code}");
    }
    assert!(text.contains("run: make ct\n") && text.contains("path: target/ct/report.json\n"));
}

#[test]
fn what_is_gone_or_not_pinned_is_reported() {
    let bad = "on:\n  push:\n    paths:\n      - crates/made-up/**\n      - Makefile\njobs:\n  a:\n    steps:\n      \
               - uses: actions/checkout@v4\n      - uses: actions/checkout@v4.2.2\n      - run: make made-up\n        \
               run: make made-up\n";
    let found = complaints(bad, &qratum_tests::root());
    assert_eq!(
        found,
        ["crates/made-up/** is gone", "actions/checkout@v4 is not pinned", "there is no make made-up"]
    );
}
