//! Alice asks and bob answers, with keys in software, on a state that a test holds: what is planned, what
//! a ceremony says, and each way in which it comes to nothing.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use qratum_chain::{
    Hash,
    ledger::{self, Action, Denial, Draft, registry::Refusal},
    state::StateMap,
    types::{
        Account, AccountId, AuthData, BiokeyKeys, BiokeySignatures, Class, CredentialId, CredentialKey,
        CredentialStatus, Device, Genesis, Governance, Group, Height, Jurisdiction, NewCredential, People,
        PersonId, Policy, RequestId, Role, Roles, Rule, Standing, Txo, Zone,
    },
};
use qratum_crypto::{
    domain,
    hash::sha2_256,
    sign::{ed25519::SecretKey, ml_dsa},
};
use qratum_light_node::{Entries, FetchError};
use qratum_metal::secret::LockedBytes;
use qratum_verifier::proof::Checked;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::{
    arm::Unarmed,
    ceremony::{Event, KeyFault, Keys, Order, Prover, Stop, Touch},
    facts::Facts,
    plan::{Plan, Unplanned, Want, Wish, plan},
    run::{Talk, run},
};
use crate::screen::tests::stage::{genesis, heads};

const RP_ID: &str = "test.qratum.invalid";
const CAST: [(&str, u8, &[Role]); 4] = [
    ("alice", 1, &[Role::Admin, Role::Technical]),
    ("bob", 2, &[Role::Technical, Role::Compliance]),
    ("carol", 3, &[Role::Compliance]),
    ("dave", 4, &[Role::Admin, Role::Technical]),
];

fn account(name: &str) -> AccountId {
    AccountId::new(name).unwrap()
}

/// A security key and a biokey of one seed.
struct Software {
    name: &'static str,
    seed: u8,
    /// The PINs that are typed wrongly before the right one.
    wrong: u8,
    tries: u8,
    left: Duration,
    touches: Arc<AtomicUsize>,
    /// Somebody says no while it waits for the second touch.
    no_at_touch: bool,
    /// Somebody says yes before anything was asked.
    yes_at_first: bool,
    screen: Option<mpsc::Sender<Order>>,
}

impl Software {
    fn of(name: &'static str) -> Self {
        let seed = CAST.iter().find(|(known, ..)| *known == name).unwrap().1;
        let (left, touches) = (Duration::from_secs(60), Arc::default());
        Self {
            name,
            seed,
            wrong: 0,
            tries: 8,
            left,
            touches,
            no_at_touch: false,
            yes_at_first: false,
            screen: None,
        }
    }

    fn say(&self, when: bool, order: Order) {
        if when {
            self.screen.as_ref().unwrap().send(order).unwrap();
        }
    }

    fn secret(&self) -> SecretKey {
        SecretKey::from_seed(&[self.seed; 32])
    }

    fn biokey(&self) -> (SecretKey, ml_dsa::SecretKey) {
        let seed = [100 + self.seed; 32];
        (SecretKey::from_seed(&seed), ml_dsa::SecretKey::from_seed(&seed))
    }

    fn enrolled(&self) -> NewCredential {
        let (ed25519, mldsa) = self.biokey();
        NewCredential {
            id: CredentialId::of(self.name.as_bytes()),
            key: CredentialKey::Ed25519(self.secret().public()),
            biokey: BiokeyKeys::of(ed25519.public(), &mldsa.public()),
            device: Device { label: "software".to_owned(), aaguid: [0; 16], attestation: None },
        }
    }
}

impl Keys for Software {
    fn credential(&self) -> CredentialId {
        CredentialId::of(self.name.as_bytes())
    }

    fn open(&mut self, _: &LockedBytes) -> Result<Option<String>, KeyFault> {
        if let Some(wrong) = self.wrong.checked_sub(1) {
            (self.wrong, self.tries) = (wrong, self.tries - 1);
            return Err(KeyFault::Pin { left: Some(self.tries) });
        }
        self.touches.fetch_add(1, Ordering::Relaxed);
        self.say(self.yes_at_first, Order::Go);
        Ok(Some("acid rain".to_owned()))
    }

