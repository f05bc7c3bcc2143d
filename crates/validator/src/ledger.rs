//! What must the next header say? Builds it, checks a proposed one field by field, and keeps the
//! chain of decided blocks with the state and history they lead to.

use core::fmt;

use qratum_chain::{
    Hash,
    schedule::{proposer, set_of},
    state::{Changes, Pending, StateError, StateMap},
    types::{
        BlockId, Certificate, ChainId, ChainParams, Engine, Genesis, GenesisError, Header, Height, Round,
        SetId, Time, Validator, ValidatorSet,
    },
};
use qratum_crypto::merkle::{self, Sha3, Tree};

use crate::{
    block::{Block, Decided},
    quorum::{self, QuorumFault},
};

/// State key under which each block writes its height, as 8 little-endian bytes.
pub const HEIGHT_KEY: &[u8] = b"height";
/// How far a fresh proposal's time may be ahead of the own clock, in milliseconds.
pub const MAX_AHEAD_MS: u64 = 500;
/// The largest message delay: how far a fresh proposal's time may lie behind the own clock, in
/// milliseconds.
pub const MAX_DELAY_MS: u64 = 3_000;

/// Why a block cannot be the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Of another chain.
    ChainId,
    /// Not one above the tip.
    Height,
    /// First proposed in another round than this proposal can claim.
    Round,
    /// Its time is not above the parent's, or too far from the own clock.
    Time {
        /// The least time that is accepted.
        from: Time,
        /// The greatest.
        to: Time,
    },
    /// Of another set.
    SetId,
    /// On another parent.
    Parent,
    /// `last_certificate` is not the hash of the certificate in the block.
    LastCertificate,
    /// The certificate in the block does not make the parent final.
    ParentCertificate(QuorumFault),
    /// Another root over the transactions.
    TxRoot,
    /// Another state after the block.
    StateRoot,
    /// Another set.
    ValidatorsHash,
    /// Another next set.
    NextValidatorsHash,
    /// Another root over the evidence.
    EvidenceRoot,
    /// Another history.
    HistoryRoot,
    /// From a proposer whose turn it was not.
    Proposer,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ChainId => "another chain",
            Self::Height => "not the next height",
            Self::Round => "another round",
            Self::Time { from, to } => return write!(f, "time outside {from} to {to}"),
            Self::SetId => "another set",
            Self::Parent => "another parent",
            Self::LastCertificate => "last_certificate is not the hash of the certificate it carries",
            Self::ParentCertificate(why) => return write!(f, "the parent's certificate: {why}"),
            Self::TxRoot => "another transaction root",
            Self::StateRoot => "another state root",
            Self::ValidatorsHash => "another validators hash",
            Self::NextValidatorsHash => "another next validators hash",
            Self::EvidenceRoot => "another evidence root",
            Self::HistoryRoot => "another history root",
            Self::Proposer => "another proposer",
        })
    }
}

/// With which claim a block stands before the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Proposed for the first time, in this round: its time must fit the own clock.
    Fresh {
        /// Round of the proposal.
        round: Round,
        /// The own clock.
        now: Time,
    },
    /// Proposed again with a proof-of-lock from this round. Its time was judged back then.
    Locked(Round),
    /// Said to be final in this round.
    Certified(Round),
}

/// Why a genesis gives no ledger, or a decided block cannot be taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LedgerError {
    /// The genesis breaks a rule.
    Genesis(GenesisError),
    /// The genesis asks for what this validator does not do: then light clients would refuse its
    /// blocks.
    Unsupported(&'static str),
    /// The block cannot be the next one.
    Fault(Fault),
    /// Its certificate does not make it final.
    Certificate(QuorumFault),
    /// The state map is damaged.
    State(StateError),
}

impl fmt::Display for LedgerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Genesis(why) => why.fmt(f),
            Self::Unsupported(what) => write!(f, "this validator does not do {what} yet"),
            Self::Fault(why) => why.fmt(f),
            Self::Certificate(why) => why.fmt(f),
            Self::State(why) => why.fmt(f),
        }
    }
}

