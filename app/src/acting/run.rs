//! Somebody shows two factors for what is to be signed. At most one PIN and two touches: the first opens
//! the biokey, the second signs. Whatever stops it before the end discards all: nothing was signed.

use std::{sync::mpsc, time::Duration};

use qratum_chain::types::{BiokeySignatures, BlockRef, Factors, Seal, Txo, TxoBody, client_data_hash};
use qratum_metal::secret::LockedBytes;
use tokio::sync::mpsc::UnboundedSender;

use super::{
    arm::Unarmed,
    ceremony::{Event, KeyFault, Keys, Order, Prover, Stop, Touch},
    facts::Facts,
    plan::Plan,
};

/// What it is said with when a key has no tries left.
const LOCKED: &str = "the security key is locked after too many wrong PINs: nothing was signed";

/// What it is said with after a second wrong PIN.
const TWICE: &str = "the PIN was wrong twice: nothing was signed; look it up before you start again";

/// Where a ceremony speaks and listens.
pub(crate) struct Talk {
    pub(crate) events: UnboundedSender<Event>,
    pub(crate) orders: mpsc::Receiver<Order>,
}

impl Talk {
    /// A screen that is gone hears nothing; it also orders nothing, which ends the ceremony.
    fn say(&self, event: Event) {
        let _ = self.events.send(event);
    }

    fn pin(&self, tries: Option<u8>) -> Result<LockedBytes, Stop> {
        self.say(Event::Pin { tries });
        match self.orders.recv() {
            Ok(Order::Pin(pin)) => Ok(pin),
            Ok(Order::Go | Order::Cancel) | Err(_) => Err(Stop::Cancelled),
        }
    }

    /// Whether the words are the right ones, said after they are shown and before the biokey lapses.
    fn go(&self, left: Duration) -> Result<(), Stop> {
        self.unstopped()?;
        self.say(Event::BiokeyOpen { left });
        match self.orders.recv_timeout(left) {
            Ok(Order::Go) => Ok(()),
            Err(mpsc::RecvTimeoutError::Timeout) => Err(Stop::Lapsed),
            Ok(Order::Pin(_) | Order::Cancel) | Err(mpsc::RecvTimeoutError::Disconnected) => {
                Err(Stop::Cancelled)
            }
        }
    }

    /// Nothing was ordered while nothing was asked: a no counts until the end, and a yes in advance is none.
    fn unstopped(&self) -> Result<(), Stop> {
        match self.orders.try_recv() {
            Err(mpsc::TryRecvError::Empty) => Ok(()),
            Ok(_) | Err(mpsc::TryRecvError::Disconnected) => Err(Stop::Cancelled),
        }
    }
}

/// The whole ceremony for a plan, on the thread that it runs on. What comes out would be carried by the
/// next block, by the chain's own rules on facts that were proven at the last moment.
///
/// # Errors
/// [`Stop`].
pub(crate) fn run(plan: &Plan, keys: &mut dyn Keys, prover: &dyn Prover, talk: &Talk) -> Result<Txo, Stop> {
    let still = || still(plan, prover);
    let rp_id = plan.facts.rp_id().unwrap_or_default();
    let txo = seal((&plan.body, &rp_id), keys, talk, || Ok(still()?.at))?;
    // What changed while the key was waited for is not signed for: it goes no further.
    still().map_err(Stop::Unsent)?;
    prover.check(&txo)?;
    talk.say(Event::Signed { id: txo.body.id() });
    Ok(txo)
}

/// The same for a body that comes from another machine: `at` tells which block there is when the biokey
/// is opened, and is asked again right before the key signs.
///
/// # Errors
/// [`Stop`].
pub(crate) fn seal(
    (body, rp_id): (&TxoBody, &str),
    keys: &mut dyn Keys,
    talk: &Talk,
    at: impl Fn() -> Result<BlockRef, Stop>,
) -> Result<Txo, Stop> {
    let pin = open(keys, talk)?;
    let opened_at = at()?;
    talk.go(keys.left())?;
    at()?;
    talk.say(Event::Touch { n: 2, of: 2, why: Touch::Sign });
    let digest = body.challenge();
    let (auth_data, signature) = keys.assert(&client_data_hash(digest, rp_id), &pin).map_err(fault)?;
    drop(pin);
    talk.unstopped()?;
    let (credential, biokey) = (keys.credential(), BiokeySignatures::missing());
    let mut factors = Factors { credential, auth_data, signature, opened_at, biokey };
    factors.biokey = keys.sign(&factors.biokey_message(digest)).map_err(fault)?;
    Ok(Txo { body: body.clone(), seal: Seal::Factors(Box::new(factors)) })
}

/// Asks for the PIN until the biokey is open, twice at most: the key itself locks after a few more.
fn open(keys: &mut dyn Keys, talk: &Talk) -> Result<LockedBytes, Stop> {
    let mut wrong = None;
    loop {
        let pin = talk.pin(wrong.flatten())?;
        talk.say(Event::Touch { n: 1, of: 2, why: Touch::Open });
        match keys.open(&pin) {
            Ok(words) => {
                words.into_iter().for_each(|words| talk.say(Event::Words(words)));
                return Ok(pin);
            }
            Err(KeyFault::Pin { left }) if left != Some(0) && wrong.is_none() => wrong = Some(left),
            Err(KeyFault::Pin { left }) if left != Some(0) => return Err(Stop::Key(TWICE.to_owned())),
            Err(why) => return Err(fault(why)),
        }
    }
}

fn fault(fault: KeyFault) -> Stop {
    match fault {
        KeyFault::Pin { .. } => Stop::Key(LOCKED.to_owned()),
        KeyFault::Lapsed => Stop::Lapsed,
        KeyFault::Other(why) => Stop::Key(why),
    }
}

/// What the plan rests on is proven anew, and is as it was.
fn still(plan: &Plan, prover: &dyn Prover) -> Result<Facts, Unarmed> {
    let now = prover.prove(&plan.facts.keys())?;
    let changed = plan.facts.changed(&now, plan.account());
    if changed.is_empty() { Ok(now) } else { Err(Unarmed::Changed(changed)) }
}
