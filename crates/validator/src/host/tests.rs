use qratum_chain::{
    codec::Decode,
    ledger::{
        Body,
        registry::{Order, Refusal as Refused},
    },
    types::{
        BlockId, Certificate, Phase, Proposal, Registration, Round, SetId, SignedProposal, SignedVote,
        Status, Time, Vote,
    },
};
use qratum_crypto::{
    hash::Hash,
    sign::ed25519::{PublicKey, SecretKey, Signature},
};
use qratum_light_node::wire::{Request, Response, Submission};
use qratum_verifier::{Rules, SetCache, Trusted, Verdict, detect, proof, verify};

use super::*;
use crate::{
    drivers::virtual_time::{Net, Weather},
    engine::{Entry, Timer, TimerKind},
    serve,
    snapshot::Page,
    testing::{POWERS, START, certificate, genesis, key, ledger, net, order, rotation},
};

const MINUTE: u64 = 60_000;

#[test]
fn four_hosts_agree_for_fifty_heights_one_an_interval() {
    let mut net = net(1);
    assert!(net.run(2 * MINUTE, |net| net.lowest() >= 50), "only {} heights", net.lowest());
    assert!((49_000..60_000).contains(&net.now_ms()), "50 heights of 1 s took {} ms", net.now_ms());
    assert!(!net.log().contains(" note "), "{}", net.log());
    let ledger = net.host(0).unwrap().ledger();
    let set_ids = [20, 21, 41].map(|h| ledger.block(Height(h)).unwrap().block.header.set_id);
    assert_eq!(set_ids, [SetId(0), SetId(1), SetId(2)]);
}

#[test]
fn whichever_one_of_four_is_dead_heights_go_on_and_it_catches_up() {
    for dead in 0..4 {
        let mut net = net(2);
        assert!(net.run(MINUTE, |net| net.lowest() >= 5));
        net.kill(dead);
        assert!(net.run(2 * MINUTE, |net| net.lowest() >= 25), "{dead} dead: at {}", net.lowest());
        net.start(dead);
        assert!(net.run(2 * MINUTE, |net| net.lowest() >= 30), "{dead} back: at {}", net.height(dead));
        // It votes again: without it, another one may go.
        net.kill((dead + 1) % 4);
        let tip = net.lowest();
        assert!(net.run(2 * MINUTE, |net| net.lowest() >= tip + 5), "{dead} does not vote");
    }
}

#[test]
fn two_of_four_dead_stops_the_chain_until_they_are_back() {
    let mut net = net(3);
    assert!(net.run(MINUTE, |net| net.lowest() >= 5));
    net.kill(1);
    net.kill(2);
    net.run(1_000, |_| false);
    let stopped = net.lowest();
    assert!(!net.run(10 * MINUTE, |net| net.lowest() > stopped), "half the power decided");
    net.start_all();
    assert!(net.run(2 * MINUTE, |net| net.lowest() >= stopped + 5), "at {} of {stopped}", net.lowest());
}

#[test]
fn all_going_down_at_once_in_any_state_go_on_where_they_were() {
    for seed in 0..12 {
        let mut net = net(seed);
        net.weather().loses_one_in = 6;
        net.run(6_000 + 17 * seed, |_| false);
        (0..4).for_each(|i| net.kill(i));
        net.start_all();
        let tip = net.lowest();
        *net.weather() = Weather::FAIR;
        let goes_on = net.run(5 * MINUTE, |net| net.lowest() >= tip + 3);
        assert!(goes_on, "seed {seed} stands still at {tip}, {:?}", net.broken());
    }
}

/// What a light node that trusts genesis alone makes of what a host serves at these heights.
fn followed(host: &Host, heights: &[u64]) -> Trusted {
    let (mut trusted, rules): (Trusted, Rules) = Trusted::genesis(&genesis(&POWERS)).unwrap();
    let mut sets = SetCache::default();
    for height in heights {
        let Response::Block(block) = serve::answer(host, &Request::Block(Height(*height))) else {
            panic!("no block {height}")
        };
        let verdict = verify(&block, &trusted, &rules, &mut sets, START.plus(10 * MINUTE));
        let Verdict::Accept(accepted) = verdict else { panic!("{height}: {verdict:?}") };
        trusted = *accepted;
    }
    trusted
}

/// FEATURES A-056: a transaction waits where it was submitted and everywhere else, comes into a
/// block, and a light node proves that it is there.
#[test]
fn mempool_contains_after_submit() {
    let mut net = net(5);
    assert!(net.run(MINUTE, |net| net.lowest() >= 3));
    let ledger = net.host(0).unwrap().ledger();
    let [first, second] = [0, 1].map(|nonce| order(ledger, 1, nonce, &Order::Note(vec![nonce as u8; 9])));
    let stranger = order(ledger, 50, 0, &Order::Leave);
    assert_eq!(net.submit(0, &first.to_bytes()), Some(Submission::Accepted));
    assert_eq!(net.submit(0, &first.to_bytes()), Some(Submission::Accepted), "again");
    let refused = |why| Some(Submission::Refused(why));
    assert_eq!(net.submit(0, &stranger.to_bytes()), refused(Refused::UnknownSender));
    assert_eq!(net.submit(0, b"no transaction"), refused(Refused::Malformed));
    let id = first.body.id();
    let answer = |net: &Net, i, id| serve::answer(net.host(i).unwrap(), &Request::Txo(id));
    assert_eq!(answer(&net, 0, id), Response::Txo(None), "it waits");
    assert_eq!(answer(&net, 3, id), Response::Unknown);
    assert!(net.run(100, |net| net.host(3).unwrap().waits(&id)), "it is told to all");
    assert_eq!(net.submit(3, &second.to_bytes()), Some(Submission::Accepted), "the next, elsewhere");
    assert!(net.run(MINUTE, |net| net.lowest() >= 6));
    let Response::Txo(Some(found)) = answer(&net, 2, id) else { panic!("not in a block") };
    assert_eq!(found.txo, first);
    let block = followed(net.host(2).unwrap(), &[found.height.0]);
    let place = (found.index, found.count);
    let proven = proof::txo_in_block(found.txo.clone(), place, &found.audit_path, block.header());
    assert_eq!(proven.unwrap().get(), &first);
    let other = proof::txo_in_block(second.clone(), place, &found.audit_path, block.header());
    assert_eq!(other.unwrap_err().name(), "TxoProof");
    let Response::Txo(Some(_)) = answer(&net, 1, second.body.id()) else { panic!("not in a block") };
    assert_eq!(net.submit(1, &first.to_bytes()), Some(Submission::Accepted), "it is in a block");
    assert!(!net.host(1).unwrap().waits(&id));
}