/// The chain as one validator knows it, from genesis to its tip.
#[derive(Debug)]
pub struct Ledger {
    chain_id: ChainId,
    params: ChainParams,
    set: ValidatorSet,
    genesis: Header,
    /// The block of height h stands at h - 1.
    blocks: Vec<Decided>,
    state: StateMap,
    /// The state after the next block: it depends on the height alone.
    next_state: Pending,
    /// Leaves are the ids of all headers up to the tip.
    history: Tree<Sha3>,
}

impl Ledger {
    /// The ledger of a chain without blocks.
    ///
    /// # Errors
    /// [`LedgerError::Genesis`], [`LedgerError::Unsupported`], [`LedgerError::State`].
    pub fn new(genesis: &Genesis) -> Result<Self, LedgerError> {
        let set = genesis.validator_set().map_err(LedgerError::Genesis)?;
        if genesis.params.engine != Engine::Tendermint {
            return Err(LedgerError::Unsupported("HotStuff certificates"));
        }
        if set.members().iter().any(Validator::has_pq_key) {
            return Err(LedgerError::Unsupported("ML-DSA hand-overs"));
        }
        genesis.verify_enrolments().map_err(LedgerError::Genesis)?;
        let header = genesis.header().map_err(LedgerError::Genesis)?;
        let state = genesis.state().map_err(LedgerError::Genesis)?;
        let next_state = state.preview(&changes(Height(1))).map_err(LedgerError::State)?;
        let mut history = Tree::default();
        history.append(leaf(header.id()));
        Ok(Self {
            chain_id: ChainId(header.id().0),
            params: genesis.params.clone(),
            set,
            genesis: header,
            blocks: Vec::new(),
            state,
            next_state,
            history,
        })
    }

    /// Which chain.
    #[must_use]
    pub const fn chain_id(&self) -> ChainId {
        self.chain_id
    }

    /// The numbers the chain lives by.
    #[must_use]
    pub const fn params(&self) -> &ChainParams {
        &self.params
    }

    /// The set that certifies the next height. Constant for now; its number advances.
    #[must_use]
    pub const fn set(&self) -> &ValidatorSet {
        &self.set
    }

    /// The newest decided header, or that of genesis.
    #[must_use]
    pub fn tip(&self) -> &Header {
        self.blocks.last().map_or(&self.genesis, |decided| &decided.block.header)
    }

    /// The block decided at `height`.
    #[must_use]
    pub fn block(&self, height: Height) -> Option<&Decided> {
        self.blocks.get(usize::try_from(height.0.checked_sub(1)?).ok()?)
    }

    /// The state after the tip.
    #[must_use]
    pub const fn state(&self) -> &StateMap {
        &self.state
    }

    /// The tree over the ids of all headers up to the tip.
    #[must_use]
    pub const fn history(&self) -> &Tree<Sha3> {
        &self.history
    }

    /// The next block, as this validator would propose it first in `round`.
    #[must_use]
    pub fn build(&self, round: Round, now: Time) -> Block {
        let last_certificate = self.blocks.last().map(|decided| decided.certificate.clone());
        let time = now.max(self.tip().time.plus(1));
        Block { header: self.next_header(round, time, last_certificate.as_ref()), last_certificate }
    }

