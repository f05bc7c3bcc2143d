//! Every decoder is canonical both ways, on honest encodings and thousands of damaged ones: the
//! quick form of the fuzz targets, in every run of the tests.
//!
//! Damage is drawn from seeds, so a failure names its case and comes back.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test file: a panic is the verdict"
)]

use core::fmt::Debug;

use qratum_chain::{
    Hash,
    codec::{Decode, Encode, Malformed, Reader, put_list},
    document::{self, Anchor, HeaderProof, Statement, StatementProof},
    ledger::{
        Body,
        governance::{Ballot, Choice, Placed},
        registry::{Order, Refusal},
    },
    state::{Changes, StateMap, StateProof},
    types::{
        AccountId, Certificate, ChainParams, ChainedBlock, ChainedCertificate, Checkpoint, CommitCertificate,
        DoubleVote, Engine, ForkEvidence, Header, Height, HotStuffPhase, HotStuffRule, Jailed, KeyUse,
        LightBlock, MAX_VALIDATORS, MotionId, Offence, PersonId, PhaseCertificate, Proposal, Purpose,
        Registration, Retired, SetId, SignedProposal, SignedVote, Time, Txo, TxoBody, TxoClass, Validator,
        Vote,
    },
};
use qratum_crypto::sign::ed25519::{SecretKey, Signature};
use qratum_light_node::wire::{Included, Request, Response, StateKey, Submission};
use qratum_tests::forge::{Forge, Member, Team};

/// Damaged forms of each honest encoding.
const CASES: u64 = 1000;
/// In this many bytes from the front, each single bit is flipped too.
const FLIPPED: usize = 512;

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ z >> 31) % bound.max(1) as u64) as usize
    }
}

/// A few bytes flipped, set to the edges of a byte, cut off, doubled or added. Damage near the
/// front and the end comes as often as all other, as that is where tags and lengths are.
fn damaged(honest: &[u8], draw: &mut Draw) -> Vec<u8> {
    let mut bytes = honest.to_vec();
    for _ in 0..=draw.below(3) {
        let length = bytes.len();
        let at = match draw.below(3) {
            0 => draw.below(length.min(80)),
            1 => length - 1 - draw.below(length.min(80)),
            _ => draw.below(length),
        };
        match draw.below(6) {
            0 => bytes[at] ^= 1 << draw.below(8),
            1 => bytes[at] = [0, 1, 2, 0xff][draw.below(4)],
            2 => bytes[at] = bytes[at].wrapping_add(1),
            3 => bytes.truncate(at.max(1)),
            4 => bytes.push(0),
            _ => bytes.insert(at, bytes[at]),
        }
    }
    bytes
}

/// How many damaged forms still were encodings: all of them of the very bytes that were read.
fn canonical<T: Encode + Decode + PartialEq + Debug>(name: &str, honest: &T) -> u64 {
    let bytes = honest.to_bytes();
    assert_eq!(T::from_bytes(&bytes).as_ref(), Ok(honest), "{name}");
    let check = |bad: Vec<u8>, case: &dyn Debug| {
        let Ok(value) = T::from_bytes(&bad) else { return 0 };
        assert!(value.to_bytes() == bad, "{name}, {case:?}: encodes to other bytes");
        assert_eq!(T::from_bytes(&bad), Ok(value), "{name}, {case:?}: reads back as another");
        1
    };
    for bit in 0..8 * bytes.len().min(FLIPPED) {
        let mut bad = bytes.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        check(bad, &("bit", bit));
    }
    (0..CASES).map(|case| check(damaged(&bytes, &mut Draw(case)), &("case", case))).sum()
}

fn small() -> Forge {
    Forge::small(4)
}

fn votes() -> [SignedVote; 2] {
    let forge = small();
    let header = forge.header(3);
    [Some(header.id()), None].map(|value| forge.teams[0].vote(1, forge.precommit(&header, value)))
}

fn phase(view: u64) -> PhaseCertificate {
    let signatures = (0..4u8).map(|member| (member != 2).then_some(Signature([member; 64]))).collect();
    PhaseCertificate { chain: 3, view, block: Hash([5; 32]), phase: HotStuffPhase::Generic, signatures }
}

