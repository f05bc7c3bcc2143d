//! Four operators, an authority and a passer-by, from the opening of proposals to what comes of them. Their
//! acts are not sealed here: who speaks is known before governance is asked.

use qratum_crypto::sign::ed25519::SecretKey;

use super::*;
use crate::{
    codec::Decode,
    ledger::{Act, Step, recent::Ancestor, sets},
    state::StateMap,
    types::{
        BlockId, ChainParams, Enrolment, Genesis, GenesisValidator, Height, Jurisdiction, KeyUse, Parameter,
        People, Policy, Proofs, Registration, STAKE_UNIT, SetId, Status, Time, Upgrade, Validator,
        ValidatorSet,
    },
};

/// The numbers of what only votes are denied for: each of these has a case here.
pub(crate) const DENIALS: core::ops::RangeInclusive<u8> = 60..=76;

const LENGTH: u64 = 10;
const VOTING: u64 = 2;
const TIMELOCK: u64 = 2;
/// Power of each operator's validator: of 100.
const POWERS: [(&str, u64); 4] = [("anna", 34), ("ben", 33), ("cleo", 32), ("dora", 1)];
/// Who vetoes, and has no vote.
const VERA: &str = "vera";

fn secret(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

fn account(name: &str) -> AccountId {
    AccountId::new(name).unwrap()
}

/// A validator of the operator of the same name, with keys of the seeds n, 50 + n and 100 + n.
fn candidate(name: &str, n: u8, power: u64) -> Candidate {
    let validator = Validator {
        pubkey: secret(n).public(),
        power,
        jurisdiction: Jurisdiction::new(*b"CH").unwrap(),
        since_set: SetId(0),
        pq_key_hash: Hash::ZERO,
    };
    let mut enrolment = Enrolment {
        operator: name.to_owned(),
        stake: power * STAKE_UNIT,
        peer_key: secret(50 + n).public(),
        operator_key: secret(100 + n).public(),
        proofs: Proofs::MISSING,
    };
    let scope = enrolment.scope("test", name, &validator);
    enrolment.proofs = Proofs::sign(scope, &secret(n), &secret(50 + n), &secret(100 + n));
    Candidate { name: name.to_owned(), validator, enrolment }
}

fn genesis() -> Genesis {
    let governance = Governance {
        voting_sets: VOTING,
        timelock_sets: TIMELOCK,
        operators: POWERS.iter().map(|(name, _)| ((*name).to_owned(), account(name))).collect(),
        authorities: [account(VERA)].into(),
    };
    let (rp_id, policy) = ("test".to_owned(), Policy::default());
    let (accounts, proofs) = Default::default();
    let members = (1u8..).zip(POWERS).map(|(n, (name, power))| {
        let Candidate { name, validator, enrolment } = candidate(name, n, power);
        GenesisValidator { name, validator, enrolment: Some(enrolment) }
    });
    Genesis {
        network: "test".to_owned(),
        demo: true,
        time: Time(1_800_000_000_000),
        params: ChainParams { set_length: LENGTH, ..ChainParams::default() },
        validators: members.collect(),
        people: Some(People { rp_id, policy, accounts, proofs, governance }),
    }
}

/// The chain at a height, where whoever speaks speaks in the next block.
struct Chain {
    genesis: Genesis,
    state: StateMap,
    set: ValidatorSet,
    tip: u64,
    spoken: u8,
}

impl Chain {
    fn new() -> Self {
        let genesis = genesis();
        let (state, set) = (genesis.state().unwrap(), genesis.validator_set().unwrap());
        Self { genesis, state, set, tip: 0, spoken: 0 }
    }

    fn draft(&self) -> Draft<'_> {
        Draft::new(&self.state)
    }

    fn place(&self) -> Place<'_> {
        let (chain_id, params) = (self.genesis.chain_id().unwrap(), &self.genesis.params);
        let parent = Ancestor { block_id: BlockId::ZERO, time: self.genesis.time };
        let time = self.genesis.time.plus(self.tip * 1000);
        Place { chain_id, params, height: Height(self.tip + 1), time, parent, set: &self.set }
    }

    /// Says it in the next block.
    fn say(&mut self, name: &str, roles: &[Role], asked: &Governing) -> Result<MotionId, Denial> {
        self.spoken += 1;
        let (account, txo) = (account(name), Hash([self.spoken; 32]));
        let person = PersonId(Hash([name.as_bytes()[0]; 32]));
        let roles = Roles::of(roles.iter().copied());
        let mut draft = self.draft();
        let speaker = Speaker { account: &account, person, roles, txo };
        let said = carry_out(&mut draft, &self.place(), speaker, asked);
        let changes = draft.into_changes();
        assert!(said.is_ok() || changes.is_empty(), "a refusal changes nothing");
        self.commit(changes);
        said.map(|()| MotionId(txo))
    }

    fn commit(&mut self, changes: crate::state::Changes) {
        let pending = self.state.preview(changes).unwrap();
        self.state.commit(pending);
    }

    fn propose(&mut self, measure: Measure) -> Result<MotionId, Denial> {
        self.say("anna", &[], &Governing::Propose(Motion { measure, emergency: false }))
    }

    fn vote(&mut self, name: &str, motion: MotionId, choice: Choice) -> Result<(), Denial> {
        self.say(name, &[], &Governing::Vote { motion, choice }).map(drop)
    }

    fn veto(&mut self, name: &str, motion: MotionId) -> Result<(), Denial> {
        self.say(name, &[], &Governing::Veto(motion)).map(drop)
    }

    /// Ends so many sets.
    fn end_sets(&mut self, count: u64) {
        for _ in 0..count {
            self.tip = (self.tip / LENGTH + 1) * LENGTH - 1;
            let place = self.place();
            let mut draft = self.draft();
            turn(&mut draft, &place);
            let next = sets::turn(&mut draft, &place);
            let changes = draft.into_changes();
            self.commit(changes);
            self.set = next.unwrap_or_else(|| self.set.clone());
            self.tip += 1;
        }
    }

    fn referendum(&self, id: MotionId) -> Referendum {
        Referendum::read(&self.draft(), id).unwrap()
    }

    fn interval(&self) -> u64 {
        self.draft().parameters(&self.genesis.params).block_interval_ms
    }
}

