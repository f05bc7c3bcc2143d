//! A source on a thread of its own, which is waited for no longer than its limit.

use std::{
    fmt, io,
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel},
    thread,
    time::{Duration, Instant},
};

use qratum_crypto::rng::{
    health::Health,
    source::{Basis, Class, Fault, LENGTH, Source},
};
use qratum_metal::secret::{Locked, wipe};

/// What goes to the thread, and comes back filled.
struct Order {
    bytes: Locked<LENGTH>,
    /// Of the source; whoever does not have the order has the older one.
    health: Health,
}

/// The order, what the source said to it, and how long that took.
type Answer = (Order, Result<u32, Fault>, Duration);

/// Where the order is.
#[derive(Clone, Copy, Debug)]
enum Standing {
    /// There is none.
    Idle,
    /// With the thread since then, and waited for.
    Asked(Instant),
    /// With the thread, and nobody wants its answer any more.
    Late,
}

/// A source whose collections take at most so long, and fail with [`Fault::TimedOut`] otherwise.
///
/// It is asked one thing at a time. While its thread does not come back, each collection fails at
/// once and nothing more is asked; an answer that comes too late is wiped unread, and the collection
/// after it asks anew. The thread ends with this, or when the device lets go of it: nobody joins it.
pub struct Timed {
    id: &'static str,
    class: Class,
    basis: Basis,
    limit: Duration,
    health: Health,
    latency: Option<Duration>,
    standing: Standing,
    orders: Sender<Order>,
    answers: Receiver<Answer>,
}

impl fmt::Debug for Timed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timed")
            .field("id", &self.id)
            .field("standing", &self.standing)
            .finish_non_exhaustive()
    }
}

impl Timed {
    /// Moves `source` to a thread that has its name.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn new(source: Box<dyn Source>, limit: Duration) -> io::Result<Self> {
        let (orders, given) = channel();
        let (done, answers) = channel();
        let timed = Self {
            id: source.id(),
            class: source.class(),
            basis: source.basis(),
            limit,
            health: source.health().clone(),
            latency: None,
            standing: Standing::Idle,
            orders,
            answers,
        };
        thread::Builder::new().name(timed.id.to_owned()).spawn(move || work(source, &given, &done))?;
        Ok(timed)
    }

    /// Has the thread collect once, unless it does.
    ///
    /// # Returns
    /// Since when it does.
    fn ask(&mut self) -> Result<Instant, Fault> {
        if let Standing::Asked(since) = self.standing {
            return Ok(since);
        }
        if let Standing::Late = self.standing {
            self.health = match self.answers.try_recv() {
                Ok((late, ..)) => late.health,
                Err(TryRecvError::Empty) => return Err(Fault::TimedOut),
                Err(TryRecvError::Disconnected) => return Err(Fault::Failed),
            };
            self.standing = Standing::Idle;
        }
        let bytes = Locked::new_with(|_| ()).map_err(|_| Fault::Failed)?;
        let order = Order { bytes, health: self.health.clone() };
        self.orders.send(order).map_err(|_| Fault::Failed)?;
        let now = Instant::now();
        self.standing = Standing::Asked(now);
        Ok(now)
    }

    /// Waits for what was asked, for what is left of the limit.
    fn answer(&mut self) -> Result<Answer, Fault> {
        let left = self.limit.saturating_sub(self.ask()?.elapsed());
        let (standing, answer) = match self.answers.recv_timeout(left) {
            Ok(answer) => (Standing::Idle, Ok(answer)),
            Err(RecvTimeoutError::Timeout) => (Standing::Late, Err(Fault::TimedOut)),
            Err(RecvTimeoutError::Disconnected) => (Standing::Idle, Err(Fault::Failed)),
        };
        self.standing = standing;
        answer
    }
}

/// What the thread does: order after order, until nobody gives or takes any more.
fn work(mut source: Box<dyn Source>, orders: &Receiver<Order>, done: &Sender<Answer>) {
    for mut order in orders {
        let start = Instant::now();
        *source.health_mut() = order.health;
        let result = order.bytes.with_mut(|bytes| source.collect(bytes));
        order.health = source.health().clone();
        if done.send((order, result, start.elapsed())).is_err() {
            return;
        }
    }
}