fn chained() -> ChainedCertificate {
    let block = |height: u64| ChainedBlock { height, justify: phase(height), header: small().header(height) };
    ChainedCertificate { blocks: (1..4).map(block).collect(), tip: phase(4) }
}

/// A block with ML-DSA signatures.
fn handover() -> LightBlock {
    let params = ChainParams { set_length: 2, ..ChainParams::default() };
    let team = |first| Team { members: vec![Member::new(first, 10).with_pq(first)] };
    Forge::new(params, vec![team(1), team(2)]).grown(2).block(2)
}

/// A list of validators, as it stands in blocks.
#[derive(Debug, PartialEq)]
struct Members(Vec<Validator>);

impl Encode for Members {
    fn encode(&self, out: &mut Vec<u8>) {
        put_list(out, &self.0);
    }
}

impl Decode for Members {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        reader.list("validators", MAX_VALIDATORS, Validator::LENGTH).map(Self)
    }
}

#[test]
fn headers_votes_and_proposals_are_canonical() {
    let header = small().header(3);
    let [vote, nil] = votes();
    let proposal = Proposal {
        chain_id: header.chain_id,
        set_id: header.set_id,
        height: header.height,
        round: header.round,
        pol_round: -1,
        block_id: header.id(),
    };
    let signed = SignedProposal { proposal: proposal.clone(), signer: 0, signature: Signature([1; 64]) };
    let accepted = canonical::<Header>("header", &header)
        + canonical::<Vote>("vote", &vote.vote)
        + canonical::<Vote>("vote for nil", &nil.vote)
        + canonical::<SignedVote>("signed vote", &vote)
        + canonical::<Proposal>("proposal", &proposal)
        + canonical::<SignedProposal>("signed proposal", &signed)
        + canonical::<DoubleVote>("double vote", &DoubleVote { first: vote, second: nil });
    assert!(accepted > CASES, "damage inside of fixed fields is another value: {accepted}");
}

#[test]
fn sets_certificates_and_blocks_are_canonical() {
    let forge = Forge::changing(2, 5);
    let (plain, boundary, pq) = (small().block(2), forge.block(4), handover());
    let commit = plain.certificate.commit().unwrap().clone();
    let fork = ForkEvidence { first: forge.block(2), second: forge.block(3) };
    let accepted = canonical::<Members>("validators", &Members(plain.validators.clone()))
        + canonical::<CommitCertificate>("commit", &commit)
        + canonical::<Certificate>("certificate", &plain.certificate)
        + canonical::<Certificate>("hand-over", &pq.certificate)
        + canonical::<Certificate>("chained, as a certificate", &Certificate::Chained(chained()))
        + canonical::<PhaseCertificate>("phase certificate", &phase(7))
        + canonical::<ChainedCertificate>("chained", &chained())
        + canonical::<LightBlock>("light block", &plain)
        + canonical::<LightBlock>("light block of a boundary", &boundary)
        + canonical::<LightBlock>("light block with ML-DSA", &pq)
        + canonical::<ForkEvidence>("fork", &fork);
    assert!(accepted > CASES, "{accepted}");
}

