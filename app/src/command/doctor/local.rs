//! What this machine and the files of the home say, without asking anybody.

use std::{
    collections::BTreeSet,
    env, fs,
    io::IsTerminal,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
};

use qratum_chain::types::Time;
use qratum_light_node::Peer;
use qratum_verifier::{anchor::Start, witness};

use super::secrets;
use crate::{check::Check, home::Home, time};

/// Bytes that should be free where the store is.
const FREE: u64 = 100 << 20;
/// The smallest comfortable screen.
const SCREEN: (u16, u16) = (80, 24);

/// The directory: is it there, and whose is it?
pub(super) fn home(home: &Home) -> Vec<Check> {
    let shown = home.shown();
    let found = match fs::metadata(home.path()) {
        Ok(found) if found.is_dir() => found,
        Ok(_) => {
            return vec![Check::fail(
                "home",
                format!("{shown} is a file"),
                "Name a directory with --home DIR",
            )];
        }
        Err(error) => {
            let todo = "Make a home with `qratum init`, or start a network to try with `qratum demo`";
            return vec![Check::fail("home", format!("{shown}: {error}"), todo)];
        }
    };
    let mode = found.mode() & 0o777;
    let text = format!("{shown}, mode {mode:04o}");
    vec![if mode & 0o022 != 0 {
        let todo = format!("Others can replace what you trust: chmod 700 {shown}");
        Check::fail("home", text, todo)
    } else if mode & 0o077 != 0 {
        Check::warn("home", text, format!("Others can read it: chmod 700 {shown}"))
    } else {
        Check::ok("home", text)
    }]
}

/// The files that trust starts from: can others change them?
pub(super) fn files(home: &Home) -> Check {
    let own = fs::metadata("/proc/self").map_or(0, |found| found.uid());
    let unsafe_file = |name: &&str| {
        fs::metadata(home.path().join(name))
            .is_ok_and(|found| found.mode() & 0o022 != 0 || (found.uid() != own && found.uid() != 0))
    };
    let open: Vec<&str> =
        ["genesis.json", "peers.json", "anchor.json"].into_iter().filter(unsafe_file).collect();
    if open.is_empty() {
        return Check::ok("files", "only this user can change what is trusted");
    }
    let names = open.join(" and ");
    let todo = "Whoever writes them decides what you believe: check them, then chown and chmod 600";
    Check::fail("files", format!("others can change {names}"), todo)
}

/// The anchor: is it young enough for a new start?
pub(super) fn anchor(network: &str, start: &Start, now: Time) -> Check {
    let header = start.anchor.header().get();
    if header.time > now {
        let text = format!("the anchor of {network} lies in the future");
        return Check::fail("anchor", text, "Set the clock of this machine right");
    }
    let (height, until) = (header.height, time::format(start.not_after));
    let text = format!(
        "{network}, height {height}, {} old, good until {until}",
        time::age(time::since(header.time, now))
    );
    if start.is_expired(now) {
        let todo = "Get a fresh anchor from people you trust: `qratum explain expired`";
        return Check::fail("anchor", text, todo);
    }
    Check::ok("anchor", text)
}

/// The list of peers: is it enough to catch a liar?
pub(super) fn peers(peers: &[Peer]) -> Check {
    let operators: BTreeSet<&str> = peers.iter().map(|peer| peer.operator.as_str()).collect();
    let text = format!("{} of {} operators", peers.len(), operators.len());
    if operators.len() > witness::NEEDED {
        return Check::ok("peers", text);
    }
    let todo =
        format!("Pin peers of {} operators or more: one alone cannot be contradicted", witness::NEEDED + 1);
    Check::warn("peers", text, todo)
}

/// The machine: terminal, disk, limits.
pub(super) fn machine(home: &Home) -> Vec<Check> {
    let mut checks = vec![terminal(), characters(), disk(home.path())];
    checks.extend(secrets::checks());
    checks
}

fn terminal() -> Check {
    if !std::io::stdout().is_terminal() {
        return Check::ok("terminal", "none: commands work, the console needs one");
    }
    let term = env::var("TERM").unwrap_or_default();
    if term.is_empty() || term == "dumb" {
        let todo = "Set TERM to what the terminal is, as in TERM=xterm-256color";
        return Check::warn("terminal", format!("TERM is {term:?}"), todo);
    }
    let (width, height) = crossterm::terminal::size().unwrap_or((0, 0));
    let off = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let colours = if off { "colours off by NO_COLOR" } else { "16 colours" };
    let text = format!("{term}, {width} by {height}, {colours}");
    if width < SCREEN.0 || height < SCREEN.1 {
        return Check::warn("terminal", text, format!("Make it {} by {} or larger", SCREEN.0, SCREEN.1));
    }
    Check::ok("terminal", text)
}

fn characters() -> Check {
    let set = |name| env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).unwrap_or_default();
    let plain = locale.to_ascii_lowercase().replace('-', "");
    if plain.contains("utf8") {
        return Check::ok("characters", locale);
    }
    let text = if locale.is_empty() { "no locale is set".to_owned() } else { locale };
    Check::warn("characters", text, "Set LANG=C.UTF-8, or start the console with --ascii")
}

/// Asks `df`: the standard library does not know.
fn disk(home: &Path) -> Check {
    let existing =
        home.ancestors().find(|path| path.exists()).map_or_else(|| PathBuf::from("/"), Path::to_path_buf);
    let output = Command::new("df").arg("-Pk").arg("--").arg(existing).output();
    let free = output.ok().and_then(|output| free_bytes(&String::from_utf8_lossy(&output.stdout)));
    match free {
        None => Check::ok("disk", "how much is free is not known: there is no `df`"),
        Some(free) if free < FREE => {
            let text = format!("{} MiB free", free >> 20);
            Check::fail("disk", text, "Make room: a store that cannot be written is given up")
        }
        Some(free) => Check::ok("disk", format!("{} MiB free", free >> 20)),
    }
}

/// The fourth column of the second line, in KiB.
fn free_bytes(df: &str) -> Option<u64> {
    let kib: u64 = df.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use qratum_chain::document::genesis_from_json;

    use super::*;
    use crate::check::Word;

    #[test]
    fn free_space_is_the_fourth_column() {
        let df = "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vda1 100 60 40 60% /\n";
        assert_eq!(free_bytes(df), Some(40 << 10));
        assert_eq!(free_bytes("df: no such file\n"), None);
    }

    #[test]
    fn an_anchor_is_young_old_or_not_born() {
        let genesis = genesis_from_json(include_bytes!("../../../tests/data/genesis.json")).unwrap();
        let start = Start::of(&genesis, None).unwrap();
        let at = |ms| anchor("net", &start, Time(ms)).verdict;
        let (from, until) = (genesis.time.0, start.not_after.0);
        assert_eq!([at(from - 1), at(from), at(until - 1)], [Word::Fail, Word::Ok, Word::Ok]);
        assert_eq!(at(until), Word::Fail);
    }
}
