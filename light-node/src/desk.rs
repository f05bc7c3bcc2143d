//! How do the programs of one home share what was fetched? The one that owns the store answers the
//! light-client protocol over a Unix socket, `run/light.sock`, which only this user can reach; the
//! others ask it like one more peer.
//!
//! What is handed over is raw: blocks as they were kept, and answers of peers as they came. Whoever
//! asks verifies for itself, so a socket that lies is refused like any liar, and nobody ever shows
//! another process's verdict. It is no witness: it says what peers said.

use std::{
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    sync::Arc,
    time::Duration,
};

use tokio::{
    net::{UnixListener, UnixStream},
    sync::watch,
    task::{self, JoinSet},
    time::{sleep, timeout},
};

use crate::{
    Place, Snapshot,
    net::Net,
    socket::{reachable, read_frame, write_frame},
    store::Store,
    wire::{MAX_REQUEST, Request, Response},
};

/// Connections that are served at a time; the next one waits.
const MOST: usize = 16;
/// How long one may take, from its question to the last byte of its answer.
const DEADLINE: Duration = Duration::from_secs(8);
/// How long peers may take to answer in its place.
const RELAY: Duration = Duration::from_secs(4);
/// Pause when the system has no connection to give.
const PAUSE: Duration = Duration::from_millis(100);

/// Opens the socket of a home whose store this process owns: one that is there already was left
/// behind. Nobody else reaches it: the folder is this user's alone.
pub(crate) fn listen(place: &Place) -> io::Result<UnixListener> {
    let socket = place.socket();
    let Some(folder) = socket.parent() else { return Err(io::ErrorKind::InvalidInput.into()) };
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    let next = socket.with_extension("sock.new");
    match fs::remove_file(&next) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let (path, _folder) = reachable(&next)?;
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(&next, Permissions::from_mode(0o600))?;
    fs::rename(&next, &socket)?;
    Ok(listener)
}

/// What is answered from.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    pub(crate) store: Store,
    pub(crate) net: Net,
}

impl Desk {
    /// Serves until the node is gone, whose snapshots then end; then removes the socket, while the
    /// store is still this process's own.
    pub(crate) async fn serve(
        self,
        listener: UnixListener,
        place: Place,
        mut alive: watch::Receiver<Arc<Snapshot>>,
    ) {
        let mut open = JoinSet::new();
        loop {
            tokio::select! {
                changed = alive.changed() => if changed.is_err() { break },
                Some(_) = open.join_next(), if !open.is_empty() => {}
                accepted = listener.accept(), if open.len() < MOST => match accepted {
                    Ok((stream, _)) => drop(open.spawn(timeout(DEADLINE, self.clone().attend(stream)))),
                    Err(_) => sleep(PAUSE).await,
                },
            }
        }
        // One that is gone already bothers nobody.
        let _ = fs::remove_file(place.socket());
    }

    /// One question, one answer. Whoever asks wrongly or leaves gets none.
    async fn attend(self, mut stream: UnixStream) -> io::Result<()> {
        let request = read_frame(&mut stream, MAX_REQUEST).await?;
        let response = self.answer(request).await;
        write_frame(&mut stream, &response).await
    }

    async fn answer(&self, request: Request) -> Response {
        let (store, asked) = (self.store.clone(), request.clone());
        let kept = task::spawn_blocking(move || match asked {
            Request::Tip => store.head(),
            Request::Block(height) => {
                store.step(height).or_else(|| store.head().filter(|head| head.header.height == height))
            }
            _ => None,
        });
        match kept.await.ok().flatten() {
            Some(block) => Response::Block(Box::new(block)),
            None => timeout(RELAY, self.relay(request)).await.unwrap_or(Response::Unknown),
        }
    }

    /// What the first peer that knows answers.
    async fn relay(&self, request: Request) -> Response {
        for peer in self.net.connected() {
            match self.net.ask(peer, request.clone()).await {
                Ok(Response::Unknown) | Err(_) => {}
                Ok(response) => return response,
            }
        }
        Response::Unknown
    }
}
