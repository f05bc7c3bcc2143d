//! What operators decide by vote: proposals from their opening until they hold, past any console, on
//! validators in virtual time and on real processes. What is refused, each validator refuses and for its
//! own reason; what was voted is counted again by a light node.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test file: a panic is the verdict"
)]

use std::{path::Path, time::Duration};

use qratum_chain::{
    codec::Decode,
    document::Statement,
    ledger::{
        Denial, Step,
        governance::{Agenda, Choice, Electorate, Governing, Measure, Motion, Phase, Referendum, Tally},
        registry::Refusal,
    },
    types::{
        Account, AccountId, BlockRef, ChainId, Genesis, Governance, Height, MotionId, Parameter, SetId, Txo,
        Upgrade,
    },
};
use qratum_light_node::{
    Config, LightNode, peers_from_json,
    wire::{Request, Response, Submission},
};
use qratum_tests::{
    ceremony::Cast,
    processes::Validators,
    simulation::{genesis, network_of},
};
use qratum_validator::{
    client::Client,
    demo,
    drivers::virtual_time::Net,
    home::Home,
    ledger::{Fault, Ledger, LedgerError},
    serve,
};
use qratum_verifier::{
    SetCache, Trusted, Verdict,
    tally::{Counted, Grounds, Votes},
    verify,
};
use tokio::time::sleep;

/// How many validators there are; their powers are 30, 25, 25 and 20.
const VALIDATORS: usize = 4;
/// Who votes for each of them, in their order.
const OPERATORS: [&str; VALIDATORS] = ["alice", "bob", "carol", "dave"];
/// Who may veto.
const AUTHORITY: &str = "oscar";

/// Whoever is named votes for the operator of the same place.
fn governance(operators: [&str; VALIDATORS], windows: u64) -> Governance {
    let account = |name: &str| AccountId::new(name).unwrap();
    Governance {
        voting_sets: windows,
        timelock_sets: windows,
        operators: operators.map(str::to_owned).into_iter().zip(OPERATORS.map(account)).collect(),
        authorities: [account(AUTHORITY)].into(),
    }
}

fn interval(value: u64) -> Motion {
    let measure = Measure::Parameter { parameter: Parameter::BlockInterval, value };
    Motion { measure, emergency: false }
}

/// Whether a validator that is a block behind may say this of what all others know.
fn is_behind(refusal: Refusal) -> bool {
    let unknown = [Denial::OpenedNowhere, Denial::UnknownProposal, Denial::Basis, Denial::StateChanged];
    matches!(refusal, Refusal::Nonce { .. }) || unknown.map(Refusal::Denied).contains(&refusal)
}

/// Four validators in virtual time, three blocks a set.
struct Town {
    genesis: Genesis,
    chain_id: ChainId,
    net: Net,
    cast: Cast,
}

impl Town {
    fn new() -> Self {
        let (mut genesis, cast) = (genesis(), Cast::default());
        let mut people = cast.people(&genesis.network);
        people.governance = governance(["v1-operator", "v2-operator", "v3-operator", "v4-operator"], 2);
        genesis.people = Some(people);
        let (chain_id, mut net) = (genesis.chain_id().unwrap(), network_of(genesis.clone(), 7));
        net.start_all();
        assert!(net.run(60_000, |net| net.lowest() >= 3), "{:?}", net.broken());
        Self { genesis, chain_id, net, cast }
    }

    fn ledger(&self) -> &Ledger {
        self.net.host(0).unwrap().ledger()
    }

    fn block(&mut self) {
        let next = self.net.lowest() + 1;
        assert!(self.net.run(60_000, |net| net.lowest() >= next), "{:?}", self.net.broken());
    }

    /// Until the chain is in this set.
    fn until_set(&mut self, set: u64) {
        while self.ledger().tip().height.0 / 3 < set {
            self.block();
        }
    }

    fn sealed(&self, name: &str, asked: Governing) -> Txo {
        let (person, tip) = (self.cast.get(name).unwrap(), self.ledger().tip());
        let account = self.ledger().state().get(&Account::state_key(&person.account));
        let nonce = account.map_or(0, |account| Account::from_bytes(account).unwrap().nonce);
        let at = BlockRef { height: tip.height, block_id: tip.id() };
        person.ceremony(self.chain_id, nonce, at, Step::Govern(asked)).finish()
    }

