//! What can be done in the console, and with which key? One table, from which the hints, the help,
//! the palette and `assets/keys.md` are made. One key has one meaning in the whole program.

use core::fmt;

/// A key, as the program sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// A character that was typed.
    Char(char),
    /// One with the control key.
    Ctrl(char),
    Enter,
    Esc,
    Tab,
    BackTab,
    Backspace,
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
    Left,
    Right,
    /// A function key.
    F(u8),
    /// Any other.
    Other,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self {
            Self::Char(' ') => "Space",
            Self::Char(c) => return f.pad(c.encode_utf8(&mut [0; 4])),
            Self::Ctrl(c) => return f.pad(&format!("Ctrl-{}", c.to_ascii_uppercase())),
            Self::Enter => "Enter",
            Self::Esc => "Esc",
            Self::Tab => "Tab",
            Self::BackTab => "Shift-Tab",
            Self::Backspace => "Backspace",
            Self::Up => "Up",
            Self::Down => "Down",
            Self::PageUp => "PgUp",
            Self::PageDown => "PgDn",
            Self::Home => "Home",
            Self::End => "End",
            Self::Left => "Left",
            Self::Right => "Right",
            Self::F(number) => return f.pad(&format!("F{number}")),
            Self::Other => "this key",
        };
        f.pad(word)
    }
}

/// A screen of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Screen {
    Overview,
    Consensus,
    Validators,
    Peers,
    Logs,
    Entropy,
    Security,
    Approvals,
    Audit,
}

impl Screen {
    /// All of them, in the order of their keys. New ones come behind, so that a key never moves.
    pub(crate) const ALL: [Self; 9] = [
        Self::Overview,
        Self::Consensus,
        Self::Validators,
        Self::Peers,
        Self::Logs,
        Self::Entropy,
        Self::Security,
        Self::Approvals,
        Self::Audit,
    ];

    /// Its name on tabs and in crumbs.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Consensus => "Consensus",
            Self::Validators => "Validators",
            Self::Peers => "Peers",
            Self::Logs => "Logs",
            Self::Entropy => "Entropy",
            Self::Security => "Security",
            Self::Approvals => "Approvals",
            Self::Audit => "Audit",
        }
    }

    /// The same where there is little room.
    pub(crate) const fn short(self) -> &'static str {
        match self {
            Self::Overview => "Ovw",
            Self::Consensus => "Con",
            Self::Validators => "Val",
            Self::Peers => "Peer",
            Self::Logs => "Log",
            Self::Entropy => "Ent",
            Self::Security => "Sec",
            Self::Approvals => "App",
            Self::Audit => "Aud",
        }
    }
}

/// Something that can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Show(Screen),
    LastScreen,
    Earlier,
    Later,
    NextPanel,
    PreviousPanel,
    Down,
    Up,
    PageDown,
    PageUp,
    First,
    Last,
    Open,
    Back,
    Help,
    Palette,
    Older,
    Newer,
    Filter,
    NextMatch,
    PreviousMatch,
    Sort,
    Reverse,
    Prove,
    ProveHeight,
    Write,
    Copy,
    Approve,
    Reject,
    Explain,
    Alarms,
    Acknowledge,
    Pause,
    Privacy,
    Repaint,
    Suspend,
    Lock,
    Elevate,
    ReadOnly,
    Theme,
    Drill,
    Tour,
    Leave,
    Quit,
}

/// Where an action means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    /// Everywhere.
    Everywhere,
    /// Where there are rows.
    Rows,
    /// Where something is open above a screen.
    Inside,
    /// In an open proof.
    Proof,
}

/// What an action needs beside its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nothing.
    Nothing,
    /// A verified head.
    Head,
    /// A number, typed behind its name in the palette.
    Number,
    /// So many minutes, where they are typed behind its name in the palette.
    Minutes,
    /// What to try, typed behind its name in the palette.
    Drill,
    /// The name of a theme, typed behind its name in the palette.
    Theme,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) action: Action,
    /// Its name in the palette and in documents.
    pub(crate) id: &'static str,
    /// What it does, in a few words.
    pub(crate) label: &'static str,
    pub(crate) keys: &'static [Key],
    pub(crate) holds: Holds,
    pub(crate) needs: Needs,
}

