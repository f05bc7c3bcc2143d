//! The models of `make prove` in small bounds, and that each can fail: every threshold and rule
//! of the law is needed, and without it the model finds the case that breaks.

#![allow(clippy::unwrap_used, reason = "a test file: a panic is the verdict")]

use qratum_tests::model::{
    Law,
    handover::{self, Astray, Bounds},
    quorum::{self, Broken, CORNERS},
    refinement,
};
use qratum_verifier::quorum::Tally;

const SMALL: quorum::Bounds<'_> = quorum::Bounds { members: 5, powers: &[1, 2, 3], unordered: false };
const CHAIN: Bounds = Bounds { keys: 3, power: 1, sets: 3, set_length: 1 };

fn at_least_two_thirds(tally: Tally) -> bool {
    3 * tally.signed >= 2 * tally.total
}

fn at_least_a_third(tally: Tally) -> bool {
    3 * tally.signed >= tally.total
}

fn broken(law: Law) -> Broken {
    *quorum::check(SMALL, &law).unwrap_err()
}

fn astray(law: Law) -> Astray {
    *handover::search(CHAIN, &law).unwrap_err()
}

#[test]
fn quorums_share_an_honest_member_within_small_bounds() {
    let checked = quorum::check(SMALL, &Law::VERIFIER).unwrap();
    assert_eq!(checked.vectors, 3 + 9 + 27 + 81 + 243);
    assert!(checked.pairs > 10_000, "{checked}");
    let corners = quorum::Bounds { members: 4, powers: CORNERS, unordered: true };
    quorum::check(corners, &Law::VERIFIER).unwrap();
}

#[test]
fn the_quorum_model_sees_weaker_thresholds() {
    let quorum = broken(Law { quorum: at_least_two_thirds, ..Law::VERIFIER });
    assert_eq!(quorum.promise, "two quorums share more than a third");
    let dead = broken(Law { quorum: |tally| tally.signed == tally.total, ..Law::VERIFIER });
    assert_eq!(dead.promise, "the honest alone are a quorum");
    let none = broken(Law { third: |_| true, ..Law::VERIFIER });
    assert_eq!(none.promise, "more than a third has an honest member");
    let third = broken(Law { third: at_least_a_third, ..Law::VERIFIER });
    assert_eq!(third.promise, "multiplied thresholds are the divided ones");
}

/// Arithmetic in 64 bits is right for small powers and wrong at the corners.
#[test]
fn the_quorum_model_sees_an_overflow() {
    let wrapping =
        |tally: Tally| (tally.signed as u64).wrapping_mul(3) > (tally.total as u64).wrapping_mul(2);
    let law = Law { quorum: wrapping, ..Law::VERIFIER };
    assert!(quorum::check(SMALL, &law).is_ok());
    let corners = quorum::Bounds { members: 3, powers: CORNERS, unordered: true };
    assert!(quorum::check(corners, &law).is_err());
}

#[test]
fn no_light_client_is_led_astray_within_small_bounds() {
    let checked = handover::search(CHAIN, &Law::VERIFIER).unwrap();
    assert!(checked.chains > 100 && checked.steps > 10_000, "{checked}");
    let two = Bounds { keys: 3, power: 2, sets: 2, set_length: 2 };
    handover::search(two, &Law::VERIFIER).unwrap();
}

#[test]
fn the_hand_over_model_sees_weaker_rules() {
    let verifier = Law::VERIFIER;
    let unsigned = astray(Law { quorum: |_| true, ..verifier });
    assert_eq!(unsigned.what, "a lie is believed");
    let quorum = astray(Law { quorum: at_least_two_thirds, ..verifier });
    assert_eq!(quorum.what, "two blocks are believed");
    let skip = astray(Law { third: at_least_a_third, ..verifier });
    assert_eq!(skip.what, "a lie is believed");
    assert!(skip.to > skip.from + 1, "by a skip: {skip:?}");
    let unnamed = astray(Law { named: false, ..verifier });
    assert_eq!((unnamed.what, unnamed.to), ("a lie is believed", unnamed.from + 1));
}

/// The bound on faults is tight: with more than a third of a set at fault there is a way.
#[test]
fn the_hand_over_model_sees_too_many_at_fault() {
    let half = astray(Law { faulty: |tally| 2 * tally.signed <= tally.total, ..Law::VERIFIER });
    assert_eq!(half.what, "a lie is believed");
}

#[test]
fn the_model_steps_as_the_verifier_does() {
    let checked = refinement::compare(300).unwrap();
    assert!(checked.accepted > 20 && checked.blocks - checked.accepted > 100, "{checked}");
}
