//! Nobody acts alone: people with software keys ask, approve and reject, past any console, on
//! validators in virtual time and on real processes. What is carried out is proven by a light node;
//! what is refused, each validator refuses, and for its own reason.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test file: a panic is the verdict"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};

use qratum_chain::{
    codec::Decode,
    document::Statement,
    ledger::{
        Action, Denial, Draft, HEIGHT_KEY, Identity, NewAccount, Outcome, Proposal, Request, Step,
        registry::Refusal,
    },
    state::StateMap,
    types::{
        Account, BiokeySignatures, BlockId, BlockRef, ChainId, CredentialStatus, Genesis, Height, Policy,
        RequestId, Role, Scope, Seal, Sender, Time, Txo,
    },
};
use qratum_light_node::{
    Config, LightNode, Outcome as Found, peers_from_json,
    wire::{self, Response, Submission},
};
use qratum_tests::{
    ceremony::{Cast, Ceremony, LIFETIME_MS, Person, auth_data, no, policy, yes},
    processes::Validators,
    simulation::{genesis, network_of},
};
use qratum_validator::{client::Client, demo, drivers::virtual_time::Net, home::Home};
use tokio::time::{sleep, timeout};

/// How many validators there are.
const VALIDATORS: usize = 4;
/// The most blocks that any step waits for.
const PATIENCE: u32 = 40;

/// A network, seen from outside.
trait Stage {
    fn genesis(&self) -> &Genesis;
    /// What a validator says to a transaction.
    async fn submit(&mut self, validator: usize, txo: &Txo) -> Submission;
    /// A header and what the state has under a key after it.
    async fn entry(&mut self, key: &[u8]) -> (BlockRef, Time, Option<Vec<u8>>);
    /// Whether the transaction stands in a block.
    async fn stands(&mut self, txo: &Txo) -> bool;
    /// Waits for a block.
    async fn block(&mut self);
}

/// Validators in virtual time: what is seen is the state of the first.
struct Virtual {
    genesis: Genesis,
    net: Net,
}

impl Virtual {
    fn new() -> Self {
        let genesis = genesis();
        let people = Some(Cast::default().people(&genesis.network));
        let genesis = Genesis { people, ..genesis };
        let mut net = network_of(genesis.clone(), 7);
        net.start_all();
        assert!(net.run(60_000, |net| net.lowest() >= 3), "{:?}", net.broken());
        Self { genesis, net }
    }

    fn ledger(&self) -> &qratum_validator::ledger::Ledger {
        self.net.host(0).unwrap().ledger()
    }
}

impl Stage for Virtual {
    fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    async fn submit(&mut self, validator: usize, txo: &Txo) -> Submission {
        self.net.submit(validator, &txo.to_bytes()).unwrap()
    }

    async fn entry(&mut self, key: &[u8]) -> (BlockRef, Time, Option<Vec<u8>>) {
        let tip = self.ledger().tip();
        let at = BlockRef { height: tip.height, block_id: tip.id() };
        (at, tip.time, self.ledger().state().get(key).map(<[u8]>::to_vec))
    }

    async fn stands(&mut self, txo: &Txo) -> bool {
        self.ledger().find(&txo.body.id()).is_some()
    }

    async fn block(&mut self) {
        let next = self.net.lowest() + 1;
        assert!(self.net.run(60_000, |net| net.lowest() >= next), "{:?}", self.net.broken());
    }
}

/// Validators as processes: what is seen was proven to a light node.
struct Real {
    clients: Vec<Client>,
    node: LightNode,
    validators: Validators,
}

impl Real {
    /// The chain began 100 seconds ago, so that its first block is too old to be named.
    async fn new() -> Self {
        let options = demo::Options::default();
        let people = Some(Cast::default().people(&options.network));
        let options = demo::Options { block_interval_ms: 500, people, ..options };
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("approvals-{}", std::process::id()));
        let validators = Validators::start(folder, 100_000, &options);
        let peers = Home::new(&validators.home()).peers().unwrap();
        let clients = peers.into_iter().map(|peer| Client::new(peer).unwrap()).collect();
        let peers = std::fs::read(validators.home().join("peers.json")).unwrap();
        let peers = peers_from_json(&peers).unwrap();
        let config = Config {
            genesis: validators.genesis.clone(),
            anchor: None,
            peers,
            proxies: Default::default(),
            home: None,
            keep: false,
        };
        let node = LightNode::start(config).await.unwrap();
        node.synced(Duration::from_secs(60)).await.unwrap();
        Self { clients, node, validators }
    }
}

