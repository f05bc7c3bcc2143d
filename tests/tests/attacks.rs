//! Attacks on a light node, one test for each: what hit others, and what would hit us. Each must be
//! refused for its own reason, over what it runs: a light block that a peer answers with, a file
//! that someone hands over, or the bytes of either.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test file: a panic is the verdict"
)]

use qratum_chain::{
    Hash,
    codec::{Decode, Encode},
    document::{DocumentError, HeaderProof, HistoryProof, genesis_from_json},
    types::{
        Bitmap, BlockId, Certificate, ChainParams, CommitCertificate, Header, Height, LightBlock, Round,
        SetId, Time, Validator, ValidatorSet, validators_hash,
    },
};
use qratum_crypto::{
    domain,
    merkle::{self, ProofError, Sha3},
    sign::ed25519::{PublicKey, Signature, VoteKey, verify_batch, verify_strict},
};
use qratum_tests::forge::{Forge, Member, Team};
use qratum_verifier::{
    Blame, Reject, Rules, SetCache, Trusted, Verdict, proof,
    sync::{Ask, Sync, Then},
    verify,
};

fn anchor(forge: &Forge) -> (Trusted, Rules) {
    Trusted::genesis(&forge.genesis).unwrap()
}

/// A node that follows `forge` and has verified up to `height`.
fn following(forge: &Forge, height: u64) -> Sync {
    let (genesis, rules) = anchor(forge);
    let mut sync = Sync::new(genesis, rules);
    for step in forge.path_to(height).into_iter().chain((height > 0).then(|| forge.block(height))) {
        assert!(matches!(sync.replay(step, forge.now()).then, Then::Current));
    }
    sync
}

/// What a node that follows `forge` up to `height` says to a block from a peer; its head must not
/// move for it.
fn refused_from_peer(forge: &Forge, height: u64, block: LightBlock) -> Reject {
    let mut sync = following(forge, height);
    let before = sync.head().id();
    let mut progress = sync.answer(block, forge.now());
    // A block that does not lead back to the head is held against the branch's block at its height.
    if matches!((&progress.then, sync.ask()), (Then::Waiting, Ask::Block(at)) if at == Height(height)) {
        progress = sync.answer(forge.block(height), forge.now());
    }
    assert_eq!(progress.advanced, None);
    assert_eq!(sync.head().id(), before, "the head moved");
    let Then::Refused(reject) = progress.then else { panic!("not refused: {:?}", progress.then) };
    reject
}

fn name_from_peer(forge: &Forge, height: u64, block: LightBlock) -> &'static str {
    refused_from_peer(forge, height, block).name()
}

fn document(forge: &Forge, height: u64) -> HeaderProof {
    let LightBlock { header, certificate, validators, .. } = forge.block(height);
    let path = forge.path_to(height);
    HeaderProof { header, certificate: Some(certificate), validators, path, history: None }
}

/// What a file is refused for, read from its JSON and checked from genesis.
fn refused_file(forge: &Forge, document: &HeaderProof) -> Reject {
    let (genesis, rules) = anchor(forge);
    let read = HeaderProof::from_json(document.to_json().unwrap().as_bytes()).unwrap();
    proof::check(&read, &genesis, &rules, forge.now()).unwrap_err()
}

fn commit(block: &mut LightBlock) -> &mut CommitCertificate {
    let (Certificate::Commit(commit) | Certificate::Handover(commit, _)) = &mut block.certificate else {
        panic!("no commit")
    };
    commit
}

fn one_set(powers: &[u64], heights: u64) -> Forge {
    let params = ChainParams { set_length: 20, ..ChainParams::default() };
    Forge::new(params, vec![Team::new(1, powers)]).grown(heights)
}

// - A1 to A12

/// One validator under two indexes, in a set that enough trusted power signs for.
#[test]
fn a01_one_validator_counted_several_times() {
    let forge = Forge::changing(4, 9);
    let twice = Team { members: [2, 3, 3, 3].map(|seed| Member::new(seed, 10)).into() };
    let mut header = forge.header(9);
    header.validators_hash = validators_hash(&twice.validators());
    header.next_validators_hash = header.validators_hash;
    let votes = twice.commit(forge.chain_id, &header, header.round, &[1, 2, 3]);
    let block = LightBlock {
        header,
        certificate: Certificate::Commit(votes),
        validators: twice.validators(),
        next_validators: None,
    };
    assert_eq!(name_from_peer(&forge, 0, block), "BadSet");
    // In a certificate a signer is one bit: a second signature of theirs has no bit to stand under.
    let small = Forge::small(6);
    let mut block = small.signed_by(small.header(6), &[0, 1]);
    let again = commit_signature(&mut block, 1);
    commit(&mut block).signatures.push(again);
    assert_eq!(name_from_peer(&small, 5, block), "SignatureCount");
}

