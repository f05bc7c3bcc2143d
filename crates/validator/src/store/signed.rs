//! From which height on may be signed? `sign-from`: a number, or `unknown` where the files that tell of
//! votes were not there. Replaced whole, so that a crash leaves the old one or the new one.
//!
//! An operator whose network cannot go on without the votes of a validator that lost its disk, and who
//! is sure that nobody else has its keys, writes 0 into it.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use qratum_chain::types::Height;

use super::medium::put;

const FILE: &str = "sign-from";
const UNKNOWN: &str = "unknown";

/// The height from which on may be signed; none where it is not known. 0 where there is no such file:
/// the files that tell of votes were always there.
///
/// # Errors
/// From the file system; [`io::ErrorKind::InvalidData`] where it holds something else.
pub fn read_sign_from(folder: &Path) -> io::Result<Option<Height>> {
    let file = match File::open(folder.join(FILE)) {
        Ok(file) => file,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(Some(Height(0))),
        Err(why) => return Err(why),
    };
    let mut text = String::new();
    file.take(64).read_to_string(&mut text)?;
    match text.trim() {
        UNKNOWN => Ok(None),
        number => number.parse().map(|height| Some(Height(height))).map_err(|_| {
            io::Error::new(io::ErrorKind::InvalidData, format!("{FILE}: neither a height nor {UNKNOWN:?}"))
        }),
    }
}

/// Notes from which height on may be signed, or that it is not known. On disk afterwards.
///
/// # Errors
/// From the file system.
pub fn write_sign_from(folder: &Path, height: Option<Height>) -> io::Result<()> {
    let text = height.map_or_else(|| UNKNOWN.to_owned(), |height| height.0.to_string());
    put(&folder.join(FILE), format!("{text}\n").as_bytes()).map(drop)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{store::Store, testing::Scratch};

    #[test]
    fn what_was_signed_is_not_known_where_a_file_is_missing_until_it_is_noted() {
        let folder = Scratch::new();
        let read = || read_sign_from(&folder.0).unwrap();
        let open = || drop(Store::open(&folder.0).unwrap());
        assert_eq!(read(), Some(Height(0)), "a folder of before this file");
        open();
        assert_eq!(read(), None);
        open();
        assert_eq!(read(), None, "a start that came to nothing changes nothing");
        write_sign_from(&folder.0, Some(Height(7))).unwrap();
        open();
        assert_eq!(read(), Some(Height(7)));
        for file in ["log.bin", "chain.bin"] {
            write_sign_from(&folder.0, Some(Height(7))).unwrap();
            fs::remove_file(folder.0.join(file)).unwrap();
            open();
            assert_eq!(read(), None, "{file}");
        }
    }

    #[test]
    fn a_file_that_says_something_else_is_refused() {
        let folder = Scratch::new();
        for text in ["", "soon", "-1", "18446744073709551616", "7 8"] {
            fs::write(folder.0.join(FILE), text).unwrap();
            let refused = read_sign_from(&folder.0).unwrap_err();
            assert_eq!(refused.to_string(), "sign-from: neither a height nor \"unknown\"", "{text:?}");
        }
    }
}
