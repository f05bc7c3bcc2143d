//! What a person asks for in one transaction: the payload, in deterministic CBOR.

use minicbor::{Decoder, Encoder, decode, encode};

use super::{Action, governance::Governing, identity};
use crate::{
    Hash,
    codec::{
        Malformed,
        cbor::{array, bytes_of, expect, items, known, whole},
    },
    types::{BlockId, BlockRef, Height, Possession, RequestId, Role, Time},
};

/// The payload of a person's transaction, and the heights at which it may come into a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// The first height.
    pub from: Height,
    /// The last height.
    pub until: Height,
    /// What is asked for.
    pub step: Step,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// That an action be carried out.
    Request(Proposal),
    /// The same, of an action that brings keys: with a proof for each, in their order, that both of its
    /// factors are held. The proofs are judged here and kept nowhere else.
    Enrol(Proposal, Vec<Possession>),
    /// Yes to a request.
    Approve(Answer),
    /// No to a request, which closes it.
    Reject(Answer),
    /// Something about what is decided by vote.
    Govern(Governing),
}

/// An action, and what the wish for it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// What to do.
    pub action: Action,
    /// The time of the last header at which it can be approved.
    pub expiry: Time,
    /// Hash of the policy that was read.
    pub policy_hash: Hash,
    /// The block at which the facts were proven.
    pub basis: BlockRef,
    /// [`Action::expectation`] at that block.
    pub expect: Hash,
}

/// To which request, and in which role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The id of the request, which stands for all that is in it.
    pub request: RequestId,
    /// The role in which the person speaks.
    pub role: Role,
}

impl Act {
    /// The last height lies at most so many above the first: a security key that was touched for this
    /// act, and then for nothing, must not be good for it for ever.
    pub const MAX_HEIGHTS: u64 = 300;

    /// The canonical encoding.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        bytes_of(self)
    }

    /// Reads an act from exactly its canonical encoding.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        whole(bytes, ["act", "canonical act"], Self::read)
    }

    fn read(decoder: &mut Decoder<'_>) -> Result<Self, decode::Error> {
        items(decoder, 3)?;
        let (from, until) = (Height(decoder.u64()?), Height(decoder.u64()?));
        Ok(Self { from, until, step: Step::read(decoder)? })
    }
}

impl Step {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self, decode::Error> {
        let length = decoder.array()?;
        let number = decoder.u64()?;
        if Governing::NUMBERS.contains(&number) {
            return Governing::read(decoder, number, length).map(Self::Govern);
        }
        let items = match number {
            1 => 7,
            4 => 8,
            _ => 3,
        };
        expect(length == Some(items), "array length")?;
        match number {
            1 => Proposal::read(decoder).map(Self::Request),
            2 => Answer::read(decoder).map(Self::Approve),
            3 => Answer::read(decoder).map(Self::Reject),
            4 => Ok(Self::Enrol(Proposal::read(decoder)?, identity::read_proofs(decoder)?)),
            _ => Err(decode::Error::message("kind of step")),
        }
    }
}

impl Proposal {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self, decode::Error> {
        Ok(Self {
            action: Action::read(decoder)?,
            expiry: Time(decoder.u64()?),
            policy_hash: Hash(array(decoder)?),
            basis: BlockRef { height: Height(decoder.u64()?), block_id: BlockId(Hash(array(decoder)?)) },
            expect: Hash(array(decoder)?),
        })
    }
}

impl Answer {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self, decode::Error> {
        let request = RequestId(Hash(array(decoder)?));
        Ok(Self { request, role: known(Role::of(decoder.u64()?), "role")? })
    }
}

impl encode::Encode<()> for Act {
    fn encode<W: encode::Write>(
        &self,
        e: &mut Encoder<W>,
        ctx: &mut (),
    ) -> Result<(), encode::Error<W::Error>> {
        e.array(3)?.u64(self.from.0)?.u64(self.until.0)?;
        match &self.step {
            Step::Request(proposal) => {
                e.array(7)?.u64(1)?;
                proposal.write(e, ctx)?;
            }
            Step::Enrol(proposal, proofs) => {
                e.array(8)?.u64(4)?;
                proposal.write(e, ctx)?;
                e.array(proofs.len() as u64)?;
                proofs.iter().try_for_each(|proof| proof.write(e))?;
            }
            Step::Approve(answer) => answer.write(e, 2)?,
            Step::Reject(answer) => answer.write(e, 3)?,
            Step::Govern(governing) => governing.write(e)?,
        }
        Ok(())
    }
}

impl Proposal {
    fn write<W: encode::Write>(
        &self,
        e: &mut Encoder<W>,
        ctx: &mut (),
    ) -> Result<(), encode::Error<W::Error>> {
        encode::Encode::encode(&self.action, e, ctx)?;
        e.u64(self.expiry.0)?.bytes(&self.policy_hash.0)?;
        e.u64(self.basis.height.0)?.bytes(&self.basis.block_id.0.0)?.bytes(&self.expect.0)?;
        Ok(())
    }
}

