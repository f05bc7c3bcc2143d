//! `qratum/header/v1`: a header with the proof that leads to it from an anchor.

use serde::{Deserialize, Serialize};

use super::{DocumentError, hex, parse};
use crate::{
    Hash,
    codec::{Decode, Malformed},
    types::{
        Bitmap, BlockId, Certificate, ChainId, ChainedBlock, ChainedCertificate, CommitCertificate, Header,
        Height, Jurisdiction, LightBlock, PhaseCertificate, PqSignature, Round, SetId, Validator,
    },
};

const SCHEMA: &str = "qratum/header/v1";

/// That a header stands in the history of a later, certified one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryProof {
    /// The certified head.
    pub head: LightBlock,
    /// Audit path of the header's id under `head.header.history_root`.
    pub audit_path: Vec<Hash>,
}

/// A header and what is said to prove it. Untrusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderProof {
    /// The header itself.
    pub header: Header,
    /// Its certificate; none at genesis, and where only later heads kept one.
    pub certificate: Option<Certificate>,
    /// The set under `header.validators_hash`.
    pub validators: Vec<Validator>,
    /// Hand-overs or skips that lead from the anchor to the first block that is certified here.
    pub path: Vec<LightBlock>,
    /// Where the header has no certificate: its place under a later head.
    pub history: Option<HistoryProof>,
}

impl HeaderProof {
    /// The document.
    ///
    /// # Errors
    /// [`DocumentError::Json`], which only an exhausted memory can cause.
    pub fn to_json(&self) -> Result<String, DocumentError> {
        serde_json::to_string(&HeaderJson::from(self)).map_err(|error| DocumentError::Json(error.to_string()))
    }

    /// Reads a document.
    ///
    /// # Errors
    /// [`DocumentError`].
    pub fn from_json(text: &[u8]) -> Result<Self, DocumentError> {
        parse::<HeaderJson>(text, SCHEMA)?.read()
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HeaderJson {
    schema: String,
    bytes: String,
    block_id: String,
    certificate: Option<CertificateJson>,
    validators: Vec<ValidatorJson>,
    path: Vec<StepJson>,
    history: Option<HistoryJson>,
}

impl From<&HeaderProof> for HeaderJson {
    fn from(proof: &HeaderProof) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            bytes: hex::of(&proof.header),
            block_id: proof.header.id().to_string(),
            certificate: proof.certificate.as_ref().map(CertificateJson::from),
            validators: proof.validators.iter().map(ValidatorJson::from).collect(),
            path: proof.path.iter().map(StepJson::from).collect(),
            history: proof.history.as_ref().map(|history| HistoryJson {
                head: StepJson::from(&history.head),
                audit_path: history.audit_path.iter().map(ToString::to_string).collect(),
            }),
        }
    }
}