impl Stage for Real {
    fn genesis(&self) -> &Genesis {
        &self.validators.genesis
    }

    async fn submit(&mut self, validator: usize, txo: &Txo) -> Submission {
        for _ in 0..PATIENCE {
            let asked = self.clients[validator].ask(wire::Request::Submit(txo.to_bytes())).await;
            match asked {
                Ok(Response::Submitted(submission)) => return submission,
                Ok(other) => panic!("{other:?}"),
                // The machine is busy.
                Err(_) => sleep(Duration::from_millis(200)).await,
            }
        }
        panic!("validator {validator} does not answer")
    }

    async fn entry(&mut self, key: &[u8]) -> (BlockRef, Time, Option<Vec<u8>>) {
        for _ in 0..PATIENCE {
            if let Ok(proven) = self.node.state(key).await {
                let header = proven.checked.header.get();
                let at = BlockRef { height: header.height, block_id: header.id() };
                let Statement::State { value, .. } = proven.proof.statement else { panic!("no entry") };
                return (at, header.time, value);
            }
            sleep(Duration::from_millis(200)).await;
        }
        panic!("nothing is proven")
    }

    async fn stands(&mut self, txo: &Txo) -> bool {
        matches!(self.node.txo(txo.body.id()).await, Ok(Found::Included(_)))
    }

    async fn block(&mut self) {
        let mut heads = self.node.heads();
        timeout(Duration::from_secs(60), heads.recv()).await.expect("a head within a minute").ok();
    }
}

/// What is to be carried out, with what a person does to get there.
struct Play<S> {
    stage: S,
    cast: Cast,
    chain_id: ChainId,
}

impl<S: Stage> Play<S> {
    fn new(stage: S) -> Self {
        let chain_id = stage.genesis().chain_id().unwrap();
        Self { stage, cast: Cast::default(), chain_id }
    }

    async fn read<T: Decode>(&mut self, key: &[u8]) -> Option<T> {
        self.stage.entry(key).await.2.map(|value| T::from_bytes(&value).unwrap())
    }

    async fn head(&mut self) -> (BlockRef, Time) {
        let (at, time, _) = self.stage.entry(HEIGHT_KEY).await;
        (at, time)
    }

    async fn nonce(&mut self, name: &str) -> u64 {
        let key = Account::state_key(&self.person(name).account);
        self.read::<Account>(&key).await.map_or(0, |account| account.nonce)
    }

    fn person(&self, name: &str) -> &Person {
        self.cast.get(name).unwrap()
    }

