//! A network for tests: real keys, certificates and proofs, all of which the verifier accepted.

use std::sync::{Arc, OnceLock};

use qratum_chain::{
    Hash, PublicKey,
    document::{Evidence, ForkProof, HeaderProof, OffenceProof, Statement, StatementProof},
    ledger::Request,
    schedule,
    state::StateMap,
    types::{
        Bitmap, Certificate, ChainId, ChainParams, CommitCertificate, DoubleVote, Enrolment, ForkEvidence,
        Genesis, GenesisValidator, Header, Height, Jurisdiction, LightBlock, Offence, Phase, Proofs,
        Registration, Round, STAKE_UNIT, SetId, SignedVote, Validator, ValidatorSet, Vote,
    },
};
use qratum_crypto::sign::ed25519::SecretKey;
use qratum_light_node::{
    Config, LightNode, MemberVote, Proven, ProvenStatement, Snapshot, State, Voting, Witnesses, peer_id,
    peers_from_json,
};
use qratum_themes::{Colors, Glyphs, Theme};
use qratum_verifier::{
    Rules, SetCache, Trusted, Verdict,
    ballots::{Cast, Place, RoundVotes},
    detect::{self, Fork},
    proof,
    quorum::Tally,
    verify,
};
use ratatui::{Terminal, backend::TestBackend};

use super::folk;
pub(crate) use super::times::{FIRST, LAST, START, time_of};
use crate::{
    action::Key,
    home::Home,
    model::{Asked, Found, Model, Proof, Subject},
    monitor::{Alarm, Code, Level, View as Alarms},
    screen::view,
    update::{Effect, Msg, update},
};

/// The last block of the first set.
const BOUNDARY: u64 = 90_205;
/// Names, powers, jurisdictions, operators.
pub(crate) const MEMBERS: [(&str, u64, &str, &str); 4] = [
    ("north", 3071, "CH", "alpine"),
    ("east", 2503, "DE", "rheinbund"),
    ("south", 2409, "IS", "geysir"),
    ("west", 2017, "JP", "alpine"),
];
/// What the configuration calls the peers; the last of them is enrolled nowhere.
pub(crate) const PEERS: [&str; 4] = ["zug-1", "bonn-1", "vik-1", "kobe-1"];

pub(crate) fn key(member: u8) -> PublicKey {
    secret(member).public()
}

fn secret(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed.wrapping_add(1); 32])
}

pub(crate) fn genesis() -> Genesis {
    let member = |(at, (name, power, place, operator)): (u8, &(&str, u64, &str, &str))| GenesisValidator {
        name: (*name).to_owned(),
        validator: Validator {
            pubkey: key(at),
            power: *power,
            jurisdiction: Jurisdiction::new(place.as_bytes().try_into().unwrap()).unwrap(),
            since_set: SetId(0),
            pq_key_hash: Hash::ZERO,
        },
        enrolment: Some(Enrolment {
            operator: (*operator).to_owned(),
            stake: power * STAKE_UNIT,
            peer_key: secret(100 + at).public(),
            operator_key: secret(200 + at).public(),
            proofs: Proofs::MISSING,
        }),
    };
    Genesis {
        network: "demo".to_owned(),
        demo: true,
        time: START,
        params: ChainParams { set_length: BOUNDARY, block_interval_ms: 1000, ..ChainParams::default() },
        validators: (0..).zip(&MEMBERS).map(member).collect(),
        people: None,
    }
}

/// The state of all blocks: that of the genesis, and what people have asked for since.
fn state() -> &'static StateMap {
    static STATE: OnceLock<StateMap> = OnceLock::new();
    STATE.get_or_init(|| {
        let first = genesis().state().unwrap();
        let own = first.entries().iter().map(|(key, value)| (key.clone(), Some(value.clone())));
        StateMap::genesis(own.chain(folk::entries()).collect()).unwrap()
    })
}

/// Who signs and in which round.
fn signers(height: u64) -> (&'static [u32], u32) {
    match height {
        90_207 => (&[0, 1, 2, 3], 1),
        90_212 => (&[0, 2, 3], 0),
        _ => (&[0, 1, 2, 3], 0),
    }
}

