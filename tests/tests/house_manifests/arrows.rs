//! No arrow that is not in the table: between our crates, and from them to outside libraries.

use std::collections::BTreeSet;

use super::{
    manifest::{Dependency, Kind, Manifest, members},
    table::{DEV_ONLY, LIBRARIES, ROOMS, TEST_ARROWS, TESTS},
};

/// Every complaint about a set of manifests, in words.
fn complaints(manifests: &[Manifest]) -> Vec<String> {
    let mut found: Vec<String> = manifests.iter().flat_map(about_manifest).collect();
    found.extend(about_rooms(manifests));
    found.extend(about_libraries(manifests));
    found
}

fn about_manifest(manifest: &Manifest) -> Vec<String> {
    let about = |dependency: &Dependency| match dependency.local {
        true => about_arrow(&manifest.package, dependency),
        false => about_library(&manifest.package, dependency),
    };
    manifest.dependencies.iter().filter_map(about).collect()
}

fn about_arrow(from: &str, dependency: &Dependency) -> Option<String> {
    let to = dependency.package.as_str();
    let room = ROOMS.iter().find(|room| room.package == from)?;
    let in_tests = TEST_ARROWS.iter().any(|arrow| (arrow.0, arrow.1) == (from, to));
    let allowed = room.may_use.contains(&to) || (in_tests && dependency.kind == Kind::Dev);
    (!allowed).then(|| format!("{from} may not use {to}"))
}

fn about_library(from: &str, dependency: &Dependency) -> Option<String> {
    let name = dependency.package.as_str();
    if from == TESTS || (dependency.kind == Kind::Dev && DEV_ONLY.contains(&name)) {
        return None;
    }
    match LIBRARIES.iter().find(|library| library.package == name) {
        None => Some(format!("{from} names {name}, which no crate owns: it needs a row and a reason")),
        Some(library) if library.owners.contains(&from) => None,
        Some(library) => Some(format!(
            "{from} may not name {name}: it belongs to {} ({})",
            library.owners.join(", "),
            library.why
        )),
    }
}

/// The rooms and the members of the workspace are the same.
fn about_rooms(manifests: &[Manifest]) -> Vec<String> {
    let rooms: BTreeSet<_> = ROOMS.iter().map(|room| (room.package, room.dir)).collect();
    let members: BTreeSet<_> = manifests.iter().map(|m| (m.package.as_str(), m.dir.as_str())).collect();
    let unknown = members.difference(&rooms).map(|(package, dir)| format!("{package} in {dir} is no room"));
    let empty = rooms.difference(&members).map(|(package, dir)| format!("no {package} in {dir}"));
    unknown.chain(empty).collect()
}

/// A row that no manifest bears out would quietly allow what nobody decided.
fn about_libraries(manifests: &[Manifest]) -> Vec<String> {
    let owned =
        LIBRARIES.iter().flat_map(|library| library.owners.iter().map(|owner| (*owner, library.package)));
    let stale = owned.filter(|(owner, library)| {
        let owner = manifests.iter().find(|manifest| manifest.package == *owner);
        !owner.is_some_and(|owner| owner.dependencies.iter().any(|found| found.package == *library))
    });
    stale
        .map(|(owner, library)| format!("{owner} no longer names {library}: take it out of the row"))
        .collect()
}

#[test]
fn no_arrow_outside_the_table() {
    let found = complaints(&members());
    assert!(found.is_empty(), "the house plan is broken:\n  {}", found.join("\n  "));
}

#[test]
fn every_row_has_a_reason_and_stands_once() {
    let names: BTreeSet<_> = LIBRARIES.iter().map(|library| library.package).collect();
    assert_eq!(names.len(), LIBRARIES.len(), "a library stands twice");
    assert!(LIBRARIES.iter().all(|library| !library.why.is_empty() && !library.owners.is_empty()));
}

/// A made-up crate under the name of a real room, with these lines as its dependencies.
fn made_up(package: &str, dependencies: &str) -> Manifest {
    let text = format!("[package]\nname = \"{package}\"\n{dependencies}");
    Manifest::parse("made-up", &text, &toml::Table::new())
}

#[test]
fn an_arrow_upwards_is_refused_in_every_kind_of_dependency() {
    for section in
        ["dependencies", "dev-dependencies", "build-dependencies", "target.'cfg(unix)'.dependencies"]
    {
        let bad = made_up("qratum-chain", &format!("[{section}]\nqratum-verifier = {{ path = \"x\" }}"));
        assert_eq!(about_manifest(&bad), ["qratum-chain may not use qratum-verifier"]);
    }
}

#[test]
fn nothing_depends_on_tests() {
    for room in ROOMS {
        let bad = made_up(room.package, "[dev-dependencies]\nqratum-tests = { path = \"x\" }");
        assert_eq!(about_manifest(&bad), [format!("{} may not use qratum-tests", room.package)]);
    }
}

#[test]
fn the_app_does_not_link_the_validator() {
    let bad = made_up("qratum", "[dependencies]\nqratum-validator = { path = \"x\" }");
    assert_eq!(about_manifest(&bad), ["qratum may not use qratum-validator"]);
}

#[test]
fn an_arrow_of_tests_does_not_ship() {
    let bad = made_up("qratum", "[dependencies]\nqratum-crypto = { path = \"x\" }");
    assert_eq!(about_manifest(&bad), ["qratum may not use qratum-crypto"]);
    let twin = made_up("qratum", "[dev-dependencies]\nqratum-crypto = { path = \"x\" }");
    assert_eq!(about_manifest(&twin), [""; 0]);
}

#[test]
fn a_library_of_another_crate_is_refused_with_its_owner_and_the_reason() {
    let bad = made_up("qratum", "[dependencies]\nkeys = { package = \"curve25519-dalek\", version = \"5\" }");
    assert_eq!(
        about_manifest(&bad),
        ["qratum may not name curve25519-dalek: it belongs to qratum-crypto (key maths is crypto's)"]
    );
    let twin = made_up(
        "qratum-crypto",
        "[dependencies]\nkeys = { package = \"curve25519-dalek\", version = \"5\" }",
    );
    assert_eq!(about_manifest(&twin), [""; 0]);
}

#[test]
fn an_unknown_library_is_refused_except_in_tests() {
    let bad = made_up("qratum-widgets", "[dependencies]\nreqwest = \"1\"");
    assert_eq!(
        about_manifest(&bad),
        ["qratum-widgets names reqwest, which no crate owns: it needs a row and a reason"]
    );
    assert_eq!(about_manifest(&made_up(TESTS, "[dependencies]\nreqwest = \"1\"")), [""; 0]);
}

#[test]
fn a_test_library_does_not_ship() {
    let bad = made_up("qratum-chain", "[dependencies]\nproptest = \"1\"");
    assert_eq!(about_manifest(&bad).len(), 1);
    assert_eq!(about_manifest(&made_up("qratum-chain", "[dev-dependencies]\nproptest = \"1\"")), [""; 0]);
}

#[test]
fn a_stale_row_and_a_missing_or_unknown_room_are_reported() {
    let lonely = [made_up("qratum-newcomer", "")];
    let found = complaints(&lonely);
    for expected in [
        "qratum-newcomer in made-up is no room",
        "no qratum-crypto in crates/crypto",
        "qratum-light-node no longer names sled: take it out of the row",
    ] {
        assert!(found.iter().any(|line| line == expected), "missing: {expected}\nin {found:#?}");
    }
}
