//! What can be decided by vote, and what each decision does to the state.
//!
//! There is no treasury among it: this chain holds no funds, so nothing could be carried out.

use minicbor::{Decoder, Encoder, decode, encode};
use qratum_crypto::sign::ed25519::{PublicKey, Signature};

use super::{Denial, Draft, Place};
use crate::{
    Hash,
    codec::{
        Decode, Encode, Malformed, Reader,
        cbor::{array, bytes_of, expect, known, whole},
        put_bytes,
    },
    ledger::{Effect, registry},
    types::{
        Enrolment, Genesis, Jurisdiction, KeyUse, MAX_HANDOVER_MEMBERS, MAX_VALIDATORS, Parameter,
        Parameters, Proofs, Registration, SetId, Status, Upgrade, Validator, is_name, power_of,
    },
};

/// Somebody who is to be a validator, as they would stand in a genesis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Name of the validator.
    pub name: String,
    /// Its leaf; `power` follows from the stake, and `since_set` is not known before it joins: 0.
    pub validator: Validator,
    /// With the proofs that its keys are held.
    pub enrolment: Enrolment,
}

/// What a proposal would do, in deterministic CBOR: an array that starts with its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Measure {
    /// A parameter gets another value.
    Parameter {
        /// Which.
        parameter: Parameter,
        /// The value, within [`Parameter::bounds`].
        value: u64,
    },
    /// From a set on the chain goes by another version of its rules. Builds that do not know them stop
    /// before that set.
    Upgrade {
        /// The version; that of a genesis is 1.
        version: u32,
        /// The first set it holds for.
        set: SetId,
    },
    /// A candidate becomes a validator.
    Join(Box<Candidate>),
    /// A validator loses its seat.
    Remove(String),
}

impl Measure {
    /// The longest encoding in bytes: a candidate with four names of 32.
    pub const MAX_LENGTH: usize = 640;

    /// The canonical encoding, as an act has it.
    #[must_use]
    pub fn to_cbor(&self) -> Vec<u8> {
        bytes_of(self)
    }

    /// What a document calls it.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Parameter { .. } => "parameter",
            Self::Upgrade { .. } => "upgrade",
            Self::Join(_) => "join",
            Self::Remove(_) => "remove",
        }
    }

    /// What it would do at the end of the set that is carried out. Changes nothing: for whoever wants to
    /// see it before signing, for the block that opens the proposal, and for the one that carries it out.
    ///
    /// # Errors
    /// [`Denial`], where it cannot be done.
    pub fn effect(&self, draft: &Draft<'_>, place: &Place<'_>) -> Result<Effect, Denial> {
        match self {
            Self::Parameter { parameter, value } => {
                let now = draft.parameters(place.params);
                if !parameter.bounds().contains(value) {
                    return Err(Denial::Bounds);
                }
                if now.get(*parameter) == *value {
                    return Err(Denial::NoEffect);
                }
                let next = now.with(*parameter, *value).to_bytes();
                Ok(vec![(Parameters::STATE_KEY.to_vec(), next)])
            }
            Self::Upgrade { version, set } => {
                let newest = draft.upgrade().unwrap_or_default();
                // One at a time: the entry of one that is still to come must not be lost.
                if *version <= newest.version || newest.set > place.set_id() || *set <= place.next_set_id() {
                    return Err(Denial::Version);
                }
                let upgrade = Upgrade { version: *version, set: *set, before: newest.version };
                Ok(vec![(Upgrade::STATE_KEY.to_vec(), upgrade.to_bytes())])
            }
            Self::Join(candidate) => candidate.joins(draft, place),
            Self::Remove(name) => {
                let active = |it: &Registration| it.status == Status::Active;
                let mut registration = draft.registration(name).filter(active).ok_or(Denial::NoValidator)?;
                if registry::is_last(draft, name) {
                    return Err(Denial::LastValidator);
                }
                registration.status = Status::Removed;
                Ok(vec![(Registration::state_key(name), registration.to_bytes())])
            }
        }
    }

    pub(super) fn read(decoder: &mut Decoder<'_>) -> Result<Self, decode::Error> {
        let length = decoder.array()?;
        let number = decoder.u64()?;
        let due = match number {
            3 => Candidate::ITEMS,
            4 => 2,
            _ => 3,
        };
        expect(length == Some(due), "array length")?;
        match number {
            1 => Ok(Self::Parameter {
                parameter: known(Parameter::of(decoder.u64()?), "parameter")?,
                value: decoder.u64()?,
            }),
            2 => Ok(Self::Upgrade { version: decoder.u32()?, set: SetId(decoder.u64()?) }),
            3 => Candidate::read(decoder).map(|candidate| Self::Join(Box::new(candidate))),
            4 => name(decoder).map(Self::Remove),
            _ => Err(decode::Error::message("kind of measure")),
        }
    }
}

impl Candidate {
    /// Items of its array, the number of the measure among them.
    const ITEMS: u64 = 12;

