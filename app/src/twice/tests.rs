//! Both decoders agree on every act, and a bug in either is seen.

use qratum_chain::{
    Hash, PublicKey,
    codec::Encode,
    ledger::{
        Act, Action, Answer, Outcome, Proposal, Request, Step, Voice,
        governance::{Candidate, Choice, Governing, Measure, Motion},
    },
    types::{
        AccountId, BlockId, BlockRef, ChainId, Class, CredentialId, CredentialStatus, Enrolment, Group,
        Height, Jurisdiction, MotionId, Parameter, PersonId, Policy, Proofs, RequestId, Role, Rule, Sender,
        SetId, Time, TxoBody, TxoClass, Validator, power_of,
    },
};
use qratum_crypto::sign::ed25519::Signature;
use qratum_decoder::{ACT, Schema, Value, lines_under};

use super::*;

/// Numbers that look random and are the same each time (Knuth's MMIX).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // Of all lengths: CBOR has five forms.
        (self.0 >> 3) >> (self.0 >> 58)
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit).unwrap()).unwrap()
    }

    fn hash(&mut self) -> Hash {
        Hash(std::array::from_fn(|_| self.byte()))
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    fn account(&mut self) -> AccountId {
        AccountId::new(&"carol-from-the-compliance-office"[..1 + self.below(32)]).unwrap()
    }

    fn policy(&mut self) -> Policy {
        let roles = &Role::ALL[..1 + self.below(Role::ALL.len())];
        let rules = Class::ALL.iter().map(|class| {
            let groups = roles.iter().map(|role| Group { role: *role, least: self.byte() });
            let groups = groups.collect();
            let (requester, threshold) = (self.one_of(Role::ALL), self.byte());
            (*class, Rule { requester, threshold, groups, lifetime_ms: self.next() })
        });
        Policy::new(rules.collect::<Vec<_>>())
    }

    fn action(&mut self) -> Action {
        use CredentialStatus::{Active, Revoked, Suspended};
        match self.below(2) {
            0 => Action::Credential {
                account: self.account(),
                credential: CredentialId(self.hash()),
                status: self.one_of(&[Active, Suspended, Revoked]),
            },
            _ => Action::Policy(self.policy()),
        }
    }

    fn block(&mut self) -> BlockRef {
        BlockRef { height: Height(self.next()), block_id: BlockId(self.hash()) }
    }

    fn proposal(&mut self) -> Proposal {
        Proposal {
            action: self.action(),
            expiry: Time(self.next()),
            policy_hash: self.hash(),
            basis: self.block(),
            expect: self.hash(),
        }
    }

    fn body(&mut self) -> TxoBody {
        let answer = Answer { request: RequestId(self.hash()), role: self.one_of(Role::ALL) };
        let step = match self.below(5) {
            3 | 4 => Step::Govern(self.governing()),
            0 => Step::Request(self.proposal()),
            1 => Step::Approve(answer),
            _ => Step::Reject(answer),
        };
        let act = Act { from: Height(self.next()), until: Height(self.next()), step };
        TxoBody {
            chain_id: ChainId(self.hash()),
            sender: Sender::Account(self.account()),
            nonce: self.next(),
            class: TxoClass::Admin,
            payload: act.to_bytes(),
        }
    }

    fn governing(&mut self) -> Governing {
        let id = MotionId(self.hash());
        match self.below(6) {
            0 => Governing::Veto(id),
            1 => Governing::Vote { motion: id, choice: self.one_of(Choice::ALL) },
            kind => {
                let measure = match kind {
                    2 => Measure::Parameter { parameter: self.one_of(Parameter::ALL), value: self.next() },
                    3 => Measure::Upgrade { version: self.byte().into(), set: SetId(self.next()) },
                    4 => Measure::Remove(self.account().to_string()),
                    _ => Measure::Join(Box::new(self.candidate())),
                };
                Governing::Propose(Motion { measure, emergency: self.below(2) == 0 })
            }
        }
    }

    fn candidate(&mut self) -> Candidate {
        let stake = self.next();
        let signature = Signature([self.byte(); 64]);
        Candidate {
            name: self.account().to_string(),
            validator: Validator {
                pubkey: PublicKey(self.hash().0),
                power: power_of(stake),
                jurisdiction: Jurisdiction::new(*b"IS").unwrap(),
                since_set: SetId(0),
                pq_key_hash: self.hash(),
            },
            enrolment: Enrolment {
                operator: self.account().to_string(),
                stake,
                peer_key: PublicKey(self.hash().0),
                operator_key: PublicKey(self.hash().0),
                proofs: Proofs { vote: signature, peer: Signature([self.byte(); 64]), operator: signature },
            },
        }
    }

    fn request(&mut self) -> Request {
        let voice = |numbers: &mut Self, person| Voice {
            approves: numbers.below(2) == 0,
            account: numbers.account(),
            person: PersonId(Hash([person; 32])),
            role: numbers.one_of(Role::ALL),
            credential: CredentialId(numbers.hash()),
            height: Height(numbers.next()),
            txo: numbers.hash(),
        };
        let voices = (1..=u8::try_from(self.below(4)).unwrap()).map(|person| voice(self, person)).collect();
        let closed = Height(self.next());
        Request {
            proposal: self.proposal(),
            requester: self.account(),
            person: PersonId(Hash([200; 32])),
            credential: CredentialId(self.hash()),
            opened: Height(self.next()),
            policy_version: self.next(),
            voices,
            outcome: self.one_of(&[Outcome::Open, Outcome::Executed(closed), Outcome::Rejected(closed)]),
        }
    }
}

