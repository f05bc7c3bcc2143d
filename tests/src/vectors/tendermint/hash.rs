//! What Tendermint hashes and signs, so that a trace's faults are found by its own rules.
//!
//! Hashes are RFC 6962 roots with SHA-256 over protobuf leaves; a vote signs a length-delimited
//! `CanonicalVote`. Source: the Tendermint core specification, "Data structures" and "Encoding".

use qratum_crypto::{
    hash::sha2_256,
    merkle::{self, Sha2},
    sign::ed25519::{PublicKey, Signature, verify_strict},
};

use super::read::{Commit, Header, Member, Moment, Vote};

/// Protobuf fields, written in order. Default values are left out, as proto3 does.
#[derive(Default)]
struct Proto(Vec<u8>);

impl Proto {
    fn key(&mut self, field: u8, wire: u8) {
        self.0.push(field << 3 | wire);
    }

    fn raw_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.0.push(value.to_le_bytes()[0]);
    }

    fn varint(mut self, field: u8, value: u64) -> Self {
        if value != 0 {
            self.key(field, 0);
            self.raw_varint(value);
        }
        self
    }

    fn fixed(mut self, field: u8, value: u64) -> Self {
        if value != 0 {
            self.key(field, 1);
            self.0.extend_from_slice(&value.to_le_bytes());
        }
        self
    }

    fn bytes(self, field: u8, value: &[u8]) -> Self {
        if value.is_empty() { self } else { self.message(field, value) }
    }

    /// A field that is written even when it is empty.
    fn message(mut self, field: u8, value: &[u8]) -> Self {
        self.key(field, 2);
        self.raw_varint(value.len() as u64);
        self.0.extend_from_slice(value);
        self
    }
}

fn timestamp(time: Moment) -> Vec<u8> {
    Proto::default().varint(1, time.seconds.cast_unsigned()).varint(2, u64::from(time.nanos)).0
}

/// The root over the members, in order.
pub(super) fn set(members: &[Member]) -> Vec<u8> {
    let leaf = |member: &Member| {
        let key = Proto::default().bytes(1, &member.key);
        Proto::default().message(1, &key.0).varint(2, member.power).0
    };
    merkle::root::<Sha2, _>(members.iter().map(leaf)).0.to_vec()
}

/// The first 20 bytes of the key's SHA-256.
pub(super) fn address(key: &[u8; 32]) -> Vec<u8> {
    sha2_256(key).0.iter().take(20).copied().collect()
}

/// The hash of a header without a `last_block_id`.
pub(super) fn header(header: &Header) -> Vec<u8> {
    let wrapped = |value: &[u8]| Proto::default().bytes(1, value).0;
    let [last_commit, data, consensus, app, last_results, evidence] = &header.others;
    let no_parts = Proto::default().message(2, &[]).0;
    let leaves = [
        Proto::default().varint(1, header.version.0).varint(2, header.version.1).0,
        wrapped(header.chain_id.as_bytes()),
        Proto::default().varint(1, header.height).0,
        timestamp(header.time),
        no_parts,
        wrapped(last_commit),
        wrapped(data),
        wrapped(&header.validators_hash),
        wrapped(&header.next_validators_hash),
        wrapped(consensus),
        wrapped(app),
        wrapped(last_results),
        wrapped(evidence),
        wrapped(&header.proposer),
    ];
    merkle::root::<Sha2, _>(leaves).0.to_vec()
}

/// Whether a vote's signature holds for the commit's block, under `key`.
pub(super) fn vote_holds(key: &[u8; 32], chain_id: &str, commit: &Commit, vote: &Vote) -> bool {
    let parts = Proto::default().varint(1, commit.parts.0).bytes(2, &commit.parts.1);
    let block = Proto::default().bytes(1, &commit.block).message(2, &parts.0);
    let canonical = Proto::default()
        .varint(1, 2)
        .fixed(2, commit.height)
        .fixed(3, u64::from(commit.round))
        .message(4, &block.0)
        .message(5, &timestamp(vote.time))
        .bytes(6, chain_id.as_bytes());
    let mut message = Proto::default();
    message.raw_varint(canonical.0.len() as u64);
    message.0.extend(canonical.0);
    let Ok(signature) = vote.signature.as_slice().try_into() else { return false };
    verify_strict(&PublicKey(*key), &message.0, &Signature(signature)).is_ok()
}
