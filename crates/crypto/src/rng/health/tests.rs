use super::*;
use crate::rng::stream::Stream;

/// One bit in three samples: the claim of CPU jitter.
const THIRD: Entropy = Entropy { bits: 1, samples: 3 };
const ONE: Entropy = Entropy { bits: 1, samples: 1 };
const EIGHT: Entropy = Entropy { bits: 8, samples: 1 };

/// A source that has passed its start-up test, without a run or a full window behind it.
fn healthy(entropy: Entropy, window: Window) -> Health {
    let mut health = Health::raw(entropy, window);
    for i in 0..u64::from(STARTUP) {
        assert!(!health.push(1_000_000 + i), "no sample of the start-up test is used");
    }
    assert_eq!(health.state(), State::Healthy);
    health
}

/// The number of the first sample at which the source is not healthy any more, and the first at
/// which it has failed.
fn alarms(health: &mut Health, samples: impl Iterator<Item = u64>) -> (Option<usize>, Option<usize>) {
    let (mut first, mut failed) = (None, None);
    for (i, sample) in samples.enumerate() {
        health.push(sample);
        if health.state() != State::Healthy && first.is_none() {
            first = Some(i + 1);
        }
        if health.state() == State::Failed {
            failed = Some(i + 1);
            break;
        }
    }
    (first, failed)
}

#[test]
fn the_startup_test_takes_exactly_its_samples() {
    let mut health = Health::raw(ONE, Window::Wide);
    for i in 0..u64::from(STARTUP) - 1 {
        health.push(i);
    }
    assert_eq!(health.state(), State::Starting(1));
    health.push(5000);
    assert_eq!((health.state(), health.samples()), (State::Healthy, 1024));
    assert!(health.push(5001), "and then each is used");
}

#[test]
fn a_constant_stream_is_caught_at_the_cutoff_and_not_one_sample_before() {
    for (entropy, window, intermittent, permanent) in [
        (THIRD, Window::Wide, 91, 181),
        (ONE, Window::Wide, 31, 61),
        (ONE, Window::Binary, 31, 61),
        (EIGHT, Window::Wide, 5, 9),
    ] {
        let mut health = healthy(entropy, window);
        let found = alarms(&mut health, [7; 300].into_iter());
        assert_eq!(found, (Some(intermittent), Some(permanent)), "{entropy:?} {window:?}");
    }
}

/// A run of one less than the cutoff, ended by another value, over and over: no alarm. The window
/// is long enough only at a low claim for the other test to keep quiet, so the values change.
#[test]
fn runs_of_one_less_than_the_cutoff_are_no_alarm() {
    let mut health = healthy(THIRD, Window::Wide);
    let runs = (0..100).flat_map(|value| [value; 90]);
    assert_eq!(alarms(&mut health, runs), (None, None));
    assert_eq!(health.alarms(), 0);
}

#[test]
fn a_period_of_two_is_caught_at_the_cutoff_whatever_the_claim() {
    // The first sample that can equal the one two before it is the third.
    let period = |i: u64| i % 2;
    for (entropy, intermittent, permanent) in [(THIRD, 92, 182), (ONE, 32, 62)] {
        let mut health = healthy(entropy, Window::Wide);
        let found = alarms(&mut health, (0..300).map(period));
        assert_eq!(found, (Some(intermittent), Some(permanent)), "{entropy:?}");
    }
    let mut health = healthy(THIRD, Window::Wide);
    let broken = (0..).flat_map(|run| (0..91).map(move |i| 10 * run + period(i))).take(9100);
    assert_eq!(alarms(&mut health, broken), (None, None), "one sample before the cutoff");
}

/// A window that begins with a value and holds it exactly `count` times, evenly spread; all others
/// differ.
fn biased(count: u64, window: u64) -> impl Iterator<Item = u64> {
    (0..window).map(move |i| if i * count % window < count { 7 } else { 1000 + i })
}

#[test]
fn a_biased_stream_is_caught_at_the_cutoff_of_its_window() {
    for (entropy, window) in [(ONE, Window::Wide), (Entropy { bits: 2, samples: 1 }, Window::Wide)] {
        let cutoffs = Cutoffs::new(entropy, window, INTERMITTENT);
        for (count, alarm) in [(cutoffs.proportion - 1, false), (cutoffs.proportion, true)] {
            let samples: Vec<u64> = biased(count.into(), window.samples().into()).collect();
            let really = samples.iter().filter(|sample| **sample == 7).count();
            assert_eq!(really, count as usize, "the stream is what it says");
            let mut health = healthy(entropy, window);
            let found = alarms(&mut health, samples.into_iter());
            assert_eq!(found.0.is_some(), alarm, "{count} of {window:?} at {entropy:?}");
            assert_eq!(found.1, None);
        }
    }
}

