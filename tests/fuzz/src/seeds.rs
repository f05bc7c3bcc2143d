//! Where does a target start? From a few honest encodings, made anew each time, so that no corpus
//! has to be kept.

#![allow(clippy::panic, clippy::expect_used, clippy::indexing_slicing, reason = "a fixture of fuzz targets")]

use std::{env, fs, path::Path};

use qratum_chain::{
    Hash,
    codec::Encode,
    document::{
        self, Anchor, Bundle, Evidence, ForkProof, HeaderProof, HistoryProof, OffenceProof, Statement, StatementProof,
    },
    ledger::{
        Body,
        governance::{Ballot, Choice, Placed},
        registry::{Order, Refusal},
    },
    types::{
        AccountId, Certificate, ChainParams, ChainedBlock, ChainedCertificate, Checkpoint, DoubleProposal, DoubleVote,
        Engine, ForkEvidence, Genesis, Height, HotStuffPhase, HotStuffRule, LightBlock, MotionId, Offence, PersonId,
        PhaseCertificate, Proposal, Purpose, Registration, Round, SignedProposal, SignedVote, Time, Txo,
        TxoBody, TxoClass,
    },
};
use qratum_crypto::sign::ed25519::Signature;
use qratum_light_node::{
    peers_from_json,
    wire::{self, Included, Request, Response, StateKey, Submission},
};
use qratum_tests::forge::{Forge, Member, Team};
use qratum_validator::{
    block::{Block, Decided},
    engine::{Entry, Timer, TimerKind},
    message::{self, Message, Reply, RoundReason},
    snapshot::{Page, Snapshot},
};

use crate::{
    members::Members,
    targets::{STATE_ENTRIES, state_key, state_map},
};

/// Writes the seeds of `target` to the directory that `SEED_CORPUS` names, if it is set.
///
/// # Panics
/// When they cannot be written: a run that starts from nothing finds nothing.
pub fn write_if_asked(target: &str) {
    let Some(dir) = env::var_os("SEED_CORPUS") else { return };
    fs::create_dir_all(&dir).expect("a directory for the seeds");
    for (index, seed) in of(target).into_iter().enumerate() {
        fs::write(Path::new(&dir).join(format!("seed-{index:02}")), seed).expect("a seed that is written");
    }
}

/// The honest inputs of a target.
pub(crate) fn of(target: &str) -> Vec<Vec<u8>> {
    match target {
        "header" => (0..3).map(|height| small().header(height).to_bytes()).collect(),
        "vote" => votes().iter().map(|signed| signed.vote.to_bytes()).collect(),
        "signed_vote" => votes().iter().map(Encode::to_bytes).collect(),
        "proposal" => vec![proposal().proposal.to_bytes()],
        "signed_proposal" => vec![proposal().to_bytes()],
        "validators" => vec![Members(small().teams[0].validators()).to_bytes()],
        "commit" => {
            blocks().iter().filter_map(|block| Some(block.certificate.commit()?.to_bytes())).collect()
        }
        "certificate" => blocks().iter().map(|block| block.certificate.to_bytes()).collect(),
        "chained" => vec![chained().to_bytes()],
        "phase" => vec![phase_certificate(7).to_bytes()],
        "light_block" => blocks().iter().map(Encode::to_bytes).collect(),
        "checkpoint" => vec![checkpoint().to_bytes()],
        "snapshot" => vec![snapshot().to_bytes()],
        "order" => orders().iter().map(Encode::to_bytes).collect(),
        "registration" => vec![registration().to_bytes()],
        "evidence" => evidence(),
        "state_proof" => (0..2 * STATE_ENTRIES).step_by(5).map(state_proof).collect(),
        "request" => requests().iter().map(Encode::to_bytes).collect(),
        "response" => responses().iter().map(Encode::to_bytes).collect(),
        "consensus_request" => consensus_requests().iter().map(Encode::to_bytes).collect(),
        "consensus_reply" => consensus_replies().iter().map(Encode::to_bytes).collect(),
        "journal" => entries().iter().map(Encode::to_bytes).collect(),
        "peers_json" => vec![peers()],
        "header_json" => header_documents(),
        "evidence_json" => evidence_documents(),
        "proof_json" => proof_documents(),
        "bundle_json" => bundle_documents(),
        "anchor_json" => anchor_documents(),
        "genesis_json" => genesis_documents(),
        "merkle" => (1..12u8).map(|size| merkle(size / 2, size)).collect(),
        "sync" => tapes(),
        other => panic!("no seeds for {other}"),
    }
}

fn small() -> Forge {
    Forge::small(4)
}

