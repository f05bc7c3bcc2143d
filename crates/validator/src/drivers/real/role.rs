//! What is this validator in the set that votes next? For the line that it starts with, and for one
//! when that changes.

use qratum_chain::types::{Height, SetId, Status};

use crate::ledger::Ledger;

/// What the line says that does not change from set to set: whether there is a seat, and the status.
pub(super) fn standing(ledger: &Ledger, name: &str) -> (bool, Option<Status>) {
    let set = ledger.set_id(ledger.tip().height.next());
    let has_seat = seat(ledger, set, name).is_some();
    (has_seat, ledger.registry().registration(name).map(|registration| registration.status))
}

/// The index of its seat, by its name: a key that was ordered already votes from the next set on.
fn seat(ledger: &Ledger, set: SetId, name: &str) -> Option<u32> {
    let members = 0..u32::try_from(ledger.set().members().len()).unwrap_or(u32::MAX);
    members.into_iter().find(|index| ledger.name_of(set, *index) == name)
}

/// Whether the validator of this name has a seat, and why not. At height 0 that is what genesis says:
/// the chain may be far ahead.
pub(super) fn role(ledger: &Ledger, name: &str) -> String {
    let role = known(ledger, name);
    if ledger.tip().height == Height(0) { format!("by genesis, {role}") } else { role }
}

fn known(ledger: &Ledger, name: &str) -> String {
    let Some(registration) = ledger.registry().registration(name) else {
        return "follows without a vote: it is in no registry".to_owned();
    };
    let set = ledger.set_id(ledger.tip().height.next());
    let seat = seat(ledger, set, name);
    let standing = match registration.status {
        Status::Active => None,
        Status::Leaving => Some("leaving".to_owned()),
        Status::Removed => Some("voted out".to_owned()),
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
        types::{Certificate, Round},
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
        let young = ledger(0);
        assert_eq!(role(&young, "v1"), "by genesis, votes as member 1 of set 0");
        assert_eq!(role(&young, "nobody"), "by genesis, follows without a vote: it is in no registry");

        let mut chain = ledger(3);
        assert_eq!(role(&chain, "v1"), "votes as member 1 of set 0");
        assert_eq!(standing(&chain, "v1"), (true, Some(Status::Active)));
        let body = Body { evidence: vec![double_vote(&chain, SetId(0), 0)], ..Body::default() };
        go_on(&mut chain, 4, body);
        assert_eq!(role(&chain, "v1"), "jailed at height 4, votes as member 1 until set 0 ends");
        assert_eq!(standing(&chain, "v1"), (true, Some(Status::Jailed)));
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