/// Keys change while the network runs, and who trusts genesis alone can follow.
#[test]
fn a_validator_votes_with_its_new_key_from_the_next_set_on() {
    let mut net = net(6);
    let new = [77; 32];
    net.give_key(1, new);
    let rotate = rotation(net.host(0).unwrap().ledger(), 1, 0, &SecretKey::from_seed(&new));
    let leave = order(net.host(0).unwrap().ledger(), 3, 0, &Order::Leave);
    assert!(net.run(MINUTE, |net| net.lowest() >= 5));
    assert_eq!(net.submit(2, &rotate.to_bytes()), Some(Submission::Accepted));
    assert_eq!(net.submit(0, &leave.to_bytes()), Some(Submission::Accepted));
    assert!(net.run(MINUTE, |net| net.lowest() >= 21), "at {}", net.lowest());
    // 30, 25 and 25 are left, so with one of them dead the new key is needed.
    net.kill(2);
    assert!(net.run(2 * MINUTE, |net| net.lowest() >= 30), "at {}: {:?}", net.lowest(), net.broken());
    net.start(2);
    // A restart finds both keys and takes the one that the set names.
    net.kill(1);
    net.start(1);
    assert!(net.run(MINUTE, |net| net.lowest() >= 35), "at {}: {:?}", net.lowest(), net.broken());
    net.kill(0);
    let tip = net.height(1).0;
    assert!(!net.run(MINUTE, |net| net.height(1).0 > tip + 2), "50 of 80 are no quorum");
    net.start(0);
    assert!(net.run(MINUTE, |net| net.lowest() > tip + 3), "at {}: {:?}", net.lowest(), net.broken());
    assert!(net.log().contains("3 warn the signer refuses"), "who left knows that it does not vote");

    let host = net.host(0).unwrap();
    let names: Vec<PublicKey> = host.ledger().set().members().iter().map(|m| m.pubkey).collect();
    assert_eq!(names, [key(0).public(), SecretKey::from_seed(&new).public(), key(2).public()]);
    let bytes = host.ledger().state().get(&Registration::state_key("v1")).unwrap();
    assert_eq!(Registration::from_bytes(bytes).unwrap().since_set, SetId(1));
    let head = followed(host, &[20, 30]);
    assert_eq!(head.validators().members(), host.ledger().set().members());
}

/// Validator 1 says everything twice: each vote and each proposal in two ways, to everybody.
fn two_tongued(net: &mut Net, lies: fn(&Message) -> Option<Message>) {
    let voice = move |_, message: &Message| [Some(message.clone()), lies(message)].into_iter().flatten();
    net.tamper(1, Box::new(move |to, message| voice(to, message).collect()));
}

fn other_vote(message: &Message) -> Option<Message> {
    let Message::Vote(signed) = message else { return None };
    let mut vote = signed.vote.clone();
    vote.value = if vote.value.is_some() { None } else { Some(BlockId(Hash([7; 32]))) };
    let signature = key(1).sign(&vote.sign_bytes());
    Some(Message::Vote(SignedVote { vote, signer: 1, signature }))
}

fn other_proposal(message: &Message) -> Option<Message> {
    let Message::Proposal(pair) = message else { return None };
    let (mut signed, mut block) = (**pair).clone();
    block.header.time = block.header.time.plus(1);
    signed.proposal.block_id = block.id();
    signed.signature = key(1).sign(&signed.proposal.sign_bytes());
    Some(Message::Proposal(Box::new((signed, block))))
}

/// Who double-signs is proven guilty in a block, loses stake once and its seat at the end of the set,
/// and everybody can check the evidence.
#[test]
fn evidence_comes_into_a_block_and_the_guilty_out_of_the_next_set() {
    type Lie = fn(&Message) -> Option<Message>;
    for (seed, lies) in [(7, other_vote as Lie), (8, other_proposal)] {
        let mut net = net(seed);
        two_tongued(&mut net, lies);
        assert!(net.run(2 * MINUTE, |net| net.lowest() >= 26), "at {}: {:?}", net.lowest(), net.broken());
        let host = net.host(0).unwrap();
        let chain = host.ledger();
        let with = |h: &u64| !chain.block(Height(*h)).unwrap().block.body.evidence.is_empty();
        let places: Vec<u64> = (1..=26).filter(with).collect();
        assert_eq!(places.len(), 1, "punished once");
        let bytes = chain.state().get(&Registration::state_key("v1")).unwrap();
        let guilty = Registration::from_bytes(bytes).unwrap();
        assert_eq!((guilty.status, guilty.stake), (Status::Jailed, 237_500));
        assert_eq!(chain.set_at(Height(20)).members().len(), 4);
        assert_eq!(chain.set().index_of(&key(1).public()), None);
        assert_eq!(chain.set().members().len(), 3);

        let asked = Request::Evidence(Height(places[0]));
        let Response::Evidence(evidence) = serve::answer(host, &asked) else { panic!("no evidence") };
        let block = followed(host, &places);
        let evidence = proof::evidence_in_block(evidence, block.header()).unwrap();
        let (_, rules) = Trusted::genesis(&genesis(&POWERS)).unwrap();
        let [offence] = evidence.get().as_slice() else { panic!("one offence") };
        let culprit = detect::offence(offence, block.validators(), &rules);
        assert_eq!(*culprit.unwrap().get(), key(1).public());
        assert_eq!(serve::answer(host, &Request::Evidence(Height(1))), Response::Evidence(Vec::new()));
        let none = proof::evidence_in_block(Vec::new(), block.header());
        assert_eq!(none.unwrap_err().name(), "WrongEvidence");
    }
}