/// An ordinary block, one that hands over, one with ML-DSA signatures, one of the chained family,
/// and the shortest forms: one member, who hands over to nobody.
fn blocks() -> Vec<LightBlock> {
    let changing = Forge::changing(2, 5);
    let params = ChainParams { set_length: 2, ..ChainParams::default() };
    let team = |first: u64| Team { members: vec![Member::new(first, 10).with_pq(first)] };
    let handover = Forge::new(params, vec![team(1), team(2)]).grown(2);
    let alone = Forge::new(ChainParams::default(), vec![Team::new(1, &[1])]).grown(1).block(1);
    let header = changing.header(1);
    let validators = changing.teams[0].validators();
    let certificate = Certificate::Chained(chained());
    vec![
        small().block(2),
        changing.block(4),
        handover.block(2),
        LightBlock { header, certificate, validators, next_validators: None },
        LightBlock { next_validators: Some(Vec::new()), ..alone },
    ]
}

fn votes() -> Vec<SignedVote> {
    let forge = small();
    let header = forge.header(3);
    let vote = |value| forge.teams[0].vote(1, forge.precommit(&header, value));
    vec![vote(Some(header.id())), vote(None)]
}

fn proposal() -> SignedProposal {
    let forge = small();
    let header = forge.header(3);
    let proposal = Proposal {
        chain_id: forge.chain_id,
        set_id: header.set_id,
        height: header.height,
        round: header.round,
        pol_round: -1,
        block_id: header.id(),
    };
    let signature = forge.teams[0].members[0].secret.sign(&proposal.sign_bytes());
    SignedProposal { proposal, signer: 0, signature }
}

fn phase_certificate(view: u64) -> PhaseCertificate {
    let place = |member: u8| (member != 2).then_some(Signature([member; 64]));
    PhaseCertificate {
        chain: 3,
        view,
        block: Hash([5; 32]),
        phase: HotStuffPhase::Generic,
        signatures: (0..4).map(place).collect(),
    }
}

fn chained() -> ChainedCertificate {
    let forge = small();
    let block = |height: u64| ChainedBlock {
        height,
        justify: phase_certificate(height + 6),
        header: forge.header(height),
    };
    ChainedCertificate { blocks: (1..4).map(block).collect(), tip: phase_certificate(10) }
}

fn checkpoint() -> Checkpoint {
    let forge = small();
    let header = forge.header(4);
    Checkpoint {
        chain_id: forge.chain_id,
        height: header.height,
        time: header.time,
        set_id: header.set_id,
        block_id: header.id(),
        validators_hash: header.validators_hash,
        next_validators_hash: header.next_validators_hash,
        not_after: header.time.plus(1 << 30),
    }
}

/// One of each kind, behind the byte that names it.
fn evidence() -> Vec<Vec<u8>> {
    let [first, second] = <[SignedVote; 2]>::try_from(votes()).expect("two votes");
    let other = SignedProposal { signature: Signature([1; 64]), ..proposal() };
    let forge = small();
    vec![
        [vec![0], DoubleVote { first, second }.to_bytes()].concat(),
        [vec![1], DoubleProposal { first: proposal(), second: other }.to_bytes()].concat(),
        [vec![2], ForkEvidence { first: forge.block(2), second: forge.block(3) }.to_bytes()].concat(),
    ]
}

fn state_proof(key: u8) -> Vec<u8> {
    let (_, proof) = state_map().prove(&state_key(key)).expect("a proof");
    [vec![key, key.min(STATE_ENTRIES)], proof.to_bytes()].concat()
}

fn requests() -> Vec<Request> {
    let [height, size] = [3, 9].map(Height);
    vec![
        Request::Tip,
        Request::Block(height),
        Request::State(vec![StateKey(b"params".to_vec())]),
        Request::History { height, size },
        Request::Votes,
        Request::Submit(leaving().to_bytes()),
        Request::Txo(Hash([3; 32])),
        Request::Evidence(height),
        Request::Ballots(MotionId(Hash([4; 32]))),
    ]
}

fn responses() -> Vec<Response> {
    let state = |key| {
        let (value, proof) = state_map().prove(&state_key(key)).expect("a proof");
        Response::State { height: Height(3), entries: vec![wire::Entry { value, proof }] }
    };
    let path = vec![Hash([1; 32]), Hash([2; 32])];
    let blocks = blocks().into_iter().map(|block| Response::Block(Box::new(block)));
    let (_, proof) = state_map().prove(&state_key(2)).expect("a proof");
    let empty = wire::Entry { value: Some(Vec::new()), proof };
    let empty = Response::State { height: Height(3), entries: vec![empty.clone(), empty] };
    let heard = Response::Votes { height: Height(3), votes: votes(), proposals: vec![proposal()] };
    let audit_path = path.clone();
    let included = Included { height: Height(3), index: 1, count: 2, txo: leaving(), audit_path };
    let refused = Submission::Refused(Refusal::KeyKnown(Purpose::Peer));
    let of_txos = [
        Response::Submitted(Submission::Busy),
        Response::Submitted(refused),
        Response::Txo(None),
        Response::Txo(Some(Box::new(included))),
        Response::Evidence(block().body.evidence),
        Response::Ballots(vec![ballot()]),
    ];
    [Response::Unknown, empty, state(1), state(STATE_ENTRIES), Response::History(path), heard]
        .into_iter()
        .chain(blocks)
        .chain(of_txos)
        .collect()
}

