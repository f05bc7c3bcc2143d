//! People on stage: what they asked for stands in the state, and is proven like all of it.

use std::collections::BTreeMap;

use qratum_chain::{
    Hash, PublicKey,
    codec::Encode as _,
    ledger::{Action, Outcome, Proposal, Request, Voice, index},
    types::{
        Account, AccountId, BiokeyKeys, BlockId, BlockRef, Class, Credential, CredentialId, CredentialKey,
        CredentialStatus, Device, Group, Height, Jurisdiction, NewCredential, PersonId, Policy, RequestId,
        Role, Roles, Rule, Standing as OfAccount, Zone,
    },
};

use super::times::{LAST, time_of};
use crate::model::{Entries, People};

/// Name, number of the person, role.
const CAST: [(&str, u8, Role); 4] = [
    ("alice", 1, Role::OnCall),
    ("bob", 2, Role::Technical),
    ("carol", 3, Role::Compliance),
    ("dave", 4, Role::Technical),
];

pub(crate) fn account(name: &str) -> AccountId {
    AccountId::new(name).unwrap()
}

fn policy() -> Policy {
    let groups = [Role::Technical, Role::Compliance].map(|role| Group { role, least: 1 }).to_vec();
    let rule = Rule { requester: Role::OnCall, threshold: 2, groups, lifetime_ms: 600_000 };
    Policy::new([(Class::Access, rule.clone()), (Class::Policy, rule)])
}

fn voice(name: &str, person: u8, role: Role, approves: bool) -> Voice {
    Voice {
        approves,
        account: account(name),
        person: PersonId(Hash([person; 32])),
        role,
        credential: CredentialId::of(name.as_bytes()),
        height: Height(LAST - 1),
        txo: Hash([0x3d; 32]),
    }
}

/// Alice asks that a key of somebody be suspended.
pub(crate) fn request(of: &str, voices: Vec<Voice>, outcome: Outcome, left_ms: u64) -> Request {
    let action = Action::Credential {
        account: account(of),
        credential: CredentialId::of(of.as_bytes()),
        status: CredentialStatus::Suspended,
    };
    let proposal = Proposal {
        action,
        expiry: time_of(LAST).plus(left_ms),
        policy_hash: policy().hash(),
        basis: BlockRef { height: Height(LAST - 4), block_id: BlockId(Hash([0x4c; 32])) },
        expect: Hash([0x2e; 32]),
    };
    Request {
        proposal,
        requester: account("alice"),
        person: PersonId(Hash([1; 32])),
        credential: CredentialId::of(b"alice"),
        opened: Height(LAST - 3),
        policy_version: 0,
        voices,
        outcome,
    }
}

pub(crate) fn yes(name: &str, person: u8, role: Role) -> Voice {
    voice(name, person, role, true)
}

/// All requests, the oldest first: carried out, rejected, over, and two that wait.
fn requests() -> Vec<Request> {
    let (bob, carol) = (yes("bob", 2, Role::Technical), yes("carol", 3, Role::Compliance));
    let no = voice("carol", 3, Role::Compliance, false);
    vec![
        request("dave", vec![bob.clone(), carol], Outcome::Executed(Height(LAST - 2)), 300_000),
        request("bob", vec![no], Outcome::Rejected(Height(LAST - 1)), 300_000),
        request("carol", Vec::new(), Outcome::Open, 0),
        request("dave", vec![bob], Outcome::Open, 521_000),
        request("carol", Vec::new(), Outcome::Open, 90_000),
    ]
}

pub(crate) fn id(number: u8) -> RequestId {
    RequestId(Hash([0x50 + number; 32]))
}

/// What the state holds of them.
pub(crate) fn entries() -> Entries {
    let enrolled = |(name, person, role): (&str, u8, Role)| Account {
        person: PersonId(Hash([person; 32])),
        roles: Roles::of([role]),
        jurisdiction: Jurisdiction::new(*b"CH").unwrap(),
        zone: Zone::default(),
        standing: OfAccount::Active,
        nonce: 0,
        credentials: vec![credential(name, person)],
    };
    let mut entries: Entries = BTreeMap::from([
        (Policy::STATE_KEY.to_vec(), Some(policy().to_bytes())),
        (index::REQUESTS_KEY.to_vec(), Some(5u64.to_le_bytes().to_vec())),
    ]);
    for who in CAST {
        entries.insert(Account::state_key(&account(who.0)), Some(enrolled(who).to_bytes()));
    }
    for (number, request) in (0u8..).zip(requests()) {
        entries.insert(index::request_key(number.into()), Some(id(number).to_bytes()));
        entries.insert(Request::state_key(id(number)), Some(request.to_bytes()));
    }
    entries
}

fn credential(name: &str, person: u8) -> Credential {
    let new = NewCredential {
        id: CredentialId::of(name.as_bytes()),
        key: CredentialKey::Ed25519(PublicKey([person; 32])),
        biokey: BiokeyKeys::of(PublicKey([100 + person; 32]), name.as_bytes()),
        device: Device { label: "key".to_owned(), aaguid: [0; 16], attestation: None },
    };
    new.enrolled(None, Height(0))
}

pub(crate) fn people() -> People {
    let me = ["carol", "bob"].map(account);
    People::of(&entries(), &me, Height(LAST))
}

/// The same, proven some blocks before.
pub(crate) fn earlier() -> People {
    People::of(&entries(), &[], Height(LAST - 9))
}