/// FEATURES C-022: a validator without a disk joins a network that dropped its first blocks, from a
/// snapshot that it checks from genesis; then it votes, restarts and serves light nodes like all others.
#[test]
fn bootstrap_from_checkpoint() {
    let mut net = net(9);
    (0..4).for_each(|i| net.kill(i));
    net.retain(100);
    (0..3).for_each(|i| net.start(i));
    let new = [78; 32];
    net.give_key(1, new);
    let rotate = rotation(net.host(0).unwrap().ledger(), 1, 0, &SecretKey::from_seed(&new));
    assert_eq!(net.submit(0, &rotate.to_bytes()), Some(Submission::Accepted));
    assert!(net.run(10 * MINUTE, |net| net.height(0).0 >= 215), "at {}: {:?}", net.height(0), net.broken());
    assert_eq!(net.host(0).unwrap().ledger().lowest(), Height(101));
    net.wipe(3);
    net.start(3);
    let joined = net.run(MINUTE, |net| net.height(3) == net.height(0));
    assert!(joined, "at {}: {:?}\n{}", net.height(3), net.broken(), net.log());
    let host = net.host(3).unwrap();
    assert_eq!((host.ledger().lowest(), host.ledger().block(Height(200))), (Height(201), None));
    followed(host, &[20, 40, 200, host.ledger().tip().height.0]);
    for asked in [Request::Block(Height(7)), Request::Evidence(Height(20))] {
        assert_eq!(serve::answer(host, &asked), Response::Unknown);
    }

    // It votes where it cannot have voted before: without it, and with another one away, there would
    // be no quorum.
    let tip = net.lowest();
    assert!(net.run(MINUTE, |net| net.lowest() >= tip + 3), "at {}: {:?}", net.lowest(), net.broken());
    net.kill(2);
    let tip = net.lowest();
    assert!(net.run(MINUTE, |net| net.lowest() >= tip + 5), "at {}: {:?}", net.lowest(), net.broken());
    net.kill(3);
    net.start(3);
    assert!(net.run(MINUTE, |net| net.lowest() >= tip + 10), "at {}: {:?}", net.lowest(), net.broken());
    // Whoever was away for too long joins in the same way.
    net.start(2);
    assert!(net.run(MINUTE, |net| net.lowest() >= tip + 15), "at {}: {:?}", net.lowest(), net.broken());
}

/// A validator that lost its disk in the middle of a height votes for nothing that it may have voted
/// against; and it votes again.
#[test]
fn whoever_lost_its_disk_signs_nothing_twice() {
    for seed in 0..60 {
        let mut net = net(seed);
        assert!(net.run(MINUTE, |net| net.lowest() >= 3));
        *net.weather() = Weather { loses_one_in: 3, ..*net.weather() };
        net.run(20 * seed, |_| false);
        net.kill(1);
        net.wipe(1);
        net.start(1);
        net.run(5_000, |_| false);
        assert_eq!(net.broken(), <[String; 0]>::default(), "seed {seed}");
        *net.weather() = Weather::FAIR;
        net.heal();
        let tip = net.height(0).0;
        assert!(net.run(5 * MINUTE, |net| net.lowest() >= tip + 5), "seed {seed}: {:?}", net.broken());
        net.kill(2);
        let tip = net.lowest();
        assert!(net.run(5 * MINUTE, |net| net.lowest() >= tip + 3), "seed {seed}: it does not vote");
    }
}

/// Of a host at height 2 that knows nothing of what it signed: what it says once these peers have
/// told that they have nothing newer, and the time is over.
fn greeted_by(peers: &[u32]) -> (Host, Vec<Output>) {
    let names = ["v1", "v2", "v3"].map(str::to_owned).into();
    let past = Past { log: Vec::new(), sign_from: None };
    let mut host = Host::new(ledger(2), key(0), past, names, at(2_000)).unwrap();
    for peer in peers {
        host.decided(Peer(*peer), Vec::new(), at(2_100)).unwrap();
    }
    let outputs = host.tick(at(3_500)).unwrap();
    (host, outputs)
}

#[test]
fn without_memory_a_third_must_have_told_its_height() {
    // 25 of 100: too few, and they are asked again.
    let (host, outputs) = greeted_by(&[0]);
    assert!(matches!(host.stage, Stage::Greeting { until_ms: 5_000, .. }), "{:?}", host.stage);
    let asked = [1, 2].map(|peer| Output::Ask(Peer(peer), Height(3)));
    assert_eq!(outputs[..2], asked);
    assert!(matches!(&outputs[2..], [Output::Warn(why)] if why.contains("no record of what it signed")));
    // 45 of 100.
    let (host, outputs) = greeted_by(&[0, 2]);
    assert_eq!(outputs[0], Output::SignFrom(Height(5)));
    assert_eq!((host.stage, host.lost), (Stage::Voting, false));
}