fn ballots(chain: &Chain, id: MotionId) -> Vec<Ballot> {
    let electorate: Electorate = chain.draft().read(&Electorate::state_key(id)).unwrap();
    electorate.ballots(&chain.draft(), id)
}

const fn interval(value: u64) -> Measure {
    Measure::Parameter { parameter: Parameter::BlockInterval, value }
}

/// A proposal on which this was said, until it was counted.
fn counted(votes: &[(&str, Choice)]) -> (Chain, MotionId) {
    let mut chain = Chain::new();
    let id = chain.propose(interval(2000)).unwrap();
    for (name, choice) in votes {
        chain.vote(name, id, *choice).unwrap();
    }
    chain.end_sets(1 + VOTING);
    (chain, id)
}

use Choice::{Abstain, No, Yes};

#[test]
fn every_denial_of_a_vote_has_a_case() {
    let source = include_str!("tests.rs");
    for denial in Denial::ALL.iter().filter(|denial| DENIALS.contains(&(**denial as u8))) {
        assert!(source.contains(&format!("Denial::{denial:?})")), "{denial:?} is not asserted");
    }
}

#[test]
fn a_proposal_goes_from_its_opening_into_effect() {
    let mut chain = Chain::new();
    let id = chain.propose(interval(2000)).unwrap();
    let opened = chain.referendum(id);
    assert_eq!((opened.voting_until, opened.locked_until), (SetId(2), SetId(4)));
    chain.vote("anna", id, Yes).unwrap();
    chain.vote("ben", id, No).unwrap();
    chain.end_sets(2);
    chain.vote("ben", id, Yes).unwrap();
    let voted = chain.referendum(id);
    let ballots = ballots(&chain, id);
    assert_eq!((voted.ballots, voted.phase), (2, Phase::Voting));
    assert_eq!(ballots.iter().map(|ballot| ballot.choice).collect::<Vec<_>>(), [Yes, Yes], "the last counts");
    assert_eq!((voted.ballots, voted.root), Ballot::tree(&ballots));

    chain.end_sets(1);
    let passed = chain.referendum(id);
    let tally = Tally { yes: 67, no: 0, abstain: 0, total: 100, persons: 2 };
    assert_eq!((passed.phase, passed.at, passed.tally), (Phase::Passed, Height(30), Some(tally)));
    chain.end_sets(1);
    assert_eq!(chain.interval(), 1000, "it waits out its timelock");
    chain.end_sets(1);
    let done = chain.referendum(id);
    assert_eq!((done.phase, done.at), (Phase::Executed, Height(50)));
    assert_eq!((chain.interval(), chain.tip), (2000, 50));
    assert_eq!(Agenda::read(&chain.draft()), Agenda { newest: Some(id), open: Vec::new() });
}

