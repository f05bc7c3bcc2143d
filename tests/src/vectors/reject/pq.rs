//! Refusals for the ML-DSA half of a hand-over.
//!
//! Where the rule is about one signature, only one or two members have registered a key, so that
//! the cases stay small: fewer than a quorum need not sign, but what is there must hold.

use qratum_chain::types::{Certificate, CommitCertificate, LightBlock, PqSignature};
use qratum_crypto::{domain, sign::ml_dsa};

use super::{
    Book,
    inputs::{against_honest, of_teams},
};
use crate::forge::{Forge, Member, Team};

pub(super) fn add(book: &mut Book) {
    let two = registered(&[10; 4], &[0, 2]);
    order(book, &two);
    key(book, &two);
    signature(book, &two);
    outsider(book, &two);
    quorum(book);
}

/// A chain whose first set ends at height 4 and has ML-DSA keys of these members.
fn registered(powers: &[u64], with_keys: &[u64]) -> Forge {
    let member = |(index, power): (u64, &u64)| {
        let member = Member::new(index + 1, *power);
        if with_keys.contains(&index) { member.with_pq(index + 1) } else { member }
    };
    let first = Team { members: (0..).zip(powers).map(member).collect() };
    of_teams(vec![first, Team::new(21, &[10; 4])], 5)
}

/// The hand-over at height 4 with its ML-DSA signatures changed.
fn changed(forge: &Forge, change: impl FnOnce(&CommitCertificate, &mut Vec<PqSignature>)) -> LightBlock {
    let mut block = forge.block(4);
    if let Certificate::Handover(commit, signatures) = &mut block.certificate {
        change(commit, signatures);
    }
    block
}

fn order(book: &mut Book, forge: &Forge) {
    let swapped = changed(forge, |_, signatures| signatures.swap(0, 1));
    book.add("PqOrder", "swapped", "signers 2 and 0", against_honest(forge, &[3], 4, &swapped));
    let twice = changed(forge, |_, signatures| {
        signatures.truncate(1);
        let again = signatures.first().cloned();
        signatures.extend(again);
    });
    book.add("PqOrder", "twice", "signer 0 twice", against_honest(forge, &[3], 4, &twice));
}

/// A signature by the key of this seed, in the name of `signer`.
fn signed(commit: &CommitCertificate, signer: u32, seed: u64) -> Vec<PqSignature> {
    let team = Team { members: vec![Member::new(seed, 1).with_pq(seed)] };
    let mut signatures = team.pq_signatures(commit, &[0]);
    signatures.iter_mut().for_each(|signature| signature.signer = signer);
    signatures
}

fn key(book: &mut Book, forge: &Forge) {
    let other = changed(forge, |commit, signatures| *signatures = signed(commit, 0, 77));
    let comment = "a good signature under a key that the set does not name";
    book.add("PqKey", "other-key", comment, against_honest(forge, &[3], 4, &other));
    let unregistered = changed(forge, |commit, signatures| *signatures = signed(commit, 1, 2));
    let comment = "a good signature of a member that registered no key";
    book.add("PqKey", "not-registered", comment, against_honest(forge, &[3], 4, &unregistered));
    let neighbour = changed(forge, |_, signatures| {
        signatures.truncate(1);
        signatures.iter_mut().for_each(|signature| signature.signer = 2);
    });
    let comment = "a good signature of signer 0 in the name of signer 2";
    book.add("PqKey", "other-member", comment, against_honest(forge, &[3], 4, &neighbour));
}

fn signature(book: &mut Book, forge: &Forge) {
    for (name, at) in [("first-bit", 0), ("bit-of-the-hint", ml_dsa::SIGNATURE_LENGTH - 1)] {
        let bit = changed(forge, |_, signatures| {
            signatures.truncate(1);
            let bytes = signatures.iter_mut().flat_map(|signature| signature.signature.get_mut(at));
            bytes.for_each(|byte| *byte ^= 1);
        });
        book.add("PqSignature", name, "one bit off", against_honest(forge, &[3], 4, &bit));
    }
    let of = |tag, message: &[u8]| {
        let pq = forge.team(4).members.first().and_then(|member| member.pq.as_ref()).expect("registered");
        let signature = pq.sign(tag, message).expect("a short tag");
        vec![PqSignature { signer: 0, key: pq.public(), signature }]
    };
    let tag = changed(forge, |commit, signatures| {
        *signatures = of(domain::VOTE, &commit.vote().sign_bytes());
    });
    let comment = "the vote signed under the tag of votes: replay of another purpose";
    book.add("PqSignature", "other-tag", comment, against_honest(forge, &[3], 4, &tag));
    let nil = changed(forge, |commit, signatures| {
        let mut vote = commit.vote();
        vote.value = None;
        *signatures = of(domain::HANDOVER, &vote.sign_bytes());
    });
    book.add("PqSignature", "nil", "a vote for nil", against_honest(forge, &[3], 4, &nil));
}

fn outsider(book: &mut Book, forge: &Forge) {
    let outside = changed(forge, |commit, signatures| *signatures = signed(commit, 4, 77));
    let comment = "an ML-DSA signature of the first index behind the set";
    book.add("SignerNotInSet", "ml-dsa", comment, against_honest(forge, &[3], 4, &outside));
}

fn quorum(book: &mut Book) {
    let forge = registered(&[20, 20, 10, 10], &[0, 1, 2]);
    let exactly = changed(&forge, |_, signatures| signatures.truncate(2));
    let comment = "40 of 60 signed with ML-DSA, 50 of 60 could have";
    book.add("PqQuorumNotReached", "exactly-two-thirds", comment, against_honest(&forge, &[3], 4, &exactly));
    let mut plain = forge.block(4);
    if let Certificate::Handover(commit, _) = &plain.certificate {
        plain.certificate = Certificate::Commit(commit.clone());
    }
    let comment = "a plain commit at the end of a set whose quorum has ML-DSA keys";
    book.add("PqQuorumNotReached", "plain-commit", comment, against_honest(&forge, &[3], 4, &plain));
}