fn commit_signature(block: &mut LightBlock, at: usize) -> Signature {
    commit(block).signatures[at]
}

/// Votes for nil and votes that are not there count for nothing.
#[test]
fn a02_nil_and_absent_votes() {
    let forge = Forge::small(6);
    let header = forge.header(6);
    let nil = forge.precommit(&header, None);
    let mut block = forge.block(6);
    for (place, signer) in [0u32, 1, 2].into_iter().enumerate() {
        commit(&mut block).signatures[place] = forge.team(6).vote(signer, nil.clone()).signature;
    }
    assert_eq!(refused_from_peer(&forge, 5, block), Reject::BadSignature { signer: 0 });
    assert_eq!(name_from_peer(&forge, 5, forge.signed_by(header, &[])), "QuorumNotReached");
    let mut absent = forge.block(6);
    commit(&mut absent).signatures.clear();
    assert_eq!(name_from_peer(&forge, 5, absent), "SignatureCount");
}

/// A signer outside of the set is refused and blamed on the peer, not left out.
#[test]
fn a03_signer_not_in_the_set() {
    let forge = Forge::small(6);
    let mut block = forge.block(6);
    let message = commit(&mut block).vote().sign_bytes();
    commit(&mut block).bitmap.0[0] |= 1 << 4;
    commit(&mut block).signatures.push(Member::new(99, 1).secret.sign(&message));
    let reject = refused_from_peer(&forge, 5, block);
    assert_eq!((&reject, reject.blame()), (&Reject::SignerNotInSet { signer: 4 }, Blame::Peer));
}

/// Exactly two thirds is no quorum, for n = 3f+1 to 3f+3 equal members and at the largest powers.
#[test]
fn a04_threshold_off_by_one_and_overflow() {
    for n in 4..=12usize {
        let forge = one_set(&vec![1; n], 2);
        let least = 2 * n / 3 + 1;
        let signers: Vec<u32> = (0u32..).take(least).collect();
        let short = forge.signed_by(forge.header(2), &signers[1..]);
        assert_eq!(name_from_peer(&forge, 1, short), "QuorumNotReached", "{} of {n}", least - 1);
        let mut sync = following(&forge, 1);
        let enough = sync.answer(forge.signed_by(forge.header(2), &signers), forge.now());
        assert!(matches!(enough.then, Then::Current), "{least} of {n}: {:?}", enough.then);
    }
    let forge = one_set(&[u64::MAX; 4], 2);
    let two = forge.signed_by(forge.header(2), &[0, 1]);
    let Reject::QuorumNotReached { tally } = refused_from_peer(&forge, 1, two) else { panic!() };
    assert_eq!((tally.signed, tally.total), (2 * u128::from(u64::MAX), 4 * u128::from(u64::MAX)));
}

/// Another network of the same validators: its blocks, and its votes under our headers. A vote is
/// no approval of anything else: no tagged string of one purpose is one of another.
#[test]
fn a05_other_chain_and_other_purpose() {
    let forge = Forge::small(6);
    let params = ChainParams { set_length: 20, block_interval_ms: 999, ..ChainParams::default() };
    let other = Forge::new(params, vec![Team::new(1, &[30, 25, 25, 20])]).grown(6);
    assert_ne!(forge.chain_id, other.chain_id);
    assert_eq!(name_from_peer(&forge, 5, other.block(6)), "WrongChain");
    assert_eq!(refused_file(&forge, &document(&other, 6)).name(), "WrongChain");
    let header = forge.header(6);
    let team = forge.team(6);
    let mut vote = forge.precommit(&header, Some(header.id()));
    let mut replay = forge.block(6);
    vote.chain_id = other.chain_id;
    commit(&mut replay).signatures[2] = team.vote(2, vote.clone()).signature;
    assert_eq!(refused_from_peer(&forge, 5, replay), Reject::BadSignature { signer: 2 });
    for tag in domain::ALL.iter().filter(|tag| **tag != domain::VOTE) {
        vote.chain_id = forge.chain_id;
        let message = [tag.bytes(), &vote.to_bytes()].concat();
        let mut purpose = forge.block(6);
        commit(&mut purpose).signatures[0] = team.members[0].secret.sign(&message);
        assert_eq!(
            refused_from_peer(&forge, 5, purpose),
            Reject::BadSignature { signer: 0 },
            "{}",
            tag.name()
        );
    }
}

