//! When may a peer be dialled again? At once, then after a pause that doubles each time and
//! starts over when the peer has answered something.

use std::time::Duration;

use tokio::time::Instant;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// The pause before the next attempt. A peer that accepts connections and drops them again waits
/// as long as one that is not there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backoff {
    due: Option<Instant>,
    pause: Duration,
    /// No attempt is due before this.
    not_before: Option<Instant>,
}

impl Backoff {
    /// Due at once.
    pub(super) const fn new(now: Instant) -> Self {
        Self { due: Some(now), pause: FIRST, not_before: None }
    }

    /// When to dial; `None` while an attempt or a connection stands.
    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// An attempt is under way.
    pub(super) const fn dialling(&mut self) {
        self.due = None;
    }

    /// The attempt failed, or the connection is gone.
    pub(super) fn lost(&mut self, now: Instant) {
        self.due = now.checked_add(self.pause).max(self.not_before);
        self.pause = self.pause.saturating_mul(2).min(LONGEST);
    }

    /// No attempt before then.
    pub(super) fn not_before(&mut self, then: Option<Instant>) {
        self.not_before = then;
        self.due = self.due.max(then).filter(|_| self.due.is_some());
    }

    /// Whether a connection that stands all the same is to be hung up on.
    pub(super) fn is_early(&self, now: Instant) -> bool {
        self.not_before.is_some_and(|then| now < then)
    }

    /// The peer has answered something.
    pub(super) const fn answered(&mut self) {
        self.pause = FIRST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_up_to_a_bound_and_starts_over_after_an_answer() {
        let now = Instant::now();
        let mut backoff = Backoff::new(now);
        assert_eq!(backoff.due(), Some(now));
        let mut pauses = Vec::new();
        for _ in 0..7 {
            backoff.dialling();
            assert_eq!(backoff.due(), None, "no second attempt beside the first");
            backoff.lost(now);
            pauses.push(backoff.due().unwrap().duration_since(now).as_secs());
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
        backoff.answered();
        backoff.lost(now);
        assert_eq!(backoff.due(), Some(now + FIRST));
    }

    #[test]
    fn nothing_is_due_before_a_ban_is_over() {
        let now = Instant::now();
        let (mut backoff, then) = (Backoff::new(now), now + Duration::from_secs(600));
        backoff.not_before(Some(then));
        assert_eq!(backoff.due(), Some(then));
        backoff.dialling();
        backoff.not_before(Some(then));
        assert_eq!(backoff.due(), None, "a connection stands");
        assert!(backoff.is_early(now) && !backoff.is_early(then));
        backoff.lost(now);
        assert_eq!(backoff.due(), Some(then));
        backoff.answered();
        backoff.lost(then);
        assert_eq!(backoff.due(), Some(then + FIRST));
    }
}
