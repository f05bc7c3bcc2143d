//! How is a judgement told? The same way for every kind of document that is checked offline.

use qratum_chain::document::DocumentError;
use qratum_verifier::Reject;
use qratum_widgets::SafeText;
use serde::Serialize;

use crate::{
    exit::{Exit, Failure},
    output,
};

/// A judgement, as `--json` prints it.
#[derive(Debug, Serialize)]
pub(crate) struct Verdict {
    schema: &'static str,
    verdict: Word,
    /// The name of the rule that failed; null when none did.
    pub(crate) reason: Option<&'static str>,
    /// The same in words.
    pub(crate) text: String,
    /// Height that the document speaks of; verified only as far as the verdict says.
    pub(crate) height: Option<u64>,
    /// Block id that it speaks of, likewise.
    pub(crate) block_id: Option<String>,
    /// What was trusted: the block id of the anchor.
    pub(crate) anchor: String,
    /// The time it was judged at.
    pub(crate) at_ms: u64,
}

/// The four judgements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Word {
    Verified,
    Expired,
    Refused,
    Malformed,
}

impl Word {
    const fn exit(self) -> Exit {
        match self {
            Self::Verified => Exit::Done,
            Self::Expired => Exit::Expired,
            // Whoever asks whether to believe a file is told the same of one that is damaged.
            Self::Refused | Self::Malformed => Exit::Refused,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Expired => "expired",
            Self::Refused => "refused",
            Self::Malformed => "malformed",
        }
    }
}

impl Verdict {
    /// A judgement that blames no rule.
    pub(crate) const fn of(verdict: Word, text: String, anchor: String, at_ms: u64) -> Self {
        let schema = "qratum/verdict/v1";
        Self { schema, verdict, reason: None, text, height: None, block_id: None, anchor, at_ms }
    }

    /// The same, by the rule of this name.
    pub(crate) fn by(self, reason: &'static str) -> Self {
        Self { reason: Some(reason), ..self }
    }

    /// A refusal by a rule of the verifier.
    pub(crate) fn refused(reject: &Reject, anchor: String, at_ms: u64) -> Self {
        let refused = Self::of(Word::Refused, reject.to_string(), anchor, at_ms);
        Self { reason: Some(reject.name()), ..refused }
    }

    /// A file that is no document.
    pub(crate) fn malformed(error: &DocumentError, anchor: String, at_ms: u64) -> Self {
        // The parser quotes the file.
        let text = SafeText::new(&error.to_string(), SafeText::SENTENCE).to_string();
        let malformed = Self::of(Word::Malformed, text, anchor, at_ms);
        Self { reason: Some("Malformed"), ..malformed }
    }

    /// Whether a rule failed.
    pub(crate) fn is_refusal(&self) -> bool {
        self.verdict == Word::Refused
    }

    /// Prints it, and says how the program ends.
    pub(crate) fn print(&self, json: bool) -> Result<Exit, Failure> {
        if json {
            output::json(self)?;
        } else {
            output::lines(&self.page())?;
        }
        Ok(self.verdict.exit())
    }

    fn page(&self) -> String {
        let mut page = format!("verdict   {}\n", self.verdict.name());
        if let Some(reason) = self.reason {
            page.push_str(&format!("reason    {reason}\n"));
        }
        for line in self.text.lines() {
            page.push_str(&format!("          {line}\n"));
        }
        if let (Some(height), Some(id)) = (self.height, &self.block_id) {
            let claimed = if matches!(self.verdict, Word::Refused) { "  (claimed)" } else { "" };
            page.push_str(&format!("height    {height}{claimed}\nblock id  {id}{claimed}\n"));
        }
        page.push_str(&format!("anchor    {}", self.anchor));
        page
    }
}