/// Nobody has decided anything: the network begins.
#[test]
fn where_nothing_is_decided_there_is_nothing_to_wait_for() {
    let past = Past { log: Vec::new(), sign_from: None };
    let mut host = Host::new(ledger(0), key(0), past, others(), at(0)).unwrap();
    let mut outputs = Vec::new();
    for peer in 0..3 {
        outputs.extend(host.decided(Peer(peer), Vec::new(), at(100)).unwrap());
    }
    assert_eq!(outputs, [Output::SignFrom(Height(0))]);
}

/// Pages that do not belong together, or do not make a snapshot, start nothing.
#[test]
fn a_snapshot_that_is_none_is_dropped_and_another_peer_is_heard() {
    let chain = ledger(105);
    let (height, bytes) = chain.snapshot().unwrap();
    let mut host = Host::new(ledger(2), key(0), Past::of(Vec::new()), others(), at(110_000)).unwrap();
    let page = |bytes: &[u8], offset: u32| Page {
        height: height.0,
        total: bytes.len() as u32,
        offset,
        bytes: bytes[offset as usize..].iter().take(1000).copied().collect(),
    };
    let mut forged = bytes.to_vec();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    let mut hear = |peer, page, ms| host.page(Peer(peer), page, at(ms)).unwrap();
    let more = |peer, offset| vec![Output::AskPage { peer: Peer(peer), height: 100, offset }];
    assert_eq!(hear(0, page(&forged, 0), 110_000), more(0, 1000));
    assert_eq!(hear(1, page(bytes, 0), 110_100), [], "one at a time");
    assert_eq!(hear(0, page(&forged, 2000), 110_100), [], "a page too far");
    assert_eq!(hear(0, Page { total: u32::MAX, ..page(&forged, 1000) }, 110_100), []);
    let mut offset = 1000;
    let said = loop {
        let outputs = hear(0, page(&forged, offset), 110_200);
        match outputs.as_slice() {
            [Output::AskPage { offset: next, .. }] => offset = *next,
            _ => break outputs,
        }
    };
    assert_eq!(said, [note("a", "its snapshot: its state is not the one of the header")]);
    let mut offset = 0;
    let said = loop {
        let outputs = hear(1, page(bytes, offset), 110_300);
        match outputs.as_slice() {
            [Output::AskPage { offset: next, .. }] => offset = *next,
            _ => break outputs,
        }
    };
    assert!(matches!(&said[..], [Output::Found(_), Output::Note { .. }, Output::Ask(Peer(1), Height(101))]));
    assert_eq!(host.ledger().tip().id(), chain.block(Height(100)).unwrap().block.id());
    assert_eq!(host.page(Peer(1), page(bytes, 0), at(110_400)).unwrap(), [], "nothing newer");
}

/// What the host of a test calls the others.
fn others() -> Vec<String> {
    ["a", "b", "c"].map(str::to_owned).into()
}

/// A note about another validator that begins with its name.
fn note(about: &str, line: &str) -> Output {
    Output::Note { about: about.to_owned(), line: format!("{about}: {line}") }
}

fn at(ms: u64) -> Moment {
    Moment { wall: START.plus(ms), uptime_ms: ms }
}

/// A host at height 3 that has begun to vote, alone: nobody answers its greeting.
fn voting(index: u32, log: Vec<Entry>) -> (Host, Vec<Output>) {
    let mut host = Host::new(ledger(2), key(index), Past::of(log), others(), at(2_000)).unwrap();
    assert_eq!(host.deadline_ms(), 3_500);
    let outputs = host.tick(at(3_500)).unwrap();
    (host, outputs)
}

/// Who proposes height 3 in round 0, and someone who does not.
fn roles() -> (u32, u32) {
    let proposer = ledger(2).build(Round(0), START, &Body::default()).unwrap().header.proposer;
    (proposer, (proposer + 1) % 4)
}

fn proposal_at(ms: u64, fault: impl FnOnce(&mut Block)) -> Message {
    let (proposer, _) = roles();
    let mut block = ledger(2).build(Round(0), START.plus(ms), &Body::default()).unwrap();
    fault(&mut block);
    let header = &block.header;
    let proposal = Proposal {
        chain_id: ledger(0).chain_id(),
        set_id: SetId(0),
        height: Height(3),
        round: Round(0),
        pol_round: -1,
        block_id: header.id(),
    };
    let signature = key(proposer).sign(&proposal.sign_bytes());
    Message::Proposal(Box::new((SignedProposal { proposal, signer: proposer, signature }, block)))
}

/// The votes among outputs, as (phase, value).
fn votes(outputs: &[Output]) -> Vec<(Phase, Option<BlockId>)> {
    let vote = |output: &Output| match output {
        Output::Tell(Message::Vote(signed)) => Some((signed.vote.phase, signed.vote.value)),
        _ => None,
    };
    outputs.iter().filter_map(vote).collect()
}

/// What outputs write to the log.
fn logged(outputs: Vec<Output>) -> Vec<Entry> {
    let entry = |output| if let Output::Log(entry) = output { Some(entry) } else { None };
    outputs.into_iter().filter_map(entry).collect()
}

fn notes(outputs: &[Output]) -> Vec<&str> {
    let note = |output: &'_ Output| matches!(output, Output::Note { .. });
    outputs
        .iter()
        .filter(|output| note(output))
        .map(|o| match o {
            Output::Note { line, .. } => line.split(": ").nth(1).unwrap(),
            _ => unreachable!(),
        })
        .collect()
}

#[test]
fn whoever_proposes_a_bad_block_is_named_as_the_chain_names_it() {
    let (proposer, other) = roles();
    let (mut host, _) = voting(other, Vec::new());
    let bad = proposal_at(3_500, |block| block.header.state_root = Hash::ZERO);
    let outputs = host.message(Peer(0), bad, at(3_500)).unwrap();
    let about = format!("v{proposer}");
    let want = Output::Note { line: format!("proposal 3/0 of {about}: another state root"), about };
    assert!(outputs.contains(&want), "{outputs:?}");
}

