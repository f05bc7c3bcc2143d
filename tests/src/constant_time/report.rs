//! What both methods said, as a table for people and as JSON for the console.

use std::{
    env,
    fmt::{self, Write as _},
    fs,
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::Serialize;

use super::{Case, memcheck, t_test};
use crate::root;

/// The name and version of the form.
pub const SCHEMA: &str = "qratum/constant-time/v1";

/// How many characters of the CPU's name are kept.
const MOST_CHARACTERS: usize = 100;

/// What was said of one case.
#[derive(Clone, Debug, Serialize)]
pub struct Operation {
    /// The name of the case.
    pub name: &'static str,
    /// The file of the code under test.
    pub file: &'static str,
    /// What of its input was secret.
    pub secret: &'static str,
    /// Whether it leaks on purpose.
    pub planted: bool,
    /// What the clock said; none where it was not asked.
    pub t_test: Option<t_test::Verdict>,
    /// What memcheck said; none without valgrind.
    pub memcheck: Option<memcheck::Verdict>,
    /// Whether every method said what is so: a planted leak is found, and nothing else leaks.
    pub good: bool,
}

impl Operation {
    /// What the methods said of `case`.
    #[must_use]
    pub fn new(case: &Case, t_test: Option<t_test::Verdict>, memcheck: Option<memcheck::Verdict>) -> Self {
        let Case { name, file, secret, planted, .. } = *case;
        let said = [t_test.as_ref().map(|said| said.leaks), memcheck.as_ref().map(|said| said.leaks)];
        let good = said.into_iter().flatten().all(|leaks| leaks == planted);
        Self { name, file, secret, planted, t_test, memcheck, good }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let t = |said: &t_test::Verdict| format!("|t| {}.{:03}", said.t_milli / 1000, said.t_milli % 1000);
        let clock = self.t_test.as_ref().map_or("not timed".to_owned(), t);
        let flow = self.memcheck.as_ref().map_or("not run".to_owned(), |said| said.findings.to_string());
        let word = match (self.planted, self.good) {
            (false, true) => "constant",
            (true, true) => "planted leak found",
            (false, false) => "LEAKS",
            (true, false) => "PLANTED LEAK NOT FOUND",
        };
        write!(f, "{:38} {clock:>12}   memcheck {flow:>7}   {word}", self.name)?;
        match &self.memcheck {
            Some(said) if !self.planted && said.leaks => write!(f, " in {}", said.places.join(", ")),
            _ => Ok(()),
        }
    }
}

/// The report.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    schema: &'static str,
    version: &'static str,
    /// The commit that was built; none where it is not known or the tree had changes.
    commit: Option<String>,
    profile: &'static str,
    arch: &'static str,
    cpu: Option<String>,
    time_ms: u64,
    /// How busy the machine was when it began: noise hides leaks from the clock.
    load_milli: Option<u64>,
    threshold_milli: u64,
    memcheck_tool: Option<String>,
    /// Whether both methods ran and every operation is as it must be.
    pub good: bool,
    /// Each operation.
    pub operations: Vec<Operation>,
}

impl Report {
    /// The report of `operations`, made now and on this machine, which was `load` busy.
    #[must_use]
    pub fn new(load: Option<f64>, memcheck_tool: Option<String>, operations: Vec<Operation>) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            commit: commit(),
            profile: if cfg!(debug_assertions) { "dev" } else { "release" },
            arch: env::consts::ARCH,
            cpu: cpu(),
            time_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
            load_milli: load.map(t_test::milli),
            threshold_milli: t_test::milli(t_test::THRESHOLD),
            good: memcheck_tool.is_some() && operations.iter().all(|operation| operation.good),
            memcheck_tool,
            operations,
        }
    }

    /// A line for each operation, and what is missing.
    #[must_use]
    pub fn table(&self) -> String {
        let mut table = String::new();
        for operation in &self.operations {
            let _written = writeln!(table, "{operation}");
        }
        if self.memcheck_tool.is_none() {
            table.push_str(
                "memcheck did not run: valgrind is not on this machine, half of the proof is missing\n",
            );
        }
        table
    }
}

/// How busy the machine is: the load average of the last minute.
#[must_use]
pub fn load() -> Option<f64> {
    fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
}

/// What the CPU calls itself.
fn cpu() -> Option<String> {
    let info = fs::read_to_string("/proc/cpuinfo").ok()?;
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "))?.1;
    Some(name.trim().chars().take(MOST_CHARACTERS).collect())
}

/// The commit of this tree, where no file differs from it.
fn commit() -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").current_dir(root()).args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    git(&["status", "--porcelain"])?.is_empty().then(|| git(&["rev-parse", "HEAD"])).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::constant_time::cases;

    fn said(planted: bool, clock: bool, flow: bool) -> Operation {
        let case = cases::ALL.iter().find(|case| case.planted == planted).unwrap();
        let places = vec!["crypto::compare".to_owned()];
        Operation::new(
            case,
            Some(t_test::Verdict { samples: 10_000, t_milli: 5_025, leaks: clock }),
            Some(memcheck::Verdict { findings: 1, places, leaks: flow }),
        )
    }

    #[test]
    fn it_is_good_only_if_both_methods_say_what_is_so() {
        let tool = Some("valgrind".to_owned());
        for (planted, clock, flow, good) in [
            (false, false, false, true),
            (false, true, false, false),
            (false, false, true, false),
            (true, true, true, true),
            (true, false, true, false),
            (true, true, false, false),
        ] {
            let operation = said(planted, clock, flow);
            assert_eq!(operation.good, good, "{operation}");
            assert_eq!(Report::new(None, tool.clone(), vec![operation]).good, good);
        }
        let half = Report::new(None, None, vec![said(false, false, false)]);
        assert!(!half.good && half.table().contains("valgrind is not on this machine"));
    }

    #[test]
    fn a_leak_is_shown_with_its_place_and_a_planted_one_without() {
        let shown = said(false, false, true).to_string();
        assert!(shown.ends_with("|t| 5.025   memcheck       1   LEAKS in crypto::compare"), "{shown}");
        assert!(said(true, true, true).to_string().ends_with("planted leak found"));
    }
}
