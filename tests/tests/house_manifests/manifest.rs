//! Reads Cargo manifests: what a crate really names, through `workspace = true`, `package = ...`,
//! the three kinds of dependency and `[target.*]`.

use std::{fs, path::Path};

use toml::{Table, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Normal,
    Dev,
    Build,
}

const KINDS: [(&str, Kind); 3] =
    [("dependencies", Kind::Normal), ("dev-dependencies", Kind::Dev), ("build-dependencies", Kind::Build)];

/// One dependency, under its real name on the registry or in this workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dependency {
    pub(crate) package: String,
    pub(crate) kind: Kind,
    /// Whether it is taken from a directory: one of ours.
    pub(crate) local: bool,
}

pub(crate) struct Manifest {
    pub(crate) dir: String,
    pub(crate) package: String,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) table: Table,
}

impl Manifest {
    /// `shared` is `[workspace.dependencies]` of the workspace's root.
    pub(crate) fn parse(dir: &str, text: &str, shared: &Table) -> Manifest {
        let table: Table = text.parse().unwrap_or_else(|error| panic!("{dir}/Cargo.toml: {error}"));
        let package = table["package"]["name"].as_str().unwrap().to_owned();
        let mut dependencies = dependencies_of(&table, shared);
        for target in table.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values) {
            dependencies.extend(dependencies_of(target.as_table().unwrap(), shared));
        }
        Manifest { dir: dir.to_owned(), package, dependencies, table }
    }
}

fn dependencies_of(table: &Table, shared: &Table) -> Vec<Dependency> {
    let mut found = Vec::new();
    for (section, kind) in KINDS {
        for (key, value) in table.get(section).and_then(Value::as_table).into_iter().flatten() {
            found.push(resolve(key, value, kind, shared));
        }
    }
    found
}

fn resolve(key: &str, value: &Value, kind: Kind, shared: &Table) -> Dependency {
    let inherited = value.get("workspace").and_then(Value::as_bool) == Some(true);
    let value = if inherited {
        shared.get(key).unwrap_or_else(|| panic!("{key}: not in [workspace.dependencies]"))
    } else {
        value
    };
    let package = value.get("package").and_then(Value::as_str).unwrap_or(key).to_owned();
    Dependency { package, kind, local: value.get("path").is_some() }
}

/// The manifest of the workspace's root.
pub(crate) fn workspace() -> Table {
    read_toml(&qratum_tests::root().join("Cargo.toml"))
}

/// The manifests of all members of the workspace, in its order.
pub(crate) fn members() -> Vec<Manifest> {
    let workspace = workspace();
    let shared = workspace["workspace"]["dependencies"].as_table().unwrap();
    let dirs = workspace["workspace"]["members"].as_array().unwrap();
    let read = |dir: &Value| {
        let dir = dir.as_str().unwrap();
        let path = qratum_tests::root().join(dir).join("Cargo.toml");
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Manifest::parse(dir, &text, shared)
    };
    dirs.iter().map(read).collect()
}

pub(crate) fn read_toml(path: &Path) -> Table {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn a_dependency_is_found_under_its_real_name_wherever_it_hides() {
    let shared: Table = r#"
        inner = { path = "inner" }
        engine = { package = "real-engine", version = "1" }
    "#
    .parse()
    .unwrap();
    let text = r#"
        [package]
        name = "made-up"
        [dependencies]
        inner.workspace = true
        plain = "1"
        engine.workspace = true
        [dev-dependencies]
        alias = { package = "hidden", version = "2" }
        [build-dependencies]
        maker = "1"
        [target.'cfg(unix)'.dependencies]
        tailored = "1"
    "#;
    let found = Manifest::parse("made-up", text, &shared).dependencies;
    let dependency = |package: &str, kind, local| Dependency { package: package.to_owned(), kind, local };
    let mut expected = vec![
        dependency("inner", Kind::Normal, true),
        dependency("plain", Kind::Normal, false),
        dependency("real-engine", Kind::Normal, false),
        dependency("hidden", Kind::Dev, false),
        dependency("maker", Kind::Build, false),
        dependency("tailored", Kind::Normal, false),
    ];
    for dependency in found {
        let at = expected.iter().position(|other| *other == dependency);
        expected.remove(at.unwrap_or_else(|| panic!("not expected: {dependency:?}")));
    }
    assert_eq!(expected, []);
}
