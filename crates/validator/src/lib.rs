//! A validator of a small BFT network: agrees with its peers on one block for each height, keeps
//! the chain, and serves it to light nodes.
//!
//! - [`block`], [`message`]: what validators send one another.
//! - [`quorum`]: whether votes make a certificate.
//! - [`signer`]: what signs, or refuses to.
//! - [`ledger`]: what the next header must say, field by field.
//! - [`engine`]: the Tendermint core, behind our own types.
//! - [`host`]: the state machine around it; no clock, no sockets.
//! - [`store`], [`home`]: files.
//! - [`serve`]: answers light nodes.
//! - [`snapshot`]: what a ledger can start from instead of from every block.
//! - [`network`] carries it all over libp2p.
//! - [`drivers`]: the event loop of a process, and whole networks in virtual time.
//! - [`sandbox`]: what a running process can no longer touch.
//! - [`demo`]: makes the home of a demo network.
//! - [`liar`]: a peer of a demo that lies to light nodes when told to.
//! - [`enrol`]: makes the keys of one validator, and its application to a genesis.
//! - [`operate`], [`client`]: the orders of an operator, and how they reach a validator.
//!
//! Only [`network`], [`client`], [`operate`], [`drivers::real`], [`store`], [`home`], [`sandbox`],
//! [`demo`], [`liar`] and [`enrol`] do I/O. Linked into the validator's own program, never into the console.

pub mod block;
pub mod client;
pub mod demo;
pub mod drivers;
pub mod engine;
pub mod enrol;
pub mod home;
pub mod host;
pub mod ledger;
pub mod liar;
pub mod message;
pub mod network;
pub mod operate;
pub mod quorum;
pub mod sandbox;
pub mod seeds;
pub mod serve;
pub mod signer;
pub mod snapshot;
pub mod store;
#[cfg(test)]
mod testing;
