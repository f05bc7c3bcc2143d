//! What a running node learns from votes: who is silent, that there is no quorum, who invents.

use qratum_chain::{
    document::Evidence,
    types::{DoubleVote, Offence},
};
use qratum_light_node::{Accused, Voting};
use qratum_verifier::{Trusted, detect};

use super::{
    chain::{vote, votes},
    peer::{self, standing, voting, with_votes},
    *,
};

fn silent(voting: &Voting) -> Vec<usize> {
    let members = voting.members.iter().enumerate();
    members.filter(|(_, member)| member.silent).map(|(index, _)| index).collect()
}

/// One of four is silent: named while the others go on, and no longer once it votes again.
#[tokio::test]
async fn who_does_not_vote_is_named_while_heads_go_on() {
    let chain = grown(constant, 1);
    let making = growing(&chain);
    let peer = FakePeer::start("a", 101, voting(&chain, &[0, 1, 2, 3])).await;
    let node = LightNode::start(config(&chain, &[&peer], None)).await.unwrap();
    let all = until(&node, "all vote", |snapshot| snapshot.voting.known).await;
    assert_eq!((silent(&all.voting), all.voting.stuck), (vec![], false));

    chain.lock().unwrap().absent = vec![1];
    peer.now(voting(&chain, &[0, 2, 3]));
    let named = until(&node, "named", |snapshot| !silent(&snapshot.voting).is_empty()).await;
    assert_eq!((silent(&named.voting), named.voting.missing().signed), (vec![1], 10));
    assert_eq!(named.state, State::Live);
    let (height, rounds) = named.voting.progress.clone().unwrap();
    assert!(height.0 >= named.head.header().get().height.0 && rounds[0].prevotes.signed >= 30);

    chain.lock().unwrap().absent.clear();
    peer.now(voting(&chain, &[0, 1, 2, 3]));
    until(&node, "back", |snapshot| silent(&snapshot.voting).is_empty()).await;
    node.stop().await;
    making.abort();
}

/// Half the power is left: the state says so, and both that are gone are named; when they are back
/// the state is left by itself.
#[tokio::test]
async fn no_quorum_is_reached_and_left() {
    let chain = grown(constant, 1);
    chain.lock().unwrap().grow(now());
    let a = FakePeer::start("a", 101, standing(&chain, &[0, 1])).await;
    let b = FakePeer::start("b", 102, honest(&chain)).await;
    let node = LightNode::start(config(&chain, &[&a, &b], None)).await.unwrap();
    let stuck = until(&node, "no quorum", |snapshot| snapshot.state == State::NoQuorum).await;
    assert_eq!((silent(&stuck.voting), stuck.voting.missing().signed), (vec![2, 3], 20));
    assert!(!stuck.witnesses.may_arm);
    assert!(node.synced(PATIENCE).await.is_ok(), "what is verified stays verified");
    a.now(voting(&chain, &[0, 1, 2]));
    chain.lock().unwrap().grow(now());
    until(&node, "live", |snapshot| snapshot.state == State::Live && silent(&snapshot.voting) != [2, 3])
        .await;
    node.stop().await;
}

/// Nobody votes: there is nothing to count, and the age of the head tells.
#[tokio::test]
async fn without_votes_a_chain_that_stands_is_stalled() {
    let chain = grown(constant, 3);
    let a = FakePeer::start("a", 101, voting(&chain, &[])).await;
    let node = LightNode::start(config(&chain, &[&a], None)).await.unwrap();
    let snapshot = until(&node, "stalled", |snapshot| snapshot.state == State::Stalled).await;
    assert_eq!((silent(&snapshot.voting), snapshot.voting.known), (vec![], false));
    node.stop().await;
}

/// What one peer withholds another gives: the liar makes nobody look gone.
#[tokio::test]
async fn withheld_votes_come_from_others() {
    let chain = grown(constant, 1);
    // No certificate has the vote either.
    chain.lock().unwrap().absent = vec![3];
    let making = growing(&chain);
    let a = FakePeer::start("a", 101, voting(&chain, &[0, 1, 2])).await;
    let b = FakePeer::start("b", 102, voting(&chain, &[0, 1, 2, 3])).await;
    let node = LightNode::start(config(&chain, &[&a, &b], None)).await.unwrap();
    let mut wrong = 0;
    until(&node, "ten heads", |snapshot| {
        wrong += usize::from(!silent(&snapshot.voting).is_empty());
        height(snapshot) > 20 && snapshot.voting.known
    })
    .await;
    assert_eq!(wrong, 0);
    node.stop().await;
    making.abort();
}

