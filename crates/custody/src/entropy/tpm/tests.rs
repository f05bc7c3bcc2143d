use std::{
    env,
    io::Cursor,
    os::unix::net::UnixListener,
    path::PathBuf,
    thread::{self, JoinHandle},
    time::Duration,
};

use super::*;
use crate::entropy::{Basis, Timed};

/// Random bytes of an answer.
const BYTES: [u8; CHUNK] = *b"no two of these are the same wor";

/// A good answer, for the tests to spoil.
fn good() -> Vec<u8> {
    [&[0x80, 0x01, 0, 0, 0, 44, 0, 0, 0, 0, 0, 32], BYTES.as_slice()].concat()
}

/// A TPM that says `answer` and then ends, in pieces of `piece` bytes.
struct Script {
    said: Cursor<Vec<u8>>,
    piece: usize,
    heard: Vec<u8>,
    /// Every second read is interrupted by a signal first.
    signalled: bool,
}

impl Read for Script {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.signalled = !self.signalled;
        if self.signalled {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let most = self.piece.min(buffer.len());
        self.said.read(&mut buffer[..most])
    }
}

impl Write for Script {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.heard.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn script(said: Vec<u8>, piece: usize) -> Script {
    Script { said: Cursor::new(said), piece, heard: Vec::new(), signalled: false }
}

fn asked(said: Vec<u8>) -> Result<[u8; CHUNK], String> {
    let mut chunk = [0; CHUNK];
    get_random(&mut script(said, usize::MAX), &mut chunk).map(|()| chunk).map_err(|error| error.to_string())
}

/// A good answer with these bytes from `at` on.
fn with(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut answer = good();
    answer[at..at + bytes.len()].copy_from_slice(bytes);
    answer
}

#[test]
fn a_buffer_is_two_commands_and_their_bytes_however_they_come() {
    for piece in [1, 4, 11, 22, 44] {
        let second: Vec<u8> = with(12, &[7; CHUNK]);
        let mut tpm = script([good(), second].concat(), piece);
        let mut bytes = [0; LENGTH];
        fill(&mut tpm, &mut bytes).unwrap();
        assert_eq!(bytes, *[BYTES, [7; CHUNK]].as_flattened(), "pieces of {piece}");
        assert_eq!(tpm.heard, [0x80, 1, 0, 0, 0, 12, 0, 0, 1, 0x7b, 0, 32].repeat(2));
    }
}

#[test]
fn every_answer_that_is_not_what_was_asked_for_is_refused_for_its_reason() {
    assert_eq!(asked(good()), Ok(BYTES));
    let refusal = |code: [u8; 4]| [[0x80, 0x01, 0, 0, 0, 10].as_slice(), &code].concat();
    let short = [[0x80, 0x01, 0, 0, 0, 28, 0, 0, 0, 0, 0, 16].as_slice(), &[5; 16]].concat();
    for (said, reason) in [
        (Vec::new(), "the TPM's answer ended after 0 bytes"),
        (good()[..9].to_vec(), "the TPM's answer ended after 9 bytes"),
        (good()[..43].to_vec(), "the TPM's answer ended after 43 bytes"),
        ([good(), vec![0]].concat(), "the TPM said more than its answer"),
        (with(2, &[0, 0, 0, 43]), "the TPM said more than its answer"),
        (with(2, &[0, 0, 0, 45]), "the TPM's answer says that it has 45 bytes"),
        (with(2, &[0xff; 4]), "the TPM's answer says that it has 4294967295 bytes"),
        (with(2, &[0, 0, 0, 9]), "the TPM's answer says that it has 9 bytes"),
        (with(0, &[0x80, 0x02]), "the TPM's answer has the tag 0x8002"),
        (with(0, &[0x00, 0xc4]), "the TPM's answer has the tag 0x00c4"),
        (refusal([0, 0, 0x09, 0x22]), "the TPM refused with code 0x922"),
        (with(6, &[0, 0, 1, 1]), "the TPM refused with code 0x101"),
        (refusal([0; 4]), "the TPM's answer ended after 10 bytes"),
        (short, "the TPM gave 16 of 32 bytes"),
        (with(10, &[0, 31]), "the TPM gave 31 of 32 bytes"),
        (with(10, &[0, 33]), "the TPM gave 33 of 32 bytes"),
    ] {
        assert_eq!(asked(said), Err(reason.to_owned()));
    }
}

/// A path of its own for a socket, short enough for one.
fn path(name: &str) -> PathBuf {
    env::temp_dir().join(format!("qratum-tpm-{name}-{}", std::process::id()))
}

/// A TPM at a socket, which answers one connection with `said`, keeps it until `UnixStream`'s other
/// end is gone, and then ends.
fn at_socket(name: &str, said: Vec<u8>) -> (PathBuf, JoinHandle<()>) {
    let path = path(name);
    let _ = fs::remove_file(&path);
    let listener = UnixListener::bind(&path).unwrap();
    let serve = move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(&said).unwrap();
        // The commands, until whoever sent them leaves.
        let _ = stream.read_to_end(&mut Vec::new());
    };
    (path, thread::spawn(serve))
}

