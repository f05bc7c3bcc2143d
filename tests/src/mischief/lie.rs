//! What a peer with a fault answers light nodes, in place of what an honest one would.

use core::time::Duration;

use qratum_chain::{
    Hash,
    codec::Encode,
    types::{Header, Height},
};
use qratum_crypto::sign::ed25519::Signature;
use qratum_light_node::wire::{MAX_RESPONSE, Request, Response};

use super::fault::Fault;

/// An hour, in milliseconds.
const HOUR_MS: u64 = 3_600_000;
/// Longer than any light node waits for an answer.
const TOO_LATE: Duration = Duration::from_secs(30);

/// What leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The frame.
    pub bytes: Vec<u8>,
    /// How long it waits.
    pub after: Duration,
}

/// What a peer with this fault answers where `truth` is true; nothing, where it is silent.
#[must_use]
pub fn lie(fault: Fault, request: &Request, truth: Response) -> Option<Answer> {
    let now = |bytes| Some(Answer { bytes, after: Duration::ZERO });
    match fault {
        Fault::Silent => None,
        Fault::Delay => Some(Answer { bytes: truth.to_bytes(), after: TOO_LATE }),
        Fault::OversizedFrames => now(vec![0; MAX_RESPONSE.saturating_add(1)]),
        _ => now(twisted(fault, request, truth).to_bytes()),
    }
}

/// What it says in place of `truth`, in the form of an answer.
#[must_use]
pub fn twisted(fault: Fault, request: &Request, truth: Response) -> Response {
    match (fault, truth) {
        (Fault::ForgedHistory, Response::History(path)) => {
            Response::History(path.into_iter().map(|_| Hash([7; 32])).collect())
        }
        (Fault::WithheldVotes, Response::Votes { height, .. }) => {
            Response::Votes { height, votes: Vec::new(), proposals: Vec::new() }
        }
        (Fault::InventedVotes, Response::Votes { height, mut votes, proposals }) => {
            votes.iter_mut().for_each(|signed| signed.signature = Signature([7; 64]));
            Response::Votes { height, votes, proposals }
        }
        (_, Response::Block(mut block)) if *request == Request::Tip => {
            spoil(fault, &mut block.header);
            Response::Block(block)
        }
        (_, truth) => truth,
    }
}

/// The fault in a header; its certificate is of the true one.
fn spoil(fault: Fault, header: &mut Header) {
    match fault {
        Fault::WrongStateRoot => header.state_root = Hash([7; 32]),
        Fault::FutureTime => header.time = header.time.plus(HOUR_MS),
        Fault::PastTime => header.time.0 = header.time.0.saturating_sub(HOUR_MS),
        Fault::LyingHeight => header.height = Height(header.height.0.saturating_add(1_000)),
        _ => {}
    }
}
