//! People: accounts, the roles they hold, and the keys they act with. Entries of the state.

use core::fmt;

use super::{
    Credential, CredentialId, CredentialStatus, Jurisdiction, MAX_NAME, PersonId, is_name, words::words,
};
use crate::codec::{Decode, Encode, Malformed, Reader, put_bytes, put_list};

/// The name of an account: 1 to 32 of `a-z 0-9 -`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccountId(String);

impl AccountId {
    /// The account of this name; `None` when it is no name.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        is_name(name).then(|| Self(name.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Encode for AccountId {
    fn encode(&self, out: &mut Vec<u8>) {
        put_bytes(out, self.0.as_bytes());
    }
}

impl Decode for AccountId {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let name = core::str::from_utf8(reader.bytes("account", MAX_NAME)?).ok().and_then(Self::new);
        name.ok_or(Malformed::Field("account"))
    }
}

words!(
    /// What a person may do.
    Role, "role" {
        /// Asks for actions.
        Admin = 1, "admin";
        /// Approves as whoever runs the systems.
        Technical = 2, "technical";
        /// Approves as whoever answers for the rules.
        Compliance = 3, "compliance";
        /// Watches, and acknowledges alarms.
        OnCall = 4, "on-call";
        /// Reads and exports.
        Auditor = 5, "auditor";
    }
);

words!(
    /// Whether an account may act.
    Standing, "standing of an account" {
        /// It may.
        Active = 1, "active";
        /// Not until it is reinstated.
        Suspended = 2, "suspended";
        /// Never again.
        Revoked = 3, "revoked";
    }
);

/// A set of roles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roles(u8);

impl Roles {
    const fn bit(role: Role) -> u8 {
        1 << role as u8
    }

    /// These roles.
    #[must_use]
    pub fn of(roles: impl IntoIterator<Item = Role>) -> Self {
        Self(roles.into_iter().fold(0, |bits, role| bits | Self::bit(role)))
    }

    /// Whether the role is among them.
    #[must_use]
    pub const fn holds(self, role: Role) -> bool {
        self.0 & Self::bit(role) != 0
    }

    /// Whether a role is among both.
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The roles of either.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those that are not among `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The roles, in the order of their numbers.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.iter().copied().filter(move |role| self.holds(*role))
    }
}

impl Encode for Roles {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.0);
    }
}

impl Decode for Roles {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let roles = Self(reader.u8()?);
        if Self::of(roles.iter()) == roles { Ok(roles) } else { Err(Malformed::Field("roles")) }
    }
}

/// Where a person works: zone 0 (genesis) to 3 (air-gapped archive).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Zone(u8);

impl Zone {
    /// The zone of this number; `None` above 3.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number <= 3 { Some(Self(number)) } else { None }
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl Encode for Zone {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.0);
    }
}

impl Decode for Zone {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Self::new(reader.u8()?).ok_or(Malformed::Field("zone"))
    }
}

/// What the chain keeps of an account, under [`Account::state_key`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Whose it is.
    pub person: PersonId,
    /// What they may do.
    pub roles: Roles,
    /// Where they are at law.
    pub jurisdiction: Jurisdiction,
    /// Where they work.
    pub zone: Zone,
    /// Whether it may act.
    pub standing: Standing,
    /// How many acts it has made.
    pub nonce: u64,
    /// Its keys, at most [`Account::MAX_CREDENTIALS`].
    pub credentials: Vec<Credential>,
}

impl Account {
    /// The most credentials of an account.
    pub const MAX_CREDENTIALS: usize = 8;
    /// What stands before the name in a state key.
    pub(crate) const PREFIX: &'static [u8] = b"account/";

    /// State key: `account/` and the name.
    #[must_use]
    pub fn state_key(id: &AccountId) -> Vec<u8> {
        [Self::PREFIX, id.0.as_bytes()].concat()
    }

    /// The credential of this id.
    #[must_use]
    pub fn credential(&self, id: CredentialId) -> Option<&Credential> {
        self.credentials.iter().find(|credential| credential.id == id)
    }

    /// The same, to be changed.
    pub(crate) fn credential_mut(&mut self, id: CredentialId) -> Option<&mut Credential> {
        self.credentials.iter_mut().find(|credential| credential.id == id)
    }

    /// Whether it can act: it is active and has a credential that counts.
    #[must_use]
    pub fn can_act(&self) -> bool {
        let counts = |credential: &Credential| credential.status == CredentialStatus::Active;
        self.standing == Standing::Active && self.credentials.iter().any(counts)
    }

    /// Whether what was said with this credential in this role counts now: the account is active and has
    /// the role, and the credential counts.
    #[must_use]
    pub fn speaks(&self, role: Role, credential: CredentialId) -> bool {
        let status = self.credential(credential).map(|credential| credential.status);
        self.standing == Standing::Active
            && self.roles.holds(role)
            && status == Some(CredentialStatus::Active)
    }
}

impl Encode for Account {
    fn encode(&self, out: &mut Vec<u8>) {
        self.person.encode(out);
        self.roles.encode(out);
        self.jurisdiction.encode(out);
        self.zone.encode(out);
        self.standing.encode(out);
        out.extend_from_slice(&self.nonce.to_le_bytes());
        put_list(out, &self.credentials);
    }
}

impl Decode for Account {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            person: PersonId::decode(reader)?,
            roles: Roles::decode(reader)?,
            jurisdiction: Jurisdiction::decode(reader)?,
            zone: Zone::decode(reader)?,
            standing: Standing::decode(reader)?,
            nonce: reader.u64()?,
            credentials: reader.list("credentials", Self::MAX_CREDENTIALS, Credential::SHORTEST)?,
        })
    }
}