impl HeaderJson {
    pub(super) fn read(&self) -> Result<HeaderProof, DocumentError> {
        if self.schema != SCHEMA {
            return Err(DocumentError::Schema(self.schema.chars().take(64).collect()));
        }
        let header: Header = hex::value(&self.bytes, "bytes")?;
        if hex::hash(&self.block_id, "block_id")? != header.id().0 {
            return Err(DocumentError::BlockId);
        }
        if self.certificate.is_some() && self.history.is_some() {
            return Err(DocumentError::TwoProofs);
        }
        Ok(HeaderProof {
            header,
            certificate: self.certificate.as_ref().map(CertificateJson::read).transpose()?,
            validators: validators(&self.validators)?,
            path: self.path.iter().map(StepJson::read).collect::<Result<_, _>>()?,
            history: self.history.as_ref().map(HistoryJson::read).transpose()?,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StepJson {
    bytes: String,
    certificate: CertificateJson,
    validators: Vec<ValidatorJson>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next_validators: Option<Vec<ValidatorJson>>,
}

impl From<&LightBlock> for StepJson {
    fn from(block: &LightBlock) -> Self {
        let list = |set: &Vec<Validator>| set.iter().map(ValidatorJson::from).collect();
        Self {
            bytes: hex::of(&block.header),
            certificate: CertificateJson::from(&block.certificate),
            validators: list(&block.validators),
            next_validators: block.next_validators.as_ref().map(list),
        }
    }
}

impl StepJson {
    pub(super) fn read(&self) -> Result<LightBlock, DocumentError> {
        Ok(LightBlock {
            header: hex::value(&self.bytes, "bytes")?,
            certificate: self.certificate.read()?,
            validators: validators(&self.validators)?,
            next_validators: self.next_validators.as_deref().map(validators).transpose()?,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HistoryJson {
    head: StepJson,
    audit_path: Vec<String>,
}

impl HistoryJson {
    fn read(&self) -> Result<HistoryProof, DocumentError> {
        let audit_path = self.audit_path.iter().map(|node| hex::hash(node, "audit_path"));
        Ok(HistoryProof { head: self.head.read()?, audit_path: audit_path.collect::<Result<_, _>>()? })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ValidatorJson {
    pubkey: String,
    power: u64,
    jurisdiction: String,
    since_set: u64,
    pq_key_hash: String,
}

impl From<&Validator> for ValidatorJson {
    fn from(validator: &Validator) -> Self {
        Self {
            pubkey: validator.pubkey.to_string(),
            power: validator.power,
            jurisdiction: validator.jurisdiction.to_string(),
            since_set: validator.since_set.0,
            pq_key_hash: validator.pq_key_hash.to_string(),
        }
    }
}

impl ValidatorJson {
    pub(super) fn read(&self) -> Result<Validator, DocumentError> {
        let letters: Option<[u8; 2]> = self.jurisdiction.as_bytes().try_into().ok();
        Ok(Validator {
            pubkey: hex::key(&self.pubkey, "pubkey")?,
            power: self.power,
            jurisdiction: letters
                .and_then(Jurisdiction::new)
                .ok_or(DocumentError::Malformed("validators", Malformed::Field("jurisdiction")))?,
            since_set: SetId(self.since_set),
            pq_key_hash: hex::hash(&self.pq_key_hash, "pq_key_hash")?,
        })
    }
}

fn validators(list: &[ValidatorJson]) -> Result<Vec<Validator>, DocumentError> {
    list.iter().map(ValidatorJson::read).collect()
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum CertificateJson {
    Commit(CommitJson),
    Handover(CommitJson),
    Chained(ChainedJson),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CommitJson {
    chain_id: String,
    set_id: u64,
    height: u64,
    round: u32,
    block_id: String,
    bitmap: String,
    signatures: Vec<String>,
    /// ML-DSA signatures of a hand-over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pq: Vec<PqJson>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChainedJson {
    blocks: Vec<BlockJson>,
    tip: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PqJson {
    signer: u32,
    key: String,
    signature: String,
}

/// A HotStuff block: our header, and HotStuff's height and justify in its own encoding.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BlockJson {
    height: u64,
    justify: String,
    bytes: String,
}

impl From<&Certificate> for CertificateJson {
    fn from(certificate: &Certificate) -> Self {
        match certificate {
            Certificate::Commit(commit) => Self::Commit(CommitJson::of(commit, &[])),
            Certificate::Handover(commit, pq) => Self::Handover(CommitJson::of(commit, pq)),
            Certificate::Chained(chained) => Self::Chained(ChainedJson {
                blocks: chained.blocks.iter().map(BlockJson::from).collect(),
                tip: hex::of(&chained.tip),
            }),
        }
    }
}

impl CertificateJson {
    fn read(&self) -> Result<Certificate, DocumentError> {
        match self {
            Self::Commit(json) if json.pq.is_empty() => json.commit().map(Certificate::Commit),
            Self::Commit(_) => Err(DocumentError::Malformed("pq", Malformed::Field("kind"))),
            Self::Handover(json) => {
                let pq = json.pq.iter().map(PqJson::read).collect::<Result<_, _>>()?;
                Ok(Certificate::Handover(json.commit()?, pq))
            }
            Self::Chained(json) => Ok(Certificate::Chained(ChainedCertificate {
                blocks: json.blocks.iter().map(BlockJson::read).collect::<Result<_, _>>()?,
                tip: hex::value(&json.tip, "tip")?,
            })),
        }
    }
}

impl CommitJson {
    fn of(commit: &CommitCertificate, pq: &[PqSignature]) -> Self {
        Self {
            chain_id: commit.chain_id.to_string(),
            set_id: commit.set_id.0,
            height: commit.height.0,
            round: commit.round.0,
            block_id: commit.block_id.to_string(),
            bitmap: ::hex::encode(&commit.bitmap.0),
            signatures: commit.signatures.iter().map(hex::of).collect(),
            pq: pq.iter().map(PqJson::from).collect(),
        }
    }

    fn commit(&self) -> Result<CommitCertificate, DocumentError> {
        let signatures = self.signatures.iter().map(|text| hex::signature(text, "signatures"));
        Ok(CommitCertificate {
            chain_id: ChainId(hex::hash(&self.chain_id, "chain_id")?),
            set_id: SetId(self.set_id),
            height: Height(self.height),
            round: Round(self.round),
            block_id: BlockId(hex::hash(&self.block_id, "block_id")?),
            bitmap: Bitmap(hex::bytes(&self.bitmap, "bitmap")?),
            signatures: signatures.collect::<Result<_, _>>()?,
        })
    }
}

impl From<&PqSignature> for PqJson {
    fn from(pq: &PqSignature) -> Self {
        Self { signer: pq.signer, key: ::hex::encode(&pq.key), signature: ::hex::encode(&pq.signature) }
    }
}

impl PqJson {
    fn read(&self) -> Result<PqSignature, DocumentError> {
        let mut bytes = self.signer.to_le_bytes().to_vec();
        bytes.extend(hex::bytes(&self.key, "key")?);
        bytes.extend(hex::bytes(&self.signature, "signature")?);
        PqSignature::from_bytes(&bytes).map_err(|why| DocumentError::Malformed("pq", why))
    }
}

impl From<&ChainedBlock> for BlockJson {
    fn from(block: &ChainedBlock) -> Self {
        Self { height: block.height, justify: hex::of(&block.justify), bytes: hex::of(&block.header) }
    }
}

impl BlockJson {
    fn read(&self) -> Result<ChainedBlock, DocumentError> {
        Ok(ChainedBlock {
            height: self.height,
            justify: hex::value::<PhaseCertificate>(&self.justify, "justify")?,
            header: hex::value(&self.bytes, "bytes")?,
        })
    }
}