/// The blocks from [`FIRST`] to [`LAST`]; in the second set, `changed` says who is in it.
pub(crate) fn blocks(changed: Option<Vec<Validator>>) -> Vec<LightBlock> {
    let genesis = genesis();
    let (chain_id, first) = (genesis.chain_id().unwrap(), genesis.validator_set().unwrap());
    let second = changed.map_or_else(|| first.clone(), |members| ValidatorSet::new(members).unwrap());
    let state_root = state().root();
    let mut blocks: Vec<LightBlock> = Vec::new();
    for number in FIRST..=LAST {
        let (height, round) = (Height(number), Round(signers(number).1));
        let own = if number <= BOUNDARY { &first } else { &second };
        let next = if number < BOUNDARY { &first } else { &second };
        let nothing = genesis.header().unwrap().tx_root;
        let header = Header {
            chain_id,
            height,
            round,
            time: time_of(number),
            set_id: schedule::set_of(height, BOUNDARY),
            parent: blocks.last().map_or(genesis.header().unwrap().id(), |block| block.header.id()),
            last_certificate: blocks.last().map_or(Hash([8; 32]), |block| block.certificate.hash()),
            tx_root: nothing,
            state_root,
            validators_hash: own.hash(),
            next_validators_hash: next.hash(),
            evidence_root: nothing,
            history_root: Hash([7; 32]),
            proposer: schedule::proposer(own, height, round),
        };
        let certificate = certify(&header, own, chain_id);
        let next = (own.hash() != next.hash()).then(|| next.members().to_vec());
        let validators = own.members().to_vec();
        blocks.push(LightBlock { header, certificate, validators, next_validators: next });
    }
    blocks
}

fn certify(header: &Header, set: &ValidatorSet, chain_id: ChainId) -> Certificate {
    let Header { set_id, height, round, .. } = *header;
    let (block_id, signers) = (header.id(), signers(height.0).0);
    let vote = Vote { phase: Phase::Precommit, chain_id, set_id, height, round, value: Some(block_id) };
    let sign = |signer: &u32| {
        let own = set.member(*signer).unwrap().0.pubkey;
        let seed = (0..=99).find(|seed| key(*seed) == own).unwrap();
        secret(seed).sign(&vote.sign_bytes())
    };
    let commit = CommitCertificate {
        chain_id,
        set_id,
        height,
        round,
        block_id,
        bitmap: Bitmap::of(set.members().len(), signers.iter().copied()),
        signatures: signers.iter().map(sign).collect(),
    };
    if height.0 == BOUNDARY { Certificate::Handover(commit, Vec::new()) } else { Certificate::Commit(commit) }
}

pub(crate) fn anchor() -> (Trusted, Rules) {
    Trusted::genesis(&genesis()).unwrap()
}

/// The blocks as a node verifies them, with the second set like the first.
pub(crate) fn heads() -> &'static [Arc<Trusted>] {
    static HEADS: OnceLock<Vec<Arc<Trusted>>> = OnceLock::new();
    HEADS.get_or_init(|| heads_with(None))
}

/// The same with another second set.
pub(crate) fn heads_with(changed: Option<Vec<Validator>>) -> Vec<Arc<Trusted>> {
    let (mut trusted, rules) = anchor();
    let mut sets = SetCache::default();
    let verified = blocks(changed).into_iter().map(|block| {
        let now = block.header.time;
        match verify(&block, &trusted, &rules, &mut sets, now) {
            Verdict::Accept(head) => trusted = *head,
            other => panic!("{:?}: {other:?}", block.header.height),
        }
        Arc::new(trusted.clone())
    });
    verified.collect()
}