#[test]
fn the_edges_of_quorum_and_threshold_are_exact() {
    let phase = |votes: &[(&str, Choice)]| {
        let (chain, id) = counted(votes);
        chain.referendum(id).phase
    };
    assert_eq!(phase(&[]), Phase::NoQuorum);
    assert_eq!(phase(&[("cleo", Yes)]), Phase::NoQuorum, "32 of 100");
    assert_eq!(phase(&[("cleo", Yes), ("dora", Yes)]), Phase::Passed, "33 of 100, of two people");
    assert_eq!(phase(&[("anna", Yes)]), Phase::TooFewYes, "nobody decides alone");
    assert_eq!(phase(&[("cleo", Yes), ("dora", Abstain)]), Phase::TooFewYes, "nor with others' silence");
    // 67 of 100, and one unit below.
    assert_eq!(phase(&[("anna", Yes), ("ben", Yes), ("cleo", No), ("dora", No)]), Phase::Passed);
    assert_eq!(phase(&[("anna", Abstain), ("ben", Yes), ("cleo", Yes), ("dora", Yes)]), Phase::TooFewYes);
    let decision = |yes, no, total| Tally { yes, no, abstain: 0, total, persons: 2 }.decision(Bar::Ordinary);
    assert_eq!(decision(67, 33, 100), Decision::Passed);
    assert_eq!(decision(66, 33, 100), Decision::TooFewYes, "66 of 99 are 66.7 hundredths");
    let huge = 1u128 << 73;
    assert_eq!(decision(huge * 67, huge * 33, huge * 100), Decision::Passed);
    assert_eq!(decision(huge * 67 - 1, huge * 33 + 1, huge * 100), Decision::TooFewYes);
    assert_eq!(decision(33 * huge - 1, 0, 100 * huge), Decision::NoQuorum);
    assert_eq!(decision(0, 0, 0), Decision::NoQuorum);
    let all = Tally { yes: 100, no: 0, abstain: 0, total: 100, persons: 1 };
    for bar in [Bar::Ordinary, Bar::Grave, Bar::Emergency] {
        assert_eq!(all.decision(bar), Decision::TooFewYes, "one person for all operators");
        assert_eq!(Tally { persons: 2, ..all }.decision(bar), Decision::Passed);
    }
    let grave = |yes| Tally { yes, no: 0, abstain: 0, total: 99, persons: 2 }.decision(Bar::Grave);
    assert_eq!(
        [grave(66), grave(67)],
        [Decision::TooFewYes, Decision::Passed],
        "more than two thirds of all"
    );
}

#[test]
fn an_emergency_needs_four_fifths_of_all_power_and_one_set() {
    let after = |voters: &[&str]| {
        let mut chain = Chain::new();
        let motion = Motion { measure: Measure::Remove("dora".to_owned()), emergency: true };
        let id = chain.say("ben", &[], &Governing::Propose(motion)).unwrap();
        assert_eq!(chain.referendum(id).locked_until, SetId(2));
        voters.iter().for_each(|name| chain.vote(name, id, Yes).unwrap());
        chain.end_sets(3);
        (chain.referendum(id).phase, chain.set.members().len())
    };
    assert_eq!(after(&["anna", "ben", "cleo"]), (Phase::Executed, 3));
    assert_eq!(after(&["anna", "ben", "dora"]), (Phase::TooFewYes, 4), "68 of 68 cast, and of 100");
    let decision = |yes| Tally { yes, no: 0, abstain: 0, total: 100, persons: 2 }.decision(Bar::Emergency);
    assert_eq!([decision(79), decision(80)], [Decision::TooFewYes, Decision::Passed]);
}

