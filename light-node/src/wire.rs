//! The light-client protocol, `/qratum/light/1`: one bounded request, one bounded answer.
//!
//! Frames are the canonical codec of the chain; libp2p carries them. Nothing that arrives here is
//! believed: the verifier judges it.

use std::{io, marker::PhantomData};

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::{StreamProtocol, request_response};
use qratum_chain::{
    Hash,
    codec::{Decode, Encode, Malformed, Reader, put_bytes, put_list, put_option},
    ledger::{Body, governance::Placed, registry::Refusal},
    state::StateProof,
    types::{Height, LightBlock, MAX_VALIDATORS, MotionId, Offence, SignedProposal, SignedVote, Txo},
};
use qratum_verifier::ballots::BEFORE;

use crate::frame;

/// Name of the light-client protocol.
pub const PROTOCOL: StreamProtocol = StreamProtocol::new("/qratum/light/1");
/// The longest request frame: an act of a person, with the ML-DSA-65 signatures in it.
pub const MAX_REQUEST: usize = 32 << 10;
/// The longest transaction that is submitted: its request is no longer than others.
pub const MAX_SUBMITTED: usize = MAX_REQUEST - 5;
/// The longest answer frame: a block of 1024 members with both signatures from each, and two sets.
pub const MAX_RESPONSE: usize = 8 << 20;
/// The longest state key that can be asked for.
const MAX_KEY: usize = 512;
/// The most keys of one question.
pub const MAX_KEYS: usize = 32;
/// The longest state value that can be answered.
const MAX_VALUE: usize = 64 << 10;
/// How many heights an answer may hold votes of: the one that is voted on and those before.
const HEIGHTS: usize = 1 + BEFORE as usize;
/// The most votes of one member at one height in an answer.
pub const MAX_OF_MEMBER: usize = 8;
/// The most votes in one answer. So many fit a frame: none is ever cut.
pub const MAX_VOTES: usize = HEIGHTS * MAX_OF_MEMBER * MAX_VALIDATORS;
/// The most proposals of one height in an answer.
pub const MAX_OF_HEIGHT: usize = 32;
/// The most proposals in one answer.
pub const MAX_PROPOSALS: usize = HEIGHTS * MAX_OF_HEIGHT;
/// Length of an encoded vote for nil, the shorter kind.
const SHORTEST_VOTE: usize = 1 + 32 + 8 + 8 + 4 + 1 + 4 + 64;
/// Length of an encoded proposal.
const PROPOSAL: usize = 32 + 8 + 8 + 4 + 4 + 32 + 4 + 64;

/// What a light node asks a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// The newest block the peer has a certificate for.
    Tip,
    /// The block at this height.
    Block(Height),
    /// The values under these state keys, at most [`MAX_KEYS`], all in the newest state.
    State(Vec<StateKey>),
    /// The audit path of the header at `height` in the history of the first `size` headers.
    History {
        /// Height of the header that is to be proven.
        height: Height,
        /// Height of the head it is to be proven under.
        size: Height,
    },
    /// The signed votes and proposals of the height that is voted on and of the [`BEFORE`] it.
    Votes,
    /// Put this transaction, given as its canonical bytes, into a block.
    Submit(Vec<u8>),
    /// What became of the transaction with this id.
    Txo(Hash),
    /// The evidence in the block at this height.
    Evidence(Height),
    /// The ballots on a proposal, as they are in the newest state.
    Ballots(MotionId),
}

/// What becomes of a transaction that was submitted, as the peer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Submission {
    /// It waits for a block, or is in one: [`Request::Txo`] tells.
    Accepted,
    /// It cannot be carried out.
    Refused(Refusal),
    /// Too much waits: come back.
    Busy,
}

/// A transaction in a block, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct Included {
    /// Height of the block.
    pub height: Height,
    /// Its place among the block's transactions, from 0.
    pub index: u64,
    /// How many those are.
    pub count: u64,
    /// The transaction.
    pub txo: Txo,
    /// Audit path under `tx_root`.
    pub audit_path: Vec<Hash>,
}

/// A key of the state that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateKey(pub Vec<u8>);

impl StateKey {
    /// The empty one.
    const SHORTEST: usize = 4;
}

impl Encode for StateKey {
    fn encode(&self, out: &mut Vec<u8>) {
        put_bytes(out, &self.0);
    }
}

impl Decode for StateKey {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        reader.bytes("state key", MAX_KEY).map(|key| Self(key.to_vec()))
    }
}

