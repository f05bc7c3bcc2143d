//! Telling one sink: in order, again and again until it has it, and never in the way of others.

use std::{
    future::{Future, pending},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{mpsc, watch},
    time::sleep,
};

/// The first pause after a failure; each later one is twice as long.
const FIRST: Duration = Duration::from_secs(1);
/// No pause is longer.
const LONGEST: Duration = Duration::from_secs(300);

/// What a sink is told.
#[derive(Debug)]
pub(super) struct Letter {
    /// Of the event; none for a heartbeat.
    pub(super) key: Option<String>,
    /// One line of text, with the priority that journals know.
    pub(super) line: String,
    /// One line of JSON.
    pub(super) json: String,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) sink: String,
    /// Of the event; none for a heartbeat.
    pub(super) key: Option<String>,
    /// Why it failed, where it did.
    pub(super) error: Option<String>,
}

/// What comes to one sink.
#[derive(Debug)]
pub(super) struct Inbox {
    pub(super) events: mpsc::UnboundedReceiver<Arc<Letter>>,
    /// Only the newest counts: a heartbeat that is late says nothing. None for who wants none.
    pub(super) beats: Option<watch::Receiver<Option<Arc<Letter>>>>,
}

/// Serves a sink until nobody sends any more. `tell` makes one attempt, which must end by itself.
pub(super) async fn serve<F: Future<Output = Result<(), String>>>(
    name: String,
    mut inbox: Inbox,
    outcomes: mpsc::UnboundedSender<Outcome>,
    tell: impl Fn(Arc<Letter>) -> F,
    pause: impl Fn(u32) -> Duration,
) {
    while let Some(letter) = next(&mut inbox).await {
        let mut failures = 0u32;
        loop {
            let error = tell(Arc::clone(&letter)).await.err();
            let done = error.is_none() || letter.key.is_none();
            let outcome = Outcome { sink: name.clone(), key: letter.key.clone(), error };
            if outcomes.send(outcome).is_err() {
                return;
            }
            if done {
                break;
            }
            failures = failures.saturating_add(1);
            sleep(pause(failures)).await;
        }
    }
}

async fn next(inbox: &mut Inbox) -> Option<Arc<Letter>> {
    tokio::select! {
        biased;
        event = inbox.events.recv() => event,
        beat = beat(&mut inbox.beats) => Some(beat),
    }
}

/// The next heartbeat; never, where none comes any more.
async fn beat(beats: &mut Option<watch::Receiver<Option<Arc<Letter>>>>) -> Arc<Letter> {
    while let Some(beats) = beats
        && beats.changed().await.is_ok()
    {
        if let Some(letter) = beats.borrow_and_update().clone() {
            return letter;
        }
    }
    pending().await
}

/// How long to wait after so many failures in a row.
pub(super) fn pause(failures: u32) -> Duration {
    FIRST.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn pauses_double_up_to_five_minutes() {
        let seconds = [1, 2, 3, 9, 10, 1_000_000].map(|failures| pause(failures).as_secs());
        assert_eq!(seconds, [1, 2, 4, 256, 300, 300]);
    }

    fn letter(key: &str) -> Arc<Letter> {
        Arc::new(Letter { key: Some(key.to_owned()), line: String::new(), json: String::new() })
    }

    /// A sink that fails nine times.
    #[tokio::test]
    async fn order_is_kept_and_nothing_is_given_up() {
        let (events, inbox) = mpsc::unbounded_channel();
        let (beat, beats) = watch::channel(None);
        let (outcomes, mut ended) = mpsc::unbounded_channel();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let asked = Arc::clone(&seen);
        let tell = move |letter: Arc<Letter>| {
            let mut seen = asked.lock().unwrap();
            seen.push(letter.key.clone());
            let fails = seen.len() <= 9;
            async move { if fails { Err("refused".to_owned()) } else { Ok(()) } }
        };
        let pauses = Arc::new(Mutex::new(Vec::new()));
        let waited = Arc::clone(&pauses);
        let pause = move |failures| {
            waited.lock().unwrap().push(failures);
            Duration::ZERO
        };
        let inbox = Inbox { events: inbox, beats: Some(beats) };
        let task = tokio::spawn(serve("ops".to_owned(), inbox, outcomes, tell, pause));
        for key in ["one", "two", "three"] {
            events.send(letter(key)).unwrap();
        }
        let mut got = Vec::new();
        while got.len() < 3 {
            let outcome = tokio::time::timeout(Duration::from_secs(10), ended.recv()).await;
            let outcome = outcome.expect("it is given up").unwrap();
            got.extend(outcome.key.filter(|_| outcome.error.is_none()));
        }
        assert_eq!(got, ["one", "two", "three"]);
        let asked: Vec<Option<String>> = seen.lock().unwrap().clone();
        assert_eq!(asked.iter().filter(|key| key.as_deref() == Some("one")).count(), 10);
        assert_eq!(*pauses.lock().unwrap(), Vec::from_iter(1..=9));
        beat.send(Some(Arc::new(Letter { key: None, line: String::new(), json: String::new() }))).unwrap();
        let outcome = ended.recv().await.unwrap();
        assert_eq!((outcome.key, outcome.error), (None, None));
        drop(beat);
        events.send(letter("four")).unwrap();
        assert_eq!(ended.recv().await.unwrap().key.as_deref(), Some("four"), "without heartbeats it goes on");
        drop(events);
        task.await.unwrap();
    }

    #[tokio::test]
    async fn who_wants_no_heartbeat_is_told_all_the_same() {
        let (events, inbox) = mpsc::unbounded_channel();
        let (outcomes, mut ended) = mpsc::unbounded_channel();
        let inbox = Inbox { events: inbox, beats: None };
        tokio::spawn(serve("ops".to_owned(), inbox, outcomes, |_| async { Ok(()) }, pause));
        events.send(letter("one")).unwrap();
        assert_eq!(ended.recv().await.unwrap().key.as_deref(), Some("one"));
    }
}
