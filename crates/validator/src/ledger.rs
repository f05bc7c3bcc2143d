//! What must the next header say? Builds the next block, checks a proposed one field by field, and
//! keeps the chain of decided blocks with the state, the sets and the history they lead to.

mod execute;
mod fault;
mod handovers;
mod names;
mod rules;
mod underlay;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use qratum_chain::{
    Hash,
    codec::Encode,
    ledger::{Body, Draft, Place, recent::Ancestor},
    schedule::{is_boundary, proposer, set_of},
    state::{Pending, StateMap},
    types::{
        BlockId, Certificate, ChainId, ChainParams, Engine, Genesis, Header, Height, LightBlock,
        MAX_HANDOVER_MEMBERS, Round, SetId, Time, ValidatorSet,
    },
};
use qratum_crypto::merkle::{self, Sha3, Tree};
use qratum_verifier::Rules;

pub use self::fault::{EvidenceFault, Fault, LedgerError, Standing};
use crate::{
    block::{Block, Decided},
    quorum,
    snapshot::{self, Founded, Snapshot, SnapshotFault},
};

/// How many blocks are kept at least: whoever was away for less catches up block by block.
pub const RETAINED: u64 = 1000;
/// So many times as many blocks are kept at most, where no snapshot can be taken since a hand-over lacks
/// signatures: whoever was away may hold the keys that are missing, and is to have time to come back.
/// With [`RETAINED`] these are some three hours of a chain with a block a second, and 1.3 GB at the very
/// most.
pub const LACKING: u64 = 10;
/// How far a fresh proposal's time may be ahead of the own clock, in milliseconds.
pub const MAX_AHEAD_MS: u64 = 500;
/// The largest message delay: how far a fresh proposal's time may lie behind the own clock, in
/// milliseconds.
pub const MAX_DELAY_MS: u64 = 3_000;

/// The chain as one validator knows it, from genesis to its tip.
#[derive(Debug)]
pub struct Ledger {
    rules: Rules,
    /// What this chain starts from.
    genesis: Genesis,
    first_set: ValidatorSet,
    /// Each set that differs from the one before it, by its number.
    later_sets: BTreeMap<SetId, ValidatorSet>,
    /// The header below the blocks: that of genesis, or of the newest block that was dropped.
    below: Header,
    /// The newest blocks, in height order.
    blocks: VecDeque<Decided>,
    /// How many of them are kept at least.
    retained: u64,
    /// The ends of all sets, and where the blocks were founded: light nodes need them for ever.
    ends: BTreeMap<Height, (Header, Certificate)>,
    /// The blocks of those whose hand-over is to have ML-DSA signatures, and has not enough yet.
    lacking: BTreeMap<Height, Decided>,
    /// The newest snapshot, with the height of its checkpoint.
    snapshot: Option<(Height, Arc<Vec<u8>>)>,
    /// The one that is taken next, without its path, once all sets up to it were handed over.
    due: Option<(Height, Snapshot)>,
    state: StateMap,
    /// Leaves are the ids of all headers up to the tip.
    history: Tree<Sha3>,
    /// In which block each transaction stands, and at which place.
    txos: BTreeMap<Hash, (Height, usize)>,
}

/// What a block leads to.
struct Outcome {
    state: Pending,
    /// The next set, where it differs.
    next: Option<ValidatorSet>,
}

impl Ledger {
    /// The ledger of a chain without blocks.
    ///
    /// # Errors
    /// [`LedgerError::Genesis`], [`LedgerError::Unsupported`].
    pub fn new(genesis: &Genesis) -> Result<Self, LedgerError> {
        let first_set = genesis.validator_set().map_err(LedgerError::Genesis)?;
        if genesis.params.engine != Engine::Tendermint {
            return Err(LedgerError::Unsupported("HotStuff certificates"));
        }
        let members = first_set.members();
        let registered = members.iter().filter(|member| member.has_pq_key()).count();
        if registered > MAX_HANDOVER_MEMBERS {
            return Err(LedgerError::Unsupported("ML-DSA hand-overs of so many validators"));
        }
        // The chain could go on with the votes of those without a key, while light nodes wait for ever for
        // the signature of one that has it, or has registered one that nobody holds.
        if registered != 0 && registered != members.len() {
            return Err(LedgerError::Unsupported("ML-DSA keys of only some validators"));
        }
        genesis.verify_enrolments().map_err(LedgerError::Genesis)?;
        let header = genesis.header().map_err(LedgerError::Genesis)?;
        let state = genesis.state().map_err(LedgerError::Genesis)?;
        let mut history = Tree::default();
        history.append(leaf(header.id()));
        Ok(Self {
            rules: Rules { chain_id: ChainId(header.id().0), params: genesis.params.clone() },
            genesis: genesis.clone(),
            first_set,
            later_sets: BTreeMap::new(),
            below: header,
            blocks: VecDeque::new(),
            retained: RETAINED,
            ends: BTreeMap::new(),
            lacking: BTreeMap::new(),
            snapshot: None,
            due: None,
            state,
            history,
            txos: BTreeMap::new(),
        })
    }