/// Times ahead of the clock or behind the chain; a wrong local clock is nobody's fault.
#[test]
fn a06_time_in_the_future_or_going_back() {
    let forge = Forge::small(6);
    let remade = |time: Time| {
        let mut header = forge.header(6);
        header.time = time;
        forge.certified(header)
    };
    let drift = forge.genesis.params.clock_drift_ms;
    let reject = refused_from_peer(&forge, 5, remade(forge.now().plus(drift)));
    assert_eq!((reject.name(), reject.blame()), ("TimeInFuture", Blame::Nobody));
    assert_eq!(name_from_peer(&forge, 5, remade(forge.header(5).time)), "TimeNotAbove");
    // The clock an hour back: honest blocks look like the future, and are not believed silently.
    let (genesis, rules) = anchor(&forge);
    let mut sync = Sync::new(genesis, rules);
    let hour_back = Time(forge.now().0 - 3_600_000);
    let Then::Refused(reject) = sync.answer(forge.block(6), hour_back).then else { panic!() };
    assert_eq!((reject.name(), reject.blame()), ("TimeInFuture", Blame::Nobody));
}

/// An anchor older than the trusting period vouches for nothing: the old quorum's other history is
/// refused, and so is the true one, for the same reason and without blame.
#[test]
fn a07_expired_trust_and_long_range() {
    let forge = Forge::changing(5, 18);
    let late = forge.genesis.time.plus(forge.genesis.params.trusting_period_ms);
    let mut other = forge.header(3);
    other.tx_root.0[0] ^= 1;
    other.time = Time(late.0 - 1);
    for block in [forge.certified(other.clone()), forge.block(3)] {
        let (genesis, rules) = anchor(&forge);
        let Then::Refused(reject) = Sync::new(genesis, rules).answer(block, late).then else { panic!() };
        assert_eq!((reject.name(), reject.blame()), ("TrustExpired", Blame::Nobody));
    }
    // In a file it still chains, and says that the anchor has expired.
    let (genesis, rules) = anchor(&forge);
    let mut lie = document(&forge, 3);
    lie.certificate = Some(forge.certified(other.clone()).certificate);
    lie.header = other;
    assert!(proof::check(&lie, &genesis, &rules, late).unwrap().expired);
    assert!(!proof::check(&document(&forge, 3), &genesis, &rules, forge.now()).unwrap().expired);
}

/// A next set that the old set did not sign, in each field of each leaf.
#[test]
fn validator_set_hash_bound_to_header() {
    let changes: [fn(&mut Validator); 5] = [
        |v| v.pubkey = Member::new(99, 1).validator.pubkey,
        |v| v.power += 1,
        |v| v.jurisdiction = qratum_chain::types::Jurisdiction::new(*b"LI").unwrap(),
        |v| v.since_set.0 += 1,
        |v| v.pq_key_hash.0[31] ^= 1,
    ];
    let forge = Forge::changing(3, 6);
    for change in changes {
        for member in 0..4 {
            let mut own = forge.block(4);
            change(&mut own.validators[member]);
            assert_eq!(name_from_peer(&forge, 3, own), "WrongValidators");
            let mut next = forge.block(4);
            change(&mut next.next_validators.as_mut().unwrap()[member]);
            assert_eq!(name_from_peer(&forge, 3, next.clone()), "WrongNextValidators");
            let mut file = document(&forge, 6);
            file.path = vec![next];
            assert_eq!(refused_file(&forge, &file).name(), "WrongNextValidators");
        }
    }
}

/// The set is swapped: by strangers, by the set that left, by a forged hand-over.
#[test]
fn a08_validator_set_swapped() {
    let forge = Forge::changing(3, 6);
    let usurped = |height: u64, team: &Team| {
        let mut header = forge.header(height);
        let set = ValidatorSet::new(team.validators()).unwrap();
        header.validators_hash = set.hash();
        header.next_validators_hash = set.hash();
        header.proposer = qratum_chain::schedule::proposer(&set, header.height, header.round);
        let commit = team.commit(forge.chain_id, &header, header.round, &team.least_quorum());
        let certificate = Certificate::Commit(commit);
        LightBlock { header, certificate, validators: team.validators(), next_validators: None }
    };
    assert_eq!(name_from_peer(&forge, 2, usurped(3, &Team::new(50, &[10; 4]))), "UntrustedSet");
    assert_eq!(name_from_peer(&forge, 4, usurped(5, forge.team(4))), "UntrustedSet");
    // The attacker names the next set in a header of their own and signs it with what they have.
    let mut header = forge.header(4);
    let strangers = Team::new(50, &[10; 4]);
    header.next_validators_hash = validators_hash(&strangers.validators());
    let mut forged = forge.signed_by(header.clone(), &[0, 1]);
    forged.next_validators = Some(strangers.validators());
    assert_eq!(name_from_peer(&forge, 3, forged), "QuorumNotReached");
    let mut forged = forge.certified(header);
    commit(&mut forged).signatures = commit(&mut forge.block(4)).signatures.clone();
    forged.next_validators = Some(strangers.validators());
    assert_eq!(name_from_peer(&forge, 3, forged), "BadSignature");
}

