//! Makes our light block of one of a trace, fault for fault.

use qratum_chain::{
    Hash, schedule,
    types::{
        Bitmap, BlockId, Certificate, ChainId, ChainParams, Checkpoint, CommitCertificate, Header, Height,
        Jurisdiction, LightBlock, Round, SetId, Time, Validator, ValidatorSet, validators_hash,
    },
};
use qratum_crypto::{
    hash,
    merkle::{self, Sha3},
    sign::ed25519::{SecretKey, Signature},
};
use qratum_verifier::{Rules, SetCache, Trusted};

use super::{
    super::{Fields, Unreadable},
    hash as tendermint,
    read::{self, Block, Member, Signed, Vote},
};

/// The rules of a trace, and its first trusted header, pinned by a checkpoint. A trace does not
/// list that header's own set, and nothing is asked of it: the members of the next set stand in.
pub(super) fn initial(initial: &Fields<'_>) -> Result<(Rules, Trusted), Unreadable> {
    let signed = Signed::read(&initial.fields("signed_header")?)?;
    let next = read::members(&initial.fields("next_validator_set")?)?;
    let params = ChainParams {
        set_length: 1,
        trusting_period_ms: read::number(initial, "trusting_period")? / 1_000_000,
        clock_drift_ms: 0,
        ..ChainParams::default()
    };
    let rules = Rules { chain_id: chain_id(&signed.header.chain_id), params };
    let mut block = light_block(&Block { signed, validators: next.clone(), next }, BlockId::ZERO);
    block.header.validators_hash = validators_hash(&block.validators);
    let header = &block.header;
    let checkpoint = Checkpoint {
        chain_id: rules.chain_id,
        height: header.height,
        time: header.time,
        set_id: header.set_id,
        block_id: header.id(),
        validators_hash: header.validators_hash,
        next_validators_hash: header.next_validators_hash,
        not_after: Time(u64::MAX),
    };
    let trusted = Trusted::checkpoint(&checkpoint, &block, &rules, &mut SetCache::default(), Time(0))
        .map_err(|reject| Unreadable(format!("the trace starts at what is refused: {reject}")))?;
    Ok((rules, trusted))
}

/// Our block of one of theirs, made to stand on `trusted` where it is the next one.
pub(super) fn translated(block: &Block, trusted: &Trusted) -> LightBlock {
    let adjacent = trusted.header().get().height.next() == Height(block.signed.header.height);
    light_block(block, if adjacent { trusted.id() } else { BlockId::ZERO })
}

fn light_block(block: &Block, parent: BlockId) -> LightBlock {
    let (validators, next) = (list(&block.validators), list(&block.next));
    let header = header(block, parent, &validators, &next);
    let certificate = Certificate::Commit(commit(block, &header));
    let changes = header.next_validators_hash != header.validators_hash;
    LightBlock { header, certificate, validators, next_validators: changes.then_some(next) }
}

fn chain_id(name: &str) -> ChainId {
    ChainId(hash::sha3_256(name.as_bytes()))
}

/// The key that stands for one of theirs.
fn secret(member: &Member) -> SecretKey {
    SecretKey::from_seed(&hash::sha3_256(&member.key).0)
}

fn list(members: &[Member]) -> Vec<Validator> {
    let validator = |member: &Member| {
        let jurisdiction = Jurisdiction::new(*b"CH")?;
        let pubkey = secret(member).public();
        Some(Validator {
            pubkey,
            power: member.power,
            jurisdiction,
            since_set: SetId(0),
            pq_key_hash: Hash::ZERO,
        })
    };
    members.iter().filter_map(validator).collect()
}

/// The root of our list, or something else where theirs is not under the hash of their header.
fn root(members: &[Member], named: &[u8], ours: &[Validator]) -> Hash {
    if tendermint::set(members) == named { validators_hash(ours) } else { hash::sha3_256(named) }
}

fn header(block: &Block, parent: BlockId, validators: &[Validator], next: &[Validator]) -> Header {
    let theirs = &block.signed.header;
    let height = Height(theirs.height);
    let nothing = merkle::empty_root::<Sha3>();
    let carried = hash::sha3_256(b"a certificate of the parent");
    let set = ValidatorSet::new(validators.to_vec());
    Header {
        chain_id: chain_id(&theirs.chain_id),
        height,
        round: Round(0),
        time: theirs.time.millis(),
        set_id: schedule::set_of(height, 1),
        parent,
        last_certificate: if height >= Height(2) { carried } else { Hash::ZERO },
        tx_root: hash::sha3_256(&theirs.others.concat()),
        state_root: nothing,
        validators_hash: root(&block.validators, &theirs.validators_hash, validators),
        next_validators_hash: root(&block.next, &theirs.next_validators_hash, next),
        evidence_root: nothing,
        history_root: nothing,
        // A list that is no set has no proposer, and is refused for what it is.
        proposer: set.map_or(0, |set| schedule::proposer(&set, height, Round(0))),
    }
}

fn commit(block: &Block, header: &Header) -> CommitCertificate {
    let theirs = &block.signed.commit;
    let named = tendermint::header(&block.signed.header) == theirs.block;
    let cast = || (0u32..).zip(&theirs.votes).filter(|(_, vote)| vote.flag == FOR_THE_BLOCK);
    let mut commit = CommitCertificate {
        chain_id: header.chain_id,
        set_id: schedule::set_of(Height(theirs.height), 1),
        height: Height(theirs.height),
        round: Round(theirs.round),
        block_id: if named { header.id() } else { BlockId(hash::sha3_256(&theirs.block)) },
        bitmap: Bitmap::of(block.validators.len().max(theirs.votes.len()), cast().map(|(index, _)| index)),
        signatures: Vec::new(),
    };
    let message = commit.vote().sign_bytes();
    let signature = |(index, vote): (u32, &Vote)| signature(block, index, vote, &message);
    commit.signatures = cast().map(signature).collect();
    if theirs.votes.len() < block.validators.len() {
        // A commit without a place for each member is refused there for its length alone.
        commit.signatures.push(NO_SIGNATURE);
    }
    commit
}

/// The flag of a vote for the commit's block; others are absent, or for nil.
const FOR_THE_BLOCK: u64 = 2;

/// Holds for nothing.
const NO_SIGNATURE: Signature = Signature([0xff; 64]);

/// Our signature of `message`, if theirs holds for the member at this place.
fn signature(block: &Block, index: u32, vote: &Vote, message: &[u8]) -> Signature {
    let Some(member) = block.validators.get(index as usize) else { return NO_SIGNATURE };
    let theirs = &block.signed;
    let named = vote.address == member.address && member.address == tendermint::address(&member.key);
    if named && tendermint::vote_holds(&member.key, &theirs.header.chain_id, &theirs.commit, vote) {
        secret(member).sign(message)
    } else {
        NO_SIGNATURE
    }
}
