//! The lints that hold everywhere, and the bans that make a crate pure.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::{
    manifest::{members, read_toml, workspace},
    table::{LINTS, PURE, PURE_BANS, UNSAFE_LINTS, UNSAFE_ROOM},
};

/// Lints of the workspace that are softer than the table says.
fn softened(workspace: &Table) -> Vec<String> {
    let level = |tool: &str, lint: &str| {
        let entry = workspace.get("workspace")?.get("lints")?.get(tool)?.get(lint)?;
        entry.as_str().or_else(|| entry.get("level")?.as_str())
    };
    let soft = LINTS.iter().filter(|(tool, lint, wanted)| level(tool, lint) != Some(wanted));
    soft.map(|(tool, lint, wanted)| format!("{tool}::{lint} must be `{wanted}`")).collect()
}

fn inherits_lints(manifest: &Table) -> bool {
    manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(Value::as_bool) == Some(true)
}

/// Lints of the crate that may hold `unsafe` that are not the workspace's, nor those it has instead.
fn astray(own: &Table, shared: &Table) -> Vec<String> {
    let mut expected = shared.clone();
    for (tool, lint, level) in UNSAFE_LINTS {
        expected[*tool].as_table_mut().unwrap().insert((*lint).to_owned(), Value::from(*level));
    }
    let wrong = |tool: &str| {
        let [own, expected] =
            [own, &expected].map(|lints| lints.get(tool).and_then(Value::as_table).unwrap());
        let all: BTreeSet<&String> = own.keys().chain(expected.keys()).collect();
        let wrong = all.into_iter().filter(|lint| own.get(*lint) != expected.get(*lint));
        wrong.map(|lint| format!("{tool}::{lint}")).collect::<Vec<_>>()
    };
    ["rust", "clippy"].into_iter().flat_map(wrong).collect()
}

/// What a pure crate's clippy.toml lacks: a ban, a ban's reason, or a setting of the root's file
/// (clippy reads the nearest file only, so a crate's own file must repeat the settings).
fn impure(clippy: &Table, root: &Table) -> Vec<String> {
    let bans: Vec<&Value> = ["disallowed-methods", "disallowed-types", "disallowed-macros"]
        .iter()
        .filter_map(|key| clippy.get(*key)?.as_array())
        .flatten()
        .collect();
    let path = |ban: &Value| ban.get("path").and_then(Value::as_str).unwrap_or_default().to_owned();
    let missing = PURE_BANS.iter().filter(|wanted| !bans.iter().any(|ban| path(ban) == **wanted));
    let mut found: Vec<String> = missing.map(|ban| format!("does not ban {ban}")).collect();
    let unexplained = bans.iter().filter(|ban| ban.get("reason").is_none());
    found.extend(unexplained.map(|ban| format!("bans {} without a reason", path(ban))));
    let changed = root.iter().filter(|(key, value)| clippy.get(*key) != Some(*value));
    found.extend(changed.map(|(key, _)| format!("must repeat the root's {key}")));
    found
}

#[test]
fn the_workspace_keeps_its_lints() {
    assert_eq!(softened(&workspace()), [""; 0]);
}

#[test]
fn every_crate_inherits_them_but_the_one_with_unsafe() {
    let own: Vec<_> = members().into_iter().filter(|member| !inherits_lints(&member.table)).collect();
    let dirs: Vec<_> = own.iter().map(|member| member.dir.as_str()).collect();
    assert_eq!(dirs, [UNSAFE_ROOM], "these crates have lints of their own");
    let shared = workspace()["workspace"]["lints"].as_table().unwrap().clone();
    assert_eq!(astray(own[0].table["lints"].as_table().unwrap(), &shared), [""; 0], "{UNSAFE_ROOM}");
}

/// All of it but the curve's: there a check is a branch on a secret.
#[test]
fn arithmetic_that_overflows_stops_a_release_build() {
    let release = workspace()["profile"]["release"].clone();
    assert_eq!(release["overflow-checks"], Value::Boolean(true));
    let apart: Vec<_> = release["package"].as_table().unwrap().keys().cloned().collect();
    assert_eq!(apart, ["curve25519-dalek"]);
}

#[test]
fn pure_crates_ban_clocks_io_and_unordered_maps() {
    let root = qratum_tests::root();
    let shared = read_toml(&root.join("clippy.toml"));
    for dir in PURE {
        let clippy = read_toml(&root.join(dir).join("clippy.toml"));
        assert_eq!(impure(&clippy, &shared), [""; 0], "{dir}/clippy.toml");
    }
}

#[test]
fn a_softened_lint_is_reported() {
    let mut bad = workspace();
    bad["workspace"]["lints"]["rust"]["unsafe_code"] = Value::from("allow");
    assert_eq!(softened(&bad), ["rust::unsafe_code must be `forbid`"]);
    assert_eq!(softened(&Table::new()).len(), LINTS.len());
}

#[test]
fn a_crate_with_lints_of_its_own_is_reported() {
    let own: Table = "[lints.rust]\nunsafe_code = \"allow\"".parse().unwrap();
    assert!(!inherits_lints(&own));
    assert!(!inherits_lints(&Table::new()));
}

#[test]
fn a_lint_that_the_crate_with_unsafe_softens_or_adds_is_reported() {
    let shared = workspace()["workspace"]["lints"].as_table().unwrap().clone();
    let mut own = shared.clone();
    let missing = ["rust::unsafe_code", "rust::unsafe_op_in_unsafe_fn"];
    let more = ["clippy::multiple_unsafe_ops_per_block", "clippy::undocumented_unsafe_blocks"];
    assert_eq!(astray(&own, &shared), [missing, more].concat());
    for (tool, lint, level) in UNSAFE_LINTS {
        own[*tool].as_table_mut().unwrap().insert((*lint).to_owned(), Value::from(*level));
    }
    assert_eq!(astray(&own, &shared), [""; 0]);
    own["clippy"]["unwrap_used"] = Value::from("allow");
    own["rust"].as_table_mut().unwrap().insert("dead_code".to_owned(), Value::from("allow"));
    assert_eq!(astray(&own, &shared), ["rust::dead_code", "clippy::unwrap_used"]);
}

#[test]
fn a_gap_in_a_pure_crates_bans_is_reported() {
    let root: Table = "too-many-lines-threshold = 60".parse().unwrap();
    let bans = PURE_BANS.iter().map(|path| format!("{{ path = \"{path}\", reason = \"pure\" }}"));
    let bans = bans.collect::<Vec<_>>().join(", ");
    let good = format!("too-many-lines-threshold = 60\ndisallowed-types = [{bans}]");
    assert_eq!(impure(&good.parse().unwrap(), &root), [""; 0]);
    let cases = [
        (good.replace("std::collections::HashMap", "made::Up"), "does not ban std::collections::HashMap"),
        (good.replacen(", reason = \"pure\"", "", 1), "bans std::time::SystemTime::now without a reason"),
        (good.replace("= 60", "= 600"), "must repeat the root's too-many-lines-threshold"),
    ];
    for (bad, complaint) in cases {
        assert_eq!(impure(&bad.parse().unwrap(), &root), [complaint]);
    }
}
