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

/// A store that is a link: out of the home the way is there, and the kernel refuses it.
#[test]
fn with_and_without_a_screen_it_is_closed_in() {
    for form in [[].as_slice(), &["--plain"], &["watch", "--alerts"]] {
        let home = Home::alone("link");
        let (inside, outside) =
            (Path::new(home.path()).join("kept"), Path::new(home.path()).with_file_name("kept"));
        let store = Path::new(home.path()).join("store");
        let start = |target: &Path| {
            let _ = fs::remove_file(&store);
            fs::create_dir_all(target).unwrap();
            symlink(target, &store).unwrap();
            Console::start((160, 30), &[&["--home", home.path()], form].concat())
        };
        let mut refused = start(&outside);
        refused.until("Permission denied");
        refused.signal("TERM");
        refused.end();

        let mut console = start(&inside);
        until("it has opened its store", || inside.join("db").exists());
        let own = running(&format!("--home {}", home.path()));
        assert!(!own.is_empty() && own.iter().all(|status| is_filtered(status)), "{form:?}: {own:?}");
        assert!(!console.screen().holds("not closed in"), "{:?}", console.screen());
        console.signal("TERM");
        assert_eq!(console.end().code, 0, "{form:?}");
    }
}
