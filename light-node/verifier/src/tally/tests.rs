use std::collections::BTreeMap;

use qratum_chain::{
    Hash,
    ledger::governance::{Ballot, Choice, Measure, Motion, Seat},
    state::StateMap,
    types::{BlockId, ChainId, Height, Jurisdiction, PersonId, Round, SetId, Time, validators_hash},
};
use qratum_crypto::{merkle::Tree, sign::ed25519::SecretKey};

use super::*;

const ID: MotionId = MotionId(Hash([7; 32]));

fn account(name: &str) -> AccountId {
    AccountId::new(name).unwrap()
}

/// Anna has 40, Ben 30 and Cleo 20; for 10 nobody speaks.
const SEATS: [(u64, Option<&str>); 4] =
    [(40, Some("anna")), (30, Some("ben")), (20, Some("cleo")), (10, None)];

fn members() -> Vec<Validator> {
    let member = |(n, (power, _)): (u8, (u64, Option<&str>))| Validator {
        pubkey: SecretKey::from_seed(&[n; 32]).public(),
        power,
        jurisdiction: Jurisdiction::new(*b"CH").unwrap(),
        since_set: SetId(0),
        pq_key_hash: Hash::ZERO,
    };
    (1u8..).zip(SEATS).map(member).collect()
}

/// Everything a peer hands over on one vote, and the blocks it rests on.
struct Case {
    referendum: Referendum,
    electorate: Electorate,
    ballots: Vec<Placed>,
    members: Vec<Validator>,
    opened: Header,
}

impl Case {
    /// Anna is for it, Ben against it, Cleo abstains.
    fn new() -> Self {
        let ballot = |name: &str, choice| Ballot {
            account: account(name),
            person: PersonId(Hash([name.as_bytes()[0]; 32])),
            choice,
            height: Height(9),
            txo: Hash([1; 32]),
        };
        let ballots = [("anna", Choice::Yes), ("ben", Choice::No), ("cleo", Choice::Abstain)];
        Self::of(ballots.map(|(name, choice)| ballot(name, choice)).to_vec())
    }

    fn of(ballots: Vec<Ballot>) -> Self {
        let mut tree = Tree::<Sha3>::default();
        ballots.iter().for_each(|ballot| tree.append(merkle::leaf_hash::<Sha3>(&ballot.to_bytes())));
        let size = tree.size();
        let placed =
            |(index, ballot)| Placed { index, ballot, audit_path: tree.inclusion(index, size).unwrap() };
        let seat = |(power, name): (u64, Option<&str>)| Seat { power, account: name.map(account) };
        Self {
            referendum: Referendum {
                motion: Motion { measure: Measure::Remove("dora".to_owned()), emergency: false },
                proposer: account("anna"),
                person: PersonId(Hash([1; 32])),
                opened: Height(5),
                voting_until: SetId(2),
                locked_until: SetId(3),
                ballots: size,
                root: tree.root_at(size).unwrap(),
                tally: None,
                phase: Phase::Voting,
                at: Height(5),
                previous: None,
            },
            electorate: Electorate(SEATS.map(seat).to_vec()),
            ballots: (0u64..).zip(ballots).map(placed).collect(),
            members: members(),
            opened: header(5, Hash::ZERO),
        }
    }

    fn count(&self) -> Result<Counted, TallyFault> {
        self.count_as(|_| {})
    }

    /// What is counted where the entries say `key` and `value` changed like this after they were proven.
    fn count_as(&self, change: impl Fn(&mut Statement)) -> Result<Counted, TallyFault> {
        let entries = [
            (Referendum::state_key(ID), self.referendum.to_bytes()),
            (Electorate::state_key(ID), self.electorate.to_bytes()),
        ];
        let some = entries.iter().cloned().map(|(key, value)| (key, Some(value)));
        let state = StateMap::genesis(BTreeMap::from_iter(some)).unwrap();
        let block = Verified::new(header(20, state.root()));
        let proven = entries.map(|(key, _)| {
            let (value, proof) = state.prove(&key).unwrap();
            Statement::State { key, value, proof }
        });
        let [mut referendum, electorate] = proven;
        change(&mut referendum);
        let opened = Verified::new(self.opened.clone());
        let grounds = Grounds {
            id: ID,
            referendum: (&referendum, &block),
            electorate: (&electorate, &block),
            opened: (&opened, &self.members),
        };
        grounds.count(&self.ballots)
    }
}

fn header(height: u64, state_root: Hash) -> Header {
    Header {
        chain_id: ChainId::ZERO,
        height: Height(height),
        round: Round(0),
        time: Time(1),
        set_id: SetId(0),
        parent: BlockId::ZERO,
        last_certificate: Hash::ZERO,
        tx_root: Hash::ZERO,
        state_root,
        validators_hash: validators_hash(&members()),
        next_validators_hash: Hash::ZERO,
        evidence_root: Hash::ZERO,
        history_root: Hash::ZERO,
        proposer: 0,
    }
}

const TALLY: Tally = Tally { yes: 40, no: 30, abstain: 20, total: 100, persons: 1 };