    fn left(&self) -> Duration {
        self.left
    }

    fn assert(&mut self, hash: &[u8; 32], _: &LockedBytes) -> Result<(AuthData, [u8; 64]), KeyFault> {
        self.touches.fetch_add(1, Ordering::Relaxed);
        self.say(self.no_at_touch, Order::Cancel);
        let data = [sha2_256(RP_ID.as_bytes()).0.as_slice(), &[5, 0, 0, 0, 1]].concat();
        let data = AuthData(data.try_into().unwrap());
        Ok((data, self.secret().sign(&[data.0.as_slice(), hash].concat()).0))
    }

    fn sign(&mut self, message: &Hash) -> Result<BiokeySignatures, KeyFault> {
        let (ed25519, mldsa) = self.biokey();
        let said = mldsa.sign(domain::BIOKEY_ACTION, &message.0).unwrap();
        Ok(BiokeySignatures::new(ed25519.sign(&message.0), mldsa.public(), said).unwrap())
    }
}

/// A chain with people, whose state may change under the console.
struct Chain {
    genesis: Genesis,
    state: Mutex<StateMap>,
}

impl Chain {
    fn new() -> Self {
        let enrolled = CAST.map(|(name, person, roles)| {
            let of = Account {
                person: PersonId(Hash([person; 32])),
                roles: Roles::of(roles.iter().copied()),
                jurisdiction: Jurisdiction::new(*b"CH").unwrap(),
                zone: Zone::default(),
                standing: Standing::Active,
                nonce: 0,
                credentials: vec![Software::of(name).enrolled().enrolled(None, Height(0))],
            };
            (account(name), of)
        });
        let groups = [Role::Technical, Role::Compliance].map(|role| Group { role, least: 1 }).to_vec();
        let rule = Rule { requester: Role::Admin, threshold: 2, groups, lifetime_ms: 600_000 };
        let policy = Policy::new(Class::ALL.iter().map(|class| (*class, rule.clone())));
        let accounts = BTreeMap::from(enrolled);
        let governance = Governance::default();
        let proofs = BTreeMap::new();
        let people = People { rp_id: RP_ID.to_owned(), policy, accounts, proofs, governance };
        let genesis = Genesis { people: Some(people), ..genesis() };
        Self { state: Mutex::new(genesis.state().unwrap()), genesis }
    }

    fn facts(&self, keys: &[Vec<u8>]) -> Facts {
        let state = self.state.lock().unwrap();
        let value = |key: &Vec<u8>| (key.clone(), state.get(key).map(<[u8]>::to_vec));
        let head = heads().last().unwrap().clone();
        let checked = Checked { header: head.header().clone(), expired: false };
        let proven = Entries { checked, entries: keys.iter().map(value).collect() };
        Facts::of(self.genesis.chain_id().unwrap(), head.validators().clone(), proven).unwrap()
    }

    async fn plan(&self, name: &str, want: Want) -> Result<Plan, Unplanned> {
        let wish = Wish { account: account(name), credential: None, want };
        plan(&wish, async |keys: &[Vec<u8>]| Ok::<_, FetchError>(self.facts(keys))).await
    }

    /// After a block with this act.
    fn carry(&self, txo: &Txo) {
        let facts = self.facts(&[Genesis::PARAMS_KEY.to_vec()]);
        let mut state = self.state.lock().unwrap();
        let mut draft = Draft::new(&state);
        ledger::apply(&mut draft, &facts.next(), txo).unwrap();
        let pending = state.preview(draft.into_changes()).unwrap();
        state.commit(pending);
    }

    /// Alice asks that the key of dave be suspended.
    async fn asked(&self) -> RequestId {
        let plan = self.plan("alice", suspend("dave")).await.unwrap();
        let (ended, _) = self.held(&plan, Software::of("alice"), [pin(), Order::Go]);
        let txo = ended.unwrap();
        self.carry(&txo);
        RequestId(txo.body.id())
    }

