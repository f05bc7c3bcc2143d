//! The faults by name.

/// What is wrong with a validator or a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A validator tells everybody two votes for one place.
    DoubleSign,
    /// A validator tells half of the others another block, and another vote, than the rest.
    Equivocate,
    /// A validator votes for no block but its own, and proposes none with a transaction.
    Censor,
    /// Says nothing.
    Silent,
    /// Says everything too late.
    Delay,
    /// Blocks that lead to another state.
    WrongStateRoot,
    /// Blocks, or audit paths, of another history.
    ForgedHistory,
    /// Blocks an hour from now.
    FutureTime,
    /// Blocks an hour old.
    PastTime,
    /// Blocks of a height that is far away.
    LyingHeight,
    /// No votes: none cast, or none told.
    WithheldVotes,
    /// Votes in the name of others.
    InventedVotes,
    /// Messages that are larger than any may be.
    OversizedFrames,
}

impl Fault {
    /// All of them, with the names that they go by.
    pub const ALL: [(&'static str, Self); 13] = [
        ("double-sign", Self::DoubleSign),
        ("equivocate", Self::Equivocate),
        ("censor", Self::Censor),
        ("silent", Self::Silent),
        ("delay", Self::Delay),
        ("wrong-state-root", Self::WrongStateRoot),
        ("forged-history", Self::ForgedHistory),
        ("future-time", Self::FutureTime),
        ("past-time", Self::PastTime),
        ("lying-height", Self::LyingHeight),
        ("withheld-votes", Self::WithheldVotes),
        ("invented-votes", Self::InventedVotes),
        ("oversized-frames", Self::OversizedFrames),
    ];

    /// The fault of this name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, fault)| *fault)
    }

    /// Whether a peer of light nodes, which signs nothing, can have it.
    #[must_use]
    pub const fn is_a_peers(self) -> bool {
        !matches!(self, Self::DoubleSign | Self::Equivocate | Self::Censor)
    }
}
