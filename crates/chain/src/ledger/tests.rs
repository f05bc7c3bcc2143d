use qratum_crypto::sign::ed25519::{PublicKey, SecretKey, Signature};

use super::{
    recent::Ancestor,
    registry::{Order, Refusal, apply, rotation_scope},
    sets::turn,
    slashing::{EvidenceRefusal, Misdeed, punish, state_key},
    *,
};
use crate::{
    Hash,
    codec::{Decode, Encode, Malformed},
    state::StateMap,
    types::{
        BlockId, DoubleVote, Enrolment, Genesis, GenesisValidator, Jailed, Jurisdiction, KeyUse, Offence,
        Phase, Proofs, Purpose, Retired, Round, STAKE_UNIT, Seal, SignedVote, Status, Txo, TxoBody, TxoClass,
        Validator, ValidatorSet, Vote,
    },
};

const LENGTH: u64 = 10;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

fn secret(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

/// Three validators: number n votes with the key of seed n, its operator signs with that of 100 + n.
fn genesis() -> Genesis {
    let member = |n: u8| {
        let mut member = GenesisValidator {
            name: format!("v{n}"),
            validator: Validator {
                pubkey: secret(n).public(),
                power: 30,
                jurisdiction: Jurisdiction::new(*b"CH").unwrap(),
                since_set: SetId(0),
                pq_key_hash: Hash::ZERO,
            },
            enrolment: None,
        };
        let (peer, operator) = (secret(50 + n), secret(100 + n));
        let mut enrolment = Enrolment {
            operator: "acme".to_owned(),
            stake: 30 * STAKE_UNIT,
            peer_key: peer.public(),
            operator_key: operator.public(),
            proofs: Proofs::MISSING,
        };
        let scope = enrolment.scope("test", &member.name, &member.validator);
        enrolment.proofs = Proofs::sign(scope, &secret(n), &peer, &operator);
        member.enrolment = Some(enrolment);
        member
    };
    // Not in the order of their names.
    Genesis {
        network: "test".to_owned(),
        demo: true,
        time: Time(1_800_000_000_000),
        params: ChainParams { set_length: LENGTH, ..ChainParams::default() },
        validators: [2, 1, 3].map(member).to_vec(),
        people: None,
    }
}

/// The chain and its state, and whose turn it is.
struct Bench {
    genesis: Genesis,
    chain_id: ChainId,
    state: StateMap,
    set: ValidatorSet,
}

impl Bench {
    fn new() -> Self {
        let genesis = genesis();
        genesis.verify_enrolments().unwrap();
        Self {
            chain_id: genesis.chain_id().unwrap(),
            state: genesis.state().unwrap(),
            set: genesis.validator_set().unwrap(),
            genesis,
        }
    }

    fn place(&self, height: u64) -> Place<'_> {
        let time = self.genesis.time.plus(height * 1000);
        let parent = Ancestor { block_id: BlockId::ZERO, time: self.genesis.time };
        let (params, height) = (&self.genesis.params, Height(height));
        Place { chain_id: self.chain_id, params, height, time, parent, set: &self.set }
    }

    fn txo(&self, operator: u8, nonce: u64, order: &Order) -> Txo {
        self.body(operator, nonce, order.to_bytes()).sign(&secret(operator))
    }

    fn body(&self, operator: u8, nonce: u64, payload: Vec<u8>) -> TxoBody {
        let (chain_id, sender) = (self.chain_id, secret(operator).public());
        TxoBody { chain_id, sender: sender.into(), nonce, class: TxoClass::Network, payload }
    }

    /// Validator 1 asks for the key of this seed.
    fn rotate(&self, nonce: u64, seed: u8) -> Order {
        let (key, scope) = (secret(seed), rotation_scope(self.chain_id, "v1", nonce));
        let proof = key.sign(&Purpose::Vote.possession(scope, &key.public()));
        Order::Rotate { vote_key: key.public(), proof }
    }

    /// What becomes of a transaction in the first block.
    fn outcome(&self, txo: &Txo) -> Result<(), Refusal> {
        let mut draft = Draft::new(&self.state);
        let result = apply(&mut draft, &self.place(1), txo);
        assert!(result.is_ok() || draft.into_changes().is_empty(), "a refusal changes nothing");
        result
    }
}