    /// The ledger of the same chain at the checkpoint of a snapshot, which is checked in full: see
    /// [`Snapshot::check`].
    ///
    /// # Errors
    /// [`SnapshotFault`].
    pub fn founded(&self, snapshot: Snapshot, now: Option<Time>) -> Result<Self, SnapshotFault> {
        let bytes = Arc::new(snapshot.to_bytes());
        let Founded { path, history, state } = snapshot.check(&self.genesis, now)?;
        let mut ledger = Self::new(&self.genesis).map_err(|_| SnapshotFault::State)?;
        for block in path {
            let LightBlock { header, certificate, next_validators, .. } = block;
            if let Some(next) = next_validators.and_then(|members| ValidatorSet::new(members).ok()) {
                ledger.later_sets.insert(ledger.set_id(header.height.next()), next);
            }
            ledger.below = header.clone();
            ledger.ends.insert(header.height, (header, certificate));
        }
        ledger.snapshot = Some((ledger.below.height, bytes));
        (ledger.retained, ledger.history, ledger.state) = (self.retained, history, state);
        Ok(ledger)
    }

    /// The same ledger, keeping so many blocks at least before it drops those below a checkpoint.
    #[must_use]
    pub fn retaining(mut self, blocks: u64) -> Self {
        self.retained = blocks;
        self
    }

    /// The newest snapshot, encoded, with the height of its checkpoint.
    #[must_use]
    pub const fn snapshot(&self) -> Option<&(Height, Arc<Vec<u8>>)> {
        self.snapshot.as_ref()
    }

    /// The lowest height whose block is kept.
    #[must_use]
    pub const fn lowest(&self) -> Height {
        self.below.height.next()
    }

    /// Which chain.
    #[must_use]
    pub const fn chain_id(&self) -> ChainId {
        self.rules.chain_id
    }

    /// The numbers the chain lives by.
    #[must_use]
    pub const fn params(&self) -> &ChainParams {
        &self.rules.params
    }

    /// The set that certifies the next height.
    #[must_use]
    pub fn set(&self) -> &ValidatorSet {
        self.set_at(self.tip().height.next())
    }

    /// The set that certifies `height`, which is at most the next one.
    #[must_use]
    pub fn set_at(&self, height: Height) -> &ValidatorSet {
        self.numbered(self.set_id(height))
    }

