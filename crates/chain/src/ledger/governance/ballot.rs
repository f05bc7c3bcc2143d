//! Who votes with which power, what they said, and what that comes to. Integers only.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use qratum_crypto::merkle::{self, Sha3, Tree};

use super::{Draft, Place};
use crate::{
    Hash,
    codec::{Decode, Encode, Malformed, Reader, put_list, put_option},
    types::{AccountId, Governance, Height, MAX_VALIDATORS, MotionId, PersonId, Validator, words},
};

words!(
    /// What an operator says to a proposal.
    Choice, "choice" {
        /// It is to be done.
        Yes = 1, "yes";
        /// It is not.
        No = 2, "no";
        /// Neither; counts as cast.
        Abstain = 3, "abstain";
    }
);

/// The ballot of an operator: the last one it cast, under [`Ballot::state_key`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ballot {
    /// Who cast it.
    pub account: AccountId,
    /// Whose that is.
    pub person: PersonId,
    /// What it says.
    pub choice: Choice,
    /// In the block at this height.
    pub height: Height,
    /// The transaction that says so, with both factors.
    pub txo: Hash,
}

impl Ballot {
    /// State key: `ballot/`, the id of the proposal, and the name of the account behind a slash.
    #[must_use]
    pub fn state_key(id: MotionId, account: &AccountId) -> Vec<u8> {
        [b"ballot/".as_slice(), &id.0.0, b"/", account.as_str().as_bytes()].concat()
    }

    /// How many they are, and the root over them.
    pub(super) fn tree(ballots: &[Self]) -> (u64, Hash) {
        (ballots.len() as u64, merkle::root::<Sha3, _>(ballots.iter().map(Encode::to_bytes)))
    }
}

impl Encode for Ballot {
    fn encode(&self, out: &mut Vec<u8>) {
        self.account.encode(out);
        self.person.encode(out);
        self.choice.encode(out);
        self.height.encode(out);
        self.txo.encode(out);
    }
}

impl Decode for Ballot {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            account: AccountId::decode(reader)?,
            person: PersonId::decode(reader)?,
            choice: Choice::decode(reader)?,
            height: Height::decode(reader)?,
            txo: Hash::decode(reader)?,
        })
    }
}

/// A ballot with its place in the tree of its proposal, as a peer hands it over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Its place, from 0.
    pub index: u64,
    /// The leaf.
    pub ballot: Ballot,
    /// RFC 6962 audit path to the root that the state names.
    pub audit_path: Vec<Hash>,
}

impl Placed {
    /// The shortest encoding.
    pub const SHORTEST: usize = 8 + 5 + 32 + 1 + 8 + 32 + 4;

    /// All ballots of a proposal, each with its way to the root.
    #[must_use]
    pub fn all(draft: &Draft<'_>, id: MotionId) -> Vec<Self> {
        let electorate: Option<Electorate> = draft.read(&Electorate::state_key(id));
        let ballots = electorate.map(|it| it.ballots(draft, id)).unwrap_or_default();
        let mut tree = Tree::<Sha3>::default();
        ballots.iter().for_each(|ballot| tree.append(merkle::leaf_hash::<Sha3>(&ballot.to_bytes())));
        let placed =
            |(index, ballot)| Some(Self { index, ballot, audit_path: tree.inclusion(index, tree.size())? });
        (0u64..).zip(ballots).filter_map(placed).collect()
    }
}

impl Encode for Placed {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.index.to_le_bytes());
        self.ballot.encode(out);
        put_list(out, &self.audit_path);
    }
}

impl Decode for Placed {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            index: reader.u64()?,
            ballot: Ballot::decode(reader)?,
            audit_path: reader.list("audit path", 64, 32)?,
        })
    }
}

/// A member of the set that votes on a proposal, in the place that it has in that set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Its power.
    pub power: u64,
    /// The account that votes with it; none where no account speaks for its operator.
    pub account: Option<AccountId>,
}

impl Encode for Seat {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.power.to_le_bytes());
        put_option(out, self.account.as_ref(), |out, account| account.encode(out));
    }
}

impl Decode for Seat {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self { power: reader.u64()?, account: reader.option("account", AccountId::decode)? })
    }
}

/// The set as it was when a proposal was opened: nothing that comes later moves a vote on it. Stands in
/// the state under [`Electorate::state_key`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Electorate(pub Vec<Seat>);

impl Electorate {
    /// State key: `electorate/` and the id of the proposal.
    #[must_use]
    pub fn state_key(id: MotionId) -> Vec<u8> {
        [b"electorate/".as_slice(), &id.0.0].concat()
    }

    /// The members of the set of a block, and who votes for each.
    pub(super) fn of(draft: &Draft<'_>, place: &Place<'_>) -> Self {
        let account = |member: &Validator| {
            let registration = draft.registration(&draft.key_use(&member.pubkey)?.name)?;
            draft.read(&Governance::operator_key(&registration.operator))
        };
        let seat = |member| Seat { power: member_power(member), account: account(member) };
        Self(place.set.members().iter().map(seat).collect())
    }

    /// All ballots of the proposal, in the order of the names of accounts: the leaves of their tree. Each is
    /// read by its own key, so that a light node can try it too.
    #[must_use]
    pub fn ballots(&self, draft: &Draft<'_>, id: MotionId) -> Vec<Ballot> {
        let accounts: BTreeSet<_> = self.0.iter().filter_map(|seat| seat.account.as_ref()).collect();
        accounts.into_iter().filter_map(|account| draft.read(&Ballot::state_key(id, account))).collect()
    }