#[test]
fn an_authority_stops_what_passed_until_it_is_carried_out() {
    let mut chain = Chain::new();
    let id = chain.propose(interval(2000)).unwrap();
    assert_eq!(chain.veto(VERA, MotionId::ZERO), Err(Denial::UnknownProposal));
    assert_eq!(chain.veto(VERA, id), Err(Denial::NotInTimelock), "before it passed");
    chain.vote("anna", id, Yes).unwrap();
    chain.vote("dora", id, Yes).unwrap();
    chain.end_sets(3);
    for stranger in ["anna", "vera-2", "mallory"] {
        assert_eq!(chain.veto(stranger, id), Err(Denial::NoAuthority));
    }
    chain.end_sets(1);
    chain.veto(VERA, id).unwrap();
    assert_eq!(chain.referendum(id).phase, Phase::Vetoed(account(VERA)));
    assert_eq!(chain.veto(VERA, id), Err(Denial::NotInTimelock), "once");
    chain.end_sets(3);
    assert_eq!(chain.interval(), 1000);

    let (mut chain, id) = counted(&[("anna", Yes), ("dora", Yes)]);
    chain.end_sets(2);
    assert_eq!(chain.veto(VERA, id), Err(Denial::NotInTimelock), "after it was carried out");
    assert_eq!(chain.interval(), 2000);
}

#[test]
fn only_those_of_the_set_that_was_frozen_vote_and_with_the_power_of_then() {
    let mut chain = Chain::new();
    let join = Measure::Join(Box::new(candidate("emil", 9, 34)));
    let first = chain.propose(join).unwrap();
    for stranger in ["emil", VERA, "mallory"] {
        assert_eq!(chain.vote(stranger, first, Yes), Err(Denial::NoVote));
    }
    assert_eq!(chain.vote("anna", MotionId::ZERO, Yes), Err(Denial::UnknownProposal));
    chain.vote("anna", first, Yes).unwrap();
    chain.vote("ben", first, Yes).unwrap();
    chain.end_sets(3);
    assert_eq!(chain.vote("ben", first, No), Err(Denial::VotingClosed));
    // Opened before emil joins: not one of its 500 units counts, though he is a member by then.
    let second = chain.propose(interval(3000)).unwrap();
    chain.end_sets(2);
    assert_eq!(chain.set.members().len(), 5);
    assert_eq!(chain.vote("emil", second, No), Err(Denial::NoVote));
    chain.vote("cleo", second, Yes).unwrap();
    chain.vote("dora", second, Yes).unwrap();
    chain.end_sets(1);
    let tally = Tally { yes: 33, no: 0, abstain: 0, total: 100, persons: 2 };
    assert_eq!(
        (chain.referendum(second).tally, chain.referendum(second).phase),
        (Some(tally), Phase::Passed)
    );
    assert_eq!(chain.referendum(second).previous, Some(first));
}

#[test]
fn a_validator_joins_with_its_proofs_and_leaves_by_vote() {
    let mut chain = Chain::new();
    let id = chain.propose(Measure::Join(Box::new(candidate("emil", 9, 5)))).unwrap();
    chain.vote("anna", id, Yes).unwrap();
    chain.vote("ben", id, Yes).unwrap();
    chain.end_sets(5);
    let emil = chain.draft().registration("emil").unwrap();
    assert_eq!((emil.status, emil.since_set), (Status::Active, SetId(5)));
    assert_eq!(chain.set.index_of(&secret(9).public()), Some(4));
    assert_eq!(chain.draft().key_use(&secret(59).public()).unwrap().name, "emil");
    assert_eq!(chain.state.get(&Genesis::name_key(&emil.validator())), Some(b"emil".as_slice()));

    // Of 105 there are now, and 67 are no two thirds.
    let id = chain.propose(Measure::Remove("emil".to_owned())).unwrap();
    ["anna", "ben", "cleo"].iter().for_each(|name| chain.vote(name, id, Yes).unwrap());
    chain.end_sets(5);
    assert_eq!(chain.draft().registration("emil").unwrap().status, Status::Removed);
    assert_eq!(chain.set.members().len(), 4);
    let again = Measure::Remove("emil".to_owned());
    assert_eq!(chain.propose(again), Err(Denial::NoValidator));
    assert_eq!(chain.propose(Measure::Join(Box::new(candidate("emil", 9, 5)))), Err(Denial::NameTaken));
    let his_keys = candidate("fred", 9, 5);
    assert_eq!(chain.propose(Measure::Join(Box::new(his_keys))), Err(Denial::KeyTaken));
}

