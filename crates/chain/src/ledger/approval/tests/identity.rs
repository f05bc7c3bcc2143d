//! Who comes, goes and changes keys, and what people cannot have.

use super::*;
use crate::{
    ledger::{Identity, NewAccount},
    types::{KeyUse, Purpose},
};

/// A credential of these seeds, for the second factor 100 more.
fn credential(id: &str, seed: u8) -> NewCredential {
    let key = CredentialKey::Ed25519(secret(seed).public());
    NewCredential {
        id: CredentialId::of(id.as_bytes()),
        key,
        biokey: Biokey(100 + seed).keys(),
        device: device(),
    }
}

/// Erin, who is not there yet, and answers for compliance.
fn erin() -> NewAccount {
    NewAccount {
        account: account("erin"),
        person: PersonId(Hash([6; 32])),
        roles: Roles::of([COMPLIANCE]),
        jurisdiction: Jurisdiction::new(*b"CH").unwrap(),
        zone: Zone::default(),
        credentials: vec![credential("erin", 60), credential("erin, second", 61)],
    }
}

fn enrol(change: impl Fn(&mut NewAccount)) -> Identity {
    let mut new = erin();
    change(&mut new);
    Identity::Enrol(new)
}

fn link(name: &str, credential: NewCredential) -> Identity {
    Identity::Link { account: account(name), credential }
}

fn standing(name: &str, standing: Standing) -> Identity {
    Identity::Standing { account: account(name), standing }
}

fn roles(name: &str, roles: &[Role]) -> Identity {
    Identity::Roles { account: account(name), roles: Roles::of(roles.iter().copied()) }
}

/// Bob's first credential gets the biokey of this seed.
fn biokey(seed: u8) -> Identity {
    let credential = credential_of("bob");
    Identity::Biokey { account: account("bob"), credential, biokey: Biokey(seed).keys() }
}

impl Village {
    /// Proofs of whoever holds the keys of [`credential`], or the first one of bob with another biokey.
    fn proofs(&self, scope: Scope<'_>, identity: &Identity) -> Vec<Possession> {
        let held = |(credential, version): (NewCredential, u64)| {
            let seed = |known: &[u8; 32]| (1..=255).find(|n| secret(*n).public().0 == *known).unwrap_or(1);
            let key = secret(seed(credential.key.bytes().try_into().unwrap_or(&[0; 32])));
            let biokey = Biokey(seed(&credential.biokey.ed25519.0));
            let account = identity.account();
            possession(&Enrolling { scope, account, credential: &credential, version }, &key, biokey)
        };
        identity.credentials(&self.draft()).into_iter().map(held).collect()
    }

    fn asking_with(&self, identity: Identity, proofs: Vec<Possession>) -> (Self, Txo) {
        let proposal = self.proposal(Action::Identity(identity));
        (self.clone(), self.sealed("alice", Step::Enrol(proposal, proofs)))
    }

    /// Alice asks for it, with all proofs that it needs.
    fn asking(&self, identity: Identity) -> (Self, Txo) {
        let proofs = self.proofs(Scope::Chain(self.chain_id), &identity);
        self.asking_with(identity, proofs)
    }

    /// After alice asked for it, and bob and carol approved.
    fn with_identity(&self, identity: Identity) -> Self {
        let txo = self.asking(identity).1;
        let (mut now, id) = (self.after(&[&txo]), RequestId(txo.body.id()));
        for (name, role) in [("carol", COMPLIANCE), ("bob", TECHNICAL)] {
            now = now.after(&[&now.approval(name, id, role)]);
        }
        assert_eq!(now.request_at(id).outcome, Outcome::Executed(now.tip));
        now
    }

    fn account_of(&self, name: &str) -> Account {
        self.draft().account(&account(name)).unwrap()
    }
}

