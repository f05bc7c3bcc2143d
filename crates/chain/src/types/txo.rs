//! Transaction objects: what people and programs put on the chain, in deterministic CBOR (RFC 8949
//! section 4.2).
//!
//! A body is a map of small integer keys in ascending order, shortest forms only, definite lengths
//! only. Decoding reads the value and encodes it again: other bytes than those are refused, so a
//! transaction has one byte string, one id, and no room to hide anything.

use core::fmt;

use minicbor::{Decoder, Encoder, data::Type, decode, encode};
use qratum_crypto::{
    domain, hash,
    sign::{
        BadSignature,
        ed25519::{self, PublicKey, SecretKey, Signature},
    },
};

use super::{AccountId, ChainId, Factors};
use crate::{
    Hash,
    codec::{
        Malformed,
        cbor::{array, bytes_of, expect, key, known, whole},
    },
};

/// What a transaction is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TxoClass {
    /// Genomic data.
    Genomic = 0,
    /// The network itself.
    Network = 1,
    /// Compliance records.
    Compliance = 2,
    /// Administration.
    Admin = 3,
}

impl TxoClass {
    const fn of(number: u64) -> Option<Self> {
        match number {
            0 => Some(Self::Genomic),
            1 => Some(Self::Network),
            2 => Some(Self::Compliance),
            3 => Some(Self::Admin),
            _ => None,
        }
    }
}

/// Who a transaction is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sender {
    /// Whoever holds this key: it signs the transaction.
    Key(PublicKey),
    /// A person, by an account: they seal it with two factors.
    Account(AccountId),
}

impl From<PublicKey> for Sender {
    fn from(key: PublicKey) -> Self {
        Self::Key(key)
    }
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => key.fmt(f),
            Self::Account(account) => account.fmt(f),
        }
    }
}

/// What shows that a transaction is from its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seal {
    /// Of [`Sender::Key`]: over tag and body.
    Key(Signature),
    /// Of [`Sender::Account`]: over [`TxoBody::challenge`].
    Factors(Box<Factors>),
}

/// What the sender of a transaction says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxoBody {
    /// Which chain it is for.
    pub chain_id: ChainId,
    /// Who says it.
    pub sender: Sender,
    /// The sender's count of transactions: each is used once.
    pub nonce: u64,
    /// What it is about.
    pub class: TxoClass,
    /// Its content, at most [`Txo::MAX_PAYLOAD`] bytes.
    pub payload: Vec<u8>,
}

impl TxoBody {
    /// `txo_id = SHA3-256(tag || body)`: the signature is no part of it, and signs it.
    #[must_use]
    pub fn id(&self) -> Hash {
        hash::tagged(domain::TXO, &[&bytes_of(self)])
    }

    /// The canonical encoding: what a person reads before it is signed.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        bytes_of(self)
    }

    /// Reads a body from exactly its canonical encoding.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > Txo::MAX_LENGTH {
            return Err(Malformed::TooLarge("body of a transaction"));
        }
        whole(bytes, ["body of a transaction", "canonical body of a transaction"], Self::read)
    }

    /// Signs the tagged body.
    #[must_use]
    pub fn sign(self, secret: &SecretKey) -> Txo {
        let seal = Seal::Key(secret.sign(&self.sign_bytes()));
        Txo { body: self, seal }
    }

    /// What a security key is asked to sign: `SHA3-256(tag || body)`. The body names the chain, the
    /// account and its nonce, so an assertion is for one act of one person on one chain.
    #[must_use]
    pub fn challenge(&self) -> Hash {
        hash::tagged(domain::CHALLENGE, &[&bytes_of(self)])
    }

    fn sign_bytes(&self) -> Vec<u8> {
        [domain::TXO.bytes(), &bytes_of(self)].concat()
    }
}

/// A signed transaction object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Txo {
    /// What is said.
    pub body: TxoBody,
    /// That the sender says so.
    pub seal: Seal,
}

impl Txo {
    /// The only version there is.
    const VERSION: u64 = 1;
    /// The longest payload in bytes.
    pub const MAX_PAYLOAD: usize = 64 << 10;
    /// The longest encoding in bytes: what stands around a payload is at most the seal of a person, with
    /// an ML-DSA-65 key and its signature.
    pub const MAX_LENGTH: usize = Self::MAX_PAYLOAD + (6 << 10);

