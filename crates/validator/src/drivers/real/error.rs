//! Why does a validator process end?

use core::fmt;
use std::io;

use crate::{home::HomeError, host::HostError, ledger::LedgerError, network::NetworkError};

/// Why a validator process ended by itself.
#[derive(Debug)]
pub enum RunError {
    /// The home is none.
    Home(HomeError),
    /// The genesis gives no chain.
    Ledger(LedgerError),
    /// The state machine cannot go on.
    Host(HostError),
    /// A file of the validator.
    Store(io::Error),
    /// No network.
    Network(NetworkError),
    /// Signals, standard input or the pid file.
    System(io::Error),
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Home(why) => why.fmt(f),
            Self::Ledger(why) => write!(f, "ledger: {why}"),
            Self::Host(why) => why.fmt(f),
            Self::Store(why) => write!(f, "store: {why}"),
            Self::Network(why) => why.fmt(f),
            Self::System(why) => write!(f, "system: {why}"),
        }
    }
}
