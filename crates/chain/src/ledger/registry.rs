//! What may the operator of a validator order? Each order is the payload of a transaction of class
//! [`TxoClass::Network`], signed by the operator key, with the registration's count as its nonce.

use core::fmt;

use qratum_crypto::{
    domain, hash,
    sign::ed25519::{PublicKey, Signature},
};

use super::{Denial, Draft, Place};
use crate::{
    Hash,
    codec::{Decode, Encode, Malformed, Reader, put_bytes},
    types::{ChainId, Genesis, KeyUse, Purpose, Registration, Sender, Status, Txo, TxoClass, power_of},
};

/// An order of an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// From the next set on the validator votes with this key.
    Rotate {
        /// The new vote key.
        vote_key: PublicKey,
        /// That it is held: [`Purpose::proven`] with [`rotation_scope`].
        proof: Signature,
    },
    /// From the next set on the validator does not vote.
    Leave,
    /// Says something; the chain keeps it.
    Note(Vec<u8>),
}

impl Order {
    /// The longest note in bytes.
    pub const MAX_NOTE: usize = 512;
}

impl Encode for Order {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Rotate { vote_key, proof } => {
                out.push(1);
                out.extend_from_slice(&vote_key.0);
                proof.encode(out);
            }
            Self::Leave => out.push(2),
            Self::Note(text) => {
                out.push(3);
                put_bytes(out, text);
            }
        }
    }
}

impl Decode for Order {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match reader.u8()? {
            1 => Ok(Self::Rotate { vote_key: PublicKey(reader.array()?), proof: Signature::decode(reader)? }),
            2 => Ok(Self::Leave),
            3 => reader.bytes("note", Self::MAX_NOTE).map(|text| Self::Note(text.to_vec())),
            _ => Err(Malformed::Field("kind of order")),
        }
    }
}

/// What the proof of a new vote key is good for: this validator on this chain, in the one
/// transaction with this nonce. `SHA3-256(tag || chain_id || name || nonce)`.
#[must_use]
pub fn rotation_scope(chain_id: ChainId, name: &str, nonce: u64) -> Hash {
    let mut record = chain_id.to_bytes();
    put_bytes(&mut record, name.as_bytes());
    record.extend_from_slice(&nonce.to_le_bytes());
    hash::tagged(domain::ROTATION, &[&record])
}

/// Why a transaction is not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The bytes are no transaction, or its payload is no order.
    Malformed,
    /// It is for another chain.
    WrongChain,
    /// It is of a class that this chain does not carry out.
    Class,
    /// Its sender is no operator of the registry.
    UnknownSender,
    /// The sender did not sign it.
    BadSignature,
    /// Its nonce is not the registration's count.
    Nonce {
        /// The count.
        want: u64,
    },
    /// The validator left, leaves or is jailed: it cannot do this any more.
    NotActive,
    /// The new key was registered already, for this purpose.
    KeyKnown(Purpose),
    /// No proof that the new key is held, or it is not fit to vote.
    Possession,
    /// Without this validator nobody would be left to vote.
    LastValidator,
    /// It is the act of a person, who may not do this.
    Denied(Denial),
}

impl From<Denial> for Refusal {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "not a transaction with an order in it",
            Self::WrongChain => "it is for another chain",
            Self::Class => "transactions of this class are not carried out",
            Self::UnknownSender => "the sender is no operator of the registry",
            Self::BadSignature => "the sender did not sign it",
            Self::Nonce { want } => return write!(f, "another nonce is due: {want}"),
            Self::NotActive => "the validator left, leaves or is jailed",
            Self::KeyKnown(purpose) => return write!(f, "the key is known already, as a {purpose}"),
            Self::Possession => "no proof that the new vote key is held",
            Self::LastValidator => "nobody would be left to vote",
            Self::Denied(why) => return why.fmt(f),
        })
    }
}

impl Encode for Refusal {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Malformed => out.push(1),
            Self::WrongChain => out.push(2),
            Self::Class => out.push(3),
            Self::UnknownSender => out.push(4),
            Self::BadSignature => out.push(5),
            Self::Nonce { want } => {
                out.push(6);
                out.extend_from_slice(&want.to_le_bytes());
            }
            Self::NotActive => out.push(7),
            Self::KeyKnown(purpose) => {
                out.push(8);
                purpose.encode(out);
            }
            Self::Possession => out.push(9),
            Self::LastValidator => out.push(10),
            Self::Denied(why) => {
                out.push(11);
                why.encode(out);
            }
        }
    }
}