    /// The canonical encoding.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        bytes_of(self)
    }

    /// Reads a transaction from exactly its canonical encoding.
    ///
    /// # Errors
    /// [`Malformed`]; every other encoding of the same content is [`Malformed::Field`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > Self::MAX_LENGTH {
            return Err(Malformed::TooLarge("transaction"));
        }
        whole(bytes, ["transaction", "canonical transaction"], Self::read)
    }

    /// The key that is the sender signed this body, under the strict rule.
    ///
    /// # Errors
    /// [`BadSignature`], also for what a person sealed: the keys of a person are known to the chain
    /// only.
    pub fn signature_holds(&self) -> Result<(), BadSignature> {
        match (&self.body.sender, &self.seal) {
            (Sender::Key(key), Seal::Key(signature)) => {
                ed25519::verify_strict(key, &self.body.sign_bytes(), signature)
            }
            _ => Err(BadSignature),
        }
    }

    fn read(decoder: &mut Decoder<'_>) -> Result<Self, decode::Error> {
        expect(decoder.array()? == Some(2), "a pair")?;
        let body = TxoBody::read(decoder)?;
        let seal = match body.sender {
            Sender::Key(_) => Seal::Key(Signature(array(decoder)?)),
            Sender::Account(_) => Seal::Factors(Box::new(Factors::read(decoder)?)),
        };
        Ok(Self { body, seal })
    }
}

impl TxoBody {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self, decode::Error> {
        expect(decoder.map()? == Some(6), "six fields")?;
        key(decoder, 0)?;
        expect(decoder.u64()? == Txo::VERSION, "version 1")?;
        key(decoder, 1)?;
        let chain_id = ChainId(Hash(array(decoder)?));
        key(decoder, 2)?;
        let sender = match decoder.datatype()? {
            Type::String => Sender::Account(known(AccountId::new(decoder.str()?), "account")?),
            _ => Sender::Key(PublicKey(array(decoder)?)),
        };
        key(decoder, 3)?;
        let nonce = decoder.u64()?;
        key(decoder, 4)?;
        let class = known(TxoClass::of(decoder.u64()?), "class")?;
        key(decoder, 5)?;
        let payload = decoder.bytes()?.to_vec();
        expect(payload.len() <= Txo::MAX_PAYLOAD, "payload length")?;
        Ok(Self { chain_id, sender, nonce, class, payload })
    }
}

impl encode::Encode<()> for TxoBody {
    fn encode<W: encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut (),
    ) -> Result<(), encode::Error<W::Error>> {
        e.map(6)?.u64(0)?.u64(Txo::VERSION)?;
        e.u64(1)?.bytes(&self.chain_id.0.0)?;
        e.u64(2)?;
        match &self.sender {
            Sender::Key(key) => e.bytes(&key.0)?,
            Sender::Account(account) => e.str(account.as_str())?,
        };
        e.u64(3)?.u64(self.nonce)?;
        e.u64(4)?.u64(self.class as u64)?;
        e.u64(5)?.bytes(&self.payload)?;
        Ok(())
    }
}