    /// What this person signs, changed by `change` before it is signed.
    async fn signing(&mut self, name: &str, step: Step, change: impl Fn(&mut Ceremony<'_>, &Cast)) -> Txo {
        let ((at, _), nonce) = (self.head().await, self.nonce(name).await);
        let mut ceremony = self.person(name).ceremony(self.chain_id, nonce, at, step);
        change(&mut ceremony, &self.cast);
        ceremony.finish()
    }

    async fn sealed(&mut self, name: &str, step: Step) -> Txo {
        self.signing(name, step, |_, _| {}).await
    }

    /// Whether a validator that is a block behind may still say this.
    fn may_pass(refusal: Refusal) -> bool {
        let behind = [Denial::UnknownRequest, Denial::OpenedNowhere, Denial::Basis, Denial::StateChanged];
        matches!(refusal, Refusal::Nonce { .. }) || behind.map(Refusal::Denied).contains(&refusal)
    }

    /// Submits it to the first validator and waits until it stands in a block.
    async fn accepted(&mut self, txo: &Txo) {
        let mut said = Submission::Busy;
        for _ in 0..PATIENCE {
            if said != Submission::Accepted {
                said = self.stage.submit(0, txo).await;
            }
            match said {
                Submission::Accepted if self.stage.stands(txo).await => return,
                Submission::Refused(why) => assert!(Self::may_pass(why), "{why}"),
                _ => {}
            }
            self.stage.block().await;
        }
        panic!("in no block: {said:?}")
    }

    /// Each validator refuses it, for this reason.
    async fn refused(&mut self, txo: &Txo, reason: impl Into<Refusal>) {
        let reason = reason.into();
        for validator in 0..VALIDATORS {
            let mut told = self.stage.submit(validator, txo).await;
            for _ in 0..PATIENCE {
                match told {
                    Submission::Refused(why) if why == reason => break,
                    Submission::Refused(why) if Self::may_pass(why) => self.stage.block().await,
                    other => panic!("validator {validator}: {other:?} instead of {reason}"),
                }
                told = self.stage.submit(validator, txo).await;
            }
            assert_eq!(told, Submission::Refused(reason), "validator {validator}");
        }
        assert!(!self.stage.stands(txo).await);
    }

    /// What alice wants, with the facts that it rests on read from the chain.
    async fn proposal(&mut self, action: Action, lifetime_ms: u64) -> Proposal {
        let mut entries = BTreeMap::new();
        let mut keys = vec![Policy::STATE_KEY.to_vec()];
        match &action {
            Action::Credential { account, .. } => keys.push(Account::state_key(account)),
            Action::Identity(identity) => keys.push(Account::state_key(identity.account())),
            _ => {}
        }
        for key in keys {
            let value = self.stage.entry(&key).await.2;
            entries.insert(key, value);
        }
        let state = StateMap::genesis(entries).unwrap();
        let (draft, (basis, time)) = (Draft::new(&state), self.head().await);
        Proposal {
            expiry: time.plus(lifetime_ms),
            policy_hash: draft.policy().unwrap().hash(),
            basis,
            expect: action.expectation(&draft),
            action,
        }
    }

    /// Alice asks, and it stands in a block.
    async fn asked(&mut self, action: Action, lifetime_ms: u64) -> RequestId {
        let proposal = self.proposal(action, lifetime_ms).await;
        let txo = self.sealed("alice", Step::Request(proposal)).await;
        self.accepted(&txo).await;
        RequestId(txo.body.id())
    }

    async fn said(&mut self, name: &str, step: Step) -> Txo {
        let txo = self.sealed(name, step).await;
        self.accepted(&txo).await;
        txo
    }

    async fn request(&mut self, id: RequestId) -> Request {
        self.read(&Request::state_key(id)).await.unwrap()
    }

    async fn status(&mut self, name: &str) -> CredentialStatus {
        let key = Account::state_key(&self.person(name).account);
        self.read::<Account>(&key).await.unwrap().credentials[0].status
    }

    fn set_status(&self, name: &str, status: CredentialStatus) -> Action {
        let person = self.person(name);
        Action::Credential { account: person.account.clone(), credential: person.credential(), status }
    }

    /// Every way to approve a request that is open, and that nobody may go.
    async fn forged_approvals(&mut self, id: RequestId) {
        let (other, step) = (ChainId::default(), || yes(id, Role::Technical));
        let unknown = RequestId::default();
        for (name, role, denial) in [
            ("mallory", Role::Technical, Denial::UnknownAccount),
            ("alice", Role::Technical, Denial::OwnRequest),
            ("alice-2", Role::Technical, Denial::OwnRequest),
            ("bob", Role::Compliance, Denial::Role),
            ("oscar", Role::OnCall, Denial::RoleUnasked),
        ] {
            let txo = self.sealed(name, yes(id, role)).await;
            self.refused(&txo, denial).await;
        }
        let txo = self.sealed("bob", yes(unknown, Role::Technical)).await;
        self.refused(&txo, Denial::UnknownRequest).await;
        let flags =
            |flags: u8| move |it: &mut Ceremony<'_>, _: &Cast| it.factors.auth_data = auth_data(flags, 99);
        let txo = self.signing("bob", step(), flags(0x04)).await;
        self.refused(&txo, Denial::NoTouch).await;
        let txo = self.signing("bob", step(), flags(0x01)).await;
        self.refused(&txo, Denial::NoVerification).await;
        let wrong = |it: &mut Ceremony<'_>, cast: &Cast| {
            it.factors.credential = cast.get("carol").unwrap().credential();
        };
        let txo = self.signing("bob", step(), wrong).await;
        self.refused(&txo, Denial::UnknownCredential).await;
        let txo = self.signing("bob", step(), |it, _| it.body.nonce += 5).await;
        let want = self.nonce("bob").await;
        self.refused(&txo, Refusal::Nonce { want }).await;
        let txo = self.signing("bob", step(), |it, _| it.body.chain_id = other).await;
        self.refused(&txo, Refusal::WrongChain).await;
        self.stolen_factors(id).await;
    }

