//! Makes chains for tests: honest ones, and ones with exactly one fault.
//!
//! Everything is deterministic: keys come from seeds, times from heights. The chain is what a
//! light node sees; blocks carry no transactions, the state stays what genesis made it, and
//! `last_certificate` is a stand-in, as no light client can look behind it.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a fixture of tests: it stops where a test would"
)]

use std::collections::BTreeMap;

use qratum_chain::{
    Hash,
    codec::Encode,
    schedule,
    types::{
        Bitmap, BlockId, Certificate, ChainId, ChainParams, CommitCertificate, Enrolment, Genesis,
        GenesisValidator, Header, Height, Jurisdiction, LightBlock, Phase, PqSignature, Proofs, Round,
        STAKE_UNIT, SetId, SignedVote, Time, Validator, ValidatorSet, Vote,
    },
};
use qratum_crypto::{
    domain, hash,
    merkle::{self, Sha3, Tree},
    sign::{ed25519::SecretKey, ml_dsa},
};

/// A validator together with its secrets.
#[derive(Debug)]
pub struct Member {
    /// Signs votes.
    pub secret: SecretKey,
    /// Signs hand-overs, where registered.
    pub pq: Option<ml_dsa::SecretKey>,
    /// The public leaf.
    pub validator: Validator,
}

impl Member {
    /// The member of this seed, with this power and without an ML-DSA key.
    #[must_use]
    pub fn new(seed: u64, power: u64) -> Self {
        let secret = SecretKey::from_seed(&seed_bytes(seed));
        let validator = Validator {
            pubkey: secret.public(),
            power,
            jurisdiction: Jurisdiction::new(*b"CH").expect("two capitals"),
            since_set: SetId(0),
            pq_key_hash: Hash::ZERO,
        };
        Self { secret, pq: None, validator }
    }

    /// The same member with the ML-DSA key of the same seed registered.
    #[must_use]
    pub fn with_pq(mut self, seed: u64) -> Self {
        let pq = ml_dsa::SecretKey::from_seed(&seed_bytes(seed));
        self.validator.pq_key_hash = hash::tagged(domain::PQ_KEY, &[&pq.public()]);
        self.pq = Some(pq);
        self
    }
}

/// The seed of the key of this number.
#[must_use]
pub fn seed_bytes(seed: u64) -> [u8; 32] {
    hash::sha2_256(&seed.to_le_bytes()).0
}

/// The members of one set.
#[derive(Debug)]
pub struct Team {
    /// In index order.
    pub members: Vec<Member>,
}

impl Team {
    /// Members of the seeds `first ..`, one for each power.
    #[must_use]
    pub fn new(first: u64, powers: &[u64]) -> Self {
        Self { members: (first..).zip(powers).map(|(seed, power)| Member::new(seed, *power)).collect() }
    }

    /// The public leaves.
    #[must_use]
    pub fn validators(&self) -> Vec<Validator> {
        self.members.iter().map(|member| member.validator.clone()).collect()
    }

    /// The first members, in index order, that have more than two thirds of the power.
    #[must_use]
    pub fn least_quorum(&self) -> Vec<u32> {
        let total: u128 = self.members.iter().map(|m| u128::from(m.validator.power)).sum();
        let mut signed = 0u128;
        let mut signers = Vec::new();
        for (index, member) in (0u32..).zip(&self.members) {
            if 3 * signed > 2 * total {
                break;
            }
            signed += u128::from(member.validator.power);
            signers.push(index);
        }
        signers
    }

    /// A commit certificate for `header` at `round` by `signers`.
    #[must_use]
    pub fn commit(
        &self,
        chain_id: ChainId,
        header: &Header,
        round: Round,
        signers: &[u32],
    ) -> CommitCertificate {
        let mut commit = CommitCertificate {
            chain_id,
            set_id: header.set_id,
            height: header.height,
            round,
            block_id: header.id(),
            bitmap: Bitmap::of(self.members.len(), signers.iter().copied()),
            signatures: Vec::new(),
        };
        self.sign(&mut commit);
        commit
    }

    /// Signs what the certificate says now, by everyone in its bitmap.
    pub fn sign(&self, commit: &mut CommitCertificate) {
        let message = commit.vote().sign_bytes();
        let member = |signer: u32| self.members.get(signer as usize);
        commit.signatures =
            commit.bitmap.indexes().filter_map(member).map(|member| member.secret.sign(&message)).collect();
    }