fn changed(change: impl Fn(&mut Case)) -> Result<Votes, TallyFault> {
    let mut case = Case::new();
    change(&mut case);
    case.count().map(|counted| counted.votes)
}

#[test]
fn all_ballots_make_a_tally() {
    assert_eq!(changed(|_| {}), Ok(Votes::Complete(Verified::new(TALLY))));
    let none = Tally { total: 100, ..Tally::default() };
    assert_eq!(Case::of(Vec::new()).count().unwrap().votes, Votes::Complete(Verified::new(none)));
}

#[test]
fn some_ballots_are_marked_as_some() {
    let without = |gone: usize| changed(move |case| drop(case.ballots.remove(gone)));
    let partial = |so_far| Ok(Votes::Partial { so_far, missing: 1 });
    assert_eq!(without(0), partial(Tally { yes: 0, persons: 0, ..TALLY }));
    assert_eq!(without(1), partial(Tally { no: 0, ..TALLY }));
    assert_eq!(without(2), partial(Tally { abstain: 0, ..TALLY }));
    let none = Votes::Partial { so_far: Tally { total: 100, ..Tally::default() }, missing: 3 };
    assert_eq!(changed(|case| case.ballots.clear()), Ok(none));
}

#[test]
fn a_ballot_that_is_none_of_the_proposal_is_refused() {
    let at = |index, why| Err(TallyFault::Ballot(index, why));
    let mismatch = ProofError::RootMismatch;
    assert_eq!(changed(|it| it.ballots[1].ballot.choice = Choice::Yes), at(1, mismatch));
    assert_eq!(changed(|it| it.ballots[1].ballot.account = account("anna")), at(1, mismatch));
    assert_eq!(changed(|it| it.ballots[0].audit_path[0] = Hash::ZERO), at(0, mismatch));
    assert_eq!(changed(|it| it.ballots[2].index = 3), at(3, ProofError::OutOfRange));
    let twice = |it: &mut Case| it.ballots[2] = it.ballots[1].clone();
    assert_eq!(changed(twice), Err(TallyFault::Order), "one operator's ballot twice");
    assert_eq!(changed(|it| it.ballots.swap(0, 1)), Err(TallyFault::Order));
}

/// The weight of an outsider is not what anybody declares.
#[test]
fn a_ballot_of_somebody_without_a_vote_is_refused() {
    let (choice, height, txo) = (Choice::Yes, Height(9), Hash([1; 32]));
    let case = Case::of(vec![Ballot {
        account: account("mallory"),
        person: PersonId(Hash([9; 32])),
        choice,
        height,
        txo,
    }]);
    assert_eq!(case.count(), Err(TallyFault::NoVote(account("mallory"))));
}

#[test]
fn the_set_is_the_one_of_the_block_that_opened_it() {
    assert_eq!(changed(|it| it.opened.height = Height(6)), Err(TallyFault::Opened));
    let other = Err(TallyFault::Electorate);
    assert_eq!(changed(|it| it.members[0].power += 1), other, "members that the header does not name");
    assert_eq!(changed(|it| it.opened.validators_hash = Hash::ZERO), other);
    assert_eq!(
        changed(|it| it.electorate.0[3].power = 1_000_000),
        other,
        "a power that the set does not give"
    );
    assert_eq!(changed(|it| drop(it.electorate.0.pop())), other);
}

#[test]
fn what_the_state_does_not_have_is_refused() {
    let case = Case::new();
    let refused = Err(TallyFault::State(Reject::StateProof));
    let other_key = |it: &mut Statement| {
        let Statement::State { key, .. } = it else { return };
        key[20] ^= 1;
    };
    assert_eq!(case.count_as(other_key), refused);
    let other_value = |it: &mut Statement| {
        let Statement::State { value: Some(value), .. } = it else { return };
        value[20] ^= 1;
    };
    assert_eq!(case.count_as(other_value), refused);
    let mut none = Case::new();
    none.electorate.0.clear();
    assert_eq!(none.count(), Err(TallyFault::Electorate));
}

/// Where the chain has counted, it must have come to the same.
#[test]
fn a_chain_that_counted_otherwise_is_contradicted() {
    let decided = |tally, phase: Phase| {
        changed(move |it| (it.referendum.tally, it.referendum.phase) = (tally, phase.clone()))
    };
    // 40 of 90 cast.
    let complete = Ok(Votes::Complete(Verified::new(TALLY)));
    assert_eq!(decided(Some(TALLY), Phase::TooFewYes), complete);
    let contradiction = Err(TallyFault::Contradiction);
    assert_eq!(decided(Some(Tally { yes: 41, ..TALLY }), Phase::TooFewYes), contradiction);
    for phase in [Phase::Passed, Phase::Executed, Phase::Vetoed(account("vera")), Phase::NoQuorum] {
        assert_eq!(decided(Some(TALLY), phase), contradiction);
    }
    assert_eq!(decided(None, Phase::TooFewYes), contradiction);
    assert_eq!(decided(Some(TALLY), Phase::Voting), contradiction);
}
