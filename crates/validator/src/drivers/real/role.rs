//! What is this validator in the set that votes next? For the line that it starts with.

use qratum_chain::types::Status;

use crate::ledger::Ledger;

/// Whether the validator of this name has a seat, and why not.
pub(super) fn role(ledger: &Ledger, name: &str) -> String {
    let Some(registration) = ledger.registry().registration(name) else {
        return "follows without a vote: it is in no registry".to_owned();
    };
    let set = ledger.set_id(ledger.tip().height.next());
    // By its name: a key that was ordered already votes from the next set on.
    let members = 0..u32::try_from(ledger.set().members().len()).unwrap_or(u32::MAX);
    let seat = members.into_iter().find(|index| ledger.name_of(set, *index) == name);
    let standing = match registration.status {
        Status::Active => None,
        Status::Leaving => Some("leaving".to_owned()),
        Status::Jailed => Some(match ledger.jailed_at(name) {
            Some(height) => format!("jailed at height {height}"),
            None => "jailed".to_owned(),
        }),
    };
    match (seat, standing) {
        (Some(index), None) => format!("votes as member {index} of set {set}"),
        (Some(index), Some(standing)) => {
            format!("{standing}, votes as member {index} until set {set} ends")
        }
        (None, Some(standing)) => format!("{standing}, follows without a vote"),
        (None, None) => format!("follows without a vote: it is not in set {set}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        block::Decided,
        testing::{START, certificate, double_vote, key, ledger, order, rotation},
    };
    use qratum_chain::{
        ledger::{Body, registry::Order},
        types::{Certificate, Round, SetId},
    };

    /// Goes on to `height`; what `body` holds stands in the first block.
    fn go_on(ledger: &mut Ledger, height: u64, mut body: Body) {
        while ledger.tip().height.0 < height {
            let time = START.plus((ledger.tip().height.0 + 1) * 1000);
            let block = ledger.build(Round(0), time, &body).unwrap();
            body = Body::default();
            let certificate = Certificate::Commit(certificate(&block.header, 4, &[0, 2, 3]));
            ledger.accept(Decided { block, certificate }).unwrap();
        }
    }

    #[test]
    fn a_validator_says_where_it_sits_and_why_not() {
        let mut chain = ledger(3);
        assert_eq!(role(&chain, "v1"), "votes as member 1 of set 0");
        assert_eq!(role(&chain, "nobody"), "follows without a vote: it is in no registry");
        let body = Body { evidence: vec![double_vote(&chain, SetId(0), 0)], ..Body::default() };
        go_on(&mut chain, 4, body);
        assert_eq!(role(&chain, "v1"), "jailed at height 4, votes as member 1 until set 0 ends");
        assert_eq!(chain.jailed_at("v0"), None);

        let mut chain = ledger(3);
        let leaves = order(&chain, 1, 0, &Order::Leave);
        go_on(&mut chain, 4, Body { transactions: vec![leaves], ..Body::default() });
        assert_eq!(role(&chain, "v1"), "leaving, votes as member 1 until set 0 ends");

        let mut chain = ledger(3);
        let rotates = rotation(&chain, 1, 0, &key(40));
        go_on(&mut chain, 4, Body { transactions: vec![rotates], ..Body::default() });
        assert_eq!(role(&chain, "v1"), "votes as member 1 of set 0", "with its old key");
    }
}