fn bodies(count: usize) -> Vec<Vec<u8>> {
    let mut numbers = Numbers(2026);
    (0..count).map(|_| numbers.body().to_bytes()).collect()
}

#[test]
fn both_read_every_act_alike() {
    for body in bodies(2000) {
        let lines = act(&body).unwrap_or_else(|why| panic!("{why}"));
        assert!(lines.len() >= 9, "{lines:?}");
    }
    let mut numbers = Numbers(7);
    for _ in 0..1000 {
        let value = numbers.request().to_bytes();
        assert!(request(&value).unwrap_or_else(|why| panic!("{why}")).len() >= 17);
    }
}

/// One bit less or more is another act with other lines, or none for both: never one for one of them.
#[test]
fn a_changed_byte_is_other_lines_or_none() {
    for body in bodies(60) {
        let lines = act(&body).unwrap();
        for at in 0..body.len() {
            for bit in [0, 3, 7] {
                let mut other = body.clone();
                other[at] ^= 1 << bit;
                match (first::act(&other), qratum_decoder::lines(&other)) {
                    (Ok(one), Ok(two)) => assert!(one == two && one != lines, "byte {at} bit {bit}"),
                    // The names of accounts and the rules of a policy are stricter than their schema.
                    (Err(_), _) => {}
                    (Ok(one), Err(why)) => panic!("byte {at} bit {bit}: only one reads {one:?}: {why}"),
                }
                assert_ne!(act(&other).as_ref(), Ok(&lines));
            }
        }
    }
}

/// The second decoder, with one word of its schema changed.
fn planted(from: &str, to: &str, body: &[u8]) -> Result<Vec<Line>, Refusal> {
    assert!(ACT.contains(from), "{from}");
    let schema = Schema::parse(&ACT.replace(from, to)).unwrap();
    agreed(first::act(body), lines_under(&schema, "body", body))
}

#[test]
fn a_bug_in_the_second_decoder_is_seen_on_every_act_that_it_touches() {
    let bodies = bodies(400);
    for (from, to, least) in [
        ("from-height: uint, until-height: uint", "until-height: uint, from-height: uint", 350),
        ("suspended: 2, revoked: 4", "revoked: 2, suspended: 4", 10),
        ("approve: 2", "reject: 2", 40),
        ("technical: 2, compliance: 3", "compliance: 2, technical: 3", 40),
        ("expires-ms: uint, policy-hash: hash", "policy-hash: hash, expires-ms: uint", 40),
        ("of-account: tstr", "account: tstr", 10),
    ] {
        let seen = bodies.iter().filter(|body| planted(from, to, body).is_err()).count();
        assert!(seen >= least, "{from}: {seen} of 400");
        assert!(bodies.iter().all(|body| {
            let touched = lines_under(&Schema::parse(&ACT.replace(from, to)).unwrap(), "body", body);
            touched.as_ref().ok() == first::act(body).as_ref().ok() || planted(from, to, body).is_err()
        }));
    }
}

#[test]
fn a_bug_in_the_first_decoder_is_seen() {
    let body = &bodies(1)[0];
    let second = || qratum_decoder::lines(body);
    let with = |change: &dyn Fn(&mut Vec<Line>)| {
        let mut lines = first::act(body).unwrap();
        change(&mut lines);
        agreed(Ok::<_, &str>(lines), second())
    };
    assert!(with(&|_| {}).is_ok());
    assert_eq!(with(&|lines| lines.swap(5, 6)), Err(Refusal::Line(6)));
    assert_eq!(with(&|lines| lines[3].value = Value::Word("other".to_owned())), Err(Refusal::Line(4)));
    assert_eq!(with(&|lines| lines[2].label.push('s')), Err(Refusal::Line(3)));
    assert_eq!(with(&|lines| drop(lines.pop())), Err(Refusal::Line(second().unwrap().len())));
    let why = agreed(Err("broken"), second()).unwrap_err();
    assert_eq!(
        why.to_string(),
        "the two decoders disagree: nothing can be signed (the codec of the chain: broken)"
    );
}
