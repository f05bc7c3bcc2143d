//! `qratum explain`: what does this code mean, what is to be done first, and what never? Offline,
//! from one file that is part of the program.

use serde::Serialize;

use crate::{
    exit::{Exit, Failure},
    output,
};

/// All pages: `# kind: what its codes tell`, then for each code `## code`, a sentence, and three
/// paragraphs of one line each, which begin with the words of [`Page::read`].
const PAGES: &str = concat!("\n", include_str!("../../../assets/explain/codes.md"));
/// Columns of a page.
const WIDTH: usize = 80;
/// Columns in front of a paragraph.
const INDENT: usize = 7;
/// How many codes are suggested for one that is not known.
const SUGGESTIONS: usize = 3;
/// A longer text is no mistyped code.
const LONGEST: usize = 64;

/// Pages, as `--json` prints them.
#[derive(Debug, Serialize)]
struct Codes {
    schema: &'static str,
    codes: Vec<Page>,
}

/// One code.
#[derive(Clone, Copy, Debug, Serialize)]
struct Page {
    code: &'static str,
    kind: &'static str,
    summary: &'static str,
    means: &'static str,
    first: &'static str,
    never: &'static str,
}

/// Codes of one kind.
struct Kind {
    name: &'static str,
    tells: &'static str,
    pages: Vec<Page>,
}

/// Prints the page of `code`, or the list of codes.
pub(crate) fn run(code: Option<&str>, json: bool) -> Result<Exit, Failure> {
    let kinds = kinds();
    let all = || kinds.iter().flat_map(|kind| kind.pages.iter().copied());
    let page = code.map(|code| find(all(), code)).transpose()?;
    if json {
        let codes = page.map_or_else(|| all().collect(), |page| vec![page]);
        output::json(&Codes { schema: "qratum/explain/v1", codes })?;
    } else {
        output::lines(&page.map_or_else(|| list(&kinds), |page| page.text(WIDTH)))?;
    }
    Ok(Exit::Done)
}

/// The page of `code` in lines of at most `width` characters; none where there is no such page.
pub(crate) fn page(code: &str, width: usize) -> Vec<String> {
    let pages = kinds().into_iter().flat_map(|kind| kind.pages);
    let found = pages.into_iter().find(|page| page.code == code);
    found.map(|page| page.text(width).lines().map(str::to_owned).collect()).unwrap_or_default()
}

/// What `code` means, in a sentence.
pub(crate) fn summary(code: &str) -> Option<&'static str> {
    let mut pages = kinds().into_iter().flat_map(|kind| kind.pages);
    pages.find(|page| page.code == code).map(|page| page.summary)
}

fn kinds() -> Vec<Kind> {
    let kind = |section: &'static str| {
        let (name, rest) = section.split_once(": ")?;
        let (tells, pages) = rest.split_once('\n')?;
        let pages = pages.split("\n## ").skip(1).filter_map(|page| Page::read(name, page)).collect();
        Some(Kind { name, tells, pages })
    };
    PAGES.split("\n# ").skip(1).filter_map(kind).collect()
}

impl Page {
    /// None where a part is missing; a test holds that none is.
    fn read(kind: &'static str, text: &'static str) -> Option<Self> {
        let mut lines = text.lines().filter(|line| !line.is_empty());
        let (code, summary) = (lines.next()?, lines.next()?);
        let mut after = |word| lines.next()?.strip_prefix(word);
        let (means, first, never) = (after("Means: ")?, after("First: ")?, after("Never: ")?);
        lines.next().is_none().then_some(Self { code, kind, summary, means, first, never })
    }

    fn text(&self, width: usize) -> String {
        let Self { code, kind, summary, means, first, never } = self;
        let summary = wrapped(summary, width).join("\n");
        let mut text = format!("{code} ({kind})\n{summary}\n\n");
        for (word, paragraph) in [("means", means), ("first", first), ("never", never)] {
            let mut label = word;
            for line in wrapped(paragraph, width.saturating_sub(INDENT + 1)) {
                text.push_str(&format!("{label:<INDENT$} {line}\n"));
                label = "";
            }
        }
        text
    }
}

