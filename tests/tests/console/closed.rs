//! A running console is closed in, and its sinks are told all the same.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use qratum_tests::console::{Console, Home};

/// Looks again until it is so: what other processes do tells nobody here.
fn until(what: &str, is: impl Fn() -> bool) {
    let late = Instant::now() + Duration::from_secs(30);
    while !is() {
        assert!(Instant::now() < late, "not in time: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// The processes with these words in their arguments, and what the kernel says of their filter.
fn running(words: &str) -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let path = entry.unwrap().path();
        let arguments = fs::read(path.join("cmdline")).ok()?;
        let arguments = String::from_utf8_lossy(&arguments).replace('\0', " ");
        let status = fs::read_to_string(path.join("status")).ok()?;
        arguments.contains(words).then_some(status)
    });
    processes.collect()
}

fn is_filtered(status: &str) -> bool {
    status.lines().any(|line| line.split_whitespace().eq(["Seccomp:", "2"]))
}

#[test]
fn it_is_closed_in_and_a_broker_tells_its_sink() {
    let home = Home::alone("closed");
    // Where the console itself cannot write, by a program that it cannot start.
    let told = Path::new(home.path()).with_file_name("told");
    let config = Path::new(home.path()).join("config.toml");
    let arguments = format!("cat >>{}", told.display());
    let text = format!(
        "[[alerts.exec]]\nname = \"file\"\nprogram = \"/bin/sh\"\narguments = [\"-c\", \"{arguments}\"]\n\
         heartbeat = true\n"
    );
    fs::write(&config, text).unwrap();
    fs::set_permissions(&config, fs::Permissions::from_mode(0o600)).unwrap();
    let mut console = Console::start((100, 30), &["--home", home.path()]);
    let screen = console.until("q quit");
    assert!(screen.rows().iter().all(|row| !row.contains("not closed in")), "{screen:?}");
    until("the sink is told", || {
        fs::read_to_string(&told).is_ok_and(|told| told.contains("qratum/heartbeat"))
    });

    let consoles = running(&format!("--home {}", home.path()));
    assert!(!consoles.is_empty() && consoles.iter().all(|status| is_filtered(status)), "{consoles:?}");
    let broker = format!("qratum-broker 10000 /bin/sh -c {arguments}");
    let brokers = running(&broker);
    assert!(brokers.len() == 1 && !is_filtered(&brokers[0]), "{brokers:?}");
    console.press("q");
    assert_eq!(console.end().code, 0);
    until("the broker ends with the console", || running(&broker).is_empty());
}

/// The file of the store is a link: within its folder it is opened, and to a place in the home where what
/// it obeys lies the way is there and the kernel refuses it.
#[test]
fn with_and_without_a_screen_it_writes_only_where_it_keeps_things() {
    for form in [[].as_slice(), &["--plain"], &["watch", "--alerts"]] {
        let home = Home::alone("link");
        let folder = Path::new(home.path());
        fs::create_dir(folder.join("store")).unwrap();
        let start = |target: &str| {
            let db = folder.join("store/db");
            let _ = fs::remove_file(&db);
            fs::write(folder.join(target), "").unwrap();
            symlink(folder.join(target), db).unwrap();
            Console::start((160, 30), &[&["--home", home.path()], form].concat())
        };
        let mut refused = start("beside-config");
        refused.until("Permission denied");
        refused.signal("TERM");
        refused.end();
        assert_eq!(fs::read(folder.join("beside-config")).unwrap(), b"");

        let mut console = start("store/elsewhere");
        until("it has opened its store", || fs::metadata(folder.join("store/elsewhere")).unwrap().len() > 0);
        let own = running(&format!("--home {}", home.path()));
        assert!(!own.is_empty() && own.iter().all(|status| is_filtered(status)), "{form:?}: {own:?}");
        assert!(!console.screen().holds("not closed in"), "{:?}", console.screen());
        console.signal("TERM");
        assert_eq!(console.end().code, 0, "{form:?}");
    }
}
