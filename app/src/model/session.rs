//! May this console act now, and is it locked? It watches only until somebody says otherwise, for a time
//! that ends by itself.

use qratum_chain::types::Time;

/// How long it may act where nothing else is said, and at most, in minutes.
const MINUTES: u64 = 10;
const MOST_MINUTES: u64 = 60;
/// A session that could act is locked when no key was pressed for so long.
const IDLE_MS: u64 = 5 * 60 * 1000;
/// Seconds are told one by one. Where the next one comes so late, the machine slept.
const SLEPT_MS: u64 = 10_000;

/// The session of whoever sits here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Session {
    /// It may act until then.
    until: Option<Time>,
    /// Whether it ever could: what never could is not locked by itself.
    could: bool,
    /// Since when it is locked.
    locked: Option<Time>,
    /// When a key was pressed last, and when time was told last.
    pressed: Time,
    told: Time,
}

impl Session {
    /// It may act for so many minutes from now on; as many as it gets.
    pub(crate) fn elevate(&mut self, minutes: Option<u64>, now: Time) -> u64 {
        let minutes = minutes.unwrap_or(MINUTES).clamp(1, MOST_MINUTES);
        (self.until, self.could, self.pressed) = (Some(now.plus(minutes.saturating_mul(60_000))), true, now);
        minutes
    }

    /// It only watches from now on; whether it could act before.
    pub(crate) fn read_only(&mut self) -> bool {
        self.until.take().is_some()
    }

    /// For how long it may act still, in milliseconds; none, and it may not.
    pub(crate) fn left(&self, now: Time) -> Option<u64> {
        self.until.filter(|until| *until > now).map(|until| until.0.saturating_sub(now.0))
    }

    /// How long until it is locked by itself, in milliseconds; none, and it is not.
    pub(crate) fn idles(&self, now: Time) -> Option<u64> {
        let idle = now.0.saturating_sub(self.pressed.0);
        self.could.then(|| IDLE_MS.saturating_sub(idle))
    }

    /// Since when it is locked.
    pub(crate) const fn locked(&self) -> Option<Time> {
        self.locked
    }

    /// Locks it. Whoever comes next watches only.
    pub(crate) fn lock(&mut self, now: Time) {
        (self.until, self.locked) = (None, Some(now));
    }

    /// Opens it, as one that never could act.
    pub(crate) fn unlock(&mut self, now: Time) {
        *self = Self { pressed: now, told: self.told, ..Self::default() };
    }

    /// A key was pressed.
    pub(crate) const fn press(&mut self, now: Time) {
        self.pressed = now;
    }

    /// Time passed; whether it must be locked now: nobody was here, the machine slept, or its clock was set
    /// back, which would make every time longer.
    pub(crate) fn tick(&mut self, now: Time) -> bool {
        let slept = self.told != Time(0) && now.0.saturating_sub(self.told.0) > SLEPT_MS;
        let went_back = now < self.told;
        self.told = now;
        self.locked.is_none() && self.could && (slept || went_back || self.idles(now) == Some(0))
    }

    /// Whether whoever comes back from elsewhere finds it locked.
    pub(crate) const fn must_lock(&self) -> bool {
        self.could && self.locked.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tells time second by second; when it is locked by itself.
    fn locks(session: &mut Session, from: u64, until: u64) -> Option<u64> {
        (from..=until).find(|second| session.tick(Time(second * 1000)))
    }

    #[test]
    fn it_watches_only_unless_somebody_says_otherwise_and_then_for_a_time() {
        let mut session = Session::default();
        assert_eq!((session.left(Time(1)), session.idles(Time(1))), (None, None));
        assert_eq!(session.elevate(None, Time(1000)), 10);
        assert_eq!(session.left(Time(2000)), Some(599_000));
        assert_eq!(session.left(Time(601_000)), None);
        assert_eq!([Some(0), Some(7), Some(999)].map(|it| session.elevate(it, Time(0))), [1, 7, 60]);
        assert!(session.read_only() && !session.read_only());
    }

    #[test]
    fn only_a_session_that_could_act_is_locked_by_itself() {
        let mut watching = Session::default();
        assert_eq!(locks(&mut watching, 1, 4000), None);
        let mut session = Session::default();
        session.tick(Time(1000));
        session.elevate(Some(1), Time(1000));
        assert_eq!(locks(&mut session, 2, 400), Some(301), "also after its time to act is over");
        session.lock(Time(301_000));
        assert_eq!((session.left(Time(301_000)), session.locked()), (None, Some(Time(301_000))));
        assert_eq!(locks(&mut session, 302, 900), None, "it is already");
        session.unlock(Time(901_000));
        assert_eq!((session.locked(), locks(&mut session, 902, 4000)), (None, None));
    }

    #[test]
    fn a_key_starts_the_time_anew_and_a_sleep_ends_it() {
        let mut session = Session::default();
        session.tick(Time(1000));
        session.elevate(None, Time(1000));
        assert_eq!(locks(&mut session, 2, 200), None);
        session.press(Time(200_000));
        assert_eq!(session.idles(Time(200_000)), Some(IDLE_MS));
        assert_eq!(locks(&mut session, 201, 400), None);
        assert!(session.tick(Time(400_000 + SLEPT_MS + 1)), "the machine slept");
        assert!(!session.tick(Time(412_000)) && session.tick(Time(411_000)), "the clock was set back");
    }
}