#[test]
fn what_cannot_be_done_is_not_voted_on() {
    let mut chain = Chain::new();
    let mut refused = |measure| chain.propose(measure).unwrap_err();
    let join = |change: fn(&mut Candidate)| {
        let mut candidate = candidate("emil", 9, 5);
        change(&mut candidate);
        Measure::Join(Box::new(candidate))
    };
    for value in [0, 9, 10_001, u64::MAX] {
        assert_eq!(refused(interval(value)), Denial::Bounds);
    }
    for parameter in [Parameter::VotingSets, Parameter::TimelockSets] {
        for value in [0, 1, 101] {
            assert_eq!(refused(Measure::Parameter { parameter, value }), Denial::Bounds);
        }
    }
    assert_eq!(refused(interval(1000)), Denial::NoEffect);
    for (version, set) in [(1, 9), (0, 9), (2, 0), (2, 1)] {
        assert_eq!(refused(Measure::Upgrade { version, set: SetId(set) }), Denial::Version);
    }
    assert_eq!(refused(Measure::Remove("emil".to_owned())), Denial::NoValidator);
    assert_eq!(refused(join(|it| it.name = "anna".to_owned())), Denial::NameTaken);
    assert_eq!(refused(join(|it| it.validator.pubkey = secret(1).public())), Denial::KeyTaken);
    assert_eq!(refused(join(|it| it.enrolment.peer_key = secret(9).public())), Denial::KeyTaken);
    assert_eq!(refused(join(|it| it.enrolment.proofs.peer = it.enrolment.proofs.vote)), Denial::Enrolment);
    assert_eq!(refused(join(|it| it.enrolment.stake = STAKE_UNIT - 1)), Denial::Enrolment);
    assert_eq!(refused(join(|it| it.validator.power = 35)), Denial::TooMuchPower);
    assert_eq!(refused(join(|it| it.validator.pq_key_hash = Hash([1; 32]))), Denial::HandoverKey);
}

#[test]
fn the_last_validator_is_not_voted_out_and_a_full_set_takes_nobody() {
    let mut chain = Chain::new();
    let mut changes = crate::state::Changes::new();
    for name in ["anna", "ben", "cleo"] {
        let mut gone = chain.draft().registration(name).unwrap();
        gone.status = Status::Jailed;
        changes.insert(Registration::state_key(name), Some(gone.to_bytes()));
    }
    chain.commit(changes);
    assert_eq!(chain.propose(Measure::Remove("dora".to_owned())), Err(Denial::LastValidator));

    let mut changes = crate::state::Changes::new();
    for number in 0..crate::types::MAX_VALIDATORS {
        let full = chain.draft().registration("dora").unwrap().to_bytes();
        changes.insert(Registration::state_key(&format!("v{number}")), Some(full));
    }
    chain.commit(changes);
    let join = Measure::Join(Box::new(candidate("emil", 9, 5)));
    assert_eq!(chain.propose(join), Err(Denial::SetFull));
}

#[test]
fn who_has_neither_a_vote_nor_the_role_opens_nothing_and_nobody_opens_many() {
    let mut chain = Chain::new();
    let propose = |value| Governing::Propose(Motion { measure: interval(value), emergency: false });
    assert_eq!(chain.say("mallory", &[Role::Technical], &propose(2000)), Err(Denial::Role));
    for value in [2000, 2001] {
        assert!(chain.say("zoe", &[Role::Admin], &propose(value)).is_ok());
    }
    assert_eq!(
        chain.say("zoe-2", &[Role::Admin], &propose(2002)),
        Err(Denial::TooManyProposals),
        "one person"
    );
    for (name, value) in ["a", "b", "c", "d", "e", "f", "g"].iter().zip(3000..) {
        assert!(chain.say(name, &[Role::Admin], &propose(value)).is_ok());
        assert!(chain.say(name, &[Role::Admin], &propose(value)).is_ok());
    }
    assert_eq!(chain.say("h", &[Role::Admin], &propose(2003)), Err(Denial::TooManyProposals), "all together");
    chain.end_sets(3);
    assert!(chain.say("zoe", &[Role::Admin], &propose(2002)).is_ok(), "what is settled is not open");
}

