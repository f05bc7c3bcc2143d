//! Every domain-separation tag of the product, in one table.
//!
//! A tag is `name || 0x00`, so no tag is a prefix of another and no tagged string of one purpose
//! can be read as one of another. What is signed or hashed here always starts with a tag.

/// A domain-separation tag: its printable name followed by one zero byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag(&'static str);

impl Tag {
    /// The bytes that stand in front of what is hashed or signed, zero byte included.
    #[must_use]
    pub const fn bytes(self) -> &'static [u8] {
        self.0.as_bytes()
    }

    /// The name without the zero byte: for contexts that take a string (BLAKE3, ML-DSA) and for
    /// people.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.trim_end_matches('\0')
    }
}

/// Hash of a block header: the block id.
pub const HEADER: Tag = Tag("QRATUM/chain/header/v1\0");
/// A vote, as a validator or its HSM signs it.
pub const VOTE: Tag = Tag("QRATUM/chain/vote/v1\0");
/// A proposal, as a validator signs it.
pub const PROPOSAL: Tag = Tag("QRATUM/chain/proposal/v1\0");
/// Seed of the proposer choice.
pub const PROPOSER: Tag = Tag("QRATUM/chain/proposer/v1\0");
/// Hash of a certificate, as a header carries it.
pub const CERTIFICATE: Tag = Tag("QRATUM/chain/certificate/v1\0");
/// Nodes, keys and values of the authenticated state map.
pub const STATE: Tag = Tag("QRATUM/chain/state/v1\0");
/// ML-DSA context of hand-over signatures.
pub const HANDOVER: Tag = Tag("QRATUM/chain/handover/v1\0");
/// Hash of an ML-DSA public key, as a validator set carries it.
pub const PQ_KEY: Tag = Tag("QRATUM/chain/pq-key/v1\0");
/// Id of a transaction object.
pub const TXO: Tag = Tag("QRATUM/chain/txo/v1\0");
/// Hash of what a validator enrols with: the scope of its proofs of possession.
pub const ENROLMENT: Tag = Tag("QRATUM/chain/enrolment/v1\0");
/// A proof that a key is held.
pub const POSSESSION: Tag = Tag("QRATUM/chain/possession/v1\0");
/// Hash of what a new vote key is for: the scope of its proof of possession.
pub const ROTATION: Tag = Tag("QRATUM/chain/rotation/v1\0");
/// The challenge of a security key: what a person signs of an action.
pub const CHALLENGE: Tag = Tag("QRATUM/chain/challenge/v1\0");
/// What a biokey signs of an action.
pub const BIOKEY_ACTION: Tag = Tag("QRATUM/biokey/action/v1\0");
/// The canonical encoding of the loci of a biokey.
pub const BIOKEY_PANEL: Tag = Tag("QRATUM/biokey/panel/v1\0");
/// Purpose of an expansion: a biokey.
pub const BIOKEY: Tag = Tag("QRATUM/biokey/key/v1\0");
/// Purpose of an expansion: what tells before use whether a biokey is the one that was enrolled.
pub const BIOKEY_CHECK: Tag = Tag("QRATUM/biokey/check/v1\0");
/// Purpose of an expansion: the Ed25519 seed of a biokey.
pub const BIOKEY_ED25519: Tag = Tag("QRATUM/biokey/ed25519/v1\0");
/// Purpose of an expansion: the ML-DSA-65 seed of a biokey.
pub const BIOKEY_ML_DSA: Tag = Tag("QRATUM/biokey/ml-dsa-65/v1\0");
/// A consent to the use of genetic data, as the biokey signs it.
pub const CONSENT: Tag = Tag("QRATUM/biokey/consent/v1\0");
/// The challenge of a security key that is enrolled, or whose biokey is replaced.
pub const ENROLMENT_CHALLENGE: Tag = Tag("QRATUM/chain/enrolment-challenge/v1\0");
/// What a biokey signs when it is enrolled.
pub const BIOKEY_ENROLMENT: Tag = Tag("QRATUM/biokey/enrolment/v1\0");
/// Hash of the id that a security key gave a credential.
pub const CREDENTIAL: Tag = Tag("QRATUM/chain/credential/v1\0");
/// Hash of a policy, as a request names it.
pub const POLICY: Tag = Tag("QRATUM/chain/policy/v1\0");
/// Hash of the state that an action was tried on, as a request names it.
pub const EXPECT: Tag = Tag("QRATUM/chain/expect/v1\0");
/// An anchor checkpoint.
pub const ANCHOR: Tag = Tag("QRATUM/chain/anchor/v1\0");
/// Digest of what crosses an air gap.
pub const BUNDLE: Tag = Tag("QRATUM/chain/bundle/v1\0");
/// Coefficients of a signature batch.
pub const BATCH: Tag = Tag("QRATUM/crypto/batch/v1\0");
/// What the sources of entropy gave, on its way to a seed.
pub const ENTROPY_POOL: Tag = Tag("QRATUM/crypto/entropy-pool/v1\0");
/// Personalisation of the generator.
pub const DRBG: Tag = Tag("QRATUM/crypto/drbg/v1\0");
/// Purpose of a draw: the seed of a key.
pub const KEY_SEED: Tag = Tag("QRATUM/crypto/key-seed/v1\0");
/// Purpose of a draw: what a shared secret is made of.
pub const KEM: Tag = Tag("QRATUM/crypto/kem/v1\0");
/// What both halves of a hybrid signature sign.
pub const HYBRID: Tag = Tag("QRATUM/crypto/hybrid/v1\0");

