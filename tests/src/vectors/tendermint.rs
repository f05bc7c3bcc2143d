//! Kind `light_client_trace`: runs of tendermint-rs's single-step light client, from its model.
//!
//! A trace is translated to our types and judged step by step: SUCCESS must be accepted,
//! NOT_ENOUGH_TRUST must be "not yet", INVALID and FAILED_TO_VERIFY must be refused.
//!
//! What carries over as it is: heights, times, validators and powers, next validators, rounds, the
//! trusting period, the clock. `set_length` is 1, so that any height may change the set. A faulty
//! part becomes an equally faulty part of ours: each Tendermint signature, header hash and set
//! hash is checked by Tendermint's own rules first, and where it is wrong there it is made wrong
//! here. Keys stay what they are by a seed derived from them, as theirs cannot sign our votes.
//!
//! What differs, and how it is met:
//! - Members stand in the order of Tendermint's sets (power falling, address rising); a commit has
//!   a place for each, and places outside of the set become bits outside of our bitmap's set.
//! - `parent` of a header just above the trusted one is the trusted block: the traces have no
//!   `last_block_id` to hold against it. Proposers are drawn by our rule; the model has none.
//! - The hash of the last commit, results and application is under the header's hash there, and
//!   becomes our `tx_root` here, so that two headers that differ there differ here.
//! - A header of another `chain_id`, or a vote for nil, carries over as ours.
//! - The clock drift is not in a trace; it is zero, as in the model.

mod forged;
mod hash;
mod read;

use qratum_verifier::{SetCache, Verdict, verify};

use super::{Fields, Outcome, Unreadable, same};
pub(super) fn run(case: &Fields<'_>) -> Result<Outcome, Unreadable> {
    let input = case.fields("in")?;
    let (rules, mut trusted) = forged::initial(&input.fields("initial")?)?;
    let sets = &mut SetCache::default();
    for (index, step) in input.list("input")?.iter().enumerate() {
        let step = Fields::of(step, "input")?;
        let block = read::Block::read(&step.fields("block")?)?;
        let light_block = forged::translated(&block, &trusted);
        let verdict = verify(&light_block, &trusted, &rules, sets, read::time(step.text("now")?)?);
        let got = match &verdict {
            Verdict::Accept(_) => "SUCCESS".to_owned(),
            Verdict::NotYet(_) => "NOT_ENOUGH_TRUST".to_owned(),
            Verdict::Reject(reject) => format!("INVALID ({})", reject.name()),
        };
        let expected = step.text("verdict")?;
        let refused =
            matches!(verdict, Verdict::Reject(_)) && matches!(expected, "INVALID" | "FAILED_TO_VERIFY");
        if !refused && expected != got {
            return Ok(same(&format!("verdict of step {index}"), expected, got));
        }
        if let Verdict::Accept(accepted) = verdict {
            trusted = *accepted;
        }
    }
    Ok(Outcome::Passed)
}
