//! What each refusal says to people: what was found, and what should have been.

use core::fmt;

use super::Reject;

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongChain { got, want } => write!(f, "of chain {got}, not {want}"),
            Self::TrustExpired { at, now } => {
                write!(f, "the trusted header expired at {at} ms (now {now} ms): a new anchor is needed")
            }
            Self::TimeInFuture { got, most } => {
                write!(f, "its time {got} ms is ahead of the clock (at most {most} ms)")
            }
            Self::HeightNotAbove { got, trusted } => write!(f, "its height {got} is not above {trusted}"),
            Self::TimeNotAbove { got, trusted } => write!(f, "its time {got} ms is not above {trusted} ms"),
            Self::WrongParent { got, want } => write!(f, "its parent is {got}, not {want}"),
            Self::WrongSetId { got, want } => write!(f, "it names set {got}, its height is of set {want}"),
            Self::SetChangeOffBoundary { height } => {
                write!(f, "the set changes at {height}, which ends no set")
            }
            Self::WrongLastCertificate { height } => {
                write!(f, "last_certificate is out of place at height {height}")
            }
            Self::WrongProposer { got, want } => write!(f, "it names proposer {got}, drawn was {want}"),
            Self::WrongValidators { got, want } => {
                write!(f, "the set has root {got}, the header says {want}")
            }
            Self::WrongNextValidators { got, want } => {
                write!(f, "the next set has root {got}, the header says {want}")
            }
            Self::BadSet { why } => why.fmt(f),
            Self::UntrustedSet { got, want } => {
                write!(f, "certified by set {got}, the trusted set is {want}")
            }
            Self::PathMissing { tally } => write!(
                f,
                "only {} of {} of the trusted power signed, and no step in between was given",
                tally.signed, tally.total
            ),
            other => other.fmt_certificate(f),
        }
    }
}

impl Reject {
    fn fmt_certificate(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongCertificateKind => f.write_str("a certificate of a kind that has no place here"),
            Self::CertificateChain { got } => write!(f, "the certificate is for chain {got}"),
            Self::CertificateSet { got } => write!(f, "the certificate is of set {got}"),
            Self::CertificateHeight { got } => write!(f, "the certificate is for height {got}"),
            Self::CertificateBlock { got } => write!(f, "the certificate is for block {got}"),
            Self::CertificateRound { got, proposed } => {
                write!(f, "the certificate is of round {got}, before the block's first round {proposed}")
            }
            Self::BitmapLength { got, want } => write!(f, "the bitmap has {got} bytes, the set needs {want}"),
            Self::SignerNotInSet { signer } => write!(f, "signer {signer} is not in the set"),
            Self::SignatureCount { got, want } => write!(f, "{got} signatures for {want} signers"),
            Self::QuorumNotReached { tally } => {
                write!(f, "{} of {} signed, which is not more than two thirds", tally.signed, tally.total)
            }
            Self::BadSignature { signer } => write!(f, "the signature of signer {signer} does not hold"),
            Self::PqOrder { signer } => write!(f, "the ML-DSA signature of signer {signer} is out of order"),
            Self::PqKey { signer } => {
                write!(f, "the ML-DSA key of signer {signer} is not the registered one")
            }
            Self::PqSignature { signer } => {
                write!(f, "the ML-DSA signature of signer {signer} does not hold")
            }
            Self::PqQuorumNotReached { tally } => {
                write!(
                    f,
                    "{} of {} signed with ML-DSA, which is not more than two thirds",
                    tally.signed, tally.total
                )
            }
            other => other.fmt_chained(f),
        }
    }

    fn fmt_chained(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ChainedHeader => f.write_str("the chain does not start with this header"),
            Self::ChainedLength { got, want } => {
                write!(f, "a chain of {got} blocks, the rule asks for {want}")
            }
            Self::ChainedHeight { got } => write!(f, "HotStuff height {got} is not the header's"),
            Self::ChainedParent => f.write_str("a header's parent is not the block below it"),
            Self::ChainedLink { view } => {
                write!(f, "the certificate of view {view} is not for the block below it")
            }
            Self::ChainedViews { got, want } => write!(f, "view {got} where {want} should follow"),
            Self::ChainedPhase { view } => write!(f, "the certificate of view {view} is of the wrong phase"),
            Self::ChainedChain { got } => write!(f, "a certificate of HotStuff chain {got}"),
            Self::ChainedSet => f.write_str("a later block of the chain is of another set"),
            Self::NotProven => f.write_str("nothing was given that leads from the anchor to it"),
            Self::HistoryProof { why } => write!(f, "not in the history of the later head: {why}"),
            Self::StateProof => f.write_str("the state proof does not lead to the state root"),
            Self::TxoProof { why } => write!(f, "not among the transactions of the block: {why}"),
            Self::WrongEvidence { got, want } => {
                write!(f, "evidence with the root {got} where the block has {want}")
            }
            Self::WrongCheckpoint => f.write_str("not the block that the checkpoint pins"),
            Self::CheckpointExpired { at, now } => {
                write!(f, "the checkpoint was fit until {at} ms (now {now} ms)")
            }
            Self::NotAsked { got, want } => write!(f, "a block at height {got} where {want} was asked for"),
            Self::EvidencePosition => f.write_str("the two statements are not for one position"),
            Self::EvidenceSame => f.write_str("the two statements say the same"),
            Self::EvidenceSigner => f.write_str("the two statements are not of one signer"),
            other => f.write_str(other.name()),
        }
    }
}
