//! Is a service manager waiting for a sign? `READY=1` at the start and `WATCHDOG=1` each second, by the
//! datagram protocol of sd_notify(3). Without a manager nothing is sent.

use std::{
    env,
    ffi::OsString,
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
        Self::to(env::var_os("NOTIFY_SOCKET"))
    }

    fn to(path: Option<OsString>) -> Self {
        Self(path.and_then(|path| {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manager_hears_that_it_is_ready_and_works() {
        let name = format!("qratum-notify-{}", std::process::id());
        let path = env::temp_dir().join(&name);
        let _ = std::fs::remove_file(&path);
        let abstract_name = SocketAddr::from_abstract_name(&name).unwrap();
        let listeners = [UnixDatagram::bind(&path), UnixDatagram::bind_addr(&abstract_name)];
        let names = [path.clone().into_os_string(), OsString::from(format!("@{name}"))];
        for (listener, name) in listeners.into_iter().zip(names) {
            let notify = Notify::to(Some(name));
            notify.ready();
            notify.alive();
            let mut heard = [0; 64];
            let mut next = || {
                let length = listener.as_ref().unwrap().recv(&mut heard).unwrap();
                String::from_utf8(heard[..length].to_vec()).unwrap()
            };
            assert_eq!([next(), next()], ["READY=1", "WATCHDOG=1"]);
        }
        std::fs::remove_file(path).unwrap();
        for nobody in [None, Some(OsString::from("/nonexistent/notify"))] {
            Notify::to(nobody).alive();
        }
    }
}