const fn entry(action: Action, id: &'static str, label: &'static str, keys: &'static [Key]) -> Entry {
    Entry { action, id, label, keys, holds: Holds::Everywhere, needs: Needs::Nothing }
}

const fn screen(screen: Screen, id: &'static str, label: &'static str, key: &'static [Key]) -> Entry {
    entry(Action::Show(screen), id, label, key)
}

const fn rows(action: Action, id: &'static str, label: &'static str, keys: &'static [Key]) -> Entry {
    Entry { holds: Holds::Rows, ..entry(action, id, label, keys) }
}

/// Everything that can be done.
pub(crate) const ACTIONS: &[Entry] = &[
    screen(Screen::Overview, "overview", "the head, who signed it, who told us", &[Key::Char('1')]),
    screen(Screen::Consensus, "consensus", "who votes for what, rounds, rate", &[Key::Char('2')]),
    screen(Screen::Validators, "validators", "the set, and who is silent", &[Key::Char('3')]),
    screen(Screen::Peers, "peers", "who is asked, what they claim", &[Key::Char('4')]),
    screen(Screen::Logs, "logs", "what happened", &[Key::Char('5')]),
    screen(Screen::Entropy, "entropy", "where random bytes come from", &[Key::Char('6')]),
    screen(Screen::Security, "security", "what guards the secrets of this process", &[Key::Char('7')]),
    screen(Screen::Approvals, "approvals", "requests that wait for an answer", &[Key::Char('8')]),
    screen(Screen::Audit, "audit", "requests that are closed, each with its proof", &[Key::Char('9')]),
    entry(Action::LastScreen, "last", "the screen before this one", &[Key::Char('-')]),
    entry(Action::Earlier, "earlier", "back through the screens, one by one", &[Key::Char('[')]),
    entry(Action::Later, "later", "forward again", &[Key::Char(']')]),
    entry(Action::NextPanel, "next-panel", "next panel", &[Key::Tab, Key::Right, Key::Char('l')]),
    entry(
        Action::PreviousPanel,
        "previous-panel",
        "panel before",
        &[Key::BackTab, Key::Left, Key::Char('h')],
    ),
    rows(Action::Down, "down", "next row", &[Key::Char('j'), Key::Down]),
    rows(Action::Up, "up", "row before", &[Key::Char('k'), Key::Up]),
    rows(
        Action::PageDown,
        "page-down",
        "half a window down",
        &[Key::PageDown, Key::Ctrl('d'), Key::Ctrl('f')],
    ),
    rows(Action::PageUp, "page-up", "half a window up", &[Key::PageUp, Key::Ctrl('u'), Key::Ctrl('b')]),
    rows(Action::First, "first", "first row", &[Key::Char('g'), Key::Home]),
    rows(Action::Last, "end", "last row", &[Key::Char('G'), Key::End]),
    rows(Action::Open, "open", "open the row", &[Key::Enter]),
    Entry { holds: Holds::Inside, ..entry(Action::Back, "back", "close what is open", &[Key::Esc]) },
    entry(Action::Help, "help", "all keys", &[Key::Char('?'), Key::F(1)]),
    entry(Action::Palette, "palette", "name something to do", &[Key::Char(':')]),
    entry(Action::Older, "older", "what was done by name before", &[Key::Ctrl('p')]),
    entry(Action::Newer, "newer", "what was done by name after that", &[Key::Ctrl('n')]),
    rows(Action::Filter, "filter", "only rows with a text; !text: those without", &[Key::Char('/')]),
    rows(Action::NextMatch, "next-match", "next row of the filter, round and round", &[Key::Char('n')]),
    rows(Action::PreviousMatch, "previous-match", "the row before it", &[Key::Char('N')]),
    rows(Action::Sort, "sort", "rows by the next column; after the last, as they were", &[Key::Char('s')]),
    rows(Action::Reverse, "reverse", "rows the other way round", &[Key::Char('S')]),
    Entry { needs: Needs::Head, ..entry(Action::Prove, "proof", "proof of this value", &[Key::Char('e')]) },
    Entry {
        needs: Needs::Number,
        ..entry(Action::ProveHeight, "height", "proof of the block at a height: height 12", &[])
    },
    Entry { holds: Holds::Proof, ..entry(Action::Write, "write", "proof to a file", &[Key::Char('w')]) },
    entry(Action::Copy, "copy", "the key or hash under the cursor, to the clipboard", &[Key::Char('y')]),
    entry(
        Action::Approve,
        "approve",
        "a sheet to sign: yes to the request under the cursor",
        &[Key::Char('a')],
    ),
    entry(Action::Reject, "reject", "a sheet to sign: no to it, which closes it", &[Key::Char('R')]),
    entry(Action::Explain, "explain", "what the state means, what to do", &[Key::Char('i')]),
    entry(Action::Alarms, "alarms", "what is wrong, and who has taken it on", &[Key::Char('!')]),
    entry(Action::Acknowledge, "acknowledge", "take an alarm on, with a reason", &[Key::Char('x')]),
    entry(Action::Pause, "pause", "hold the picture still, or let it go", &[Key::Char(' ')]),
    entry(Action::Privacy, "privacy", "hide names and addresses, or show them", &[Key::Char('p')]),
    entry(Action::Repaint, "repaint", "draw everything anew", &[Key::Ctrl('l')]),
    entry(
        Action::Lock,
        "lock",
        "hide everything and end the time to act",
        &[Key::Char('L'), Key::Ctrl('\\')],
    ),
    Entry {
        needs: Needs::Minutes,
        ..entry(Action::Elevate, "elevate", "let this console act for some minutes: elevate 10m", &[])
    },
    entry(Action::ReadOnly, "readonly", "end that: it only watches", &[]),
    entry(Action::Suspend, "suspend", "back to the shell; its fg goes on here", &[Key::Ctrl('z')]),
    Entry { needs: Needs::Theme, ..entry(Action::Theme, THEME, "other colors: theme dark", &[]) },
    Entry {
        needs: Needs::Drill,
        ..entry(Action::Drill, "drill", "only in a demo: kill, restart, lie, entropy", &[])
    },
    entry(Action::Tour, "tour", "the demo, shown in a few steps", &[]),
    entry(Action::Leave, "leave", "close what is open; on a screen, end", &[Key::Char('q')]),
    entry(Action::Quit, "quit", "end the program, from anywhere", &[Key::Ctrl('c')]),
];

