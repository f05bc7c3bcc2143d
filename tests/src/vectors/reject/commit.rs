//! Refusals for commit certificates.

use qratum_chain::types::{
    Bitmap, BlockId, Certificate, ChainId, CommitCertificate, Height, LightBlock, Phase, Round, SetId,
};
use qratum_crypto::{domain, hash, sign::ed25519::Signature};

use super::{
    Book,
    inputs::{against_honest, blocks, edited, one_set, recertified},
};
use crate::forge::{Forge, Member, Team};

pub(super) fn add(book: &mut Book) {
    let small = Forge::small(8);
    kind(book, &small);
    subject(book, &small);
    round(book, &small);
    bitmap(book, &small);
    outsiders(book, &small);
    count(book, &small);
    quorum(book, &small);
    signatures(book, &small);
    made_from_public_data(book, &small);
}

/// The certificate of a block of the Tendermint family.
fn commit_of(block: &LightBlock) -> CommitCertificate {
    block.certificate.commit().cloned().expect("a commit")
}

fn kind(book: &mut Book, forge: &Forge) {
    let mut block = forge.block(5);
    block.certificate = Certificate::Handover(commit_of(&block), Vec::new());
    let pair = against_honest(forge, &[4], 5, &block);
    book.add("WrongCertificateKind", "handover-inside-a-set", "a hand-over where no set ends", pair);
}