    /// Checks every field of `block` and the certificate it carries.
    ///
    /// # Errors
    /// [`Fault`], for the first rule that is broken.
    pub fn check(&self, block: &Block, standing: Standing) -> Result<(), Fault> {
        let Block { header, last_certificate } = block;
        let expected = self.next_header(header.round, header.time, last_certificate.as_ref());
        let fits = [
            (header.chain_id == expected.chain_id, Fault::ChainId),
            (header.height == expected.height, Fault::Height),
            (header.parent == expected.parent, Fault::Parent),
            (header.set_id == expected.set_id, Fault::SetId),
            (header.tx_root == expected.tx_root, Fault::TxRoot),
            (header.state_root == expected.state_root, Fault::StateRoot),
            (header.validators_hash == expected.validators_hash, Fault::ValidatorsHash),
            (header.next_validators_hash == expected.next_validators_hash, Fault::NextValidatorsHash),
            (header.evidence_root == expected.evidence_root, Fault::EvidenceRoot),
            (header.history_root == expected.history_root, Fault::HistoryRoot),
            (header.proposer == expected.proposer, Fault::Proposer),
            (header.last_certificate == expected.last_certificate, Fault::LastCertificate),
        ];
        if let Some((_, fault)) = fits.into_iter().find(|(fits, _)| !fits) {
            return Err(fault);
        }
        self.check_standing(header, standing)?;
        self.check_parent_certificate(last_certificate.as_ref())
    }

    /// Takes over a decided block after checking all of it.
    ///
    /// # Errors
    /// [`LedgerError`]; the ledger is unchanged then, except that a damaged state map
    /// ([`LedgerError::State`]) makes it useless and the process must end.
    pub fn accept(&mut self, decided: Decided) -> Result<(), LedgerError> {
        let header = &decided.block.header;
        let round = decided.certificate.commit().map_or(Round(0), |commit| commit.round);
        self.check(&decided.block, Standing::Certified(round)).map_err(LedgerError::Fault)?;
        quorum::verify_commit(&self.set, header, &decided.certificate).map_err(LedgerError::Certificate)?;
        let (height, id) = (header.height, header.id());
        let pending = self.state.preview(&changes(height)).map_err(LedgerError::State)?;
        self.state.commit(pending);
        self.next_state = self.state.preview(&changes(height.next())).map_err(LedgerError::State)?;
        self.history.append(leaf(id));
        self.blocks.push(decided);
        Ok(())
    }

    fn next_header(&self, round: Round, time: Time, last_certificate: Option<&Certificate>) -> Header {
        let parent = self.tip();
        let height = parent.height.next();
        let nothing = merkle::empty_root::<Sha3>();
        Header {
            chain_id: self.chain_id,
            height,
            round,
            time,
            set_id: self.set_id(height),
            parent: parent.id(),
            last_certificate: last_certificate.map_or(Hash::ZERO, Certificate::hash),
            tx_root: nothing,
            state_root: self.next_state.root(),
            validators_hash: self.set.hash(),
            next_validators_hash: self.set.hash(),
            evidence_root: nothing,
            history_root: self.history.root_at(self.history.size()).unwrap_or(nothing),
            proposer: proposer(&self.set, height, round),
        }
    }

    const fn set_id(&self, height: Height) -> SetId {
        set_of(height, self.params.set_length)
    }

    fn check_standing(&self, header: &Header, standing: Standing) -> Result<(), Fault> {
        let least = self.tip().time.plus(1);
        let (round_fits, from, to) = match standing {
            Standing::Fresh { round, now } => {
                let from = least.max(Time(now.0.saturating_sub(MAX_DELAY_MS)));
                (header.round == round, from, now.plus(MAX_AHEAD_MS))
            }
            Standing::Locked(round) | Standing::Certified(round) => {
                (header.round <= round, least, Time(u64::MAX))
            }
        };
        if !round_fits {
            return Err(Fault::Round);
        }
        if (from..=to).contains(&header.time) { Ok(()) } else { Err(Fault::Time { from, to }) }
    }

    fn check_parent_certificate(&self, certificate: Option<&Certificate>) -> Result<(), Fault> {
        match (self.blocks.last(), certificate) {
            (None, None) => Ok(()),
            (Some(parent), Some(certificate)) => {
                quorum::verify_commit(&self.set, &parent.block.header, certificate)
                    .map_err(Fault::ParentCertificate)
            }
            _ => Err(Fault::LastCertificate),
        }
    }
}