pub(super) fn cases() -> Vec<Case> {
    let village = Village::at(5);
    let case = |denial, refused: Vec<(Village, Txo)>| Case {
        denial,
        refused,
        twin: village.asking(Identity::Enrol(erin())),
    };
    let of =
        |identities: Vec<Identity>| identities.into_iter().map(|it| village.asking(it)).collect::<Vec<_>>();
    vec![
        case(Denial::Possession, unproven(&village)),
        case(Denial::KeyKnown, of(known_keys())),
        case(Denial::AccountTaken, of(vec![enrol(|it| it.account = account("bob"))])),
        case(Denial::TooMany, crowded(&village)),
        case(
            Denial::Unsound,
            of(vec![
                enrol(|it| it.credentials[1].key = CredentialKey::Es256(es256::PublicKey([5; 33]))),
                enrol(|it| it.credentials[0].biokey.ed25519.0 = [0; 32]),
                biokey_of(|it| it.ed25519.0 = [0xff; 32]),
            ]),
        ),
        case(
            Denial::Jurisdiction,
            of(vec![enrol(|it| {
                (it.person, it.jurisdiction) = (PersonId(Hash([2; 32])), Jurisdiction::new(*b"DE").unwrap());
            })]),
        ),
        case(
            Denial::NoTarget,
            of(vec![standing("mallory", Standing::Revoked), roles("mallory", &[Role::Admin])]),
        ),
        case(Denial::NoEffect, of(vec![standing("bob", Standing::Active), roles("bob", &[TECHNICAL])])),
        case(
            Denial::TooFew,
            of(vec![
                standing("alice", Standing::Suspended),
                roles("alice", &[Role::Auditor]),
                roles("alice", &[TECHNICAL]),
            ]),
        ),
        revoked(&village),
        weakly_guarded(&village),
    ]
}

fn biokey_of(change: impl Fn(&mut BiokeyKeys)) -> Identity {
    let mut keys = Biokey(62).keys();
    change(&mut keys);
    Identity::Biokey { account: account("bob"), credential: credential_of("bob"), biokey: keys }
}

/// Whatever is no proof that the keys of erin, or the next biokey of bob, are held.
fn unproven(village: &Village) -> Vec<(Village, Txo)> {
    let enrolled = Identity::Enrol(erin());
    let good = village.proofs(Scope::Chain(village.chain_id), &enrolled);
    let changed = |change: &dyn Fn(&mut Vec<Possession>)| {
        let mut proofs = good.clone();
        change(&mut proofs);
        village.asking_with(enrolled.clone(), proofs)
    };
    let scoped = |scope| village.asking_with(enrolled.clone(), village.proofs(scope, &enrolled));
    let others = village.proofs(Scope::Chain(village.chain_id), &enrol(|it| it.account = account("eric")));
    let renamed =
        village.proofs(Scope::Chain(village.chain_id), &enrol(|it| it.credentials[0].device.label.push('2')));
    let of_no_key = Action::Credential {
        account: account("dave"),
        credential: credential_of("dave"),
        status: CredentialStatus::Revoked,
    };
    let without = village.request("alice", Action::Identity(enrolled.clone()));
    let (old, next) = (Village::proofs(village, Scope::Chain(village.chain_id), &biokey(162)), biokey(163));
    let advanced = village.with("bob", |it| it.credentials[0].biokey_version = 1);
    vec![
        (village.clone(), without),
        changed(&|proofs| drop(proofs.pop())),
        changed(&|proofs| proofs.push(good[0].clone())),
        changed(&|proofs| proofs.swap(0, 1)),
        changed(&|proofs| proofs[0].signature[5] ^= 1),
        changed(&|proofs| proofs[1].auth_data = auth_data(RP_ID, 4, 0)),
        changed(&|proofs| proofs[1].biokey.ed25519.0[0] ^= 1),
        changed(&|proofs| proofs[1].biokey.mldsa[0] ^= 1),
        changed(&|proofs| proofs[0].biokey = good[1].biokey.clone()),
        scoped(Scope::Chain(ChainId::ZERO)),
        scoped(Scope::Genesis("test")),
        village.asking_with(enrolled.clone(), others),
        village.asking_with(enrolled.clone(), renamed),
        village.asking_with(next, old.clone()),
        advanced.asking_with(biokey(162), old),
        (village.clone(), village.sealed("alice", Step::Enrol(village.proposal(of_no_key), good.clone()))),
        village.asking_with(standing("oscar", Standing::Suspended), good),
    ]
}