fn ballot() -> Placed {
    let account = AccountId::new("anna").expect("a name");
    let ballot = Ballot { account, person: PersonId(Hash([6; 32])), choice: Choice::Abstain, height: Height(3), txo: Hash([5; 32]) };
    Placed { index: 1, ballot, audit_path: vec![Hash([1; 32]); 2] }
}

fn leaving() -> Txo {
    let forge = small();
    let secret = &forge.teams[0].members[0].secret;
    let (chain_id, sender, payload) = (forge.chain_id, secret.public(), Order::Leave.to_bytes());
    TxoBody { chain_id, sender: sender.into(), nonce: 3, class: TxoClass::Network, payload }.sign(secret)
}

fn snapshot() -> Snapshot {
    let forge = small();
    let state = forge.genesis.state().expect("a state");
    Snapshot::of(vec![forge.block(2)], &forge.history, &state)
}

fn orders() -> Vec<Order> {
    let vote_key = small().teams[0].members[0].secret.public();
    let rotate = Order::Rotate { vote_key, proof: Signature([1; 64]) };
    vec![rotate, Order::Leave, Order::Note(b"noon".to_vec()), Order::Note(Vec::new())]
}

fn registration() -> Registration {
    small().enrolled().validators[1].registration().expect("an enrolled validator")
}

/// A block with its parent's certificate, a transaction and evidence.
fn block() -> Block {
    let forge = small();
    let [first, second] = <[SignedVote; 2]>::try_from(votes()).expect("two votes");
    let evidence = vec![Offence::DoubleVote(DoubleVote { first, second })];
    let body = Body { transactions: vec![leaving()], evidence };
    Block { header: forge.header(3), last_certificate: Some(forge.block(2).certificate), body }
}

fn consensus_requests() -> Vec<message::Request> {
    let messages = [
        Message::Vote(votes().remove(0)),
        Message::Proposal(Box::new((proposal(), block()))),
        Message::Polka(votes()),
        Message::RoundCertificate(RoundReason::Skip, votes()),
        Message::Txo(Box::new(leaving())),
        Message::Offence(Box::new(block().body.evidence.remove(0))),
    ];
    let tell = messages.into_iter().map(message::Request::Tell);
    tell.chain([message::Request::Blocks(Height(3)), message::Request::Page { height: 100, offset: 9 }])
        .collect()
}

fn consensus_replies() -> Vec<Reply> {
    let decided = Decided { block: block(), certificate: small().block(3).certificate };
    let page = Page::of(100, &[7; 9], 4).expect("a page");
    vec![Reply::Noted, Reply::Blocks(vec![decided]), Reply::Page(page)]
}

fn entries() -> Vec<Entry> {
    vec![
        Entry::Vote(votes().remove(0)),
        Entry::Proposal(proposal()),
        Entry::Polka(votes()),
        Entry::Block(Box::new(block())),
        Entry::Timeout(Height(3), Timer { kind: TimerKind::Propose, round: Round(0) }),
    ]
}

fn peers() -> Vec<u8> {
    peers_from_json(PEERS.as_bytes()).expect("a list of peers");
    PEERS.as_bytes().to_vec()
}

/// Two peers on loopback.
const PEERS: &str = r#"{"schema":"qratum/peers/v1","peers":[
{"name":"v1","address":"/ip4/127.0.0.1/tcp/4001/p2p/12D3KooW9tHTtS3inCZiYykw4u5G4frbjVFqhkmJX12gSNCVeH3e"},
{"name":"v2","address":"/ip4/127.0.0.1/tcp/4002/p2p/12D3KooW9xCm2jWjNVrwh51SWCQBMYdMyeU3NpT85QhLVkF6PcNM"}]}"#;

