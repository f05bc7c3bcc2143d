//! What commands that ask the network share: a runtime, and a light node that keeps nothing.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use qratum_light_node::{
    Config, FetchError, Kept, LightNode, Snapshot, StartError, State, SyncError, inspect_store,
};
use tokio::{runtime::Builder, time::timeout};

use crate::{
    exit::{Exit, Failure},
    model::head_of,
};

/// How long others are listened to: a few blocks, which show what one does not, and long enough to
/// find that there is no quorum.
const LISTEN: Duration = Duration::from_secs(6);
/// How long, where votes are told: rounds of a proposer that is gone take their time.
const LISTEN_TO_VOTES: Duration = Duration::from_secs(15);

/// Runs a command on one thread: the console and its commands need no more.
pub(crate) fn block_on<T>(command: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::io("runtime", &error))?.block_on(command)
}

/// A light node of its own for one command, and when it must be done.
pub(crate) struct Asking {
    pub(crate) node: LightNode,
    deadline: Instant,
}

impl Asking {
    /// Starts the node.
    pub(crate) async fn start(config: Config, seconds: u64) -> Result<Self, Failure> {
        let now = Instant::now();
        let deadline = now.checked_add(Duration::from_secs(seconds)).unwrap_or(now);
        let node = LightNode::start(config).await.map_err(|error| start_failure(&error))?;
        Ok(Self { node, deadline })
    }

    /// Time left.
    pub(crate) fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Waits for a verified head.
    pub(crate) async fn synced(&self) -> Result<Arc<Snapshot>, SyncError> {
        self.node.synced(self.left()).await
    }

    /// What is known once enough witnesses agree and it can be said who is silent, or once a few
    /// blocks' time has passed.
    pub(crate) async fn witnessed(&self) -> Arc<Snapshot> {
        let mut snapshots = self.node.snapshots();
        let done = |snapshot: &Arc<Snapshot>| match snapshot.state {
            State::Clock | State::NoQuorum => true,
            _ => snapshot.witnesses.may_arm && snapshot.voting.known,
        };
        // When it never comes to that, what is known then is shown.
        let done = timeout(self.left().min(LISTEN), snapshots.wait_for(done)).await.is_ok();
        if !done && snapshots.borrow().voting.progress.is_some() {
            let told = |snapshot: &Arc<Snapshot>| snapshot.voting.known || snapshot.voting.stuck;
            let more = LISTEN_TO_VOTES.saturating_sub(LISTEN);
            let _ = timeout(self.left().min(more), snapshots.wait_for(told)).await;
        }
        snapshots.borrow().clone()
    }
}

/// What peers say, beside what the home has kept.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) kept: Kept,
    /// Whether the head is the one that the home has kept: no peer led to one.
    pub(crate) is_old: bool,
    /// How the wait for a verified head from peers ended.
    pub(crate) error: Option<SyncError>,
}

impl Answer {
    /// Asks the network, for at most `seconds`; where no peer leads to a head, the home's own is
    /// shown, and said to be old.
    pub(crate) async fn of(config: Config, seconds: u64) -> Result<Self, Failure> {
        let from = config.clone();
        let (kept, asked) = tokio::join!(inspect_store(&from), ask(config, seconds));
        let (mut snapshot, error) = asked?;
        let kept = kept.map_err(|error| start_failure(&error))?;
        let missed = error.as_ref().is_some_and(|error| unsynced(error) == Exit::Nothing);
        let old = kept.head.as_ref().filter(|_| missed && head_of(&snapshot).is_none());
        let is_old = old.is_some();
        if let Some(head) = old {
            snapshot = Arc::new(Snapshot { head: Arc::new(head.clone()), ..(*snapshot).clone() });
        }
        Ok(Self { snapshot, kept, is_old, error })
    }

    /// How the command ends.
    pub(crate) fn exit(&self) -> Exit {
        self.error.as_ref().map_or(Exit::Done, unsynced)
    }
}

async fn ask(config: Config, seconds: u64) -> Result<(Arc<Snapshot>, Option<SyncError>), Failure> {
    let asking = Asking::start(config, seconds).await?;
    let asked = match asking.synced().await {
        Ok(_) => (asking.witnessed().await, None),
        Err(error) => (asking.node.snapshots().borrow().clone(), Some(error)),
    };
    asking.node.stop().await;
    Ok(asked)
}

/// How a command ends that waited for a verified head: a fork and an anchor that is too old are
/// known, and no peer can change them.
pub(crate) const fn unsynced(error: &SyncError) -> Exit {
    match error.state {
        State::Forked => Exit::Refused,
        State::Expired => Exit::Expired,
        _ => Exit::Nothing,
    }
}

/// Why there is no verified head to ask from, and what to do about it.
pub(crate) fn lost(error: &SyncError) -> Failure {
    let next = match error.state {
        State::Forked | State::Expired | State::Clock => {
            format!("`qratum explain {}` says what to do", error.state)
        }
        _ => "`qratum doctor` looks for the cause".to_owned(),
    };
    Failure::new(unsynced(error), format!("{error}\n{next}"))
}

/// Why what was asked for does not come, and what to do about it.
pub(crate) fn unfetched(about: &str, error: &FetchError) -> Failure {
    let exit = match error {
        FetchError::Rejected(_) | FetchError::Tally(_) | FetchError::Forked => Exit::Refused,
        FetchError::NotYet { .. }
        | FetchError::NoPeer
        | FetchError::Unavailable
        | FetchError::Behind
        | FetchError::Stopped => Exit::Nothing,
    };
    let next = match error {
        FetchError::NotYet { .. } => "\nTry again when the chain has come to it, or with a longer --timeout",
        FetchError::NoPeer | FetchError::Behind => "\n`qratum peers` shows who answers",
        FetchError::Unavailable => {
            "\nValidators drop old blocks behind a checkpoint; `qratum peers` shows who answers"
        }
        FetchError::Forked => "\n`qratum explain forked` says what to do",
        FetchError::Rejected(_) | FetchError::Tally(_) | FetchError::Stopped => "",
    };
    Failure::new(exit, format!("{about}{error}{next}"))
}

/// That no answer came in time.
pub(crate) fn late(about: &str) -> Failure {
    let text = format!(
        "{about}no proof in time\nTry again with a longer --timeout; `qratum peers` shows who answers"
    );
    Failure::new(Exit::Nothing, text)
}

/// What is wrong with the configuration, or with the machine.
pub(crate) fn start_failure(error: &StartError) -> Failure {
    let exit = match error {
        StartError::Network(_) | StartError::Home(_) => Exit::Error,
        StartError::Peers(_) | StartError::Anchor(_) | StartError::StoreOfAnotherChain { .. } => Exit::Usage,
    };
    Failure::new(exit, error.to_string())
}