/// Keys that somebody has already, or that come twice.
fn known_keys() -> Vec<Identity> {
    vec![
        enrol(|it| it.credentials[0].id = credential_of("dave")),
        enrol(|it| it.credentials[0].key = CredentialKey::Ed25519(secret(number("dave")).public())),
        enrol(|it| it.credentials[0].key = CredentialKey::Ed25519(secret(100 + number("dave")).public())),
        enrol(|it| it.credentials[0].biokey = Biokey(100 + number("dave")).keys()),
        enrol(|it| it.credentials[0].biokey.mldsa_hash = Biokey(100 + number("dave")).keys().mldsa_hash),
        enrol(|it| it.credentials[1].key = it.credentials[0].key),
        enrol(|it| it.credentials[1].biokey.mldsa_hash = it.credentials[0].biokey.mldsa_hash),
        enrol(|it| it.credentials[1].id = it.credentials[0].id),
        link("bob", credential("alice", 62)),
        link("bob", credential("bob's third", number("bob"))),
        biokey(100 + number("bob")),
        biokey(100 + number("carol")),
    ]
}

fn crowded(village: &Village) -> Vec<(Village, Txo)> {
    let key_ring = village.with("oscar", |it| {
        let one = it.credentials[0].clone();
        it.credentials.resize(Account::MAX_CREDENTIALS, one);
    });
    let mut crowd = village.clone();
    let oscar = village.account_of("oscar");
    for n in ACCOUNTS.len()..People::MAX_ACCOUNTS {
        crowd = crowd.put(Account::state_key(&account(&format!("o-{n}"))), oscar.to_bytes());
    }
    vec![key_ring.asking(link("oscar", credential("ninth", 63))), crowd.asking(Identity::Enrol(erin()))]
}

/// Nothing changes of an account that is revoked, nor the biokey of a credential that is.
fn revoked(village: &Village) -> Case {
    let oscar = village.with("oscar", |it| it.standing = Standing::Revoked);
    let bob = village.with_status("bob", CredentialStatus::Revoked);
    let refused = vec![
        oscar.asking(standing("oscar", Standing::Active)),
        oscar.asking(roles("oscar", &[TECHNICAL])),
        oscar.asking(link("oscar", credential("oscar's third", 64))),
        bob.asking(biokey(165)),
    ];
    Case { denial: Denial::Final, refused, twin: village.asking(biokey(165)) }
}

/// Where the rule for people asks less than another rule, nobody comes to speak in that one; only genesis
/// files of another program could bring such a policy.
fn weakly_guarded(village: &Village) -> Case {
    let rules = [(Class::Access, rule(2, LIFETIME_MS)), (Class::Policy, rule(3, LIFETIME_MS))];
    let weak = village
        .with_status("dave", CredentialStatus::Suspended)
        .with("carol", |it| it.standing = Standing::Suspended)
        .put(Policy::STATE_KEY.to_vec(), Policy::new(rules).to_bytes());
    let back = weak.request("alice", set_status("dave", CredentialStatus::Active));
    let refused = vec![
        weak.asking(Identity::Enrol(erin())),
        weak.asking(roles("oscar", &[Role::OnCall, Role::Admin])),
        weak.asking(link("bob", credential("bob's third", 66))),
        weak.asking(standing("carol", Standing::Active)),
        weak.asking(biokey(165)),
        (weak.clone(), back),
    ];
    let harmless = village.asking(enrol(|it| it.roles = Roles::of([Role::OnCall, Role::Auditor])));
    Case { denial: Denial::Closure, refused, twin: harmless }
}

