//! A client follows a chain of a million headers: `million [--changes N] [--length N] [--json FILE]`.

use std::{
    env, fs,
    io::{BufReader, BufWriter, Write as _, stdin, stdout},
    process::{Command, Stdio},
};

use cpu_time::ThreadTime;
use qratum_bench::{
    Outcome, argument,
    million::{
        client::{self, Report},
        peer::{Chain, Order},
    },
};
use serde_json::{Value, json};

/// Members of each set, of equal power.
const VALIDATORS: usize = 100;

/// The most memory that the client may ever have, in KiB.
const MEMORY_GOAL: u64 = 64 << 10;

fn main() -> Outcome<()> {
    if env::args().nth(1).as_deref() == Some("client") {
        return client::run(BufReader::new(stdin().lock()), BufWriter::new(stdout().lock()));
    }
    let number = |name: &str, default| -> Outcome<u64> {
        Ok(argument(name)?.map_or(Ok(default), |number| number.parse())?)
    };
    let (changes, length) = (number("--changes", 100)?, number("--length", 10_000)?);
    let mut runs = Vec::new();
    for order in [Order::KeptFirst, Order::NewFirst] {
        let start = ThreadTime::now();
        let chain = Chain::new(order, VALIDATORS, changes, length);
        let forged = start.elapsed().as_secs_f64();
        let report = serve_one(&chain)?;
        write!(stdout(), "{}", text(order, changes, &report, forged))?;
        runs.push(value(order, changes, &report));
    }
    if let Some(file) = argument("--json")? {
        let document = json!({"schema": "qratum/bench-million/v1", "runs": runs});
        fs::write(file, serde_json::to_vec_pretty(&document)?)?;
    }
    Ok(())
}

/// Starts a client as a process of its own and serves it until it reports.
fn serve_one(chain: &Chain) -> Outcome<Report> {
    let mut client = Command::new(env::current_exe()?)
        .arg("client")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let (answers, requests) = client.stdin.take().zip(client.stdout.take()).ok_or("no pipes")?;
    let report = chain.serve(BufReader::new(requests), &mut BufWriter::new(answers))?;
    if !client.wait()?.success() {
        return Err("the client failed".into());
    }
    Ok(serde_json::from_value(report)?)
}

const fn about(order: Order) -> &'static str {
    match order {
        Order::KeptFirst => "signed by the 60% that stayed and a few new ones",
        Order::NewFirst => "signed by the 40% that are new and a few others (worst case)",
    }
}

/// The most certificates that may be checked: one for each change, and the logarithm of the height.
const fn certificates_goal(changes: u64, report: &Report) -> u64 {
    changes + report.tip.next_power_of_two().trailing_zeros() as u64
}

fn text(order: Order, changes: u64, report: &Report, forged: f64) -> String {
    let mark = |met: bool| if met { "met" } else { "MISSED" };
    let most = certificates_goal(changes, report);
    format!(
        "{} headers, n={VALIDATORS}, {changes} set changes of 40% of the power, {}\n\
         \x20 certificates checked  {:>9}   (at most {most}: {})\n\
         \x20 light blocks fetched  {:>9}\n\
         \x20 bytes received        {:>9}\n\
         \x20 CPU time of the sync  {:>9.1} ms\n\
         \x20 heights proven        {:>9}\n\
         \x20 CPU time of a proof   {:>9.1} us, decoding and pipe included\n\
         \x20 peak memory           {:>9} KiB (at most {MEMORY_GOAL}: {})\n\
         \x20 (forged in {forged:.0} s)\n\n",
        report.tip,
        about(order),
        report.certificates,
        mark(report.certificates <= most),
        report.fetched,
        report.received,
        report.sync_us as f64 / 1e3,
        report.proven,
        report.proofs_us as f64 / report.proven.max(1) as f64,
        report.memory_kib,
        mark(report.memory_kib < MEMORY_GOAL),
    )
}

fn value(order: Order, changes: u64, report: &Report) -> Value {
    json!({
        "order": about(order),
        "set_changes": changes,
        "certificates_goal": certificates_goal(changes, report),
        "memory_goal_kib": MEMORY_GOAL,
        "report": report,
    })
}
