//! A signed act goes to the validators, and what became of it is proven.

use qratum_chain::{ledger::registry::Refusal, types::Height};
use qratum_light_node::wire::Submission;
use tokio::{
    sync::{broadcast::error::RecvError, mpsc::UnboundedSender},
    time::{Instant, timeout_at},
};

use super::{
    ceremony::Event,
    journal::{Journal, Signed},
    online::Online,
    outcome::{self, Standing},
};
use crate::exit::Failure;

/// After so many heads without it, it is sent again: a validator that was started anew has forgotten it.
const AGAIN: u32 = 4;

/// What became of an act, as far as was waited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    /// What the state says.
    pub(crate) standing: Standing,
    /// In the state after this block; none where nothing could be proven in time.
    pub(crate) height: Option<Height>,
    /// How many validators took it.
    pub(crate) took: usize,
    /// Why others did not, by their word alone.
    pub(crate) refused: Option<Refusal>,
}

/// Sends an act that the journal has, again and again, and waits until the state tells what became of it,
/// but no longer than until `deadline`. What is over is forgotten by the journal.
///
/// # Errors
/// The journal cannot be written.
pub(crate) async fn send(
    online: &Online,
    journal: &Journal,
    signed: &Signed,
    (events, deadline): (&UnboundedSender<Event>, Instant),
) -> Result<Sent, Failure> {
    let Signed { txo, act } = signed;
    let (keys, bytes) = (outcome::keys(txo, act), txo.to_bytes());
    let mut sent = Sent { standing: Standing::Out, height: None, took: 0, refused: None };
    let (mut heads, mut turn) = (online.node.heads(), 0u32);
    loop {
        if let Ok(facts) = online.facts(&keys).await {
            sent.height = Some(facts.at.height);
            sent.standing = outcome::standing(txo, act, &facts);
            if sent.standing != Standing::Out {
                journal.forget(txo)?;
                return Ok(sent);
            }
        }
        if turn.is_multiple_of(AGAIN) {
            hand_over(online, &bytes, &mut sent).await;
            // A screen that is gone hears nothing.
            let _ = events.send(Event::Sent { to: sent.took });
        }
        turn = turn.saturating_add(1);
        match timeout_at(deadline, heads.recv()).await {
            // One that fell behind goes on with what there is.
            Ok(Ok(_) | Err(RecvError::Lagged(_))) => {}
            Ok(Err(RecvError::Closed)) | Err(_) => return Ok(sent),
        }
    }
}

async fn hand_over(online: &Online, bytes: &[u8], sent: &mut Sent) {
    let received = online.node.submit(bytes).await;
    let took = received.iter().filter(|it| it.said == Some(Submission::Accepted)).count();
    sent.took = sent.took.max(took);
    let refused = received.into_iter().find_map(|it| match it.said {
        Some(Submission::Refused(why)) => Some(why),
        _ => None,
    });
    sent.refused = refused.filter(|_| took == 0);
}