#[test]
fn each_transaction_that_is_not_carried_out_has_its_reason() {
    let bench = Bench::new();
    let note = Order::Note(b"maintenance at noon".to_vec());
    assert_eq!(bench.outcome(&bench.txo(101, 0, &note)), Ok(()));
    assert_eq!(bench.outcome(&bench.txo(101, 1, &note)), Err(Refusal::Nonce { want: 0 }));
    assert_eq!(bench.outcome(&bench.txo(99, 0, &note)), Err(Refusal::UnknownSender));
    assert_eq!(bench.outcome(&bench.txo(1, 0, &note)), Err(Refusal::UnknownSender), "a vote key signs none");
    let mut forged = bench.txo(101, 0, &note);
    forged.seal = Seal::Key(Signature([7; 64]));
    assert_eq!(bench.outcome(&forged), Err(Refusal::BadSignature));
    let changed = |change: fn(&mut TxoBody)| {
        let mut body = bench.body(101, 0, note.to_bytes());
        change(&mut body);
        bench.outcome(&body.sign(&secret(101)))
    };
    assert_eq!(changed(|body| body.chain_id = ChainId::ZERO), Err(Refusal::WrongChain));
    assert_eq!(changed(|body| body.class = TxoClass::Admin), Err(Refusal::Class));
    assert_eq!(changed(|body| body.payload.push(0)), Err(Refusal::Malformed));
    assert_eq!(changed(|body| body.payload = vec![9]), Err(Refusal::Malformed));
    let long = Order::Note(vec![0; Order::MAX_NOTE + 1]);
    assert_eq!(bench.outcome(&bench.txo(101, 0, &long)), Err(Refusal::Malformed));
    let longest = Order::Note(vec![0; Order::MAX_NOTE]);
    assert_eq!(bench.outcome(&bench.txo(101, 0, &longest)), Ok(()));
}

#[test]
fn a_new_vote_key_is_new_and_held() {
    let bench = Bench::new();
    let outcome = |order: &Order| bench.outcome(&bench.txo(101, 0, order));
    assert_eq!(outcome(&bench.rotate(0, 11)), Ok(()));
    for (seed, purpose) in
        [(2, Purpose::Vote), (1, Purpose::Vote), (52, Purpose::Peer), (101, Purpose::Operator)]
    {
        assert_eq!(outcome(&bench.rotate(0, seed)), Err(Refusal::KeyKnown(purpose)));
    }
    assert_eq!(outcome(&bench.rotate(1, 11)), Err(Refusal::Possession), "proven for another nonce");
    let Order::Rotate { vote_key, proof } = bench.rotate(0, 11) else { unreachable!() };
    let flipped = Signature(proof.0.map(|byte| byte ^ 1));
    assert_eq!(outcome(&Order::Rotate { vote_key, proof: flipped }), Err(Refusal::Possession));
    let order = Order::Rotate { vote_key, proof };
    assert_eq!(bench.outcome(&bench.txo(102, 0, &order)), Err(Refusal::Possession), "for another validator");
    let identity = PublicKey([[1].as_slice(), &[0; 31]].concat().try_into().unwrap());
    assert_eq!(outcome(&Order::Rotate { vote_key: identity, proof }), Err(Refusal::Possession));
}