impl Answer {
    fn write<W: encode::Write>(
        &self,
        e: &mut Encoder<W>,
        number: u64,
    ) -> Result<(), encode::Error<W::Error>> {
        e.array(3)?.u64(number)?.bytes(&self.request.0.0)?.u64(self.role as u64)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qratum_crypto::sign::ed25519::PublicKey;

    use crate::{
        codec::{Decode, Encode},
        ledger::{Identity, NewAccount},
        types::{
            AccountId, Attestation, AuthData, BiokeyKeys, BiokeySignatures, CredentialId, CredentialKey,
            CredentialStatus, Device, Jurisdiction, NewCredential, PersonId, Policy, Roles, Standing, Zone,
        },
    };

    fn proposal(action: Action) -> Act {
        let basis = BlockRef { height: Height(9), block_id: BlockId(Hash([2; 32])) };
        let (policy_hash, expect) = (Hash([1; 32]), Hash([3; 32]));
        let proposal = Proposal { action, expiry: Time(77), policy_hash, basis, expect };
        Act { from: Height(10), until: Height(99), step: Step::Request(proposal) }
    }

    fn credential(status: CredentialStatus) -> Action {
        Action::Credential {
            account: AccountId::new("bob").unwrap(),
            credential: CredentialId::of(b"b"),
            status,
        }
    }

    #[test]
    fn an_act_has_one_encoding() {
        let answer = Answer { request: RequestId(Hash([5; 32])), role: Role::Compliance };
        let steps = [Step::Approve(answer), Step::Reject(answer)];
        let answers = steps.map(|step| Act { from: Height(0), until: Height(300), step });
        let actions =
            [credential(CredentialStatus::Revoked), Action::Policy(Policy::default())].map(proposal);
        let identities = [enrolment(vec![]), enrolment(vec![possession()])];
        for act in answers.into_iter().chain(actions).chain(identities) {
            let bytes = act.to_bytes();
            assert_eq!(Act::from_bytes(&bytes), Ok(act));
            for at in 0..bytes.len() {
                // Another byte is another act, or none: never the same one.
                let mut other = bytes.clone();
                other[at] ^= 1;
                assert!(
                    Act::from_bytes(&other).is_err() || Act::from_bytes(&other) != Act::from_bytes(&bytes)
                );
                assert!(Act::from_bytes(&bytes[..at]).is_err());
            }
            // A height in a longer form than it needs.
            let mut longer = bytes.clone();
            longer.splice(1..2, [0x18, bytes[1]]);
            assert!(Act::from_bytes(&longer).is_err());
            assert_eq!(Act::from_bytes(&[bytes, vec![0]].concat()), Err(Malformed::Trailing));
        }
    }

    fn new_credential() -> NewCredential {
        NewCredential {
            id: CredentialId::of(b"e"),
            key: CredentialKey::Ed25519(PublicKey([3; 32])),
            biokey: BiokeyKeys { ed25519: PublicKey([4; 32]), mldsa_hash: Hash([5; 32]) },
            device: Device {
                label: "x".repeat(32),
                aaguid: [6; 16],
                attestation: Some(Attestation { format: "y".repeat(32), leaf: Hash([7; 32]) }),
            },
        }
    }

    fn new_account(keys: usize) -> Action {
        Action::Identity(Identity::Enrol(NewAccount {
            account: AccountId::new(&"z".repeat(32)).unwrap(),
            person: PersonId(Hash([8; 32])),
            roles: Roles::of(Role::ALL.iter().copied()),
            jurisdiction: Jurisdiction::new(*b"CH").unwrap(),
            zone: Zone::new(3).unwrap(),
            credentials: vec![new_credential(); keys],
        }))
    }

    fn possession() -> Possession {
        Possession { auth_data: AuthData([1; 37]), signature: [2; 64], biokey: BiokeySignatures::missing() }
    }

    fn enrolment(proofs: Vec<Possession>) -> Act {
        let act = proposal(new_account(1));
        let Step::Request(proposal) = act.step else { unreachable!() };
        Act { step: Step::Enrol(proposal, proofs), ..act }
    }

    #[test]
    fn every_action_on_people_has_one_encoding() {
        let account = || AccountId::new("erin").unwrap();
        let (credential, biokey) = (CredentialId::of(b"e"), new_credential().biokey);
        let mut actions = vec![
            Identity::Link { account: account(), credential: new_credential() },
            Identity::Standing { account: account(), standing: Standing::Suspended },
            Identity::Roles { account: account(), roles: Roles::of([Role::Admin]) },
            Identity::Biokey { account: account(), credential, biokey },
        ]
        .into_iter()
        .map(Action::Identity)
        .collect::<Vec<_>>();
        actions.extend((1..=Identity::MAX_AT_ONCE).map(new_account));
        for action in actions {
            let act = proposal(action.clone());
            assert_eq!(Act::from_bytes(&act.to_bytes()), Ok(act));
            let bytes = Encode::to_bytes(&action);
            assert!(bytes.len() <= Action::MAX_LENGTH, "{}", bytes.len());
            assert_eq!(Action::from_bytes(&bytes), Ok(action));
        }
        let none = Identity::Roles { account: account(), roles: Roles::default() };
        for action in [new_account(0), new_account(5), Action::Identity(none)] {
            let bytes = proposal(action).to_bytes();
            assert_eq!(Act::from_bytes(&bytes), Err(Malformed::Field("act")));
        }
        let many = enrolment(vec![possession(); Identity::MAX_AT_ONCE]);
        assert_eq!(Act::from_bytes(&many.to_bytes()), Ok(many));
        let too_many = enrolment(vec![possession(); Identity::MAX_AT_ONCE + 1]).to_bytes();
        assert_eq!(Act::from_bytes(&too_many), Err(Malformed::Field("act")));
    }

    #[test]
    fn nobody_can_ask_that_a_key_be_a_clone() {
        let cloned = proposal(credential(CredentialStatus::Cloned)).to_bytes();
        assert_eq!(Act::from_bytes(&cloned), Err(Malformed::Field("act")));
        assert!(Act::from_bytes(&proposal(credential(CredentialStatus::Suspended)).to_bytes()).is_ok());
    }
}