impl encode::Encode<()> for Txo {
    fn encode<W: encode::Write>(
        &self,
        e: &mut Encoder<W>,
        ctx: &mut (),
    ) -> Result<(), encode::Error<W::Error>> {
        e.array(2)?;
        self.body.encode(e, ctx)?;
        match &self.seal {
            Seal::Key(signature) => drop(e.bytes(&signature.0)?),
            Seal::Factors(factors) => factors.encode(e, ctx)?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{AuthData, BiokeySignatures, BlockId, BlockRef, CredentialId, Height};

    fn txo() -> Txo {
        let secret = SecretKey::from_seed(&[5; 32]);
        TxoBody {
            chain_id: ChainId::ZERO,
            sender: secret.public().into(),
            nonce: 3,
            class: TxoClass::Admin,
            payload: b"note".to_vec(),
        }
        .sign(&secret)
    }

    /// The positions of the body's parts, for mutations: array(2) map(6) then key, value, ...
    fn refused(mutate: impl FnOnce(&mut Vec<u8>)) -> Malformed {
        let mut bytes = txo().to_bytes();
        mutate(&mut bytes);
        Txo::from_bytes(&bytes).unwrap_err()
    }

    #[test]
    fn noncanonical_cbor_rejected() {
        let bytes = txo().to_bytes();
        assert_eq!(Txo::from_bytes(&bytes), Ok(txo()));
        assert_eq!((bytes[0], bytes[1], bytes[2], bytes[3]), (0x82, 0xa6, 0, 1));
        let field = Malformed::Field("transaction");
        // A number in a longer form than it needs.
        assert_eq!(refused(|b| drop(b.splice(3..4, [0x18, 1]))), Malformed::Field("canonical transaction"));
        // A length in a longer form.
        assert_eq!(refused(|b| drop(b.splice(1..2, [0xb8, 6]))), Malformed::Field("canonical transaction"));
        // An indefinite-length map.
        assert_eq!(refused(|b| b[1] = 0xbf), field);
        // Keys out of order: 1 before 0.
        assert_eq!(refused(|b| b[2] = 1), field);
        // Another version, and a field too many.
        assert_eq!(refused(|b| b[3] = 2), field);
        assert_eq!(refused(|b| b[1] = 0xa7), field);
        assert_eq!(refused(|b| b.push(0)), Malformed::Trailing);
        assert_eq!(refused(|b| b.truncate(40)), field);
        assert_eq!(refused(|b| *b = br#"{"version":1}"#.to_vec()), field);
        assert_eq!(refused(|b| b.resize(Txo::MAX_LENGTH + 1, 0)), Malformed::TooLarge("transaction"));
    }

    #[test]
    fn the_signature_covers_the_body_and_the_id_does_not_cover_the_signature() {
        let good = txo();
        assert_eq!(good.signature_holds(), Ok(()));
        let mut other = good.clone();
        other.body.nonce += 1;
        assert_eq!(other.signature_holds(), Err(BadSignature));
        assert_ne!(other.body.id(), good.body.id());
        let mut resigned = good.clone();
        resigned.seal = Seal::Key(Signature([1; 64]));
        assert_eq!(resigned.body.id(), good.body.id());
    }

    /// What a person sealed, and what nobody did: the seal is of the kind of the sender.
    #[test]
    fn a_person_seals_with_factors_and_a_key_with_a_signature() {
        let block = BlockRef { height: Height(7), block_id: BlockId(Hash([3; 32])) };
        let factors = Factors {
            credential: CredentialId::of(b"key"),
            auth_data: AuthData([1; 37]),
            signature: [2; 64],
            opened_at: block,
            biokey: BiokeySignatures::missing(),
        };
        let (signed, account) = (txo(), AccountId::new("carol").unwrap());
        let body = TxoBody { sender: Sender::Account(account), ..signed.body.clone() };
        let sealed = Txo { body, seal: Seal::Factors(Box::new(factors)) };
        assert_eq!(Txo::from_bytes(&sealed.to_bytes()), Ok(sealed.clone()));
        assert_eq!(sealed.signature_holds(), Err(BadSignature));
        let longest = TxoBody { nonce: u64::MAX, payload: vec![7; Txo::MAX_PAYLOAD], ..sealed.body.clone() };
        let longest = Txo { body: longest, ..sealed.clone() };
        assert_eq!(Txo::from_bytes(&longest.to_bytes()), Ok(longest));
        let crossed = [
            Txo { seal: signed.seal.clone(), ..sealed.clone() },
            Txo { seal: sealed.seal.clone(), ..signed },
        ];
        for txo in crossed {
            assert_eq!(Txo::from_bytes(&txo.to_bytes()), Err(Malformed::Field("transaction")));
            assert_eq!(txo.signature_holds(), Err(BadSignature));
        }
        let capital =
            sealed.to_bytes().iter().map(|b| if *b == b'c' { b'C' } else { *b }).collect::<Vec<_>>();
        assert_eq!(Txo::from_bytes(&capital), Err(Malformed::Field("transaction")));
        assert_ne!(sealed.body.challenge(), sealed.body.id());
    }
}