#[test]
fn without_operators_there_is_no_vote() {
    let mut chain = Chain::new();
    let keys = POWERS.map(|(name, _)| (Governance::operator_key(name), None));
    chain.commit(crate::state::Changes::from(keys));
    let asked = Governing::Propose(Motion { measure: interval(2000), emergency: false });
    assert_eq!(chain.say("zoe", &[Role::Admin], &asked), Err(Denial::NoElectorate));
}

/// What could be done when it was opened, and cannot any more.
#[test]
fn a_proposal_that_cannot_be_carried_out_any_more_lapses() {
    let mut chain = Chain::new();
    let remove = || Measure::Remove("dora".to_owned());
    let ids = [chain.propose(remove()).unwrap(), chain.propose(remove()).unwrap()];
    for (id, name) in ids.iter().flat_map(|id| ["anna", "ben"].map(|name| (*id, name))) {
        chain.vote(name, id, Yes).unwrap();
    }
    chain.end_sets(5);
    assert_eq!(
        ids.map(|id| chain.referendum(id).phase),
        [Phase::Executed, Phase::Lapsed(Denial::NoValidator)]
    );
}

#[test]
fn an_upgrade_is_decided_with_its_first_set() {
    let mut chain = Chain::new();
    let upgrade = |version, set| Measure::Upgrade { version, set: SetId(set) };
    let id = chain.propose(upgrade(2, 9)).unwrap();
    chain.vote("anna", id, Yes).unwrap();
    chain.vote("ben", id, Yes).unwrap();
    chain.end_sets(5);
    let second = Upgrade { version: 2, set: SetId(9), before: 1 };
    assert_eq!(chain.draft().upgrade(), Some(second));
    assert_eq!([8, 9].map(|set| second.in_force(SetId(set))), [1, 2]);
    assert_eq!(chain.propose(upgrade(3, 99)), Err(Denial::Version), "one is still to come");
    chain.end_sets(4);
    assert_eq!(chain.propose(upgrade(2, 99)), Err(Denial::Version), "not a newer one");
    assert!(chain.propose(upgrade(3, 99)).is_ok());

    let mut chain = Chain::new();
    let late = chain.propose(upgrade(2, 4)).unwrap();
    chain.vote("anna", late, Yes).unwrap();
    chain.vote("ben", late, Yes).unwrap();
    chain.end_sets(5);
    assert_eq!(chain.referendum(late).phase, Phase::Lapsed(Denial::Version), "its set came first");
}

#[test]
fn each_step_has_one_encoding() {
    let motion = MotionId(Hash([7; 32]));
    let measures = [
        interval(2000),
        Measure::Upgrade { version: 2, set: SetId(300) },
        Measure::Join(Box::new(candidate("emil", 9, 5))),
        Measure::Remove("dora".to_owned()),
    ];
    let proposals =
        measures.map(|measure| Governing::Propose(Motion { measure, emergency: true })).into_iter();
    let others = [Governing::Vote { motion, choice: Abstain }, Governing::Veto(motion)];
    for asked in proposals.chain(others) {
        let act = Act { from: Height(1), until: Height(9), step: Step::Govern(asked) };
        let bytes = act.to_bytes();
        assert_eq!(Act::from_bytes(&bytes), Ok(act));
        for at in 0..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 1;
            assert_ne!(Act::from_bytes(&other), Act::from_bytes(&bytes));
            assert!(Act::from_bytes(&bytes[..at]).is_err());
        }
    }
}

#[test]
fn what_the_state_keeps_reads_back() {
    let (chain, id) = counted(&[("anna", Yes), ("ben", Abstain)]);
    let referendum = chain.referendum(id);
    for phase in [Phase::Vetoed(account(VERA)), Phase::Lapsed(Denial::Version), Phase::Executed] {
        let other = Referendum { phase, previous: Some(id), ..referendum.clone() };
        assert_eq!(Referendum::from_bytes(&other.to_bytes()), Ok(other));
    }
    let electorate: Electorate = chain.draft().read(&Electorate::state_key(id)).unwrap();
    assert_eq!(Electorate::from_bytes(&electorate.to_bytes()), Ok(electorate.clone()));
    assert!(electorate.is_of(chain.set.members()) && !electorate.is_of(&chain.set.members()[1..]));
    for placed in Placed::all(&chain.draft(), id) {
        assert_eq!(Placed::from_bytes(&placed.to_bytes()), Ok(placed));
    }
    let key = KeyUse::state_key(&secret(1).public());
    assert!(chain.state.get(&key).is_some());
}
