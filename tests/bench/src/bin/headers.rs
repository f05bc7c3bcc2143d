//! Header verification next to its peers: `headers [--rounds N] [--json FILE]`.

use std::{fs, io::Write as _, time::Duration};

use qratum_bench::{
    Outcome, argument,
    clock::{Party, measure},
    ours::{Case, Distance},
    report::{self, PARTIES, Row},
    tendermint_peer,
};
use qratum_verifier::SetCache;

/// About how long one turn of a party lasts.
const BATCH: Duration = Duration::from_millis(20);

/// What the table cannot say.
const NOTES: &str = "
Who does what
  bytes       decode and verify one light block of exactly the least quorum
  warm, cold  the set cache knows the set already, or is empty: then the root of the set is computed
              and every key of the set, signer or not, is decoded and checked for its subgroup, once
              for the blocks of a set (3600 by default)
  bare batch  the batch equation over the same signatures with decoded keys, and nothing else
  dalek batch the batch of ed25519-dalek 3 over the same signatures: no cofactor, an outside measure
  batch off   bytes, warm, with the singles in the place of the batch (computed from the three)
  tendermint  tendermint-light-client-verifier 0.41 from decoded structures: no parsing is counted
Which checks differ
  both        chain, height above, time above, trusting period, clock drift, set against its root,
              certificate for this header, more than 2/3 of the set, more than 1/3 of the trusted set
              when skipping; equal signature counts (counted in this run)
  only ours   canonical decoding of bytes, set and proposer by schedule, parent when adjacent, round,
              last certificate in place, set change only at a boundary, exact bitmap; keys free of
              torsion, no key twice
  only theirs each vote has its own time, so a message for each signature; the root of the set is
              computed for every header, keys are decoded for every header (both are cached here)
  rule        ours cofactored, in one batch; theirs ZIP 215 (cofactored), one by one, stopping at 2/3
";

fn main() -> Outcome<()> {
    let rounds = argument("--rounds")?.map_or(Ok(32), |rounds| rounds.parse())?;
    let mut rows = Vec::new();
    for validators in [4, 100, 1000] {
        for distance in [Distance::Adjacent, Distance::Skipping] {
            rows.push(row(validators, distance, rounds)?);
        }
    }
    write!(std::io::stdout(), "{}{NOTES}", report::table(&rows)?)?;
    if let Some(file) = argument("--json")? {
        fs::write(file, serde_json::to_vec_pretty(&report::json(&rows))?)?;
    }
    Ok(())
}

fn row(validators: usize, distance: Distance, rounds: u32) -> Outcome<Row> {
    let (ours, theirs) =
        (Case::new(validators, distance)?, tendermint_peer::Case::new(validators, distance)?);
    let signatures = ours.signatures()?;
    let (count, checked) = (signatures.count(), theirs.signatures_checked()?);
    if count != checked {
        return Err(format!("the peer checks {checked} signatures, we check {count}").into());
    }
    let (mut warm, mut known) = (SetCache::default(), SetCache::default());
    let [bytes_warm, bytes_cold, decoded, batch, single, dalek, keys, tendermint] = PARTIES;
    let mut parties = [
        Party::new(bytes_warm, || ours.from_bytes(&mut warm)),
        Party::new(bytes_cold, || ours.from_bytes(&mut SetCache::default())),
        Party::new(decoded, || ours.from_decoded(&mut known)),
        Party::new(batch, || signatures.batch()),
        Party::new(single, || signatures.single()),
        Party::new(dalek, || signatures.dalek_batch()),
        Party::new(keys, || ours.make_set().map(drop)),
        Party::new(tendermint, || theirs.verify()),
    ];
    Row::new(validators, distance, count, measure(&mut parties, rounds, BATCH)?)
}
