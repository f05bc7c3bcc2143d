//! What a pinned peer sends and nobody can read is not lost: the operator hears who sent it.

use std::io;

use futures::{AsyncRead, AsyncWrite};
use libp2p::{StreamProtocol, request_response::Codec};
use qratum_light_node::wire::WireCodec;

use crate::message::{MAX_REPLY, MAX_REQUEST, Reply, Request};

/// What came where a request should.
#[derive(Clone, Debug)]
pub(super) enum Sent {
    /// One.
    Whole(Request),
    /// None, and why: too long, or not in the codec of the chain.
    Unreadable(String),
}

/// The codec of the consensus protocol.
#[derive(Clone)]
pub(super) struct SentCodec(WireCodec<Request, Reply>);

impl Default for SentCodec {
    fn default() -> Self {
        Self(WireCodec::new(MAX_REQUEST, MAX_REPLY))
    }
}

impl Codec for SentCodec {
    type Protocol = StreamProtocol;
    type Request = Sent;
    type Response = Reply;

    async fn read_request<T>(&mut self, protocol: &StreamProtocol, io: &mut T) -> io::Result<Sent>
    where
        T: AsyncRead + Unpin + Send,
    {
        match self.0.read_request(protocol, io).await {
            Ok(request) => Ok(Sent::Whole(request)),
            Err(why) if why.kind() == io::ErrorKind::InvalidData => Ok(Sent::Unreadable(why.to_string())),
            Err(why) => Err(why),
        }
    }

    async fn read_response<T>(&mut self, protocol: &StreamProtocol, io: &mut T) -> io::Result<Reply>
    where
        T: AsyncRead + Unpin + Send,
    {
        self.0.read_response(protocol, io).await
    }

    async fn write_request<T>(&mut self, protocol: &StreamProtocol, io: &mut T, sent: Sent) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        match sent {
            Sent::Whole(request) => self.0.write_request(protocol, io, request).await,
            Sent::Unreadable(why) => Err(io::Error::new(io::ErrorKind::InvalidData, why)),
        }
    }

    async fn write_response<T>(
        &mut self,
        protocol: &StreamProtocol,
        io: &mut T,
        reply: Reply,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        self.0.write_response(protocol, io, reply).await
    }
}
