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
/// When an answer does not come for so long, it may be lost, also where no key says so: the question is
/// put again, by itself, so that a terminal that does not read gets four bytes and no picture.
const ABSENT: Duration = Duration::from_secs(30);
/// A slow line takes so long for a byte, and nobody waits longer for one that may be dead.
const BYTE: Duration = Duration::from_millis(1);
const LONGEST_WAY: Duration = Duration::from_secs(5);
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

    /// Waits until a frame may be sent (true), or the question is to be put again (false).
    pub(super) async fn room(&self, urgent: bool) -> bool {
        loop {
            // Registered before the look, so that nothing that happens between is missed.
            let heard = self.heard.notified();
            let room = self.flight().room(urgent, Instant::now());
            match room {
                Room::Now => return true,
                Room::Ask => return false,
                // Time alone is looked at again.
                Room::At(late) => drop(timeout_at(late.into(), heard).await),
            }
        }
    }

    /// These bytes were never sent: what they ask is not answered.
    pub(super) fn unsent(&self, bytes: &[u8]) {
        self.tell(|flight| flight.unsent(bytes));
    }

    /// Waits until all has been answered, at most so long and as much longer as a slow line takes for what
    /// is on its way.
    pub(super) fn wait(&self, within: Duration) {
        let flight = self.flight();
        let within = within.saturating_add(flight.way());
        drop(self.changed.wait_timeout_while(flight, within, |flight| flight.is_owed()));
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
    /// Whether a question was put again: the next answer then says that the terminal reads, and which
    /// one it belongs to is not known.
    again: bool,
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
    /// When an answer comes, or then: it may be lost, or there is nobody who answers.
    At(Instant),
    /// When the question, put again, has been answered.
    Ask,
}

impl Flight {
    const fn new(now: Instant) -> Self {
        Self { manner: Manner::New, open: VecDeque::new(), asked: now, again: false }
    }

    fn ask(&mut self, mut bytes: Vec<u8>, now: Instant) -> Vec<u8> {
        if self.manner != Manner::Silent {
            bytes.extend(QUESTION);
            self.open.push_back(bytes.len());
            self.asked = now;
        }
        bytes
    }

    /// Whether an answer may still come; also the first, of which nobody knows.
    fn is_owed(&self) -> bool {
        !self.open.is_empty() && self.manner != Manner::Silent
    }

    /// How long a slow line takes for all that is not answered.
    fn way(&self) -> Duration {
        let bytes = self.open.iter().fold(0, |sum: usize, bytes| sum.saturating_add(*bytes));
        u32::try_from(bytes).map_or(LONGEST_WAY, |bytes| (BYTE * bytes).min(LONGEST_WAY))
    }

    /// What is in front of the oldest question is shown.
    fn answer(&mut self) {
        self.manner = Manner::Answers;
        if std::mem::take(&mut self.again) {
            self.open.clear();
        } else {
            self.open.pop_front();
        }
    }

    /// The newest questions are those of the bytes that are still here.
    fn unsent(&mut self, bytes: &[u8]) {
        let questions = bytes.windows(QUESTION.len()).filter(|part| *part == QUESTION).count();
        self.open.truncate(self.open.len().saturating_sub(questions));
    }

    fn press(&mut self, now: Instant) {
        if now.saturating_duration_since(self.asked) > LOST {
            self.open.clear();
        }
    }

