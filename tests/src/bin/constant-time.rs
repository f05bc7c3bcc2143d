//! `constant-time [--samples N] [--out FILE]`: tests whether what a function does depends on its
//! secret, by the clock over at least N (10,000) calls in each class, and by memcheck. A line for each
//! function on standard output, and the report in JSON into FILE. Exit 0 only when both methods found
//! every planted leak and no other.

use std::{
    env,
    error::Error,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use qratum_tests::constant_time::{
    cases, memcheck,
    report::{Operation, Report, load},
    t_test::{self, LEAST_SAMPLES},
};

/// What was asked for.
struct Asked {
    samples: usize,
    out: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [flag, name] = arguments.as_slice()
        && flag == memcheck::ARGUMENT
    {
        return exit(memcheck::run_marked(name).map(|()| true).map_err(Into::into));
    }
    let Some(asked) = asked(&arguments) else {
        eprintln!("usage: constant-time [--samples N] [--out FILE], N at least {LEAST_SAMPLES}");
        return ExitCode::from(2);
    };
    exit(run(&asked))
}

fn exit(good: Result<bool, Box<dyn Error>>) -> ExitCode {
    match good {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("constant-time: {error}");
            ExitCode::FAILURE
        }
    }
}

fn asked(arguments: &[String]) -> Option<Asked> {
    let mut asked = Asked { samples: LEAST_SAMPLES, out: None };
    for pair in arguments.chunks(2) {
        match pair {
            [flag, value] if flag == "--samples" => asked.samples = value.parse().ok()?,
            [flag, value] if flag == "--out" => asked.out = Some(value.into()),
            _ => return None,
        }
    }
    (asked.samples >= LEAST_SAMPLES).then_some(asked)
}

/// Whether all is as it must be.
fn run(asked: &Asked) -> Result<bool, Box<dyn Error>> {
    let (load, tool, this) = (load(), memcheck::tool()?, env::current_exe()?);
    let mut operations = Vec::new();
    for case in &cases::ALL {
        let clock = case.timed.then(|| t_test::test(case, asked.samples));
        let flow = tool.as_ref().map(|_| memcheck::check(&this, case)).transpose()?;
        operations.push(Operation::new(case, clock, flow));
    }
    let report = Report::new(load, tool, operations);
    io::stdout().write_all(report.table().as_bytes())?;
    if let Some(out) = &asked.out {
        fs::create_dir_all(out.parent().unwrap_or(Path::new(".")))?;
        fs::write(out, serde_json::to_string_pretty(&report)? + "\n")?;
    }
    Ok(report.good)
}
