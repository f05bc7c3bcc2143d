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
    state::StateProof,
    types::{Height, LightBlock, MAX_VALIDATORS, SignedProposal, SignedVote},
};

/// Name of the light-client protocol.
pub const PROTOCOL: StreamProtocol = StreamProtocol::new("/qratum/light/1");
/// The longest request frame.
pub const MAX_REQUEST: usize = 1024;
/// The longest answer frame: a block of 1024 members with both signatures from each, and two sets.
pub const MAX_RESPONSE: usize = 8 << 20;
/// The longest state key that can be asked for.
const MAX_KEY: usize = 512;
/// The longest state value that can be answered.
const MAX_VALUE: usize = 64 << 10;
/// The most votes in one answer: for each member eight of the height that is voted on and eight of
/// the height before.
pub const MAX_VOTES: usize = 16 * MAX_VALIDATORS;
/// The most proposals in one answer.
pub const MAX_PROPOSALS: usize = 64;
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
    /// The value under this state key, in the newest state.
    State(Vec<u8>),
    /// The audit path of the header at `height` in the history of the first `size` headers.
    History {
        /// Height of the header that is to be proven.
        height: Height,
        /// Height of the head it is to be proven under.
        size: Height,
    },
    /// The signed votes and proposals of the height that is voted on and of the one before.
    Votes,
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
        /// Whose state root the proof leads to.
        height: Height,
        /// The value, if there is one.
        value: Option<Vec<u8>>,
        /// Proof of presence or absence.
        proof: StateProof,
    },
    /// To [`Request::History`].
    History(Vec<Hash>),
    /// To [`Request::Votes`]: each vote and proposal says its own height.
    Votes {
        /// The height that the peer votes on, as it says.
        height: Height,
        /// Votes, at most [`MAX_VOTES`]; late precommits of the height before among them.
        votes: Vec<SignedVote>,
        /// Proposals without their blocks, at most [`MAX_PROPOSALS`].
        proposals: Vec<SignedProposal>,
    },
}

impl Encode for Request {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Tip => out.push(1),
            Self::Block(height) => {
                out.push(2);
                height.encode(out);
            }
            Self::State(key) => {
                out.push(3);
                put_bytes(out, key);
            }
            Self::History { height, size } => {
                out.push(4);
                height.encode(out);
                size.encode(out);
            }
            Self::Votes => out.push(5),
        }
    }
}

impl Decode for Request {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match reader.u8()? {
            1 => Ok(Self::Tip),
            2 => Height::decode(reader).map(Self::Block),
            3 => reader.bytes("state key", MAX_KEY).map(|key| Self::State(key.to_vec())),
            4 => Ok(Self::History { height: Height::decode(reader)?, size: Height::decode(reader)? }),
            5 => Ok(Self::Votes),
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
            Self::State { height, value, proof } => {
                out.push(2);
                height.encode(out);
                put_option(out, value.as_ref(), |out, value| put_bytes(out, value));
                put_bytes(out, &proof.to_bytes());
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
        }
    }
}

impl Decode for Response {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match reader.u8()? {
            0 => Ok(Self::Unknown),
            1 => LightBlock::decode(reader).map(|block| Self::Block(Box::new(block))),
            2 => Ok(Self::State {
                height: Height::decode(reader)?,
                value: reader.option("state value", |reader| {
                    reader.bytes("state value", MAX_VALUE).map(<[u8]>::to_vec)
                })?,
                proof: StateProof::from_bytes(reader.bytes("state proof", StateProof::MAX_LENGTH)?)?,
            }),
            3 => reader.list("audit path", 64, 32).map(Self::History),
            4 => Ok(Self::Votes {
                height: Height::decode(reader)?,
                votes: reader.list("votes", MAX_VOTES, SHORTEST_VOTE)?,
                proposals: reader.list("proposals", MAX_PROPOSALS, PROPOSAL)?,
            }),
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

/// Reads a u32 length and that many bytes, in steps, so that a lying length costs nothing. A frame
/// that ends early is told from one that is wrong: whoever is stopped in the middle of it is no liar.
async fn read_frame<V: Decode>(io: &mut (impl AsyncRead + Unpin + Send), most: usize) -> io::Result<V> {
    let mut length = [0; 4];
    io.read_exact(&mut length).await?;
    let length = u32::from_le_bytes(length);
    if length as usize > most {
        return Err(invalid(&Malformed::TooLarge("frame")));
    }
    let mut frame = Vec::new();
    io.take(u64::from(length)).read_to_end(&mut frame).await?;
    if frame.len() != length as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    V::from_bytes(&frame).map_err(|why| invalid(&why))
}

async fn write_frame(io: &mut (impl AsyncWrite + Unpin + Send), value: &impl Encode) -> io::Result<()> {
    let bytes = value.to_bytes();
    let length = u32::try_from(bytes.len()).map_err(|_| invalid(&Malformed::TooLarge("frame")))?;
    io.write_all(&length.to_le_bytes()).await?;
    io.write_all(&bytes).await?;
    io.close().await
}

fn invalid(why: &Malformed) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.to_string())
}
