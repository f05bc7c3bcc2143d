//! Refusals for evidence: statements that can both be honest, or are not what they claim.

use qratum_chain::{
    document::{Evidence, OffenceProof},
    types::{
        ChainId, DoubleProposal, DoubleVote, ForkEvidence, Height, LightBlock, Offence, Phase, Proposal,
        Round, SetId, SignedProposal, SignedVote, Vote,
    },
};
use serde_json::Value;

use super::{
    Book, Pair,
    inputs::{hex_of, input, remade, with},
};
use crate::forge::{Forge, Member};

pub(super) fn add(book: &mut Book) {
    let forge = Forge::small(8);
    votes(book, &forge);
    proposals(book, &forge);
    forks(book, &forge);
    offences(book);
}

/// A double vote in the second of three sets, as a file with the way there.
fn offences(book: &mut Book) {
    let forge = Forge::changing(3, 10);
    let vote = |set_id, value| {
        let vote = Vote { set_id, ..forge.precommit(&forge.header(6), value) };
        forge.team(6).vote(1, vote)
    };
    let file = |set_id, team: u64, path: Vec<LightBlock>| {
        let (first, second) = (vote(set_id, None), vote(set_id, Some(forge.header(6).id())));
        let offence = Offence::DoubleVote(DoubleVote { first, second });
        let proof = OffenceProof { offence, validators: forge.team(team).validators(), path };
        let text = Evidence::Offence(Box::new(proof)).to_json().expect("evidence is a document");
        let document = serde_json::from_str(&text).expect("a document is JSON");
        with(input(&forge, "offence", &[], forge.now()), &[("document", document)])
    };
    let named = || vec![forge.block(4)];
    let mut unsigned = forge.block(4);
    if let qratum_chain::types::Certificate::Commit(commit) = &mut unsigned.certificate {
        commit.signatures.swap(0, 1);
    }
    let of = SetId(1);
    for (variant, name, comment, bad) in [
        ("NotProven", "offence", "nothing leads to its set", file(of, 6, Vec::new())),
        ("NotProven", "offence-short", "the path ends before its set", file(of, 6, vec![forge.block(3)])),
        (
            "NotProven",
            "offence-beyond",
            "the path leads past its set",
            file(of, 6, vec![forge.block(4), forge.block(9)]),
        ),
        (
            "WrongSetId",
            "offence",
            "both votes name another set than their height's",
            file(SetId(0), 6, named()),
        ),
        ("WrongValidators", "offence", "the set that came along is another one", file(of, 1, named())),
        ("BadSignature", "offence-path", "a step of the path is not certified", file(of, 6, vec![unsigned])),
    ] {
        book.add(variant, name, comment, Pair { bad, good: file(of, 6, named()) });
    }
    let at = |height| file(of, 6, vec![forge.block(height)]);
    let comment = "a block of the set itself leads there as well as the one before it";
    let pair = Pair { bad: file(of, 1, vec![forge.block(7)]), good: at(7) };
    book.add("WrongValidators", "offence-own", comment, pair);
}

fn evidence(forge: &Forge, op: &str, hex: String) -> Value {
    with(input(forge, op, &[], forge.now()), &[("evidence", hex.into())])
}

/// Signs what `secret_of` this member says, as `signer`.
fn signed_vote(forge: &Forge, signer: u32, vote: Vote) -> SignedVote {
    let stranger = Member::new(99, 1).secret;
    let member = forge.team(1).members.get(signer as usize);
    let signature = member.map_or(&stranger, |member| &member.secret).sign(&vote.sign_bytes());
    SignedVote { vote, signer, signature }
}