    /// What is registered after the tip.
    #[must_use]
    pub const fn registry(&self) -> Draft<'_> {
        Draft::new(&self.state)
    }

    fn numbered(&self, set_id: SetId) -> &ValidatorSet {
        self.later_sets.range(..=set_id).next_back().map_or(&self.first_set, |(_, set)| set)
    }

    /// The newest decided header, or that of genesis.
    #[must_use]
    pub fn tip(&self) -> &Header {
        self.blocks.back().map_or(&self.below, |decided| &decided.block.header)
    }

    /// The block decided at `height`, if it is kept.
    #[must_use]
    pub fn block(&self, height: Height) -> Option<&Decided> {
        self.blocks.get(usize::try_from(height.0.checked_sub(self.lowest().0)?).ok()?)
    }

    /// The header at `height` with its certificate: those of all blocks that are kept and of the ends
    /// of all sets.
    #[must_use]
    pub fn certified(&self, height: Height) -> Option<(&Header, &Certificate)> {
        let kept = self.block(height).map(|decided| (&decided.block.header, &decided.certificate));
        kept.or_else(|| self.ends.get(&height).map(|(header, certificate)| (header, certificate)))
    }

    /// The block at `height` as light nodes get it; at the end of a set that changes with the next one,
    /// and none where its hand-over lacks signatures: they would refuse it.
    #[must_use]
    pub fn light_block(&self, height: Height) -> Option<LightBlock> {
        let (header, certificate) = self.certified(height).filter(|_| !self.lacking.contains_key(&height))?;
        let (set, next) = (self.set_at(height), self.set_at(height.next()));
        Some(LightBlock {
            header: header.clone(),
            certificate: certificate.clone(),
            validators: set.members().to_vec(),
            next_validators: (next.hash() != set.hash()).then(|| next.members().to_vec()),
        })
    }

    /// The block in which the transaction of this id stands, and its place there.
    #[must_use]
    pub fn find(&self, id: &Hash) -> Option<(&Decided, usize)> {
        let (height, index) = self.txos.get(id)?;
        Some((self.block(*height)?, *index))
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

    /// The next block, as this validator would propose it first in `round`: with as much of what is
    /// offered, in its order, as can be carried out and has room.
    ///
    /// # Errors
    /// [`Fault::State`].
    pub fn build(&self, round: Round, now: Time, offered: &Body) -> Result<Block, Fault> {
        let last_certificate = self.certified(self.tip().height).map(|(_, certificate)| certificate.plain());
        let time = now.max(self.tip().time.plus(1));
        let body = self.choose(&self.place(time), offered);
        let outcome = self.carry_out(time, &body)?;
        let header = self.next_header((round, time), last_certificate.as_ref(), &body, &outcome);
        Ok(Block { header, last_certificate, body })
    }

    /// Takes over a decided block after checking all of it.
    ///
    /// # Errors
    /// [`LedgerError`]; the ledger is unchanged then. A damaged state map ([`Fault::State`]) makes it
    /// useless and the process must end.
    pub fn accept(&mut self, decided: Decided) -> Result<(), LedgerError> {
        let header = &decided.block.header;
        let round = decided.certificate.commit().map_or(Round(0), |commit| commit.round);
        let outcome = self.judge(&decided.block, Standing::Certified(round)).map_err(LedgerError::Fault)?;
        let ends_set = is_boundary(header.height, self.params().set_length);
        quorum::verify_kept(self.set(), header, &decided.certificate, ends_set)
            .map_err(LedgerError::Certificate)?;
        let (height, id) = (header.height, header.id());
        self.state.commit(outcome.state);
        if let Some(next) = outcome.next {
            self.later_sets.insert(self.set_id(height.next()), next);
        }
        self.history.append(leaf(id));
        self.list(&decided);
        self.keep(decided);
        Ok(())
    }

    /// Remembers where the transactions of a block stand.
    fn list(&mut self, decided: &Decided) {
        for (index, txo) in decided.block.body.transactions.iter().enumerate() {
            self.txos.insert(txo.body.id(), (decided.height(), index));
        }
    }

    fn keep(&mut self, decided: Decided) {
        let (height, header) = (decided.height(), &decided.block.header);
        if is_boundary(height, self.params().set_length) {
            self.ends.insert(height, (header.clone(), decided.certificate.clone()));
            if self.lacks_signatures(height, &decided.certificate) {
                self.lacking.insert(height, decided.clone());
            }
        }
        self.blocks.push_back(decided);
        if height.0.is_multiple_of(snapshot::EVERY) {
            self.due = Some((height, Snapshot::of(Vec::new(), &self.history, &self.state)));
        }
        self.checkpoint();
        self.drop_far_below(height, self.retained.saturating_mul(LACKING));
    }

    /// Takes the snapshot that is due, if every set up to it was handed over, and drops the blocks that
    /// nobody is to need any more.
    fn checkpoint(&mut self) {
        let lacking = self.lacking();
        let Some((height, snapshot)) = self.due.take_if(|(at, _)| lacking.is_none_or(|end| end > *at)) else {
            return;
        };
        let ends = self.ends.range(..height).map(|(end, _)| *end);
        let path = ends.filter(|end| is_boundary(*end, self.params().set_length)).chain([height]);
        let path = path.filter_map(|end| self.light_block(end)).collect();
        self.snapshot = Some((height, Arc::new(snapshot.along(path).to_bytes())));
        self.drop_far_below(height, self.retained);
    }

    /// Drops the blocks at `height` and below it but for the newest so many of them.
    fn drop_far_below(&mut self, height: Height, most: u64) {
        while self.below.height.0.saturating_add(most) < height.0
            && let Some(dropped) = self.blocks.pop_front()
        {
            for txo in &dropped.block.body.transactions {
                self.txos.remove(&txo.body.id());
            }
            self.below = dropped.block.header;
        }
    }

    /// The next block, to carry something out in, if it has this time.
    #[must_use]
    pub fn place(&self, time: Time) -> Place<'_> {
        let tip = self.tip();
        let parent = Ancestor { block_id: tip.id(), time: tip.time };
        let (chain_id, params, set) = (self.chain_id(), self.params(), self.set());
        Place { chain_id, params, height: tip.height.next(), time, parent, set }
    }

    fn next_header(
        &self,
        (round, time): (Round, Time),
        last_certificate: Option<&Certificate>,
        body: &Body,
        outcome: &Outcome,
    ) -> Header {
        let (parent, set) = (self.tip(), self.set());
        let height = parent.height.next();
        Header {
            chain_id: self.chain_id(),
            height,
            round,
            time,
            set_id: self.set_id(height),
            parent: parent.id(),
            last_certificate: last_certificate.map_or(Hash::ZERO, Certificate::hash),
            tx_root: body.tx_root(),
            state_root: outcome.state.root(),
            validators_hash: set.hash(),
            next_validators_hash: outcome.next.as_ref().unwrap_or(set).hash(),
            evidence_root: body.evidence_root(),
            history_root: self
                .history
                .root_at(self.history.size())
                .unwrap_or_else(merkle::empty_root::<Sha3>),
            proposer: proposer(set, height, round),
        }
    }

    pub(crate) const fn set_id(&self, height: Height) -> SetId {
        set_of(height, self.rules.params.set_length)
    }
}

