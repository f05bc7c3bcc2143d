//! Names for numbers and hashes, so that none can stand where another belongs.

use core::fmt;

use qratum_crypto::{
    domain,
    hash::{self, Hash},
};

use crate::codec::{Decode, Encode, Malformed, Reader};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty), $read:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl Encode for $name {
            fn encode(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.0.to_le_bytes());
            }
        }

        impl Decode for $name {
            fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
                reader.$read().map(Self)
            }
        }
    };
}

number!(
    /// How many blocks stand below this one; genesis is 0.
    Height(u64), u64
);
number!(
    /// An attempt to agree on one height; the first is 0.
    Round(u32), u32
);
number!(
    /// Which validator set, counted from genesis.
    SetId(u64), u64
);
number!(
    /// Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
    Time(u64), u64
);

impl Height {
    /// The height above. Saturates: no chain reaches 2^64 blocks.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl Time {
    /// This time and `millis` more. Saturates at the end of time.
    #[must_use]
    pub const fn plus(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

macro_rules! identity {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Hash);

        impl $name {
            /// All zero: "none", where a format says so.
            pub const ZERO: Self = Self(Hash::ZERO);
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl Encode for $name {
            fn encode(&self, out: &mut Vec<u8>) {
                self.0.encode(out);
            }
        }

        impl Decode for $name {
            fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
                Hash::decode(reader).map(Self)
            }
        }
    };
}

identity!(
    /// `SHA3-256(tag || header bytes)`.
    BlockId
);
identity!(
    /// The block id of the genesis header: names a chain.
    ChainId
);

identity!(
    /// Who a person is, whatever accounts they have: attested where an account is enrolled.
    PersonId
);
identity!(
    /// `SHA3-256(tag || id)` of the id that a security key gave a credential.
    CredentialId
);
identity!(
    /// The id of the transaction that opened a request.
    RequestId
);
identity!(
    /// The id of the transaction that opened a proposal which operators vote on.
    MotionId
);

impl CredentialId {
    /// The hash of an id as the security key says it, at most 255 bytes.
    #[must_use]
    pub fn of(id: &[u8]) -> Self {
        Self(hash::tagged(domain::CREDENTIAL, &[id]))
    }
}

/// A block, by its place and its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockRef {
    /// Its height.
    pub height: Height,
    /// Its id.
    pub block_id: BlockId,
}

impl Encode for BlockRef {
    fn encode(&self, out: &mut Vec<u8>) {
        self.height.encode(out);
        self.block_id.encode(out);
    }
}

impl Decode for BlockRef {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self { height: Height::decode(reader)?, block_id: BlockId::decode(reader)? })
    }
}

impl Encode for Hash {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }
}

impl Decode for Hash {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        reader.array().map(Self)
    }
}
