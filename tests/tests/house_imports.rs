//! No import circles inside a crate: two files that need each other are one file, or miss a third.
//!
//! Reads the `crate::` and `super::` paths of the production code of every crate, follows `pub use`
//! to the file that a name comes from, draws an arrow from file to file and fails on every strongly
//! connected group. A crate's root is left out: it names its modules, that is what it is for. Reads
//! lines, not grammar: the code is formatted (`make test` checks that first), so an item ends where
//! its indentation returns.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test file: a panic is the verdict"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// The files of a crate, under the paths of their modules (`types::header`).
#[derive(Default)]
struct Sources {
    /// What each file names.
    imports: BTreeMap<String, BTreeSet<String>>,
    /// Where a re-exported name comes from: `types::Header` from `types::header::Header`.
    exports: BTreeMap<String, String>,
}

impl Sources {
    fn add(&mut self, module: &str, source: &str) {
        let code = production(source);
        self.exports.extend(exports(module, &code));
        if !ROOTS.contains(&module) {
            self.imports.insert(module.to_owned(), imports(module, &code));
        }
    }
}

const ROOTS: &[&str] = &["lib", "main"];

/// Arrows from file to file.
type Graph<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// The code without comments and without items under `#[cfg(test)]`.
fn production(source: &str) -> String {
    let mut out = String::new();
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        if line.trim() == "#[cfg(test)]" {
            let indent = line.len() - line.trim_start().len();
            let ends = |line: &str| {
                let own = line.len() - line.trim_start().len() == indent;
                own && (line.trim_start().starts_with('}') || line.ends_with([';', '}']))
            };
            lines.by_ref().find(|line| ends(line));
            continue;
        }
        out.push_str(line.split("//").next().unwrap_or_default());
        out.push('\n');
    }
    out
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Every path that `text` opens with: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn paths(text: &str) -> Vec<String> {
    let text = text.trim_start();
    if let Some(group) = text.strip_prefix('{') {
        return members(group).into_iter().flat_map(paths).collect();
    }
    let (head, rest) = text.split_at(text.find(|c| !is_word(c)).unwrap_or(text.len()));
    match rest.strip_prefix("::") {
        Some(rest) => paths(rest).into_iter().map(|tail| format!("{head}::{tail}")).collect(),
        None => vec![head.to_owned()],
    }
}

/// The members of a group whose brace is open, split at its own commas only.
fn members(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut found) = (0_usize, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                found.push(group[start..at].trim());
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    found.retain(|member| !member.is_empty());
    found
}

/// The paths from the crate's root that `module` names through `crate::` and `super::`.
fn imports(module: &str, code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, keyword) in code.match_indices("crate::").chain(code.match_indices("super::")) {
        let before = &code[..at];
        if before.ends_with("super::") || before.ends_with(|c| is_word(c) || c == '$') {
            continue;
        }
        let mut base: Vec<&str> =
            if keyword == "crate::" { Vec::new() } else { module.split("::").collect() };
        let mut rest = &code[at..];
        while let Some(tail) = rest.strip_prefix("super::") {
            base.pop();
            rest = tail;
        }
        for path in paths(rest.strip_prefix("crate::").unwrap_or(rest)) {
            found.insert(base.iter().copied().chain([path.as_str()]).collect::<Vec<_>>().join("::"));
        }
    }
    found
}

/// What `module` re-exports from its children (`pub use child::Name`): its own path for the name,
/// and the child's.
fn exports(module: &str, code: &str) -> BTreeMap<String, String> {
    let base = if ROOTS.contains(&module) { String::new() } else { format!("{module}::") };
    let statements = code.split("pub use ").skip(1).map(|rest| rest.split(';').next().unwrap_or_default());
    let children = statements.flat_map(paths).filter(|path| !path.starts_with("crate::"));
    let children = children.map(|path| path.strip_prefix("self::").unwrap_or(&path).to_owned());
    let named = children.filter_map(|path| Some((path.rsplit_once("::")?.1.to_owned(), path)));
    named.map(|(name, path)| (format!("{base}{name}"), format!("{base}{path}"))).collect()
}

/// The file that a path leads into: the longest module of that name, re-exports followed.
fn file_of<'a>(path: &str, sources: &'a Sources) -> Option<&'a str> {
    let mut path = path;
    loop {
        if let Some((module, _)) = sources.imports.get_key_value(path) {
            return Some(module);
        }
        path = match sources.exports.get(path) {
            Some(origin) => origin,
            None => path.rsplit_once("::")?.0,
        };
    }
}

