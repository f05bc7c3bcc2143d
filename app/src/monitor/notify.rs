//! Is a service manager waiting for a sign? `READY=1` at the start and `WATCHDOG=1` each second, by the
//! datagram protocol of sd_notify(3). Without a manager nothing is sent.

use std::{
    env,
    os::{
        linux::net::SocketAddrExt as _,
        unix::{
            ffi::OsStrExt as _,
            net::{SocketAddr, UnixDatagram},
        },
    },
};

/// Where the service manager listens.
#[derive(Debug)]
pub(super) struct Notify(Option<(UnixDatagram, SocketAddr)>);

impl Notify {
    /// As the environment says.
    pub(super) fn from_environment() -> Self {
        Self(env::var_os("NOTIFY_SOCKET").and_then(|path| {
            let address = match path.as_bytes() {
                [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
                _ => SocketAddr::from_pathname(&path),
            };
            let socket = UnixDatagram::unbound().ok()?;
            socket.set_nonblocking(true).ok()?;
            Some((socket, address.ok()?))
        }))
    }

    /// The monitor works.
    pub(super) fn ready(&self) {
        self.send(b"READY=1");
    }

    /// It still does.
    pub(super) fn alive(&self) {
        self.send(b"WATCHDOG=1");
    }

    fn send(&self, state: &[u8]) {
        if let Some((socket, address)) = &self.0 {
            let _ = socket.send_to_addr(state, address);
        }
    }
}
