//! What may a running validator still touch? One table; the kernel refuses all else, and every program.

use std::{fs::DirBuilder, os::unix::fs::DirBuilderExt as _};

use libp2p::multiaddr::Protocol;
use qratum_metal::sandbox::{Sandbox, Table, enter};

use crate::home::{Home, HomeError};

/// Closes this process in: of its home it reads genesis and peers, it writes in the folder of this
/// validator and in `run`, and it listens where the list of peers says. Comes before the first thread.
///
/// # Errors
/// [`HomeError`] of the list of peers, or where there is no `run` and none can be made.
pub fn close(home: &Home, name: &str) -> Result<Sandbox, HomeError> {
    // A folder that is not there stays closed.
    let run = home.run();
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&run)
        .map_err(|why| HomeError::Io(run.clone(), why))?;
    let own = home.peers()?.into_iter().find(|peer| peer.name == name);
    let port = |part| if let Protocol::Tcp(port) = part { Some(port) } else { None };
    let ports = own.iter().flat_map(|own| own.address.iter().filter_map(port)).collect();
    let read = vec![home.genesis_path(), home.peers_path()];
    let (write, devices) = (vec![home.validator(name), run], Vec::new());
    Ok(enter(&Table { read, write, devices, ports, connect: None }))
}