    /// The entries of a validator that joins with the next set.
    fn joins(&self, draft: &Draft<'_>, place: &Place<'_>) -> Result<Effect, Denial> {
        let Self { name, validator, enrolment } = self;
        if draft.registration(name).is_some() {
            return Err(Denial::NameTaken);
        }
        let keys = enrolment.keys(validator).map(|(purpose, key, _)| (purpose, key));
        let distinct =
            keys.iter().enumerate().all(|(at, (_, key))| keys.iter().skip(at + 1).all(|it| it.1 != *key));
        if !distinct || keys.iter().any(|(_, key)| draft.key_use(key).is_some()) {
            return Err(Denial::KeyTaken);
        }
        self.fits_among(draft)?;
        enrolment.check(&draft.network(), name, validator).map_err(|_| Denial::Enrolment)?;
        let validator = Validator { since_set: place.next_set_id(), ..validator.clone() };
        let registration = Registration::of(enrolment, &validator).to_bytes();
        let used =
            |(purpose, key)| (KeyUse::state_key(&key), KeyUse { purpose, name: name.clone() }.to_bytes());
        let own = [
            (Registration::state_key(name), registration),
            (Genesis::name_key(&validator), name.clone().into_bytes()),
        ];
        Ok(keys.map(used).into_iter().chain(own).collect())
    }

    /// Whether the set has room, and either all of it hands over with ML-DSA or nobody: else one who has
    /// such a key could hold light nodes back while the chain goes on without them.
    fn fits_among(&self, draft: &Draft<'_>) -> Result<(), Denial> {
        let members = draft.names().into_iter().filter_map(|name| draft.registration(&name));
        let members: Vec<_> = members.filter(|it| it.status == Status::Active).collect();
        let hands_over = self.validator.has_pq_key();
        let most = if hands_over { MAX_HANDOVER_MEMBERS } else { MAX_VALIDATORS };
        let alike = |it: &Registration| {
            it.validator().has_pq_key() == hands_over
                && (!hands_over || it.pq_key_hash != self.validator.pq_key_hash)
        };
        let largest = members.iter().map(|it| it.validator().power).max().unwrap_or(0);
        if members.len() >= most {
            Err(Denial::SetFull)
        } else if self.validator.power > largest {
            Err(Denial::TooMuchPower)
        } else if members.iter().all(alike) {
            Ok(())
        } else {
            Err(Denial::HandoverKey)
        }
    }

    fn read(decoder: &mut Decoder<'_>) -> Result<Self, decode::Error> {
        let name = self::name(decoder)?;
        let pubkey = PublicKey(array(decoder)?);
        let letters = known(decoder.str()?.as_bytes().try_into().ok(), "jurisdiction")?;
        let jurisdiction = known(Jurisdiction::new(letters), "jurisdiction")?;
        let pq_key_hash = Hash(array(decoder)?);
        let (operator, stake) = (self::name(decoder)?, decoder.u64()?);
        let [peer_key, operator_key] = [PublicKey(array(decoder)?), PublicKey(array(decoder)?)];
        let proofs = Proofs {
            vote: Signature(array(decoder)?),
            peer: Signature(array(decoder)?),
            operator: Signature(array(decoder)?),
        };
        let (power, since_set) = (power_of(stake), SetId(0));
        Ok(Self {
            name,
            validator: Validator { pubkey, power, jurisdiction, since_set, pq_key_hash },
            enrolment: Enrolment { operator, stake, peer_key, operator_key, proofs },
        })
    }

    fn write<W: encode::Write>(&self, e: &mut Encoder<W>) -> Result<(), encode::Error<W::Error>> {
        let Self { name, validator, enrolment } = self;
        e.array(Self::ITEMS)?.u64(3)?.str(name)?.bytes(&validator.pubkey.0)?;
        e.str(&validator.jurisdiction.to_string())?.bytes(&validator.pq_key_hash.0)?;
        e.str(&enrolment.operator)?.u64(enrolment.stake)?;
        e.bytes(&enrolment.peer_key.0)?.bytes(&enrolment.operator_key.0)?;
        let Proofs { vote, peer, operator } = &enrolment.proofs;
        e.bytes(&vote.0)?.bytes(&peer.0)?.bytes(&operator.0)?;
        Ok(())
    }
}

fn name(decoder: &mut Decoder<'_>) -> Result<String, decode::Error> {
    known(Some(decoder.str()?).filter(|name| is_name(name)), "name").map(str::to_owned)
}

impl encode::Encode<()> for Measure {
    fn encode<W: encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut (),
    ) -> Result<(), encode::Error<W::Error>> {
        match self {
            Self::Parameter { parameter, value } => {
                e.array(3)?.u64(1)?.u64(*parameter as u64)?.u64(*value)?;
            }
            Self::Upgrade { version, set } => drop(e.array(3)?.u64(2)?.u32(*version)?.u64(set.0)?),
            Self::Join(candidate) => candidate.write(e)?,
            Self::Remove(name) => drop(e.array(2)?.u64(4)?.str(name)?),
        }
        Ok(())
    }
}

/// As a byte string of CBOR.
impl Encode for Measure {
    fn encode(&self, out: &mut Vec<u8>) {
        put_bytes(out, &self.to_cbor());
    }
}

impl Decode for Measure {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        whole(reader.bytes("measure", Self::MAX_LENGTH)?, ["measure", "canonical measure"], Self::read)
    }
}
