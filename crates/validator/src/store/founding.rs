//! The file of the snapshot: `snapshot.bin`, replaced whole, so that a crash leaves the old one or the
//! new one; and the chain behind it, of which what lies below is dropped when a process starts.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use qratum_chain::{
    codec::{Decode, Encode},
    types::Height,
};

use super::records::{self, checksum};
use crate::{
    block::Decided,
    snapshot::{MAX_LENGTH, Snapshot},
};

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
    replace(folder, FILE, &[checksum(snapshot).as_slice(), snapshot].concat())
}

/// Drops the blocks of `chain.bin` that the snapshot makes needless.
pub(super) fn drop_blocks_below(folder: &Path) -> io::Result<()> {
    let snapshot = read_snapshot(folder)?;
    let Some(base) = snapshot.and_then(|snapshot| snapshot.header().map(|header| header.height)) else {
        return Ok(());
    };
    let bytes = match fs::read(folder.join("chain.bin")) {
        Ok(bytes) => bytes,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(why) => return Err(why),
    };
    let (blocks, _) = records::parse::<Decided>(&bytes);
    let needed = |block: &&Decided| block.height() > base;
    if blocks.first().is_none_or(|first| first.height() > base) || base == Height(0) {
        return Ok(());
    }
    let kept: Vec<u8> =
        blocks.iter().filter(needed).flat_map(|block| records::record_of(&block.to_bytes())).collect();
    replace(folder, "chain.bin", &kept)
}

fn replace(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let (new, path) = (folder.join(format!("{name}.new")), folder.join(name));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, &path)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        store::Store,
        testing::{Scratch, ledger},
    };

    #[test]
    fn a_snapshot_replaces_the_blocks_below_it_when_the_store_is_opened() {
        let (folder, chain) = (Scratch::new(), ledger(103));
        let block = |height| chain.block(Height(height)).unwrap().clone();
        let (mut store, _) = Store::open(&folder.0).unwrap();
        (1..=103).for_each(|height| store.keep(&block(height)).unwrap());
        store.flush().unwrap();
        drop(store);
        assert_eq!(read_snapshot(&folder.0).unwrap(), None);
        assert_eq!(Store::open(&folder.0).unwrap().1.blocks.len(), 103);

        let (height, bytes) = chain.snapshot().unwrap();
        assert_eq!(*height, Height(100));
        write_snapshot(&folder.0, bytes).unwrap();
        assert_eq!(read_snapshot(&folder.0).unwrap().unwrap().to_bytes(), **bytes);
        let heights = |folder: &Path| -> Vec<u64> {
            Store::open(folder).unwrap().1.blocks.iter().map(|block| block.height().0).collect()
        };
        assert_eq!(heights(&folder.0), [101, 102, 103]);
        assert_eq!(heights(&folder.0), [101, 102, 103]);

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