#[test]
fn a_rotated_key_votes_from_the_next_set_on_and_the_old_one_retires() {
    let bench = Bench::new();
    let mut draft = Draft::new(&bench.state);
    apply(&mut draft, &bench.place(3), &bench.txo(101, 0, &bench.rotate(0, 11))).unwrap();
    let again = bench.txo(101, 1, &bench.rotate(1, 12));
    apply(&mut draft, &bench.place(4), &again).unwrap();
    let known = bench.txo(101, 2, &bench.rotate(2, 11));
    assert_eq!(
        apply(&mut draft, &bench.place(4), &known),
        Err(Refusal::KeyKnown(Purpose::Vote)),
        "also one that never voted"
    );
    let place = bench.place(LENGTH);
    let next = turn(&mut draft, &place).unwrap();
    let keys: Vec<PublicKey> = next.members().iter().map(|member| member.pubkey).collect();
    assert_eq!(keys, [2, 12, 3].map(|seed| secret(seed).public()), "everybody keeps their place");
    let since: Vec<u64> = next.members().iter().map(|member| member.since_set.0).collect();
    assert_eq!(since, [0, 1, 0]);
    let retired = |seed| {
        draft
            .get(&Retired::state_key(&secret(seed).public()))
            .map(|bytes| Retired::from_bytes(bytes).unwrap())
    };
    let left = Retired { name: "v1".to_owned(), last_set: SetId(0), time: place.time };
    assert_eq!((retired(1), retired(2), retired(11)), (Some(left), None, None));
    assert_eq!(draft.get(&Genesis::name_key(&next.members()[1])), Some(b"v1".as_slice()));
    let used = draft.key_use(&secret(12).public());
    assert_eq!(used, Some(KeyUse { purpose: Purpose::Vote, name: "v1".to_owned() }));
}

#[test]
fn a_set_that_nothing_happened_to_goes_on_as_it_is() {
    let bench = Bench::new();
    let mut draft = Draft::new(&bench.state);
    let note = bench.txo(101, 0, &Order::Note(Vec::new()));
    apply(&mut draft, &bench.place(1), &note).unwrap();
    let changes = draft.clone().into_changes();
    assert_eq!(turn(&mut draft, &bench.place(LENGTH)), None);
    assert_eq!(draft.into_changes(), changes);
}

#[test]
fn who_leaves_is_out_of_the_next_set_and_the_last_one_stays() {
    let bench = Bench::new();
    let mut draft = Draft::new(&bench.state);
    let mut leave =
        |operator, nonce| apply(&mut draft, &bench.place(2), &bench.txo(operator, nonce, &Order::Leave));
    assert_eq!(leave(102, 0), Ok(()));
    assert_eq!(leave(102, 1), Err(Refusal::NotActive));
    assert_eq!(leave(101, 0), Ok(()));
    assert_eq!(leave(103, 0), Err(Refusal::LastValidator));
    let late = bench.txo(101, 1, &bench.rotate(1, 11));
    assert_eq!(apply(&mut draft, &bench.place(2), &late), Err(Refusal::NotActive));
    let note = bench.txo(101, 1, &Order::Note(Vec::new()));
    assert_eq!(apply(&mut draft, &bench.place(2), &note), Ok(()), "it may still say something");
    let next = turn(&mut draft, &bench.place(LENGTH)).unwrap();
    assert_eq!(next.members().iter().map(|m| m.pubkey).collect::<Vec<_>>(), [secret(3).public()]);
}

/// Two votes that nobody has to have signed: whether they were is told elsewhere.
fn offence(set_id: u64, height: u64, round: u32) -> Offence {
    let vote = |value| SignedVote {
        vote: Vote {
            phase: Phase::Prevote,
            chain_id: ChainId::ZERO,
            set_id: SetId(set_id),
            height: Height(height),
            round: Round(round),
            value,
        },
        signer: 0,
        signature: Signature([0; 64]),
    };
    Offence::DoubleVote(DoubleVote { first: vote(None), second: vote(Some(BlockId::ZERO)) })
}

