//! What people can have done together: the actions, and what each does to the state.

use minicbor::{Decoder, Encoder, decode, encode};
use qratum_crypto::{domain, hash};

use super::{Denial, Draft, Effect, Identity, Place};
use crate::{
    Hash,
    codec::{
        Decode, Encode, Malformed, Reader,
        cbor::{array, bytes_of, expect, known, whole},
        put_bytes, put_option,
    },
    types::{
        Account, AccountId, Class, Credential, CredentialId, CredentialStatus, Policy, Possession, RequestId,
        Roles, who_can_act,
    },
};

/// An action, in deterministic CBOR: an array that starts with its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A credential counts from now on, or does not.
    Credential {
        /// Of this account.
        account: AccountId,
        /// Which one.
        credential: CredentialId,
        /// Anything but [`CredentialStatus::Cloned`], which the chain finds by itself.
        status: CredentialStatus,
    },
    /// Another policy. Open requests are void with it, for good: also where it is changed back.
    Policy(Policy),
    /// Who may act, and with what.
    Identity(Identity),
}

impl Action {
    /// The longest encoding in bytes: an account with all its first keys.
    pub const MAX_LENGTH: usize = Identity::MAX_LENGTH;

    /// The class whose rule decides.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::Credential { .. } | Self::Identity(_) => Class::Access,
            Self::Policy(_) => Class::Policy,
        }
    }

    /// What of the state the action rests on, as a request names it: `SHA3-256(tag || facts)`. Not
    /// counters, which move while a request is open.
    #[must_use]
    pub fn expectation(&self, draft: &Draft<'_>) -> Hash {
        let mut facts = Vec::new();
        match self {
            Self::Credential { account, credential, .. } => {
                let account = draft.account(account);
                let target = account.as_ref().and_then(|account| account.credential(*credential));
                put_option(&mut facts, account.as_ref(), |out, account| account.standing.encode(out));
                put_option(&mut facts, target, |out, target: &Credential| target.status.encode(out));
            }
            Self::Policy(_) => put_option(&mut facts, draft.policy().as_ref(), |out, now| now.encode(out)),
            Self::Identity(identity) => facts = identity.facts(draft),
        }
        hash::tagged(domain::EXPECT, &[&facts])
    }

    /// What the action would do now. Changes nothing: for whoever wants to see it before signing, and
    /// for the block that carries it out.
    ///
    /// # Errors
    /// [`Denial`], where it cannot be done.
    pub fn effect(&self, draft: &Draft<'_>) -> Result<Effect, Denial> {
        self.effect_of(draft, RequestId::ZERO)
    }

    /// Whether the factors of all keys that come with it are held.
    ///
    /// # Errors
    /// [`Denial::Possession`], also for proofs of something else.
    pub(super) fn is_held(
        &self,
        draft: &Draft<'_>,
        place: &Place<'_>,
        proofs: &[Possession],
    ) -> Result<(), Denial> {
        match self {
            Self::Identity(identity) => identity.is_held(draft, place, proofs),
            _ if proofs.is_empty() => Ok(()),
            _ => Err(Denial::Possession),
        }
    }

    /// The same as [`Action::effect`], with the request that asks for it: a credential says by which it
    /// came.
    pub(super) fn effect_of(&self, draft: &Draft<'_>, by: RequestId) -> Result<Effect, Denial> {
        match self {
            Self::Identity(identity) => identity.effect(draft, by),
            Self::Credential { account, credential, status } => {
                let changed = with_status(draft, account, *credential, *status)?;
                let (mut accounts, roles) = (draft.accounts(), changed.roles);
                let entry = (Account::state_key(account), changed.to_bytes());
                accounts.insert(account.clone(), changed);
                let policy = draft.policy().unwrap_or_default();
                let gained = if *status == CredentialStatus::Active { roles } else { Roles::default() };
                if !policy.guards(Class::Access, gained) {
                    return Err(Denial::Closure);
                }
                if policy.can_be_met(&who_can_act(&accounts)) { Ok(vec![entry]) } else { Err(Denial::TooFew) }
            }
            Self::Policy(next) => {
                if draft.policy().as_ref() == Some(next) {
                    return Err(Denial::NoEffect);
                }
                next.check().map_err(|_| Denial::UnfitPolicy)?;
                let enough = next.can_be_met(&who_can_act(&draft.accounts()));
                let version = draft.policy_version().saturating_add(1).to_le_bytes().to_vec();
                let policy = (Policy::STATE_KEY.to_vec(), next.to_bytes());
                let version = (Policy::VERSION_KEY.to_vec(), version);
                if enough { Ok(vec![policy, version]) } else { Err(Denial::TooFew) }
            }
        }
    }

    pub(super) fn read(decoder: &mut Decoder<'_>) -> Result<Self, decode::Error> {
        let length = decoder.array()?;
        match decoder.u64()? {
            1 => {
                expect(length == Some(4), "array length")?;
                let account = known(AccountId::new(decoder.str()?), "account")?;
                let credential = CredentialId(Hash(array(decoder)?));
                let status = known(CredentialStatus::of(decoder.u64()?), "status")?;
                expect(status != CredentialStatus::Cloned, "a status that people decide on")?;
                Ok(Self::Credential { account, credential, status })
            }
            2 => {
                expect(length == Some(2), "array length")?;
                known(Policy::from_bytes(decoder.bytes()?).ok(), "policy").map(Self::Policy)
            }
            number => Identity::read(decoder, number, length).map(Self::Identity),
        }
    }
}

/// The account with another status of one of its credentials.
fn with_status(
    draft: &Draft<'_>,
    account: &AccountId,
    credential: CredentialId,
    status: CredentialStatus,
) -> Result<Account, Denial> {
    let mut account = draft.account(account).ok_or(Denial::NoTarget)?;
    let target = account.credential_mut(credential).ok_or(Denial::NoTarget)?;
    if target.status == status {
        return Err(Denial::NoEffect);
    }
    if target.status == CredentialStatus::Revoked {
        return Err(Denial::Final);
    }
    target.status = status;
    Ok(account)
}

impl encode::Encode<()> for Action {
    fn encode<W: encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut (),
    ) -> Result<(), encode::Error<W::Error>> {
        match self {
            Self::Credential { account, credential, status } => {
                e.array(4)?.u64(1)?.str(account.as_str())?;
                e.bytes(&credential.0.0)?.u64(*status as u64)?;
            }
            Self::Policy(policy) => drop(e.array(2)?.u64(2)?.bytes(&policy.to_bytes())?),
            Self::Identity(identity) => identity.write(e)?,
        }
        Ok(())
    }
}

/// As a byte string of CBOR.
impl Encode for Action {
    fn encode(&self, out: &mut Vec<u8>) {
        put_bytes(out, &bytes_of(self));
    }
}

impl Decode for Action {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        whole(reader.bytes("action", Self::MAX_LENGTH)?, ["action", "canonical action"], Self::read)
    }
}
