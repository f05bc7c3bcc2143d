//! `qratum/anchor/v1`: a later place than genesis to start trusting from.

use serde::{Deserialize, Serialize};

use super::{DocumentError, header::StepJson, hex, parse};
use crate::types::{Checkpoint, LightBlock, Time};

const SCHEMA: &str = "qratum/anchor/v1";

/// A checkpoint and the block it pins. Whoever starts from it must have the block id from
/// elsewhere: the file vouches for nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// What is pinned.
    pub checkpoint: Checkpoint,
    /// The block, with its certificate and its sets.
    pub block: LightBlock,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    schema: String,
    /// The checkpoint, in the canonical encoding.
    checkpoint: String,
    block: StepJson,
}

impl Anchor {
    /// The anchor that pins `block` and is not to be started from after `not_after`.
    #[must_use]
    pub fn of(block: LightBlock, not_after: Time) -> Self {
        Self { checkpoint: Checkpoint::of(&block.header, not_after), block }
    }

    /// The document.
    ///
    /// # Errors
    /// [`DocumentError::Json`], which only an exhausted memory can cause.
    pub fn to_json(&self) -> Result<String, DocumentError> {
        let document = Document {
            schema: SCHEMA.to_owned(),
            checkpoint: hex::of(&self.checkpoint),
            block: StepJson::from(&self.block),
        };
        serde_json::to_string(&document).map_err(|error| DocumentError::Json(error.to_string()))
    }

    /// Reads a document. Whether the checkpoint pins the block is for the verifier to say.
    ///
    /// # Errors
    /// [`DocumentError`].
    pub fn from_json(text: &[u8]) -> Result<Self, DocumentError> {
        let document: Document = parse(text, SCHEMA)?;
        let checkpoint = hex::value(&document.checkpoint, "checkpoint")?;
        Ok(Self { checkpoint, block: document.block.read()? })
    }
}