/// The text in lines of at most `width` characters, where its words are no longer.
pub(crate) fn wrapped(paragraph: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in paragraph.split(' ') {
        match lines.last_mut().filter(|line| line.len() + word.len() < width) {
            Some(line) => *line = format!("{line} {word}"),
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

fn list(kinds: &[Kind]) -> String {
    let mut text = String::new();
    for Kind { name, tells, pages } in kinds {
        text.push_str(&format!("{name}: {tells}\n"));
        for Page { code, summary, .. } in pages {
            text.push_str(&format!("  {code:<21} {summary}\n"));
        }
    }
    text + "`qratum explain CODE` says what one means and what to do."
}

fn find(mut pages: impl Iterator<Item = Page> + Clone, code: &str) -> Result<Page, Failure> {
    let known = pages.clone();
    if let Some(page) = pages.find(|page| page.code.eq_ignore_ascii_case(code)) {
        return Ok(page);
    }
    let near = nearest(known.map(|page| page.code), code);
    let hint = if near.is_empty() { String::new() } else { format!("Near it: {}\n", near.join(", ")) };
    let text = format!("there is no code {code:?}\n{hint}`qratum explain` lists all codes");
    Err(Failure::new(Exit::Usage, text))
}

/// The codes that are most like `code`, the nearest first; none, where nothing is like it.
fn nearest(codes: impl Iterator<Item = &'static str>, code: &str) -> Vec<&'static str> {
    if code.len() > LONGEST {
        return Vec::new();
    }
    let code = code.to_ascii_lowercase();
    let rated = codes.map(|known| {
        let lower = known.to_ascii_lowercase();
        let part = code.len() > 2 && lower.contains(&code);
        (if part { 0 } else { distance(&lower, &code) }, known)
    });
    let near = |(distance, known): &(usize, &str)| *distance <= known.len() / 3;
    let mut rated: Vec<_> = rated.filter(near).collect();
    rated.sort_by_key(|(distance, _)| *distance);
    rated.into_iter().map(|(_, known)| known).take(SUGGESTIONS).collect()
}

/// How many letters must be put in, taken out or replaced to make one text of the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut left = index.saturating_add(1);
        let mut next = vec![left];
        for (pair, wanted) in row.windows(2).zip(&other) {
            let &[diagonal, above] = pair else { continue };
            let replaced = diagonal.saturating_add(usize::from(letter != *wanted));
            left = replaced.min(above.saturating_add(1)).min(left.saturating_add(1));
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use qratum_chain::{ledger::Outcome, types::Height};
    use qratum_light_node::{Reason, State, StoreState};
    use qratum_verifier::Reject;

    use super::*;
    use crate::{
        acting::outcome::{Done, Standing},
        monitor::Code,
    };

    /// All of an enum, from its first and the one after each: the compiler asks for a new one.
    fn walk<T>(first: T, after: impl Fn(&T) -> Option<T>) -> Vec<T> {
        std::iter::successors(Some(first), after).collect()
    }

    fn states() -> Vec<&'static str> {
        let after = |state: &State| {
            Some(match state {
                State::Loading => State::Syncing,
                State::Syncing => State::Live,
                State::Live => State::Stale,
                State::Stale => State::Stalled,
                State::Stalled => State::NoQuorum,
                State::NoQuorum => State::Disconnected,
                State::Disconnected => State::Expired,
                State::Expired => State::Clock,
                State::Clock => State::Forked,
                State::Forked => return None,
            })
        };
        let all = walk(State::Loading, after);
        assert_eq!(all, State::ALL);
        all.into_iter().map(State::word).collect()
    }

    fn reasons() -> Vec<&'static str> {
        let after = |reason: &Reason| {
            Some(match reason {
                Reason::Rejected(_) => Reason::Malformed(String::new()),
                Reason::Malformed(_) => Reason::OffTopic,
                Reason::OffTopic => Reason::Missing(Height(1)),
                Reason::Missing(_) => Reason::NoProgress,
                Reason::NoProgress => Reason::TimedOut,
                Reason::TimedOut => Reason::Cut,
                Reason::Cut => Reason::NoProtocol,
                Reason::NoProtocol => Reason::WrongKey,
                Reason::WrongKey => return None,
            })
        };
        // The first speaks with the verifier's names.
        walk(Reason::Rejected(Reject::NotProven), after).iter().skip(1).map(Reason::name).collect()
    }

    fn stores() -> Vec<&'static str> {
        let after = |store: &StoreState| {
            Some(match store {
                StoreState::None => StoreState::Kept { loaded: 0, dropped: 0 },
                StoreState::Kept { .. } => StoreState::RolledBack { found: Height(1), highest: Height(2) },
                StoreState::RolledBack { .. } => StoreState::InUse,
                StoreState::InUse => StoreState::Failed(String::new()),
                StoreState::Failed(_) => return None,
            })
        };
        walk(StoreState::None, after).iter().map(StoreState::word).collect()
    }

    fn standings() -> Vec<&'static str> {
        let after = |standing: &Standing| {
            Some(match standing {
                Standing::Out => Standing::Final(Done::Said(Outcome::Open)),
                Standing::Final(_) => Standing::Lapsed,
                Standing::Lapsed => Standing::Replaced,
                Standing::Replaced => Standing::Cloned,
                Standing::Cloned => return None,
            })
        };
        walk(Standing::Out, after).iter().map(Standing::word).collect()
    }

    fn exits() -> Vec<String> {
        let after = |exit: &Exit| {
            Some(match exit {
                Exit::Done => Exit::Error,
                Exit::Error => Exit::Usage,
                Exit::Usage => Exit::Nothing,
                Exit::Nothing => Exit::Expired,
                Exit::Expired => Exit::Refused,
                Exit::Refused => return None,
            })
        };
        walk(Exit::Done, after).into_iter().map(|exit| (exit as u8).to_string()).collect()
    }

    fn explained(kind: &str) -> Vec<&'static str> {
        let kind = kinds().into_iter().find(|known| known.name == kind).unwrap();
        kind.pages.iter().map(|page| page.code).collect()
    }

    #[test]
    fn every_code_has_a_page_and_every_page_a_code() {
        assert_eq!(explained("state"), states());
        assert_eq!(explained("refusal"), Reject::NAMES);
        assert_eq!(explained("peer"), reasons());
        assert_eq!(explained("exit"), exits());
        assert_eq!(explained("store"), stores());
        assert_eq!(explained("act"), standings());
        let states = states();
        let alarms: Vec<_> =
            Code::ALL.map(Code::word).into_iter().filter(|word| !states.contains(word)).collect();
        assert_eq!(explained("alarm"), alarms);
    }

    /// Who is called at night asks first whether their own key is in it.
    #[test]
    fn a_fork_says_first_what_this_console_has_signed() {
        let page =
            find(kinds().into_iter().flat_map(|kind| kind.pages).collect::<Vec<_>>().into_iter(), "forked");
        let first = page.unwrap().first;
        assert!(first.starts_with("Nothing more is signed: acting is off."));
        assert!(first.contains("lies in its folder `acts`"));
    }

    #[test]
    fn every_page_is_whole_and_no_code_stands_twice() {
        let pages: Vec<Page> = kinds().into_iter().flat_map(|kind| kind.pages).collect();
        let headings = PAGES.lines().filter(|line| line.starts_with("## ")).count();
        assert_eq!(pages.len(), headings, "a page misses a part, or has one too many");
        let codes: BTreeSet<_> = pages.iter().map(|page| page.code.to_ascii_lowercase()).collect();
        assert_eq!(codes.len(), pages.len(), "a code of two kinds");
        for Page { code, summary, means, first, never, .. } in pages {
            for text in [summary, means, first, never] {
                assert!(text.ends_with('.') && text.len() >= 8, "{code}: {text}");
                assert!(text.is_ascii(), "{code}: {text}");
            }
            assert!(summary.len() <= 96, "{code}: the list needs a short sentence");
        }
    }

    #[test]
    fn what_is_mistyped_is_near_what_was_meant() {
        let all = || kinds().into_iter().flat_map(|kind| kind.pages).map(|page| page.code);
        assert_eq!(nearest(all(), "wrongparnet"), ["WrongParent"]);
        assert_eq!(nearest(all(), "quorum")[0], "no-quorum");
        assert_eq!(nearest(all(), "TrustExpire"), ["TrustExpired"]);
        assert_eq!(nearest(all(), "xyzzy"), [] as [&str; 0]);
        assert_eq!(nearest(all(), &"e".repeat(1 << 20)), [] as [&str; 0]);
        for (one, other, want) in [("", "", 0), ("a", "", 1), ("kitten", "sitting", 3), ("ab", "ba", 2)] {
            assert_eq!(distance(one, other), want, "{one} {other}");
        }
    }

    #[test]
    fn a_page_fits_eighty_columns() {
        for page in kinds().into_iter().flat_map(|kind| kind.pages) {
            let text = page.text(WIDTH);
            assert!(text.lines().skip(2).all(|line| line.len() <= WIDTH), "{text}");
        }
    }
}