/// The file of an operator's key, and what its salt and nonce are drawn for.
pub const OPERATOR_KEY: Tag = Tag("QRATUM/custody/operator-key/v1\0");
/// What the keys and vectors of an agreement with a security key are drawn for.
pub const SECURITY_KEY: Tag = Tag("QRATUM/custody/security-key/v1\0");
/// A sealed configuration, and what its nonce is drawn for.
pub const CONFIG: Tag = Tag("QRATUM/custody/config/v1\0");
/// The file of a biokey's sealed panel, and what its salt and nonce are drawn for.
pub const PANEL: Tag = Tag("QRATUM/custody/panel/v1\0");
/// Purpose of a key: sealing.
pub const SEAL: Tag = Tag("QRATUM/custody/seal/v1\0");
/// Purpose of a key: a MAC over what stays readable.
pub const MAC: Tag = Tag("QRATUM/custody/mac/v1\0");
/// Purpose of a value that stands in a sealed file: which key it was.
pub const COMMITMENT: Tag = Tag("QRATUM/custody/commitment/v1\0");

/// The table: every tag there is.
pub const ALL: &[Tag] = &[
    HEADER,
    VOTE,
    PROPOSAL,
    PROPOSER,
    CERTIFICATE,
    STATE,
    HANDOVER,
    PQ_KEY,
    TXO,
    ENROLMENT,
    POSSESSION,
    ROTATION,
    CHALLENGE,
    BIOKEY_ACTION,
    BIOKEY_PANEL,
    BIOKEY,
    BIOKEY_CHECK,
    BIOKEY_ED25519,
    BIOKEY_ML_DSA,
    CONSENT,
    ENROLMENT_CHALLENGE,
    BIOKEY_ENROLMENT,
    CREDENTIAL,
    POLICY,
    EXPECT,
    ANCHOR,
    BUNDLE,
    BATCH,
    ENTROPY_POOL,
    DRBG,
    KEY_SEED,
    KEM,
    HYBRID,
    OPERATOR_KEY,
    SECURITY_KEY,
    CONFIG,
    PANEL,
    SEAL,
    MAC,
    COMMITMENT,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_unique_and_prefix_free() {
        for (i, a) in ALL.iter().enumerate() {
            for (j, b) in ALL.iter().enumerate() {
                assert!(i == j || !b.bytes().starts_with(a.bytes()), "{} starts {}", a.name(), b.name());
            }
        }
    }

    #[test]
    fn every_tag_has_the_house_form() {
        for tag in ALL {
            let parts: Vec<&str> = tag.name().split('/').collect();
            assert_eq!((parts.len(), parts[0], parts[3]), (4, "QRATUM", "v1"), "{}", tag.name());
            assert_eq!(tag.bytes().iter().filter(|b| **b == 0).count(), 1, "{}", tag.name());
        }
    }

    #[test]
    fn no_tag_is_missing_from_the_table() {
        let source = include_str!("domain.rs");
        let declared = source.matches(": Tag = Tag(\"QRATUM").count();
        assert_eq!(declared, ALL.len());
    }
}
