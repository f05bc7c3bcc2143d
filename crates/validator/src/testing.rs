//! A chain, a network and a folder for the tests of this crate.

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use qratum_chain::{
    Hash,
    codec::Encode,
    ledger::{
        Body,
        registry::{Order, rotation_scope},
    },
    types::{
        Bitmap, BlockId, Certificate, ChainParams, CommitCertificate, DoubleVote, Enrolment, Genesis,
        GenesisValidator, Header, Jurisdiction, Offence, Phase, Proofs, Purpose, Round, STAKE_UNIT, SetId,
        SignedVote, Time, Txo, TxoBody, TxoClass, Validator, Vote,
    },
};
use qratum_crypto::sign::{self, ed25519::SecretKey};

use crate::{
    block::Decided,
    drivers::virtual_time::{Dice, Net},
    ledger::Ledger,
    signer::HandoverKey,
    store::Medium,
};

pub(crate) const POWERS: [u64; 4] = [30, 25, 25, 20];
pub(crate) const START: Time = Time(1_800_000_000_000);

pub(crate) fn key(index: u32) -> SecretKey {
    SecretKey::from_seed(&[index as u8 + 1; 32])
}

/// Signs the orders of validator number `index`.
pub(crate) fn operator_key(index: u32) -> SecretKey {
    key(index + 128)
}

/// Signs the hand-overs of validator number `index`, made of this seed.
pub(crate) fn handover_seed(index: u32) -> [u8; 32] {
    [index as u8 + 192; 32]
}

pub(crate) fn handover_key(seed: [u8; 32]) -> HandoverKey {
    HandoverKey::new(sign::SecretKey::from_seed(|place| place.copy_from_slice(&seed)).unwrap()).unwrap()
}

pub(crate) fn genesis(powers: &[u64]) -> Genesis {
    genesis_of(powers, false)
}

/// A genesis whose validators have registered ML-DSA keys, or not.
pub(crate) fn genesis_of(powers: &[u64], registered: bool) -> Genesis {
    let member = |(index, power): (u32, &u64)| {
        let name = format!("v{index}");
        let validator = Validator {
            pubkey: key(index).public(),
            power: *power,
            jurisdiction: Jurisdiction::new(*b"CH").unwrap(),
            since_set: SetId(0),
            pq_key_hash: if registered { handover_key(handover_seed(index)).hash() } else { Hash::ZERO },
        };
        let (peer, operator) = (key(index + 64), operator_key(index));
        let mut enrolment = Enrolment {
            operator: name.clone(),
            stake: power.saturating_mul(STAKE_UNIT),
            peer_key: peer.public(),
            operator_key: operator.public(),
            proofs: Proofs::MISSING,
        };
        let scope = enrolment.scope("test", &name, &validator);
        enrolment.proofs = Proofs::sign(scope, &key(index), &peer, &operator);
        GenesisValidator { name, validator, enrolment: Some(enrolment) }
    };
    Genesis {
        network: "test".to_owned(),
        demo: true,
        time: START,
        params: ChainParams { set_length: 20, ..ChainParams::default() },
        validators: (0u32..).zip(powers).map(member).collect(),
        people: None,
    }
}

/// An order of the operator of validator number `index`.
pub(crate) fn order(ledger: &Ledger, index: u32, nonce: u64, order: &Order) -> Txo {
    let (chain_id, sender, payload) = (ledger.chain_id(), operator_key(index).public(), order.to_bytes());
    TxoBody { chain_id, sender: sender.into(), nonce, class: TxoClass::Network, payload }
        .sign(&operator_key(index))
}

/// That validator `index` is to vote with `new` from the next set on.
pub(crate) fn rotation(ledger: &Ledger, index: u32, nonce: u64, new: &SecretKey) -> Txo {
    let scope = rotation_scope(ledger.chain_id(), &format!("v{index}"), nonce);
    let proof = new.sign(&Purpose::Vote.possession(scope, &new.public()));
    order(ledger, index, nonce, &Order::Rotate { vote_key: new.public(), proof })
}