impl Decode for Refusal {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(match reader.u8()? {
            1 => Self::Malformed,
            2 => Self::WrongChain,
            3 => Self::Class,
            4 => Self::UnknownSender,
            5 => Self::BadSignature,
            6 => Self::Nonce { want: reader.u64()? },
            7 => Self::NotActive,
            8 => Self::KeyKnown(Purpose::decode(reader)?),
            9 => Self::Possession,
            10 => Self::LastValidator,
            11 => Self::Denied(Denial::decode(reader)?),
            _ => return Err(Malformed::Field("refusal")),
        })
    }
}

/// Who sent a transaction that is for this chain and well signed.
///
/// # Errors
/// [`Refusal`]: what can be told without a look at the nonce and the order.
pub fn sender(draft: &Draft<'_>, chain_id: ChainId, txo: &Txo) -> Result<(String, Registration), Refusal> {
    let body = &txo.body;
    if body.chain_id != chain_id {
        return Err(Refusal::WrongChain);
    }
    let (TxoClass::Network, Sender::Key(key)) = (body.class, &body.sender) else {
        return Err(Refusal::Class);
    };
    let used = draft.key_use(key).filter(|used| used.purpose == Purpose::Operator);
    let name = used.ok_or(Refusal::UnknownSender)?.name;
    let registration = draft.registration(&name).ok_or(Refusal::UnknownSender)?;
    // Cheaper to tell than the signature: whoever saw a transaction could send it again and again.
    if body.nonce < registration.nonce {
        return Err(Refusal::Nonce { want: registration.nonce });
    }
    txo.signature_holds().map_err(|_| Refusal::BadSignature)?;
    Ok((name, registration))
}

/// Checks a transaction in full and carries it out.
///
/// # Errors
/// [`Refusal`]; the draft is unchanged then.
pub fn apply(draft: &mut Draft<'_>, place: &Place<'_>, txo: &Txo) -> Result<(), Refusal> {
    let (name, mut registration) = sender(draft, place.chain_id, txo)?;
    if txo.body.nonce != registration.nonce {
        return Err(Refusal::Nonce { want: registration.nonce });
    }
    let order = Order::from_bytes(&txo.body.payload).map_err(|_| Refusal::Malformed)?;
    if !matches!(order, Order::Note(_)) && registration.status != Status::Active {
        return Err(Refusal::NotActive);
    }
    match order {
        Order::Rotate { vote_key, proof } => {
            let scope = rotation_scope(place.chain_id, &name, registration.nonce);
            check_rotation(draft, scope, &vote_key, &proof)?;
            registration.vote_key = vote_key;
            registration.since_set = place.next_set_id();
            draft.put(Genesis::name_key(&registration.validator()), name.clone().into_bytes());
            let used = KeyUse { purpose: Purpose::Vote, name: name.clone() };
            draft.put(KeyUse::state_key(&vote_key), used.to_bytes());
        }
        Order::Leave if is_last(draft, &name) => return Err(Refusal::LastValidator),
        Order::Leave => registration.status = Status::Leaving,
        Order::Note(_) => {}
    }
    registration.nonce = registration.nonce.saturating_add(1);
    draft.register(&name, &registration);
    Ok(())
}

fn check_rotation(
    draft: &Draft<'_>,
    scope: Hash,
    vote_key: &PublicKey,
    proof: &Signature,
) -> Result<(), Refusal> {
    match draft.key_use(vote_key) {
        Some(used) => Err(Refusal::KeyKnown(used.purpose)),
        None => Purpose::Vote.proven(scope, vote_key, proof).map_err(|_| Refusal::Possession),
    }
}

/// Whether no other validator is to be in the next set.
pub(super) fn is_last(draft: &Draft<'_>, leaving: &str) -> bool {
    let votes = |name: &String| {
        draft.registration(name).is_some_and(|it| it.status == Status::Active && power_of(it.stake) > 0)
    };
    !draft.names().iter().any(|name| name != leaving && votes(name))
}
