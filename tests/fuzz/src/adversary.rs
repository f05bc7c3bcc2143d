//! A peer with one validator's key in each set, less than a third of the power: whatever it makes
//! of honest blocks, the light node never believes a block that is not of the honest chain.

#![allow(clippy::panic, clippy::expect_used, reason = "a fuzz target: a panic is the verdict")]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
};

use qratum_chain::{
    Hash,
    codec::{Decode, Encode},
    schedule,
    types::{
        Bitmap, BlockId, Certificate, CommitCertificate, Header, LightBlock, Round, Time, Validator,
        ValidatorSet, validators_hash,
    },
};
use qratum_crypto::{
    merkle::{Sha3, Tree},
    sign::ed25519::{PublicKey, SecretKey, Signature},
};
use qratum_tests::forge::{Forge, Member, Team};
use qratum_verifier::{
    Rules, Trusted,
    sync::{Ask, Progress, Sync, Then},
};

use crate::subject;

/// Height of the newest block: four sets of four heights, each with one new member of four.
const HEIGHTS: u8 = 14;
const SETS: u64 = 4;
/// Seeds of the forge's keys that are the adversary's: one of any four in a row.
const FAULTY_SEEDS: [u64; 2] = [4, 8];
const MOST_ANSWERS: usize = 5;

/// The honest chain, and what the adversary has.
struct Scene {
    anchor: Trusted,
    rules: Rules,
    now: Time,
    blocks: Vec<LightBlock>,
    honest: BTreeSet<[u8; 32]>,
    teams: Vec<Vec<Validator>>,
    faulty: BTreeMap<PublicKey, SecretKey>,
    history: Tree<Sha3>,
}

fn scene() -> &'static Scene {
    static SCENE: OnceLock<Scene> = OnceLock::new();
    SCENE.get_or_init(|| {
        let forge = Forge::changing(SETS, u64::from(HEIGHTS));
        let (anchor, rules) = Trusted::genesis(&forge.genesis).expect("a valid genesis");
        let ids = (0..=u64::from(HEIGHTS)).map(|height| forge.header(height).id().0.0);
        let key = |seed| Member::new(seed, 10).secret;
        Scene {
            anchor,
            rules,
            now: forge.now(),
            history: forge.history.clone(),
            blocks: (1..=u64::from(HEIGHTS)).map(|height| forge.block(height)).collect(),
            honest: ids.collect(),
            teams: forge.teams.iter().map(Team::validators).collect(),
            faulty: FAULTY_SEEDS.map(key).into_iter().map(|secret| (secret.public(), secret)).collect(),
        }
    })
}

/// The input as a program: bytes taken from the front, zero when there are none.
struct Tape<'a>(&'a [u8]);

impl Tape<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        from.get(usize::from(self.byte()) % from.len()).expect("an index below the length")
    }
}

/// Answers of a lying peer, fed to the sync machine: its head is a block of the honest chain, and
/// so is everything it says is verified; and it never sees a fork, as too few are at fault for one.
pub fn sync(data: &[u8]) {
    let scene = scene();
    let mut sync = Sync::new(scene.anchor.clone(), scene.rules.clone());
    let mut tape = Tape(data);
    for _ in 0..MOST_ANSWERS {
        if tape.0.is_empty() {
            return;
        }
        let mut block = tape.pick(&scene.blocks).clone();
        for _ in 0..tape.byte() % 8 {
            edit(&mut block, scene, &mut tape);
        }
        let how = tape.byte();
        let now = match how % 8 {
            0 => Time(scene.now.0.saturating_sub(1 << 20)),
            1 => scene.now.plus(scene.rules.params.trusting_period_ms),
            2 => Time(u64::MAX),
            _ => scene.now,
        };
        let progress = match how / 8 % 4 {
            1 => sync.replay(block, now),
            _ => subject::answer(&mut sync, block, now),
        };
        is_sound(&progress, &sync, scene);
        if let Ask::History { height, size } = sync.ask() {
            let path = audit_path(scene, [height.0, size.0], &mut tape);
            is_sound(&sync.link(&path), &sync, scene);
        }
        if how / 32 == 1 {
            sync.restart();
        }
    }
}

/// Head and news are of the honest chain, and no fork is seen.
fn is_sound(progress: &Progress, sync: &Sync, scene: &Scene) {
    let believed = progress.advanced.iter().map(|block| block.header.id()).chain([sync.head().id()]);
    believed.for_each(|id| is_honest(id, scene));
    assert!(!matches!(progress.then, Then::Forked(_)), "a fork with less than a third at fault");
}

/// The honest path, or one with an element changed or left out.
fn audit_path(scene: &Scene, [height, size]: [u64; 2], tape: &mut Tape<'_>) -> Vec<Hash> {
    let mut path = scene.history.inclusion(height, size).unwrap_or_default();
    match tape.byte() % 4 {
        1 => drop(path.pop()),
        2 => path.iter_mut().take(1).for_each(|hash| hash.0[0] ^= 1),
        _ => {}
    }
    path
}