    /// The ML-DSA signatures of those `signers` that registered a key, over the same vote.
    #[must_use]
    pub fn pq_signatures(&self, commit: &CommitCertificate, signers: &[u32]) -> Vec<PqSignature> {
        let message = commit.vote().sign_bytes();
        let sign = |signer: &u32| {
            let pq = self.members.get(*signer as usize)?.pq.as_ref()?;
            let signature = pq.sign(domain::HANDOVER, &message).ok()?;
            Some(PqSignature { signer: *signer, key: pq.public(), signature })
        };
        signers.iter().filter_map(sign).collect()
    }

    /// One member's signed vote.
    #[must_use]
    pub fn vote(&self, signer: u32, vote: Vote) -> SignedVote {
        let signature = self.members[signer as usize].secret.sign(&vote.sign_bytes());
        SignedVote { vote, signer, signature }
    }
}

/// A chain under construction.
#[derive(Debug)]
pub struct Forge {
    /// Its genesis.
    pub genesis: Genesis,
    /// Its id.
    pub chain_id: ChainId,
    /// Set k is `teams[k]`; the last one goes on for ever.
    pub teams: Vec<Team>,
    /// Ids of the headers made so far, as the history has them.
    pub history: Tree<Sha3>,
    headers: BTreeMap<Height, Header>,
    sets: Vec<ValidatorSet>,
    tip: Header,
}

/// When the genesis of every forged chain was made: 2026-01-01T00:00:00Z.
pub const GENESIS_TIME: Time = Time(1_767_225_600_000);

impl Forge {
    /// A chain with these parameters whose sets are `teams`, one after the other.
    ///
    /// # Panics
    /// When the teams make no valid genesis.
    #[must_use]
    pub fn new(params: ChainParams, teams: Vec<Team>) -> Self {
        let members = teams.first().map(Team::validators).unwrap_or_default();
        let named = (1..).zip(members).map(|(i, validator)| GenesisValidator {
            name: format!("v{i}"),
            validator,
            enrolment: None,
        });
        let genesis = Genesis {
            network: "forged".into(),
            demo: true,
            time: GENESIS_TIME,
            params,
            validators: named.collect(),
            people: None,
        };
        let tip = genesis.header().expect("a state that builds");
        let sets =
            teams.iter().map(|team| ValidatorSet::new(team.validators()).expect("a valid set")).collect();
        let mut forge = Self {
            chain_id: ChainId(tip.id().0),
            genesis,
            teams,
            history: Tree::default(),
            headers: BTreeMap::new(),
            sets,
            tip: tip.clone(),
        };
        forge.push(tip);
        forge
    }

    /// The genesis of this chain with its validators enrolled: another chain then.
    ///
    /// # Panics
    /// When there is no team.
    #[must_use]
    pub fn enrolled(&self) -> Genesis {
        let mut genesis = self.genesis.clone();
        for (seed, (named, member)) in
            (1000..).step_by(2).zip(genesis.validators.iter_mut().zip(&self.teams[0].members))
        {
            let [peer, operator] = [seed, seed + 1].map(|seed| SecretKey::from_seed(&seed_bytes(seed)));
            let mut enrolment = Enrolment {
                operator: format!("{}-operator", named.name),
                stake: member.validator.power * STAKE_UNIT,
                peer_key: peer.public(),
                operator_key: operator.public(),
                proofs: Proofs::MISSING,
            };
            let scope = enrolment.scope(&genesis.network, &named.name, &named.validator);
            enrolment.proofs = Proofs::sign(scope, &member.secret, &peer, &operator);
            named.enrolment = Some(enrolment);
        }
        genesis
    }

    /// A small chain of four validators (30, 25, 25, 20) that never change, grown to `heights`.
    #[must_use]
    pub fn small(heights: u64) -> Self {
        let params = ChainParams { set_length: 20, ..ChainParams::default() };
        Self::new(params, vec![Team::new(1, &[30, 25, 25, 20])]).grown(heights)
    }

    /// A chain whose sets of length 4 replace one of four equal validators each time.
    #[must_use]
    pub fn changing(sets: u64, heights: u64) -> Self {
        let params = ChainParams { set_length: 4, ..ChainParams::default() };
        let teams = (0..sets).map(|first| Team::new(first + 1, &[10; 4])).collect();
        Self::new(params, teams).grown(heights)
    }

    /// The same chain with headers up to `height`.
    #[must_use]
    pub fn grown(mut self, height: u64) -> Self {
        while self.tip.height < Height(height) {
            let next = self.next_header();
            self.push(next);
        }
        self
    }