/// What the block at `height` does to the state.
fn changes(height: Height) -> Changes {
    Changes::from([(HEIGHT_KEY.to_vec(), Some(height.0.to_le_bytes().to_vec()))])
}

fn leaf(id: BlockId) -> Hash {
    merkle::leaf_hash::<Sha3>(&id.0.0)
}

#[cfg(test)]
mod tests {
    use qratum_chain::types::{EnrolmentFault, HotStuffRule};
    use qratum_verifier::quorum::Tally;

    use super::*;
    use crate::testing::{POWERS, START, certificate, genesis, ledger};

    const NOW: Time = Time(START.0 + 3_000);

    /// The next block on two others, as its proposer would build it in round 0.
    fn honest() -> (Ledger, Block) {
        let ledger = ledger(2);
        let block = ledger.build(Round(0), NOW);
        (ledger, block)
    }

    fn judge(fault: impl FnOnce(&mut Block)) -> Result<(), Fault> {
        let (ledger, mut block) = honest();
        fault(&mut block);
        ledger.check(&block, Standing::Fresh { round: Round(0), now: NOW })
    }

    #[test]
    fn a_genesis_whose_blocks_light_clients_would_refuse_is_refused_first() {
        let unsupported = |change: fn(&mut Genesis)| {
            let mut genesis = genesis(&POWERS);
            change(&mut genesis);
            Ledger::new(&genesis).unwrap_err()
        };
        assert_eq!(
            unsupported(|genesis| genesis.params.engine =
                Engine::HotStuff { chain: 1, rule: HotStuffRule::ThreeChain }),
            LedgerError::Unsupported("HotStuff certificates")
        );
        assert_eq!(
            unsupported(|genesis| genesis.validators[0].validator.pq_key_hash = Hash([1; 32])),
            LedgerError::Unsupported("ML-DSA hand-overs")
        );
    }

    #[test]
    fn a_genesis_without_enrolments_is_refused() {
        let mut genesis = genesis(&POWERS);
        genesis.validators[2].enrolment = None;
        let missing = GenesisError::Enrolment("v2".to_owned(), EnrolmentFault::Missing);
        assert_eq!(Ledger::new(&genesis).unwrap_err(), LedgerError::Genesis(missing));
    }

    #[test]
    fn what_is_built_is_accepted() {
        assert_eq!(judge(|_| {}), Ok(()));
        let first = ledger(0);
        let block = first.build(Round(0), NOW);
        assert_eq!(block.last_certificate, None);
        assert_eq!(block.header.last_certificate, Hash::ZERO);
        assert_eq!(first.check(&block, Standing::Fresh { round: Round(0), now: NOW }), Ok(()));
    }

    #[test]
    fn each_wrong_field_is_refused_for_its_own_reason() {
        let other = Hash([7; 32]);
        assert_eq!(judge(|b| b.header.chain_id = ChainId(other)), Err(Fault::ChainId));
        assert_eq!(judge(|b| b.header.height = Height(4)), Err(Fault::Height));
        assert_eq!(judge(|b| b.header.parent = BlockId(other)), Err(Fault::Parent));
        assert_eq!(judge(|b| b.header.set_id = SetId(1)), Err(Fault::SetId));
        assert_eq!(judge(|b| b.header.tx_root = other), Err(Fault::TxRoot));
        assert_eq!(judge(|b| b.header.state_root = other), Err(Fault::StateRoot));
        assert_eq!(judge(|b| b.header.validators_hash = other), Err(Fault::ValidatorsHash));
        assert_eq!(judge(|b| b.header.next_validators_hash = other), Err(Fault::NextValidatorsHash));
        assert_eq!(judge(|b| b.header.evidence_root = other), Err(Fault::EvidenceRoot));
        assert_eq!(judge(|b| b.header.history_root = other), Err(Fault::HistoryRoot));
        assert_eq!(judge(|b| b.header.proposer ^= 1), Err(Fault::Proposer));
        assert_eq!(judge(|b| b.header.last_certificate = other), Err(Fault::LastCertificate));
    }

