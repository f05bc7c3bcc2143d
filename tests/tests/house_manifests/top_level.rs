//! The top of the repository holds what the plan names, and nothing else.

use std::fs;

use super::table::TOP_LEVEL;

/// What git and cargo make for themselves.
const MADE: &[&str] = &[".git", "target"];

fn strangers<'a>(entries: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    entries.filter(|entry| !TOP_LEVEL.contains(entry) && !MADE.contains(entry)).collect()
}

#[test]
fn the_top_level_holds_only_what_belongs_there() {
    let read = fs::read_dir(qratum_tests::root()).unwrap();
    let entries: Vec<_> = read.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(strangers(entries.iter().map(String::as_str)), [""; 0], "not in the plan of the top level");
}

#[test]
fn a_stray_file_is_reported() {
    assert_eq!(strangers(["README.md", "SUMMARY.md", "target"].into_iter()), ["SUMMARY.md"]);
}
