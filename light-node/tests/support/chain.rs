//! A chain made for a test: as many blocks as asked for, certified by seeded keys, with a set that
//! may change at each boundary.

use qratum_chain::{
    Hash, schedule,
    types::{
        Bitmap, BlockId, Certificate, ChainId, ChainParams, CommitCertificate, Genesis, GenesisValidator,
        Header, Height, Jurisdiction, LightBlock, Phase, Round, SetId, SignedVote, Time, Validator,
        ValidatorSet, Vote,
    },
};
use qratum_crypto::{
    merkle::{Sha3, Tree, empty_root, leaf_hash},
    sign::ed25519::SecretKey,
};

/// Seeds of the members of a set.
pub type Members = fn(u64) -> Vec<u8>;

/// One set for ever.
pub fn constant(_: u64) -> Vec<u8> {
    vec![1, 2, 3, 4]
}

/// A set that shares nobody with the one before, so that every hand-over is needed.
pub fn disjoint(set: u64) -> Vec<u8> {
    let first = u8::try_from(set % 60).unwrap() * 4;
    (first + 1..=first + 4).collect()
}

pub struct Chain {
    pub genesis: Genesis,
    pub blocks: Vec<LightBlock>,
    /// Members that sign nothing, by index.
    pub absent: Vec<u32>,
    members: Members,
    history: Tree<Sha3>,
    top: Header,
}

fn validators(seeds: &[u8]) -> Vec<Validator> {
    let member = |seed: &u8| Validator {
        pubkey: SecretKey::from_seed(&[*seed; 32]).public(),
        power: 10,
        jurisdiction: Jurisdiction::new(*b"CH").unwrap(),
        since_set: SetId(0),
        pq_key_hash: Hash::ZERO,
    };
    seeds.iter().map(member).collect()
}

impl Chain {
    /// Blocks of 200 ms in sets of 4.
    pub fn new(network: &str, start: Time, members: Members) -> Self {
        let named =
            |(index, validator)| GenesisValidator { name: format!("v-{index}"), validator, enrolment: None };
        let genesis = Genesis {
            network: network.to_owned(),
            demo: true,
            time: start,
            params: ChainParams { set_length: 4, block_interval_ms: 200, ..ChainParams::default() },
            validators: validators(&members(0)).into_iter().enumerate().map(named).collect(),
            people: None,
        };
        let top = genesis.header().unwrap();
        let mut history = Tree::default();
        history.append(leaf_hash::<Sha3>(&top.id().0.0));
        Self { genesis, blocks: Vec::new(), absent: Vec::new(), members, history, top }
    }

    pub fn id(&self) -> ChainId {
        self.genesis.chain_id().unwrap()
    }

    pub fn tip(&self) -> Option<&LightBlock> {
        self.blocks.last()
    }

    pub fn block(&self, height: u64) -> Option<&LightBlock> {
        self.blocks.get(usize::try_from(height.checked_sub(1)?).unwrap())
    }

    /// The audit path of `height` under the history root of the header at `size`.
    pub fn audit_path(&self, height: u64, size: u64) -> Option<Vec<Hash>> {
        self.history.inclusion(height, size)
    }

    /// Adds a block with this time.
    pub fn grow(&mut self, time: Time) -> LightBlock {
        let block = self.next(time, Hash::ZERO);
        self.history.append(leaf_hash::<Sha3>(&block.header.id().0.0));
        self.top = block.header.clone();
        self.blocks.push(block.clone());
        block
    }

    /// Adds `count` blocks, a millisecond apart.
    pub fn grow_by(&mut self, count: u64) {
        for _ in 0..count {
            self.grow(self.top.time.plus(1));
        }
    }

    /// A block for the next height, not added; `tx_root` tells it from others for that height.
    pub fn next(&self, time: Time, tx_root: Hash) -> LightBlock {
        let height = self.top.height.next();
        let length = self.genesis.params.set_length;
        let set_id = schedule::set_of(height, length);
        let seeds = (self.members)(set_id.0);
        let own = validators(&seeds);
        let next = match schedule::is_boundary(height, length) {
            true => validators(&(self.members)(set_id.0 + 1)),
            false => own.clone(),
        };
        let set = ValidatorSet::new(own.clone()).unwrap();
        let next_set = ValidatorSet::new(next.clone()).unwrap();
        let last = self.tip().map_or(Hash::ZERO, |tip| tip.certificate.hash());
        let header = Header {
            chain_id: self.id(),
            height,
            round: Round(0),
            time,
            set_id,
            parent: self.top.id(),
            last_certificate: last,
            tx_root,
            state_root: empty_root::<Sha3>(),
            validators_hash: set.hash(),
            next_validators_hash: next_set.hash(),
            evidence_root: empty_root::<Sha3>(),
            history_root: self.history.root_at(height.0).unwrap(),
            proposer: schedule::proposer(&set, height, Round(0)),
        };
        let certificate = certify(&header, &seeds, &self.absent);
        LightBlock { header, certificate, next_validators: (own != next).then_some(next), validators: own }
    }
}

/// The vote of the member with this seed at `signer` of its set.
pub fn vote(
    (signer, seed): (u32, u8),
    place: (u64, u32, Phase),
    value: Option<BlockId>,
    chain: &Chain,
) -> SignedVote {
    let (height, chain_id) = (Height(place.0), chain.id());
    let set_id = schedule::set_of(height, chain.genesis.params.set_length);
    let vote = Vote { phase: place.2, chain_id, set_id, height, round: Round(place.1), value };
    let signature = SecretKey::from_seed(&[seed; 32]).sign(&vote.sign_bytes());
    SignedVote { vote, signer, signature }
}

/// Both votes of these members of a constant set, for the block that the chain has at this height;
/// where it has none yet, only the first, for nil.
pub fn votes(chain: &Chain, height: u64, signers: &[u32]) -> Vec<SignedVote> {
    let value = chain.block(height).map(|block| block.header.id());
    let phases: &[Phase] =
        if value.is_some() { &[Phase::Prevote, Phase::Precommit] } else { &[Phase::Prevote] };
    let one = |signer: &u32, phase: &Phase| {
        vote((*signer, constant(0)[*signer as usize]), (height, 0, *phase), value, chain)
    };
    signers.iter().flat_map(|signer| phases.iter().map(move |phase| one(signer, phase))).collect()
}

/// A certificate by all of `seeds` but those `absent`, by index, in that order.
pub fn certify(header: &Header, seeds: &[u8], absent: &[u32]) -> Certificate {
    let (id, round) = (header.id(), header.round);
    let Header { chain_id, set_id, height, .. } = *header;
    let vote = Vote { phase: Phase::Precommit, chain_id, set_id, height, round, value: Some(id) };
    let sign = |seed: &u8| SecretKey::from_seed(&[*seed; 32]).sign(&vote.sign_bytes());
    let signers = || (0u32..).zip(seeds).filter(|(index, _)| !absent.contains(index));
    Certificate::Commit(CommitCertificate {
        chain_id,
        set_id,
        height,
        round,
        block_id: id,
        bitmap: Bitmap::of(seeds.len(), signers().map(|(index, _)| index)),
        signatures: signers().map(|(_, seed)| sign(seed)).collect(),
    })
}

/// The block with its first signature spoilt.
pub fn bad_signature(mut block: LightBlock) -> LightBlock {
    if let Certificate::Commit(commit) = &mut block.certificate {
        commit.signatures[0].0[0] ^= 1;
    }
    block
}

pub fn height_and_id(block: &LightBlock) -> (Height, BlockId) {
    (block.header.height, block.header.id())
}