#[test]
fn a_wrong_answer_at_a_socket_is_a_fault_that_keeps_its_reason_and_leaves_zeros() {
    for (said, fault) in [
        (with(6, &[0, 0, 9, 0x22]), Fault::Refused(0x922)),
        (with(0, &[0x80, 0x02]), Fault::Garbled),
        (with(2, &[0, 0, 0, 43]), Fault::Garbled),
        (with(10, &[0, 31]), Fault::Garbled),
    ] {
        let (path, tpm) = at_socket("wrong", said);
        let mut bytes = [0xaa; LENGTH];
        assert_eq!(source(&path).collect(&mut bytes), Err(fault));
        assert_eq!(bytes, [0; LENGTH]);
        tpm.join().unwrap();
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn why_it_cannot_be_asked_is_told_apart() {
    let of = |kind: io::ErrorKind| Fault::from(&Error::Io(kind.into()));
    assert_eq!(of(io::ErrorKind::NotFound), Fault::Unavailable);
    assert_eq!(of(io::ErrorKind::PermissionDenied), Fault::Denied);
    assert_eq!(of(io::ErrorKind::ConnectionRefused), Fault::Failed);
    assert_eq!(
        [Error::Ended(0), Error::Ended(9)].map(|error| Fault::from(&error)),
        [Fault::Failed, Fault::Garbled]
    );
}

/// Endless silence: the source has a thread that is left behind.
#[test]
fn a_silent_tpm_has_timed_out() {
    let (path, tpm) = at_socket("silent", Vec::new());
    let mut timed = Timed::new(Box::new(source(&path)), Duration::from_millis(20)).unwrap();
    let mut bytes = [0xaa; LENGTH];
    for _ in 0..3 {
        assert_eq!(timed.collect(&mut bytes), Err(Fault::TimedOut));
        assert_eq!(bytes, [0; LENGTH]);
    }
    assert!(!tpm.is_finished(), "the thread still waits for it");
    fs::remove_file(path).unwrap();
}

#[test]
fn a_tpm_that_is_not_there_is_unavailable() {
    let mut source = source(&path("nowhere"));
    assert_eq!((source.id(), source.class(), source.basis()), ("tpm", Class::Tpm, Basis::Claimed));
    assert_eq!(source.collect(&mut [0; LENGTH]), Err(Fault::Unavailable));
}

#[test]
fn a_program_that_plays_a_tpm_is_credited_with_nothing() {
    let path = path("credit");
    let _listener = UnixListener::bind(&path).unwrap();
    assert_eq!(source(&path).basis(), Basis::None);
    fs::remove_file(path).unwrap();
}

#[test]
fn nothing_is_written_into_a_file() {
    let path = path("file");
    fs::write(&path, "somebody's").unwrap();
    assert_eq!(source(&path).collect(&mut [0; LENGTH]), Err(Fault::Failed));
    assert_eq!(fs::read(&path).unwrap(), b"somebody's");
    assert!(matches!(open(&path), Err(Error::NoDevice)));
    fs::remove_file(path).unwrap();
}

/// A character device that takes everything and gives nothing.
#[test]
fn a_device_that_is_no_tpm_is_a_fault() {
    assert_eq!(source(Path::new("/dev/null")).collect(&mut [0; LENGTH]), Err(Fault::Failed));
}
