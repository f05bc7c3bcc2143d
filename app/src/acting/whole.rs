//! The whole way of an act, from the first touch to the proof of what it brought about.

use std::time::Duration;

use qratum_chain::types::Txo;
use tokio::{task::spawn_blocking, time::Instant};

use super::{
    ceremony::{Event, Keys, Stop},
    journal::{Journal, Signed},
    online::{Online, OnlineProver},
    outcome::Standing,
    plan::Plan,
    run::{Talk, run},
    send::{Sent, send},
};
use crate::exit::Failure;

/// How long the proof is waited for. What has not come by then stays in the journal.
const WAIT: Duration = Duration::from_secs(60);

/// Why an act did not get as far as to be sent.
#[derive(Debug)]
pub(crate) enum Unsent {
    /// It was not signed, or must not be sent.
    Stopped(Stop),
    /// The journal could not keep it.
    Unkept(Failure),
}

/// Signs what was planned with these keys, keeps it, sends it, and waits for the proof.
/// `talk` hears of each step, the last of which is [`Event::Final`] or [`Event::Failed`].
///
/// # Errors
/// [`Unsent`].
pub(crate) async fn carried_through(
    (online, journal): (&Online, &Journal),
    plan: Plan,
    keys: Box<dyn Keys>,
    talk: Talk,
) -> Result<(Signed, Sent), Unsent> {
    let events = talk.events.clone();
    let done = async {
        let act = plan.act.clone();
        let txo = signed(online, plan, keys, talk).await.map_err(Unsent::Stopped)?;
        journal.keep(&txo).map_err(Unsent::Unkept)?;
        let signed = Signed { txo, act };
        let now = Instant::now();
        let deadline = now.checked_add(WAIT).unwrap_or(now);
        let sent = send(online, journal, &signed, (&events, deadline)).await.map_err(Unsent::Unkept)?;
        Ok((signed, sent))
    };
    let done = done.await;
    // A screen that is gone hears nothing.
    let _ = events.send(last(&done));
    done
}

/// The ceremony, on a thread of its own.
async fn signed(online: &Online, plan: Plan, mut keys: Box<dyn Keys>, talk: Talk) -> Result<Txo, Stop> {
    let prover = OnlineProver::new(online.clone());
    let ceremony = spawn_blocking(move || run(&plan, &mut *keys, &prover, &talk));
    ceremony.await.unwrap_or_else(|why| Err(Stop::Key(format!("{why}: nothing was signed"))))
}

fn last(done: &Result<(Signed, Sent), Unsent>) -> Event {
    match done {
        Ok((_, Sent { standing: Standing::Final(_), height: Some(height), .. })) => {
            Event::Final { height: *height }
        }
        Ok((_, sent)) => Event::Failed(sent.standing.to_string()),
        Err(Unsent::Stopped(why)) => Event::Failed(why.to_string()),
        Err(Unsent::Unkept(why)) => Event::Failed(why.text.clone().unwrap_or_default()),
    }
}