fn graph(sources: &Sources) -> Graph<'_> {
    let targets = |module: &str, paths: &BTreeSet<String>| {
        let files = paths.iter().filter_map(|path| file_of(path, sources));
        files.filter(|file| *file != module).collect()
    };
    sources.imports.iter().map(|(module, paths)| (module.as_str(), targets(module, paths))).collect()
}

/// Everything that can be reached from `start`.
fn reached<'a>(start: &str, graph: &Graph<'a>) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut open: Vec<&str> = graph[start].iter().copied().collect();
    while let Some(module) = open.pop() {
        if seen.insert(module) {
            open.extend(&graph[module]);
        }
    }
    seen
}

/// The groups of files that can each be reached from one another.
fn circles(sources: &Sources) -> BTreeSet<Vec<&str>> {
    let graph = graph(sources);
    let reach: BTreeMap<_, _> = graph.keys().map(|module| (*module, reached(module, &graph))).collect();
    let circle = |module: &&str| {
        let back = reach[*module].iter().copied().filter(|other| reach[other].contains(*module));
        back.collect::<Vec<_>>()
    };
    graph.keys().map(circle).filter(|group| !group.is_empty()).collect()
}

/// The sources below `dir`, which is `src` or a directory in it; `module` is its own path.
fn collect(dir: &Path, module: &[String], sources: &mut Sources) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let inner = [module, std::slice::from_ref(&name)].concat();
        if path.is_dir() {
            // Every file of `bin` is a crate of its own.
            if inner != ["bin"] {
                collect(&path, &inner, sources);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let own = if name == "mod" { module } else { &inner };
            sources.add(&own.join("::"), &fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn no_crate_has_an_import_circle() {
    let root = qratum_tests::root();
    let workspace: toml::Table = fs::read_to_string(root.join("Cargo.toml")).unwrap().parse().unwrap();
    for dir in workspace["workspace"]["members"].as_array().unwrap() {
        let mut sources = Sources::default();
        let dir = dir.as_str().unwrap();
        collect(&root.join(dir).join("src"), &[], &mut sources);
        assert_eq!(circles(&sources), BTreeSet::new(), "import circles in {dir}");
    }
}

#[test]
fn the_chain_has_the_arrows_that_a_reader_sees() {
    let mut sources = Sources::default();
    collect(&qratum_tests::root().join("crates/chain/src"), &[], &mut sources);
    assert!(
        graph(&sources)["types::certificate"].contains("types::vote"),
        "a scan that finds no arrow finds no circle"
    );
}

fn made_up(files: &[(&str, &str)]) -> Sources {
    let mut sources = Sources::default();
    files.iter().for_each(|(module, code)| sources.add(module, code));
    sources
}

#[test]
fn a_circle_of_three_through_groups_and_super_is_found() {
    let sources = made_up(&[
        ("a", "use crate::{b::{self, Thing}, other};"),
        ("b", "fn f() { crate::c::inner::g() }"),
        ("c", "pub struct Top;"),
        ("c::inner", "use super::super::a::Start;"),
        ("other", "use crate::c;"),
    ]);
    assert_eq!(circles(&sources), BTreeSet::from([vec!["a", "b", "c::inner"]]));
}

#[test]
fn a_child_and_its_parent_can_make_a_circle() {
    let sources = made_up(&[("c", "use crate::c::inner::g;"), ("c::inner", "use super::Top;")]);
    assert_eq!(circles(&sources), BTreeSet::from([vec!["c", "c::inner"]]));
}

#[test]
fn a_circle_behind_reexports_is_found() {
    let sources = made_up(&[
        ("lib", "pub mod t;\npub use t::{x::X};"),
        ("t", "mod x;\nmod y;\npub use self::{x::X, y::Y};"),
        ("t::x", "use super::Y;"),
        ("t::y", "use crate::X;"),
    ]);
    assert_eq!(circles(&sources), BTreeSet::from([vec!["t::x", "t::y"]]));
}

#[test]
fn tests_and_comments_make_no_arrow() {
    let code = "
//! See [`crate::b`].
fn f() {} // as in crate::b
#[cfg(test)]
use crate::b;
#[cfg(test)]
mod tests {
    use super::*;
    fn g() {
        crate::b::h();
    }
}
use crate::c::Kept;
";
    let sources = made_up(&[("a", code), ("b", "use crate::a;"), ("c", "")]);
    assert_eq!(graph(&sources)["a"], BTreeSet::from(["c"]));
    assert_eq!(circles(&sources), BTreeSet::new());
}
