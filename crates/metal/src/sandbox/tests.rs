use std::{
    fs,
    io::{self, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::{net::UnixListener, process::parent_id},
    path::Path,
    process::{self, Command},
    ptr,
    sync::OnceLock,
    thread,
};

use super::*;
use crate::{
    pages::Pages,
    testing::{case, child},
};

/// Runs `closed` as an ordinary user in a process that was closed in with a table of one directory to
/// read, one to write and one device; it gets the first two, and a third that is in no table.
fn closed_in(name: &str, closed: fn([&Path; 3])) {
    // The child cannot remove what it is closed off from.
    let by = if case().is_some() { parent_id() } else { process::id() };
    let base = std::env::temp_dir().join(format!("qratum-{}-{by}", name.replace("::", "-")));
    if case().is_none() {
        let output = child(name, "closed in");
        let _ = fs::remove_dir_all(&base);
        return assert!(output.status.success(), "{output:?}");
    }
    let [read, write, other] = ["read", "write", "other"].map(|name| base.join(name));
    for folder in [&read, &write, &other] {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("there"), "before").unwrap();
    }
    let null = PathBuf::from("/dev/null");
    let (read_in, write_in, ports) = (vec![read.clone()], vec![write.clone()], vec![port()]);
    let table = Table { read: read_in, write: write_in, devices: vec![null], ports, connect: Some(vec![1]) };
    let sandbox = enter(&table);
    assert!(sandbox.is_whole(), "{sandbox}");
    closed([&read, &write, &other]);
}

/// The one port that the table names: nobody else's, as the system has just given it away.
fn port() -> u16 {
    static PORT: OnceLock<u16> = OnceLock::new();
    *PORT.get_or_init(|| TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port())
}

fn denied<T>(result: io::Result<T>) -> bool {
    result.is_err_and(|error| error.raw_os_error() == Some(libc::EACCES))
}

#[test]
fn files_outside_the_table_are_closed_and_those_in_it_open() {
    closed_in("sandbox::tests::files_outside_the_table_are_closed_and_those_in_it_open", |folders| {
        let [read, write, other] = folders.map(|folder| folder.join("there"));
        assert_eq!(fs::read(&read).unwrap(), b"before");
        assert!(denied(fs::write(&read, "after")), "written although it is only to be read");
        assert!(denied(fs::remove_file(&read)));
        fs::write(&write, "after").unwrap();
        fs::rename(&write, write.with_extension("moved")).unwrap();
        assert!(denied(fs::read(&other)) && denied(fs::write(&other, "after")), "outside the table");
        assert!(denied(fs::read_dir(folders[2])) && denied(fs::read("/etc/passwd")));
        assert!(denied(fs::read("/proc/self/mem")) && denied(fs::read("/proc/1/cmdline")));
        assert!(fs::hard_link(&other, folders[1].join("linked")).is_err(), "carried into the table");
        assert!(
            denied(std::os::unix::fs::symlink(&other, folders[1].join("linked"))),
            "for others to follow"
        );
        let pipe = rustix::fs::mknodat(
            rustix::fs::CWD,
            folders[1].join("pipe"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RWXU,
            0,
        );
        assert!(denied(pipe.map_err(io::Error::from)), "for others to wait at");
        fs::OpenOptions::new().write(true).open("/dev/null").unwrap().write_all(b"x").unwrap();
        assert!(denied(fs::File::open("/dev/zero")));
    });
}

#[test]
fn nobody_can_listen_on_another_port_or_connect_to_one() {
    const NAME: &str = "sandbox::tests::nobody_can_listen_on_another_port_or_connect_to_one";
    closed_in(NAME, |[_, write, _]| {
        assert!(denied(TcpListener::bind("127.0.0.1:0")) && denied(TcpListener::bind("[::1]:0")));
        TcpListener::bind(("127.0.0.1", port())).unwrap();
        let refused = TcpStream::connect("127.0.0.1:1").unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused, "it was let out, and nobody was there");
        assert!(denied(TcpStream::connect("127.0.0.1:2")) && denied(TcpStream::connect("[::1]:2")));
        // By its short name: a path of a socket has few bytes.
        std::env::set_current_dir(write).unwrap();
        UnixListener::bind("socket").unwrap();
    });
}