    /// The header made at `height`.
    ///
    /// # Panics
    /// When the chain has not grown to it.
    #[must_use]
    pub fn header(&self, height: u64) -> Header {
        self.headers.get(&Height(height)).cloned().expect("grown to this height")
    }

    /// The team that certifies `height`.
    ///
    /// # Panics
    /// When there are no teams.
    #[must_use]
    pub fn team(&self, height: u64) -> &Team {
        let set = schedule::set_of(Height(height), self.genesis.params.set_length);
        self.team_of(set)
    }

    fn team_of(&self, set: SetId) -> &Team {
        self.teams.get(set.0 as usize).or(self.teams.last()).expect("at least one team")
    }

    /// The block at `height`, certified in its header's round by the least quorum.
    #[must_use]
    pub fn block(&self, height: u64) -> LightBlock {
        self.certified(self.header(height))
    }

    /// A block around any header, certified by the least quorum of the team of its height.
    #[must_use]
    pub fn certified(&self, header: Header) -> LightBlock {
        let signers = self.team(header.height.0).least_quorum();
        self.signed_by(header, &signers)
    }

    /// A block around any header, signed by these members of the team of its height.
    #[must_use]
    pub fn signed_by(&self, header: Header, signers: &[u32]) -> LightBlock {
        let team = self.team(header.height.0);
        let commit = team.commit(self.chain_id, &header, header.round, signers);
        let pq = team.pq_signatures(&commit, signers);
        let certificate = if pq.is_empty() || !self.ends_set(header.height) {
            Certificate::Commit(commit)
        } else {
            Certificate::Handover(commit, pq)
        };
        let next = self.team(header.height.0 + 1).validators();
        let changes = header.next_validators_hash != header.validators_hash;
        LightBlock {
            certificate,
            validators: team.validators(),
            next_validators: changes.then_some(next),
            header,
        }
    }

    /// The ends of sets below `height`: the hand-overs that lead to it.
    #[must_use]
    pub fn path_to(&self, height: u64) -> Vec<LightBlock> {
        (1..height).filter(|h| self.ends_set(Height(*h))).map(|h| self.block(h)).collect()
    }

    /// A time at which the whole chain made so far is fresh.
    #[must_use]
    pub fn now(&self) -> Time {
        self.tip.time.plus(1)
    }

    /// A precommit for `value` at the place of `header`.
    #[must_use]
    pub fn precommit(&self, header: &Header, value: Option<BlockId>) -> Vote {
        Vote {
            phase: Phase::Precommit,
            chain_id: self.chain_id,
            set_id: header.set_id,
            height: header.height,
            round: header.round,
            value,
        }
    }

    /// Draws the proposer anew, as after a change of height, round or set.
    pub fn redraw(&self, header: &mut Header) {
        let set = self.set(schedule::set_of(header.height, self.genesis.params.set_length));
        header.proposer = schedule::proposer(set, header.height, header.round);
    }

    fn set(&self, set: SetId) -> &ValidatorSet {
        self.sets.get(set.0 as usize).or(self.sets.last()).expect("at least one set")
    }

    fn ends_set(&self, height: Height) -> bool {
        schedule::is_boundary(height, self.genesis.params.set_length)
    }

    /// The same chain with `header` on top: for branches.
    #[must_use]
    pub fn with(mut self, header: Header) -> Self {
        self.push(header);
        self
    }

    /// The honest header above the newest.
    #[must_use]
    pub fn next_header(&self) -> Header {
        let height = self.tip.height.next();
        let nothing = merkle::empty_root::<Sha3>();
        let root_of = |height| self.set(schedule::set_of(height, self.genesis.params.set_length)).hash();
        let mut header = Header {
            chain_id: self.chain_id,
            height,
            round: Round(0),
            time: self.tip.time.plus(self.genesis.params.block_interval_ms),
            set_id: schedule::set_of(height, self.genesis.params.set_length),
            parent: self.tip.id(),
            last_certificate: Hash::ZERO,
            tx_root: nothing,
            state_root: self.tip.state_root,
            validators_hash: root_of(height),
            next_validators_hash: root_of(height.next()),
            evidence_root: nothing,
            history_root: self.history.root_at(height.0).unwrap_or_default(),
            proposer: 0,
        };
        if height >= Height(2) {
            header.last_certificate = hash::tagged(domain::CERTIFICATE, &[&self.tip.to_bytes()]);
        }
        self.redraw(&mut header);
        header
    }

    fn push(&mut self, header: Header) {
        self.history.append(merkle::leaf_hash::<Sha3>(&header.id().0.0));
        self.headers.insert(header.height, header.clone());
        self.tip = header;
    }
}
