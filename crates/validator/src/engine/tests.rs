//! Each check that the core leaves to us: what holds moves it, and what does not hold moves nothing.
//! A check that says yes to everything fails the test of its name.

use malachite_types::{CommitCertificate as CoreCommit, CommitSignature};
use qratum_chain::types::{Phase, Proposal, SetId, Vote};
use qratum_crypto::hash::Hash;

use super::{context::Seal, *};
use crate::{
    quorum::QuorumFault,
    testing::{key, ledger},
};
use qratum_verifier::quorum::Tally;

const BLOCK: BlockId = BlockId(Hash([5; 32]));
/// Whose turn it is at height 3 in round 0, and somebody else.
fn proposer_and_other() -> (u32, u32) {
    let index = proposer(ledger(2).set(), Height(3), Round(0));
    (index, (index + 1) % 4)
}

/// The engine of somebody whose turn it is not, at height 3.
fn engine() -> Engine {
    let ledger = ledger(2);
    let signer = Box::new(key(proposer_and_other().1));
    let mut engine = Engine::new(ledger.chain_id(), 20, ledger.set(), signer).unwrap();
    engine.start(Height(3), ledger.set(), &[]).unwrap();
    engine
}

fn vote(phase: Phase, value: Option<BlockId>, signer: u32) -> SignedVote {
    let chain_id = ledger(0).chain_id();
    let vote = Vote { phase, chain_id, set_id: SetId(0), height: Height(3), round: Round(0), value };
    SignedVote { signature: key(signer).sign(&vote.sign_bytes()), signer, vote }
}

/// Three votes of 80 of 100, and what can be wrong with them.
fn good_and_bad(phase: Phase, value: Option<BlockId>) -> (Vec<SignedVote>, Vec<Vec<SignedVote>>) {
    let by = |signers: &[u32]| signers.iter().map(|i| vote(phase, value, *i)).collect::<Vec<_>>();
    let good = by(&[0, 1, 2]);
    let mut forged = good.clone();
    forged[1].signature = forged[0].signature;
    (good, vec![forged, by(&[0, 1]), by(&[0, 0, 0]), Vec::new()])
}

/// Proposes the block to it; it is fine.
fn proposed(engine: &mut Engine) {
    let signer = proposer_and_other().0;
    let proposal = Proposal {
        chain_id: ledger(0).chain_id(),
        set_id: SetId(0),
        height: Height(3),
        round: Round(0),
        pol_round: -1,
        block_id: BLOCK,
    };
    let signature = key(signer).sign(&proposal.sign_bytes());
    let judgement =
        Judgement { height: Height(3), round: Round(0), proposer: signer, block_id: BLOCK, valid: true };
    engine.proposal(&SignedProposal { proposal, signer, signature }, Some(&judgement)).unwrap();
}

#[test]
fn polka_certificate() {
    let precommits = |votes: &[SignedVote]| {
        let mut engine = engine();
        proposed(&mut engine);
        let events = engine.polka(votes).unwrap();
        let precommit = |event: &Event| matches!(event, Event::Vote(v) if v.vote.phase == Phase::Precommit && v.vote.value == Some(BLOCK));
        events.iter().any(precommit)
    };
    let (good, bad) = good_and_bad(Phase::Prevote, Some(BLOCK));
    assert!(precommits(&good));
    for votes in bad {
        assert!(!precommits(&votes), "{votes:?}");
    }
}

#[test]
fn round_certificate() {
    // More than two thirds precommitted: the round ends when this clock has run out.
    let moves = |reason, votes: &[SignedVote]| {
        let mut engine = engine();
        let clock = Timer { kind: TimerKind::Precommit, round: Round(0) };
        engine.round_certificate(reason, votes).unwrap().contains(&Event::Start(clock))
    };
    let (good, bad) = good_and_bad(Phase::Precommit, None);
    assert!(moves(RoundReason::Precommits, &good));
    for votes in bad {
        assert!(!moves(RoundReason::Precommits, &votes), "{votes:?}");
    }
    let (prevotes, _) = good_and_bad(Phase::Prevote, None);
    assert!(!moves(RoundReason::Precommits, &prevotes), "prevotes end no round");
}

#[test]
fn commit_certificate() {
    let engine = engine();
    let check = |votes: &[SignedVote]| {
        let members = &engine.desk.translator.members;
        let signed =
            |v: &SignedVote| CommitSignature::new(members.address(v.signer).unwrap(), Seal::of(v.signature));
        let commit = CoreCommit {
            height: CoreHeight(Height(3)),
            round: CoreRound::new(0),
            value_id: Choice(BLOCK),
            commit_signatures: votes.iter().map(signed).collect(),
        };
        engine.desk.commit_holds(&commit)
    };
    let (good, bad) = good_and_bad(Phase::Precommit, Some(BLOCK));
    assert_eq!(check(&good), Ok(()));
    let faults: Vec<_> = bad.iter().map(|votes| check(votes).unwrap_err()).collect();
    let few = |signed| QuorumFault::NotEnough(Tally { signed, total: 100 });
    assert_eq!(faults, [QuorumFault::BadSignature(1), few(55), QuorumFault::Twice(0), few(0)]);
}

#[test]
fn vote_signature() {
    let logged = |signed: &SignedVote| {
        engine().vote(signed).unwrap().iter().any(|event| matches!(event, Event::Log(Entry::Vote(_))))
    };
    let (_, own) = proposer_and_other();
    let other = (own + 1) % 4;
    let good = vote(Phase::Prevote, None, other);
    assert!(logged(&good));
    assert!(!logged(&SignedVote { signer: (own + 2) % 4, ..good }));
}

/// What the log holds of our votes is what is said again; another vote in its place ends the start.
#[test]
fn replay_index() {
    let own = proposer_and_other().1;
    let timeout = Entry::Timeout(Height(3), Timer { kind: TimerKind::Propose, round: Round(0) });
    let replay = |value| {
        let ledger = ledger(2);
        let signer = Box::new(key(own));
        let mut engine = Engine::new(ledger.chain_id(), 20, ledger.set(), signer).unwrap();
        // Without a proposal in time it is nil that is voted.
        engine.start(
            Height(3),
            ledger.set(),
            &[timeout.clone(), Entry::Vote(vote(Phase::Prevote, value, own))],
        )
    };
    let said = |events: Vec<Event>| {
        events.into_iter().any(|event| event == Event::Vote(vote(Phase::Prevote, None, own)))
    };
    assert!(replay(None).is_ok_and(said));
    assert!(replay(Some(BLOCK)).is_err());
}
