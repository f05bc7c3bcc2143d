//! What a person asks for in one transaction: the payload, in deterministic CBOR.

use minicbor::{Decoder, Encoder, decode, encode};

use super::{Action, governance::Governing};
use crate::{
    Hash,
    codec::{
        Malformed,
        cbor::{array, bytes_of, expect, items, known, whole},
    },
    types::{BlockId, BlockRef, Height, RequestId, Role, Time},
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
        expect(length == Some(if number == 1 { 7 } else { 3 }), "array length")?;
        match number {
            1 => Proposal::read(decoder).map(Self::Request),
            2 => Answer::read(decoder).map(Self::Approve),
            3 => Answer::read(decoder).map(Self::Reject),
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
                proposal.action.encode(e, ctx)?;
                e.u64(proposal.expiry.0)?.bytes(&proposal.policy_hash.0)?;
                e.u64(proposal.basis.height.0)?.bytes(&proposal.basis.block_id.0.0)?;
                e.bytes(&proposal.expect.0)?;
            }
            Step::Approve(answer) => answer.write(e, 2)?,
            Step::Reject(answer) => answer.write(e, 3)?,
            Step::Govern(governing) => governing.write(e)?,
        }
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
    use crate::types::{AccountId, CredentialId, CredentialStatus, Policy};

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
        for act in answers.into_iter().chain(actions) {
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

    #[test]
    fn nobody_can_ask_that_a_key_be_a_clone() {
        let cloned = proposal(credential(CredentialStatus::Cloned)).to_bytes();
        assert_eq!(Act::from_bytes(&cloned), Err(Malformed::Field("act")));
        assert!(Act::from_bytes(&proposal(credential(CredentialStatus::Suspended)).to_bytes()).is_ok());
    }
}
