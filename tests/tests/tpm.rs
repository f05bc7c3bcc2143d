//! The TPM as a source of randomness, against an implementation that is not ours: `swtpm`, started
//! here and ended with the test.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test file: a panic is the verdict"
)]

use std::{
    env, fs,
    io::ErrorKind,
    os::{fd::OwnedFd, unix::net::UnixListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use qratum_custody::entropy::{Basis, Fault, IDS, LENGTH, Random, Source, now, sources, tpm};
use qratum_tests::skip;

/// A software TPM at a socket.
struct Swtpm {
    child: Child,
    folder: PathBuf,
}

impl Swtpm {
    /// None where it is not installed, after [`skip`] has said so.
    fn start(name: &str) -> Option<Swtpm> {
        // A socket's path has about a hundred bytes: not below the target directory.
        let folder = env::temp_dir().join(format!("qratum-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        // Listening before the program runs: whoever connects waits for it.
        let listener = UnixListener::bind(folder.join("tpm")).unwrap();
        let mut command = Command::new("swtpm");
        command.args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear", "--tpmstate"]);
        command.arg(format!("dir={}", folder.display())).args(["--server", "type=unixio,fd=0"]);
        command.stdin(OwnedFd::from(listener)).stdout(Stdio::null()).stderr(Stdio::null());
        match command.spawn() {
            Ok(child) => Some(Swtpm { child, folder }),
            Err(error) if error.kind() == ErrorKind::NotFound && env::var_os("CI").is_none() => {
                fs::remove_dir_all(&folder).unwrap();
                skip("tpm", "swtpm not found, the TPM was asked against scripted answers only");
                None
            }
            Err(error) => panic!("swtpm: {error}"),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.join("tpm")
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Swtpm {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn the_tpm(path: &Path) -> Box<dyn Source> {
    sources(path).unwrap().pop().unwrap()
}

#[test]
fn a_real_tpm_fills_the_buffer_until_it_is_gone() {
    let Some(mut swtpm) = Swtpm::start("fills") else { return };
    let mut source = the_tpm(&swtpm.path());
    // A program on this machine brings nothing that the machine does not have.
    assert_eq!((source.id(), source.basis()), (tpm::ID, Basis::None));
    let mut given = Vec::new();
    for _ in 0..20 {
        let mut bytes = [0; LENGTH];
        assert_eq!(source.collect(&mut bytes), Ok(0));
        given.extend(bytes.as_chunks::<8>().0.iter().copied());
    }
    given.sort_unstable();
    given.dedup();
    assert_eq!(given.len(), 20 * 8, "no word comes twice");
    assert_eq!((source.health().samples(), source.health().alarms()), (64 + 20 * 8, 0));
    swtpm.kill();
    let mut bytes = [0xaa; LENGTH];
    assert_eq!(source.collect(&mut bytes), Err(Fault::Failed));
    assert_eq!(bytes, [0; LENGTH]);
}

#[test]
fn it_is_one_of_the_sources_of_a_generator_and_its_loss_is_survived() {
    let Some(mut swtpm) = Swtpm::start("pool") else { return };
    let mut random = Random::start(sources(&swtpm.path()).unwrap(), now()).unwrap();
    let credit = |random: &Random| {
        let (source, record) = random.watched().last().unwrap();
        assert_eq!(source.id(), IDS[4]);
        record.unwrap().credit
    };
    assert_eq!(credit(&random), Some(0));
    swtpm.kill();
    random.reseed(now()).unwrap();
    assert_eq!(credit(&random), None);
}
