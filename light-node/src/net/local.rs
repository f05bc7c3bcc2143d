//! The socket of the home, asked like one more peer.

use std::{io, path::PathBuf, time::Duration};

use tokio::{net::UnixStream, time::timeout};

use super::carrier::AskError;
use crate::{
    Place,
    socket::{reachable, read_frame, write_frame},
    wire::{MAX_RESPONSE, Request, Response},
};

/// How refusals name it.
pub(crate) const NAME: &str = "local";
/// How long an answer may take: its owner may have to ask a peer.
const DEADLINE: Duration = Duration::from_secs(10);

/// The socket of a home, as others ask it.
#[derive(Clone, Debug)]
pub(crate) struct Local(PathBuf);

impl Local {
    pub(crate) fn of(place: &Place) -> Self {
        Self(place.socket())
    }

    /// Whether there is a socket, served or not.
    pub(crate) fn is_there(&self) -> bool {
        self.0.exists()
    }

    /// Asks, on a connection of its own.
    pub(crate) async fn ask(&self, request: &Request) -> Result<Response, AskError> {
        let exchange = async {
            let (path, _folder) = reachable(&self.0).map_err(|_| AskError::Lost)?;
            let mut stream = UnixStream::connect(path).await.map_err(|_| AskError::Lost)?;
            write_frame(&mut stream, request).await.map_err(|error| failed(&error))?;
            read_frame(&mut stream, MAX_RESPONSE).await.map_err(|error| failed(&error))
        };
        timeout(DEADLINE, exchange).await.unwrap_or(Err(AskError::TimedOut))
    }
}

fn failed(error: &io::Error) -> AskError {
    match error.kind() {
        io::ErrorKind::InvalidData => AskError::Malformed(error.to_string()),
        io::ErrorKind::UnexpectedEof => AskError::Cut,
        _ => AskError::Lost,
    }
}
