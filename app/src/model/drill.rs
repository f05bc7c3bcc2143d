//! What can be tried on a demo network? Its validators are processes that this console started: it
//! may kill them and start them again; it started a peer that lies when it is told to; and it asks the
//! sources of randomness of its own machine, which it may refuse to believe.

use core::fmt;

/// Something that is tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Drill {
    /// The validator of this name is killed, as by `kill -9`.
    Kill(String),
    /// The validator of this name is started again; without a name, each that is down, and sources that are
    /// stuck go on.
    Restart(Option<String>),
    /// A peer answers with a forged block, once.
    Lie,
    /// The source of randomness of this name gives always the same.
    Stick(&'static str),
}

impl Drill {
    /// Its name in the palette, before what is to be done.
    pub(crate) const NAME: &'static str = "drill";
    /// What is said where there are none.
    pub(crate) const NONE: &'static str = "drills exist only in a demo network that this console started";

    /// All that `text` may be the beginning of, with these validators and `sources`; none where it does not
    /// name a drill. What harms nobody comes first.
    pub(crate) fn offered(text: &str, started: &[String], sources: &[&'static str]) -> Option<Vec<Self>> {
        let (first, _) = text.trim_start().split_once(char::is_whitespace)?;
        if first != Self::NAME || started.is_empty() {
            return None;
        }
        let kill = started.iter().cloned().map(Self::Kill);
        let restart = started.iter().cloned().map(|name| Self::Restart(Some(name)));
        let stick = sources.iter().copied().map(Self::Stick);
        let all = [Self::Restart(None), Self::Lie].into_iter().chain(restart).chain(kill).chain(stick);
        Some(all.filter(|drill| drill.begins_with(text)).collect())
    }

    /// Whether each word of `text` begins the word of this at its place.
    fn begins_with(&self, text: &str) -> bool {
        let own = self.to_string();
        let mut words = own.split(' ');
        text.split_whitespace().all(|word| words.next().is_some_and(|own| own.starts_with(word)))
    }

    /// The validator that it is about, if it is about one.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Kill(name) | Self::Restart(Some(name)) => Some(name),
            Self::Restart(None) | Self::Lie | Self::Stick(_) => None,
        }
    }

    /// The source that it is about, if it is about one.
    pub(crate) const fn source(&self) -> Option<&'static str> {
        match self {
            Self::Stick(id) => Some(id),
            Self::Kill(_) | Self::Restart(_) | Self::Lie => None,
        }
    }

    /// The first words of it.
    pub(crate) const fn verb(&self) -> &'static str {
        match self {
            Self::Kill(_) => "drill kill",
            Self::Restart(_) => "drill restart",
            Self::Lie => "drill lie",
            Self::Stick(_) => "drill entropy",
        }
    }

    /// What it does.
    pub(crate) const fn label(&self) -> &'static str {
        match self {
            Self::Kill(_) => "kill -9 its process",
            Self::Restart(Some(_)) => "start it again",
            Self::Restart(None) => "all that is down or stuck comes back",
            Self::Lie => "a peer sends a forged block",
            Self::Stick(_) => "its samples are always the same",
        }
    }
}

/// As it is typed.
impl fmt::Display for Drill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.verb())?;
        self.name().or(self.source()).map_or(Ok(()), |name| write!(f, " {name}"))
    }
}