fn leaf(id: BlockId) -> Hash {
    merkle::leaf_hash::<Sha3>(&id.0.0)
}

#[cfg(test)]
mod tests {
    use qratum_chain::{
        codec::Decode,
        ledger::{
            HEIGHT_KEY,
            registry::{Order, Refusal},
            slashing::EvidenceRefusal,
        },
        types::{EnrolmentFault, GenesisError, HotStuffRule, Offence, Registration, Retired, Status, Txo},
    };
    use qratum_verifier::{Reject, SetCache, Trusted, Verdict, quorum::Tally, verify};

    use super::*;
    use crate::{
        quorum::QuorumFault,
        testing::{self, POWERS, START, certificate, genesis, key, ledger},
    };

    const NOW: Time = Time(START.0 + 3_000);

    /// The next block on two others, as its proposer would build it in round 0.
    fn honest() -> (Ledger, Block) {
        let ledger = ledger(2);
        let block = ledger.build(Round(0), NOW, &Body::default()).unwrap();
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
        let mut many = genesis(&[1; MAX_HANDOVER_MEMBERS + 1]);
        for (member, number) in many.validators.iter_mut().zip(1..) {
            member.validator.pq_key_hash = Hash([number; 32]);
        }
        let too_many = LedgerError::Unsupported("ML-DSA hand-overs of so many validators");
        assert_eq!(Ledger::new(&many).unwrap_err(), too_many);
    }

