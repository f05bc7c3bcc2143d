//! What the chain is made of. Nothing here has been verified: a type says what bytes mean, never
//! that they are true.

mod account;
mod anchor;
mod assertion;
mod biokey;
mod certificate;
mod chained;
mod credential;
mod endorsement;
mod enrolment;
mod evidence;
mod factors;
mod genesis;
mod governance;
mod header;
mod ids;
mod light_block;
mod name;
mod people;
mod policy;
mod possession;
mod registration;
mod txo;
mod validators;
mod vote;
mod words;

pub use account::{Account, AccountId, Role, Roles, Standing, Zone};
pub use anchor::Checkpoint;
pub use assertion::{AuthData, BadAssertion, assertion_message, client_data, client_data_hash};
pub use biokey::{BadBiokey, BiokeyKeys, BiokeySignatures};
pub use certificate::{Bitmap, Certificate, CommitCertificate, PqSignature};
pub use chained::{ChainedBlock, ChainedCertificate, HotStuffPhase, PhaseCertificate};
pub use credential::{Attestation, Credential, CredentialKey, CredentialStatus, Device, NewCredential};
pub use endorsement::{Endorsement, MAX_OPERATORS, OperatorKey};
pub use enrolment::{Enrolment, EnrolmentFault, Proofs, Purpose, STAKE_UNIT, power_of};
pub use evidence::{DoubleProposal, DoubleVote, ForkEvidence, Offence};
pub use factors::Factors;
pub use genesis::{ChainParams, Engine, Genesis, GenesisError, GenesisValidator, HotStuffRule};
pub use governance::{Governance, Parameter, Parameters, Upgrade};
pub use header::Header;
pub use ids::{
    BlockId, BlockRef, ChainId, CredentialId, Height, MotionId, PersonId, RequestId, Round, SetId, Time,
};
pub use light_block::LightBlock;
pub use name::{MAX_NAME, is_name};
pub(crate) use people::who_can_act;
pub use people::{Accounts, People, PeopleFault};
pub use policy::{Class, Group, Policy, Rule, RuleFault};
pub use possession::{BadPossession, Enrolling, Possession, Scope};
pub use registration::{Jailed, KeyUse, Registration, Retired, Status};
pub use txo::{Seal, Sender, Txo, TxoBody, TxoClass};
pub use validators::{
    Jurisdiction, MAX_HANDOVER_MEMBERS, MAX_VALIDATORS, SetError, Validator, ValidatorSet, validators_hash,
};
pub use vote::{Phase, Proposal, SignedProposal, SignedVote, Vote};
pub(crate) use words::words;