#[test]
fn a_good_proposal_gets_a_prevote_and_each_bad_one_a_nil_with_its_reason() {
    let answer = |fault: fn(&mut Block)| {
        let (mut host, _) = voting(roles().1, Vec::new());
        let outputs = host.message(Peer(0), proposal_at(3_500, fault), at(3_500)).unwrap();
        let reasons = notes(&outputs).join(", ");
        let [(Phase::Prevote, value)] = votes(&outputs)[..] else { panic!("{outputs:?}") };
        (value.is_some(), reasons)
    };
    let refused = |reason: &str| (false, reason.to_owned());
    assert_eq!(answer(|_| {}), (true, String::new()));
    assert_eq!(answer(|b| b.header.state_root = Hash::ZERO), refused("another state root"));
    assert_eq!(answer(|b| b.header.history_root = Hash::ZERO), refused("another history root"));
    assert_eq!(answer(|b| b.header.parent = BlockId::ZERO), refused("another parent"));
    assert_eq!(answer(|b| b.header.proposer ^= 1), refused("another proposer"));
    assert_eq!(answer(|b| b.header.set_id = SetId(9)), refused("another set"));
    let late = format!("time outside {} to {}", START.0 + 2_001, START.0 + 4_000);
    assert_eq!(answer(|b| b.header.time = START.plus(4_001)), refused(&late));
    let other = "last_certificate is not the hash of the certificate it carries";
    assert_eq!(answer(|b| b.header.last_certificate = Hash::ZERO), refused(other));
}

/// The same proposal by the same proposer in another round, with a lock that it claims to have.
fn proposed_again(message: &Message, round: u32, pol_round: i32) -> Message {
    let Message::Proposal(mut pair) = message.clone() else { panic!() };
    let signed = &mut pair.0;
    (signed.proposal.round, signed.proposal.pol_round) = (Round(round), pol_round);
    signed.signature = key(signed.signer).sign(&signed.proposal.sign_bytes());
    Message::Proposal(pair)
}

/// The next round in which the proposer of round 0 has its turn again.
fn next_turn() -> u32 {
    let chain = ledger(2);
    let turn = |round| qratum_chain::schedule::proposer(chain.set(), Height(3), Round(round));
    (1..=10).find(|round| turn(*round) == turn(0)).unwrap()
}

/// Prevotes of round 0 by all but `own` for what is proposed.
fn prevotes(message: &Message, own: u32) -> Vec<SignedVote> {
    let Message::Proposal(pair) = message else { panic!() };
    let Proposal { chain_id, set_id, height, block_id, .. } = pair.0.proposal;
    let (phase, round, value) = (Phase::Prevote, Round(0), Some(block_id));
    let vote = Vote { phase, chain_id, set_id, height, round, value };
    let by =
        |signer| SignedVote { signature: key(signer).sign(&vote.sign_bytes()), signer, vote: vote.clone() };
    (0..4).filter(|signer| *signer != own).map(by).collect()
}

/// A lock exempts a block from the rule of time: a claimed one does not.
#[test]
fn a_false_time_gets_no_prevote_whatever_lock_its_proposer_claims() {
    let hour = 60 * MINUTE;
    let proposal = proposal_at(3_500 + hour, |_| {});
    for (round, pol_round) in [(0, 0), (0, 5), (next_turn(), 0), (next_turn(), 9)] {
        let (mut host, _) = voting(roles().1, Vec::new());
        let lie = proposed_again(&proposal, round, pol_round);
        assert_eq!(votes(&host.message(Peer(0), lie, at(3_500)).unwrap()), []);
        let outputs = host.message(Peer(0), proposal.clone(), at(3_500)).unwrap();
        assert_eq!(votes(&outputs), [(Phase::Prevote, None)], "round {round}, lock {pol_round}");
    }
}

#[test]
fn a_proven_lock_exempts_from_the_rule_of_time_whichever_comes_first() {
    let own = roles().1;
    let proposal = proposal_at(3_500 + 60 * MINUTE, |_| {});
    let again = proposed_again(&proposal, next_turn(), 0);
    let polka = Message::Polka(prevotes(&proposal, own));
    for messages in [[polka.clone(), again.clone()], [again, polka]] {
        let (mut host, _) = voting(own, Vec::new());
        let judged = messages.map(|message| {
            let logged = logged(host.message(Peer(0), message, at(3_500)).unwrap());
            logged.iter().filter(|entry| matches!(entry, Entry::Judgement(it) if it.valid)).count()
        });
        assert_eq!(judged, [0, 1]);
    }
}

#[test]
fn a_proposal_out_of_turn_or_with_a_bad_signature_is_not_looked_at() {
    let spoiled = |spoil: fn(&mut SignedProposal)| {
        let (mut host, _) = voting(roles().1, Vec::new());
        let Message::Proposal(mut proposal) = proposal_at(3_500, |_| {}) else { unreachable!() };
        spoil(&mut proposal.0);
        host.message(Peer(0), Message::Proposal(proposal), at(3_500)).unwrap()
    };
    let turn = [note("a", "proposal 3/0: it is not signed by whose turn it is")];
    assert_eq!(spoiled(|p| p.signature.0[0] ^= 1), turn);
    assert_eq!(spoiled(|p| p.signer = (p.signer + 1) % 4), turn);
    let other = [note("a", "proposal 3/0: it names another block than it brings")];
    assert_eq!(spoiled(|p| p.proposal.block_id = BlockId::ZERO), other);
    let ahead = [note("a", "proposal 3/0: it is locked in a round to come")];
    assert_eq!(spoiled(|p| p.proposal.pol_round = 0), ahead);
}

