//! `make prove`: checks the models of quorums and hand-overs to the end, and says within which
//! bounds. The tests run the same in smaller bounds.

use std::process::ExitCode;

use qratum_tests::model::{
    Law,
    handover::{self, Bounds},
    quorum::{self, CORNERS},
    refinement,
};

fn main() -> ExitCode {
    let results = [quorums(), handovers(), steps()];
    if results.iter().all(|proven| *proven) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints a result with its bounds; false when it is a counterexample.
fn say<T: std::fmt::Display, E: std::fmt::Debug>(bounds: &str, result: Result<T, E>) -> bool {
    match &result {
        Ok(checked) => println!("  {checked}; bounds: {bounds}"),
        Err(broken) => println!("  BROKEN: {broken:?}; bounds: {bounds}"),
    }
    result.is_ok()
}

fn quorums() -> bool {
    println!("two quorums share more than a third and an honest member; the honest alone are a quorum");
    let small = [1, 2, 3, 4, 5];
    let runs = [
        ("up to 6 members in any order, powers 1..=4", 6, small.get(..4).unwrap_or_default(), false),
        ("up to 7 members, powers 1..=5", 7, &small, true),
        ("up to 8 members, powers 1, 2, M/3, M/3 + 1, M - 1, M with M = 2^64 - 1", 8, CORNERS, true),
    ];
    let check = |members, powers, unordered| {
        quorum::check(quorum::Bounds { members, powers, unordered }, &Law::VERIFIER)
    };
    runs.map(|(bounds, members, powers, unordered)| say(bounds, check(members, powers, unordered)))
        .iter()
        .all(|proven| *proven)
}

fn handovers() -> bool {
    println!("no light client is led to a lie, with up to a third of each set at fault");
    let bounds = |keys, power, sets, set_length| Bounds { keys, power, sets, set_length };
    [bounds(5, 1, 3, 2), bounds(4, 2, 2, 2), bounds(3, 3, 3, 1), bounds(4, 1, 4, 1)]
        .map(|bounds| say(&bounds.to_string(), handover::search(bounds, &Law::VERIFIER)))
        .iter()
        .all(|proven| *proven)
}

fn steps() -> bool {
    println!("the step of the model is the step of the verifier");
    say("5 keys, 3 sets of 2 heights, drawn", refinement::compare(20_000))
}