/// What light nodes ask and are told.
#[test]
fn questions_and_answers_are_canonical() {
    let (forge, height) = (small(), Height(3));
    let header = forge.header(3);
    let proposal = Proposal {
        chain_id: header.chain_id,
        set_id: header.set_id,
        height,
        round: header.round,
        pol_round: 2,
        block_id: header.id(),
    };
    let proposals = vec![SignedProposal { proposal, signer: 0, signature: Signature([1; 64]) }];
    let heard = Response::Votes { height, votes: votes().to_vec(), proposals };
    let included =
        Included { height, index: 1, count: 2, txo: leaving(), audit_path: vec![Hash([1; 32]); 2] };
    let [first, second] = votes();
    let offence = Offence::DoubleVote(DoubleVote { first, second });
    let refused = Submission::Refused(Refusal::Nonce { want: 4 });
    let accepted = canonical::<Request>("tip", &Request::Tip)
        + canonical::<Request>("block", &Request::Block(height))
        + canonical::<Request>("state", &Request::State(vec![StateKey(b"params".to_vec())]))
        + canonical::<Request>("history", &Request::History { height, size: Height(9) })
        + canonical::<Request>("votes", &Request::Votes)
        + canonical::<Request>("submit", &Request::Submit(leaving().to_bytes()))
        + canonical::<Request>("txo", &Request::Txo(Hash([3; 32])))
        + canonical::<Request>("evidence", &Request::Evidence(height))
        + canonical::<Request>("ballots", &Request::Ballots(MotionId(Hash([4; 32]))))
        + canonical::<Response>("accepted", &Response::Submitted(Submission::Accepted))
        + canonical::<Response>("refused", &Response::Submitted(refused))
        + canonical::<Response>("waiting", &Response::Txo(None))
        + canonical::<Response>("included", &Response::Txo(Some(Box::new(included))))
        + canonical::<Response>("evidence", &Response::Evidence(vec![offence]))
        + canonical::<Response>("ballots", &Response::Ballots(vec![ballot(); 2]))
        + canonical::<Response>("unknown", &Response::Unknown)
        + canonical::<Response>("light block", &Response::Block(Box::new(forge.block(2))))
        + canonical::<Response>("audit path", &Response::History(vec![Hash([1; 32]); 3]))
        + canonical::<Response>("heard", &heard);
    assert!(accepted > CASES, "{accepted}");
}

fn ballot() -> Placed {
    let account = AccountId::new("anna").unwrap();
    let ballot = Ballot {
        account,
        person: PersonId(Hash([6; 32])),
        choice: Choice::Abstain,
        height: Height(3),
        txo: Hash([5; 32]),
    };
    Placed { index: 1, ballot, audit_path: vec![Hash([1; 32]); 2] }
}

/// A transaction of nobody.
fn leaving() -> Txo {
    let secret = SecretKey::from_seed(&[7; 32]);
    let (chain_id, sender, payload) = (small().chain_id, secret.public(), Order::Leave.to_bytes());
    TxoBody { chain_id, sender: sender.into(), nonce: 3, class: TxoClass::Network, payload }.sign(&secret)
}

#[test]
fn checkpoints_are_canonical() {
    let header = small().header(4);
    let checkpoint = Checkpoint {
        chain_id: header.chain_id,
        height: header.height,
        time: header.time,
        set_id: header.set_id,
        block_id: header.id(),
        validators_hash: header.validators_hash,
        next_validators_hash: header.next_validators_hash,
        not_after: header.time.plus(1),
    };
    assert!(canonical::<Checkpoint>("checkpoint", &checkpoint) > CASES / 4);
}

#[test]
fn entries_of_the_registry_are_canonical() {
    let registration = small().enrolled().validators[1].registration().unwrap();
    let used = KeyUse { purpose: Purpose::Peer, name: "v2".to_owned() };
    let accepted = canonical::<Registration>("registration", &registration);
    assert!(accepted > CASES / 4, "{accepted}");
    assert!(canonical::<KeyUse>("use of a key", &used) > 0);
    let retired = Retired { name: "v2".to_owned(), last_set: SetId(3), time: Time(7) };
    assert!(canonical::<Retired>("retired", &retired) > 0);
    let jailed = Jailed { block: Height(9), offence: Height(7) };
    assert!(canonical::<Jailed>("jailed", &jailed) > 0);
    let engine = Engine::HotStuff { chain: 7, rule: HotStuffRule::TwoChain };
    for params in [ChainParams::default(), ChainParams { engine, ..ChainParams::default() }] {
        assert!(canonical::<ChainParams>("params", &params) > 0);
    }
}