#[test]
fn the_guilty_loses_stake_and_seat_once() {
    let bench = Bench::new();
    let mut draft = Draft::new(&bench.state);
    let key = secret(1).public();
    let mut punished =
        |offence: &Offence, key: &PublicKey| punish(&mut draft, &bench.place(3), offence, key, None);
    let stranger = secret(77).public();
    assert_eq!(punished(&offence(0, 2, 0), &stranger), Err(EvidenceRefusal::UnknownKey));
    assert_eq!(punished(&offence(1, 12, 0), &key), Err(EvidenceRefusal::Future));
    assert_eq!(punished(&offence(0, 2, 0), &key), Ok(()));
    assert_eq!(punished(&offence(0, 2, 0), &key), Err(EvidenceRefusal::Repeated), "the same");
    assert_eq!(punished(&offence(0, 2, 1), &key), Err(EvidenceRefusal::Repeated), "jailed already");
    let guilty = draft.registration("v1").unwrap();
    assert_eq!((guilty.status, guilty.stake), (Status::Jailed, 285_000));
    assert_eq!(draft.get(&state_key(&offence(0, 2, 0), &key)), Some(3u64.to_le_bytes().as_slice()));
    let jailed = Jailed { block: Height(3), offence: Height(2) };
    assert_eq!(draft.get(&Jailed::state_key("v1")), Some(jailed.to_bytes().as_slice()));
    let next = turn(&mut draft, &bench.place(LENGTH)).unwrap();
    assert_eq!(next.index_of(&key), None);
    assert_eq!(next.members().len(), 2);
}

/// The later of 21 sets and 21 days.
#[test]
fn a_key_answers_for_what_it_signed_until_unbonding_has_passed() {
    let bench = Bench::new();
    let at = |set: u64, days: u64| {
        let ended = Time(1_800_000_010_000);
        let height = Height(set * LENGTH + 1);
        let place = Place { height, time: ended.plus(days * DAY_MS + 1), ..bench.place(1) };
        punish(&mut Draft::new(&bench.state), &place, &offence(0, 2, 0), &secret(1).public(), Some(ended))
    };
    assert_eq!(at(22, 21), Err(EvidenceRefusal::TooOld));
    assert_eq!(at(21, 300), Ok(()));
    assert_eq!(at(300, 20), Ok(()));
}

/// FEATURES B-013.
#[test]
fn slash_amount_bps_table() {
    let cost = |misdeed: Misdeed| (misdeed.basis_points(), misdeed.cost(300_000), misdeed.cost(u64::MAX));
    let most = |bps: u128| u64::try_from(u128::from(u64::MAX) * bps / 10_000).unwrap();
    assert_eq!(cost(Misdeed::DoubleSign), (500, 15_000, most(500)));
    assert_eq!(cost(Misdeed::Downtime), (100, 3_000, most(100)));
    assert_eq!(cost(Misdeed::InvalidBlock), (1000, 30_000, most(1000)));
    assert_eq!(cost(Misdeed::Invariant), (5000, 150_000, most(5000)));
    assert_eq!(cost(Misdeed::Governance), (2000, 60_000, most(2000)));
    assert_eq!(Misdeed::DoubleSign.cost(19), 0, "rounded down");
}

#[test]
fn a_body_is_bounded() {
    let bench = Bench::new();
    let note = |length| bench.txo(101, 0, &Order::Note(vec![0; length]));
    let body = |transactions| Body { transactions, evidence: vec![offence(0, 1, 0)] };
    let most = body(vec![note(0); Body::MAX_TRANSACTIONS]);
    assert_eq!(Body::from_bytes(&most.to_bytes()), Ok(most));
    let too_many = body(vec![note(0); Body::MAX_TRANSACTIONS + 1]);
    assert_eq!(Body::from_bytes(&too_many.to_bytes()), Err(Malformed::TooLarge("transactions")));
    let long = bench.body(101, 0, vec![0; Txo::MAX_PAYLOAD]).sign(&secret(101));
    let two_long = body(vec![long.clone(), long.clone()]);
    assert_eq!(Body::from_bytes(&two_long.to_bytes()), Err(Malformed::TooLarge("transactions")));
    assert!(Body::from_bytes(&body(vec![long, note(9)]).to_bytes()).is_ok());
    let evidence = vec![offence(0, 1, 0); Body::MAX_EVIDENCE + 1];
    let too_much = Body { transactions: Vec::new(), evidence };
    assert_eq!(Body::from_bytes(&too_much.to_bytes()), Err(Malformed::TooLarge("evidence")));
    let roots = |body: &Body| (body.tx_root(), body.evidence_root());
    let empty = qratum_crypto::merkle::empty_root::<qratum_crypto::merkle::Sha3>();
    assert_eq!(roots(&Body::default()), (empty, empty));
}
