//! `qratum verify`: does this file chain to the anchor? A header, what is said to rest on one, or
//! evidence.

use std::path::PathBuf;

use qratum_chain::{
    document::{DocumentError, HeaderProof, MAX_LENGTH, Statement, StatementProof},
    types::Time,
};
use qratum_verifier::{
    Reject,
    anchor::Start,
    proof::{self, Checked},
};

use super::{
    evidence,
    proof::told,
    verdict::{Verdict, Word},
};
use crate::{
    cli::VerifyArgs,
    exit::{Exit, Failure},
    file, home, time,
};

/// A header with its proof, and what is said to rest on it.
struct Document {
    header: HeaderProof,
    statement: Option<Statement>,
}

impl Document {
    fn from_json(text: &[u8]) -> Result<Self, DocumentError> {
        match HeaderProof::from_json(text) {
            Err(DocumentError::Schema(_)) => StatementProof::from_json(text)
                .map(|StatementProof { header, statement }| Self { header, statement: Some(statement) }),
            read => read.map(|header| Self { header, statement: None }),
        }
    }

    fn check(&self, start: &Start, now: Time) -> Result<Checked, Reject> {
        let checked = proof::check(&self.header, &start.anchor, &start.rules, now)?;
        let statement = self.statement.clone();
        statement.map_or(Ok(()), |statement| proof::stands(statement, &checked.header))?;
        Ok(checked)
    }

    fn judge(&self, start: &Start, now: Time) -> Verdict {
        let named = start.anchor.id().to_string();
        let mut verdict = match self.check(start, now) {
            Ok(Checked { expired, .. }) => accepted(expired || start.is_expired(now), named, now.0),
            Err(reject) => Verdict::refused(&reject, named, now.0),
        };
        if let Some(statement) = self.statement.as_ref().filter(|_| !verdict.is_refusal()) {
            verdict.text = format!("{}\n{}", verdict.text, told(statement).trim_end());
        }
        let header = &self.header.header;
        verdict.height = Some(header.height.0);
        verdict.block_id = Some(header.id().to_string());
        verdict
    }
}

/// Checks a document offline.
pub(crate) fn run(home: Option<PathBuf>, args: &VerifyArgs, json: bool) -> Result<Exit, Failure> {
    let start = home::trusted(home, args)?;
    let now = args.at.unwrap_or_else(time::now);
    let text = file::read(&args.file, MAX_LENGTH)?;
    let verdict = match Document::from_json(&text) {
        Ok(document) => document.judge(&start, now),
        Err(DocumentError::Schema(_)) => evidence::judge(&text, &start, now),
        Err(error) => Verdict::malformed(&error, start.anchor.id().to_string(), now.0),
    };
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
