//! How does a frame of the light-client protocol go over a Unix socket? A length, then the bytes; one
//! question and one answer for each connection.

use std::{
    fs::File,
    io,
    os::fd::AsRawFd,
    path::{Path, PathBuf},
};

use qratum_chain::codec::{Decode, Encode, Malformed};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};

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

/// Reads a u32 length and that many bytes, in steps, so that a lying length costs nothing.
pub(crate) async fn read_frame<V: Decode>(io: &mut (impl AsyncRead + Unpin), most: usize) -> io::Result<V> {
    let length = io.read_u32_le().await?;
    if length as usize > most {
        return Err(invalid(&Malformed::TooLarge("frame")));
    }
    let mut frame = Vec::new();
    io.take(u64::from(length)).read_to_end(&mut frame).await?;
    if frame.len() != length as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    V::from_bytes(&frame).map_err(|why| invalid(&why))
}

pub(crate) async fn write_frame(stream: &mut UnixStream, value: &impl Encode) -> io::Result<()> {
    let bytes = value.to_bytes();
    let length = u32::try_from(bytes.len()).map_err(|_| invalid(&Malformed::TooLarge("frame")))?;
    stream.write_u32_le(length).await?;
    stream.write_all(&bytes).await?;
    stream.flush().await
}

fn invalid(why: &Malformed) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.to_string())
}
