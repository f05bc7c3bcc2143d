//! What every test of this package stands on: where the repository is, where the published vectors
//! are, and how a test says that it did not run.
//!
//! A test that cannot run is never silent: it calls [`skip`], and `make test` closes with a line for
//! each. Published vectors are not part of the repository; a machine without them still tests
//! everything else, and a CI run (`CI=true`) without them fails.

pub mod ceremony;
#[cfg(feature = "network")]
pub mod console;
pub mod constant_time;
pub mod forge;
#[cfg(feature = "network")]
pub mod mischief;
pub mod model;
#[cfg(feature = "network")]
pub mod processes;
pub mod residue;
#[cfg(feature = "network")]
pub mod simulation;
pub mod vectors;

use std::{
    env,
    ffi::OsString,
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// The top of the repository.
#[must_use]
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The directories of production code.
const SHIPPED: [&str; 5] = ["crates", "light-node", "widgets", "themes", "app"];

/// Every source file that ships, as its path from the top of the repository and its text: files of
/// tests only are left out.
///
/// # Errors
/// When a directory or a file cannot be read.
pub fn shipped_sources() -> io::Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = SHIPPED.map(|dir| root().join(dir)).into();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default();
            if path.is_dir() {
                if name != "tests" && name != "target" {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|end| end == "rs") && name != "tests.rs" {
                let shown = path.strip_prefix(root()).unwrap_or(&path).display().to_string();
                found.push((shown, fs::read_to_string(path)?));
            }
        }
    }
    Ok(found)
}

/// Where published vectors are looked for: `QRATUM_VECTORS`, else `../shared/vectors` beside the
/// repository. `None` when there is no such directory.
#[must_use]
pub fn vectors_dir() -> Option<PathBuf> {
    Some(vectors_path(env::var_os("QRATUM_VECTORS"), &root())).filter(|dir| dir.is_dir())
}

/// The text of the published set `name`, a file of [`vectors_dir`].
///
/// `None` when it is absent, after [`skip`] has said so: the test then returns without a verdict.
///
/// # Panics
/// When the set is absent and `CI` is set: a CI run that skips vectors proves nothing.
#[must_use]
pub fn published(name: &str) -> Option<String> {
    let path = vectors_path(env::var_os("QRATUM_VECTORS"), &root()).join(name);
    match read_published(&path, env::var_os("CI").is_some()) {
        Ok(found) => {
            if found.is_none() {
                skip(&format!("vectors/{name}"), "published set not found, its cases did not run");
            }
            found
        }
        #[expect(clippy::panic, reason = "a test's verdict: this crate is linked into tests only")]
        Err(error) => panic!("published set {name}: {error}"),
    }
}

/// Says that `name` did not run, and why: on the terminal, and as a line of the file named by
/// `QRATUM_SKIP_LOG`, from which `make test` makes its closing lines.
///
/// # Panics
/// When that file cannot be written: a skip that nobody hears of is worse than a failure.
pub fn skip(name: &str, reason: &str) {
    let line = skip_line(name, reason);
    eprint!("skipped {line}");
    if let Some(log) = env::var_os("QRATUM_SKIP_LOG") {
        let written = append(Path::new(&log), &line);
        #[expect(clippy::panic, reason = "a test's verdict: this crate is linked into tests only")]
        written.unwrap_or_else(|error| panic!("QRATUM_SKIP_LOG {}: {error}", Path::new(&log).display()));
    }
}

fn vectors_path(named: Option<OsString>, root: &Path) -> PathBuf {
    named.map_or_else(|| root.join("../shared/vectors"), PathBuf::from)
}

fn read_published(path: &Path, must_exist: bool) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !must_exist => Ok(None),
        Err(error) => Err(error),
    }
}

/// One line, whatever the reason holds: the closing list is read line by line.
fn skip_line(name: &str, reason: &str) -> String {
    format!("{name}: {}\n", reason.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// One write in append mode, so that tests in parallel processes do not mix their lines.
fn append(log: &Path, line: &str) -> io::Result<()> {
    OpenOptions::new().create(true).append(true).open(log)?.write_all(line.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_beside_the_repository_unless_named() {
        assert_eq!(vectors_path(None, Path::new("/r")), Path::new("/r/../shared/vectors"));
        assert_eq!(vectors_path(Some("/v".into()), Path::new("/r")), Path::new("/v"));
    }

    #[test]
    fn an_absent_set_is_an_error_only_where_it_must_exist() {
        let absent = root().join("no-such-set.json");
        assert_eq!(read_published(&absent, false).unwrap(), None);
        assert_eq!(read_published(&absent, true).unwrap_err().kind(), io::ErrorKind::NotFound);
        let present = root().join("Cargo.toml");
        assert!(read_published(&present, true).unwrap().unwrap().contains("[workspace]"));
    }

    #[test]
    fn a_skip_is_one_line_and_is_appended() {
        let log = env::temp_dir().join(format!("qratum-skip-{}.log", std::process::id()));
        append(&log, &skip_line("a", "no\ntoken")).unwrap();
        append(&log, &skip_line("b", "no vectors")).unwrap();
        let text = fs::read_to_string(&log).unwrap();
        fs::remove_file(&log).unwrap();
        assert_eq!(text, "a: no token\nb: no vectors\n");
    }
}
