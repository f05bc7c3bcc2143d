//! What `make ct` has measured: does the time, or the path, of functions that secrets pass through depend
//! on them? Read from its report, and held against the build that runs here; nothing of it is known by
//! this program itself.

use std::{
    env,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::{file, home::Home};

/// What the report is called, in a home or else beside the program.
pub(crate) const NAME: &str = "constant-time.json";
/// No report is longer.
const MOST: usize = 1 << 20;
const SCHEMA: &str = "qratum/constant-time/v1";

/// A build of this program.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Build {
    pub(crate) version: String,
    /// None where it is not known.
    pub(crate) commit: Option<String>,
    pub(crate) profile: String,
    pub(crate) arch: String,
}

impl Build {
    /// The one that runs here. Its commit is what the environment of the build said: `QRATUM_COMMIT`.
    pub(crate) fn own() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: option_env!("QRATUM_COMMIT").map(str::to_owned),
            profile: if cfg!(debug_assertions) { "dev" } else { "release" }.to_owned(),
            arch: env::consts::ARCH.to_owned(),
        }
    }
}

/// What was measured.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Audit {
    schema: String,
    /// What was measured.
    #[serde(flatten)]
    pub(crate) build: Build,
    pub(crate) time_ms: u64,
    /// Whether both methods ran, found every planted leak and no other.
    pub(crate) good: bool,
    pub(crate) operations: Vec<Operation>,
}

/// A function, and what both methods said of it; none where a method did not run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Operation {
    pub(crate) name: String,
    /// Whether it leaks on purpose, to be found.
    pub(crate) planted: bool,
    pub(crate) t_test: Option<Timed>,
    pub(crate) memcheck: Option<Checked>,
    /// Whether both methods said what is so.
    pub(crate) good: bool,
}

/// What the clock said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Timed {
    pub(crate) samples: u64,
    /// The largest |t|, in thousandths.
    pub(crate) t_milli: u64,
}

/// What memcheck said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Checked {
    /// Branches and addresses that depend on the secret.
    pub(crate) findings: u64,
}

/// What there is to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// No report.
    Nothing,
    /// A file that is none, and why.
    Unreadable(String),
    /// A report.
    Report(Audit),
}

impl Audit {
    /// In which ways the build that was measured is not `own`, or is not known to be.
    pub(crate) fn differs(&self, own: &Build) -> Option<String> {
        let Build { version, commit, profile, arch } = &self.build;
        let others = match (commit, &own.commit) {
            (Some(theirs), Some(ours)) if theirs == ours => None,
            (Some(theirs), Some(_)) => Some(format!("commit {theirs}")),
            (None, _) => Some("it was made of changes that no commit holds".to_owned()),
            (_, None) => Some("the commit of this build is not known".to_owned()),
        };
        let other =
            |what: &str, theirs: &str, ours: &str| (theirs != ours).then(|| format!("{what} {theirs}"));
        let named = [
            other("version", version, &own.version),
            other("profile", profile, &own.profile),
            other("architecture", arch, &own.arch),
        ];
        let words: Vec<String> = named.into_iter().flatten().chain(others).collect();
        (!words.is_empty()).then(|| words.join(", "))
    }
}

/// Looks for a report in the home, then beside the program.
pub(crate) fn find(home: &Home) -> Found {
    let beside = env::current_exe().ok().and_then(|own| Some(own.parent()?.join(NAME)));
    let places: Vec<PathBuf> = [home.path().join(NAME)].into_iter().chain(beside).collect();
    places.iter().find(|path| path.exists()).map_or(Found::Nothing, |path| read(path))
}

