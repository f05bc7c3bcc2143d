//! What the chain is made of. Nothing here has been verified: a type says what bytes mean, never
//! that they are true.

mod anchor;
mod certificate;
mod chained;
mod endorsement;
mod enrolment;
mod evidence;
mod genesis;
mod header;
mod ids;
mod light_block;
mod name;
mod registration;
mod txo;
mod validators;
mod vote;

pub use anchor::Checkpoint;
pub use certificate::{Bitmap, Certificate, CommitCertificate, PqSignature};
pub use chained::{ChainedBlock, ChainedCertificate, HotStuffPhase, PhaseCertificate};
pub use endorsement::{Endorsement, MAX_OPERATORS, OperatorKey};
pub use enrolment::{Enrolment, EnrolmentFault, Proofs, Purpose, STAKE_UNIT, power_of};
pub use evidence::{DoubleProposal, DoubleVote, ForkEvidence, Offence};
pub use genesis::{ChainParams, Engine, Genesis, GenesisError, GenesisValidator, HotStuffRule};
pub use header::Header;
pub use ids::{BlockId, ChainId, Height, Round, SetId, Time};
pub use light_block::LightBlock;
pub use name::{MAX_NAME, is_name};
pub use registration::{Jailed, KeyUse, Registration, Retired, Status};
pub use txo::{Txo, TxoBody, TxoClass};
pub use validators::{Jurisdiction, MAX_VALIDATORS, SetError, Validator, ValidatorSet, validators_hash};
pub use vote::{Phase, Proposal, SignedProposal, SignedVote, Vote};
