//! The file of the snapshot: `snapshot.bin`, replaced whole, so that a crash leaves the old one or the
//! new one.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use qratum_chain::codec::Decode;

use super::{medium::put, records::checksum};
use crate::snapshot::{MAX_LENGTH, Snapshot};

const FILE: &str = "snapshot.bin";

/// The snapshot of a validator's folder; `None` where there is none, or one that is damaged: then the
/// validator starts from its blocks, or from its peers.
///
/// # Errors
/// From the file system.
pub fn read_snapshot(folder: &Path) -> io::Result<Option<Snapshot>> {
    let file = match File::open(folder.join(FILE)) {
        Ok(file) => file,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(why),
    };
    let mut bytes = Vec::new();
    file.take(MAX_LENGTH as u64 + 64).read_to_end(&mut bytes)?;
    let whole = bytes.split_first_chunk().filter(|(sum, rest)| checksum(rest) == **sum);
    Ok(whole.and_then(|(_, rest)| Snapshot::from_bytes(rest).ok()))
}

/// Puts a snapshot, encoded, in place of the one before. On disk afterwards.
///
/// # Errors
/// From the file system.
pub fn write_snapshot(folder: &Path, snapshot: &[u8]) -> io::Result<()> {
    put(&folder.join(FILE), &[checksum(snapshot).as_slice(), snapshot].concat()).map(drop)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::testing::{Scratch, ledger};
    use qratum_chain::{codec::Encode, types::Height};

    #[test]
    fn a_snapshot_that_is_damaged_or_torn_is_none() {
        let (folder, chain) = (Scratch::new(), ledger(103));
        assert_eq!(read_snapshot(&folder.0).unwrap(), None);
        let (height, bytes) = chain.snapshot().unwrap();
        assert_eq!(*height, Height(100));
        write_snapshot(&folder.0, bytes).unwrap();
        assert_eq!(read_snapshot(&folder.0).unwrap().unwrap().to_bytes(), **bytes);

        let path = folder.0.join(FILE);
        let whole = fs::read(&path).unwrap();
        for at in [0, 8, whole.len() / 2, whole.len() - 1] {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs::write(&path, &damaged).unwrap();
            assert_eq!(read_snapshot(&folder.0).unwrap(), None, "byte {at}");
        }
        fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        assert_eq!(read_snapshot(&folder.0).unwrap(), None, "torn");
    }
}
