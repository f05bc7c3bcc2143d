use std::panic::{AssertUnwindSafe, catch_unwind};

use rustix::process::{Resource, Rlimit, setrlimit};

use super::{slab::SLOT, *};
use crate::testing::{case, child};

#[test]
fn it_starts_as_zeros_and_keeps_what_is_written() {
    let mut secret = Locked::<32>::new_with(|bytes| assert_eq!(*bytes, [0; 32])).unwrap();
    secret.with_mut(|bytes| bytes.fill(7));
    assert!(secret.with(|bytes| *bytes == [7; 32]));
    let mut large =
        LockedBytes::new_with(10_000, |bytes| assert!(bytes.iter().all(|byte| *byte == 0))).unwrap();
    large.with_mut(|bytes| bytes[9_999] = 7);
    assert_eq!(large.with(|bytes| (bytes.len(), bytes[9_998], bytes[9_999])), (10_000, 0, 7));
    assert_eq!((large.len(), large.is_empty()), (10_000, false));
    assert!(LockedBytes::new_with(0, |_| ()).unwrap().is_empty());
}

#[test]
fn secrets_do_not_lie_in_each_other() {
    let mut all: Vec<Locked<SLOT>> =
        (0..600).map(|i| Locked::new_with(|bytes| bytes.fill(i as u8)).unwrap()).collect();
    for (i, secret) in all.iter().enumerate() {
        assert!(secret.with(|bytes| *bytes == [i as u8; SLOT]), "{i}");
    }
    all.truncate(300);
    all.extend((0..300).map(|_| Locked::new_with(|bytes| assert_eq!(*bytes, [0; SLOT])).unwrap()));
}

/// Where a secret lies. Only a test may know.
fn address<const N: usize>(secret: &Locked<N>) -> *const u8 {
    secret.with(|bytes| bytes.as_ptr())
}

#[test]
fn a_dropped_secret_is_gone_from_its_slot() {
    let secret = Locked::<32>::new_with(|bytes| bytes.fill(0xa5)).unwrap();
    let at = address(&secret);
    drop(secret);
    // SAFETY: the slab lives as long as the process; this test alone runs in it or takes a slot since.
    assert_eq!(unsafe { at.cast::<[u8; 32]>().read_volatile() }, [0; 32]);
}

#[test]
fn what_a_failed_or_panicking_fill_wrote_is_wiped() {
    let mut at = std::ptr::null();
    let failed = Locked::<32>::try_new_with(|bytes| {
        bytes.fill(0xa5);
        at = bytes.as_ptr();
        Err(Refused::NoMemory(io::ErrorKind::OutOfMemory.into()))
    });
    assert!(failed.is_err());
    // SAFETY: as in the test above.
    assert_eq!(unsafe { at.cast::<[u8; 32]>().read_volatile() }, [0; 32]);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        Locked::<32>::new_with(|bytes| {
            bytes.fill(0xa5);
            at = bytes.as_ptr();
            panic!("in the middle");
        })
    }));
    assert!(panicked.is_err());
    // SAFETY: as in the test above.
    assert_eq!(unsafe { at.cast::<[u8; 32]>().read_volatile() }, [0; 32]);
}

#[test]
fn what_is_absorbed_is_wiped_where_it_was() {
    let mut source = [7; 32];
    let secret = Locked::absorb(&mut source).unwrap();
    assert_eq!(source, [0; 32]);
    assert!(secret.with(|bytes| *bytes == [7; 32]));
}

#[test]
fn equality_looks_at_every_byte_and_the_length() {
    let secret = |bytes: &[u8]| LockedBytes::new_with(bytes.len(), |to| to.copy_from_slice(bytes)).unwrap();
    assert!(secret(b"same").ct_eq(&secret(b"same")));
    for other in [&b"Same"[..], b"samE", b"sam", b"same\0", b""] {
        assert!(!secret(b"same").ct_eq(&secret(other)), "{other:?}");
    }
    let array = |byte| Locked::<64>::new_with(|bytes| bytes[63] = byte).unwrap();
    assert!(array(1).ct_eq(&array(1)) && !array(1).ct_eq(&array(2)));
}

