//! How does a frame of the light-client protocol go over a Unix socket? A length, then the bytes; one
//! question and one answer for each connection.

use std::{
    fs::File,
    io,
    os::fd::AsRawFd,
    path::{Path, PathBuf},
};

use qratum_chain::codec::{Decode, Encode};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};

use crate::frame;

/// The longest path that every system takes as a socket's name.
const LONGEST: usize = 100;

/// A socket's path; through its folder where it is too long to be a socket's name.
pub(crate) fn reachable(path: &Path) -> io::Result<(PathBuf, Option<File>)> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    if path.as_os_str().len() <= LONGEST {
        return Ok((path.to_owned(), None));
    }
    let folder = File::open(folder)?;
    let through = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name);
    Ok((through, Some(folder)))
}

/// Reads a frame in steps, so that a lying length costs nothing.
pub(crate) async fn read_frame<V: Decode>(io: &mut (impl AsyncRead + Unpin), most: usize) -> io::Result<V> {
    let mut length = [0; 4];
    io.read_exact(&mut length).await?;
    let (length, mut bytes) = (frame::length(length, most)?, Vec::new());
    io.take(u64::from(length)).read_to_end(&mut bytes).await?;
    frame::value(&bytes, length)
}

pub(crate) async fn write_frame(stream: &mut UnixStream, value: &impl Encode) -> io::Result<()> {
    stream.write_all(&frame::of(value)?).await?;
    stream.flush().await
}
