//! The peer: `tendermint-light-client-verifier`, given the same validators, the same signers and
//! the same distance. It starts from decoded structures, which is a start it has over us.
//!
//! The generator of `tendermint-testgen` takes minutes for a thousand validators and signs with
//! all of them, so the header and the commit are put together here.

use std::{
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use qratum_tests::forge::{Member, Team};
use tendermint::{
    AppHash, Hash, PublicKey, Signature, Time, account,
    block::{self, Commit, CommitSig, Header, Height, Round, header::Version, parts, signed_header},
    chain,
    crypto::{default::signature::Verifier as Ed25519, signature},
    validator, vote,
};
use tendermint_light_client_verifier::{
    PredicateVerifier, ProdVerifier, Verdict, Verifier as _,
    operations::{ProdCommitValidator, ProvidedVotingPowerCalculator},
    options::Options,
    predicates::ProdPredicates,
    types::{TrustedBlockState, UntrustedBlockState},
};

use crate::{
    Outcome,
    ours::{self, Distance},
};

/// When the verified header was made, in seconds since 1970.
const SECONDS: i64 = 1_767_225_600;

/// One verification of the peer.
#[derive(Debug)]
pub struct Case {
    chain: chain::Id,
    signed: signed_header::SignedHeader,
    validators: validator::Set,
    trusted: validator::Set,
    options: Options,
}

impl Case {
    /// The case of sets of this size.
    ///
    /// # Errors
    /// When a part cannot be built.
    pub fn new(validators: usize, distance: Distance) -> Outcome<Self> {
        let teams = ours::teams(validators);
        let (first, last) = teams.first().zip(teams.last()).ok_or("no teams")?;
        let team = if distance == Distance::Adjacent { first } else { last };
        let chain: chain::Id = "forged".parse()?;
        let set = set_of(team)?;
        let header = header(chain.clone(), distance, &set)?;
        let signed = signed_header::SignedHeader::new(header.clone(), commit(&header, team, &set)?)?;
        let options = Options {
            trust_threshold: Default::default(),
            trusting_period: Duration::from_secs(14 * 24 * 60 * 60),
            clock_drift: Duration::from_secs(10),
        };
        Ok(Self { chain, signed, validators: set, trusted: set_of(first)?, options })
    }

    /// Verifies with the production verifier.
    ///
    /// # Errors
    /// When the header is not accepted.
    pub fn verify(&self) -> Outcome<()> {
        self.judge(|untrusted, trusted, now| {
            ProdVerifier::default().verify_update_header(untrusted, trusted, &self.options, now)
        })
    }

    /// How many signatures one verification checks.
    ///
    /// # Errors
    /// When the header is not accepted.
    pub fn signatures_checked(&self) -> Outcome<usize> {
        let counting = Counting::default();
        let calculator = ProvidedVotingPowerCalculator::new(counting.clone());
        let verifier = PredicateVerifier::new(ProdPredicates, calculator, ProdCommitValidator);
        self.judge(|untrusted, trusted, now| {
            verifier.verify_update_header(untrusted, trusted, &self.options, now)
        })?;
        Ok(counting.0.load(Ordering::Relaxed))
    }

    fn judge(
        &self,
        verify: impl FnOnce(UntrustedBlockState<'_>, TrustedBlockState<'_>, Time) -> Verdict,
    ) -> Outcome<()> {
        let untrusted = UntrustedBlockState {
            signed_header: black_box(&self.signed),
            validators: &self.validators,
            next_validators: None,
        };
        let trusted = TrustedBlockState {
            chain_id: &self.chain,
            header_time: Time::from_unix_timestamp(SECONDS - 1, 0)?,
            height: Height::try_from(1u64)?,
            next_validators: &self.trusted,
            // What a client has stored, so its cost is not the verification's.
            next_validators_hash: self.trusted_hash(),
        };
        match verify(untrusted, trusted, Time::from_unix_timestamp(SECONDS + 1, 0)?) {
            Verdict::Success => Ok(()),
            other => Err(format!("{other:?}").into()),
        }
    }

    /// Adjacent, the trusted header names the very set that the header is certified by; skipping,
    /// the verifier does not look at it.
    const fn trusted_hash(&self) -> Hash {
        self.signed.header.validators_hash
    }
}

/// The verifier's own signature check, counted.
#[derive(Clone, Debug, Default)]
struct Counting(Arc<AtomicUsize>);

impl signature::Verifier for Counting {
    fn verify(&self, key: PublicKey, message: &[u8], signature: &Signature) -> Result<(), signature::Error> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ed25519.verify(key, message, signature)
    }
}