    /// It stands in a block soon.
    fn said(&mut self, name: &str, asked: Governing) -> MotionId {
        let txo = self.sealed(name, asked);
        assert_eq!(self.net.submit(0, &txo.to_bytes()), Some(Submission::Accepted));
        for _ in 0..9 {
            self.block();
            if self.ledger().find(&txo.body.id()).is_some() {
                return MotionId(txo.body.id());
            }
        }
        panic!("in no block")
    }

    /// Each validator refuses it, for this reason.
    fn refused(&mut self, name: &str, asked: Governing, denial: Denial) {
        let txo = self.sealed(name, asked);
        for validator in 0..VALIDATORS {
            let mut told = self.net.submit(validator, &txo.to_bytes());
            for _ in 0..9 {
                match told {
                    Some(Submission::Refused(why)) if why != denial.into() && is_behind(why) => self.block(),
                    _ => break,
                }
                told = self.net.submit(validator, &txo.to_bytes());
            }
            assert_eq!(told, Some(Submission::Refused(denial.into())), "validator {validator}");
        }
    }

    fn vote(&mut self, name: &str, motion: MotionId, choice: Choice) {
        self.said(name, Governing::Vote { motion, choice });
    }

    fn referendum(&self, id: MotionId) -> Referendum {
        Referendum::from_bytes(self.ledger().state().get(&Referendum::state_key(id)).unwrap()).unwrap()
    }

    fn interval(&self) -> u64 {
        self.ledger().registry().parameters(&self.genesis.params).block_interval_ms
    }

    /// What a light node that trusts genesis makes of what this validator answers.
    fn counted(&self, validator: usize, id: MotionId) -> Counted {
        let host = self.net.host(validator).unwrap();
        let (mut trusted, rules) = Trusted::genesis(&self.genesis).unwrap();
        let (mut sets, mut opened, ledger) = (SetCache::default(), None, host.ledger());
        let height = Referendum::from_bytes(ledger.state().get(&Referendum::state_key(id)).unwrap());
        let height = height.unwrap().opened;
        while trusted.header().get().height < ledger.tip().height {
            let block = ledger.light_block(trusted.header().get().height.next()).unwrap();
            let now = block.header.time;
            let Verdict::Accept(next) = verify(&block, &trusted, &rules, &mut sets, now) else { panic!() };
            trusted = *next;
            if trusted.header().get().height == height {
                opened = Some(trusted.clone());
            }
        }
        let entry = |key: Vec<u8>| {
            let (value, proof) = ledger.state().prove(&key).unwrap();
            Statement::State { key, value, proof }
        };
        let [referendum, electorate] = [Referendum::state_key(id), Electorate::state_key(id)].map(entry);
        let Response::Ballots(ballots) = serve::answer(host, &Request::Ballots(id)) else { panic!() };
        let opened = opened.unwrap();
        let grounds = Grounds {
            id,
            referendum: (&referendum, trusted.header()),
            electorate: (&electorate, trusted.header()),
            opened: (opened.header(), opened.validators().members()),
        };
        grounds.count(&ballots).unwrap()
    }

    /// All four answer the same, and it is what the chain came to.
    fn all_count(&self, id: MotionId, tally: Tally) {
        for validator in 0..VALIDATORS {
            let Votes::Complete(found) = self.counted(validator, id).votes else { panic!("{validator}") };
            assert_eq!(*found.get(), tally, "validator {validator}");
        }
    }
}

