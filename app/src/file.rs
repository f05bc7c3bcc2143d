//! Reading files that may be anything: bounded before they are read, never trusted. And writing
//! such as were not there.

use std::{
    fs::{self, File, Permissions},
    io::{self, Read, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use qratum_light_node::file::anew;
pub(crate) use qratum_light_node::file::create;

use crate::exit::{Exit, Failure};

/// The bytes of `path`, or of standard input for "-"; an error above `most` bytes.
pub(crate) fn read(path: &Path, most: usize) -> Result<Vec<u8>, Failure> {
    let read = if path == Path::new("-") { bounded(io::stdin().lock(), 0, most) } else { open(path, most) };
    match read {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(Failure::new(Exit::Error, format!("{}: longer than {most} bytes", path.display()))),
        Err(error) => Err(Failure::io(&path.display().to_string(), &error)),
    }
}

fn open(path: &Path, most: usize) -> io::Result<Option<Vec<u8>>> {
    let file = File::open(path)?;
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    if length > most { Ok(None) } else { bounded(file, length, most) }
}

/// Reads to the end, or to one byte above `most`: a pipe or device says no length beforehand.
fn bounded(from: impl Read, expected: usize, most: usize) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::with_capacity(expected.saturating_add(1));
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    from.take(limit).read_to_end(&mut bytes)?;
    Ok((bytes.len() <= most).then_some(bytes))
}

/// Writes a file that only its owner can read, as a whole and durably; an error where there is one
/// already.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    create(path, bytes).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            let text = format!(
                "{} exists, and nothing is overwritten\nName another file, or remove it first",
                path.display()
            );
            Failure::new(Exit::Usage, text)
        }
        _ => Failure::io(&path.display().to_string(), &error),
    })
}

/// Puts a file that all may read in the place of whatever is there, in one step: a reader sees the old one
/// or the new one, and never a part.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.new", std::process::id()));
    let write = || {
        let mut file = anew(Path::new(&beside))?;
        file.set_permissions(Permissions::from_mode(0o644))?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().map_err(|error| {
        let _ = fs::remove_file(&beside);
        Failure::io(&path.display().to_string(), &error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_exact() {
        assert_eq!(bounded(&b"abcd"[..], 0, 4).unwrap(), Some(b"abcd".to_vec()));
        assert_eq!(bounded(&b"abcde"[..], 0, 4).unwrap(), None);
        assert_eq!(bounded(io::repeat(0), 0, 1 << 10).unwrap(), None);
    }
}