/// The name of the action that changes the theme.
pub(crate) const THEME: &str = "theme";

/// Names that other programs give to an action.
const ALIASES: &[(&str, &str)] =
    &[("q!", "quit"), ("qa", "quit"), ("qa!", "quit"), ("wq", "quit"), ("exit", "quit")];

/// Keys with which other programs do something, and what to press for it here.
const HABITS: &[(Key, &str)] = &[
    (Key::Char('Z'), "q ends"),
    (Key::F(10), "q ends"),
    (Key::Char('b'), "PgUp pages back"),
    (Key::Char('f'), "PgDn pages on"),
    (Key::Char('u'), "PgUp pages back"),
    (Key::Char('d'), "Enter opens a row"),
    (Key::Char('o'), "Enter opens a row"),
    (Key::Char('c'), "y copies"),
    (Key::Char('r'), "the picture is live; Ctrl-L draws it anew"),
    (Key::Ctrl('r'), "the picture is live; Ctrl-L draws it anew"),
    (Key::Ctrl('a'), ": finds all that can be done"),
    (Key::Ctrl('k'), "nothing is ended by one key; : finds all that can be done"),
    (Key::Char('0'), SCREENS),
];

const SCREENS: &str = "the screens are 1 to 9";

/// What to do instead of pressing a key that means nothing.
pub(crate) fn instead(key: Key) -> &'static str {
    HABITS.iter().find(|(habit, _)| *habit == key).map_or("? lists all keys", |(_, text)| text)
}

/// What a key means.
pub(crate) fn meaning(key: Key) -> Option<&'static Entry> {
    ACTIONS.iter().find(|entry| entry.keys.contains(&key))
}

/// The row of an action.
pub(crate) fn of(action: Action) -> Option<&'static Entry> {
    ACTIONS.iter().find(|entry| entry.action == action)
}

impl Entry {
    /// Its keys, for people.
    pub(crate) fn shown_keys(&self) -> String {
        self.keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }
}

