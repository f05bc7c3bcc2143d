//! How are files of a home read and written that may have been put there by somebody else?
//!
//! A console that was taken over can still write into some folders of its home. What a later command
//! that is not closed in finds there may be a link to another file, or a pipe that nobody ever writes
//! to: the one is not followed, the other not waited for.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process,
};

use rustix::{
    fs::{CWD, OFlags, RenameFlags, renameat_with},
    io::Errno,
};

/// Opens a regular file; what is made is its owner's alone.
///
/// # Errors
/// From the file system; also where there is a link, a pipe or whatever else is no regular file.
pub fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let opened = options.custom_flags(flags).mode(0o600).open(path);
    let is_link = |error: &io::Error| error.raw_os_error() == Some(Errno::LOOP.raw_os_error());
    let file = match opened {
        Err(error) if is_link(&error) => return Err(io::Error::other("it is a link, which is not followed")),
        opened => opened?,
    };
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is no regular file")) }
}

/// The bytes of a regular file, one more than `most` at the longest; none where there is no file.
///
/// # Errors
/// Those of [`open`].
pub fn read(path: &Path, most: usize) -> io::Result<Option<Vec<u8>>> {
    let file = match open(path, OpenOptions::new().read(true)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut bytes = Vec::new();
    file.take(u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Opens a file anew, to write and read, whatever was there under its name.
///
/// # Errors
/// From the file system.
pub fn anew(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => open(path, OpenOptions::new().read(true).write(true).create_new(true)),
    }
}

/// Replaces a file as a whole, durably: after a crash it holds the old bytes or the new ones. Only its
/// owner can read it.
///
/// # Errors
/// From the file system.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let next = beside(path, ".new");
    write(&next, bytes)?;
    fs::rename(&next, path)?;
    sync_folder(path)
}

/// Makes a file that only its owner can read, as a whole and durably: after a crash it is there, or
/// nothing is.
///
/// # Errors
/// From the file system; [`io::ErrorKind::AlreadyExists`] where its name is taken. Nothing is left
/// behind then.
pub fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Two processes may make the same file: each beside it under a name of its own.
    let next = beside(path, &format!(".{}.new", process::id()));
    let made =
        write(&next, bytes).and_then(|()| Ok(renameat_with(CWD, &next, CWD, path, RenameFlags::NOREPLACE)?));
    if made.is_err() {
        // That there is no file is the error that counts.
        drop(fs::remove_file(&next));
    }
    made?;
    sync_folder(path)
}

/// Makes what became of a name in its folder durable.
///
/// # Errors
/// From the file system.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    PathBuf::from(name)
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = anew(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use rustix::fs::{FileType, Mode, mknodat};

    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("qratum-file-{}-{name}", process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn names(&self) -> Vec<String> {
            let names = fs::read_dir(&self.0).unwrap();
            names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_replaced_file_is_its_owners_alone() {
        let folder = Folder::new("replaced");
        let path = folder.0.join("mark");
        fs::write(&path, "old").unwrap();
        fs::write(folder.0.join("mark.new"), "left by a crash, and longer").unwrap();
        replace(&path, b"new").unwrap();
        assert_eq!((fs::read(&path).unwrap(), mode(&path)), (b"new".to_vec(), 0o600));
        assert_eq!(folder.names(), ["mark"]);
    }

    /// Whoever could only write into the folder must not reach another file through it.
    #[test]
    fn a_planted_link_is_neither_written_through_nor_read() {
        let folder = Folder::new("link");
        let [path, precious] = ["mark", "precious"].map(|name| folder.0.join(name));
        fs::write(&precious, "precious").unwrap();
        symlink(&precious, folder.0.join("mark.new")).unwrap();
        replace(&path, b"new").unwrap();
        assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
        assert!(fs::symlink_metadata(&path).unwrap().is_file());
        fs::remove_file(&path).unwrap();
        symlink(&precious, &path).unwrap();
        assert_eq!(read(&path, 9).unwrap_err().to_string(), "it is a link, which is not followed");
        assert_eq!(create(&path, b"new").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
    }

    #[test]
    fn a_planted_pipe_is_not_waited_for() {
        let folder = Folder::new("pipe");
        let path = folder.0.join("mark");
        mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        assert_eq!(read(&path, 9).unwrap_err().to_string(), "it is no regular file");
        replace(&path, b"new").unwrap();
        assert_eq!(read(&path, 9).unwrap(), Some(b"new".to_vec()));
        assert_eq!(read(&path, 1).unwrap(), Some(b"ne".to_vec()), "one more than may be");
    }

    #[test]
    fn a_file_is_made_whole_or_not_at_all_and_never_in_the_place_of_another() {
        let folder = Folder::new("made");
        let path = folder.0.join("operator.key");
        create(&path, b"first").unwrap();
        assert_eq!((fs::read(&path).unwrap(), mode(&path)), (b"first".to_vec(), 0o600));
        assert_eq!(create(&path, b"second").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(folder.names(), ["operator.key"], "nothing is left beside it");
        assert_eq!(create(&folder.0.join("no/key"), b"x").unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
