//! The consensus protocol between validators, `/qratum/consensus/1`: one request, one reply, both
//! in the canonical codec of the chain. Everything here is untrusted.

use libp2p::StreamProtocol;
use qratum_chain::{
    codec::{Decode, Encode, Malformed, Reader, put_bytes, put_list},
    types::{Height, MAX_VALIDATORS, Offence, PqSignature, Round, SignedProposal, SignedVote, Txo},
};

use crate::{
    block::{Block, Decided},
    snapshot::Page,
};

/// Name of the consensus protocol.
pub const PROTOCOL: StreamProtocol = StreamProtocol::new("/qratum/consensus/1");
/// The longest request: a certificate of votes from each of 1024 members, with room to spare.
pub const MAX_REQUEST: usize = 512 << 10;
/// The longest reply.
pub const MAX_REPLY: usize = 1 << 20;
/// The most blocks in one reply.
pub const MAX_BLOCKS: usize = 64;
/// A reply is full above this many bytes of blocks: what is added last still fits.
pub const FULL_REPLY: usize = MAX_REPLY / 4;
/// Length of an encoded vote for nil, the shorter kind.
const SHORTEST_VOTE: usize = 1 + 32 + 8 + 8 + 4 + 1 + 4 + 64;

/// Why a round may be entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoundReason {
    /// Votes of more than one third in that round: someone honest is there already.
    Skip = 1,
    /// Precommits of more than two thirds in the round before, for whatever value.
    Precommits = 2,
}

/// One validator's ML-DSA signature over the precommit for the last block of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Half {
    /// Height of the block.
    pub height: Height,
    /// Round of the precommit.
    pub round: Round,
    /// Who signed, and the signature.
    pub signature: PqSignature,
}

impl Encode for Half {
    fn encode(&self, out: &mut Vec<u8>) {
        self.height.encode(out);
        self.round.encode(out);
        self.signature.encode(out);
    }
}

impl Decode for Half {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            height: Height::decode(reader)?,
            round: Round::decode(reader)?,
            signature: PqSignature::decode(reader)?,
        })
    }
}

/// What one validator tells all others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A vote.
    Vote(SignedVote),
    /// A proposal with the block it names.
    Proposal(Box<(SignedProposal, Block)>),
    /// Prevotes of more than two thirds for one block in one round.
    Polka(Vec<SignedVote>),
    /// Votes that justify entering a round.
    RoundCertificate(RoundReason, Vec<SignedVote>),
    /// A transaction that waits for a block.
    Txo(Box<Txo>),
    /// Proof of an offence that waits for a block.
    Offence(Box<Offence>),
    /// A part of the hand-over at the end of a set.
    Handover(Box<Half>),
}

impl Message {
    /// The height it is about; `None` for a certificate without votes, and for what belongs to no height
    /// that is voted on.
    #[must_use]
    pub fn height(&self) -> Option<Height> {
        match self {
            Self::Vote(signed) => Some(signed.vote.height),
            Self::Proposal(proposal) => Some(proposal.0.proposal.height),
            Self::Polka(votes) | Self::RoundCertificate(_, votes) => votes.first().map(|v| v.vote.height),
            Self::Txo(_) | Self::Offence(_) | Self::Handover(_) => None,
        }
    }

    /// The round it is about; `None` for a certificate without votes.
    #[must_use]
    pub fn round(&self) -> Option<Round> {
        match self {
            Self::Vote(signed) => Some(signed.vote.round),
            Self::Proposal(proposal) => Some(proposal.0.proposal.round),
            Self::Polka(votes) | Self::RoundCertificate(_, votes) => votes.first().map(|v| v.vote.round),
            Self::Txo(_) | Self::Offence(_) | Self::Handover(_) => None,
        }
    }
}

/// What one validator asks of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Take note of this.
    Tell(Message),
    /// Send the decided blocks from this height on, as many as fit; where they were dropped, the first
    /// page of the snapshot.
    Blocks(Height),
    /// Send a page of the snapshot.
    Page {
        /// Height of its checkpoint.
        height: u64,
        /// Where the page begins.
        offset: u32,
    },
}

/// What it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Noted.
    Noted,
    /// Decided blocks in height order; none when there are none.
    Blocks(Vec<Decided>),
    /// A page of the snapshot.
    Page(Page),
}

fn votes(reader: &mut Reader<'_>) -> Result<Vec<SignedVote>, Malformed> {
    reader.list("votes", MAX_VALIDATORS, SHORTEST_VOTE)
}

impl Encode for Message {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Vote(vote) => {
                out.push(1);
                vote.encode(out);
            }
            Self::Proposal(proposal) => {
                out.push(2);
                proposal.0.encode(out);
                proposal.1.encode(out);
            }
            Self::Polka(votes) => {
                out.push(3);
                put_list(out, votes);
            }
            Self::RoundCertificate(reason, votes) => {
                out.extend_from_slice(&[4, *reason as u8]);
                put_list(out, votes);
            }
            Self::Txo(txo) => {
                out.push(5);
                put_bytes(out, &txo.to_bytes());
            }
            Self::Offence(offence) => {
                out.push(6);
                offence.encode(out);
            }
            Self::Handover(half) => {
                out.push(7);
                half.encode(out);
            }
        }
    }
}