/// A vote that its signer never signed is refused, and whoever invented it is banned.
#[tokio::test]
async fn invented_votes_are_refused_and_banned() {
    let chain = grown(constant, 1);
    chain.lock().unwrap().grow(now());
    let truly = Arc::clone(&chain);
    let liar = FakePeer::start(
        "liar",
        101,
        Box::new(move |request| {
            let chain = truly.lock().unwrap();
            let mut answer = with_votes(&chain, 3, &[0, 1, 2], request);
            if let Response::Votes { votes: known, .. } = &mut answer {
                let mut invented = votes(&chain, 3, &[3]);
                invented[0].signature.0[5] ^= 1;
                known.append(&mut invented);
            }
            Some(answer.to_bytes())
        }),
    )
    .await;
    let node = LightNode::start(config(&chain, &[&liar], None)).await.unwrap();
    let snapshot = until(&node, "banned", |snapshot| snapshot.peers[0].ban.is_some()).await;
    let ban = snapshot.peers[0].ban.clone().unwrap();
    assert_eq!(ban.reason, Reason::Rejected(Reject::BadSignature { signer: 3 }));
    let last = |index: usize| snapshot.voting.members[index].last.unwrap().place.height.0;
    assert_eq!([last(2), last(3)], [3, 2], "the certificate of block 2 is its last");
    node.stop().await;
}

/// A validator that votes twice in one place is named with proof, and the peer that tells is thanked.
#[tokio::test]
async fn two_votes_in_one_place_are_evidence() {
    let chain = grown(constant, 2);
    let truly = Arc::clone(&chain);
    let peer = FakePeer::start(
        "a",
        101,
        Box::new(move |request| {
            let chain = truly.lock().unwrap();
            let Request::Votes = request else { return Some(truth(&chain, request).to_bytes()) };
            let place = |value| vote((2, 3), (3, 0, qratum_chain::types::Phase::Prevote), value, &chain);
            let votes = vec![place(None), place(Some(chain.tip().unwrap().header.id()))];
            Some(Response::Votes { height: Height(3), votes, proposals: Vec::new() }.to_bytes())
        }),
    )
    .await;
    let node = LightNode::start(config(&chain, &[&peer], None)).await.unwrap();
    let snapshot = until(&node, "evidence", |snapshot| !snapshot.voting.evidence.is_empty()).await;
    let (accused, Offence::DoubleVote(double)) = &snapshot.voting.evidence[0] else { panic!() };
    assert_eq!(*accused, snapshot.head.validators().members()[2].pubkey);
    assert_ne!(double.first.vote.value, double.second.vote.value);
    assert!(snapshot.peers[0].ban.is_none());
    let snapshot = until(&node, "a document", |snapshot| !snapshot.accused.is_empty()).await;
    let Accused { key: named, proof } = &snapshot.accused[0];
    let (anchor, rules) = Trusted::genesis(&chain.lock().unwrap().genesis).unwrap();
    let guilty = detect::offence_proof(proof, &anchor, &rules, now()).unwrap();
    assert_eq!((named, guilty.get()), (accused, accused));
    node.stop().await;
}

