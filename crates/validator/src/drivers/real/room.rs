//! Is there room on the disk to vote? A vote that cannot be written down must not be cast, so voting
//! ends while there still is some room, and begins again when there is clearly more.

/// Whether there is room, with the memory that it takes not to waver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    least: u64,
    enough: bool,
}

impl Room {
    /// Voting ends below `least` free bytes.
    pub(super) const fn new(least: u64) -> Self {
        Self { least, enough: true }
    }

    /// Below so many free bytes voting ends.
    pub(super) const fn least(self) -> u64 {
        self.least
    }

    /// Whether there is enough.
    pub(super) const fn enough(self) -> bool {
        self.enough
    }

    /// There are so many free bytes now. Says when that changes anything.
    pub(super) const fn look(&mut self, free: u64) -> bool {
        let half = self.least / 2;
        let wanted = if self.enough { self.least } else { self.least.saturating_add(half) };
        let enough = free >= wanted;
        let changes = enough != self.enough;
        self.enough = enough;
        changes
    }

    /// A write has failed for want of room, whatever the system said of it before.
    pub(super) const fn is_full(&mut self) {
        self.enough = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn voting_ends_below_the_least_and_begins_again_clearly_above() {
        let mut room = Room::new(100);
        let looks = [100, 99, 100, 149, 150, 100, 99].map(|free| (room.look(free), room.enough()));
        let want = [
            (false, true),
            (true, false),
            (false, false),
            (false, false),
            (true, true),
            (false, true),
            (true, false),
        ];
        assert_eq!(looks, want);
    }
}
