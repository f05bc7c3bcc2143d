//! README's table of packages: `| Package | Runs in | For |`. "Runs in" is either the directories
//! whose manifests name the package, each in backticks, or "tests only", or "arrives with ...".

use std::{collections::BTreeSet, fs};

use super::{
    manifest::{Kind, Manifest, members},
    table::{README_PACKAGES, TESTS},
};

const HEADING: &str = "| Package | Runs in | For |";

/// The package and the place of every row.
fn rows(readme: &str) -> Vec<(&str, &str)> {
    let table = readme.lines().skip_while(|line| *line != HEADING).skip(2);
    let cells = table.take_while(|line| line.starts_with('|')).map(|line| line.split('|').map(str::trim));
    cells.map(|mut cells| (cells.nth(1).unwrap().trim_matches('`'), cells.next().unwrap())).collect()
}

/// Where the manifests say that `package` runs: shipped crates, real dependencies.
fn places<'a>(package: &str, manifests: &'a [Manifest]) -> BTreeSet<&'a str> {
    let family = format!("{package}-");
    let runs_in = |manifest: &&Manifest| {
        manifest.package != TESTS
            && manifest.dependencies.iter().any(|dependency| {
                let named = dependency.package == package || is_family(&dependency.package, &family);
                named && dependency.kind == Kind::Normal
            })
    };
    manifests.iter().filter(runs_in).map(|manifest| manifest.dir.as_str()).collect()
}

/// `pqcrypto` is a family of crates, one for each algorithm.
fn is_family(package: &str, family: &str) -> bool {
    family == "pqcrypto-" && package.starts_with(family)
}

/// Whether a test names `package`: as a dev-dependency, or in the crate of tests.
fn in_tests(package: &str, manifests: &[Manifest]) -> bool {
    manifests.iter().any(|manifest| {
        manifest.dependencies.iter().any(|dependency| {
            dependency.package == package && (dependency.kind == Kind::Dev || manifest.package == TESTS)
        })
    })
}

fn complaints(readme: &str, manifests: &[Manifest]) -> Vec<String> {
    let rows = rows(readme);
    let mut found = Vec::new();
    for wanted in README_PACKAGES {
        let times = rows.iter().filter(|(package, _)| package == wanted).count();
        if times != 1 {
            found.push(format!("{wanted} stands {times} times"));
        }
    }
    found.extend(rows.iter().filter_map(|(package, place)| about_row(package, place, manifests)));
    found
}

fn about_row(package: &str, place: &str, manifests: &[Manifest]) -> Option<String> {
    let real = places(package, manifests);
    if place.starts_with("arrives with ") {
        return (!real.is_empty()).then(|| format!("{package} has arrived: it runs in {real:?}"));
    }
    if place == "tests only" && !in_tests(package, manifests) {
        return Some(format!("{package} is said to run in tests, but none names it"));
    }
    let place = if place == "tests only" { "" } else { place };
    let dirs = place.split(',').map(|dir| dir.trim().trim_matches('`'));
    let said: BTreeSet<_> = dirs.filter(|dir| !dir.is_empty()).collect();
    (said != real).then(|| format!("{package} is said to run in {said:?}, but runs in {real:?}"))
}

#[test]
fn the_package_table_is_true() {
    let readme = fs::read_to_string(qratum_tests::root().join("README.md")).unwrap();
    let found = complaints(&readme, &members());
    assert!(found.is_empty(), "README's package table:\n  {}", found.join("\n  "));
}

fn made_up_house() -> [Manifest; 2] {
    let read = |dir: &str, text: &str| Manifest::parse(dir, text, &toml::Table::new());
    [
        read("app", "[package]\nname = \"qratum\"\n[dependencies]\ntokio = \"1\"\npqcrypto-mldsa = \"1\""),
        read("tests", "[package]\nname = \"qratum-tests\"\n[dependencies]\nhkdf = \"1\""),
    ]
}

#[test]
fn a_place_that_no_manifest_bears_out_is_reported() {
    let house = made_up_house();
    assert_eq!(about_row("tokio", "`app`", &house), None);
    assert_eq!(
        about_row("tokio", "`app`, `themes`", &house).unwrap(),
        r#"tokio is said to run in {"app", "themes"}, but runs in {"app"}"#
    );
    assert_eq!(
        about_row("hkdf", "`tests`", &house).unwrap(),
        r#"hkdf is said to run in {"tests"}, but runs in {}"#
    );
    assert_eq!(about_row("hkdf", "tests only", &house), None);
    assert_eq!(
        about_row("tokio", "tests only", &house).unwrap(),
        "tokio is said to run in tests, but none names it"
    );
}

#[test]
fn a_package_that_is_said_to_be_on_its_way_but_is_here_is_reported() {
    let house = made_up_house();
    assert_eq!(about_row("hkdf", "arrives with secrets", &house), None);
    for package in ["tokio", "pqcrypto"] {
        let said = about_row(package, "arrives with secrets", &house).unwrap();
        assert_eq!(said, format!(r#"{package} has arrived: it runs in {{"app"}}"#));
    }
}

#[test]
fn a_missing_or_doubled_row_is_reported() {
    let table =
        format!("# x\n\n{HEADING}\n|---|---|---|\n| `tokio` | `app` | a |\n| `tokio` | `app` | b |\n");
    assert_eq!(rows(&table), [("tokio", "`app`"), ("tokio", "`app`")]);
    let found = complaints(&table, &made_up_house());
    assert!(found.iter().any(|line| line == "tokio stands 2 times"), "{found:?}");
    assert!(found.iter().any(|line| line == "sled stands 0 times"), "{found:?}");
}