pub(crate) fn config() -> Config {
    let genesis = genesis();
    let peer = |(at, name): (u8, &&str)| {
        let key = secret(if at == 3 { 99 } else { 100 + at }).public();
        let id = peer_id(&key).unwrap();
        format!(
            r#"{{"name":"{name}","operator":"of-{name}","address":"/ip4/127.0.0.1/tcp/{}/p2p/{id}"}}"#,
            at + 1
        )
    };
    let peers: Vec<_> = (0..).zip(&PEERS).map(peer).collect();
    let text = format!(r#"{{"schema":"qratum/peers/v1","peers":[{}]}}"#, peers.join(","));
    let peers = peers_from_json(text.as_bytes()).unwrap();
    Config { genesis, anchor: None, peers, proxies: Default::default(), home: None, keep: false }
}

/// A snapshot of a node that was just started: names of the genesis, peers, the anchor.
pub(crate) fn started() -> Snapshot {
    static STARTED: OnceLock<Snapshot> = OnceLock::new();
    STARTED.get_or_init(start).clone()
}

fn start() -> Snapshot {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let node = LightNode::start(config()).await.unwrap();
        let snapshot = Snapshot::clone(&node.snapshots().borrow());
        node.stop().await;
        Snapshot { refusals: Vec::new(), ..snapshot }
    })
}

/// All is well but that east did not sign the last head.
pub(crate) fn live() -> Snapshot {
    let mut snapshot = started();
    for peer in &mut snapshot.peers {
        peer.connected = peer.name != PEERS[3];
        peer.claimed_height = peer.connected.then_some(Height(90_777));
    }
    let head = Arc::clone(heads().last().unwrap());
    let operators = vec!["rheinbund".to_owned(), "geysir".to_owned()];
    Snapshot {
        state: State::Live,
        head_seen: Some(head.header().get().time),
        voting: Arc::new(voting(&head, &[])),
        witnesses: Witnesses { height: Height(LAST), operators, may_arm: true },
        head,
        ..snapshot
    }
}

/// The same in each state, with what belongs to it.
pub(crate) fn in_state(state: State) -> Snapshot {
    let live = live();
    let head = Arc::clone(&live.head);
    let apart = |mut snapshot: Snapshot| {
        for peer in &mut snapshot.peers {
            (peer.connected, peer.claimed_height) = (false, None);
        }
        snapshot
    };
    let changed = match state {
        State::Loading => apart(started()),
        State::Syncing => Snapshot { peers: live.peers, ..started() },
        State::Disconnected => apart(live),
        State::NoQuorum => {
            let voting = Voting { stuck: true, ..voting(&head, &[0, 3]) };
            Snapshot { voting: Arc::new(voting), ..live }
        }
        State::Clock => Snapshot { clock_offset_ms: Some(-3_600_000), ..live },
        State::Forked => {
            static OTHER: OnceLock<Vec<Arc<Trusted>>> = OnceLock::new();
            let other = OTHER.get_or_init(|| heads_with(Some(other_set()))).last().unwrap();
            Snapshot { fork: Fork::of(&head, other).map(Arc::new), ..live }
        }
        State::Live | State::Stale | State::Stalled | State::Expired => live,
    };
    Snapshot { state, ..changed }
}

/// The alarms that belong to a state: one that is critical, and one that is not.
pub(crate) fn alarms_in(state: State) -> Alarms {
    let alarm = |id, code, level, subject: &str, text: &str| Alarm {
        id,
        code,
        level,
        subject: subject.to_owned(),
        text: text.to_owned(),
        since_ms: time_of(LAST).0,
        at_ms: time_of(LAST).0,
        count: 2,
        cleared_ms: None,
        acknowledged: None,
    };
    let critical = match state {
        State::NoQuorum => Some((Code::NoQuorum, "no vote from north and west, 5088 of 10000 power")),
        State::Stalled => Some((Code::Stalled, "no block since 90212")),
        State::Forked => Some((Code::Forked, "two blocks at 90212")),
        _ => None,
    };
    let silent = alarm(4, Code::Silent, Level::Warning, "west", "no vote since 90212");
    let worst = critical.map(|(code, text)| alarm(3, code, Level::Critical, "chain", text));
    let open = worst.into_iter().flat_map(|worst| [worst, silent.clone()]).collect();
    Alarms { open, delivers: true }
}

/// A second set in which west has left and somebody new has come.
pub(crate) fn other_set() -> Vec<Validator> {
    let mut members: Vec<_> = genesis().validators.into_iter().map(|member| member.validator).collect();
    members[3] = Validator { pubkey: key(40), since_set: SetId(1), ..members[3].clone() };
    members
}

