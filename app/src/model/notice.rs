//! What went wrong beside the chain?

use qratum_light_node::Snapshot;

/// Something that went wrong beside the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) text: String,
    /// The validator that ended, if it is about one.
    ended: Option<Lost>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Lost {
    name: String,
    /// Whether its peer was seen without a connection since: the news of its end may come first.
    apart: bool,
}

impl Notice {
    /// A notice that stays.
    pub(crate) const fn of(text: String) -> Self {
        Self { text, ended: None }
    }

    /// A notice that goes when the peer of this name is connected again.
    pub(crate) const fn ended(name: String, text: String) -> Self {
        Self { text, ended: Some(Lost { name, apart: false }) }
    }

    /// Takes note of the connections; whether the notice still holds.
    pub(super) fn holds(&mut self, snapshot: &Snapshot) -> bool {
        let Some(lost) = &mut self.ended else { return true };
        let peer = snapshot.peers.iter().find(|peer| peer.name == lost.name);
        let connected = peer.is_some_and(|peer| peer.connected);
        let back = lost.apart && connected;
        lost.apart |= !connected;
        !back
    }
}