/// Whose, which and where: each field of a certificate changed alone, and signed again.
fn subject(book: &mut Book, forge: &Forge) {
    type Change = fn(&mut CommitCertificate);
    let changes: [(&'static str, &str, Change); 9] = [
        ("CertificateChain", "zero", |commit| commit.chain_id = ChainId::ZERO),
        ("CertificateChain", "one-bit", |commit| commit.chain_id.0.0[7] ^= 0x10),
        ("CertificateSet", "next", |commit| commit.set_id = SetId(1)),
        ("CertificateSet", "largest", |commit| commit.set_id = SetId(u64::MAX)),
        ("CertificateHeight", "below", |commit| commit.height = Height(4)),
        ("CertificateHeight", "above", |commit| commit.height = Height(6)),
        ("CertificateHeight", "zero", |commit| commit.height = Height(0)),
        ("CertificateBlock", "one-bit", |commit| commit.block_id.0.0[0] ^= 1),
        ("CertificateBlock", "zero", |commit| commit.block_id = BlockId::ZERO),
    ];
    for (variant, name, change) in changes {
        let block = recertified(forge, 5, change);
        let comment = "all signers signed it so";
        book.add(variant, name, comment, against_honest(forge, &[4], 5, &block));
    }
    let mut known = forge.block(5);
    known.header.tx_root.0[0] ^= 1;
    let comment = "a genuine certificate under a header that it does not name: A9";
    book.add("CertificateBlock", "of-another-header", comment, against_honest(forge, &[4], 5, &known));
    let parents = edited(forge, 5, |commit| {
        *commit = forge.block(4).certificate.commit().cloned().expect("a commit");
        commit.height = Height(5);
    });
    let comment = "a known header with the certificate of its parent";
    book.add("CertificateBlock", "of-the-parent", comment, against_honest(forge, &[4], 5, &parents));
}

fn round(book: &mut Book, forge: &Forge) {
    let header = |round| {
        let mut header = forge.header(5);
        header.round = Round(round);
        forge.redraw(&mut header);
        header
    };
    let at = |proposed: u32, certified: u32| {
        let header = header(proposed);
        let team = forge.team(5);
        let mut block = forge.certified(header.clone());
        let commit = team.commit(forge.chain_id, &header, Round(certified), &team.least_quorum());
        block.certificate = Certificate::Commit(commit);
        block
    };
    for (name, proposed, bad, good) in
        [("one-before", 3, 2, 3), ("zero", 3, 0, 9), ("largest", u32::MAX, 7, u32::MAX)]
    {
        let pair = blocks(forge, &[4], &at(proposed, bad), &at(proposed, good));
        let comment = format!("certified in round {bad}, first proposed in round {proposed}");
        book.add("CertificateRound", name, &comment, pair);
    }
}

fn bitmap(book: &mut Book, small: &Forge) {
    let long = recertified(small, 5, |commit| commit.bitmap.0.push(0));
    let pair = against_honest(small, &[4], 5, &long);
    book.add("BitmapLength", "one-more", "one byte of zeros more", pair);
    let nine = one_set(&[10; 9], 5);
    let short = recertified(&nine, 5, |commit| commit.bitmap.0.truncate(1));
    let pair = against_honest(&nine, &[4], 5, &short);
    book.add("BitmapLength", "one-fewer", "without its last byte, which is zero", pair);
    let eight = one_set(&[10; 8], 5);
    let none = recertified(&eight, 5, |commit| commit.bitmap = Bitmap(Vec::new()));
    let pair = against_honest(&eight, &[4], 5, &none);
    book.add("BitmapLength", "empty", "no byte for eight members", pair);
}

fn outsiders(book: &mut Book, forge: &Forge) {
    let stranger = Member::new(99, 1_000_000).secret;
    for (name, bit, comment) in [
        ("first-outside", 4, "the first bit behind the set"),
        ("last-of-the-byte", 7, "the last bit of the last byte"),
    ] {
        let block = edited(forge, 5, |commit| {
            commit.bitmap.0.iter_mut().for_each(|byte| *byte |= 1 << bit);
            commit.signatures.push(stranger.sign(&commit.vote().sign_bytes()));
        });
        let comment = format!("a quorum and a stranger: {comment}");
        book.add("SignerNotInSet", name, &comment, against_honest(forge, &[4], 5, &block));
    }
}

fn count(book: &mut Book, forge: &Forge) {
    let fewer = edited(forge, 5, |commit| commit.signatures.truncate(2));
    let pair = against_honest(forge, &[4], 5, &fewer);
    book.add("SignatureCount", "one-fewer", "three bits and two signatures", pair);
    let more = edited(forge, 5, |commit| {
        let again = commit.signatures.first().copied();
        commit.signatures.extend(again);
    });
    let pair = against_honest(forge, &[4], 5, &more);
    book.add("SignatureCount", "one-more", "three bits, and the first signature twice", pair);
    let none = edited(forge, 5, |commit| commit.signatures.clear());
    let pair = against_honest(forge, &[4], 5, &none);
    book.add("SignatureCount", "none", "bits without signatures", pair);
}

fn quorum(book: &mut Book, small: &Forge) {
    let by = |forge: &Forge, signers: &[u32]| forge.signed_by(forge.header(5), signers);
    let thirds = one_set(&[20, 20, 10, 10], 5);
    let pair = blocks(&thirds, &[4], &by(&thirds, &[0, 1]), &by(&thirds, &[0, 1, 3]));
    book.add("QuorumNotReached", "exactly-two-thirds", "40 of 60", pair);
    let unequal = one_set(&[100, 1, 1, 1], 5);
    let pair = blocks(&unequal, &[4], &by(&unequal, &[1, 2, 3]), &by(&unequal, &[0]));
    book.add("QuorumNotReached", "heads-without-power", "three heads of four with 3 of 103", pair);
    let five = one_set(&[1; 5], 5);
    let pair = blocks(&five, &[4], &by(&five, &[0, 1, 2]), &by(&five, &[0, 1, 2, 3]));
    book.add(
        "QuorumNotReached",
        "two-f-plus-one-of-five",
        "3 of 5: two such groups need share no honest head",
        pair,
    );
    let pair = against_honest(small, &[4], 5, &by(small, &[]));
    book.add("QuorumNotReached", "nobody", "no bit set, no signature", pair);
    let huge = one_set(&[u64::MAX, u64::MAX, u64::MAX, 1], 5);
    let pair = blocks(&huge, &[4], &by(&huge, &[0, 1]), &by(&huge, &[0, 1, 3]));
    let comment = "2 (2^64 - 1) of 3 (2^64 - 1) + 1: wraps in 64 bits";
    book.add("QuorumNotReached", "largest-powers", comment, pair);
}

/// Signatures of the right signers, under other statements.
fn signatures(book: &mut Book, forge: &Forge) {
    let header = forge.header(5);
    let mut vote = forge.precommit(&header, Some(header.id()));
    let mut add = |name: &str, comment: &str, message: &[u8]| {
        let mut block = forge.block(5);
        replace(&mut block, 1, forge.team(5).members.get(1).map(|member| member.secret.sign(message)));
        book.add("BadSignature", name, comment, against_honest(forge, &[4], 5, &block));
    };
    add("vote-without-tag", "the vote without its tag", &qratum_chain::codec::Encode::to_bytes(&vote));
    add("other-tag", "the vote's bytes under the tag of proposals", &{
        let mut message = domain::PROPOSAL.bytes().to_vec();
        qratum_chain::codec::Encode::encode(&vote, &mut message);
        message
    });
    vote.value = None;
    add("nil", "a precommit for nil", &vote.sign_bytes());
    vote.value = Some(forge.header(4).id());
    add("other-block", "a precommit for another block", &vote.sign_bytes());
    vote.value = Some(header.id());
    vote.phase = Phase::Prevote;
    add("prevote", "a prevote for the block", &vote.sign_bytes());
    vote.phase = Phase::Precommit;
    vote.round = Round(1);
    add("other-round", "a precommit for the block in another round", &vote.sign_bytes());
    vote.round = Round(0);
    vote.chain_id = ChainId(hash::sha3_256(b"another network"));
    add("other-chain", "a precommit for the block on another chain", &vote.sign_bytes());
}

/// Signatures that anyone can make, and ones that are not quite right.
fn made_from_public_data(book: &mut Book, forge: &Forge) {
    let mut add = |name: &str, comment: &str, change: &dyn Fn(&mut CommitCertificate)| {
        let block = edited(forge, 5, change);
        book.add("BadSignature", name, comment, against_honest(forge, &[4], 5, &block));
    };
    add("zero", "all signatures are zero: O-01", &|commit| commit.signatures.fill(Signature([0; 64])));
    let mut identity = [0; 64];
    identity[0] = 1;
    add("identity", "R is the identity, s is zero", &|commit| commit.signatures.fill(Signature(identity)));
    add("swapped", "two signers' signatures in each other's place", &|commit| commit.signatures.swap(0, 2));
    add("first-for-all", "one signature for every bit", &|commit| {
        let first = commit.signatures.first().copied().expect("a quorum");
        commit.signatures.fill(first);
    });
    let bit = |at: usize| {
        move |commit: &mut CommitCertificate| {
            commit
                .signatures
                .iter_mut()
                .take(1)
                .flat_map(|signature| signature.0.get_mut(at))
                .for_each(|byte| *byte ^= 1);
        }
    };
    add("bit-of-r", "one bit of R off", &bit(3));
    add("bit-of-s", "one bit of s off", &bit(40));
    add("s-plus-order", "s is not reduced: the same scalar, another encoding", &|commit| {
        commit.signatures.iter_mut().take(1).for_each(add_order);
    });
    let strangers = Team::new(70, &[30, 25, 25, 20]);
    add("strangers", "strangers sign under the members' indexes", &|commit| strangers.sign(commit));
}

fn replace(block: &mut LightBlock, at: usize, signature: Option<Signature>) {
    if let (Certificate::Commit(commit), Some(signature)) = (&mut block.certificate, signature) {
        commit.signatures.iter_mut().skip(at).take(1).for_each(|place| *place = signature);
    }
}

/// s + L, where L is the order of the base point (RFC 8032 section 5.1).
fn add_order(signature: &mut Signature) {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut carry = 0u16;
    for (byte, add) in signature.0.iter_mut().skip(32).zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        [*byte, _] = sum.to_le_bytes();
        carry = sum >> 8;
    }
}