/// What the kernel says to a call with six arguments that no call takes.
fn called(number: c_long) -> Option<i32> {
    // SAFETY: each argument is -1, which is no address, no descriptor and no process.
    let result = unsafe { libc::syscall(number, -1_i64, -1_i64, -1_i64, -1_i64, -1_i64, -1_i64) };
    (result == -1).then(io::Error::last_os_error).and_then(|error| error.raw_os_error())
}

/// What the kernel says to a request that a terminal may get: `ioctl(fd, request, NULL)`.
fn asked(fd: i64, request: u64) -> Option<i32> {
    // SAFETY: no memory is at address 0, so whatever the request would read or write is refused.
    let result = unsafe { libc::syscall(libc::SYS_ioctl, fd, request, ptr::null::<u8>()) };
    (result == -1).then(io::Error::last_os_error).and_then(|error| error.raw_os_error())
}

#[test]
fn every_call_of_the_table_is_refused() {
    closed_in("sandbox::tests::every_call_of_the_table_is_refused", |_| {
        for (name, number) in FORBIDDEN {
            assert_eq!(called(*number), Some(libc::EPERM), "{name}");
            #[cfg(target_arch = "x86_64")]
            assert_eq!(called(*number | X32.0), Some(libc::EPERM), "{name} of x32");
        }
        // Whatever else the table loses, these must stay in it.
        for number in
            [libc::SYS_execveat, libc::SYS_ptrace, libc::SYS_process_vm_readv, libc::SYS_io_uring_setup]
        {
            assert_eq!(called(number), Some(libc::EPERM), "{number}");
        }
        for request in TYPING {
            // The kernel looks at the lower half only, so nothing in the upper one hides a request.
            for request in [u64::from(request), u64::from(request) | 1 << 32] {
                assert_eq!(asked(-1, request), Some(libc::EPERM), "{request:#x}");
            }
        }
        assert_eq!(asked(-1, 0x5413 /* TIOCGWINSZ */), Some(libc::EBADF));
        let run = Command::new("/bin/true").status().unwrap_err();
        assert_eq!(run.raw_os_error(), Some(libc::EPERM));
    });
}

#[test]
fn calls_are_refused_by_the_table_and_not_by_chance() {
    const NAME: &str = "sandbox::tests::calls_are_refused_by_the_table_and_not_by_chance";
    if case().is_none() {
        let output = child(NAME, "open");
        return assert!(output.status.success(), "{output:?}");
    }
    // The same user without the sandbox: the kernel answers otherwise.
    for wanted in ["execve", "execveat", "process_vm_readv", "io_uring_enter", "add_key", "unshare"] {
        let (name, number) = FORBIDDEN.iter().find(|(name, _)| *name == wanted).unwrap();
        assert_ne!(called(*number), Some(libc::EPERM), "{name}");
    }
}

#[test]
fn a_later_thread_is_closed_in_too_and_secrets_can_still_be_made() {
    const NAME: &str = "sandbox::tests::a_later_thread_is_closed_in_too_and_secrets_can_still_be_made";
    closed_in(NAME, |[.., other]| {
        let there = other.join("there");
        thread::spawn(move || assert!(denied(fs::read(there)))).join().unwrap();
        assert!(Pages::new(32).unwrap().status().is_locked());
    });
}

#[test]
fn what_is_not_in_force_is_said() {
    let whole = Sandbox { landlock: 7, files: Ok(()), calls: Ok(()) };
    let calls = FORBIDDEN.len();
    assert_eq!(
        whole.to_string(),
        format!("files and ports closed (Landlock 7); {calls} calls refused (seccomp)")
    );
    let part = Sandbox { landlock: 3, files: Err("no ports".to_owned()), ..whole.clone() };
    assert!(!part.is_whole());
    assert!(part.to_string().starts_with("files closed in part (Landlock 3): no ports; "), "{part}");
    let none = Sandbox { landlock: 0, files: Err("none".to_owned()), calls: Err("denied".to_owned()) };
    assert_eq!(none.to_string(), "files and ports OPEN: none; no call refused: denied");
}
