use std::{
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread::spawn,
};

use super::*;
use crate::secret::Locked;

const LONG: Duration = Duration::from_secs(3600);

/// A secret that tells when it is dropped.
struct Told(Sender<Duration>);

impl Drop for Told {
    fn drop(&mut self) {
        let _ = self.0.send(since_boot());
    }
}

fn told(ttl: Duration) -> (Expiring<Told>, Receiver<Duration>) {
    let (sender, receiver) = channel();
    (Expiring::new(Told(sender), ttl).unwrap(), receiver)
}

#[test]
fn before_its_time_it_is_there_and_after_it_refused() {
    let secret = Locked::<32>::new_with(|bytes| bytes.fill(7)).unwrap();
    let secret = Expiring::new(secret, LONG).unwrap();
    assert_eq!(secret.with(|secret| secret.with(|bytes| bytes[31])), Ok(7));
    assert!(secret.remaining() > LONG - Duration::from_secs(60));
    secret.wipe();
    assert_eq!(secret.with(|_| panic!("seen although it is wiped")), Err(Expired));
    assert_eq!(secret.remaining(), Duration::ZERO);
}

#[test]
fn it_is_wiped_on_time_although_nobody_asks() {
    let start = since_boot();
    // Late ones, made before and after, do not hide the early one from the reaper.
    let (_late, _) = told(LONG);
    let (secret, wiped) = told(Duration::from_millis(50));
    let (_later, _) = told(2 * LONG);
    let at = wiped.recv().unwrap();
    let late = at.checked_sub(start + Duration::from_millis(50)).expect("too early");
    assert!(late < Duration::from_secs(1), "{late:?} late");
    assert_eq!(secret.with(|_| ()), Err(Expired));
}

#[test]
fn the_deadline_counts_even_where_the_reaper_is_late() {
    let (sender, wiped) = channel();
    let cell = Arc::new(Cell(Mutex::new(Some(Told(sender)))));
    // Nobody told the reaper of this one.
    let secret = Expiring { cell, deadline: since_boot() };
    assert_eq!(secret.with(|_| panic!("seen at its deadline")), Err(Expired));
    assert!(wiped.try_recv().is_ok(), "wiped when it was asked for");
}

#[test]
fn one_in_use_keeps_no_other_and_is_wiped_right_after() {
    let (busy, busy_wiped) = told(Duration::from_millis(20));
    let (_idle, idle_wiped) = told(Duration::from_millis(20));
    let done = Arc::new(AtomicBool::new(false));
    let mark = Arc::clone(&done);
    let user = spawn(move || {
        let used = busy.with(|_| {
            idle_wiped.recv().unwrap();
            mark.store(true, Ordering::SeqCst);
        });
        (used, busy)
    });
    busy_wiped.recv().unwrap();
    assert!(done.load(Ordering::SeqCst), "wiped while it was in use");
    assert_eq!(user.join().unwrap().0, Ok(()));
}

#[test]
fn a_panic_while_it_is_in_use_does_not_keep_it() {
    let (secret, wiped) = told(Duration::from_millis(20));
    let user = spawn(move || {
        let _ = secret.with(|_| panic!("in the middle"));
        secret
    });
    assert!(user.join().is_err());
    wiped.recv().unwrap();
}

#[test]
fn debug_tells_no_byte() {
    let secret = Locked::<4>::new_with(|bytes| bytes.copy_from_slice(b"AAAA")).unwrap();
    let status = secret.status();
    let secret = Expiring::new(secret, Duration::from_millis(59_900)).unwrap();
    assert_eq!(format!("{secret:?}"), format!("Expiring(Some(Locked(4 bytes, {status})), 59 s left)"));
}