fn key_of(member: &Member) -> Outcome<PublicKey> {
    PublicKey::from_raw_ed25519(&member.validator.pubkey.0).ok_or_else(|| "no Ed25519 key".into())
}

fn set_of(team: &Team) -> Outcome<validator::Set> {
    let info = |member: &Member| -> Outcome<validator::Info> {
        Ok(validator::Info::new(key_of(member)?, vote::Power::try_from(member.validator.power)?))
    };
    Ok(validator::Set::without_proposer(team.members.iter().map(info).collect::<Outcome<_>>()?))
}

fn header(chain_id: chain::Id, distance: Distance, set: &validator::Set) -> Outcome<Header> {
    let root = Hash::Sha256([7; 32]);
    Ok(Header {
        version: Version { block: 11, app: 0 },
        chain_id,
        height: Height::try_from(distance.height())?,
        time: Time::from_unix_timestamp(SECONDS, 0)?,
        last_block_id: None,
        last_commit_hash: Some(root),
        data_hash: Some(root),
        validators_hash: set.hash(),
        next_validators_hash: set.hash(),
        consensus_hash: root,
        app_hash: AppHash::try_from(vec![7; 32])?,
        last_results_hash: Some(root),
        evidence_hash: Some(root),
        proposer_address: set.validators().first().ok_or("an empty set")?.address,
    })
}

/// Signed by exactly the members that sign our certificate; everyone else is absent.
fn commit(header: &Header, team: &Team, set: &validator::Set) -> Outcome<Commit> {
    let block_id =
        block::Id { hash: header.hash(), part_set_header: parts::Header::new(1, Hash::Sha256([9; 32]))? };
    let mut signatures = vec![CommitSig::BlockIdFlagAbsent; set.validators().len()];
    for index in team.least_quorum() {
        let member = team.members.get(index as usize).ok_or("a signer outside the set")?;
        let address = account::Id::from(key_of(member)?);
        let place = set.validators().iter().position(|info| info.address == address);
        let place = place.ok_or("a signer outside the set")?;
        let signature = sign(header, block_id, member, (address, place))?;
        *signatures.get_mut(place).ok_or("a signer outside the set")? = signature;
    }
    Ok(Commit { height: header.height, round: Round::default(), block_id, signatures })
}

fn sign(
    header: &Header,
    block_id: block::Id,
    member: &Member,
    (validator_address, place): (account::Id, usize),
) -> Outcome<CommitSig> {
    let vote = vote::Vote {
        vote_type: vote::Type::Precommit,
        height: header.height,
        round: Round::default(),
        block_id: Some(block_id),
        timestamp: Some(header.time),
        validator_address,
        validator_index: vote::ValidatorIndex::try_from(place)?,
        signature: None,
        extension: Vec::new(),
        extension_signature: None,
    };
    let message = vote.into_signable_vec(header.chain_id.clone());
    let signature = Signature::new(member.secret.sign(&message).0)?;
    Ok(CommitSig::BlockIdFlagCommit { validator_address, timestamp: header.time, signature })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peer_checks_as_many_signatures_as_we_do() {
        for (validators, quorum) in [(4, 3), (100, 67)] {
            for distance in [Distance::Adjacent, Distance::Skipping] {
                let case = Case::new(validators, distance).unwrap();
                case.verify().unwrap();
                assert_eq!(case.signatures_checked().unwrap(), quorum, "{}", distance.name());
            }
        }
    }

    #[test]
    fn the_peer_refuses_a_bad_signature_and_a_signer_too_few() {
        let mut case = Case::new(4, Distance::Adjacent).unwrap();
        let signed = case.signed.commit.signatures.iter().position(|place| !place.is_absent()).unwrap();
        let good = case.signed.commit.signatures[signed].clone();
        if let CommitSig::BlockIdFlagCommit { signature, .. } = &mut case.signed.commit.signatures[signed] {
            *signature = Signature::new([1; 64]).unwrap();
        }
        assert!(case.verify().unwrap_err().to_string().contains("InvalidSignature"));
        case.signed.commit.signatures[signed] = CommitSig::BlockIdFlagAbsent;
        assert!(case.verify().unwrap_err().to_string().contains("InsufficientSignersOverlap"));
        case.signed.commit.signatures[signed] = good;
        case.verify().unwrap();
    }
}