fn read(path: &Path) -> Found {
    let why = |text: String| Found::Unreadable(format!("{}: {text}", path.display()));
    let bytes = match file::read(path, MOST) {
        Ok(bytes) => bytes,
        Err(failure) => return Found::Unreadable(failure.text.unwrap_or_default()),
    };
    match serde_json::from_slice::<Audit>(&bytes) {
        Ok(audit) if audit.schema == SCHEMA => Found::Report(audit),
        Ok(audit) => why(format!("it is of the form {:?} and not {SCHEMA}", audit.schema)),
        Err(error) => why(format!("it is no report of make ct: {error}")),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::fs;

    use super::*;

    /// As `make ct` writes it, with another build in place of this one where `build` says so.
    pub(crate) fn report(build: &Build) -> String {
        let operation = |name: &str, planted: bool, t: u64, findings: u64, leaks: bool| {
            serde_json::json!({
                "name": name, "file": "crates/crypto/src/kdf/hmac.rs", "secret": "the key",
                "planted": planted,
                "t_test": { "samples": 11_204, "t_milli": t, "leaks": leaks },
                "memcheck": { "findings": findings, "places": [], "leaks": leaks },
                "good": planted == leaks,
            })
        };
        let Build { version, commit, profile, arch } = build;
        serde_json::json!({
            "schema": SCHEMA, "version": version, "commit": commit, "profile": profile, "arch": arch,
            "cpu": "a CPU", "time_ms": 1_795_220_000_000_u64, "load_milli": 210, "threshold_milli": 4500,
            "memcheck_tool": "valgrind-3.19.0", "good": true,
            "operations": [
                operation("hmac-sha3-512", false, 1_203, 0, false),
                operation("hkdf-sha3-512", false, 2_871, 0, false),
                operation("planted: comparison", true, 91_402, 3, true),
            ],
        })
        .to_string()
    }

    fn own() -> Build {
        Build { commit: Some("ab".repeat(20)), ..Build::own() }
    }

    pub(crate) fn audit(build: &Build) -> Audit {
        serde_json::from_str(&report(build)).unwrap()
    }

    #[test]
    fn another_build_is_told_by_what_differs() {
        let other = |change: fn(&mut Build)| {
            let mut build = own();
            change(&mut build);
            audit(&build).differs(&own())
        };
        assert_eq!(other(|_| ()), None);
        assert_eq!(other(|build| build.version = "9.9.9".to_owned()).as_deref(), Some("version 9.9.9"));
        assert_eq!(other(|build| build.profile = "fast".to_owned()).as_deref(), Some("profile fast"));
        assert_eq!(other(|build| build.arch = "z80".to_owned()).as_deref(), Some("architecture z80"));
        let commit = format!("commit {}", "cd".repeat(20));
        assert_eq!(other(|build| build.commit = Some("cd".repeat(20))), Some(commit));
        let unknown = other(|build| build.commit = None);
        assert_eq!(unknown.as_deref(), Some("it was made of changes that no commit holds"));
        let nameless = Build { commit: None, ..own() };
        let unknown = audit(&own()).differs(&nameless);
        assert_eq!(unknown.as_deref(), Some("the commit of this build is not known"));
    }

    #[test]
    fn a_report_is_read_from_the_home_and_what_is_none_says_why() {
        let folder = env::temp_dir().join(format!("qratum-audit-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        let home = Home::at(folder.clone());
        assert_eq!(find(&home), Found::Nothing);
        let found = |text: &str| {
            fs::write(folder.join(NAME), text).unwrap();
            find(&home)
        };
        assert_eq!(found(&report(&own())), Found::Report(audit(&own())));
        let why = |text: &str| match found(text) {
            Found::Unreadable(why) => why,
            other => panic!("{other:?}"),
        };
        assert!(
            why(&report(&own()).replace("qratum/", "another/"))
                .contains("of the form \"another/constant-time/v1\"")
        );
        for text in ["", "{}", "[1]", &report(&own()).replace("t_milli", "t")] {
            assert!(why(text).contains("it is no report of make ct"), "{text}");
        }
        assert!(why(&"x".repeat(MOST + 1)).contains("longer than"));
        fs::remove_dir_all(folder).unwrap();
    }
}