#[test]
fn debug_tells_length_and_lock_only() {
    let secret = Locked::<32>::new_with(|bytes| bytes.fill(b'A')).unwrap();
    assert_eq!(format!("{secret:?}"), format!("Locked(32 bytes, {})", secret.status()));
    let large = LockedBytes::new_with(500, |bytes| bytes.fill(b'A')).unwrap();
    assert_eq!(format!("{large:?}"), format!("LockedBytes(500 bytes, {})", large.status()));
}

#[test]
fn where_memory_cannot_be_locked_a_biokey_is_not_made() {
    const NAME: &str = "secret::tests::where_memory_cannot_be_locked_a_biokey_is_not_made";
    if case().is_none() {
        let output = child(NAME, "no right to lock");
        return assert!(output.status.success(), "{output:?}");
    }
    setrlimit(Resource::Memlock, Rlimit { current: Some(0), maximum: Some(0) }).unwrap();
    let never = |_: &mut [u8]| -> Result<(), Refused> { panic!("filled although it is not locked") };
    let refused = LockedBytes::require_locked(32, never).unwrap_err();
    assert!(matches!(&refused, Refused::NotLocked(error) if error.raw_os_error() == Some(libc::EPERM)));
    let refused = Locked::<32>::require_locked(|bytes| never(bytes)).unwrap_err();
    assert!(refused.to_string().contains("ulimit -l"), "{refused}");
    // What need not be locked is made, and says how it is kept.
    let shown = Locked::<32>::new_with(|bytes| bytes.fill(7)).unwrap();
    assert_eq!(shown.status(), LockStatus::Unlocked(libc::EPERM));
    assert_eq!(status().unwrap(), shown.status());
}

#[test]
fn where_memory_can_be_locked_a_biokey_is_made() {
    let made = LockedBytes::require_locked::<Refused>(32, |bytes| {
        bytes.fill(7);
        Ok(())
    });
    assert!(made.unwrap().status().is_locked());
}

/// The slab takes sixteen pages; what counts is the page that will hold the secret.
#[test]
fn where_the_slab_cannot_be_locked_and_a_page_can_a_biokey_is_made_on_a_page() {
    const NAME: &str =
        "secret::tests::where_the_slab_cannot_be_locked_and_a_page_can_a_biokey_is_made_on_a_page";
    if case().is_none() {
        let output = child(NAME, "one page");
        return assert!(output.status.success(), "{output:?}");
    }
    let page = rustix::param::page_size() as u64;
    setrlimit(Resource::Memlock, Rlimit { current: Some(page), maximum: Some(page) }).unwrap();
    let make = || Locked::<32>::require_locked::<Refused>(|_| Ok(()));
    let first = make().unwrap();
    assert_eq!(first.status(), LockStatus::Mlocked);
    let second = make().unwrap_err();
    assert!(matches!(&second, Refused::NotLocked(error) if error.raw_os_error() == Some(libc::ENOMEM)));
    drop(first);
    assert!(make().unwrap().status().is_locked());
}

#[test]
fn what_is_alone_shares_its_pages_with_nobody() {
    let page = rustix::param::page_size();
    let alone = || Locked::<64>::alone_with(|bytes| bytes.fill(7)).unwrap();
    let (one, other, small) = (alone(), alone(), Locked::<64>::new_with(|_| ()).unwrap());
    let pages = [&one, &other, &small].map(|secret| address(secret).addr() / page);
    assert!(pages[0] != pages[1] && pages[0] != pages[2] && pages[1] != pages[2], "{pages:?}");
    assert!(one.status().is_locked() && one.with(|bytes| *bytes == [7; 64]));
}
