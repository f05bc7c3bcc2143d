//! What a light node asks a peer for: a header with everything needed to judge it.

use super::{Certificate, Header, MAX_VALIDATORS, Validator};
use crate::codec::{Decode, Encode, Malformed, Reader, put_list, put_option};

/// A header, its certificate and the sets they speak of. Untrusted, always.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LightBlock {
    /// The header.
    pub header: Header,
    /// What is said to make it final.
    pub certificate: Certificate,
    /// The set under `header.validators_hash`.
    pub validators: Vec<Validator>,
    /// The set under `header.next_validators_hash`, where a peer sends it: at the end of a set
    /// whose successor differs.
    pub next_validators: Option<Vec<Validator>>,
}

impl Encode for LightBlock {
    fn encode(&self, out: &mut Vec<u8>) {
        self.header.encode(out);
        self.certificate.encode(out);
        put_list(out, &self.validators);
        put_option(out, self.next_validators.as_ref(), |out, set| put_list(out, set));
    }
}

impl Decode for LightBlock {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let set = |reader: &mut Reader<'_>| reader.list("validators", MAX_VALIDATORS, Validator::LENGTH);
        Ok(Self {
            header: Header::decode(reader)?,
            certificate: Certificate::decode(reader)?,
            validators: set(reader)?,
            next_validators: reader.option("next validators", set)?,
        })
    }
}
