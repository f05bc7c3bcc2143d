//! One question to one peer by one channel, on a connection of its own and under a key of its own, which
//! links it to no other. It hides nobody who asks one thing by several channels: whoever serves two of them
//! sees the same transaction twice.

use std::{error::Error, time::Duration};

use futures::StreamExt;
use libp2p::{
    PeerId, Swarm,
    request_response::{Event, Message, OutboundFailure, OutboundRequestId},
    swarm::{DialError, SwarmEvent},
};
use tokio::time::timeout;

use super::{carrier::Behaviour, swarm};
use crate::{
    channel::{Proxies, Route},
    delivery::Failure,
    wire::{Request, Response},
};

/// Asks, within the patience of the channel for the connection and for the answer.
///
/// # Errors
/// [`Failure`].
pub(crate) async fn ask(
    id: PeerId,
    route: &Route,
    proxies: Proxies,
    request: Request,
) -> Result<Response, Failure> {
    if !proxies.reach(route.channel) {
        return Err(Failure::NoProxy);
    }
    let mut swarm = swarm(proxies).map_err(Failure::Unreachable)?;
    let addresses = vec![route.address.clone()];
    let asked = swarm.behaviour_mut().send_request_with_addresses(&id, request, addresses);
    let patience: Duration = route.channel.patience().saturating_mul(3);
    timeout(patience, answer(&mut swarm, asked)).await.unwrap_or(Err(Failure::Silent))
}

async fn answer(swarm: &mut Swarm<Behaviour>, asked: OutboundRequestId) -> Result<Response, Failure> {
    let mut undialled = None;
    loop {
        match swarm.select_next_some().await {
            SwarmEvent::Behaviour(Event::Message {
                message: Message::Response { request_id, response },
                ..
            }) if request_id == asked => {
                return Ok(response);
            }
            SwarmEvent::Behaviour(Event::OutboundFailure { request_id, error, .. })
                if request_id == asked =>
            {
                return Err(undialled.unwrap_or_else(|| unanswered(&error)));
            }
            // Says more than what follows from it.
            SwarmEvent::OutgoingConnectionError { error, .. } => undialled = Some(unreachable(&error)),
            _ => {}
        }
    }
}

fn unanswered(failure: &OutboundFailure) -> Failure {
    match failure {
        OutboundFailure::Timeout => Failure::Silent,
        OutboundFailure::UnsupportedProtocols => Failure::OffTopic,
        _ => Failure::Unreachable("it was closed before an answer came".to_owned()),
    }
}

fn unreachable(error: &DialError) -> Failure {
    match error {
        DialError::WrongPeerId { .. } => Failure::WrongKey,
        DialError::Transport(tried) => {
            let cause = tried.last().map(|(_, error)| innermost(error));
            Failure::Unreachable(cause.unwrap_or_else(|| error.to_string()))
        }
        _ => Failure::Unreachable(error.to_string()),
    }
}

/// The words at the end of a chain of causes.
fn innermost(mut error: &dyn Error) -> String {
    while let Some(cause) = error.source() {
        error = cause;
    }
    error.to_string()
}