/// 55 of 80 cast is enough, 55 of 100 would not be; a vote is changed on the way.
#[test]
fn a_proposal_lives_from_its_opening_until_it_holds() {
    let mut town = Town::new();
    town.refused("bob-2", Governing::Propose(interval(2000)), Denial::Role);
    town.refused("alice", Governing::Propose(interval(1)), Denial::Bounds);
    let id = town.said("alice", Governing::Propose(interval(2000)));
    let opened = town.referendum(id);
    let vote = |motion| Governing::Vote { motion, choice: Choice::Yes };
    town.refused("bob", vote(MotionId::ZERO), Denial::UnknownProposal);
    for stranger in [AUTHORITY, "alice-2", "bob-2"] {
        town.refused(stranger, vote(id), Denial::NoVote);
    }
    town.refused(AUTHORITY, Governing::Veto(id), Denial::NotInTimelock);
    town.vote("alice", id, Choice::Yes);
    town.vote("bob", id, Choice::No);
    town.all_count(id, Tally { yes: 30, no: 25, abstain: 0, total: 100, persons: 1 });
    town.vote("bob", id, Choice::Yes);
    town.vote("dave", id, Choice::Abstain);
    town.all_count(id, Tally { yes: 55, no: 0, abstain: 20, total: 100, persons: 2 });

    town.until_set(opened.voting_until.0 + 1);
    let tally = Tally { yes: 55, no: 0, abstain: 20, total: 100, persons: 2 };
    assert_eq!((town.referendum(id).phase, town.referendum(id).tally), (Phase::Passed, Some(tally)));
    town.all_count(id, tally);
    town.refused("carol", vote(id), Denial::VotingClosed);
    town.refused("alice", Governing::Veto(id), Denial::NoAuthority);
    assert_eq!(town.interval(), 1000);
    town.until_set(opened.locked_until.0 + 1);
    assert_eq!((town.referendum(id).phase, town.interval()), (Phase::Executed, 2000));
    town.refused(AUTHORITY, Governing::Veto(id), Denial::NotInTimelock);
    // It holds: blocks come half as often.
    let before = town.ledger().tip().time;
    (0..4).for_each(|_| town.block());
    assert!(town.ledger().tip().time.0 - before.0 >= 8000);
    town.all_count(id, tally);
}

#[test]
fn what_is_vetoed_or_too_weak_is_not_done() {
    let mut town = Town::new();
    let vetoed = town.said("alice", Governing::Propose(interval(2000)));
    let weak = town.said("dave", Governing::Propose(interval(3000)));
    for name in OPERATORS {
        town.vote(name, vetoed, Choice::Yes);
    }
    town.vote("dave", weak, Choice::Yes);
    town.until_set(town.referendum(weak).voting_until.0 + 1);
    assert_eq!(town.referendum(weak).phase, Phase::NoQuorum, "20 of 100");
    town.said(AUTHORITY, Governing::Veto(vetoed));
    town.until_set(town.referendum(weak).locked_until.0 + 1);
    let oscar = AccountId::new(AUTHORITY).unwrap();
    assert_eq!((town.referendum(vetoed).phase, town.interval()), (Phase::Vetoed(oscar), 1000));
    let agenda = town.ledger().state().get(Agenda::STATE_KEY).unwrap();
    assert_eq!(Agenda::from_bytes(agenda).unwrap(), Agenda { newest: Some(weak), open: Vec::new() });
    town.all_count(weak, Tally { yes: 20, no: 0, abstain: 0, total: 100, persons: 1 });
}

/// One of four is voted out and its votes count no more; the three go on.
#[test]
fn a_validator_that_was_voted_out_has_no_seat() {
    let mut town = Town::new();
    let motion = Motion { measure: Measure::Remove("v4".to_owned()), emergency: true };
    let id = town.said("alice", Governing::Propose(motion));
    for name in ["alice", "bob", "carol"] {
        town.vote(name, id, Choice::Yes);
    }
    town.until_set(town.referendum(id).locked_until.0 + 1);
    assert_eq!(town.referendum(id).phase, Phase::Executed);
    assert_eq!(town.ledger().set().members().len(), 3);
    town.all_count(id, Tally { yes: 80, no: 0, abstain: 0, total: 100, persons: 3 });
}

/// A build that does not know the rules of the new version stops before it would break them.
#[test]
fn a_chain_stops_before_rules_that_no_build_knows() {
    let mut town = Town::new();
    let motion = |set| Motion { measure: Measure::Upgrade { version: 2, set: SetId(set) }, emergency: true };
    let first = town.ledger().tip().height.0 / 3 + 4;
    let id = town.said("alice", Governing::Propose(motion(first)));
    OPERATORS.iter().for_each(|name| town.vote(name, id, Choice::Yes));
    let last = first * 3;
    assert!(town.net.run(120_000, |net| net.lowest() >= last), "{:?}", town.net.broken());
    let upgrade = Upgrade { version: 2, set: SetId(first), before: 1 };
    assert_eq!(town.ledger().registry().upgrade(), Some(upgrade));
    let next = town.ledger().build(Default::default(), town.ledger().tip().time, &Default::default());
    assert_eq!(next.map(drop), Err(Fault::Outdated(upgrade)));
    let told = LedgerError::Fault(Fault::Outdated(upgrade)).to_string();
    assert!(told.contains("version 2") && told.contains("nothing was signed"), "{told}");
    assert!(
        !town.net.run(30_000, |net| net.lowest() > last),
        "no block is made under rules that nobody knows"
    );
}

