//! Why what a person asks for is not carried out: a reason for each rule.

use core::fmt;

use crate::{
    codec::{Decode, Encode, Malformed, Reader},
    types::{BadAssertion, BadBiokey},
};

macro_rules! denials {
    ($($(#[$of:meta])* $name:ident = $number:literal, $words:literal;)*) => {
        /// Why the act of a person is not carried out.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Denial {
            $($(#[$of])* $name = $number,)*
        }

        impl Denial {
            /// All there are, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
        }

        impl fmt::Display for Denial {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$name => $words,)*
                })
            }
        }
    };
}

denials! {
    /// The chain has no account of this name.
    UnknownAccount = 1, "the chain has no such account";
    /// The account is suspended or revoked.
    AccountClosed = 2, "the account is suspended or revoked";
    /// The block is below the heights that the act is for.
    Early = 3, "it is for later heights";
    /// The block is above the heights that the act is for.
    Late = 4, "the heights it is for have passed";
    /// The account has no such credential.
    UnknownCredential = 5, "the security key is not one of the account";
    /// The credential is suspended, by people or because its counter went back.
    CredentialSuspended = 6, "the security key is suspended";
    /// The credential is revoked.
    CredentialRevoked = 7, "the security key is revoked";
    /// The security key signed for another party.
    RelyingParty = 8, "the security key signed for another party";
    /// Nobody touched the security key.
    NoTouch = 9, "nobody touched the security key";
    /// The security key did not ask who touches it.
    NoVerification = 10, "the security key asked for no PIN and no finger";
    /// A flag that must not be set: backups, attested data or extensions.
    Flags = 11, "the security key set a flag that it must not: a backup or an extension";
    /// The assertion is not one of this credential over this act.
    Assertion = 12, "the security key did not sign this";
    /// The biokey was opened at a block that this chain does not have, or no longer remembers.
    OpenedNowhere = 13, "the biokey was opened at a block that is not one of the last of this chain";
    /// The biokey was opened too long before the block.
    OpenedTooLong = 14, "the biokey was opened longer ago than it lives";
    /// The biokey did not sign this act with this assertion.
    Biokey = 15, "the biokey did not sign this with this assertion";
    /// No rule allows actions of this class.
    NoRule = 16, "no rule of the policy allows it";
    /// The account does not hold the role that it acts in.
    Role = 17, "the account does not have the role";
    /// The rule does not ask people of this role.
    RoleUnasked = 18, "the rule asks nobody of this role";
    /// The policy is another one than the request rests on.
    PolicyChanged = 19, "the policy is another one than the request rests on";
    /// The request rests on a block that this chain does not have, or that is too old.
    Basis = 20, "it rests on a block that is not of the last minute of this chain";
    /// The state is not as it was when the action was tried.
    StateChanged = 21, "the state is not as it was when the action was tried";
    /// The request would expire before it opens, or later than the rule allows.
    Lifetime = 22, "it would expire at once, or later than the rule allows";
    /// There is no such request.
    UnknownRequest = 23, "there is no such request";
    /// The request expired.
    Expired = 24, "the request expired";
    /// The request was carried out already.
    Executed = 25, "the request was carried out already";
    /// Somebody rejected the request.
    Rejected = 26, "the request was rejected";
    /// Whoever asked for it may not ask any more in that role, or not with that security key.
    RequesterClosed = 27, "whoever asked for it may not act any more in that role and with that key";
    /// The person asked for it: nobody approves their own request.
    OwnRequest = 28, "the same person asked for it";
    /// The person approved it already, maybe by another account.
    SamePerson = 29, "the same person approved it already";
    /// Only people of other roles are still asked.
    RoleFilled = 30, "only people of another role are still asked";
    /// The action speaks of an account or a credential that is not there.
    NoTarget = 31, "it is about an account or a key that is not there";
    /// What is revoked stays so.
    Final = 32, "what is revoked stays revoked";
    /// It is so already.
    NoEffect = 33, "it is so already";
    /// The new policy breaks a rule of policies.
    UnfitPolicy = 34, "the new policy breaks a rule of policies";
    /// Afterwards too few people could act in some class.
    TooFew = 35, "too few people would be left to decide";
    /// The act is for more heights than [`Act::MAX_HEIGHTS`](super::Act::MAX_HEIGHTS) after the first.
    Heights = 36, "it is for too many heights";
    /// The person has [`MAX_OPEN`](super::open::MAX_OPEN) requests open.
    TooManyOpen = 37, "the same person has as many requests open as one may";
    /// The ML-DSA key that came with the act is not the one of the biokey.
    BiokeyOther = 38, "the ML-DSA key is not the one of the biokey";
    /// The ML-DSA key of the biokey did not sign this act with this assertion.
    BiokeyMlDsa = 39, "the ML-DSA half of the biokey did not sign this with this assertion";
    /// No proof that both factors of what is enrolled are held, or proofs of other keys.
    Possession = 40, "no proof that the security key and the biokey are held";
    /// The rule for people asks less than a rule in which the roles have a say.
    Closure = 41, "the rule for people asks less than a rule in which these roles have a say";
    /// A key or a credential was enrolled already, maybe for something else.
    KeyKnown = 42, "a key is known already: one key, one purpose";
    /// There is an account of this name.
    AccountTaken = 43, "there is an account of this name";
    /// There would be more accounts, or more keys of one, than there may be.
    TooMany = 44, "there would be too many accounts, or too many keys of one";
    /// A key is no point of its curve in its one spelling.
    Unsound = 45, "a key is no public key";
    /// The person has an account in another jurisdiction.
    Jurisdiction = 46, "the person has an account in another jurisdiction";
    /// No account speaks for any validator of the set.
    NoElectorate = 60, "nobody could vote on it: no account speaks for a validator of the set";
    /// The person, or all together, have as many proposals open as there may be.
    TooManyProposals = 61, "as many proposals are open as there may be, of one person or of all";
    /// There is no such proposal.
    UnknownProposal = 62, "there is no such proposal";
    /// The proposal is not voted on any more.
    VotingClosed = 63, "the vote on it is over";
    /// The account spoke for no validator of the set when the proposal was opened.
    NoVote = 64, "the account spoke for no validator when the proposal was opened";
    /// The account is no registered authority.
    NoAuthority = 65, "the account is no authority that may veto";
    /// The proposal has not passed, or is settled.
    NotInTimelock = 66, "it can be vetoed only after it passed and before it is carried out";
    /// The parameter must not have this value.
    Bounds = 67, "the parameter must not have this value";
    /// Not a newer version, of a set that has begun or is the next one, or one is decided that is to come.
    Version = 68, "the version must be newer, its first set further off, and none decided that is to come";
    /// A validator of this name is or was there.
    NameTaken = 69, "a validator of this name is registered already";
    /// A key of the candidate is known to the chain, or is there twice.
    KeyTaken = 70, "a key of the candidate is in use already: one key, one purpose";
    /// The candidate is not enrolled as it must be: its stake, its names, or a proof of possession.
    Enrolment = 71, "the enrolment of the candidate is not sound, or proves not that its keys are held";
    /// All validators have an ML-DSA key of their own, or none has one.
    HandoverKey = 72, "all validators have an ML-DSA key of their own, or none has one";
    /// The set has no room.
    SetFull = 73, "the set is full";
    /// There is no active validator of this name.
    NoValidator = 74, "there is no active validator of this name";
    /// Without it nobody would be left to vote.
    LastValidator = 75, "nobody would be left to vote";
    /// The candidate would have more power than any validator.
    TooMuchPower = 76, "the candidate would have more power than any validator has";
}

impl From<BadAssertion> for Denial {
    fn from(why: BadAssertion) -> Self {
        match why {
            BadAssertion::RelyingParty => Self::RelyingParty,
            BadAssertion::NoTouch => Self::NoTouch,
            BadAssertion::NoVerification => Self::NoVerification,
            BadAssertion::Flags => Self::Flags,
            BadAssertion::Signature => Self::Assertion,
        }
    }
}

impl From<BadBiokey> for Denial {
    fn from(half: BadBiokey) -> Self {
        match half {
            BadBiokey::Ed25519 => Self::Biokey,
            BadBiokey::OtherMlDsa => Self::BiokeyOther,
            BadBiokey::MlDsa => Self::BiokeyMlDsa,
        }
    }
}

impl Encode for Denial {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(*self as u8);
    }
}

impl Decode for Denial {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let number = reader.u8()?;
        let found = Self::ALL.iter().copied().find(|denial| *denial as u8 == number);
        found.ok_or(Malformed::Field("denial"))
    }
}