#[test]
fn the_third_block_of_a_round_is_not_looked_at() {
    let (mut host, _) = voting(roles().1, Vec::new());
    let logged = [3_500, 3_501, 3_502].map(|ms| {
        let outputs = host.message(Peer(0), proposal_at(ms, |_| {}), at(3_500)).unwrap();
        outputs.iter().filter(|o| matches!(o, Output::Log(Entry::Block(_)))).count()
    });
    assert_eq!(logged, [1, 1, 0]);
}

#[test]
fn after_a_restart_the_logged_vote_is_sent_again_and_no_other() {
    let (mut host, _) = voting(roles().1, Vec::new());
    let outputs = host.message(Peer(0), proposal_at(3_500, |_| {}), at(3_500)).unwrap();
    let first = votes(&outputs);
    assert_eq!(first.len(), 1);
    let log = logged(outputs);

    // The same proposer tempts it with another block of the same round.
    let (mut again, outputs) = voting(roles().1, log.clone());
    assert_eq!(votes(&outputs), first, "replayed");
    let tempted = again.message(Peer(0), proposal_at(3_501, |_| {}), at(3_501)).unwrap();
    assert_eq!(votes(&tempted), []);

    // Even a log that holds nothing but the vote: another value in its place is withheld.
    let vote_only = log.iter().filter(|entry| matches!(entry, Entry::Vote(_))).cloned().collect();
    let (mut again, _) = voting(roles().1, vote_only);
    let tempted = again.message(Peer(0), proposal_at(3_501, |_| {}), at(3_501)).unwrap();
    assert!(votes(&tempted).iter().all(|vote| first.contains(vote)), "{tempted:?}");
}

/// The chain was damaged and the log was not: heights that were voted on long ago come again.
#[test]
fn below_its_log_nothing_is_signed_and_at_its_log_nothing_else() {
    let (mut host, _) = voting(roles().1, Vec::new());
    let outputs = host.message(Peer(0), proposal_at(3_500, |_| {}), at(3_500)).unwrap();
    let (first, log) = (votes(&outputs), logged(outputs));

    let mut again = Host::new(ledger(1), key(roles().1), Past::of(log), others(), at(2_000)).unwrap();
    let mut outputs = again.tick(at(3_500)).unwrap();
    outputs.extend(again.tick(at(9_000)).unwrap());
    assert_eq!((again.engine.height(), votes(&outputs)), (Height(2), vec![]));
    let warned =
        |output: &Output| matches!(output, Output::Warn(why) if why.ends_with("below height 3 is not known"));
    assert!(outputs.iter().any(warned), "{outputs:?}");

    again.decided(Peer(1), decided(2, 2), at(9_100)).unwrap();
    let outputs = again.tick(at(9_100)).unwrap();
    assert_eq!((again.engine.height(), votes(&outputs)), (Height(3), first), "replayed");
    let tempted = again.message(Peer(0), proposal_at(3_501, |_| {}), at(9_100)).unwrap();
    assert_eq!(votes(&tempted), []);
}

#[test]
fn a_vote_is_logged_before_it_is_told() {
    let (mut host, _) = voting(roles().1, Vec::new());
    let outputs = host.message(Peer(0), proposal_at(3_500, |_| {}), at(3_500)).unwrap();
    let told = outputs.iter().position(|o| matches!(o, Output::Tell(Message::Vote(_)))).unwrap();
    let Output::Tell(Message::Vote(vote)) = outputs[told].clone() else { unreachable!() };
    let logged = outputs.iter().position(|o| *o == Output::Log(Entry::Vote(vote.clone()))).unwrap();
    assert!(logged < told);
}

#[test]
fn a_forged_vote_or_polka_moves_nothing() {
    let (_, other) = roles();
    let vote = |phase, signer: u32, by: u32| {
        let vote = Vote {
            phase,
            chain_id: ledger(0).chain_id(),
            set_id: SetId(0),
            height: Height(3),
            round: Round(1),
            value: Some(BlockId::ZERO),
        };
        let signature = key(by).sign(&vote.sign_bytes());
        SignedVote { vote, signer, signature }
    };
    let entered = |message: Message| {
        let (mut host, _) = voting(other, Vec::new());
        drop(host.message(Peer(0), message, at(3_500)).unwrap());
        host.engine.round() == Some(Round(1))
    };
    let skip = |votes| Message::RoundCertificate(crate::message::RoundReason::Skip, votes);
    let good = |i| vote(Phase::Prevote, i, i);
    assert!(entered(skip(vec![good(0), good(1)])), "55 of 100 are in round 1");
    assert!(!entered(skip(vec![good(0)])), "30 of 100 are not more than a third");
    assert!(!entered(skip(vec![good(0), vote(Phase::Prevote, 1, 0)])), "a forged signature");
    assert!(!entered(skip(vec![good(0), good(0)])), "one signer twice");
    assert!(!entered(Message::Polka(vec![good(0), vote(Phase::Prevote, 1, 0), good(2)])));
}

/// Refuses from the second vote on, as a device would that lost its power.
struct Reluctant(SecretKey, u32);

impl Signer for Reluctant {
    fn public(&self) -> PublicKey {
        self.0.public()
    }

    fn vote(&mut self, vote: &Vote) -> Result<Signature, Refusal> {
        self.1 += 1;
        if self.1 == 1 { self.0.vote(vote) } else { Err(Refusal("no power".to_owned())) }
    }

    fn proposal(&mut self, _: &Proposal) -> Result<Signature, Refusal> {
        Err(Refusal("no power".to_owned()))
    }
}