impl Decode for Message {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match reader.u8()? {
            1 => SignedVote::decode(reader).map(Self::Vote),
            2 => {
                let proposal = SignedProposal::decode(reader)?;
                Ok(Self::Proposal(Box::new((proposal, Block::decode(reader)?))))
            }
            3 => votes(reader).map(Self::Polka),
            4 => {
                let reason = match reader.u8()? {
                    1 => RoundReason::Skip,
                    2 => RoundReason::Precommits,
                    _ => return Err(Malformed::Field("round reason")),
                };
                Ok(Self::RoundCertificate(reason, votes(reader)?))
            }
            5 => {
                let txo = Txo::from_bytes(reader.bytes("transaction", Txo::MAX_LENGTH)?)?;
                Ok(Self::Txo(Box::new(txo)))
            }
            6 => Offence::decode(reader).map(|offence| Self::Offence(Box::new(offence))),
            7 => Half::decode(reader).map(|half| Self::Handover(Box::new(half))),
            _ => Err(Malformed::Field("message kind")),
        }
    }
}

impl Encode for Request {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Tell(message) => {
                out.push(1);
                message.encode(out);
            }
            Self::Blocks(from) => {
                out.push(2);
                from.encode(out);
            }
            Self::Page { height, offset } => {
                out.push(3);
                out.extend_from_slice(&height.to_le_bytes());
                out.extend_from_slice(&offset.to_le_bytes());
            }
        }
    }
}

impl Decode for Request {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match reader.u8()? {
            1 => Message::decode(reader).map(Self::Tell),
            2 => Height::decode(reader).map(Self::Blocks),
            3 => Ok(Self::Page { height: reader.u64()?, offset: reader.u32()? }),
            _ => Err(Malformed::Field("request kind")),
        }
    }
}

impl Encode for Reply {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Noted => out.push(1),
            Self::Blocks(blocks) => {
                out.push(2);
                put_list(out, blocks);
            }
            Self::Page(page) => {
                out.push(3);
                page.encode(out);
            }
        }
    }
}

impl Decode for Reply {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match reader.u8()? {
            1 => Ok(Self::Noted),
            2 => reader.list("blocks", MAX_BLOCKS, Decided::SHORTEST).map(Self::Blocks),
            3 => Page::decode(reader).map(Self::Page),
            _ => Err(Malformed::Field("reply kind")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{certificate, key, ledger, order};
    use qratum_chain::{
        ledger::{Body, registry::Order},
        types::{MAX_HANDOVER_MEMBERS, Proposal},
    };
    use qratum_crypto::sign::ml_dsa;

    fn requests() -> Vec<Request> {
        let chain = ledger(2);
        let block = chain.build(Round(0), chain.tip().time.plus(1), &Body::default()).unwrap();
        let vote = certificate(chain.tip(), 4, &[0]).vote();
        let signed = SignedVote { signature: key(0).sign(b"x"), signer: 0, vote };
        let proposal = Proposal {
            chain_id: chain.chain_id(),
            set_id: block.header.set_id,
            height: block.header.height,
            round: Round(0),
            pol_round: -1,
            block_id: block.id(),
        };
        let proposal = SignedProposal { proposal, signer: 0, signature: signed.signature };
        let nil = SignedVote {
            vote: qratum_chain::types::Vote { value: None, ..signed.vote.clone() },
            ..signed.clone()
        };
        let half = Half {
            height: Height(20),
            round: Round(0),
            signature: PqSignature {
                signer: 1,
                key: vec![2; ml_dsa::PUBLIC_KEY_LENGTH],
                signature: vec![3; ml_dsa::SIGNATURE_LENGTH],
            },
        };
        let messages = [
            Message::Vote(signed.clone()),
            Message::Proposal(Box::new((proposal, block))),
            Message::Polka(vec![signed.clone(), nil.clone()]),
            Message::RoundCertificate(RoundReason::Precommits, vec![nil]),
            Message::Txo(Box::new(order(&chain, 1, 0, &Order::Leave))),
            Message::Handover(Box::new(half)),
        ];
        messages
            .into_iter()
            .map(Request::Tell)
            .chain([Request::Blocks(Height(7)), Request::Page { height: 100, offset: 9 }])
            .collect()
    }

    #[test]
    fn what_is_sent_is_what_arrives_and_every_cut_is_refused() {
        for request in requests() {
            let bytes = request.to_bytes();
            assert_eq!(Request::from_bytes(&bytes), Ok(request.clone()));
            for length in 0..bytes.len() {
                assert!(Request::from_bytes(&bytes[..length]).is_err(), "{length} bytes of {request:?}");
            }
        }
        let chain = ledger(3);
        let blocks = (1..=3).map(|h| chain.block(Height(h)).unwrap().clone()).collect();
        let page = Page::of(100, &[7; 9], 4).unwrap();
        for reply in [Reply::Noted, Reply::Blocks(blocks), Reply::Page(page)] {
            assert_eq!(Reply::from_bytes(&reply.to_bytes()), Ok(reply));
        }
    }

    #[test]
    fn the_largest_messages_fit_their_frames() {
        let [Request::Tell(Message::Vote(vote)), ..] = &requests()[..] else { panic!() };
        let most = Request::Tell(Message::Polka(vec![vote.clone(); MAX_VALIDATORS]));
        assert!(most.to_bytes().len() <= MAX_REQUEST);
        // A full block with its own and its parent's certificate, behind a reply that is all but full.
        let (certificate, halves) = (256 + MAX_VALIDATORS * 64, MAX_HANDOVER_MEMBERS * PqSignature::LENGTH);
        let body = Body::MAX_BYTES + 4 * Body::MAX_TRANSACTIONS + Body::MAX_EVIDENCE * 512;
        assert!(FULL_REPLY + 2 * certificate + halves + body + Decided::SHORTEST <= MAX_REPLY);
        assert!(certificate + body + Decided::SHORTEST + 512 <= MAX_REQUEST);
    }
}
