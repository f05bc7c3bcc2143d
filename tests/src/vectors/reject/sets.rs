//! Refusals for validator sets, and for the way from a trusted set to a later one.

use qratum_chain::{
    Hash,
    types::{Jurisdiction, LightBlock, SetId, Validator, validators_hash},
};
use qratum_crypto::sign::ed25519::PublicKey;

use super::{
    Book, Pair,
    inputs::{against_honest, document, handing_over, of_teams, proof, usurped},
};
use crate::forge::{Forge, Member, Team};

pub(super) fn add(book: &mut Book) {
    let changing = Forge::changing(4, 14);
    own_list(book, &changing);
    next_list(book, &changing);
    bad_lists(book, &changing);
    bad_keys(book, &changing);
    duplicate_in_a_skip(book);
    untrusted(book, &changing);
    missing_path(book);
}

/// One change to a list of validators.
type Change = fn(&mut Vec<Validator>);

/// Each field of a leaf, the order and the count: all under one root.
const CHANGES: [(&str, Change); 8] = [
    ("key", |set| set.iter_mut().take(1).for_each(|v| v.pubkey = Member::new(77, 1).validator.pubkey)),
    ("power", |set| set.iter_mut().take(1).for_each(|v| v.power += 1)),
    ("jurisdiction", |set| {
        set.iter_mut()
            .take(1)
            .for_each(|v| v.jurisdiction = Jurisdiction::new(*b"LI").expect("two capitals"));
    }),
    ("since-set", |set| set.iter_mut().take(1).for_each(|v| v.since_set = SetId(1))),
    ("pq-key-hash", |set| set.iter_mut().take(1).for_each(|v| v.pq_key_hash = Hash([1; 32]))),
    ("order", |set| set.swap(0, 1)),
    ("one-missing", |set| set.truncate(3)),
    ("one-more", |set| set.push(Member::new(77, 1).validator)),
];

fn own_list(book: &mut Book, forge: &Forge) {
    for (name, change) in CHANGES {
        let mut block = forge.block(3);
        change(&mut block.validators);
        let comment = "the header and its certificate are genuine, the list that came along is not";
        book.add("WrongValidators", name, comment, against_honest(forge, &[2], 3, &block));
    }
}

fn next_list(book: &mut Book, forge: &Forge) {
    for (name, change) in CHANGES {
        let mut block = forge.block(4);
        block.next_validators.iter_mut().for_each(change);
        let comment = "the hand-over is genuine, the list of the next set that came along is not";
        book.add("WrongNextValidators", name, comment, against_honest(forge, &[3], 4, &block));
    }
    let mut block = forge.block(3);
    block.next_validators = Some(forge.team(5).validators());
    let pair = against_honest(forge, &[2], 3, &block);
    book.add("WrongNextValidators", "no-change", "the list of a change that the header does not make", pair);
}

/// A hand-over to `next`, signed by the set that leaves as if it were a set.
fn bad_set(book: &mut Book, forge: &Forge, name: &str, next: Vec<Validator>) {
    let block = handing_over(forge, 4, next);
    let pair = against_honest(forge, &[3], 4, &block);
    book.add("BadSet", name, "the old set signed a hand-over to a list that is no set", pair);
}

fn bad_lists(book: &mut Book, forge: &Forge) {
    let honest = || forge.team(5).validators();
    bad_set(book, forge, "empty", Vec::new());
    for index in [0, 3] {
        let mut next = honest();
        next.iter_mut().skip(index).take(1).for_each(|v| v.power = 0);
        bad_set(book, forge, &format!("no-power-{index}"), next);
    }
    let mut adjacent = honest();
    adjacent.splice(1..2, honest().into_iter().take(1));
    bad_set(book, forge, "key-twice", adjacent);
    let mut apart = honest();
    apart.splice(3..4, honest().into_iter().take(1));
    apart.iter_mut().skip(3).for_each(|v| {
        v.power = 1;
        v.jurisdiction = Jurisdiction::new(*b"LI").expect("two capitals");
    });
    bad_set(book, forge, "key-twice-other-leaf", apart);
}