#[test]
fn a_signer_that_refuses_is_named_once_and_the_chain_is_followed_without_a_vote() {
    let own = roles().1;
    let signer = Reluctant(key(own), 0);
    let mut host = Host::new(ledger(2), signer, Past::of(Vec::new()), others(), at(2_000)).unwrap();
    host.tick(at(3_500)).unwrap();
    let mut outputs = host.message(Peer(0), proposal_at(3_500, |_| {}), at(3_500)).unwrap();
    let Some(Output::Tell(Message::Vote(prevote))) = outputs.last().cloned() else { panic!("{outputs:?}") };
    assert_eq!(votes(&outputs).len(), 1, "the first is signed");
    for phase in [Phase::Prevote, Phase::Precommit] {
        for signer in (0..4).filter(|signer| *signer != own) {
            let vote = Vote { phase, ..prevote.vote.clone() };
            let signature = key(signer).sign(&vote.sign_bytes());
            let message = Message::Vote(SignedVote { vote, signer, signature });
            outputs.extend(host.message(Peer(0), message, at(3_600)).unwrap());
        }
    }
    assert_eq!(votes(&outputs).len(), 1, "no precommit left");
    let warning = "the signer refuses, so this validator does not vote: no power";
    let warned = |output: &&Output| **output == Output::Warn(warning.to_owned());
    assert_eq!(outputs.iter().filter(warned).count(), 1);
    let Some(Output::Keep(decided)) = outputs.last() else { panic!("{outputs:?}") };
    let commit = decided.certificate.commit().unwrap();
    assert!(decided.height() == Height(3) && commit.bitmap.indexes().all(|signer| signer != own));
}

/// What a light node is told of heights 2 and 3, as (height, signer, phase).
fn heard(host: &Host) -> (Vec<(u64, u32, Phase)>, usize) {
    let Response::Votes { height: Height(3), votes, proposals } = host.heard().answer() else { panic!() };
    let place = |signed: SignedVote| (signed.vote.height.0, signed.signer, signed.vote.phase);
    (votes.into_iter().map(place).collect(), proposals.len())
}

#[test]
fn light_nodes_are_told_the_well_signed_votes_and_proposals_only() {
    let own = roles().1;
    let (mut host, _) = voting(own, Vec::new());
    assert_eq!(heard(&host), (vec![], 0));
    let outputs = host.message(Peer(0), proposal_at(3_500, |_| {}), at(3_500)).unwrap();
    assert_eq!(heard(&host), (vec![(3, own, Phase::Prevote)], 1));

    let Some(Output::Tell(Message::Vote(vote))) = outputs.last() else { panic!("{outputs:?}") };
    let mut by = |signer: u32, signed_by: u32| {
        let signature = key(signed_by).sign(&vote.vote.sign_bytes());
        let vote = SignedVote { signer, signature, ..vote.clone() };
        host.message(Peer(0), Message::Vote(vote), at(3_600)).unwrap();
        heard(&host).0.len()
    };
    let (one, other) = ((own + 1) % 4, (own + 2) % 4);
    assert_eq!([by(one, one), by(other, one), by(other, own)], [2, 2, 2]);

    // Restarted, it still knows them.
    let log = logged(outputs);
    assert_eq!(heard(&voting(own, log).0), (vec![(3, own, Phase::Prevote)], 1));
}

#[test]
fn messages_for_later_heights_are_held_back_within_bounds() {
    let (mut host, _) = voting(roles().1, Vec::new());
    let vote = Vote {
        phase: Phase::Prevote,
        chain_id: ledger(0).chain_id(),
        set_id: SetId(0),
        height: Height(4),
        round: Round(0),
        value: None,
    };
    let signed = SignedVote { signature: key(0).sign(&vote.sign_bytes()), signer: 0, vote };
    let first = host.message(Peer(0), Message::Vote(signed.clone()), at(3_600)).unwrap();
    assert_eq!(first, [Output::Ask(Peer(0), Height(3))], "whoever is above has decided our height");
    for _ in 0..500 {
        assert_eq!(host.message(Peer(0), Message::Vote(signed.clone()), at(3_700)).unwrap(), []);
    }
    assert_eq!(host.early.take().count(), 64);
}

/// A peer that always says it is ahead does not keep the others from being asked.
#[test]
fn each_peer_that_is_ahead_is_asked() {
    let (mut host, _) = voting(roles().1, Vec::new());
    let ahead = |height| {
        let Message::Proposal(mut pair) = proposal_at(3_500, |_| {}) else { panic!() };
        pair.0.proposal.height = Height(height);
        Message::Proposal(pair)
    };
    for (peer, ms, asked) in [(0, 3_600, true), (1, 3_700, true), (0, 3_849, false), (0, 3_850, true)] {
        let outputs = host.message(Peer(peer), ahead(9), at(ms)).unwrap();
        assert_eq!(outputs.contains(&Output::Ask(Peer(peer), Height(3))), asked, "{peer} at {ms}");
    }
}

/// A clock that is an hour behind when a height ends, and is set right, holds nobody up for an hour.
#[test]
fn a_wait_is_over_in_time_whatever_the_clock_says() {
    let early = Moment { wall: Time(START.0 - 60 * MINUTE), uptime_ms: 2_000 };
    let mut host = Host::new(ledger(2), key(0), Past::of(Vec::new()), Vec::new(), early).unwrap();
    host.decided(Peer(0), Vec::new(), early).unwrap();
    assert_eq!((host.deadline_ms(), &host.stage), (3_500, &Stage::Waiting { until_ms: 3_500 }));
}

