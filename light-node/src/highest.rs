//! Was the store rolled back? The highest verified height and its time, in a file beside the
//! store: a store that comes back lower is an older copy, or was lost (law 8).
//!
//! Whoever can put back the whole home puts this file back as well: against that only a hardware
//! counter helps.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use qratum_chain::{
    codec::{Decode, Encode, Malformed, Reader},
    types::{ChainId, Height, Time},
};

/// What the file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) chain: ChainId,
    pub(crate) height: Height,
    pub(crate) time: Time,
}

impl Mark {
    /// 32 bytes of chain id, two numbers of 8.
    const LENGTH: u64 = 48;
}

impl Encode for Mark {
    fn encode(&self, out: &mut Vec<u8>) {
        self.chain.encode(out);
        self.height.encode(out);
        self.time.encode(out);
    }
}

impl Decode for Mark {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            chain: ChainId::decode(reader)?,
            height: Height::decode(reader)?,
            time: Time::decode(reader)?,
        })
    }
}

/// The file beside a store. All calls block.
#[derive(Clone, Debug)]
pub(crate) struct Highest(PathBuf);

impl Highest {
    /// Beside the store at `store`: `store.highest`.
    pub(crate) fn beside(store: &Path) -> Self {
        let mut name = store.as_os_str().to_owned();
        name.push(".highest");
        Self(PathBuf::from(name))
    }

    /// The mark of `chain`; none when there is no file, or it is another chain's.
    pub(crate) fn read(&self, chain: ChainId) -> Result<Option<Mark>, String> {
        let mut bytes = Vec::new();
        match File::open(&self.0).and_then(|file| file.take(Mark::LENGTH + 1).read_to_end(&mut bytes)) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failed(&error)),
        }
        let mark = Mark::from_bytes(&bytes).map_err(|why| self.failed(&why))?;
        Ok(Some(mark).filter(|mark| mark.chain == chain))
    }

    /// Replaces the mark, durably. The store is written first: a crash in between leaves the mark
    /// too low, never too high.
    pub(crate) fn write(&self, mark: &Mark) -> Result<(), String> {
        let next = self.0.with_extension("highest.new");
        let write = || -> io::Result<()> {
            let mut file = File::create(&next)?;
            file.write_all(&mark.to_bytes())?;
            file.sync_all()?;
            fs::rename(&next, &self.0)?;
            let folder = self.0.parent().filter(|parent| !parent.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
        };
        write().map_err(|error| self.failed(&error))
    }

    fn failed(&self, why: &impl std::fmt::Display) -> String {
        format!("{}: {why}", self.0.display())
    }
}

#[cfg(test)]
mod tests {
    use qratum_chain::Hash;

    use super::*;

    #[test]
    fn a_mark_comes_back_for_its_chain_and_damage_is_said() {
        let folder = std::env::temp_dir().join(format!("qratum-highest-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let highest = Highest::beside(&folder.join("store"));
        let chain = ChainId(Hash([1; 32]));
        assert_eq!(highest.read(chain), Ok(None));
        let mark = Mark { chain, height: Height(7), time: Time(9) };
        highest.write(&mark).unwrap();
        assert_eq!(highest.read(chain), Ok(Some(mark)));
        assert_eq!(highest.read(ChainId(Hash([2; 32]))), Ok(None), "another chain's");
        fs::write(folder.join("store.highest"), [0; 47]).unwrap();
        assert!(highest.read(chain).unwrap_err().contains("end too early"));
        fs::remove_dir_all(&folder).unwrap();
    }
}
