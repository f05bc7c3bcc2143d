//! One honest count, and every way in which a signature counts nothing, each with its reason.

use std::sync::OnceLock;

use qratum_chain::{
    Hash,
    types::{BlockId, ChainId, Height, SetId, Time},
};

use super::*;

const fn checkpoint() -> Checkpoint {
    Checkpoint {
        chain_id: ChainId(Hash([1; 32])),
        height: Height(90),
        time: Time(7),
        set_id: SetId(4),
        block_id: BlockId(Hash([2; 32])),
        validators_hash: Hash([3; 32]),
        next_validators_hash: Hash([4; 32]),
        not_after: Time(99),
    }
}

fn seed(operator: u8) -> Vec<u8> {
    vec![operator; WithSlhDsa::SEED_LENGTH]
}

fn key(operator: u8) -> OperatorKey {
    static MADE: [OnceLock<OperatorKey>; 4] = [const { OnceLock::new() }; 4];
    let make = || {
        let bytes = WithSlhDsa::public(&seed(operator)).unwrap();
        OperatorKey::new(bytes.as_slice().try_into().unwrap()).unwrap()
    };
    MADE[usize::from(operator)].get_or_init(make).clone()
}

/// The signature of an operator over the checkpoint above. Slow to make, so made once.
fn signed(operator: u8) -> Endorsement {
    static MADE: [OnceLock<Vec<u8>>; 4] = [const { OnceLock::new() }; 4];
    let sign = || WithSlhDsa::sign(&seed(operator), domain::ANCHOR, &checkpoint().sign_bytes()).unwrap();
    let signature = MADE[usize::from(operator)].get_or_init(sign).clone();
    Endorsement { key: key(operator), signature }
}

fn operators(threshold: usize, keys: &[u8]) -> Operators {
    let named = |index: &u8| Operator { name: format!("op-{index}"), key: key(*index) };
    Operators::new(threshold, keys.iter().map(named).collect()).unwrap()
}

/// The count over these signatures, of which two of the operators 0, 1 and 2 are needed.
fn counted(signatures: &[(Checkpoint, Endorsement)]) -> Count {
    count(&checkpoint(), signatures, &operators(2, &[0, 1, 2]))
}

fn faults(count: &Count) -> Vec<(Option<&str>, EndorsementFault)> {
    count.refused.iter().map(|refused| (refused.operator.as_deref(), refused.fault)).collect()
}

/// The second of two signatures, changed: it counts nothing, and the first still does. Whose it is said
/// to be, and why.
fn against(change: impl Fn(&mut Checkpoint, &mut Endorsement)) -> (Option<String>, EndorsementFault) {
    let mut second = (checkpoint(), signed(1));
    change(&mut second.0, &mut second.1);
    let count = counted(&[(checkpoint(), signed(0)), second]);
    assert_eq!((count.is_met(), count.signed.as_slice()), (false, ["op-0".to_owned()].as_slice()));
    assert_eq!(count.refused.len(), 1, "{count}");
    (count.refused[0].operator.clone(), count.refused[0].fault)
}

fn own(fault: EndorsementFault) -> (Option<String>, EndorsementFault) {
    (Some("op-1".to_owned()), fault)
}

#[test]
fn two_of_three_are_enough_and_one_is_not() {
    let honest = counted(&[(checkpoint(), signed(2)), (checkpoint(), signed(0))]);
    assert!(honest.is_met());
    assert_eq!((honest.signed.join(" "), honest.missing.join(" ")), ("op-0 op-2".into(), "op-1".into()));
    assert_eq!(honest.refused, []);
    assert!(!counted(&[(checkpoint(), signed(0))]).is_met());
}

#[test]
fn both_halves_must_hold_and_be_there() {
    for (at, fault) in [
        (0, EndorsementFault::Ed25519),
        (31, EndorsementFault::Ed25519),
        (63, EndorsementFault::Ed25519),
        (64, EndorsementFault::SlhDsa),
        (8_000, EndorsementFault::SlhDsa),
        (Endorsement::LENGTH - 1, EndorsementFault::SlhDsa),
    ] {
        assert_eq!(against(|_, it| it.signature[at] ^= 1), own(fault), "byte {at}");
    }
    let both = |_: &mut Checkpoint, it: &mut Endorsement| {
        it.signature[5] ^= 1;
        it.signature[500] ^= 1;
    };
    assert_eq!(against(both), own(EndorsementFault::BothHalves));
    assert_eq!(against(|_, it| it.signature.truncate(64)), own(EndorsementFault::Length), "no SLH-DSA half");
    let no_ed25519 = |_: &mut Checkpoint, it: &mut Endorsement| drop(it.signature.drain(..64));
    assert_eq!(against(no_ed25519), own(EndorsementFault::Length));
    assert_eq!(against(|_, it| it.signature.clear()), own(EndorsementFault::Length));
    assert_eq!(against(|_, it| it.signature.push(0)), own(EndorsementFault::Length));
    let halves_of_two = |_: &mut Checkpoint, it: &mut Endorsement| {
        it.signature.splice(64.., signed(0).signature.split_off(64));
    };
    assert_eq!(against(halves_of_two), own(EndorsementFault::SlhDsa));
    assert_eq!(against(|_, it| it.signature = signed(0).signature), own(EndorsementFault::BothHalves));
}