#[test]
fn bodies_and_orders_are_canonical() {
    let secret = SecretKey::from_seed(&[7; 32]);
    let rotate = Order::Rotate { vote_key: secret.public(), proof: Signature([5; 64]) };
    let note = Order::Note(b"maintenance at noon".to_vec());
    let txo = |order: &Order| {
        let (chain_id, sender, payload) = (small().chain_id, secret.public(), order.to_bytes());
        TxoBody { chain_id, sender: sender.into(), nonce: 3, class: TxoClass::Network, payload }.sign(&secret)
    };
    let [first, second] = votes();
    let evidence = vec![Offence::DoubleVote(DoubleVote { first, second })];
    let transactions = vec![txo(&rotate), txo(&Order::Leave), txo(&note)];
    let accepted = canonical::<Order>("rotate", &rotate)
        + canonical::<Order>("leave", &Order::Leave)
        + canonical::<Order>("note", &note)
        + canonical::<Refusal>("nonce", &Refusal::Nonce { want: 9 })
        + canonical::<Refusal>("known", &Refusal::KeyKnown(Purpose::Peer))
        + canonical::<Offence>("offence", &evidence[0])
        + canonical::<Body>("body", &Body { transactions, evidence });
    assert!(accepted > CASES, "{accepted}");
}

/// No damaged proof proves anything but what is there, present or absent.
#[test]
fn state_proofs_are_canonical_and_prove_no_lie() {
    let entries: Changes = (0..16u8).map(|i| (vec![b'k', i], Some(vec![i; 3]))).collect();
    let map = StateMap::genesis(entries).unwrap();
    let mut accepted = 0;
    for key in [3, 9, 200u8] {
        let key = [b'k', key];
        let (truth, proof) = map.prove(&key).unwrap();
        let bytes = proof.to_bytes();
        for case in 0..CASES {
            let bad = damaged(&bytes, &mut Draw(case));
            let Ok(read) = StateProof::from_bytes(&bad) else { continue };
            accepted += 1;
            assert_eq!(read.to_bytes(), bad, "case {case}");
            for lie in [None, Some([3u8; 3].as_slice()), Some(b"other")] {
                let believed = read.verify(map.root(), &key, lie).is_ok();
                assert!(!believed || lie == truth.as_deref(), "case {case}");
            }
        }
    }
    assert!(accepted > CASES / 4, "{accepted}");
}

/// What a document says survives writing and reading.
#[test]
fn documents_survive_writing_and_reading() {
    let forge = Forge::changing(2, 6);
    let block = forge.block(6);
    let proof = HeaderProof {
        header: block.header,
        certificate: Some(block.certificate),
        validators: block.validators,
        path: forge.path_to(6),
        history: None,
    };
    let (value, in_state) = forge.genesis.state().unwrap().prove(b"params").unwrap();
    let statement = Statement::State { key: b"params".to_vec(), value, proof: in_state };
    let statement = StatementProof { header: proof.clone(), statement }.to_json().unwrap();
    let mut read = 0;
    let anchor = Anchor::of(forge.block(4), Time(9)).to_json().unwrap();
    let (header, genesis) = (proof.to_json().unwrap(), document::genesis_to_json(&forge.enrolled()).unwrap());
    for case in 0..CASES {
        if let Ok(proof) = HeaderProof::from_json(&damaged(header.as_bytes(), &mut Draw(case))) {
            assert_eq!(HeaderProof::from_json(proof.to_json().unwrap().as_bytes()), Ok(proof), "case {case}");
            read += 1;
        }
        if let Ok(proof) = StatementProof::from_json(&damaged(statement.as_bytes(), &mut Draw(case))) {
            let text = proof.to_json().unwrap();
            assert_eq!(StatementProof::from_json(text.as_bytes()), Ok(proof), "case {case}");
            read += 1;
        }
        if let Ok(anchor) = Anchor::from_json(&damaged(anchor.as_bytes(), &mut Draw(case))) {
            assert_eq!(Anchor::from_json(anchor.to_json().unwrap().as_bytes()), Ok(anchor), "case {case}");
            read += 1;
        }
        if let Ok(genesis) = document::genesis_from_json(&damaged(genesis.as_bytes(), &mut Draw(case))) {
            let text = document::genesis_to_json(&genesis).unwrap();
            assert_eq!(document::genesis_from_json(text.as_bytes()), Ok(genesis), "case {case}");
            read += 1;
        }
    }
    assert!(read > CASES / 20, "{read}");
}
