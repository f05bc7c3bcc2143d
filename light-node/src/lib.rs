//! The light node: asks peers, carries their answers to the verifier, keeps what it verified.
//!
//! Nothing is decided here. Whatever this crate hands out is either `Verified`, which only the
//! verifier can make, or says in its name or type that it is not.
//!
//! - [`LightNode`]: start, follow, fetch a header with its proof, stop.
//! - [`Snapshot`]: what is known now, cheap to copy and to watch.
//! - [`wire`]: the protocol that validators serve.
//!
//! Inside, `net` keeps connections to the pinned peers by the `channel` that is open; `follow` says whom to ask what; `store`
//! keeps what a restart can check again; `driver` moves answers between them and the verifier, and
//! `board` shows what came of it in one of the `state`s: `heard` knows who else has a block, and
//! `skew` whether the local clock is wrong, `score` who is banned, and `polls` whether
//! the network votes. `deliver` hands transactions over as `delivery` says. `fetch` asks for one header,
//! `climb` for the blocks that prove it, `statement` and `entries` for what rests on it, `exhibit` for what
//! proves an offence to others, `proposals` for what is voted on, and `pace` for how long blocks are to
//! take. `clock` is the one place that reads the system clock.

mod asked;
mod board;
mod channel;
mod climb;
mod clock;
mod config;
mod deliver;
mod delivery;
mod desk;
mod driver;
mod entries;
mod evidence;
mod exhibit;
mod fetch;
pub mod file;
mod follow;
mod frame;
mod heard;
mod highest;
mod kept;
mod namer;
mod net;
mod node;
mod open;
mod pace;
mod pin;
mod place;
mod polls;
mod proposals;
mod prove;
mod score;
mod skew;
mod snapshot;
mod socket;
mod state;
mod statement;
mod store;
pub mod wire;

pub use channel::{BLOCKED, Channel, MOST_FAILURES, Proxies};
pub use clock::Clock;
pub use config::{Config, ConfigError, Peer, peer_id, peers_from_json};
pub use deliver::{Delivered, Probe, Report};
pub use delivery::{Delivery, Failure, Lane, Lanes, Tried};
pub use entries::{Entries, Received};
pub use evidence::{Found, KeptFork};
pub use exhibit::BlockEvidence;
pub use fetch::{FetchError, Proven};
pub use highest::{Highest, Mark};
pub use kept::{Kept, inspect_store, kept_header};
pub use libp2p::{Multiaddr, PeerId};
pub use node::{LightNode, SyncError};
pub use open::StartError;
pub use pin::{PinError, Pinned, Plan, Vouched, Way};
pub use place::Place;
pub use proposals::Proposals;
pub use snapshot::{
    Accused, Ban, MemberVote, Names, PeerView, Reason, Refusal, Snapshot, StoreState, Voting, Witnesses,
};
pub use state::State;
pub use statement::{Outcome, ProvenStatement};

#[cfg(test)]
extern crate self as qratum_light_node;
#[cfg(test)]
#[path = "../tests/support/chain.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared with the integration tests")]
mod chain;
#[cfg(test)]
#[path = "../tests/support/peer.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared with the integration tests")]
mod peer;
