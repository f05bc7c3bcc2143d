//! A request on the chain: what was asked, who said what, and what came of it. One entry of the state
//! for each, so that a light node proves all of it at once.

use core::fmt;
use std::collections::BTreeSet;

use super::{Action, Draft, Proposal, index};
use crate::{
    Hash,
    codec::{Decode, Encode, Malformed, Reader, put_list},
    types::{AccountId, BlockRef, CredentialId, Height, People, PersonId, RequestId, Role, Time},
};

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing yet. Past its expiry nothing will.
    Open,
    /// It was carried out in the block at this height.
    Executed(Height),
    /// It was rejected in the block at this height.
    Rejected(Height),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("open"),
            Self::Executed(height) => write!(f, "executed at height {height}"),
            Self::Rejected(height) => write!(f, "rejected at height {height}"),
        }
    }
}

impl Encode for Outcome {
    fn encode(&self, out: &mut Vec<u8>) {
        let (number, height) = match self {
            Self::Open => (1, Height(0)),
            Self::Executed(height) => (2, *height),
            Self::Rejected(height) => (3, *height),
        };
        out.push(number);
        height.encode(out);
    }
}

impl Decode for Outcome {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match (reader.u8()?, Height::decode(reader)?) {
            (1, Height(0)) => Ok(Self::Open),
            (2, height) => Ok(Self::Executed(height)),
            (3, height) => Ok(Self::Rejected(height)),
            _ => Err(Malformed::Field("outcome")),
        }
    }
}

/// What a person said to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voice {
    /// Yes or no.
    pub approves: bool,
    /// By which account.
    pub account: AccountId,
    /// Whose that is.
    pub person: PersonId,
    /// In which role.
    pub role: Role,
    /// With which credential.
    pub credential: CredentialId,
    /// In the block at this height.
    pub height: Height,
    /// The transaction that says so.
    pub txo: Hash,
}

impl Voice {
    /// The shortest encoding: an account of one letter.
    const SHORTEST: usize = 1 + 5 + 32 + 1 + 32 + 8 + 32;

    /// Whether it still counts.
    fn counts(&self, draft: &Draft<'_>) -> bool {
        draft.account(&self.account).is_some_and(|account| account.speaks(self.role, self.credential))
    }
}

impl Encode for Voice {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.approves));
        self.account.encode(out);
        self.person.encode(out);
        self.role.encode(out);
        self.credential.encode(out);
        self.height.encode(out);
        self.txo.encode(out);
    }
}

impl Decode for Voice {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            approves: match reader.u8()? {
                0 => false,
                1 => true,
                _ => return Err(Malformed::Field("yes or no")),
            },
            account: AccountId::decode(reader)?,
            person: PersonId::decode(reader)?,
            role: Role::decode(reader)?,
            credential: CredentialId::decode(reader)?,
            height: Height::decode(reader)?,
            txo: Hash::decode(reader)?,
        })
    }
}

/// A request, under [`Request::state_key`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What was asked, and what that rests on.
    pub proposal: Proposal,
    /// Who asked, by which account.
    pub requester: AccountId,
    /// Whose that is.
    pub person: PersonId,
    /// With which credential.
    pub credential: CredentialId,
    /// In the block at this height.
    pub opened: Height,
    /// How often the policy had been changed then.
    pub policy_version: u64,
    /// What was said, in this order: one voice of each person, and none of who asked.
    pub voices: Vec<Voice>,
    /// What came of it.
    pub outcome: Outcome,
}

impl Request {
    /// The most that is said to a request: by each account once.
    pub const MAX_VOICES: usize = People::MAX_ACCOUNTS;

    /// State key: `request/` and the id.
    #[must_use]
    pub fn state_key(id: RequestId) -> Vec<u8> {
        [index::REQUEST, &id.0.0].concat()
    }

    /// Notes what somebody says, in place of whatever the same person said before. So a person has one
    /// voice, with however many accounts and keys, and whichever of them count again one day.
    pub(super) fn hear(&mut self, voice: Voice) {
        self.voices.retain(|earlier| earlier.person != voice.person);
        self.voices.push(voice);
    }

    /// Whether the policy is the one that it was opened under. One that was changed and changed back is
    /// another one: what people saw as void stays void.
    #[must_use]
    pub fn is_under(&self, draft: &Draft<'_>) -> bool {
        self.policy_version == draft.policy_version()
    }

    /// The approvals that count now.
    #[must_use]
    pub fn approvals(&self, draft: &Draft<'_>) -> Vec<&Voice> {
        self.voices.iter().filter(|voice| voice.approves && voice.counts(draft)).collect()
    }
}

impl Encode for Request {
    fn encode(&self, out: &mut Vec<u8>) {
        self.proposal.encode(out);
        self.requester.encode(out);
        self.person.encode(out);
        self.credential.encode(out);
        self.opened.encode(out);
        out.extend_from_slice(&self.policy_version.to_le_bytes());
        put_list(out, &self.voices);
        self.outcome.encode(out);
    }
}

impl Decode for Request {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let request = Self {
            proposal: Proposal::decode(reader)?,
            requester: AccountId::decode(reader)?,
            person: PersonId::decode(reader)?,
            credential: CredentialId::decode(reader)?,
            opened: Height::decode(reader)?,
            policy_version: reader.u64()?,
            voices: reader.list("voices", Self::MAX_VOICES, Voice::SHORTEST)?,
            outcome: Outcome::decode(reader)?,
        };
        let mut people = BTreeSet::from([request.person]);
        let distinct = request.voices.iter().all(|voice| people.insert(voice.person));
        if distinct { Ok(request) } else { Err(Malformed::Field("voices")) }
    }
}

impl Encode for Proposal {
    fn encode(&self, out: &mut Vec<u8>) {
        Encode::encode(&self.action, out);
        self.expiry.encode(out);
        self.policy_hash.encode(out);
        self.basis.encode(out);
        self.expect.encode(out);
    }
}

impl Decode for Proposal {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            action: Action::decode(reader)?,
            expiry: Time::decode(reader)?,
            policy_hash: Hash::decode(reader)?,
            basis: BlockRef::decode(reader)?,
            expect: Hash::decode(reader)?,
        })
    }
}