/// A header with a certificate, one with a path, one in the history of another, and genesis.
fn header_documents() -> Vec<Vec<u8>> {
    let forge = Forge::changing(2, 6);
    let bare = |height| HeaderProof {
        header: forge.header(height),
        certificate: None,
        validators: forge.team(height).validators(),
        path: Vec::new(),
        history: None,
    };
    let history = HistoryProof {
        head: forge.block(3),
        audit_path: forge.history.inclusion(1, 3).expect("a path below the tip"),
    };
    let proofs = [
        HeaderProof { certificate: Some(forge.block(2).certificate), ..bare(2) },
        HeaderProof { certificate: Some(forge.block(6).certificate), path: forge.path_to(6), ..bare(6) },
        HeaderProof { history: Some(history), ..bare(1) },
        HeaderProof { certificate: Some(Certificate::Chained(chained())), ..bare(2) },
        bare(0),
    ];
    proofs.iter().map(|proof| proof.to_json().expect("a document").into_bytes()).collect()
}

fn evidence_documents() -> Vec<Vec<u8>> {
    let [first, second] = <[SignedVote; 2]>::try_from(votes()).expect("two votes");
    let forge = small();
    let set = forge.teams[0].validators();
    let blocks = ForkEvidence { first: forge.block(2), second: forge.block(3) };
    let votes = Offence::DoubleVote(DoubleVote { first, second });
    let proposals = Offence::DoubleProposal(DoubleProposal { first: proposal(), second: proposal() });
    let offence = |offence, path| {
        Evidence::Offence(Box::new(OffenceProof { offence, validators: set.clone(), path }))
    };
    let documents = [
        offence(votes.clone(), Vec::new()),
        offence(votes, vec![forge.block(1)]),
        offence(proposals, Vec::new()),
        Evidence::Fork(Box::new(ForkProof { blocks: blocks.clone(), path: Vec::new() })),
        Evidence::Fork(Box::new(ForkProof { blocks, path: vec![forge.block(1)] })),
    ];
    documents.iter().map(|evidence| evidence.to_json().expect("a document").into_bytes()).collect()
}

/// A value, none, and a transaction.
fn proof_documents() -> Vec<Vec<u8>> {
    let forge = Forge::small(3);
    let block = forge.block(2);
    let header = HeaderProof {
        header: block.header,
        certificate: Some(block.certificate),
        validators: block.validators,
        path: Vec::new(),
        history: None,
    };
    let entry = |key: u8| {
        let (value, proof) = state_map().prove(&state_key(key)).expect("a proof");
        Statement::State { key: state_key(key).to_vec(), value, proof }
    };
    let txo = Statement::Txo { txo: leaving(), index: 1, count: 2, audit_path: vec![Hash([3; 32])] };
    let proofs = [entry(0), entry(STATE_ENTRIES), txo];
    let proofs = proofs.map(|statement| StatementProof { header: header.clone(), statement });
    proofs.iter().map(|proof| proof.to_json().expect("a document").into_bytes()).collect()
}

/// A head, alone and with a transaction.
fn bundle_documents() -> Vec<Vec<u8>> {
    let block = Forge::small(3).block(2);
    let head = HeaderProof {
        header: block.header,
        certificate: Some(block.certificate),
        validators: block.validators,
        path: Vec::new(),
        history: None,
    };
    let bundles = [Vec::new(), vec![leaving()]].map(|transactions| Bundle { head: head.clone(), transactions });
    bundles.iter().map(|bundle| bundle.to_json().expect("a document").into_bytes()).collect()
}

/// Each kind of block, pinned.
fn anchor_documents() -> Vec<Vec<u8>> {
    let pinned = blocks().into_iter().map(|block| Anchor::of(block, Time(9)));
    pinned.map(|anchor| anchor.to_json().expect("a document").into_bytes()).collect()
}

fn genesis_documents() -> Vec<Vec<u8>> {
    let genesis = small().genesis;
    let engine = Engine::HotStuff { chain: 3, rule: HotStuffRule::ThreeChain };
    let params = ChainParams { engine, ..genesis.params.clone() };
    let hotstuff = Genesis { params, ..genesis.clone() };
    let json = |genesis: &Genesis| document::genesis_to_json(genesis).expect("a document").into_bytes();
    let alone = Forge::new(genesis.params.clone(), vec![Team::new(1, &[1])]).enrolled();
    vec![json(&genesis), json(&hotstuff), json(&alone)]
}

/// A place and a size as the target reads them, and some edits.
fn merkle(place: u8, size: u8) -> Vec<u8> {
    let mut bytes = vec![0; 20];
    (bytes[0], bytes[8]) = (place, size);
    bytes
}

/// Programs for the lying peer: the honest chain, a set of its own, one more signature.
fn tapes() -> Vec<Vec<u8>> {
    vec![
        vec![13, 0, 7, 3, 0, 7, 7, 0, 7, 11, 0, 7],
        vec![3, 0, 7, 7, 0, 7, 11, 0, 7],
        vec![0, 1, 15, 7],
        vec![13, 1, 15, 7],
        vec![2, 3, 2, 1, 6, 7, 7],
        vec![3, 4, 10, 3, 12, 6, 7, 7],
    ]
}