/// Two rounds of votes on the next height: one was lost.
pub(crate) fn voting(head: &Trusted, silent: &[u32]) -> Voting {
    let height = Height(LAST + 1);
    let cast = |round, phase, value| Cast { place: Place { height, round: Round(round), phase }, value };
    let votes = |index: u32| match index {
        _ if silent.contains(&index) => Vec::new(),
        0 | 2 => vec![
            cast(0, Phase::Prevote, None),
            cast(0, Phase::Precommit, None),
            cast(1, Phase::Prevote, Some(head.id())),
        ],
        _ => vec![cast(0, Phase::Prevote, Some(head.id())), cast(0, Phase::Precommit, None)],
    };
    let member = |(index, leaf): (u32, &Validator)| MemberVote {
        key: leaf.pubkey,
        power: leaf.power,
        last: votes(index).last().copied(),
        silent: silent.contains(&index),
        votes: votes(index),
    };
    let tally = |signed| Tally { signed, total: 10_000 };
    let round = |round, proposed, prevotes, precommits| RoundVotes {
        round: Round(round),
        proposed,
        prevotes: tally(prevotes),
        precommits: tally(precommits),
    };
    Voting {
        members: (0..).zip(head.validators().members()).map(member).collect(),
        known: true,
        stuck: false,
        progress: Some((height, vec![round(0, true, 10_000, 10_000), round(1, true, 5480, 0)])),
        evidence: Vec::new(),
    }
}

/// How it is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    Terminal16,
    /// No colors, and ASCII only.
    Mono,
}

pub(crate) fn model(paint: Paint) -> Model {
    let home = Home::at("/home/admin/q net".into());
    let theme = match paint {
        Paint::Terminal16 => Theme::terminal16(Glyphs::Unicode, Colors::On),
        Paint::Mono => Theme::terminal16(Glyphs::Ascii, Colors::Off),
    };
    Model::new(&config(), &home, theme.unwrap()).unwrap()
}

/// The console 2.3 s after the last head was made, which saw all of them.
pub(crate) fn watching(snapshot: Snapshot, paint: Paint) -> Model {
    let mut model = model(paint);
    let first = Snapshot {
        state: State::Syncing,
        voting: Arc::default(),
        head: Arc::new(anchor().0),
        ..snapshot.clone()
    };
    update(&mut model, Msg::Snapshot(Arc::new(first), START));
    if !snapshot.head.signers().is_empty() {
        for (lag, head) in (0..).zip(heads()) {
            let head = Arc::clone(head);
            let seen = head.header().get().time.plus(100 + lag * 10);
            update(&mut model, Msg::Head(head, seen));
        }
    }
    if !snapshot.head.signers().is_empty() {
        update(&mut model, Msg::People(Ok(Arc::new(folk::people()))));
    }
    let now = time_of(LAST).plus(2300);
    update(&mut model, Msg::Tick(now));
    assert_eq!(update(&mut model, Msg::Snapshot(Arc::new(snapshot), now)), [Effect::Draw]);
    model
}

pub(crate) fn press(model: &mut Model, keys: &str) -> Vec<Effect> {
    let mut effects = Vec::new();
    for c in keys.chars() {
        let key = match c {
            '\n' => Key::Enter,
            '\t' => Key::Tab,
            '\u{1b}' => Key::Esc,
            '\u{8}' => Key::Backspace,
            '\u{3}' => Key::Ctrl('c'),
            c => Key::Char(c),
        };
        effects.extend(update(model, Msg::Key(key)));
    }
    effects
}

/// The drawn rows, without trailing spaces.
pub(crate) fn drawn(model: &Model, (width, height): (u16, u16)) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| view(model, frame)).unwrap();
    let buffer = terminal.backend().buffer();
    let row = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
    (0..height).map(row).collect()
}

/// All of it.
pub(crate) fn picture(model: &Model, size: (u16, u16)) -> String {
    drawn(model, size).join("\n")
}