    fn room(&mut self, urgent: bool, now: Instant) -> Room {
        let patience = if self.manner == Manner::New { FIRST } else { ABSENT };
        let late = self.asked.checked_add(patience).unwrap_or(now);
        if !self.open.is_empty() && now >= late {
            if self.manner == Manner::Answers {
                self.again = true;
                return Room::Ask;
            }
            self.manner = Manner::Silent;
            self.open.clear();
        }
        let small = urgent && self.open.iter().sum::<usize>() <= WINDOW;
        if self.open.is_empty() || small { Room::Now } else { Room::At(late) }
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
    fn a_frame_waits_for_the_answer_to_the_last() {
        let (mut flight, now) = known();
        assert_eq!(flight.ask(b"frame".to_vec(), now), b"frame\x1b[5n");
        assert_eq!(flight.room(false, now), Room::At(now + ABSENT));
        flight.answer();
        assert_eq!(flight.room(false, now), Room::Now);
    }

    /// A terminal that reads answers then; one that does not gets no picture on top of the last.
    #[test]
    fn where_an_answer_does_not_come_the_question_is_put_again() {
        let (mut flight, now) = known();
        flight.ask(b"frame".to_vec(), now);
        let late = now + ABSENT;
        assert_eq!(flight.room(false, late - Duration::from_millis(1)), Room::At(late));
        for turn in 0..3 {
            let late = late + ABSENT * turn;
            assert_eq!(flight.room(false, late), Room::Ask);
            assert_eq!(flight.ask(Vec::new(), late), QUESTION);
            assert_eq!(flight.room(false, late), Room::At(late + ABSENT));
        }
        flight.answer();
        assert_eq!(flight.room(false, late), Room::Now);
        // The answers to the others come as well, and stand for no frame that was sent before them.
        flight.answer();
        flight.ask(b"next".to_vec(), late);
        assert_eq!(flight.room(false, late), Room::At(late + ABSENT));
    }

    #[test]
    fn what_was_not_sent_owes_no_answer() {
        let (mut flight, now) = known();
        flight.ask(b"sent".to_vec(), now);
        let frames = [&b"one"[..], b"two"].map(|frame| flight.ask(frame.to_vec(), now)).concat();
        assert_eq!(flight.open.len(), 3);
        flight.unsent(&frames);
        assert_eq!(flight.open, [b"sent\x1b[5n".len()]);
        flight.unsent(b"");
        assert_eq!(flight.open.len(), 1);
    }

    /// A whole picture on a slow line is awaited; a terminal that may be dead is not for ever.
    #[test]
    fn the_last_answer_is_awaited_as_long_as_a_slow_line_takes() {
        let (mut flight, now) = known();
        assert_eq!(flight.way(), Duration::ZERO);
        for bytes in [1400, 600] {
            flight.ask(vec![0; bytes - QUESTION.len()], now);
        }
        assert_eq!(flight.way(), Duration::from_secs(2));
        flight.ask(vec![0; 1 << 20], now);
        assert_eq!(flight.way(), LONGEST_WAY);
    }

    /// It would come to whoever has the terminal next.
    #[test]
    fn the_first_answer_is_owed_like_any_other() {
        let now = Instant::now();
        let mut flight = Flight::new(now);
        assert!(!flight.is_owed(), "nothing was asked");
        flight.ask(b"first".to_vec(), now);
        assert!(flight.is_owed());
        flight.answer();
        assert!(!flight.is_owed());
    }

    #[test]
    fn what_is_urgent_waits_for_no_more_than_a_second_of_a_slow_line() {
        let (mut flight, now) = known();
        let later = Room::At(now + ABSENT);
        flight.ask(vec![0; WINDOW - QUESTION.len()], now);
        assert_eq!([true, false].map(|urgent| flight.room(urgent, now)), [Room::Now, later]);
        flight.ask(vec![0], now);
        assert_eq!(flight.room(true, now), later);
        flight.answer();
        assert_eq!([true, false].map(|urgent| flight.room(urgent, now)), [Room::Now, later]);
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
        assert_eq!(flight.room(false, now + FIRST), Room::At(now + ABSENT));
    }

    #[test]
    fn a_key_long_after_a_question_says_that_its_answer_was_lost() {
        let (mut flight, now) = known();
        flight.ask(Vec::new(), now);
        flight.press(now + LOST);
        assert_eq!(flight.room(false, now), Room::At(now + ABSENT), "it may only be slow");
        flight.press(now + LOST + Duration::from_millis(1));
        assert_eq!(flight.room(false, now), Room::Now);
    }
}