    /// Whether the account votes.
    #[must_use]
    pub fn seats(&self, account: &AccountId) -> bool {
        self.0.iter().any(|seat| seat.account.as_ref() == Some(account))
    }

    /// Whether these are the members of `set` with their powers, in their order.
    #[must_use]
    pub fn is_of(&self, set: &[Validator]) -> bool {
        self.0.iter().map(|seat| seat.power).eq(set.iter().map(member_power))
    }

    /// Counts ballots of distinct accounts.
    #[must_use]
    pub fn tally<'a>(&self, ballots: impl IntoIterator<Item = &'a Ballot>) -> Tally {
        let ballots: Vec<_> = ballots.into_iter().collect();
        let choices: BTreeMap<_, _> = ballots.iter().map(|it| (&it.account, it.choice)).collect();
        let yes = ballots.iter().filter(|it| it.choice == Choice::Yes && self.seats(&it.account));
        let persons: BTreeSet<_> = yes.map(|it| it.person).collect();
        let mut tally =
            Tally { persons: u32::try_from(persons.len()).unwrap_or(u32::MAX), ..Tally::default() };
        for Seat { power, account } in &self.0 {
            let (power, choice) = (u128::from(*power), account.as_ref().and_then(|it| choices.get(it)));
            tally.total = tally.total.saturating_add(power);
            let sum = match choice {
                Some(Choice::Yes) => &mut tally.yes,
                Some(Choice::No) => &mut tally.no,
                Some(Choice::Abstain) => &mut tally.abstain,
                None => continue,
            };
            *sum = sum.saturating_add(power);
        }
        tally
    }
}

const fn member_power(member: &Validator) -> u64 {
    member.power
}

impl Encode for Electorate {
    fn encode(&self, out: &mut Vec<u8>) {
        put_list(out, &self.0);
    }
}

impl Decode for Electorate {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        reader.list("seats", MAX_VALIDATORS, 9).map(Self)
    }
}

/// The power behind each choice. 1024 members of 2^64 - 1 cannot overflow it, nor a hundred times as much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// For it.
    pub yes: u128,
    /// Against it.
    pub no: u128,
    /// Neither.
    pub abstain: u128,
    /// Of all who could vote.
    pub total: u128,
    /// How many people are behind the yes: whoever votes for two operators is one of them.
    pub persons: u32,
}

/// What a proposal must reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bar {
    /// [`Tally::APPROVE`] of what is cast.
    Ordinary,
    /// More than two thirds of all power, as a block: it is about who makes blocks, or by which rules.
    Grave,
    /// [`Tally::EMERGENCY`] of all power.
    Emergency,
}

/// What a tally comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is to be done.
    Passed,
    /// Too few voted.
    NoQuorum,
    /// Too few of those who voted are for it.
    TooFewYes,
}

impl Tally {
    /// So many hundredths of the power cast must be for a proposal, abstentions counted as cast.
    pub const APPROVE: u128 = 67;
    /// So many hundredths of all power must be cast.
    pub const QUORUM: u128 = 33;
    /// So many hundredths of all power, cast or not, must be for an emergency: its windows are short, and
    /// whoever did not hear of it in time is against it.
    pub const EMERGENCY: u128 = 80;

    /// So many people at least must be for it: nobody decides alone.
    pub const PERSONS: u32 = 2;

    /// The power that was cast.
    #[must_use]
    pub const fn cast(&self) -> u128 {
        self.yes.saturating_add(self.no).saturating_add(self.abstain)
    }

    /// `100 cast >= 33 total`, `persons >= 2` and, by the bar, `100 yes >= 67 cast`, `3 yes > 2 total` or
    /// `100 yes >= 80 total`.
    #[must_use]
    pub const fn decision(&self, bar: Bar) -> Decision {
        let cast = self.cast();
        if cast == 0 || !reaches(cast, Self::QUORUM, self.total) {
            return Decision::NoQuorum;
        }
        let reached = match bar {
            Bar::Ordinary => reaches(self.yes, Self::APPROVE, cast),
            Bar::Grave => self.yes.saturating_mul(3) > self.total.saturating_mul(2),
            Bar::Emergency => reaches(self.yes, Self::EMERGENCY, self.total),
        };
        if reached && self.persons >= Self::PERSONS { Decision::Passed } else { Decision::TooFewYes }
    }
}

/// Whether `part` is at least so many hundredths of `whole`.
const fn reaches(part: u128, hundredths: u128, whole: u128) -> bool {
    part.saturating_mul(100) >= whole.saturating_mul(hundredths)
}

impl Encode for Tally {
    fn encode(&self, out: &mut Vec<u8>) {
        for power in [self.yes, self.no, self.abstain, self.total] {
            out.extend_from_slice(&power.to_le_bytes());
        }
        out.extend_from_slice(&self.persons.to_le_bytes());
    }
}

impl Decode for Tally {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut power = || reader.array().map(u128::from_le_bytes);
        let [yes, no, abstain, total] = [power()?, power()?, power()?, power()?];
        Ok(Self { yes, no, abstain, total, persons: reader.u32()? })
    }
}
