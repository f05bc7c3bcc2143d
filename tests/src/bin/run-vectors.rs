//! Runs test-vector files: `run-vectors PATH...`, each a file or a folder. A line for each case
//! that failed or that nothing here runs, then `N passed, N failed, N unsupported`. Exit 0 only when
//! nothing failed.

use std::{env, path::Path, process::ExitCode};

use qratum_tests::vectors::{Report, run_path};

fn main() -> ExitCode {
    let mut report = Report::default();
    let paths: Vec<_> = env::args_os().skip(1).collect();
    if paths.is_empty() {
        eprintln!("usage: run-vectors PATH...");
        return ExitCode::from(2);
    }
    paths.iter().for_each(|path| run_path(Path::new(path), &mut report));
    report.not_run.iter().for_each(|line| println!("unsupported: {line}"));
    report.failures.iter().for_each(|line| println!("FAILED: {line}"));
    println!("{}", report.summary());
    if report.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