/// Four validators as processes, and a light node that follows them.
async fn running() -> (Validators, Vec<Client>, LightNode) {
    let mut people = Cast::default().people("demo");
    people.governance = governance(["north", "east", "south", "west"], 2);
    let (people, defaults) = (Some(people), demo::Options::default());
    let options = demo::Options { block_interval_ms: 300, set_length: 8, people, ..defaults };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("governance-{}", std::process::id()));
    let validators = Validators::start(folder, 0, &options);
    let clients = Home::new(&validators.home()).peers().unwrap();
    let clients = clients.into_iter().map(|peer| Client::new(peer).unwrap()).collect();
    let peers = peers_from_json(&std::fs::read(validators.home().join("peers.json")).unwrap()).unwrap();
    let config = Config {
        genesis: validators.genesis.clone(),
        anchor: None,
        peers,
        home: None,
        keep: false,
        proxies: Default::default(),
    };
    let node = LightNode::start(config).await.unwrap();
    node.synced(Duration::from_secs(60)).await.unwrap();
    (validators, clients, node)
}

/// Tries again for a minute.
async fn soon<T>(mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..300 {
        if let Some(found) = attempt().await {
            return found;
        }
        sleep(Duration::from_millis(200)).await;
    }
    panic!("not within a minute")
}

#[tokio::test]
async fn a_light_node_counts_what_processes_serve() {
    let (validators, mut clients, node) = running().await;
    let genesis = &validators.genesis;
    let (cast, chain_id) = (Cast::default(), genesis.chain_id().unwrap());
    let mut nonces = std::collections::BTreeMap::<&str, u64>::new();
    let mut say = async |name: &'static str, asked: Governing| {
        let nonce = nonces.entry(name).or_default();
        let head = node.snapshots().borrow().head.clone();
        let at = BlockRef { height: head.header().get().height, block_id: head.id() };
        let txo = cast.get(name).unwrap().ceremony(chain_id, *nonce, at, Step::Govern(asked)).finish();
        *nonce += 1;
        soon(async || {
            let said = clients[0].ask(Request::Submit(txo.to_bytes())).await;
            matches!(said, Ok(Response::Submitted(Submission::Accepted))).then_some(())
        })
        .await;
        soon(async || {
            node.txo(txo.body.id())
                .await
                .ok()
                .filter(|it| matches!(it, qratum_light_node::Outcome::Included(_)))
        })
        .await;
        MotionId(txo.body.id())
    };
    assert_eq!(node.tally(MotionId::ZERO).await.ok(), Some(None), "there is no such proposal");
    assert!(node.proposals(9).await.unwrap().proposals.is_empty());
    let id = say("alice", Governing::Propose(interval(400))).await;
    say("bob", Governing::Vote { motion: id, choice: Choice::Yes }).await;
    say("alice", Governing::Vote { motion: id, choice: Choice::Yes }).await;
    let complete = async |phase: &Phase| {
        let counted = node.tally(id).await.ok()??;
        let Votes::Complete(tally) = counted.votes else { return None };
        (counted.referendum.get().phase == *phase).then_some(*tally.get())
    };
    let tally = Tally { yes: 55, no: 0, abstain: 0, total: 100, persons: 2 };
    assert_eq!(soon(async || complete(&Phase::Voting).await).await, tally);
    assert_eq!(soon(async || complete(&Phase::Executed).await).await, tally);
    let listed = node.proposals(9).await.unwrap().proposals;
    assert_eq!(listed.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [id]);
    assert!(node.snapshots().borrow().head.header().get().height > Height(16));
    node.stop().await;
}
