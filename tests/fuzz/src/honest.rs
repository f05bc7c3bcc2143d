//! What the targets test: the product, through one door for each target, so that a planted bug
//! can stand in the same place.

#![cfg_attr(feature = "planted", allow(dead_code, reason = "a planted bug stands in its place"))]

use qratum_chain::{
    Hash,
    codec::{Decode, Malformed},
    document::{self, Anchor, Bundle, DocumentError, Evidence, HeaderProof, StatementProof},
    ledger::registry::Order,
    state::StateProof,
    types::{
        Certificate, ChainedCertificate, Checkpoint, CommitCertificate, DoubleProposal, DoubleVote,
        ForkEvidence, Genesis, Header, LightBlock, PhaseCertificate, Proposal, Registration, SignedProposal,
        SignedVote, Time, Vote,
    },
};
use qratum_crypto::merkle::{self, ProofError, Sha3};
use qratum_light_node::{
    ConfigError, Peer, peers_from_json,
    wire::{Request, Response},
};
use qratum_validator::{engine::Entry, message, snapshot::Snapshot};
use qratum_verifier::sync::{Progress, Sync};

use crate::members::Members;

macro_rules! decoders {
    ($($name:ident: $type:ty),* $(,)?) => {
        $(pub(crate) fn $name(data: &[u8]) -> Result<$type, Malformed> {
            <$type>::from_bytes(data)
        })*
    };
}

decoders! {
    header: Header,
    vote: Vote,
    proposal: Proposal,
    signed_vote: SignedVote,
    signed_proposal: SignedProposal,
    validators: Members,
    commit: CommitCertificate,
    certificate: Certificate,
    chained: ChainedCertificate,
    phase: PhaseCertificate,
    light_block: LightBlock,
    checkpoint: Checkpoint,
    order: Order,
    snapshot: Snapshot,
    registration: Registration,
    double_vote: DoubleVote,
    double_proposal: DoubleProposal,
    fork: ForkEvidence,
    request: Request,
    response: Response,
    consensus_request: message::Request,
    consensus_reply: message::Reply,
    journal: Entry,
}

pub(crate) fn peers(text: &[u8]) -> Result<Vec<Peer>, ConfigError> {
    peers_from_json(text)
}

pub(crate) fn state_proof_holds(proof: &StateProof, root: Hash, key: &[u8], value: Option<&[u8]>) -> bool {
    proof.verify(root, key, value).is_ok()
}

pub(crate) fn header_to_json(proof: &HeaderProof) -> Result<String, DocumentError> {
    proof.to_json()
}

pub(crate) fn genesis_to_json(genesis: &Genesis) -> Result<String, DocumentError> {
    document::genesis_to_json(genesis)
}

pub(crate) fn evidence_to_json(evidence: &Evidence) -> Result<String, DocumentError> {
    evidence.to_json()
}

pub(crate) fn proof_to_json(proof: &StatementProof) -> Result<String, DocumentError> {
    proof.to_json()
}

pub(crate) fn bundle(text: &[u8]) -> Result<Bundle, DocumentError> {
    Bundle::from_json(text)
}

pub(crate) fn anchor_to_json(anchor: &Anchor) -> Result<String, DocumentError> {
    anchor.to_json()
}

pub(crate) fn inclusion(leaf: Hash, place: (u64, u64), proof: &[Hash], root: Hash) -> Result<(), ProofError> {
    merkle::verify_inclusion::<Sha3>(leaf, place.0, place.1, proof, root)
}

pub(crate) fn answer(sync: &mut Sync, block: LightBlock, now: Time) -> Progress {
    sync.answer(block, now)
}
