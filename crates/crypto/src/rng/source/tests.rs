use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use super::*;
use crate::rng::stream::Stream;

const ABOUT: Description = Description { id: "device", class: Class::Tpm, credit: 256 };

/// A device over reproducible words, where `change` may spoil the read of each number.
fn device(mut change: impl FnMut(usize, &mut [u8; LENGTH]) -> Result<(), Fault> + Send) -> impl Source {
    let mut random = Stream::new(b"device");
    let mut reads = 0;
    Device::new(ABOUT, move |bytes| {
        reads += 1;
        bytes.copy_from_slice(&random.bytes(LENGTH));
        change(reads, bytes)
    })
}

fn collect(source: &mut impl Source) -> Result<(u32, [u8; LENGTH]), Fault> {
    let mut bytes = [0xaa; LENGTH];
    match source.collect(&mut bytes) {
        Ok(credit) => Ok((credit, bytes)),
        Err(fault) => {
            assert_eq!(bytes, [0; LENGTH], "a fault leaves zeros");
            Err(fault)
        }
    }
}

#[test]
fn a_device_is_read_for_its_startup_test_first_and_then_used() {
    let reads = Arc::new(AtomicUsize::new(0));
    let counted = reads.clone();
    let mut source = device(move |number, _| {
        counted.store(number, Ordering::Relaxed);
        Ok(())
    });
    let first = collect(&mut source).unwrap();
    // 64 words of eight bytes are eight reads, and the ninth is what is used.
    assert_eq!((first.0, reads.load(Ordering::Relaxed)), (256, 9));
    let second = collect(&mut source).unwrap();
    assert_eq!(reads.load(Ordering::Relaxed), 10);
    assert_ne!(first.1, second.1);
}

#[test]
fn a_device_that_fails_once_fails_that_collection_only() {
    let mut source = device(|number, _| if number == 10 { Err(Fault::Failed) } else { Ok(()) });
    assert!(collect(&mut source).is_ok());
    assert_eq!(collect(&mut source), Err(Fault::Failed));
    assert!(collect(&mut source).is_ok());
}

/// Checked when it is used, and not only some time before.
#[test]
fn a_device_that_gets_stuck_after_its_test_is_refused_in_that_collection() {
    for stuck in [[0x00; LENGTH], [0xff; LENGTH], [0x5a; LENGTH]] {
        let mut source = device(move |number, bytes| {
            if number >= 10 {
                *bytes = stuck;
            }
            Ok(())
        });
        assert!(collect(&mut source).is_ok());
        assert_eq!(collect(&mut source), Err(Fault::Unhealthy(Alarm::Permanent)));
        assert_eq!(collect(&mut source), Err(Fault::Unhealthy(Alarm::Permanent)), "and stays out");
        source.health_mut().acknowledge();
        assert_eq!(collect(&mut source), Err(Fault::Unhealthy(Alarm::Permanent)), "while it is stuck");
    }
}

#[test]
fn a_device_that_repeats_its_last_answer_is_refused() {
    let mut last = [0; LENGTH];
    let mut source = device(move |number, bytes| {
        if number == 12 {
            *bytes = last;
        }
        last = *bytes;
        Ok(())
    });
    assert!((0..3).all(|_| collect(&mut source).is_ok()));
    assert_eq!(collect(&mut source), Err(Fault::Unhealthy(Alarm::Permanent)));
}

#[test]
fn a_credit_is_never_above_what_its_class_allows() {
    let mut random = Stream::new(b"boast");
    let about = Description { id: "boast", class: Class::Auxiliary, credit: 512 };
    let mut source = Device::new(about, move |bytes| {
        bytes.copy_from_slice(&random.bytes(LENGTH));
        Ok(())
    });
    assert_eq!(collect(&mut source).unwrap().0, 0);
}

#[test]
fn the_kernel_fills_the_whole_buffer() {
    let mut source = kernel();
    let (credit, bytes) = collect(&mut source).unwrap();
    assert_eq!((source.id(), source.class(), credit), ("system-rng", Class::Kernel, 256));
    assert!(bytes.as_chunks::<8>().0.iter().all(|word| *word != [0; 8]));
}

/// On a CPU without them they are not there, which is no error of the machine; never does one stand
/// in for the other.
#[test]
fn the_two_instructions_are_two_sources() {
    let (mut rdseed, mut rdrand) = (rdseed(), rdrand());
    assert_eq!((rdseed.id(), rdrand.id()), ("cpu-rdseed", "cpu-rdrand"));
    let there = [Rdseed::detect().is_some(), Rdrand::detect().is_some()];
    let credits = [collect(&mut rdseed), collect(&mut rdrand)].map(|given| given.map(|(credit, _)| credit));
    for ((there, credit), expected) in there.into_iter().zip(credits).zip([256, 128]) {
        assert_eq!(credit, if there { Ok(expected) } else { Err(Fault::Unavailable) });
    }
}

#[test]
fn ids_are_unique() {
    let mut ids: Vec<_> = local(|| 0).iter().map(|source| source.id()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 4);
}

/// A bit that changes every 40 words fails the start-up test again and again, and never for good.
#[test]
fn a_device_that_never_passes_its_startup_test_is_given_up() {
    let mut words = 0;
    let mut source = device(move |_, bytes| {
        for word in bytes.chunks_mut(8) {
            word[0] = word[0] & 0xfe | u8::from(words / 40 % 2 == 0);
            words += 1;
        }
        Ok(())
    });
    assert_eq!(collect(&mut source), Err(Fault::Unhealthy(Alarm::Intermittent)));
}