    /// A ceremony in which these orders are given, each when something is asked, and what it said. Whoever
    /// gave all of them, or lets the time pass, stays; else the screen is gone at the next question.
    fn held(
        &self,
        plan: &Plan,
        keys: Software,
        orders: impl IntoIterator<Item = Order>,
    ) -> (Result<Txo, Stop>, Vec<Event>) {
        self.held_with(plan, keys, orders, self)
    }

    fn held_with(
        &self,
        plan: &Plan,
        mut keys: Software,
        orders: impl IntoIterator<Item = Order>,
        prover: &dyn Prover,
    ) -> (Result<Txo, Stop>, Vec<Event>) {
        let ((events, heard), (sender, taken)) = (unbounded_channel(), mpsc::channel());
        let orders: VecDeque<Order> = orders.into_iter().collect();
        let stays = matches!(orders.back(), Some(Order::Go)) || keys.left.is_zero();
        keys.screen = (keys.no_at_touch || keys.yes_at_first).then(|| sender.clone());
        let screen = thread::spawn(move || answered(heard, sender, orders, stays));
        let ended = run(plan, &mut keys, prover, &Talk { events, orders: taken });
        drop(keys);
        (ended, screen.join().unwrap())
    }
}

/// A screen: gives the next order when it is asked, and is gone where there is none, unless it `stays`.
fn answered(
    mut heard: UnboundedReceiver<Event>,
    sender: mpsc::Sender<Order>,
    mut orders: VecDeque<Order>,
    stays: bool,
) -> Vec<Event> {
    let (mut said, mut sender) = (Vec::new(), Some(sender));
    while let Some(event) = heard.blocking_recv() {
        if matches!(event, Event::Pin { .. } | Event::BiokeyOpen { .. }) {
            match (orders.pop_front(), &sender) {
                (Some(order), Some(sender)) => sender.send(order).unwrap(),
                (None, _) if !stays => sender = None,
                _ => {}
            }
        }
        said.push(event);
    }
    said
}

impl Prover for Chain {
    fn prove(&self, keys: &[Vec<u8>]) -> Result<Facts, Unarmed> {
        Ok(self.facts(keys))
    }

    fn check(&self, txo: &Txo) -> Result<(), Stop> {
        let facts = self.facts(&[Genesis::PARAMS_KEY.to_vec()]);
        let state = self.state.lock().unwrap();
        ledger::apply(&mut Draft::new(&state), &facts.next(), txo).map_err(Stop::Refused)
    }
}

fn pin() -> Order {
    Order::Pin(LockedBytes::new_with(4, |pin| pin.copy_from_slice(b"1234")).unwrap())
}

fn suspend(name: &str) -> Want {
    set_status(name, CredentialStatus::Suspended)
}

fn set_status(name: &str, status: CredentialStatus) -> Want {
    let credential = CredentialId::of(name.as_bytes());
    Want::Open {
        action: Box::new(Action::Credential { account: account(name), credential, status }),
        lifetime_ms: None,
    }
}