fn is_honest(id: BlockId, scene: &Scene) {
    assert!(scene.honest.contains(&id.0.0), "a block was believed that nobody honest signed: {id}");
}

/// One change to a block, of the kinds a liar has.
fn edit(block: &mut LightBlock, scene: &Scene, tape: &mut Tape<'_>) {
    match tape.byte() % 16 {
        0 => flip(&mut block.header, tape),
        1 => block.header.round = Round(u32::from(tape.byte())),
        2 => block.header.tx_root.0[0] ^= tape.byte(),
        3 => block.certificate = tape.pick(&scene.blocks).certificate.clone(),
        4 => with_commit(block, |commit, _| commit.bitmap = Bitmap(vec![tape.byte()])),
        5 => with_commit(block, |commit, _| commit.round = Round(u32::from(tape.byte()))),
        6 => with_commit(block, name),
        7 => sign(block, scene),
        8 => block.validators = tape.pick(&scene.teams).clone(),
        9 => change_member(&mut block.validators, tape),
        10 => block.next_validators = Some(tape.pick(&scene.teams).clone()),
        11 => block.next_validators = None,
        12 => name_sets(block),
        13 => draw_proposer(block),
        14 => flip(block, tape),
        _ => take_over(block, scene),
    }
}

/// Flips bits of one byte of the encoding, where that still is an encoding.
fn flip<T: Encode + Decode>(value: &mut T, tape: &mut Tape<'_>) {
    let mut bytes = value.to_bytes();
    let at = usize::from(u16::from_le_bytes([tape.byte(), tape.byte()])) % bytes.len();
    bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= tape.byte());
    if let Ok(flipped) = T::from_bytes(&bytes) {
        *value = flipped;
    }
}

fn with_commit(block: &mut LightBlock, change: impl FnOnce(&mut CommitCertificate, &Header)) {
    if let Certificate::Commit(commit) | Certificate::Handover(commit, _) = &mut block.certificate {
        change(commit, &block.header);
    }
}

/// Lets the certificate name the header as it is now.
fn name(commit: &mut CommitCertificate, header: &Header) {
    commit.set_id = header.set_id;
    commit.height = header.height;
    commit.block_id = header.id();
}

/// One signature for each bit of the bitmap: a true one where the key is the adversary's, any
/// other elsewhere.
fn sign(block: &mut LightBlock, scene: &Scene) {
    let members = block.validators.clone();
    with_commit(block, |commit, _| {
        let message = commit.vote().sign_bytes();
        let old = commit.signatures.clone();
        let signature = |(place, signer): (usize, u32)| {
            let secret = members.get(signer as usize).and_then(|member| scene.faulty.get(&member.pubkey));
            let other = || old.get(place).copied().unwrap_or(Signature([0; 64]));
            secret.map_or_else(other, |secret| secret.sign(&message))
        };
        commit.signatures = commit.bitmap.indexes().enumerate().map(signature).collect();
    });
}

fn change_member(members: &mut Vec<Validator>, tape: &mut Tape<'_>) {
    let at = usize::from(tape.byte()) % members.len().max(1);
    match tape.byte() {
        0 => members.truncate(at),
        1 => members.reverse(),
        2 => members.extend(members.get(at).cloned()),
        power => members.iter_mut().skip(at).take(1).for_each(|member| member.power = u64::from(power)),
    }
}

/// Lets the header name the sets that stand beside it.
fn name_sets(block: &mut LightBlock) {
    let own = validators_hash(&block.validators);
    block.header.validators_hash = own;
    block.header.next_validators_hash = block.next_validators.as_deref().map_or(own, validators_hash);
}

fn draw_proposer(block: &mut LightBlock) {
    if let Ok(set) = ValidatorSet::new(block.validators.clone()) {
        block.header.proposer = schedule::proposer(&set, block.header.height, block.header.round);
    }
}

/// A block of a set that is the adversary's alone, certified by all of it.
fn take_over(block: &mut LightBlock, scene: &Scene) {
    let known = scene.teams.iter().flatten();
    let mut own: Vec<Validator> =
        known.filter(|member| scene.faulty.contains_key(&member.pubkey)).cloned().collect();
    own.sort_by_key(|member| member.pubkey);
    own.dedup_by_key(|member| member.pubkey);
    block.validators = own;
    block.next_validators = None;
    name_sets(block);
    draw_proposer(block);
    let everyone = Bitmap::of(block.validators.len(), 0..FAULTY_SEEDS.len() as u32);
    with_commit(block, |commit, header| {
        commit.bitmap = everyone;
        name(commit, header);
    });
    sign(block, scene);
}