/// Keys that may not vote, in hex. The points of small order and their encodings are those of
/// "Taming the many EdDSAs" (2020), table 1; B is the base point, T a point of small order.
const BAD_KEYS: [(&str, &str); 9] = [
    ("identity", "0100000000000000000000000000000000000000000000000000000000000000"),
    ("order-2", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    ("order-4", "0000000000000000000000000000000000000000000000000000000000000000"),
    ("order-8", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    ("torsion-2", "9599999999999999999999999999999999999999999999999999999999999999"),
    ("torsion-8", "98519eadf35b995233b51b5cd23e9cc5a28b639b5a4af0ec903cb960d81b7819"),
    ("not-canonical-y", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    ("not-canonical-sign", "0100000000000000000000000000000000000000000000000000000000000080"),
    ("not-on-curve", "0200000000000000000000000000000000000000000000000000000000000000"),
];

fn bad_keys(book: &mut Book, forge: &Forge) {
    for (name, key) in BAD_KEYS {
        let bytes = hex::decode(key).ok().and_then(|bytes| bytes.try_into().ok()).expect("32 bytes");
        let mut next = forge.team(5).validators();
        next.iter_mut().skip(2).take(1).for_each(|v| v.pubkey = PublicKey(bytes));
        bad_set(book, forge, &format!("key-{name}"), next);
    }
}

/// One validator twice in the set that certifies a skip: enough trusted power stands behind it.
fn duplicate_in_a_skip(book: &mut Book) {
    let team = |seeds: [u64; 4]| Team { members: seeds.map(|seed| Member::new(seed, 10)).into() };
    let forge = of_teams(vec![team([1, 2, 3, 4]), team([2, 3, 4, 5]), team([1, 2, 3, 4])], 9);
    let twice = team([1, 2, 3, 3]);
    let mut header = forge.header(9);
    header.validators_hash = validators_hash(&twice.validators());
    header.next_validators_hash = header.validators_hash;
    let commit = twice.commit(forge.chain_id, &header, header.round, &[0, 2, 3]);
    let certificate = qratum_chain::types::Certificate::Commit(commit);
    let block = LightBlock { header, certificate, validators: twice.validators(), next_validators: None };
    let comment = "one validator under two indexes, both signed: A1";
    book.add("BadSet", "counted-twice-in-a-skip", comment, against_honest(&forge, &[], 9, &block));
}

fn untrusted(book: &mut Book, forge: &Forge) {
    let strangers = usurped(forge, 3, &Team::new(50, &[10; 4]));
    let pair = against_honest(forge, &[2], 3, &strangers);
    book.add("UntrustedSet", "strangers", "a quorum of strangers inside a set", pair);
    let old = usurped(forge, 5, forge.team(4));
    let pair = against_honest(forge, &[4], 5, &old);
    book.add("UntrustedSet", "old-set-goes-on", "the set that handed over certifies on", pair);
    let early = usurped(forge, 4, forge.team(5));
    let pair = against_honest(forge, &[3], 4, &early);
    book.add("UntrustedSet", "next-set-too-early", "the next set certifies before the hand-over", pair);
    let mut heavier = Team::new(1, &[10, 10, 10, 11]);
    heavier.members.truncate(4);
    let pair = against_honest(forge, &[], 2, &usurped(forge, 2, &heavier));
    book.add("UntrustedSet", "one-power-more", "the genesis set with one more unit of power", pair);
}

/// Files that skip from a set to the one after the next.
fn missing_path(book: &mut Book) {
    let member = Member::new;
    let first = || Team { members: vec![member(1, 20), member(2, 20), member(3, 10), member(4, 10)] };
    let middle = || Team::new(60, &[10; 4]);
    let third = Team { members: vec![member(1, 20), member(21, 10), member(22, 10), member(23, 10)] };
    for (name, last, comment) in [
        ("exactly-a-third", third, "20 of 60 of the trusted power signed"),
        ("no-overlap", Team::new(80, &[10; 4]), "no trusted power signed"),
    ] {
        let forge = of_teams(vec![first(), middle(), last], 9);
        let of = |path: &[u64]| proof(&forge, &document(&forge, 9, path));
        book.add("PathMissing", name, comment, Pair { bad: of(&[]), good: of(&[4, 8]) });
    }
    let last =
        Team { members: vec![member(1, 1), member(2, 1), member(31, 10), member(32, 10), member(33, 10)] };
    let forge = of_teams(vec![first(), middle(), last], 9);
    let signed = |signers: &[u32]| {
        let mut document = document(&forge, 9, &[]);
        document.certificate = Some(forge.signed_by(forge.header(9), signers).certificate);
        proof(&forge, &document)
    };
    let pair = Pair { bad: signed(&[2, 3, 4]), good: signed(&[0, 1, 2, 3, 4]) };
    book.add(
        "PathMissing",
        "members-that-did-not-sign",
        "trusted members are in the set but did not sign",
        pair,
    );
}