impl Source for Timed {
    fn id(&self) -> &'static str {
        self.id
    }

    fn class(&self) -> Class {
        self.class
    }

    fn basis(&self) -> Basis {
        self.basis
    }

    /// As of the last answer.
    fn health(&self) -> &Health {
        &self.health
    }

    /// The same. While the thread is out a change is lost with its late answer: a source that has
    /// failed then stays out until it is acknowledged again.
    fn health_mut(&mut self) -> &mut Health {
        &mut self.health
    }

    fn begin(&mut self) {
        // What fails here fails again in the collection, and is told there.
        let _ = self.ask();
    }

    fn collect(&mut self, bytes: &mut [u8; LENGTH]) -> Result<u32, Fault> {
        wipe(bytes);
        self.latency = None;
        let (order, result, took) = self.answer()?;
        self.latency = Some(took);
        self.health = order.health;
        order.bytes.with(|given| bytes.copy_from_slice(given));
        result
    }

    fn latency(&self) -> Option<Duration> {
        self.latency
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc, Mutex,
        mpsc::{Sender, sync_channel},
    };

    use qratum_crypto::rng::{
        health::State,
        source::{Description, Device},
    };

    use super::*;

    const ABOUT: Description = Description { id: "device", class: Class::Tpm, credit: 256 };
    /// Longer than any test waits for an answer that comes.
    const LONG: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(20);

    /// What the read of this number gives: words that pass an output check (splitmix64).
    fn words(number: u64) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        for (word, at) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(0..) {
            let mut mixed = (number * 8 + at).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            *word = (mixed ^ (mixed >> 31)).to_le_bytes();
        }
        bytes
    }

    /// A device whose reads `change` sees by number, from one on.
    fn device(mut change: impl FnMut(u64) -> Result<(), Fault> + Send + 'static) -> Box<dyn Source> {
        let mut reads = 0;
        Box::new(Device::new(ABOUT, move |bytes: &mut [u8; LENGTH]| {
            reads += 1;
            *bytes = words(reads);
            change(reads)
        }))
    }

    fn collect(source: &mut impl Source) -> Result<[u8; LENGTH], Fault> {
        let mut bytes = [0xaa; LENGTH];
        let result = source.collect(&mut bytes);
        assert!(result.is_ok() || bytes == [0; LENGTH], "a fault leaves zeros");
        result.map(|credit| {
            assert_eq!(credit, 256);
            bytes
        })
    }

    #[test]
    fn a_source_gives_on_its_thread_what_it_gives_without_one() {
        let name = Arc::new(Mutex::new(None));
        let seen = name.clone();
        let mut timed = Timed::new(
            device(move |_| {
                *seen.lock().unwrap() = thread::current().name().map(str::to_owned);
                Ok(())
            }),
            LONG,
        )
        .unwrap();
        let mut plain = device(|_| Ok(()));
        for _ in 0..3 {
            let mut expected = [0; LENGTH];
            plain.collect(&mut expected).unwrap();
            assert_eq!(collect(&mut timed), Ok(expected));
            assert!(timed.latency().is_some());
        }
        assert_eq!(name.lock().unwrap().as_deref(), Some("device"));
        assert_eq!((timed.id(), timed.class(), timed.basis()), ("device", Class::Tpm, Basis::Claimed));
        assert_eq!(timed.health().samples(), plain.health().samples());
    }

    #[test]
    fn a_fault_of_the_source_is_its_fault() {
        let mut timed =
            Timed::new(device(|read| if read == 10 { Err(Fault::Unavailable) } else { Ok(()) }), LONG)
                .unwrap();
        assert!(collect(&mut timed).is_ok());
        assert_eq!(collect(&mut timed), Err(Fault::Unavailable));
        assert!(collect(&mut timed).is_ok());
    }

    /// A device that hangs in its tenth read until the sender is used or dropped.
    fn hanging(limit: Duration) -> (Timed, Sender<()>, Arc<Mutex<u64>>) {
        let (release, wait) = channel();
        let reads = Arc::new(Mutex::new(0));
        let counted = reads.clone();
        let source = device(move |read| {
            *counted.lock().unwrap() = read;
            if read == 10 {
                let _ = wait.recv();
            }
            Ok(())
        });
        (Timed::new(source, limit).unwrap(), release, reads)
    }

    /// The start-up test and one collection on the first limit, so that only the hanging read is short.
    fn hung() -> (Timed, Sender<()>, Arc<Mutex<u64>>) {
        let (mut timed, release, reads) = hanging(LONG);
        assert!(collect(&mut timed).is_ok());
        timed.limit = SHORT;
        assert_eq!(collect(&mut timed), Err(Fault::TimedOut));
        assert_eq!(timed.latency(), None);
        (timed, release, reads)
    }

    #[test]
    fn a_source_that_hangs_has_timed_out_and_is_not_asked_again() {
        let (mut timed, release, reads) = hung();
        timed.limit = LONG;
        for _ in 0..5 {
            assert_eq!(collect(&mut timed), Err(Fault::TimedOut), "at once, or this test never ends");
        }
        assert_eq!(*reads.lock().unwrap(), 10, "nothing was asked meanwhile");
        // Dropping it does not wait for the thread either.
        drop(timed);
        drop(release);
    }

    /// Three that hang, begun together: whoever waited for one has waited for all.
    #[test]
    fn sources_that_are_begun_together_share_one_limit() {
        let mut all = [hanging(LONG), hanging(LONG), hanging(LONG)];
        for (timed, ..) in &mut all {
            assert!(collect(timed).is_ok());
            timed.limit = Duration::from_millis(200);
        }
        all.iter_mut().for_each(|(timed, ..)| timed.begin());
        let start = Instant::now();
        for (timed, ..) in &mut all {
            assert_eq!(collect(timed), Err(Fault::TimedOut));
        }
        let took = start.elapsed();
        assert!(took < 2 * Duration::from_millis(200), "{took:?} is one limit after the other");
    }

    #[test]
    fn what_was_begun_is_what_is_collected() {
        let (mut timed, _release, reads) = hanging(LONG);
        timed.begin();
        timed.begin();
        assert_eq!(collect(&mut timed), Ok(words(9)), "after eight of the start-up test");
        assert_eq!(*reads.lock().unwrap(), 9, "begun twice, asked once");
    }

    #[test]
    fn a_late_answer_is_thrown_away_and_the_source_goes_on() {
        let (mut timed, release, reads) = hung();
        timed.limit = LONG;
        release.send(()).unwrap();
        // The late answer comes when it comes.
        let fresh = loop {
            match collect(&mut timed) {
                Err(Fault::TimedOut) => thread::yield_now(),
                other => break other,
            }
        };
        assert_eq!(fresh, Ok(words(11)), "and not what the tenth read gave");
        assert_eq!(*reads.lock().unwrap(), 11, "one order for all that timed out");
        assert_eq!(timed.health().samples(), 11 * 8, "its health goes on too");
    }

    #[test]
    fn a_source_whose_thread_is_gone_has_failed() {
        let (up, ready) = sync_channel(0);
        let mut timed = Timed::new(
            device(move |_| {
                up.send(()).unwrap();
                panic!("as a driver might");
            }),
            LONG,
        )
        .unwrap();
        let listener = thread::spawn(move || ready.recv());
        assert_eq!(collect(&mut timed), Err(Fault::Failed));
        assert_eq!(collect(&mut timed), Err(Fault::Failed));
        listener.join().unwrap().unwrap();
    }

    #[test]
    fn what_is_done_to_its_health_reaches_the_source() {
        let mut timed = Timed::new(device(|_| Ok(())), LONG).unwrap();
        assert!(collect(&mut timed).is_ok());
        assert_eq!(timed.health().state(), State::Healthy);
        timed.health_mut().restart();
        assert!(collect(&mut timed).is_ok());
        assert_eq!(timed.health().samples(), (9 + 9) * 8, "a second start-up test");
    }
}