/// What is under a key of the state.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The value, if there is one.
    pub value: Option<Vec<u8>>,
    /// Proof of presence or absence.
    pub proof: StateProof,
}

impl Entry {
    /// No value, and a proof without anything in it.
    const SHORTEST: usize = 1 + 4;
}

impl Encode for Entry {
    fn encode(&self, out: &mut Vec<u8>) {
        put_option(out, self.value.as_ref(), |out, value| put_bytes(out, value));
        put_bytes(out, &self.proof.to_bytes());
    }
}

impl Decode for Entry {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            value: reader
                .option("state value", |reader| reader.bytes("state value", MAX_VALUE).map(<[u8]>::to_vec))?,
            proof: StateProof::from_bytes(reader.bytes("state proof", StateProof::MAX_LENGTH)?)?,
        })
    }
}

/// What a peer answers. Untrusted.
#[derive(Clone, Debug, PartialEq)]
pub enum Response {
    /// The peer does not have it.
    Unknown,
    /// To [`Request::Tip`] and [`Request::Block`].
    Block(Box<LightBlock>),
    /// To [`Request::State`]: under the state root of the block at this height.
    State {
        /// Whose state root the proofs lead to.
        height: Height,
        /// What is under each key, in their order.
        entries: Vec<Entry>,
    },
    /// To [`Request::History`].
    History(Vec<Hash>),
    /// To [`Request::Votes`]: each vote and proposal says its own height.
    Votes {
        /// The height that the peer votes on, as it says.
        height: Height,
        /// Votes, at most [`MAX_VOTES`]; late precommits of the heights before among them.
        votes: Vec<SignedVote>,
        /// Proposals without their blocks, at most [`MAX_PROPOSALS`].
        proposals: Vec<SignedProposal>,
    },
    /// To [`Request::Submit`].
    Submitted(Submission),
    /// To [`Request::Txo`]: `None` while it waits for a block.
    Txo(Option<Box<Included>>),
    /// To [`Request::Evidence`].
    Evidence(Vec<Offence>),
    /// To [`Request::Ballots`]: each operator's last one, at most [`MAX_VALIDATORS`].
    Ballots(Vec<Placed>),
}

impl Encode for Request {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Tip => out.push(1),
            Self::Block(height) => {
                out.push(2);
                height.encode(out);
            }
            Self::State(keys) => {
                out.push(3);
                put_list(out, keys);
            }
            Self::History { height, size } => {
                out.push(4);
                height.encode(out);
                size.encode(out);
            }
            Self::Votes => out.push(5),
            Self::Submit(txo) => {
                out.push(6);
                put_bytes(out, txo);
            }
            Self::Txo(id) => {
                out.push(7);
                id.encode(out);
            }
            Self::Evidence(height) => {
                out.push(8);
                height.encode(out);
            }
            Self::Ballots(id) => {
                out.push(9);
                id.encode(out);
            }
        }
    }
}

impl Decode for Request {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match reader.u8()? {
            1 => Ok(Self::Tip),
            2 => Height::decode(reader).map(Self::Block),
            3 => reader.list("state keys", MAX_KEYS, StateKey::SHORTEST).map(Self::State),
            4 => Ok(Self::History { height: Height::decode(reader)?, size: Height::decode(reader)? }),
            5 => Ok(Self::Votes),
            6 => reader.bytes("transaction", MAX_SUBMITTED).map(|txo| Self::Submit(txo.to_vec())),
            7 => Hash::decode(reader).map(Self::Txo),
            8 => Height::decode(reader).map(Self::Evidence),
            9 => MotionId::decode(reader).map(Self::Ballots),
            _ => Err(Malformed::Field("request kind")),
        }
    }
}

impl Encode for Response {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Unknown => out.push(0),
            Self::Block(block) => {
                out.push(1);
                block.encode(out);
            }
            Self::State { height, entries } => {
                out.push(2);
                height.encode(out);
                put_list(out, entries);
            }
            Self::History(path) => {
                out.push(3);
                put_list(out, path);
            }
            Self::Votes { height, votes, proposals } => {
                out.push(4);
                height.encode(out);
                put_list(out, votes);
                put_list(out, proposals);
            }
            Self::Submitted(submission) => {
                out.push(5);
                submission.encode(out);
            }
            Self::Txo(included) => {
                out.push(6);
                put_option(out, included.as_ref(), |out, included| included.encode(out));
            }
            Self::Evidence(offences) => {
                out.push(7);
                put_list(out, offences);
            }
            Self::Ballots(ballots) => {
                out.push(8);
                put_list(out, ballots);
            }
        }
    }
}