/// One change to a header.
type Edit = fn(&mut Header);

/// Each field of a header.
const EDITS: [(&str, Edit, &str); 14] = [
    ("chain_id", |h| h.chain_id.0.0[0] ^= 1, "WrongChain"),
    ("height", |h| h.height = Height(7), "CertificateHeight"),
    ("round", |h| h.round = Round(9), "CertificateBlock"),
    ("time", |h| h.time = h.time.plus(1), "CertificateBlock"),
    ("set_id", |h| h.set_id = SetId(1), "WrongSetId"),
    ("parent", |h| h.parent = BlockId::ZERO, "WrongParent"),
    ("last_certificate", |h| h.last_certificate.0[0] ^= 1, "CertificateBlock"),
    ("tx_root", |h| h.tx_root.0[0] ^= 1, "CertificateBlock"),
    ("state_root", |h| h.state_root = Hash::ZERO, "CertificateBlock"),
    ("validators_hash", |h| h.validators_hash.0[0] ^= 1, "SetChangeOffBoundary"),
    ("next_validators_hash", |h| h.next_validators_hash.0[0] ^= 1, "SetChangeOffBoundary"),
    ("evidence_root", |h| h.evidence_root.0[9] ^= 1, "CertificateBlock"),
    ("history_root", |h| h.history_root.0[31] ^= 0x80, "CertificateBlock"),
    ("proposer", |h| h.proposer ^= 1, "CertificateBlock"),
];

/// The genuine certificate of a block under a header that differs in one field. Where an earlier rule
/// depends on the field, the attacker meets that one first.
#[test]
fn a09_header_not_bound_to_its_certificate() {
    let forge = Forge::small(7);
    for (field, edit, reason) in EDITS {
        let mut block = forge.block(6);
        edit(&mut block.header);
        let at = if field == "height" { 4 } else { 5 };
        assert_eq!(name_from_peer(&forge, at, block.clone()), reason, "{field}");
        let mut file = document(&forge, 6);
        file.path = vec![forge.block(at)];
        file.header = block.header;
        // A file brings its set along, which is held against the header first.
        let reason = if field == "validators_hash" { "WrongValidators" } else { reason };
        assert_eq!(refused_file(&forge, &file).name(), reason, "{field}, file");
    }
}

/// Lengths and indexes that do not fit: of the bitmap, its bits, and of what decodes at all.
#[test]
fn a10_malformed_index_or_length() {
    let forge = one_set(&[10; 9], 2);
    let with_bitmap = |bytes: Vec<u8>| {
        let mut block = forge.block(2);
        commit(&mut block).bitmap = Bitmap(bytes);
        block
    };
    for bytes in [vec![], vec![0x7f], vec![0x7f, 0, 0]] {
        assert_eq!(name_from_peer(&forge, 1, with_bitmap(bytes)), "BitmapLength");
    }
    for bit in 1..8 {
        let block = with_bitmap(vec![0x7f, 1 << bit]);
        assert_eq!(refused_from_peer(&forge, 1, block), Reject::SignerNotInSet { signer: 8 + bit });
    }
    let bytes = forge.block(2).to_bytes();
    assert!((0..bytes.len()).all(|end| LightBlock::from_bytes(&bytes[..end]).is_err()));
    assert!(LightBlock::from_bytes(&[bytes.as_slice(), &[0]].concat()).is_err());
    assert_eq!(LightBlock::from_bytes(&bytes).unwrap().to_bytes(), bytes);
    let huge = with_bitmap(vec![0; 129]);
    assert!(
        LightBlock::from_bytes(&huge.to_bytes()).is_err(),
        "a bitmap longer than that of the largest set"
    );
}

/// Merkle proofs: of headers that were never made, with a missing or surplus step, for another
/// place, and of a node that is shown as a leaf.
#[test]
fn a11_forged_merkle_proof() {
    let forge = Forge::small(8);
    let honest = history_proof(&forge, 3);
    let mut forged = honest.clone();
    forged.header.tx_root.0[0] ^= 1;
    let reason = |document: &HeaderProof| {
        let Reject::HistoryProof { why } = refused_file(&forge, document) else { panic!("another reason") };
        why
    };
    assert_eq!(reason(&forged), ProofError::RootMismatch);
    for at in 0..3 {
        let mut bit = honest.clone();
        bit.history.as_mut().unwrap().audit_path[at].0[7] ^= 4;
        assert_eq!(reason(&bit), ProofError::RootMismatch);
    }
    let mut short = honest.clone();
    short.history.as_mut().unwrap().audit_path.pop();
    assert_eq!(reason(&short), ProofError::WrongLength);
    let mut long = honest.clone();
    long.history.as_mut().unwrap().audit_path.push(Hash::ZERO);
    assert_eq!(reason(&long), ProofError::WrongLength);
    let mut head = history_proof(&forge, 3);
    head.header = forge.header(8);
    assert_eq!(reason(&head), ProofError::OutOfRange);
    let (genesis, rules) = anchor(&forge);
    assert!(proof::check(&honest, &genesis, &rules, forge.now()).is_ok());
}

