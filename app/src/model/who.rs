//! What is somebody called on screen? By name, or by a number where names are hidden.

use std::collections::BTreeSet;

use qratum_chain::PublicKey;
use qratum_light_node::Snapshot;

/// Names of validators, peers and operators, as they may be shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Who<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) hidden: bool,
}

impl Who<'_> {
    /// The name of a validator, or the start of its key where no name is proven.
    pub(crate) fn validator(&self, key: &PublicKey) -> String {
        if !self.hidden {
            return self.snapshot.names.called(key);
        }
        let index = self.snapshot.head.validators().index_of(key);
        index.map_or_else(|| "validator".to_owned(), |index| format!("validator-{index}"))
    }

    /// The name of a peer.
    pub(crate) fn peer(&self, name: &str) -> String {
        if !self.hidden {
            return name.to_owned();
        }
        let place = self.snapshot.peers.iter().position(|peer| peer.name == name);
        place.map_or_else(|| "peer".to_owned(), |place| format!("peer-{place}"))
    }

    /// The name of an operator.
    pub(crate) fn operator(&self, name: &str) -> String {
        if !self.hidden {
            return name.to_owned();
        }
        let peers = self.snapshot.peers.iter().map(|peer| peer.operator.as_str());
        let members = self.snapshot.head.validators().members();
        let members = members.iter().filter_map(|member| self.snapshot.names.operator(&member.pubkey));
        let all: BTreeSet<&str> = peers.chain(members).collect();
        let place = all.iter().position(|operator| *operator == name);
        place.map_or_else(|| "operator".to_owned(), |place| format!("operator-{place}"))
    }

    /// A text that names or locates somebody.
    pub(crate) fn text(&self, text: &str) -> String {
        if self.hidden { "(hidden)".to_owned() } else { text.to_owned() }
    }
}