/// A certificate for `header` by these signers.
pub(crate) fn certificate(header: &Header, members: usize, signers: &[u32]) -> CommitCertificate {
    let vote = Vote {
        phase: Phase::Precommit,
        chain_id: header.chain_id,
        set_id: header.set_id,
        height: header.height,
        round: header.round,
        value: Some(header.id()),
    };
    CommitCertificate {
        chain_id: vote.chain_id,
        set_id: vote.set_id,
        height: vote.height,
        round: vote.round,
        block_id: header.id(),
        bitmap: Bitmap::of(members, signers.iter().copied()),
        signatures: signers.iter().map(|signer| key(*signer).sign(&vote.sign_bytes())).collect(),
    }
}

/// Validator 1 voting for two blocks, in the set of this number.
pub(crate) fn double_vote(ledger: &Ledger, set_id: SetId, round: u32) -> Offence {
    let voted = |value| {
        let vote = Vote { round: Round(round), set_id, value, ..certificate(ledger.tip(), 4, &[]).vote() };
        SignedVote { signature: key(1).sign(&vote.sign_bytes()), signer: 1, vote }
    };
    Offence::DoubleVote(DoubleVote { first: voted(None), second: voted(Some(BlockId::ZERO)) })
}

/// A ledger of `height` blocks, signed by the first three of four.
pub(crate) fn ledger(height: u64) -> Ledger {
    let mut ledger = Ledger::new(&genesis(&POWERS)).unwrap();
    for h in 1..=height {
        let block = ledger.build(Round(0), START.plus(h * 1000), &Body::default()).unwrap();
        let certificate = Certificate::Commit(certificate(&block.header, 4, &[0, 1, 2]));
        ledger.accept(Decided { block, certificate }).unwrap();
    }
    ledger
}

/// Four hosts in virtual time.
pub(crate) fn net(seed: u64) -> Net {
    let seeds = [1u8, 2, 3, 4].map(|byte| [byte; 32]);
    Net::new(genesis(&POWERS), &seeds, Dice(seed))
}

/// The same with ML-DSA keys, which the nodes of these numbers hold.
pub(crate) fn handing_net(seed: u64, holders: &[u32]) -> Net {
    let seeds = [1u8, 2, 3, 4].map(|byte| [byte; 32]);
    let mut net = Net::new(genesis_of(&POWERS, true), &seeds, Dice(seed));
    holders.iter().for_each(|index| net.give_handover_key(*index as usize, handover_seed(*index)));
    net
}

/// A folder of one test, removed at its end.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("qratum-validator-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A file in memory, which fails when it is told to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faulty(Arc<Mutex<Content>>);

#[derive(Debug, Default)]
struct Content {
    bytes: Vec<u8>,
    synced: Vec<u8>,
    /// After so many more operations, one fails so.
    fault: Option<(u32, io::ErrorKind)>,
}

impl Content {
    fn turn(&mut self) -> io::Result<()> {
        match &mut self.fault {
            Some((0, kind)) => {
                let kind = *kind;
                self.fault = None;
                Err(kind.into())
            }
            Some((left, _)) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl Faulty {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let content = Content { bytes: bytes.to_vec(), synced: bytes.to_vec(), fault: None };
        Self(Arc::new(Mutex::new(content)))
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().bytes.clone()
    }

    pub(crate) fn synced(&self) -> Vec<u8> {
        self.0.lock().unwrap().synced.clone()
    }

    pub(crate) fn fail_after(&self, operations: u32, kind: io::ErrorKind) {
        self.0.lock().unwrap().fault = Some((operations, kind));
    }
}

impl Medium for Faulty {
    fn read_all(&mut self) -> io::Result<Vec<u8>> {
        Ok(self.bytes())
    }

    /// Half of it is written where it fails.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut content = self.0.lock().unwrap();
        let done = content.turn();
        let written = if done.is_ok() { bytes } else { &bytes[..bytes.len() / 2] };
        content.bytes.extend_from_slice(written);
        done
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        let mut content = self.0.lock().unwrap();
        content.turn()?;
        content.bytes.truncate(length as usize);
        Ok(())
    }

    fn replace(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut content = self.0.lock().unwrap();
        content.turn()?;
        (content.bytes, content.synced) = (bytes.to_vec(), bytes.to_vec());
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut content = self.0.lock().unwrap();
        content.turn()?;
        content.synced = content.bytes.clone();
        Ok(())
    }
}