/// The header at `height` in the history of the head at height 8.
fn history_proof(forge: &Forge, height: u64) -> HeaderProof {
    let audit_path = forge.history.inclusion(height, 8).unwrap();
    let history = Some(HistoryProof { head: forge.block(8), audit_path });
    HeaderProof { certificate: None, history, ..document(forge, height) }
}

/// A second form of a good signature, keys that sign for everyone, and single against batch.
#[test]
fn a12_malleable_signatures_and_small_order_keys() {
    let forge = Forge::small(6);
    let mut block = forge.block(6);
    add_order(&mut commit(&mut block).signatures[0]);
    assert_eq!(refused_from_peer(&forge, 5, block), Reject::BadSignature { signer: 0 });
    for key in SMALL_ORDER {
        let key = PublicKey(hex::decode(key).unwrap().try_into().unwrap());
        assert!(VoteKey::decode(&key).is_err());
        // R = A, s = 0 holds for one message in eight at least where the cofactor is left out.
        let signature = Signature([key.0, [0; 32]].concat().try_into().unwrap());
        assert!((0..64u8).all(|message| verify_strict(&key, &[message], &signature).is_err()));
        let changing = Forge::changing(3, 5);
        let mut next = changing.team(5).validators();
        next[1].pubkey = key;
        let mut header = changing.header(4);
        header.next_validators_hash = validators_hash(&next);
        let mut block = changing.certified(header);
        block.next_validators = Some(next);
        assert_eq!(name_from_peer(&changing, 3, block), "BadSet");
    }
    let (member, message) = (Member::new(1, 1), b"single and batch");
    let key = VoteKey::decode(&member.validator.pubkey).unwrap();
    let good = member.secret.sign(message);
    for at in 0..64 {
        for bit in [1, 0x80] {
            let mut signature = good;
            signature.0[at] ^= bit;
            let single = key.verify(message, &signature);
            assert_eq!(single, verify_batch(message, &[(&key, &signature)]));
            assert!(single.is_err(), "byte {at}");
        }
    }
}

/// The eight points of small order, by their canonical encodings.
const SMALL_ORDER: [&str; 8] = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
];

/// s + L: the same scalar in an encoding that is not reduced.
fn add_order(signature: &mut Signature) {
    let order = hex::decode("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010").unwrap();
    let mut carry = 0u16;
    for (byte, add) in signature.0[32..].iter_mut().zip(order) {
        carry += u16::from(*byte) + u16::from(add);
        *byte = carry.to_le_bytes()[0];
        carry >>= 8;
    }
}

// - a peer that keeps a node busy

/// A13, A14: a peer claims heights that do not exist, and goes on with others hardly nearer. The
/// node asks for the ends of sets only, and keeps nothing that it did not ask for.
#[test]
fn a13_a_peer_that_lies_about_heights_keeps_nothing_waiting() {
    let forge = Forge::changing(12, 46);
    let (genesis, rules) = anchor(&forge);
    let mut sync = Sync::new(genesis, rules);
    assert!(matches!(sync.answer(forge.block(46), forge.now()).then, Then::Waiting));
    assert_eq!(sync.ask(), Ask::Block(Height(24)));
    for height in (25..=46).rev() {
        let Then::Refused(reject) = sync.answer(forge.block(height), forge.now()).then else {
            panic!("{height}")
        };
        assert_eq!(reject, Reject::NotAsked { got: Height(height), want: Height(24) });
    }
    let mut kept = 1;
    while let (Ask::Block(height), true) = (sync.ask(), kept < 99) {
        let progress = sync.answer(forge.block(height.0), forge.now());
        assert!(matches!(progress.then, Then::Waiting | Then::Current), "{:?}", progress.then);
        if progress.advanced.is_some() {
            break;
        }
        kept += 1;
    }
    assert!(kept <= 4, "each block that waits halves the distance in sets: {kept}");
}

// - attacks that succeeded elsewhere

