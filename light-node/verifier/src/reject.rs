//! Every way to be refused, and who is to blame for it.

use qratum_chain::{
    Hash,
    types::{BlockId, ChainId, Height, Round, SetError, SetId, Time},
};
use qratum_crypto::merkle::ProofError;

use crate::quorum::Tally;

mod text;

/// Who answers for a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// Nobody: a matter of clocks or of an anchor that grew old.
    Nobody,
    /// Whoever handed the bytes over.
    Peer,
}

macro_rules! rejects {
    ($($(#[$doc:meta])* $name:ident $({ $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? })? => $blame:ident,)*) => {
        /// Why something was refused. One variant for each rule, named after the rule.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Reject {
            $($(#[$doc])* $name $({ $($(#[$field_doc])* $field: $type),* })?,)*
        }

        impl Reject {
            /// The names of all variants: a test demands vectors for each.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name)),*];

            /// The variant's name: the reject code of documents and vectors.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$name { .. } => stringify!($name),)*
                }
            }

            /// Who answers for it.
            #[must_use]
            pub const fn blame(&self) -> Blame {
                match self {
                    $(Self::$name { .. } => Blame::$blame,)*
                }
            }
        }
    };
}

rejects! {
    // - place in the chain
    /// The header is of another chain.
    WrongChain {
        /// The chain it names.
        got: ChainId,
        /// The chain that is followed.
        want: ChainId,
    } => Peer,
    /// The trusted header is older than the trusting period: a new anchor is needed.
    TrustExpired {
        /// When it ceased to vouch for others.
        at: Time,
        /// The local clock.
        now: Time,
    } => Nobody,
    /// The header's time is further ahead of the local clock than the drift allows.
    TimeInFuture {
        /// The header's time.
        got: Time,
        /// The latest time that is believed now.
        most: Time,
    } => Nobody,
    /// The header is not above the trusted one.
    HeightNotAbove {
        /// Its height.
        got: Height,
        /// The trusted height.
        trusted: Height,
    } => Peer,
    /// The header's time is not above the trusted one's.
    TimeNotAbove {
        /// Its time.
        got: Time,
        /// The trusted time.
        trusted: Time,
    } => Peer,
    /// The header directly above the trusted one names another parent.
    WrongParent {
        /// The parent it names.
        got: BlockId,
        /// The trusted block.
        want: BlockId,
    } => Peer,
    /// The header names a set that its height does not belong to.
    WrongSetId {
        /// The set it names.
        got: SetId,
        /// The set of its height.
        want: SetId,
    } => Peer,
    /// The next set differs although the set has not ended.
    SetChangeOffBoundary {
        /// Where.
        height: Height,
    } => Peer,
    /// `last_certificate` is zero above height 1, or not zero below height 2.
    WrongLastCertificate {
        /// Where.
        height: Height,
    } => Peer,
    /// The proposer is not the one that set, height and round draw.
    WrongProposer {
        /// The index the header names.
        got: u32,
        /// The index that was drawn.
        want: u32,
    } => Peer,

    // - sets
    /// The set that came along is not the one under `validators_hash`.
    WrongValidators {
        /// Its root.
        got: Hash,
        /// The header's root.
        want: Hash,
    } => Peer,
    /// The next set that came along is not the one under `next_validators_hash`.
    WrongNextValidators {
        /// Its root.
        got: Hash,
        /// The header's root.
        want: Hash,
    } => Peer,
    /// The list of validators breaks a rule of sets.
    BadSet {
        /// Which rule.
        why: SetError,
    } => Peer,
    /// The header is certified by another set than the one the trusted header names.
    UntrustedSet {
        /// The set that certifies it.
        got: Hash,
        /// The set that should.
        want: Hash,
    } => Peer,
    /// Too little of the trusted set's power is among the signers to skip to this header, and no
    /// step in between was given.
    PathMissing {
        /// Trusted power among the signers.
        tally: Tally,
    } => Peer,

    // - commit certificates
    /// The certificate is of a kind that this chain does not produce at this height.
    WrongCertificateKind => Peer,
    /// The certificate is for another chain.
    CertificateChain {
        /// The chain it names.
        got: ChainId,
    } => Peer,
    /// The certificate is of another set.
    CertificateSet {
        /// The set it names.
        got: SetId,
    } => Peer,
    /// The certificate is for another height.
    CertificateHeight {
        /// The height it names.
        got: Height,
    } => Peer,
    /// The certificate is for another block.
    CertificateBlock {
        /// The block it names.
        got: BlockId,
    } => Peer,
    /// The certificate's round is before the round in which the block was first proposed.
    CertificateRound {
        /// The certificate's round.
        got: Round,
        /// The header's round.
        proposed: Round,
    } => Peer,
    /// The bitmap has not one bit for each member.
    BitmapLength {
        /// Its bytes.
        got: usize,
        /// The bytes of a bitmap over the set.
        want: usize,
    } => Peer,
    /// A signer stands outside the set.
    SignerNotInSet {
        /// The index it claims.
        signer: u32,
    } => Peer,
    /// There is not one signature for each signer.
    SignatureCount {
        /// How many there are.
        got: usize,
        /// How many signers there are.
        want: usize,
    } => Peer,
    /// The signers have no more than two thirds of the power.
    QuorumNotReached {
        /// What they have.
        tally: Tally,
    } => Peer,
    /// A signature does not hold.
    BadSignature {
        /// Whose it claims to be.
        signer: u32,
    } => Peer,

    // - hand-over, ML-DSA
    /// ML-DSA signatures are not in ascending order of signers, or one stands twice.
    PqOrder {
        /// The signer out of place.
        signer: u32,
    } => Peer,
    /// An ML-DSA key is not the one the set names.
    PqKey {
        /// Whose it claims to be.
        signer: u32,
    } => Peer,
    /// An ML-DSA signature does not hold.
    PqSignature {
        /// Whose it claims to be.
        signer: u32,
    } => Peer,
    /// More than two thirds of the power has ML-DSA keys, but no more than two thirds signed.
    PqQuorumNotReached {
        /// What signed with ML-DSA.
        tally: Tally,
    } => Peer,

    // - chained certificates
    /// The chain of blocks does not start with the header it should certify.
    ChainedHeader => Peer,
    /// The chain has not the length that the rule asks for.
    ChainedLength {
        /// How many blocks it has.
        got: usize,
        /// How many the rule asks for.
        want: usize,
    } => Peer,
    /// A HotStuff block has another height than the header inside, or heights do not rise by one.
    ChainedHeight {
        /// HotStuff's height.
        got: u64,
    } => Peer,
    /// A header's parent is not the header of the block below it in the chain.
    ChainedParent => Peer,
    /// A certificate is not for the block below it.
    ChainedLink {
        /// In which view.
        view: u64,
    } => Peer,
    /// The views are not consecutive.
    ChainedViews {
        /// The view out of line.
        got: u64,
        /// The view that should follow.
        want: u64,
    } => Peer,
    /// A certificate is of another phase than the rule asks for.
    ChainedPhase {
        /// In which view.
        view: u64,
    } => Peer,
    /// A certificate is of another HotStuff chain.
    ChainedChain {
        /// The chain number it names.
        got: u64,
    } => Peer,
    /// A later block of the chain is of another set.
    ChainedSet => Peer,

    // - proofs
    /// Nothing was given that leads from the anchor to the header, or to the set of the statements.
    NotProven => Peer,
    /// The audit path does not lead from the header to the later head.
    HistoryProof {
        /// How it fails.
        why: ProofError,
    } => Peer,
    /// The state proof does not lead from key and value to the state root.
    StateProof => Peer,
    /// The audit path does not lead from the transaction to the block's transaction root.
    TxoProof {
        /// How it fails.
        why: ProofError,
    } => Peer,
    /// The evidence is not what the block's evidence root stands for.
    WrongEvidence {
        /// Its root.
        got: Hash,
        /// The header's.
        want: Hash,
    } => Peer,
    /// The block is not the one the checkpoint pins.
    WrongCheckpoint => Peer,
    /// The checkpoint is too old to start from.
    CheckpointExpired {
        /// Until when it was fit.
        at: Time,
        /// The local clock.
        now: Time,
    } => Nobody,

    // - following
    /// Another block was needed, and this one is no nearer.
    NotAsked {
        /// Its height.
        got: Height,
        /// The height that was asked for.
        want: Height,
    } => Peer,

    // - evidence
    /// The two statements are not for one chain, set, height, round and phase.
    EvidencePosition => Peer,
    /// The two statements say the same.
    EvidenceSame => Peer,
    /// The two statements name two signers.
    EvidenceSigner => Peer,
}
