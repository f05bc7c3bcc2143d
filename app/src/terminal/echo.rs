//! Has the terminal seen the last frame? It is asked behind each one, and answers in the order of
//! what it reads.
//!
//! A write that has returned says little: a pseudo terminal holds some 20 kB, a connection far more.
//! Whoever goes by that alone fills all of it with pictures that are old when they are seen.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::{sync::Notify, time::timeout_at};

/// "Are you well?", ECMA-48 8.3.35 with parameter 5. The answer is `ESC [ 0 n`.
pub(super) const QUESTION: &[u8] = b"\x1b[5n";
/// How long a terminal that has never answered may take to.
const FIRST: Duration = Duration::from_secs(1);
/// When a key comes so long after the last question, the answer was lost: people press keys at a
/// terminal that shows something.
const LOST: Duration = Duration::from_secs(5);
/// What is urgent need not wait for so many bytes: a slow line carries them in a second.
const WINDOW: usize = 1024;

/// What is on its way to the terminal, for the two threads that know of it.
#[derive(Debug)]
pub(crate) struct Echo {
    flight: Mutex<Flight>,
    changed: Condvar,
    heard: Notify,
}

impl Echo {
    pub(super) fn new() -> Self {
        Self {
            flight: Mutex::new(Flight::new(Instant::now())),
            changed: Condvar::new(),
            heard: Notify::new(),
        }
    }

    /// Puts the question behind these bytes, where it makes sense to.
    pub(super) fn ask(&self, bytes: Vec<u8>) -> Vec<u8> {
        self.flight().ask(bytes, Instant::now())
    }

    /// The terminal has answered.
    pub(super) fn answer(&self) {
        self.tell(Flight::answer);
    }

    /// A key was pressed.
    pub(super) fn press(&self) {
        self.tell(|flight| flight.press(Instant::now()));
    }

    /// Another terminal may be there now: as at the start.
    pub(super) fn forget(&self) {
        self.tell(|flight| *flight = Flight::new(Instant::now()));
    }

    /// Whether answers may still come.
    pub(super) fn is_open(&self) -> bool {
        !self.flight().open.is_empty()
    }

    /// Waits until a frame may be sent.
    pub(super) async fn room(&self, urgent: bool) {
        loop {
            // Registered before the look, so that nothing that happens between is missed.
            let heard = self.heard.notified();
            let room = self.flight().room(urgent, Instant::now());
            match room {
                Room::Now => return,
                // Time alone is looked at again.
                Room::At(late) => drop(timeout_at(late.into(), heard).await),
                Room::Answered => heard.await,
            }
        }
    }

    /// Waits until all has been answered, at most so long.
    pub(super) fn wait(&self, within: Duration) {
        let owed = |flight: &mut Flight| !flight.open.is_empty() && flight.manner == Manner::Answers;
        drop(self.changed.wait_timeout_while(self.flight(), within, owed));
    }

    fn tell(&self, change: impl FnOnce(&mut Flight)) {
        change(&mut self.flight());
        self.changed.notify_all();
        self.heard.notify_waiters();
    }

    fn flight(&self) -> MutexGuard<'_, Flight> {
        self.flight.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was sent and not answered, and what is known of who should.
#[derive(Debug)]
struct Flight {
    manner: Manner,
    /// Bytes in front of each question that is not answered, the oldest first.
    open: VecDeque<usize>,
    /// When the last of them was asked.
    asked: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// It has not been heard yet.
    New,
    Answers,
    /// It does not know the question, and is not asked again.
    Silent,
}

/// When a frame may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    Now,
    /// When an answer comes, and not before.
    Answered,
    /// The same, or then: there may be nobody who answers.
    At(Instant),
}

impl Flight {
    const fn new(now: Instant) -> Self {
        Self { manner: Manner::New, open: VecDeque::new(), asked: now }
    }

    fn ask(&mut self, mut bytes: Vec<u8>, now: Instant) -> Vec<u8> {
        if self.manner != Manner::Silent {
            bytes.extend(QUESTION);
            self.open.push_back(bytes.len());
            self.asked = now;
        }
        bytes
    }

    /// What is in front of the oldest question is shown.
    fn answer(&mut self) {
        self.manner = Manner::Answers;
        self.open.pop_front();
    }

    fn press(&mut self, now: Instant) {
        if now.saturating_duration_since(self.asked) > LOST {
            self.open.clear();
        }
    }

    fn room(&mut self, urgent: bool, now: Instant) -> Room {
        let late = self.asked.checked_add(FIRST).unwrap_or(now);
        if self.manner == Manner::New && !self.open.is_empty() && now >= late {
            self.manner = Manner::Silent;
            self.open.clear();
        }
        match self.manner {
            _ if self.open.is_empty() => Room::Now,
            _ if urgent && self.open.iter().sum::<usize>() <= WINDOW => Room::Now,
            Manner::New => Room::At(late),
            Manner::Answers | Manner::Silent => Room::Answered,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One that has answered once, and now.
    fn known() -> (Flight, Instant) {
        let now = Instant::now();
        let mut flight = Flight::new(now);
        flight.ask(b"hello".to_vec(), now);
        flight.answer();
        (flight, now)
    }

    #[test]
    fn a_frame_waits_for_the_answer_to_the_last_for_as_long_as_that_takes() {
        let (mut flight, now) = known();
        assert_eq!(flight.ask(b"frame".to_vec(), now), b"frame\x1b[5n");
        assert_eq!(flight.room(false, now + Duration::from_secs(120)), Room::Answered);
        flight.answer();
        assert_eq!(flight.room(false, now), Room::Now);
    }

    #[test]
    fn what_is_urgent_waits_for_no_more_than_a_second_of_a_slow_line() {
        let (mut flight, now) = known();
        flight.ask(vec![0; WINDOW - QUESTION.len()], now);
        assert_eq!([true, false].map(|urgent| flight.room(urgent, now)), [Room::Now, Room::Answered]);
        flight.ask(vec![0], now);
        assert_eq!(flight.room(true, now), Room::Answered);
        flight.answer();
        assert_eq!([true, false].map(|urgent| flight.room(urgent, now)), [Room::Now, Room::Answered]);
    }

    #[test]
    fn a_terminal_that_does_not_know_the_question_is_not_asked_for_long() {
        let now = Instant::now();
        let mut flight = Flight::new(now);
        assert_eq!(flight.room(false, now + LOST), Room::Now, "nothing was asked");
        assert_eq!(flight.ask(b"a".to_vec(), now), b"a\x1b[5n");
        assert_eq!(flight.room(false, now), Room::At(now + FIRST));
        assert_eq!(flight.room(false, now + FIRST), Room::Now);
        assert_eq!(flight.ask(b"b".to_vec(), now), b"b");
        assert_eq!(flight.room(false, now), Room::Now);
        // It was only slow.
        flight.answer();
        assert_eq!(flight.ask(b"c".to_vec(), now), b"c\x1b[5n");
        assert_eq!(flight.room(false, now + FIRST), Room::Answered);
    }

    #[test]
    fn a_key_long_after_a_question_says_that_its_answer_was_lost() {
        let (mut flight, now) = known();
        flight.ask(Vec::new(), now);
        flight.press(now + LOST);
        assert_eq!(flight.room(false, now), Room::Answered, "it may only be slow");
        flight.press(now + LOST + Duration::from_millis(1));
        assert_eq!(flight.room(false, now), Room::Now);
    }
}