/// What was seen once is known to the next start as well, also where no peer tells of it any more; a file
/// that proves nothing accuses nobody, and stops nobody.
#[tokio::test]
async fn evidence_is_known_after_a_restart() {
    let (chain, home) = (grown(constant, 2), Scratch::new("offence"));
    let twice: peer::Script = {
        let truly = Arc::clone(&chain);
        Box::new(move |request| {
            let chain = truly.lock().unwrap();
            let Request::Votes = request else { return Some(truth(&chain, request).to_bytes()) };
            let place = |value| vote((2, 3), (3, 0, qratum_chain::types::Phase::Prevote), value, &chain);
            let votes = vec![place(None), place(Some(chain.tip().unwrap().header.id()))];
            Some(Response::Votes { height: Height(3), votes, proposals: Vec::new() }.to_bytes())
        })
    };
    let peer = FakePeer::start("a", 101, twice).await;
    let node = LightNode::start(config(&chain, &[&peer], home.place())).await.unwrap();
    let seen = until(&node, "a document", |snapshot| !snapshot.accused.is_empty()).await;
    node.stop().await;

    let files = || std::fs::read_dir(home.0.join("evidence")).unwrap().map(|entry| entry.unwrap().path());
    let [file] = &files().collect::<Vec<_>>()[..] else { panic!() };
    let honest = FakePeer::start("b", 102, voting(&chain, &[0, 1, 2, 3])).await;
    let node = LightNode::start(config(&chain, &[&honest], home.place())).await.unwrap();
    let snapshot = until(&node, "told again", |snapshot| !snapshot.voting.evidence.is_empty()).await;
    assert_eq!(
        (&snapshot.voting.evidence[0].0, snapshot.accused[0].key),
        (&seen.accused[0].key, seen.accused[0].key)
    );
    assert_eq!(snapshot.accused[0].proof, seen.accused[0].proof);
    node.stop().await;

    let Evidence::Offence(mut proof) = Evidence::from_json(&std::fs::read(file).unwrap()).unwrap() else {
        panic!()
    };
    let Offence::DoubleVote(double) = &mut proof.offence else { panic!() };
    double.first.signature.0[5] ^= 1;
    std::fs::write(file, Evidence::Offence(proof).to_json().unwrap()).unwrap();
    let node = LightNode::start(config(&chain, &[&honest], home.place())).await.unwrap();
    until_height(&node, 2).await;
    let snapshot = node.snapshots().borrow().clone();
    assert_eq!((snapshot.accused.len(), snapshot.voting.evidence.len()), (0, 0));
    assert!(file.exists(), "evidence is never deleted");
    node.stop().await;
}

/// The evidence of a block is what its header stands for: a peer that invents some is named and not
/// believed, and one that tells the truth is.
#[tokio::test]
async fn the_evidence_of_a_block_is_proven_or_refused() {
    let chain = grown(constant, 2);
    let truly = Arc::clone(&chain);
    let told = move |offences: Vec<Offence>| -> peer::Script {
        let truly = Arc::clone(&truly);
        Box::new(move |request| {
            let answer = match request {
                Request::Evidence(_) => Response::Evidence(offences.clone()),
                request => truth(&truly.lock().unwrap(), request),
            };
            Some(answer.to_bytes())
        })
    };
    let invented = {
        let chain = chain.lock().unwrap();
        let place = |value| vote((2, 2), (2, 0, qratum_chain::types::Phase::Prevote), value, &chain);
        let (first, second) = (place(None), place(Some(chain.tip().unwrap().header.id())));
        Offence::DoubleVote(DoubleVote { first, second })
    };
    let peer = FakePeer::start("a", 101, told(vec![invented])).await;
    let node = LightNode::start(config(&chain, &[&peer], None)).await.unwrap();
    until_height(&node, 2).await;
    let refused = node.evidence(Height(1)).await.unwrap_err();
    assert!(matches!(refused, FetchError::Rejected(Reject::WrongEvidence { .. })), "{refused}");
    let named = until(&node, "named", |snapshot| !snapshot.refusals.is_empty()).await;
    assert_eq!((named.refusals[0].peer.as_str(), named.refusals[0].reason.name()), ("a", "WrongEvidence"));
    assert_eq!(node.evidence(Height(9)).await.unwrap_err(), FetchError::NotYet { head: Height(2) });
    node.stop().await;

    let peer = FakePeer::start("b", 102, told(Vec::new())).await;
    let node = LightNode::start(config(&chain, &[&peer], None)).await.unwrap();
    until_height(&node, 2).await;
    let found = node.evidence(Height(1)).await.unwrap();
    assert_eq!((found.checked.header.get().height, found.offences.len()), (Height(1), 0));
    node.stop().await;
}
