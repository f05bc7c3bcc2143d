//! Refusals for a header's place in the chain.

use qratum_chain::{
    Hash,
    types::{BlockId, ChainId, ChainParams, Round, SetId, Time},
};

use super::{
    Book, Pair,
    inputs::{against_honest, block_at, document, handing_over, proof, remade, with},
};
use crate::forge::{Forge, Team};

pub(super) fn add(book: &mut Book) {
    let small = Forge::small(8);
    chain(book, &small);
    trust(book, &small);
    future(book, &small);
    above(book, &small);
    parent(book, &small);
    last_certificate(book, &small);
    proposer(book, &small);
    let changing = Forge::changing(4, 14);
    set_id(book, &changing);
    boundary(book, &changing);
}

fn chain(book: &mut Book, forge: &Forge) {
    let zero = remade(forge, 5, |header| header.chain_id = ChainId::ZERO);
    book.add("WrongChain", "zero", "as only a genesis header has it", against_honest(forge, &[], 5, &zero));
    let bit = remade(forge, 5, |header| header.chain_id.0.0[31] ^= 1);
    book.add("WrongChain", "one-bit", "one bit off", against_honest(forge, &[4], 5, &bit));
    let params = ChainParams { set_length: 20, block_interval_ms: 999, ..ChainParams::default() };
    let other = Forge::new(params, vec![Team::new(1, &[30, 25, 25, 20])]).grown(5);
    let pair = against_honest(forge, &[], 5, &other.block(5));
    book.add("WrongChain", "same-validators", "another network of the same validators", pair);
    let pair =
        Pair { bad: proof(forge, &document(&other, 5, &[])), good: proof(forge, &document(forge, 5, &[])) };
    book.add("WrongChain", "same-validators-file", "the same as a file", pair);
}

fn trust(book: &mut Book, forge: &Forge) {
    let period = forge.genesis.params.trusting_period_ms;
    let at = |path: &[u64], at: Time| block_at(forge, path, &forge.block(5), at);
    let ends = forge.genesis.time.plus(period);
    let pair = Pair { bad: at(&[], ends), good: at(&[], Time(ends.0 - 1)) };
    book.add("TrustExpired", "to-the-millisecond", "the period ends at this very millisecond", pair);
    let pair = Pair { bad: at(&[], ends.plus(86_400_000)), good: at(&[], forge.now()) };
    book.add("TrustExpired", "a-day-later", "the genesis header expired a day ago", pair);
    let document = proof(forge, &document(forge, 5, &[]));
    let late = with(document.clone(), &[("at", ends.0.into())]);
    let pair = Pair { bad: late, good: with(document, &[("at", (ends.0 - 1).into())]) };
    book.add("TrustExpired", "file", "a proof that chains to an anchor that expired", pair);
}

fn future(book: &mut Book, forge: &Forge) {
    let drift = forge.genesis.params.clock_drift_ms;
    let latest = Time(forge.header(5).time.0 - drift);
    let at = |at| block_at(forge, &[], &forge.block(5), at);
    let pair = Pair { bad: at(latest), good: at(latest.plus(1)) };
    book.add("TimeInFuture", "to-the-millisecond", "ahead of the clock by exactly the drift", pair);
    let ahead = remade(forge, 5, |header| header.time = header.time.plus(86_400_000));
    book.add("TimeInFuture", "a-day", "a day ahead of the clock", against_honest(forge, &[4], 5, &ahead));
}

fn above(book: &mut Book, forge: &Forge) {
    for (name, height, comment) in [("same", 5, "at the trusted height"), ("below", 3, "below it")] {
        let low = remade(forge, 6, |header| {
            header.height.0 = height;
            forge.redraw(header);
        });
        book.add("HeightNotAbove", name, comment, against_honest(forge, &[5], 6, &low));
    }
    for (name, path, height, time) in
        [("same", 5, 6, 5), ("adjacent-below", 5, 6, 4), ("skip-below", 3, 7, 0)]
    {
        let early = remade(forge, height, |header| header.time = forge.header(time).time);
        let pair = against_honest(forge, &[path], height, &early);
        book.add("TimeNotAbove", name, &format!("has the time of height {time}, trusted is {path}"), pair);
    }
}

fn parent(book: &mut Book, forge: &Forge) {
    let grandparent = remade(forge, 6, |header| header.parent = forge.header(4).id());
    let pair = against_honest(forge, &[5], 6, &grandparent);
    book.add("WrongParent", "grandparent", "names the block below its parent", pair);
    let bit = remade(forge, 6, |header| header.parent.0.0[0] ^= 0x80);
    book.add("WrongParent", "one-bit", "one bit off", against_honest(forge, &[5], 6, &bit));
    let none = remade(forge, 1, |header| header.parent = BlockId::ZERO);
    book.add("WrongParent", "none", "height 1 without a parent", against_honest(forge, &[], 1, &none));
}

fn set_id(book: &mut Book, forge: &Forge) {
    for (name, path, height, set, comment) in [
        ("last-height-of-a-set", 3, 4, 1, "the last height of set 0 names set 1"),
        ("first-height-of-a-set", 4, 5, 0, "the first height of set 1 names set 0"),
        ("largest", 2, 3, u64::MAX, "names the largest set there can be"),
    ] {
        let wrong = remade(forge, height, |header| header.set_id = SetId(set));
        book.add("WrongSetId", name, comment, against_honest(forge, &[path], height, &wrong));
    }
}

fn boundary(book: &mut Book, forge: &Forge) {
    for (name, path, height, comment) in [
        ("one-too-early", 2, 3, "hands over one height before the set ends"),
        ("one-too-late", 4, 5, "hands over in the first height of a set"),
    ] {
        let next = forge.team(height + 4).validators();
        let off = handing_over(forge, height, next);
        book.add("SetChangeOffBoundary", name, comment, against_honest(forge, &[path], height, &off));
    }
}

fn last_certificate(book: &mut Book, forge: &Forge) {
    let some = forge.header(5).last_certificate;
    for (name, path, height, value, comment) in [
        ("at-height-1", &[][..], 1, some, "height 1 carries a certificate of genesis"),
        ("none-at-height-2", &[1], 2, Hash::ZERO, "height 2 carries none"),
        ("none-at-height-7", &[3], 7, Hash::ZERO, "height 7 carries none"),
    ] {
        let wrong = remade(forge, height, |header| header.last_certificate = value);
        book.add("WrongLastCertificate", name, comment, against_honest(forge, path, height, &wrong));
    }
}

fn proposer(book: &mut Book, forge: &Forge) {
    let drawn = forge.header(5).proposer;
    for (name, index, comment) in [
        ("neighbour", (drawn + 1) % 4, "the member after the one that was drawn"),
        ("first-outside", 4, "the first index outside of the set"),
        ("largest", u32::MAX, "the largest index there can be"),
    ] {
        let wrong = remade(forge, 5, |header| header.proposer = index);
        book.add("WrongProposer", name, comment, against_honest(forge, &[4], 5, &wrong));
    }
    // A round in which the draw falls on another member than in round 0.
    let other_round = (1..).map(Round).find(|round| {
        let mut header = forge.header(5);
        header.round = *round;
        forge.redraw(&mut header);
        header.proposer != drawn
    });
    let round = other_round.expect("the draw depends on the round");
    let wrong = remade(forge, 5, |header| header.round = round);
    let good = remade(forge, 5, |header| {
        header.round = round;
        forge.redraw(header);
    });
    let pair = super::inputs::blocks(forge, &[4], &wrong, &good);
    book.add("WrongProposer", "of-round-0", "a later round with the proposer of round 0", pair);
}
