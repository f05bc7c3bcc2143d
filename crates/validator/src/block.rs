//! What is agreed on: a header together with the certificate of its parent, and what the header's
//! roots stand for.

use qratum_chain::{
    codec::{Decode, Encode, Malformed, Reader, put_option},
    ledger::Body,
    types::{BlockId, Certificate, Header, Height},
};

/// A block as it is proposed. Untrusted until the ledger has checked it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The header; its id is what votes name.
    pub header: Header,
    /// The certificate whose hash is `header.last_certificate`; none below height 2.
    pub last_certificate: Option<Certificate>,
    /// Transactions and evidence.
    pub body: Body,
}

impl Block {
    /// The id of the header.
    #[must_use]
    pub fn id(&self) -> BlockId {
        self.header.id()
    }
}

impl Encode for Block {
    fn encode(&self, out: &mut Vec<u8>) {
        self.header.encode(out);
        put_option(out, self.last_certificate.as_ref(), |out, certificate| certificate.encode(out));
        self.body.encode(out);
    }
}

impl Decode for Block {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            header: Header::decode(reader)?,
            last_certificate: reader.option("last certificate", Certificate::decode)?,
            body: Body::decode(reader)?,
        })
    }
}

/// A block with the precommits that made it final. From a peer it is as untrusted as any block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// The block.
    pub block: Block,
    /// More than two thirds of the power of its set.
    pub certificate: Certificate,
}

impl Decided {
    /// The shortest encoding: a header, no parent certificate, an empty body, an empty certificate.
    pub const SHORTEST: usize = Header::LENGTH + 1 + 8 + 1;

    /// Height of the block.
    #[must_use]
    pub const fn height(&self) -> Height {
        self.block.header.height
    }
}

impl Encode for Decided {
    fn encode(&self, out: &mut Vec<u8>) {
        self.block.encode(out);
        self.certificate.encode(out);
    }
}

impl Decode for Decided {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self { block: Block::decode(reader)?, certificate: Certificate::decode(reader)? })
    }
}