fn denied<T: core::fmt::Debug>(planned: Result<T, Unplanned>) -> Denial {
    match planned {
        Err(Unplanned::Refused(Refusal::Denied(denial))) => denial,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_dry_run_tells_the_effect_or_the_very_reason_for_which_validators_refuse() {
    let chain = Chain::new();
    let planned = chain.plan("alice", suspend("dave")).await.unwrap();
    assert_eq!(planned.effect.len(), 1, "{:?}", planned.effect);
    assert!(planned.effect[0].contains(" opens until "), "{:?}", planned.effect);
    assert_eq!(denied(chain.plan("bob", suspend("dave")).await), Denial::Role);
    let reinstate = set_status("dave", CredentialStatus::Active);
    assert_eq!(denied(chain.plan("alice", reinstate).await), Denial::NoEffect);
    assert_eq!(denied(chain.plan("mallory", suspend("dave")).await), Denial::UnknownAccount);
    let id = chain.asked().await;
    assert_eq!(denied(chain.plan("alice", Want::Approve(id, None)).await), Denial::OwnRequest);
    let unknown = Want::Approve(RequestId::ZERO, None);
    assert_eq!(denied(chain.plan("bob", unknown).await), Denial::UnknownRequest);
    let both = chain.plan("bob", Want::Approve(id, None)).await.unwrap_err();
    assert_eq!(both, Unplanned::WhichRole(vec![Role::Technical, Role::Compliance]));
    let first = chain.plan("bob", Want::Approve(id, Some(Role::Technical))).await.unwrap();
    assert!(first.effect[0].ends_with("has 1 approvals and stays open"), "{:?}", first.effect);
    chain.carry(&chain.held(&first, Software::of("bob"), [pin(), Order::Go]).0.unwrap());
    let last = chain.plan("carol", Want::Approve(id, None)).await.unwrap();
    let [suspended, done] = &*last.effect else { panic!("{:?}", last.effect) };
    assert!(suspended.ends_with("of account dave: active -> suspended"), "{suspended}");
    assert!(done.ends_with("is carried out"), "{done}");
}

#[tokio::test]
async fn one_pin_and_two_touches_each_announced_and_what_comes_of_it_holds() {
    let chain = Chain::new();
    let plan = chain.plan("alice", suspend("dave")).await.unwrap();
    let keys = Software::of("alice");
    let touches = Arc::clone(&keys.touches);
    let (ended, said) = chain.held(&plan, keys, [pin(), Order::Go]);
    let txo = ended.unwrap();
    let left = Duration::from_secs(60);
    let expected = [
        Event::Pin { tries: None },
        Event::Touch { n: 1, of: 2, why: Touch::Open },
        Event::Words("acid rain".to_owned()),
        Event::BiokeyOpen { left },
        Event::Touch { n: 2, of: 2, why: Touch::Sign },
        Event::Signed { id: txo.body.id() },
    ];
    assert_eq!((said.as_slice(), touches.load(Ordering::Relaxed)), (expected.as_slice(), 2));
    chain.carry(&txo);
}

#[tokio::test]
async fn a_no_at_any_point_discards_all() {
    let chain = Chain::new();
    let plan = chain.plan("alice", suspend("dave")).await.unwrap();
    for (orders, most) in [
        (Vec::new(), 0),
        (vec![Order::Cancel], 0),
        (vec![Order::Go], 0),
        (vec![pin(), Order::Cancel], 1),
        (vec![pin(), pin()], 1),
        (vec![pin(), Order::Go], 2),
        (vec![pin()], 1),
    ] {
        // A no while the key waits for the second touch; a yes before the words are there.
        let keys =
            Software { no_at_touch: most == 2, yes_at_first: orders.len() == 1, ..Software::of("alice") };
        let (touches, what) = (Arc::clone(&keys.touches), format!("{orders:?}"));
        let (ended, said) = chain.held(&plan, keys, orders);
        assert_eq!(ended, Err(Stop::Cancelled), "{what}");
        assert!(!said.iter().any(|event| matches!(event, Event::Signed { .. })), "{what}");
        assert_eq!(touches.load(Ordering::Relaxed), most, "{what}");
    }
}

#[tokio::test]
async fn a_biokey_that_lapses_signs_nothing() {
    let chain = Chain::new();
    let plan = chain.plan("alice", suspend("dave")).await.unwrap();
    let keys = Software { left: Duration::ZERO, ..Software::of("alice") };
    let (ended, said) = chain.held(&plan, keys, [pin()]);
    assert_eq!((ended, said.len()), (Err(Stop::Lapsed), 4));
}

#[tokio::test]
async fn a_wrong_pin_is_asked_for_again_once() {
    let chain = Chain::new();
    let plan = chain.plan("alice", suspend("dave")).await.unwrap();
    for (tries, says) in [(2, "locked after too many"), (8, "wrong twice")] {
        let keys = Software { wrong: 2, tries, ..Software::of("alice") };
        let (ended, said) = chain.held(&plan, keys, [pin(), pin(), pin(), Order::Go]);
        assert!(ended.unwrap_err().to_string().contains(says), "{says}");
        assert_eq!(said.iter().filter(|event| matches!(event, Event::Pin { .. })).count(), 2);
        assert!(said.contains(&Event::Pin { tries: Some(tries - 1) }));
    }
    let keys = Software { wrong: 1, ..Software::of("alice") };
    assert!(chain.held(&plan, keys, [pin(), pin(), Order::Go]).0.is_ok());
}

#[tokio::test]
async fn what_changed_meanwhile_closes_the_ceremony_and_is_named() {
    let chain = Chain::new();
    let id = chain.asked().await;
    let carol = chain.plan("carol", Want::Approve(id, None)).await.unwrap();
    let bob = chain.plan("bob", Want::Approve(id, Some(Role::Technical))).await.unwrap();
    chain.carry(&chain.held(&bob, Software::of("bob"), [pin(), Order::Go]).0.unwrap());
    let (ended, _) = chain.held(&carol, Software::of("carol"), [pin(), Order::Go]);
    let Err(Stop::Unarmed(Unarmed::Changed(keys))) = &ended else { panic!("{ended:?}") };
    assert_eq!(keys, &[ledger::Request::state_key(id)], "and not how often bob has acted");
    assert!(ended.unwrap_err().to_string().ends_with(": nothing was signed"));
}

/// The signature that a change came before is not sent: here the last approval of others.
#[tokio::test]
async fn what_changes_while_the_key_waits_is_seen_after_the_touch() {
    let chain = Chain::new();
    let id = chain.asked().await;
    let bob = chain.plan("bob", Want::Approve(id, Some(Role::Technical))).await.unwrap();
    let carol = chain.plan("carol", Want::Approve(id, None)).await.unwrap();
    let by_carol = chain.held(&carol, Software::of("carol"), [pin(), Order::Go]).0.unwrap();
    let late = Late { chain: &chain, meanwhile: by_carol, asked: AtomicUsize::new(0) };
    let (ended, _) = chain.held_with(&bob, Software::of("bob"), [pin(), Order::Go], &late);
    let Err(Stop::Unsent(Unarmed::Changed(keys))) = &ended else { panic!("{ended:?}") };
    assert_eq!(keys, &[ledger::Request::state_key(id)]);
    assert!(ended.unwrap_err().to_string().ends_with("\nNothing was sent"));
}

/// A chain on which an act comes into a block after the facts were proven twice: before the second touch.
struct Late<'a> {
    chain: &'a Chain,
    meanwhile: Txo,
    asked: AtomicUsize,
}

impl Prover for Late<'_> {
    fn prove(&self, keys: &[Vec<u8>]) -> Result<Facts, Unarmed> {
        if self.asked.fetch_add(1, Ordering::Relaxed) == 2 {
            self.chain.carry(&self.meanwhile);
        }
        self.chain.prove(keys)
    }

    fn check(&self, txo: &Txo) -> Result<(), Stop> {
        self.chain.check(txo)
    }
}

/// What a key signs that is not the one that was planned with is not sent.
#[tokio::test]
async fn a_ceremony_with_the_key_of_somebody_else_ends_before_anything_is_sent() {
    let chain = Chain::new();
    let plan = chain.plan("alice", suspend("dave")).await.unwrap();
    let (ended, said) = chain.held(&plan, Software::of("carol"), [pin(), Order::Go]);
    assert_eq!(ended, Err(Stop::Refused(Denial::UnknownCredential.into())));
    assert!(!said.iter().any(|event| matches!(event, Event::Signed { .. })));
}