fn votes(book: &mut Book, forge: &Forge) {
    let header = forge.header(5);
    let first = forge.precommit(&header, Some(header.id()));
    let second = forge.precommit(&header, Some(forge.header(4).id()));
    let of = |first: SignedVote, second: SignedVote| {
        evidence(forge, "double_vote", hex_of(&DoubleVote { first, second }))
    };
    let signed = |signer, vote: &Vote| signed_vote(forge, signer, vote.clone());
    let good = of(signed(0, &first), signed(0, &second));
    let mut add = |variant, name: &str, comment: &str, bad: Value| {
        book.add(variant, name, comment, Pair { bad, good: good.clone() });
    };
    type Change = fn(&mut Vote);
    let changes: [(&str, Change); 5] = [
        ("vote-round", |vote| vote.round = Round(1)),
        ("vote-height", |vote| vote.height = Height(6)),
        ("vote-phase", |vote| vote.phase = Phase::Prevote),
        ("vote-set", |vote| vote.set_id = SetId(1)),
        ("vote-chain", |vote| vote.chain_id = ChainId::ZERO),
    ];
    for (name, change) in changes {
        let mut elsewhere = second.clone();
        change(&mut elsewhere);
        add(
            "EvidencePosition",
            name,
            "two votes that an honest validator may cast",
            of(signed(0, &first), signed(0, &elsewhere)),
        );
    }
    add("EvidenceSame", "vote", "one vote twice", of(signed(0, &first), signed(0, &first)));
    let nil = Vote { value: None, ..first.clone() };
    add("EvidenceSame", "vote-nil", "one vote for nil twice", of(signed(0, &nil), signed(0, &nil)));
    add("EvidenceSigner", "votes", "two validators disagree", of(signed(0, &first), signed(1, &second)));
    add(
        "SignerNotInSet",
        "double-vote",
        "two votes of a stranger",
        of(signed(4, &first), signed(4, &second)),
    );
    let mut forged = signed(0, &second);
    forged.signature = signed(1, &second).signature;
    add(
        "BadSignature",
        "double-vote",
        "the second vote is signed by another validator",
        of(signed(0, &first), forged),
    );
    let foreign = |vote: &Vote| signed(0, &Vote { chain_id: ChainId::ZERO, ..vote.clone() });
    add("WrongChain", "double-vote", "a double vote on another chain", of(foreign(&first), foreign(&second)));
}

fn proposals(book: &mut Book, forge: &Forge) {
    let header = forge.header(5);
    let proposal = |block_id| Proposal {
        chain_id: forge.chain_id,
        set_id: header.set_id,
        height: header.height,
        round: header.round,
        pol_round: -1,
        block_id,
    };
    let (first, second) = (proposal(header.id()), proposal(forge.header(4).id()));
    let signed = |signer: u32, proposal: &Proposal| {
        let stranger = Member::new(99, 1).secret;
        let member = forge.team(1).members.get(signer as usize);
        let signature = member.map_or(&stranger, |member| &member.secret).sign(&proposal.sign_bytes());
        SignedProposal { proposal: proposal.clone(), signer, signature }
    };
    let of = |first, second| evidence(forge, "double_proposal", hex_of(&DoubleProposal { first, second }));
    let good = of(signed(2, &first), signed(2, &second));
    let mut add = |variant, name: &str, comment: &str, bad: Value| {
        book.add(variant, name, comment, Pair { bad, good: good.clone() });
    };
    let later = Proposal { round: Round(1), ..second.clone() };
    let comment = "another block in another round";
    add("EvidencePosition", "proposal-round", comment, of(signed(2, &first), signed(2, &later)));
    let lock = Proposal { pol_round: 0, ..first.clone() };
    let comment = "one block, proposed with and without a lock";
    add("EvidenceSame", "proposal", comment, of(signed(2, &first), signed(2, &lock)));
    add("EvidenceSigner", "proposals", "two proposers", of(signed(2, &first), signed(3, &second)));
    add(
        "SignerNotInSet",
        "double-proposal",
        "a stranger proposes",
        of(signed(9, &first), signed(9, &second)),
    );
    let mut forged = signed(2, &second);
    forged.signature.0[40] ^= 1;
    add(
        "BadSignature",
        "double-proposal",
        "one bit of the second signature off",
        of(signed(2, &first), forged),
    );
    let foreign = |proposal: &Proposal| signed(2, &Proposal { chain_id: ChainId::ZERO, ..proposal.clone() });
    add("WrongChain", "double-proposal", "on another chain", of(foreign(&first), foreign(&second)));
}

fn forks(book: &mut Book, forge: &Forge) {
    let of = |first: LightBlock, second: LightBlock| {
        evidence(forge, "fork", hex_of(&ForkEvidence { first, second }))
    };
    let other = |height| remade(forge, height, |header| header.tx_root.0[0] ^= 1);
    let good = of(forge.block(5), other(5));
    let mut add = |variant, name: &str, comment: &str, bad: Value| {
        book.add(variant, name, comment, Pair { bad, good: good.clone() });
    };
    add("EvidencePosition", "fork-heights", "two blocks at two heights", of(forge.block(5), other(6)));
    let again = forge.signed_by(forge.header(5), &[1, 2, 3]);
    add("EvidenceSame", "fork", "one block with other signers", of(forge.block(5), again));
    let mut unsigned = other(5);
    if let qratum_chain::types::Certificate::Commit(commit) = &mut unsigned.certificate {
        commit.signatures.swap(0, 1);
    }
    add("BadSignature", "fork", "the second block is not certified", of(forge.block(5), unsigned));
}
