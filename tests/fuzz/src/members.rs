//! A list of validators as a value of its own, with the one encoding it has inside of blocks.

use qratum_chain::{
    codec::{Decode, Encode, Malformed, Reader, put_list},
    types::{MAX_VALIDATORS, Validator},
};

/// The members of a set, not yet checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Members(pub(crate) Vec<Validator>);

impl Encode for Members {
    fn encode(&self, out: &mut Vec<u8>) {
        put_list(out, &self.0);
    }
}

impl Decode for Members {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        reader.list("validators", MAX_VALIDATORS, Validator::LENGTH).map(Self)
    }
}