/// O-01: votes with all-zero signatures.
#[test]
fn o01_zero_signatures() {
    let forge = Forge::small(6);
    let mut block = forge.block(6);
    commit(&mut block).signatures.fill(Signature([0; 64]));
    assert_eq!(refused_from_peer(&forge, 5, block), Reject::BadSignature { signer: 0 });
}

/// O-02: precommits that name another block.
#[test]
fn o02_votes_for_another_block() {
    let forge = Forge::small(6);
    let mut other = forge.header(6);
    other.tx_root.0[0] ^= 1;
    let mut block = forge.block(6);
    commit(&mut block).signatures = commit(&mut forge.certified(other.clone())).signatures.clone();
    assert_eq!(refused_from_peer(&forge, 5, block), Reject::BadSignature { signer: 0 });
    let mut block = forge.block(6);
    block.certificate = forge.certified(other.clone()).certificate;
    assert_eq!(refused_from_peer(&forge, 5, block), Reject::CertificateBlock { got: other.id() });
}

/// O-10: an inclusion proof of a block that was never made.
#[test]
fn o10_forged_inclusion_proof() {
    let forge = Forge::small(8);
    let mut document = history_proof(&forge, 5);
    document.header.time = document.header.time.plus(1);
    assert_eq!(refused_file(&forge, &document), Reject::HistoryProof { why: ProofError::RootMismatch });
    // The root for itself, as a proof without steps.
    let mut bare = history_proof(&forge, 5);
    bare.history.as_mut().unwrap().audit_path.clear();
    assert_eq!(refused_file(&forge, &bare), Reject::HistoryProof { why: ProofError::WrongLength });
}

/// O-11: a doubled last leaf, and a node shown as a leaf.
#[test]
fn o11_doubled_leaf_and_node_as_leaf() {
    let forge = Forge::small(8);
    let team = forge.team(1).validators();
    let doubled = [team.clone(), team[3..].to_vec()].concat();
    assert_ne!(validators_hash(&team), validators_hash(&doubled));
    let (three, four) = (team[..3].to_vec(), [&team[..3], &team[2..3]].concat());
    assert_ne!(validators_hash(&three), validators_hash(&four));
    let mut block = forge.block(6);
    block.validators = doubled;
    assert_eq!(name_from_peer(&forge, 5, block), "WrongValidators");
    // The node over the ids of headers 2 and 3, claimed to be the leaf of a tree half as large.
    let id = |height: u64| merkle::leaf_hash::<Sha3>(&forge.header(height).id().0.0);
    let node = merkle::node_hash::<Sha3>(&id(2), &id(3));
    let upper = &forge.history.inclusion(2, 8).unwrap()[1..];
    let root = forge.header(8).history_root;
    assert_eq!(
        merkle::verify_inclusion::<Sha3>(node, 1, 4, upper, root),
        Ok(()),
        "such a tree has this root"
    );
    let leaf = merkle::leaf_hash::<Sha3>(&[id(2).0, id(3).0].concat());
    assert_eq!(merkle::verify_inclusion::<Sha3>(leaf, 1, 4, upper, root), Err(ProofError::RootMismatch));
    assert_eq!(merkle::verify_inclusion::<Sha3>(node, 1, 8, upper, root), Err(ProofError::WrongLength));
}

/// O-13: heads instead of power, and exactly two thirds, where counting 2f+1 heads is unsafe.
#[test]
fn o13_quorum_by_heads() {
    for n in [5usize, 6, 8, 9, 11, 12] {
        let forge = one_set(&vec![1; n], 2);
        let by_heads: Vec<u32> = (0u32..).take(2 * ((n - 1) / 3) + 1).collect();
        let block = forge.signed_by(forge.header(2), &by_heads);
        assert_eq!(name_from_peer(&forge, 1, block), "QuorumNotReached", "{} of {n}", by_heads.len());
    }
    let forge = one_set(&[100, 1, 1, 1, 1, 1], 2);
    let heads = forge.signed_by(forge.header(2), &[1, 2, 3, 4, 5]);
    assert_eq!(name_from_peer(&forge, 1, heads), "QuorumNotReached");
}

/// O-14: bits without signatures, and a signature of garbage.
#[test]
fn qc_signer_bitmap_and_dup() {
    let forge = one_set(&[10; 5], 6);
    let header = forge.header(6);
    let mut garbage = forge.signed_by(header.clone(), &[0, 1, 2, 3, 4]);
    commit(&mut garbage).signatures.truncate(1);
    assert_eq!(refused_from_peer(&forge, 5, garbage.clone()), Reject::SignatureCount { got: 1, want: 5 });
    let one = commit_signature(&mut garbage, 0);
    commit(&mut garbage).signatures = vec![one; 5];
    assert_eq!(refused_from_peer(&forge, 5, garbage), Reject::BadSignature { signer: 1 });
    let mut noise = forge.signed_by(header.clone(), &[0, 1, 2, 3, 4]);
    commit(&mut noise).signatures[4] = Signature([0xaa; 64]);
    assert_eq!(refused_from_peer(&forge, 5, noise), Reject::BadSignature { signer: 4 });
    // A quorum of good signatures does not carry a bad one along.
    let mut block = forge.signed_by(header, &[0, 1, 2, 3]);
    commit(&mut block).bitmap.0[0] |= 1 << 4;
    commit(&mut block).signatures.push(Signature([0; 64]));
    assert_eq!(refused_from_peer(&forge, 5, block), Reject::BadSignature { signer: 4 });
}