/// Lets the proofs arrive that are waited for.
pub(crate) fn answer(model: &mut Model) {
    let waits = |asked: &&Asked| matches!(asked.proof, Proof::Fetching);
    let view = &model.view;
    let waited: Vec<Asked> =
        [&view.asked, &view.registered].into_iter().flatten().filter(waits).cloned().collect();
    for Asked { subject, .. } in waited {
        let found = match &subject {
            Subject::Block(height) | Subject::Member { height, .. } => {
                Found::Header(Box::new(proven(height.0)))
            }
            Subject::Validator { name, .. } => Found::Entry(Box::new(entry(Registration::state_key(name)))),
            Subject::Request(id) => Found::Entry(Box::new(entry(Request::state_key(*id)))),
            Subject::Offence(_) => Found::Evidence(Box::new(double_vote())),
            Subject::Fork => Found::Evidence(Box::new(fork())),
        };
        assert_eq!(update(model, Msg::Proof(subject, Box::new(Ok(found)))), [Effect::Draw]);
    }
}

/// South voted twice above the last head, as the light node shows it.
pub(crate) fn double_vote() -> Evidence {
    let (anchor, rules) = anchor();
    let (chain_id, last) = (genesis().chain_id().unwrap(), proven(LAST).proof);
    let (set_id, height, round) = (last.header.set_id, last.header.height, Round(1));
    let signed = |value| {
        let vote = Vote { phase: Phase::Prevote, chain_id, set_id, height, round, value };
        let signature = secret(2).sign(&vote.sign_bytes());
        SignedVote { vote, signer: 2, signature }
    };
    let offence =
        Offence::DoubleVote(DoubleVote { first: signed(None), second: signed(Some(last.header.id())) });
    let (header, certificate, validators) = (last.header, last.certificate.unwrap(), last.validators);
    let now = header.time;
    let block = LightBlock { header, certificate, validators: validators.clone(), next_validators: None };
    let path = last.path.into_iter().chain([block]).collect();
    let proof = OffenceProof { offence, validators, path };
    assert_eq!(detect::offence_proof(&proof, &anchor, &rules, now).unwrap().get(), &key(2));
    Evidence::Offence(Box::new(proof))
}

/// Two blocks at the end of the first set, of which one names a second set with somebody new in it.
pub(crate) fn fork() -> Evidence {
    let (anchor, rules) = anchor();
    let boundary =
        |blocks: Vec<LightBlock>| blocks.into_iter().find(|block| block.header.height.0 == BOUNDARY).unwrap();
    let (first, second) = (boundary(blocks(None)), boundary(blocks(Some(other_set()))));
    let now = first.header.time;
    let proof = ForkProof { blocks: ForkEvidence { first, second }, path: Vec::new() };
    assert_eq!(detect::fork_proof(&proof, &anchor, &rules, now).unwrap().height(), Height(BOUNDARY));
    Evidence::Fork(Box::new(proof))
}

/// All is well but that south voted twice.
pub(crate) fn accused() -> Snapshot {
    let live = live();
    let Evidence::Offence(proof) = double_vote() else { panic!() };
    let voting = Voting { evidence: vec![(key(2), proof.offence)], ..Voting::clone(&live.voting) };
    Snapshot { voting: Arc::new(voting), ..live }
}

/// The proof of one of the last two blocks.
pub(crate) fn proven(height: u64) -> Proven {
    static PROVEN: OnceLock<[Proven; 2]> = OnceLock::new();
    let [before, last] = PROVEN.get_or_init(|| [LAST - 1, LAST].map(prove));
    if height == LAST { last.clone() } else { before.clone() }
}

fn prove(height: u64) -> Proven {
    let (anchor, rules) = anchor();
    let all = blocks(None);
    let at = usize::try_from(height - FIRST).unwrap();
    let LightBlock { header, certificate, validators, .. } = all[at].clone();
    let path = all.into_iter().filter(|block| block.header.height.0 == BOUNDARY && height > BOUNDARY);
    let proof = HeaderProof {
        header,
        certificate: Some(certificate),
        validators,
        path: path.collect(),
        history: None,
    };
    let checked = proof::check(&proof, &anchor, &rules, proof.header.time).unwrap();
    Proven { proof, checked }
}

/// The proof of what the state says under a key.
pub(crate) fn entry(key: Vec<u8>) -> ProvenStatement {
    let (value, way) = state().prove(&key).unwrap();
    let Proven { proof: header, checked } = proven(LAST - 1);
    let statement = Statement::State { key, value, proof: way };
    proof::stands(statement.clone(), &checked.header).unwrap();
    ProvenStatement { proof: StatementProof { header, statement }, checked }
}