/// Entries that a palette offers for `text`, the best first: names that start with it, then names
/// that contain it, then those whose name or label has its letters in this order.
pub(crate) fn found(text: &str) -> Vec<&'static Entry> {
    let typed = text.split_whitespace().next().unwrap_or_default().to_lowercase();
    let word = ALIASES.iter().find(|(alias, _)| *alias == typed).map_or(typed.as_str(), |(_, id)| id);
    let rated = ACTIONS.iter().filter_map(|entry| Some((rank(entry, word)?, entry)));
    let mut rated: Vec<_> = rated.collect();
    rated.sort_by_key(|(rank, _)| *rank);
    rated.into_iter().map(|(_, entry)| entry).collect()
}

fn rank(entry: &Entry, word: &str) -> Option<u8> {
    if entry.id == word {
        Some(0)
    } else if entry.id.starts_with(word) {
        Some(1)
    } else if entry.id.contains(word) {
        Some(2)
    } else if in_order(entry.id, word) {
        Some(3)
    } else {
        in_order(&entry.label.to_lowercase(), word).then_some(4)
    }
}

fn in_order(text: &str, letters: &str) -> bool {
    let mut rest = text.chars();
    letters.chars().all(|letter| rest.any(|c| c == letter))
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    #[test]
    fn one_key_has_one_meaning() {
        let keys: Vec<Key> = ACTIONS.iter().flat_map(|entry| entry.keys.iter().copied()).collect();
        for key in &keys {
            assert_eq!(keys.iter().filter(|other| *other == key).count(), 1, "{key} means two things");
        }
    }

    #[test]
    fn every_action_has_one_entry_with_a_name_of_its_own() {
        for entry in ACTIONS {
            let same = ACTIONS.iter().filter(|other| other.id == entry.id || other.action == entry.action);
            assert_eq!(same.count(), 1, "{}", entry.id);
            assert!(entry.id.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", entry.id);
        }
    }

    #[test]
    fn the_palette_finds_by_start_by_part_and_by_letters() {
        let first = |text| found(text).first().map(|entry| entry.id);
        assert_eq!(first("val"), Some("validators"));
        assert_eq!(first("height 12"), Some("height"));
        assert_eq!(first("PANEL"), Some("next-panel"));
        assert_eq!(first("vldts"), Some("validators"));
        assert_eq!(first("q"), Some("quit"));
        assert_eq!(first("zzz"), None);
        assert_eq!(found("").len(), ACTIONS.len());
    }

    #[test]
    fn an_alias_is_the_name_of_an_action_and_hides_none() {
        for (alias, id) in ALIASES {
            assert_eq!(found(alias).first().map(|entry| entry.id), Some(*id), "{alias}");
            assert!(ACTIONS.iter().all(|entry| entry.id != *alias), "{alias}");
        }
    }

    #[test]
    fn a_habit_is_a_key_without_a_meaning() {
        for (key, _) in HABITS {
            assert!(meaning(*key).is_none(), "{key} means something here");
        }
        assert!(SCREENS.ends_with(&Screen::ALL.len().to_string()));
    }

    /// The page that documents the keys is the table. `QRATUM_BLESS=1` writes it.
    #[test]
    fn the_documented_keys_are_the_table() {
        let rows = ACTIONS.iter().map(|entry| {
            let keys: Vec<_> = entry.keys.iter().map(|key| format!("`{key}`")).collect();
            format!("| {} | `:{}` | {} |\n", keys.join(" "), entry.id, entry.label)
        });
        let aliases = ALIASES.iter().map(|(alias, id)| format!("|  | `:{alias}` | the same as `:{id}` |\n"));
        let rows = rows.chain(aliases);
        let habits = HABITS.iter().map(|(key, text)| format!("| `{key}` | {text} |\n"));
        let habits = format!(
            "\nKeys of other programs that do nothing here, and what is said instead:\n\n| Key | Says |\n|---|---|\n{}",
            habits.collect::<String>()
        );
        let head = "# Keys of the console\n\nMade from the table in `app/src/action.rs`; a test holds it to that.\n\n";
        let page =
            format!("{head}| Keys | Palette | Does |\n|---|---|---|\n{}{habits}", rows.collect::<String>());
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/keys.md");
        if std::env::var_os("QRATUM_BLESS").is_some() {
            fs::write(&path, &page).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap_or_default(), page, "QRATUM_BLESS=1 writes it anew");
    }
}