/// O-15: signatures that anyone can make from the public key.
#[test]
fn o15_signature_from_public_data() {
    let forge = Forge::small(6);
    let header = forge.header(6);
    let message = forge.precommit(&header, Some(header.id())).sign_bytes();
    for make in [
        |key: &PublicKey, _: &[u8]| Signature([key.0, [0; 32]].concat().try_into().unwrap()),
        |key: &PublicKey, message: &[u8]| {
            let hash = qratum_crypto::hash::sha3_512(&[&key.0, message].concat());
            Signature(hash)
        },
        // The public key taken for a seed.
        |key: &PublicKey, message: &[u8]| {
            qratum_crypto::sign::ed25519::SecretKey::from_seed(&key.0).sign(message)
        },
    ] {
        let mut block = forge.block(6);
        for (place, signer) in [0usize, 1, 2].into_iter().enumerate() {
            let key = forge.team(6).members[signer].validator.pubkey;
            commit(&mut block).signatures[place] = make(&key, &message);
        }
        assert_eq!(refused_from_peer(&forge, 5, block), Reject::BadSignature { signer: 0 });
    }
}

/// O-16: a known header is no reason to believe a certificate: each is judged for itself.
#[test]
fn o16_known_header_with_another_certificate() {
    let forge = Forge::small(6);
    let (genesis, rules) = anchor(&forge);
    let sets = &mut SetCache::default();
    let mut judge = |block: &LightBlock| match verify(block, &genesis, &rules, sets, forge.now()) {
        Verdict::Reject(reject) => reject.name(),
        _ => "accepted",
    };
    assert_eq!(judge(&forge.block(6)), "accepted");
    let mut known = forge.block(6);
    commit(&mut known).signatures.fill(Signature([0; 64]));
    assert_eq!(judge(&known), "BadSignature");
    known.certificate = forge.block(5).certificate;
    assert_eq!(judge(&known), "CertificateHeight");
    let mut sets_differ = forge.block(6);
    sets_differ.validators[0].power += 1;
    assert_eq!(judge(&sets_differ), "WrongValidators", "the set is in the cache by its root");
}

// - each byte

/// Every byte of a light block, its lowest and its highest bit flipped: nothing is accepted, and
/// nothing panics.
#[test]
fn flip_any_bit_breaks_chain() {
    let forge = Forge::changing(3, 6);
    for height in [3, 4] {
        let (trusted, rules) = trusted_at(&forge, height - 1);
        let block = forge.block(height);
        accepted(&block.to_bytes(), &trusted, &rules, &forge).expect("the honest bytes");
        flips(&block.to_bytes(), 1, |bytes| accepted(bytes, &trusted, &rules, &forge).is_some());
    }
}

/// The same for a hand-over with ML-DSA signatures, on a sample of its bytes.
#[test]
fn flip_any_bit_of_a_hand_over_with_ml_dsa() {
    let team = |first: u64| Team {
        members: (first..first + 4).map(|seed| Member::new(seed, 10).with_pq(seed)).collect(),
    };
    let params = ChainParams { set_length: 4, ..ChainParams::default() };
    let forge = Forge::new(params, vec![team(1), team(2)]).grown(5);
    let (trusted, rules) = trusted_at(&forge, 3);
    let bytes = forge.block(4).to_bytes();
    accepted(&bytes, &trusted, &rules, &forge).expect("the honest bytes");
    flips(&bytes, 97, |bytes| accepted(bytes, &trusted, &rules, &forge).is_some());
}

/// Every byte of a proof as a file, in its JSON: one with a path, one with a place in a history.
#[test]
fn flip_any_byte_of_a_proof_file() {
    let forge = Forge::changing(3, 8);
    let (genesis, rules) = anchor(&forge);
    let past = HeaderProof {
        certificate: None,
        path: vec![forge.block(4)],
        history: history_proof(&forge, 2).history,
        ..document(&forge, 2)
    };
    for honest in [document(&forge, 6), past] {
        let text = honest.to_json().unwrap();
        let check = |text: &[u8]| {
            let read = HeaderProof::from_json(text).ok()?;
            proof::check(&read, &genesis, &rules, forge.now()).ok().map(|_| read)
        };
        assert_eq!(check(text.as_bytes()), Some(honest.clone()));
        // Some flips change the text and not what it says: only what is read may be accepted.
        flips(text.as_bytes(), 1, |bytes| check(bytes).is_some_and(|read| read != honest));
    }
}

