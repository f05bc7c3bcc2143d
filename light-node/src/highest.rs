//! Was the store rolled back? The highest verified height and its time, in a folder beside the
//! store: a store that comes back lower is an older copy, or was lost (law 8).
//!
//! Whoever can put back the whole home puts this file back as well: against that only a hardware
//! counter helps.

use std::{fs::DirBuilder, os::unix::fs::DirBuilderExt as _, path::PathBuf};

use qratum_chain::{
    codec::{Decode, Encode, Malformed, Reader},
    types::{ChainId, Height, Time},
};

use crate::{file, place::Place};

/// The highest block that was ever verified in a home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Of which chain.
    pub chain: ChainId,
    /// Its height.
    pub height: Height,
    /// Its time.
    pub time: Time,
}

impl Mark {
    /// 32 bytes of chain id, two numbers of 8.
    const LENGTH: usize = 48;
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
pub struct Highest(PathBuf);

impl Highest {
    /// The file of a home.
    #[must_use]
    pub fn of(place: &Place) -> Self {
        Self(place.highest())
    }

    /// The mark of `chain`; none when there is no file, or it is another chain's.
    ///
    /// # Errors
    /// What is wrong with the file, in words.
    pub fn read(&self, chain: ChainId) -> Result<Option<Mark>, String> {
        let bytes = file::read(&self.0, Mark::LENGTH).map_err(|error| self.failed(&error))?;
        let Some(bytes) = bytes else { return Ok(None) };
        let mark = Mark::from_bytes(&bytes).map_err(|why| self.failed(&why))?;
        Ok(Some(mark).filter(|mark| mark.chain == chain))
    }

    /// Replaces the mark, durably. The store is written first: a crash in between leaves the mark
    /// too low, never too high.
    pub(crate) fn write(&self, mark: &Mark) -> Result<(), String> {
        let folder = self.0.parent().unwrap_or(&self.0);
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|why| self.failed(&why))?;
        file::replace(&self.0, &mark.to_bytes()).map_err(|why| self.failed(&why))
    }

    fn failed(&self, why: &impl std::fmt::Display) -> String {
        format!("{}: {why}", self.0.display())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use qratum_chain::Hash;

    use super::*;

    #[test]
    fn a_mark_comes_back_for_its_chain_and_damage_is_said() {
        let folder = std::env::temp_dir().join(format!("qratum-highest-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let highest = Highest::of(&Place::new(folder.clone()));
        let chain = ChainId(Hash([1; 32]));
        assert_eq!(highest.read(chain), Ok(None));
        let mark = Mark { chain, height: Height(7), time: Time(9) };
        highest.write(&mark).unwrap();
        assert_eq!(highest.read(chain), Ok(Some(mark)));
        assert_eq!(highest.read(ChainId(Hash([2; 32]))), Ok(None), "another chain's");
        fs::write(folder.join("highest/mark"), [0; 47]).unwrap();
        assert!(highest.read(chain).unwrap_err().contains("end too early"));
        fs::remove_dir_all(&folder).unwrap();
    }
}
