//! What came before its height began? Held back until it does, in bounds of number and bytes for each
//! peer: what is left out the engine's rebroadcasts bring again.

use std::{collections::BTreeMap, mem};

use qratum_chain::codec::Encode;

use super::Peer;
use crate::message::{MAX_REQUEST, Message};

/// How many messages of one peer are held.
const MESSAGES: usize = 64;
/// How many bytes: the longest message and as much again.
const BYTES: usize = 2 * MAX_REQUEST;

/// Messages of peers.
#[derive(Debug, Default)]
pub(super) struct Early(BTreeMap<Peer, Held>);

#[derive(Debug, Default)]
struct Held {
    messages: Vec<Message>,
    bytes: usize,
}

impl Early {
    /// Keeps a message, if there is room for it.
    pub(super) fn hold(&mut self, peer: Peer, message: Message) {
        let held = self.0.entry(peer).or_default();
        let bytes = held.bytes.saturating_add(message.to_bytes().len());
        if held.messages.len() < MESSAGES && bytes <= BYTES {
            held.bytes = bytes;
            held.messages.push(message);
        }
    }

    /// All of them, those of each peer in the order in which they came.
    pub(super) fn take(&mut self) -> impl Iterator<Item = (Peer, Message)> + use<> {
        let all = mem::take(&mut self.0).into_iter();
        all.flat_map(|(peer, held)| held.messages.into_iter().map(move |message| (peer, message)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{certificate, key, ledger};
    use qratum_chain::types::{MAX_VALIDATORS, SignedVote};

    #[test]
    fn each_peer_has_room_for_so_many_messages_and_so_many_bytes() {
        let vote = certificate(ledger(1).tip(), 4, &[]).vote();
        let vote = SignedVote { signature: key(0).sign(&vote.sign_bytes()), signer: 0, vote };
        let (short, long) = (Message::Vote(vote.clone()), Message::Polka(vec![vote; MAX_VALIDATORS]));
        let held = |of: &[(u32, &Message)]| {
            let mut early = Early::default();
            of.iter().for_each(|(peer, message)| early.hold(Peer(*peer), (*message).clone()));
            early.take().map(|(peer, _)| peer.0).collect::<Vec<_>>()
        };
        assert_eq!(held(&[(1, &short); 70]).len(), MESSAGES);
        let most = BYTES / long.to_bytes().len();
        assert!((2..10).contains(&most), "{most}");
        assert_eq!(held(&[(1, &long); 70]).len(), most);
        let loud = [(1, &long); 70].into_iter().chain([(2, &short)]).collect::<Vec<_>>();
        assert_eq!(held(&loud).last(), Some(&2), "a loud one takes nobody's room");
    }
}
