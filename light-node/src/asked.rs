//! How does a question of the driver become one of the wire, and what does it say when none is answered?

use std::pin::Pin;

use qratum_verifier::sync::Ask;

use crate::{
    Reason,
    follow::Question,
    net::{AskError, Net},
    wire::{Request, Response},
};

/// What is asked of a peer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Asked {
    /// On the way to its newest block.
    Chain(Question),
    /// For votes.
    Votes(usize),
}

/// What came of it.
pub(crate) type Answer = (Asked, Result<Response, AskError>);

/// Asks.
pub(crate) fn carry(net: &Net, asked: Asked) -> Pin<Box<dyn Future<Output = Answer> + Send>> {
    let (peer, request) = match asked {
        Asked::Chain(Question { peer, ask: Ask::Tip }) => (peer, Request::Tip),
        Asked::Chain(Question { peer, ask: Ask::Block(height) }) => (peer, Request::Block(height)),
        Asked::Chain(Question { peer, ask: Ask::History { height, size } }) => {
            (peer, Request::History { height, size })
        }
        Asked::Votes(peer) => (peer, Request::Votes),
    };
    let net = net.clone();
    Box::pin(async move { (asked, net.ask(peer, request).await) })
}

/// What a missing answer says about the peer; nothing, when it is just gone.
pub(crate) fn reason(why: AskError) -> Option<Reason> {
    match why {
        AskError::Lost => None,
        AskError::TimedOut => Some(Reason::TimedOut),
        AskError::NoProtocol => Some(Reason::NoProtocol),
        AskError::Cut => Some(Reason::Cut),
        AskError::Malformed(words) => Some(Reason::Malformed(words)),
    }
}