impl Encode for Submission {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Accepted => out.push(0),
            Self::Refused(why) => {
                out.push(1);
                why.encode(out);
            }
            Self::Busy => out.push(2),
        }
    }
}

impl Decode for Submission {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match reader.u8()? {
            0 => Ok(Self::Accepted),
            1 => Refusal::decode(reader).map(Self::Refused),
            2 => Ok(Self::Busy),
            _ => Err(Malformed::Field("submission")),
        }
    }
}

impl Encode for Included {
    fn encode(&self, out: &mut Vec<u8>) {
        self.height.encode(out);
        out.extend_from_slice(&self.index.to_le_bytes());
        out.extend_from_slice(&self.count.to_le_bytes());
        put_bytes(out, &self.txo.to_bytes());
        put_list(out, &self.audit_path);
    }
}

impl Decode for Included {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            height: Height::decode(reader)?,
            index: reader.u64()?,
            count: reader.u64()?,
            txo: Txo::from_bytes(reader.bytes("transaction", Txo::MAX_LENGTH)?)?,
            audit_path: reader.list("audit path", 64, 32)?,
        })
    }
}

impl Decode for Response {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match reader.u8()? {
            0 => Ok(Self::Unknown),
            1 => LightBlock::decode(reader).map(|block| Self::Block(Box::new(block))),
            2 => Ok(Self::State {
                height: Height::decode(reader)?,
                entries: reader.list("entries", MAX_KEYS, Entry::SHORTEST)?,
            }),
            3 => reader.list("audit path", 64, 32).map(Self::History),
            4 => Ok(Self::Votes {
                height: Height::decode(reader)?,
                votes: reader.list("votes", MAX_VOTES, SHORTEST_VOTE)?,
                proposals: reader.list("proposals", MAX_PROPOSALS, PROPOSAL)?,
            }),
            5 => Submission::decode(reader).map(Self::Submitted),
            6 => reader.option("transaction", Included::decode).map(|found| Self::Txo(found.map(Box::new))),
            7 => reader.list("evidence", Body::MAX_EVIDENCE, Offence::SHORTEST).map(Self::Evidence),
            8 => reader.list("ballots", MAX_VALIDATORS, Placed::SHORTEST).map(Self::Ballots),
            _ => Err(Malformed::Field("response kind")),
        }
    }
}

/// Carries any pair of canonical types over libp2p: one frame each way, its length checked before
/// anything is read, the stream closed behind it.
pub struct WireCodec<Req, Res> {
    max_request: usize,
    max_response: usize,
    types: PhantomData<fn() -> (Req, Res)>,
}

impl<Req, Res> WireCodec<Req, Res> {
    /// A codec with these bounds, in bytes.
    #[must_use]
    pub const fn new(max_request: usize, max_response: usize) -> Self {
        Self { max_request, max_response, types: PhantomData }
    }
}

impl<Req, Res> Clone for WireCodec<Req, Res> {
    fn clone(&self) -> Self {
        Self::new(self.max_request, self.max_response)
    }
}

impl<Req, Res> request_response::Codec for WireCodec<Req, Res>
where
    Req: Encode + Decode + Send + Sync,
    Res: Encode + Decode + Send + Sync,
{
    type Protocol = StreamProtocol;
    type Request = Req;
    type Response = Res;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Req>
    where
        T: AsyncRead + Unpin + Send,
    {
        read_frame(io, self.max_request).await
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Res>
    where
        T: AsyncRead + Unpin + Send,
    {
        read_frame(io, self.max_response).await
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, io: &mut T, request: Req) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write_frame(io, &request).await
    }

    async fn write_response<T>(&mut self, _: &StreamProtocol, io: &mut T, response: Res) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write_frame(io, &response).await
    }
}

/// Reads a frame in steps, so that a lying length costs nothing.
async fn read_frame<V: Decode>(io: &mut (impl AsyncRead + Unpin + Send), most: usize) -> io::Result<V> {
    let mut length = [0; 4];
    io.read_exact(&mut length).await?;
    let (length, mut bytes) = (frame::length(length, most)?, Vec::new());
    io.take(u64::from(length)).read_to_end(&mut bytes).await?;
    frame::value(&bytes, length)
}

async fn write_frame(io: &mut (impl AsyncWrite + Unpin + Send), value: &impl Encode) -> io::Result<()> {
    io.write_all(&frame::of(value)?).await?;
    io.close().await
}
