//! `make simulate SEEDS=FROM..TO`: a storm for each number; `--log` prints all events of each.

use std::{env, ops::Range, process::ExitCode};

use qratum_tests::simulation::storm;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let Some(seeds) = arguments.first().and_then(|text| range(text)) else {
        eprintln!("usage: simulate FROM..TO [--log]");
        return ExitCode::from(2);
    };
    let log = arguments.iter().any(|argument| argument == "--log");
    let mut broken = 0u64;
    for seed in seeds.clone() {
        match storm(seed) {
            Ok(net) if log => print!("{}", net.log()),
            Ok(_) => {}
            Err(why) => {
                broken += 1;
                println!("{why}");
            }
        }
    }
    println!("{} storms, {broken} broken", seeds.end.saturating_sub(seeds.start));
    if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn range(text: &str) -> Option<Range<u64>> {
    let (from, to) = text.split_once("..")?;
    Some(from.parse().ok()?..to.parse().ok()?)
}