    /// Factors that are of somebody else, of something else, or of another time.
    async fn stolen_factors(&mut self, id: RequestId) {
        let step = || yes(id, Role::Technical);
        let carol = self.sealed("carol", yes(id, Role::Compliance)).await;
        // The keys of carol under the name of bob, and her own act under his.
        let mut by_her_keys = carol.clone();
        by_her_keys.body.sender = Sender::Account(self.person("bob").account.clone());
        self.refused(&by_her_keys, Denial::UnknownCredential).await;
        let bob = self.sealed("bob", step()).await;
        let mut altered = bob.clone();
        altered.body = self.sealed("bob", no(id, Role::Technical)).await.body;
        self.refused(&altered, Denial::Assertion).await;
        let elsewhere = self.signing("bob", step(), |it, _| it.body.chain_id = ChainId::default()).await;
        let mut replayed = elsewhere;
        replayed.body.chain_id = self.chain_id;
        self.refused(&replayed, Denial::Assertion).await;
        let recombined = self.recombined(step()).await;
        self.refused(&recombined, Denial::Biokey).await;
        let by_two = |change: &dyn Fn(&mut BiokeySignatures)| {
            let mut txo = bob.clone();
            if let Seal::Factors(factors) = &mut txo.seal {
                change(&mut factors.biokey);
            }
            txo
        };
        let mldsa_flipped = by_two(&|said| said.mldsa[7] ^= 1);
        self.refused(&mldsa_flipped, Denial::BiokeyMlDsa).await;
        let key_flipped = by_two(&|said| said.mldsa_key[7] ^= 1);
        self.refused(&key_flipped, Denial::BiokeyOther).await;
        let nowhere = |it: &mut Ceremony<'_>, _: &Cast| it.factors.opened_at.block_id = BlockId::ZERO;
        let txo = self.signing("bob", step(), nowhere).await;
        self.refused(&txo, Denial::OpenedNowhere).await;
    }

    /// Two honest ceremonies of bob for one act: the security key of one, the biokey of the other.
    async fn recombined(&mut self, step: Step) -> Txo {
        let ((at, _), nonce) = (self.head().await, self.nonce("bob").await);
        let ceremony = || self.person("bob").ceremony(self.chain_id, nonce, at, step.clone()).finish();
        let (mut one, two) = (ceremony(), ceremony());
        if let (Seal::Factors(into), Seal::Factors(from)) = (&mut one.seal, &two.seal) {
            into.biokey = from.biokey.clone();
        }
        one
    }

    /// A request from its opening to its end, with all that is refused on the way.
    async fn carries_through(&mut self) {
        let revoke = self.set_status("dave", CredentialStatus::Revoked);
        let id = self.asked(revoke, LIFETIME_MS).await;
        self.forged_approvals(id).await;
        let by_bob = self.said("bob", yes(id, Role::Technical)).await;
        // Below the threshold nothing is carried out, and the same word does not count twice.
        for validator in 0..VALIDATORS {
            assert_eq!(self.stage.submit(validator, &by_bob).await, Submission::Accepted, "it is in a block");
        }
        self.stage.block().await;
        let open = self.request(id).await;
        assert_eq!((open.outcome, open.voices.len()), (Outcome::Open, 1));
        assert_eq!(self.status("dave").await, CredentialStatus::Active);
        for (name, role, denial) in [
            ("bob-2", Role::Compliance, Denial::SamePerson),
            ("bob", Role::Technical, Denial::SamePerson),
            ("dave", Role::Technical, Denial::RoleFilled),
        ] {
            let txo = self.sealed(name, yes(id, role)).await;
            self.refused(&txo, denial).await;
        }
        let by_carol = self.said("carol", yes(id, Role::Compliance)).await;
        let done = self.request(id).await;
        assert!(matches!(done.outcome, Outcome::Executed(height) if height == done.voices[1].height));
        assert_eq!(
            done.voices.iter().map(|voice| voice.txo).collect::<Vec<_>>(),
            [by_bob.body.id(), by_carol.body.id()]
        );
        assert_eq!(self.status("dave").await, CredentialStatus::Revoked);
        let late = self.sealed("bob-2", yes(id, Role::Compliance)).await;
        self.refused(&late, Denial::Executed).await;
        let by_dave = self.sealed("dave", yes(id, Role::Technical)).await;
        self.refused(&by_dave, Denial::CredentialRevoked).await;
    }