/// A peer that says it has a snapshot, and never gets to its end, does not keep a host from voting.
#[test]
fn pages_of_a_snapshot_hold_nobody_up_for_ever() {
    use crate::snapshot::Page;
    let page = |offset| Page { height: 900, total: 200 << 20, offset, bytes: vec![0] };
    let mut host = Host::new(ledger(2), key(0), Past::of(Vec::new()), others(), at(0)).unwrap();
    for turn in 0..700 {
        host.page(Peer(0), page(turn), at(u64::from(turn) * 1_000)).unwrap();
    }
    let mut answered = |peer, ms| !host.page(Peer(peer), page(0), at(ms)).unwrap().is_empty();
    assert!(answered(1, 700_000), "another begins");
    assert!(host.deadline_ms() < 602_000, "{}", host.deadline_ms());
}

/// Decided blocks of another chain of events than ours, from `from` on.
fn decided(from: u64, to: u64) -> Vec<Decided> {
    let chain = ledger(to);
    (from..=to).map(|h| chain.block(Height(h)).unwrap().clone()).collect()
}

#[test]
fn a_starting_host_catches_up_before_it_votes() {
    let mut host = Host::new(ledger(2), key(0), Past::of(Vec::new()), others(), at(10_000)).unwrap();
    assert_eq!(host.peer_up(Peer(1)), Output::Ask(Peer(1), Height(3)));
    let outputs = host.decided(Peer(1), decided(3, 6), at(11_400)).unwrap();
    assert_eq!(outputs.len(), 5);
    assert_eq!(outputs.last(), Some(&Output::Ask(Peer(1), Height(7))));
    assert_eq!(host.tick(at(11_600)).unwrap(), [], "an answer with blocks buys more time");
    for peer in 0..3 {
        assert!(host.deadline_ms() > 11_700);
        assert_eq!(host.decided(Peer(peer), Vec::new(), at(11_700)).unwrap(), []);
    }
    assert_eq!(host.deadline_ms(), 11_700, "all have said that there is nothing newer");
    host.tick(at(11_700)).unwrap();
    assert_eq!((host.engine.height(), &host.stage), (Height(7), &Stage::Voting));
}

#[test]
fn a_block_that_does_not_chain_is_refused_with_its_reason() {
    let (mut host, _) = voting(0, Vec::new());
    let mut blocks = decided(3, 4);
    if let Certificate::Commit(commit) = &mut blocks[1].certificate {
        commit.signatures[2].0[9] ^= 1;
    }
    let outputs = host.decided(Peer(2), blocks, at(3_600)).unwrap();
    assert!(matches!(&outputs[0], Output::Keep(block) if block.height() == Height(3)));
    assert_eq!(outputs[1], note("c", "block 4: the signature of signer 2 does not hold"));
    assert_eq!((outputs.len(), host.ledger().tip().height), (2, Height(3)));
}

/// Whoever brings a vote that its voter did not sign is named, and the voter is not.
#[test]
fn a_forged_vote_is_held_against_whoever_brings_it() {
    let (mut host, _) = voting(0, Vec::new());
    let vote = Vote {
        phase: Phase::Prevote,
        height: Height(3),
        value: None,
        ..certificate(ledger(2).tip(), 4, &[]).vote()
    };
    let mut brings = |by: u32, signer: u32| {
        let signature = key(by).sign(&vote.sign_bytes());
        let outputs = host.message(
            Peer(1),
            Message::Vote(SignedVote { vote: vote.clone(), signer, signature }),
            at(3_600),
        );
        outputs
            .unwrap()
            .into_iter()
            .filter(|output| matches!(output, Output::Note { .. }))
            .collect::<Vec<_>>()
    };
    assert_eq!(brings(1, 1), []);
    assert_eq!(brings(1, 2), [note("b", "vote 3/0 as member 2: the signature is not that of v2")]);
    assert_eq!(brings(1, 9), [note("b", "vote 3/0 as member 9: a certificate for something else")]);
}

#[test]
fn whose_proposal_did_not_come_is_said_and_of_whom_it_came_is_not() {
    let (proposer, other) = roles();
    let missed = |comes: bool| {
        let (mut host, _) = voting(other, Vec::new());
        if comes {
            host.message(Peer(0), proposal_at(3_500, |_| {}), at(3_600)).unwrap();
        }
        let outputs = host.tick(at(4_500)).unwrap();
        outputs.into_iter().find(|output| matches!(output, Output::Note { .. }))
    };
    let about = format!("v{proposer}");
    let line = format!("round 0 of height 3 had no proposal from {about}");
    assert_eq!(missed(false), Some(Output::Note { about, line }));
    assert_eq!(missed(true), None);

    // One that came and cannot be judged yet lets the clock run out as well.
    let (mut host, _) = voting(other, Vec::new());
    let round = (0..).map(Round).find(|round| host.engine.proposer(*round) != other).unwrap();
    let timer = Timer { kind: TimerKind::Propose, round };
    let mut told = |comes: bool| {
        let mut out = Vec::new();
        if comes {
            host.proposals.admit(round, BlockId::ZERO);
        }
        host.miss(timer, &mut out);
        out.len()
    };
    assert_eq!([told(false), told(true)], [1, 0]);
}

/// A peer may speak of the next height before it is asked; of one far above it must have blocks.
#[test]
fn whoever_speaks_of_a_height_that_it_does_not_have_is_named() {
    let says = |height: u64| {
        let (mut host, _) = voting(0, Vec::new());
        let vote = Vote { height: Height(height), ..certificate(ledger(2).tip(), 4, &[]).vote() };
        let signed = SignedVote { signature: key(1).sign(&vote.sign_bytes()), signer: 1, vote };
        let asked = host.message(Peer(0), Message::Vote(signed), at(3_600)).unwrap();
        assert_eq!(asked, [Output::Ask(Peer(0), Height(3))]);
        host.decided(Peer(0), Vec::new(), at(3_700)).unwrap()
    };
    assert_eq!(says(4), []);
    assert_eq!(says(5), [note("a", "it speaks of height 5 and has no block 3")]);
}