/// A document with two proofs is none: one of them would go unchecked.
#[test]
fn a_file_with_two_proofs_is_refused() {
    let forge = Forge::small(8);
    let both = HeaderProof { certificate: document(&forge, 3).certificate, ..history_proof(&forge, 3) };
    let read = HeaderProof::from_json(both.to_json().unwrap().as_bytes());
    assert_eq!(read, Err(DocumentError::TwoProofs));
}

fn trusted_at(forge: &Forge, height: u64) -> (Trusted, Rules) {
    let (genesis, rules) = anchor(forge);
    let sync = following(forge, height);
    (if height == 0 { genesis } else { sync.head().clone() }, rules)
}

fn accepted(bytes: &[u8], trusted: &Trusted, rules: &Rules, forge: &Forge) -> Option<Box<Trusted>> {
    let block = LightBlock::from_bytes(bytes).ok()?;
    assert_eq!(block.to_bytes(), bytes, "two encodings of one value");
    match verify(&block, trusted, rules, &mut SetCache::default(), forge.now()) {
        Verdict::Accept(accepted) => Some(accepted),
        _ => None,
    }
}

/// Flips the lowest and the highest bit of each `step`-th byte; none may be accepted.
fn flips(bytes: &[u8], step: usize, accepts: impl Fn(&[u8]) -> bool) {
    for at in (0..bytes.len()).step_by(step) {
        for bit in [1, 0x80] {
            let mut bad = bytes.to_vec();
            bad[at] ^= bit;
            assert!(!accepts(&bad), "byte {at} ^ {bit:#x} of {}", bytes.len());
        }
    }
}

// - recorded chains

/// Chains that `hotstuff_rs` made: all of their certified blocks verify, in order, and none does
/// with a certificate that is cut short or with the views of its votes taken apart.
#[test]
fn hotstuff_commit_rule() {
    for name in ["one-set", "key-change"] {
        let path = qratum_tests::root().join(format!("tests/vectors/hotstuff/{name}.json"));
        let file: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert_eq!(file["schema"], "qratum/recorded-chain/v1");
        let genesis = genesis_from_json(file["genesis"].to_string().as_bytes()).unwrap();
        let (mut trusted, rules) = Trusted::genesis(&genesis).unwrap();
        let sets = &mut SetCache::default();
        let blocks = file["light_blocks"].as_array().unwrap();
        assert!(blocks.len() >= 10, "{name}");
        for block in blocks {
            let bytes = hex::decode(block.as_str().unwrap()).unwrap();
            let block = LightBlock::from_bytes(&bytes).unwrap();
            assert_eq!(block.to_bytes(), bytes);
            let now = block.header.time.plus(1);
            let mut judge = |block: &LightBlock| verify(block, &trusted, &rules, sets, now);
            for (short, reason) in broken_chains(&block) {
                let Verdict::Reject(reject) = judge(&short) else { panic!("{name}: {reason}") };
                assert_eq!(reject.name(), reason, "{name} at {}", block.header.height);
            }
            let verdict = judge(&block);
            let Verdict::Accept(accepted) = verdict else {
                panic!("{name} at {}: {verdict:?}", block.header.height)
            };
            trusted = *accepted;
        }
    }
}

/// The block with its certificate broken in ways that need no key.
fn broken_chains(block: &LightBlock) -> Vec<(LightBlock, &'static str)> {
    let Certificate::Chained(chained) = &block.certificate else { panic!("no chained certificate") };
    let with = |change: &dyn Fn(&mut qratum_chain::types::ChainedCertificate)| {
        let mut changed = chained.clone();
        change(&mut changed);
        LightBlock { certificate: Certificate::Chained(changed), ..block.clone() }
    };
    let mut broken = vec![
        (with(&|chained| chained.tip.chain += 1), "ChainedChain"),
        (with(&|chained| chained.tip.block.0[0] ^= 1), "ChainedLink"),
        (with(&|chained| chained.blocks.clear()), "ChainedHeader"),
        (with(&|chained| chained.tip.signatures.fill(None)), "QuorumNotReached"),
    ];
    if chained.blocks.len() > 1 {
        broken.push((with(&|chained| chained.tip.view += 1), "ChainedViews"));
        broken.push((with(&|chained| drop(chained.blocks.pop())), "ChainedLength"));
    }
    broken
}
