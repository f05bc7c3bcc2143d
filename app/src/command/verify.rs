//! `qratum verify`: does this file chain to the anchor?

use std::path::PathBuf;

use qratum_chain::document::{HeaderProof, MAX_LENGTH};
use qratum_verifier::proof::{self, Checked};

use super::verdict::{Verdict, Word};
use crate::{
    cli::VerifyArgs,
    exit::{Exit, Failure},
    file, home, time,
};

/// Checks a header document offline.
pub(crate) fn run(home: Option<PathBuf>, args: &VerifyArgs, json: bool) -> Result<Exit, Failure> {
    let start = home::trusted(home, args)?;
    let now = args.at.unwrap_or_else(time::now);
    let named = start.anchor.id().to_string();
    let proof = match HeaderProof::from_json(&file::read(&args.file, MAX_LENGTH)?) {
        Ok(proof) => proof,
        Err(error) => return Verdict::malformed(&error, named, now.0).print(json),
    };
    let mut verdict = match proof::check(&proof, &start.anchor, &start.rules, now) {
        Ok(Checked { expired, .. }) => accepted(expired || start.is_expired(now), named, now.0),
        Err(reject) => Verdict::refused(&reject, named, now.0),
    };
    verdict.height = Some(proof.header.height.0);
    verdict.block_id = Some(proof.header.id().to_string());
    verdict.print(json)
}

fn accepted(expired: bool, anchor: String, at_ms: u64) -> Verdict {
    if expired {
        let text = "it chains to the anchor, but the anchor, or a step from it, was expired at that time";
        let mut verdict = Verdict::of(Word::Expired, text.to_owned(), anchor, at_ms);
        verdict.reason = Some("TrustExpired");
        return verdict;
    }
    let text = "it chains to the anchor, inside the trusting period";
    Verdict::of(Word::Verified, text.to_owned(), anchor, at_ms)
}