    /// Requests that end without anything being carried out.
    async fn comes_to_nothing(&mut self) {
        let suspend = self.set_status("oscar", CredentialStatus::Suspended);
        let rejected = self.asked(suspend.clone(), LIFETIME_MS).await;
        self.said("carol", no(rejected, Role::Compliance)).await;
        assert!(matches!(self.request(rejected).await.outcome, Outcome::Rejected(_)));
        let late = self.sealed("bob", yes(rejected, Role::Technical)).await;
        self.refused(&late, Denial::Rejected).await;

        let short = self.asked(suspend.clone(), 8_000).await;
        let expiry = self.request(short).await.proposal.expiry;
        while self.head().await.1 <= expiry {
            self.stage.block().await;
        }
        let late = self.sealed("bob", yes(short, Role::Technical)).await;
        self.refused(&late, Denial::Expired).await;

        let void = self.asked(suspend, LIFETIME_MS).await;
        let next = policy(2, LIFETIME_MS / 2);
        let change = self.asked(Action::Policy(next.clone()), LIFETIME_MS).await;
        self.said("bob", yes(change, Role::Technical)).await;
        self.said("carol", yes(change, Role::Compliance)).await;
        assert_eq!(self.read::<Policy>(Policy::STATE_KEY).await, Some(next));
        let late = self.sealed("bob", yes(void, Role::Technical)).await;
        self.refused(&late, Denial::PolicyChanged).await;
        assert_eq!(self.status("oscar").await, CredentialStatus::Active);
    }

    /// Mallory is enrolled by the others, and only with keys that are hers: then she has a voice.
    async fn enrols(&mut self) {
        let mallory = self.person("mallory");
        let scope = Scope::Chain(self.chain_id);
        let good = mallory.possession(scope).unwrap();
        let stolen = self.person("oscar").possession(scope).unwrap();
        let elsewhere = mallory.possession(Scope::Genesis("test")).unwrap();
        let new = mallory.new_account().unwrap();
        let twice = NewAccount { account: self.person("oscar").account.clone(), ..new.clone() };
        let known = NewAccount { credentials: vec![self.person("oscar").new_credential()], ..new.clone() };
        let enrol = |new: &NewAccount| Action::Identity(Identity::Enrol(new.clone()));
        for (action, proofs, denial) in [
            (enrol(&new), vec![], Denial::Possession),
            (enrol(&new), vec![stolen.clone()], Denial::Possession),
            (enrol(&new), vec![elsewhere], Denial::Possession),
            (enrol(&twice), vec![good.clone()], Denial::AccountTaken),
            (enrol(&known), vec![stolen], Denial::KeyKnown),
        ] {
            let proposal = self.proposal(action, LIFETIME_MS / 2).await;
            let txo = self.sealed("alice", Step::Enrol(proposal, proofs)).await;
            self.refused(&txo, denial).await;
        }
        let proposal = self.proposal(enrol(&new), LIFETIME_MS / 2).await;
        let txo = self.sealed("alice", Step::Enrol(proposal, vec![good])).await;
        self.accepted(&txo).await;
        let id = RequestId(txo.body.id());
        self.said("bob", yes(id, Role::Technical)).await;
        self.said("carol", yes(id, Role::Compliance)).await;
        let key = Account::state_key(&self.person("mallory").account);
        let enrolled = self.read::<Account>(&key).await.unwrap();
        assert_eq!(enrolled.credentials[0].enrolled_by, Some(id));
        let suspend = self.set_status("oscar", CredentialStatus::Suspended);
        let id = self.asked(suspend, LIFETIME_MS / 2).await;
        self.said("mallory", yes(id, Role::Technical)).await;
        assert_eq!(self.request(id).await.voices.len(), 1);
    }

    /// A biokey that was opened at this block, which is older than biokeys live.
    async fn opened_long_ago(&mut self, at: BlockRef) {
        let action = self.set_status("oscar", CredentialStatus::Suspended);
        let proposal = self.proposal(action, LIFETIME_MS).await;
        let txo = self.signing("alice", Step::Request(proposal), |it, _| it.factors.opened_at = at).await;
        self.refused(&txo, Denial::OpenedTooLong).await;
    }
}

#[tokio::test]
async fn in_virtual_time() {
    let mut play = Play::new(Virtual::new());
    let (at, time) = play.head().await;
    play.carries_through().await;
    play.comes_to_nothing().await;
    play.enrols().await;
    while play.head().await.1 <= time.plus(71_000) {
        play.stage.block().await;
    }
    play.opened_long_ago(at).await;
    // All four came to the same state.
    let lowest = Height(play.stage.net.lowest());
    let id = |i| play.stage.net.host(i).unwrap().ledger().block(lowest).unwrap().block.id();
    assert_eq!((0..VALIDATORS).map(id).collect::<BTreeSet<_>>().len(), 1);
}

#[tokio::test]
async fn on_real_processes() {
    let mut play = Play::new(Real::new().await);
    let genesis = BlockRef { height: Height(0), block_id: BlockId(play.chain_id.0) };
    play.opened_long_ago(genesis).await;
    play.carries_through().await;
    play.comes_to_nothing().await;
    play.stage.node.stop().await;
}
