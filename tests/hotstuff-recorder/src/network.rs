//! How messages travel: one channel for each replica, in one process.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver, Sender},
    },
    time::Duration,
};

use ed25519_dalek::VerifyingKey;
use hotstuff_rs::{
    networking::{messages::Message, network::Network},
    types::{update_sets::ValidatorSetUpdates, validator_set::ValidatorSet},
};

/// A message with the key of its sender, which this network vouches for.
type Envelope = (VerifyingKey, Message);

/// `hotstuff_rs` polls without a pause; waiting here keeps the pollers off the processor.
const WAIT: Duration = Duration::from_millis(5);

/// One replica's end of the network.
#[derive(Clone)]
pub(crate) struct Port {
    me: VerifyingKey,
    peers: Arc<BTreeMap<[u8; 32], Sender<Envelope>>>,
    inbox: Arc<Mutex<Receiver<Envelope>>>,
}

/// A network that joins all of `keys`, with one end for each, in their order.
pub(crate) fn ports(keys: &[VerifyingKey]) -> Vec<Port> {
    let (senders, inboxes): (Vec<_>, Vec<_>) = keys.iter().map(|_| mpsc::channel()).unzip();
    let peers = Arc::new(keys.iter().map(VerifyingKey::to_bytes).zip(senders).collect::<BTreeMap<_, _>>());
    let port = |(me, inbox): (&VerifyingKey, _)| Port {
        me: *me,
        peers: Arc::clone(&peers),
        inbox: Arc::new(Mutex::new(inbox)),
    };
    keys.iter().zip(inboxes).map(port).collect()
}

impl Network for Port {
    // Everyone is connected at all times: who is in the set makes no difference.
    fn init_validator_set(&mut self, _: ValidatorSet) {}
    fn update_validator_set(&mut self, _: ValidatorSetUpdates) {}

    // A peer that has shut down does not hear it, as on a real network.
    fn broadcast(&mut self, message: Message) {
        for peer in self.peers.values() {
            let _ = peer.send((self.me, message.clone()));
        }
    }

    fn send(&mut self, peer: VerifyingKey, message: Message) {
        if let Some(peer) = self.peers.get(&peer.to_bytes()) {
            let _ = peer.send((self.me, message));
        }
    }

    fn recv(&mut self) -> Option<Envelope> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(WAIT).ok()
    }
}