/// Bits with ever more ones: the alarm comes in the window in which their count reaches the cutoff.
#[test]
fn a_slowly_degrading_binary_stream_is_caught_in_the_first_window_that_reaches_the_cutoff() {
    let cutoff = u64::from(Cutoffs::new(ONE, Window::Binary, INTERMITTENT).proportion);
    let mut health = healthy(ONE, Window::Binary);
    for ones in (500..cutoff).step_by(10).chain([cutoff - 1]) {
        let window = shuffled_bits(ones);
        assert_eq!(alarms(&mut health, window.into_iter()), (None, None), "{ones} of 1024");
    }
    let found = alarms(&mut health, shuffled_bits(cutoff).into_iter());
    assert!(found.0.is_some(), "{cutoff} of 1024");
    assert_eq!((health.alarms(), found.1), (1, None));
}

/// 1024 bits that begin with a one and hold so many, in an order without long runs or short periods.
fn shuffled_bits(ones: u64) -> Vec<u64> {
    let mut bits: Vec<u64> = (0..1024).map(|i| u64::from(i < ones)).collect();
    let mut random = Stream::new(b"shuffle");
    for i in (2..1024).rev() {
        let other = 1 + random.word() % i;
        bits.swap(usize::try_from(i).unwrap(), usize::try_from(other).unwrap());
    }
    bits
}

#[test]
fn a_stuck_bit_of_an_output_is_caught_at_the_cutoff() {
    // 2^-30 for each word over 64 bits: 1 + 30 + 6; 2^-60: 1 + 60 + 6.
    for stuck in [0, 17, 63] {
        let mut random = Stream::new(b"stuck bit");
        let mut health = Health::output();
        while health.state() != State::Healthy {
            health.push(random.word());
        }
        health.push(random.word() & !(1 << stuck));
        let found = alarms(&mut health, std::iter::repeat_with(|| random.word() | 1 << stuck).take(100));
        assert_eq!(found, (Some(37), Some(67)), "bit {stuck}");
    }
}

#[test]
fn a_good_output_passes_and_a_word_that_comes_again_does_not() {
    let mut random = Stream::new(b"output");
    let mut health = Health::output();
    assert_eq!(alarms(&mut health, (0..64).map(|_| random.word())).1, None);
    assert_eq!(alarms(&mut health, (0..20_000).map(|_| random.word())), (None, None));
    let last = random.word();
    health.push(last);
    assert!(!health.push(last));
    assert_eq!((health.state(), health.alarm()), (State::Failed, Some(Alarm::Permanent)));
}

#[test]
fn an_output_of_zeros_fails_in_the_startup_test() {
    let mut health = Health::output();
    let (_, failed) = alarms(&mut health, [0; 64].into_iter());
    assert_eq!((failed, health.state()), (Some(2), State::Failed));
}

#[test]
fn an_intermittent_alarm_discards_until_the_startup_test_is_passed_again() {
    let mut health = healthy(THIRD, Window::Wide);
    for _ in 0..91 {
        health.push(7);
    }
    assert_eq!((health.state(), health.alarms()), (State::Starting(STARTUP), 1));
    let used = (0..u64::from(STARTUP)).filter(|i| health.push(100 + i)).count();
    assert_eq!((used, health.state()), (0, State::Healthy));
    assert!(health.push(1));
}

#[test]
fn a_failed_source_stays_out_until_acknowledged() {
    let mut health = healthy(ONE, Window::Wide);
    for _ in 0..61 {
        health.push(7);
    }
    assert_eq!(health.state(), State::Failed);
    health.restart();
    assert!((0..5000).all(|sample| !health.push(sample)), "good samples do not bring it back");
    assert_eq!(health.state(), State::Failed);
    health.acknowledge();
    assert_eq!(health.state(), State::Starting(STARTUP));
}

#[test]
fn a_restart_demands_the_whole_startup_test() {
    let mut health = healthy(ONE, Window::Wide);
    health.restart();
    assert_eq!(health.state(), State::Starting(STARTUP));
    health.acknowledge();
    assert_eq!(health.state(), State::Starting(STARTUP), "nothing to acknowledge");
}