    /// With keys of more than two thirds, one of them could withhold its signature for ever while the
    /// chain goes on with the votes of those who have no key.
    #[test]
    fn a_genesis_in_which_only_some_have_an_ml_dsa_key_is_refused() {
        for without in 0..POWERS.len() {
            let mut mixed = testing::genesis_of(&POWERS, true);
            mixed.validators[without].validator.pq_key_hash = Hash::ZERO;
            let some = LedgerError::Unsupported("ML-DSA keys of only some validators");
            assert_eq!(Ledger::new(&mixed).unwrap_err(), some, "{without}");
        }
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
        let block = first.build(Round(0), NOW, &Body::default()).unwrap();
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
        let late = ledger.build(Round(4), NOW, &Body::default()).unwrap();
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

    /// An order of validator v1.
    fn order(ledger: &Ledger, nonce: u64, order: &Order) -> Txo {
        testing::order(ledger, 1, nonce, order)
    }

    #[test]
    fn what_is_offered_is_carried_out_as_far_as_it_can_be() {
        let (mut ledger, _) = honest();
        let note = |nonce| order(&ledger, nonce, &Order::Note(vec![1]));
        let offered = Body {
            transactions: vec![note(1), note(0), note(0), note(1)],
            evidence: vec![
                testing::double_vote(&ledger, SetId(1), 0),
                testing::double_vote(&ledger, SetId(0), 0),
            ],
        };
        let block = ledger.build(Round(0), NOW, &offered).unwrap();
        let nonces: Vec<u64> = block.body.transactions.iter().map(|txo| txo.body.nonce).collect();
        assert_eq!((nonces, block.body.evidence.len()), (vec![0, 1], 1));
        let certificate = Certificate::Commit(certificate(&block.header, 4, &[0, 1, 2]));
        ledger.accept(Decided { block, certificate }).unwrap();
        let bytes = ledger.state().get(&Registration::state_key("v1")).unwrap();
        let registration = Registration::from_bytes(bytes).unwrap();
        let found = (registration.nonce, registration.status, registration.stake);
        assert_eq!(found, (2, Status::Jailed, 237_500));
    }

    #[test]
    fn a_body_that_cannot_be_carried_out_spoils_its_block() {
        let judged = |fill: &dyn Fn(&Ledger, &mut Body)| {
            let (ledger, mut block) = honest();
            fill(&ledger, &mut block.body);
            let header = &mut block.header;
            (header.tx_root, header.evidence_root) = (block.body.tx_root(), block.body.evidence_root());
            ledger.check(&block, Standing::Fresh { round: Round(0), now: NOW })
        };
        let note = |ledger: &Ledger, nonce| order(ledger, nonce, &Order::Note(Vec::new()));
        let fine = judged(&|ledger, body| body.transactions.push(note(ledger, 0)));
        assert_eq!(fine, Err(Fault::StateRoot), "but the header says that nothing happened");
        let nonce = judged(&|ledger, body| body.transactions = vec![note(ledger, 0), note(ledger, 0)]);
        assert_eq!(nonce, Err(Fault::Transaction(1, Refusal::Nonce { want: 1 })));
        let future = judged(&|ledger, body| body.evidence.push(testing::double_vote(ledger, SetId(7), 0)));
        assert_eq!(future, Err(Fault::Evidence(0, EvidenceFault::Refused(EvidenceRefusal::Future))));
        let repeated = judged(&|ledger, body| {
            body.evidence =
                vec![testing::double_vote(ledger, SetId(0), 0), testing::double_vote(ledger, SetId(0), 0)];
        });
        assert_eq!(repeated, Err(Fault::Evidence(1, EvidenceFault::Refused(EvidenceRefusal::Repeated))));
        let unproven = judged(&|ledger, body| {
            let Offence::DoubleVote(mut votes) = testing::double_vote(ledger, SetId(0), 0) else {
                unreachable!()
            };
            votes.second.signature.0[7] ^= 1;
            body.evidence.push(Offence::DoubleVote(votes));
        });
        let why = Reject::BadSignature { signer: 1 };
        assert_eq!(unproven, Err(Fault::Evidence(0, EvidenceFault::Unproven(why))));
    }

    /// A set changes at its end, and a light client that trusts genesis alone can follow.
    #[test]
    fn a_rotated_key_takes_over_at_the_end_of_the_set_and_light_clients_follow() {
        let mut ledger = ledger(2);
        let new = key(9);
        let offered =
            Body { transactions: vec![testing::rotation(&ledger, 1, 0, &new)], evidence: Vec::new() };
        for h in 3..=25u64 {
            let block = ledger.build(Round(0), START.plus(h * 1000), &offered).unwrap();
            let signers = if h > 20 { [0, 2, 3] } else { [0, 1, 2] };
            let certificate = Certificate::Commit(certificate(&block.header, 4, &signers));
            ledger.accept(Decided { block, certificate }).unwrap();
        }
        assert_eq!(ledger.set_at(Height(20)).index_of(&key(1).public()), Some(1));
        assert_eq!(ledger.set().index_of(&new.public()), Some(1));
        let roots = [19, 20, 21].map(|h| ledger.block(Height(h)).unwrap().block.header.next_validators_hash);
        assert!(roots[0] != roots[1] && roots[1] == roots[2]);
        let retired = ledger.state().get(&Retired::state_key(&key(1).public()));
        let retired = Retired::from_bytes(retired.unwrap()).unwrap();
        assert_eq!((retired.last_set, retired.time), (SetId(0), START.plus(20_000)));

        let served = |h| ledger.light_block(Height(h)).unwrap();
        assert_eq!(served(19).next_validators, None);
        let next = served(20).next_validators.unwrap();
        assert_eq!(next, ledger.set().members());
        let (mut trusted, rules) = Trusted::genesis(&genesis(&POWERS)).unwrap();
        let mut sets = SetCache::default();
        for h in [20, 25] {
            let verdict = verify(&served(h), &trusted, &rules, &mut sets, START.plus(30_000));
            let Verdict::Accept(accepted) = verdict else { panic!("{h}: {verdict:?}") };
            trusted = *accepted;
        }
        // What the old key did answers for itself in the new set too.
        let late =
            Body { transactions: Vec::new(), evidence: vec![testing::double_vote(&ledger, SetId(0), 3)] };
        let block = ledger.build(Round(0), START.plus(26_000), &late).unwrap();
        assert_eq!(block.body.evidence.len(), 1);
    }
}