#[test]
fn outsiders_doubles_and_other_checkpoints_count_nothing() {
    assert_eq!(against(|_, it| *it = signed(3)), (None, EndorsementFault::Outsider));
    assert_eq!(against(|_, it| it.key = key(3)), (None, EndorsementFault::Outsider));
    let twice = (Some("op-0".to_owned()), EndorsementFault::Twice);
    assert_eq!(against(|_, it| *it = signed(0)), twice, "one operator twice is one");
    let other = |over: &mut Checkpoint, it: &mut Endorsement| {
        over.height.0 += 1;
        *it = signed(0);
    };
    let elsewhere = (Some("op-0".to_owned()), EndorsementFault::OtherCheckpoint);
    assert_eq!(against(other), elsewhere, "of one who signed this one too");
    for change in [
        |it: &mut Checkpoint| it.chain_id.0.0[0] ^= 1,
        |it: &mut Checkpoint| it.height.0 += 1,
        |it: &mut Checkpoint| it.not_after.0 += 1,
    ] {
        assert_eq!(against(|over, _| change(over)), own(EndorsementFault::OtherCheckpoint));
        // The signature over ours, said to be over that one.
        let mut other = checkpoint();
        change(&mut other);
        let elsewhere = count(&other, &[(other.clone(), signed(1))], &operators(1, &[1]));
        assert_eq!(faults(&elsewhere), [(Some("op-1"), EndorsementFault::BothHalves)]);
    }
}

#[test]
fn a_false_signature_takes_nothing_from_a_true_one_of_the_same_operator() {
    let mut bad = signed(1);
    bad.signature[0] ^= 1;
    let files = [(checkpoint(), bad), (checkpoint(), signed(1)), (checkpoint(), signed(0))];
    let count = counted(&files);
    assert!(count.is_met());
    assert_eq!(faults(&count), [(Some("op-1"), EndorsementFault::Ed25519)]);
    assert_eq!(
        count.to_string(),
        "2 of 3 operators signed it, 2 must; missing: op-2; refused, of op-1: the Ed25519 half does not hold"
    );
}

#[test]
fn a_list_of_operators_names_each_once_with_a_key_of_its_own() {
    let made = |threshold, all: &[(&str, OperatorKey)]| {
        let operator =
            |(name, key): &(&str, OperatorKey)| Operator { name: (*name).to_owned(), key: key.clone() };
        Operators::new(threshold, all.iter().map(operator).collect()).map(|made| made.all().len())
    };
    let (one, two) = (("one", key(0)), ("two", key(1)));
    assert_eq!(made(2, &[one.clone(), two.clone()]), Ok(2));
    assert_eq!(made(0, std::slice::from_ref(&one)), Err(OperatorsFault::Threshold(0)));
    assert_eq!(made(2, std::slice::from_ref(&one)), Err(OperatorsFault::Threshold(2)));
    assert_eq!(made(1, &[]), Err(OperatorsFault::Count(0)));
    let many = vec![one.clone(); MAX_OPERATORS + 1];
    assert_eq!(made(1, &many), Err(OperatorsFault::Count(MAX_OPERATORS + 1)));
    assert_eq!(made(1, &[("One", key(0))]), Err(OperatorsFault::Name("One".to_owned())));
    assert_eq!(made(1, &[one.clone(), ("one", key(1))]), Err(OperatorsFault::Name("one".to_owned())));
    for shared in [
        key(0),
        OperatorKey { ed25519: key(0).ed25519, ..key(1) },
        OperatorKey { slh_dsa: key(0).slh_dsa, ..key(1) },
        OperatorKey { ed25519: [0xff; 32], ..key(1) },
    ] {
        assert_eq!(made(1, &[one.clone(), ("two", shared)]), Err(OperatorsFault::Key("two".to_owned())));
    }
}