#[test]
fn who_is_enrolled_acts_from_the_next_block_on() {
    let village = Village::at(5);
    let now = village.with_identity(Identity::Enrol(erin()));
    let erin = now.account_of("erin");
    let [key, _] = erin.credentials.as_slice() else { panic!("two keys") };
    assert_eq!((key.active_from, key.biokey_version, key.status), (now.tip, 0, CredentialStatus::Active));
    let request = now.request_at(key.enrolled_by.unwrap());
    assert_eq!(request.outcome, Outcome::Executed(now.tip));
    let (open, id) = now.asked();
    let step = Step::Approve(Answer { request: id, role: COMPLIANCE });
    let mut ceremony = open.ceremony("erin", step);
    (ceremony.key, ceremony.biokey) = (secret(60), Biokey(160));
    let spoken = open.after(&[&ceremony.finish()]);
    assert_eq!(spoken.request_at(id).voices.len(), 1);
    assert_eq!(spoken.account_of("erin").credentials[0].last_used, spoken.tip);
    let used = |key: &[u8]| spoken.draft().read::<KeyUse>(&KeyUse::state_key_of(key)).unwrap();
    let hash = Biokey(160).keys().mldsa_hash;
    let of = |purpose| KeyUse { purpose, name: "erin".to_owned() };
    assert_eq!(used(&hash.0), of(Purpose::BiokeyMlDsa));
    assert_eq!(used(&secret(60).public().0), of(Purpose::Credential));
    assert_eq!(used(&secret(160).public().0), of(Purpose::Biokey));
}

#[test]
fn a_replaced_biokey_counts_no_more_and_the_new_one_does() {
    let now = Village::at(5).with_identity(biokey(170));
    let bob = now.account_of("bob");
    assert_eq!((bob.credentials[0].biokey_version, bob.credentials[1].biokey_version), (1, 0));
    let (open, id) = now.asked();
    let step = Step::Approve(Answer { request: id, role: TECHNICAL });
    let mut ceremony = open.ceremony("bob", step.clone());
    assert_eq!(open.outcome(&open.sealed("bob", step)), Err(Refusal::Denied(Denial::Biokey)));
    ceremony.biokey = Biokey(170);
    assert_eq!(open.outcome(&ceremony.finish()), Ok(()));
    let again = open.asking(biokey(102));
    assert_eq!(open.outcome(&again.1), Err(Refusal::Denied(Denial::KeyKnown)), "also the one it was");
}

#[test]
fn a_suspended_account_is_silent_until_it_is_reinstated() {
    let now = Village::at(5).with_identity(standing("dave", Standing::Suspended));
    let (open, id) = now.asked_to(revoke("oscar"));
    let told = open.outcome(&open.approval("dave", id, TECHNICAL));
    assert_eq!(told, Err(Refusal::Denied(Denial::AccountClosed)));
    let back = now.with_identity(standing("dave", Standing::Active));
    let (open, id) = back.asked_to(revoke("oscar"));
    assert_eq!(open.outcome(&open.approval("dave", id, TECHNICAL)), Ok(()));
}

/// Roles are those of the moment in which an approval is counted.
#[test]
fn a_role_that_was_withdrawn_counts_no_more() {
    let now = Village::at(5).with_identity(roles("oscar", &[Role::OnCall, COMPLIANCE]));
    let (open, id) = now.asked();
    let begun = open.after(&[&open.approval("oscar", id, COMPLIANCE)]);
    let gone = begun.with_identity(roles("oscar", &[Role::OnCall]));
    let alone = gone.after(&[&gone.approval("bob", id, TECHNICAL)]);
    assert_eq!(alone.request_at(id).outcome, Outcome::Open);
    let told = gone.outcome(&gone.approval("oscar", id, COMPLIANCE));
    assert_eq!(told, Err(Refusal::Denied(Denial::Role)));
}

#[test]
fn the_people_of_a_genesis_hold_their_keys() {
    let check = |change: &dyn Fn(&mut People)| {
        let mut people = people();
        change(&mut people);
        people.check("test", BTreeSet::new())
    };
    let missing = Err(PeopleFault::Possession(account("bob")));
    assert_eq!(check(&|_| {}), Ok(()));
    assert_eq!(people().check("toast", BTreeSet::new()), Err(PeopleFault::Possession(account("alice"))));
    assert_eq!(check(&|it| drop(it.proofs.remove(&credential_of("bob")))), missing);
    assert_eq!(check(&|it| it.proofs.get_mut(&second_of("bob")).unwrap().signature[0] ^= 1), missing);
    let moved = |it: &mut People| {
        it.accounts.get_mut(&account("bob-2")).unwrap().jurisdiction = Jurisdiction::new(*b"DE").unwrap();
    };
    assert_eq!(check(&moved), Err(PeopleFault::Jurisdiction(account("bob-2"))));
}