    #[test]
    fn the_certificate_in_the_block_is_the_parents_and_a_quorum() {
        assert_eq!(judge(|b| b.last_certificate = None), Err(Fault::LastCertificate));
        let with = |height: u64, signers: &[u32]| {
            let (ledger, _) = honest();
            let header = &ledger.block(Height(height)).unwrap().block.header;
            let carried = Certificate::Commit(certificate(header, 4, signers));
            judge(|b| {
                b.header.last_certificate = carried.hash();
                b.last_certificate = Some(carried);
            })
        };
        assert_eq!(with(2, &[0, 1, 3]), Ok(()), "another quorum than the one we kept");
        assert_eq!(with(1, &[0, 1, 2]), Err(Fault::ParentCertificate(QuorumFault::OtherBlock)));
        let few = QuorumFault::NotEnough(Tally { signed: 55, total: 100 });
        assert_eq!(with(2, &[0, 1]), Err(Fault::ParentCertificate(few)));
    }

    #[test]
    fn a_fresh_time_is_near_the_own_clock_and_above_the_parents() {
        let time = |ms: i64| judge(|b| b.header.time = Time(NOW.0.checked_add_signed(ms).unwrap()));
        let outside = Err(Fault::Time { from: Time(START.0 + 2_001), to: Time(NOW.0 + 500) });
        assert_eq!(time(500), Ok(()));
        assert_eq!(time(501), outside);
        assert_eq!(time(-999), Ok(()));
        assert_eq!(time(-1000), outside, "the parent's time");

        let (ledger, block) = honest();
        let at =
            |late_ms| ledger.check(&block, Standing::Fresh { round: Round(0), now: Time(NOW.0 + late_ms) });
        assert_eq!(at(3_000), Ok(()));
        assert_eq!(at(3_001), Err(Fault::Time { from: Time(NOW.0 + 1), to: Time(NOW.0 + 3_501) }));
    }

    #[test]
    fn a_locked_block_keeps_its_time_and_round() {
        let (ledger, block) = honest();
        assert_eq!(ledger.check(&block, Standing::Locked(Round(3))), Ok(()));
        let late = ledger.build(Round(4), NOW);
        assert_eq!(ledger.check(&late, Standing::Locked(Round(3))), Err(Fault::Round));
        let fresh = Standing::Fresh { round: Round(5), now: NOW };
        assert_eq!(ledger.check(&late, fresh), Err(Fault::Round));
    }

    #[test]
    fn a_block_is_taken_over_with_a_quorum_of_its_own_only() {
        let (mut ledger, block) = honest();
        let (before, header) = (ledger.tip().clone(), block.header.clone());
        let mut offer = |signers: &[u32]| {
            let certificate = Certificate::Commit(certificate(&header, 4, signers));
            ledger.accept(Decided { block: block.clone(), certificate }).map(|()| ledger.tip().clone())
        };
        let few = QuorumFault::NotEnough(Tally { signed: 50, total: 100 });
        assert_eq!(offer(&[0, 3]), Err(LedgerError::Certificate(few)));
        assert_eq!(before.height, Height(2));
        assert_eq!(offer(&[1, 2, 3]), Ok(header.clone()));
        assert_eq!(offer(&[1, 2, 3]), Err(LedgerError::Fault(Fault::Height)), "not twice");
    }

    #[test]
    fn sets_are_numbered_and_the_height_is_in_the_state() {
        let ledger = ledger(21);
        let set_id = |height| ledger.block(Height(height)).unwrap().block.header.set_id;
        assert_eq!((set_id(20), set_id(21)), (SetId(0), SetId(1)));
        let (value, proof) = ledger.state().prove(HEIGHT_KEY).unwrap();
        assert_eq!(value.as_deref(), Some(21u64.to_le_bytes().as_slice()));
        assert_eq!(proof.verify(ledger.tip().state_root, HEIGHT_KEY, value.as_deref()), Ok(()));
    }
}
