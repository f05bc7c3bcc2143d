//! The people of a demo. Each has a security key in software, in a process of its own, and a biokey from
//! genotypes of nobody. What they sign is real, and good for this demo only.

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder},
    io::{BufRead as _, BufReader},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::Arc,
};

use qratum_chain::{
    Hash,
    document::people_to_json,
    types::{
        Account, AccountId, BiokeySignatures, Class, Device, Enrolling, Governance, Group, Height,
        Jurisdiction, NewCredential, People, PersonId, Policy, Possession, Role, Roles, Rule, Scope,
        Standing, Zone, client_data_hash,
    },
};
use qratum_custody::{
    biokey::{Loci, Panel, SealedPanel, Terms, sample},
    entropy::{self, Random},
    fido::{self, Algorithm, SecurityKey as _, Unwatched, hid::Wire, key::Key},
};
use qratum_metal::secret::LockedBytes;

use crate::{
    credential::Credential,
    exit::{Exit, Failure},
    file, hex,
    home::Home,
    time,
};

/// The program of a software key.
pub(super) const PROGRAM: &str = "qratum-softkey";
/// The PIN of all keys of a demo, which it shows to whoever asks.
pub(crate) const PIN: &str = "1234";
/// The name under which the keys know the chain.
const RP_ID: &str = "demo.qratum.invalid";
/// The name of every demo network.
const NETWORK: &str = "demo";
/// How long a request stays open at most, in milliseconds: an hour.
const LIFETIME_MS: u64 = 60 * 60 * 1000;
/// How long a panel of a demo may be used, in milliseconds: a year.
const RETENTION_MS: u64 = 365 * 24 * 60 * 60 * 1000;
/// Positions of no real genome.
const LOCI: &str = include_str!("../../../assets/loci.tsv");

/// Who is enrolled, in which role.
const CAST: [(&str, Role); 4] =
    [("alice", Role::Admin), ("bob", Role::Technical), ("carol", Role::Compliance), ("oscar", Role::OnCall)];
/// Who has a key and is not enrolled.
const OUTSIDER: &str = "mallory";

/// A process that is a security key. It ends with this.
#[derive(Debug)]
pub(super) struct SoftKey {
    child: Child,
    /// The key ends when nobody holds this any more.
    lines: Option<ChildStdin>,
}

impl SoftKey {
    fn start(program: &Path, socket: &Path, seed: &Path) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::io(&program.display().to_string(), &error);
        // Its counter would begin anew with each start, and be taken for that of a copied key.
        let mut command = Command::new(program);
        command.args(["serve", "--pin", PIN, "--count", "zero", "--touch", "auto"]);
        command.arg("--seed-file").arg(seed).arg("--socket").arg(socket);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(failed)?;
        let lines = child.stdin.take();
        // Its banner comes when it listens.
        let said = child.stdout.take().map(|out| BufReader::new(out).lines().next());
        match said.flatten() {
            Some(Ok(_)) => Ok(Self { child, lines }),
            _ => {
                let text = format!("{}: the software key did not start", socket.display());
                Err(Failure::new(Exit::Error, text))
            }
        }
    }
}

impl Drop for SoftKey {
    fn drop(&mut self) {
        drop(self.lines.take());
        // It has nothing to keep, so it ends at once; one that is gone already has ended too.
        let _ = self.child.wait();
    }
}

/// Where the key of an account of this home listens.
pub(crate) fn socket(home: &Home, account: &str) -> PathBuf {
    home.run().join(format!("{account}.softkey"))
}

/// Starts the keys that the home knows seeds of.
pub(super) fn start(home: &Home) -> Result<Vec<SoftKey>, Failure> {
    let Ok(program) = super::beside(PROGRAM) else { return Ok(Vec::new()) };
    let names = CAST.iter().map(|(name, _)| *name).chain([OUTSIDER]);
    let mut keys = Vec::new();
    for name in names {
        let (seed, socket) = (seed_path(home, name), socket(home, name));
        if !seed.exists() {
            continue;
        }
        // What a demo that was killed has left.
        let _ = fs::remove_file(&socket);
        keys.push(SoftKey::start(&program, &socket, &seed)?);
    }
    Ok(keys)
}

fn seed_path(home: &Home, name: &str) -> PathBuf {
    home.keys().join(format!("{name}.seed"))
}

/// What a home keeps of a person.
struct Kept {
    name: &'static str,
    seed: String,
    known: Credential,
    panel: Vec<u8>,
}

/// People with their keys, made and not yet at home anywhere.
pub(super) struct Cast {
    people: People,
    kept: Vec<Kept>,
}

impl Cast {
    /// Has a key of their own register each, and derives their biokeys; sockets lie in `folder` meanwhile.
    pub(super) fn make(folder: &Path) -> Result<Self, Failure> {
        let program = super::beside(PROGRAM)?;
        let loci = Loci::parse(LOCI).map_err(|why| failed(&why))?;
        let studio = Studio { program, folder, loci };
        let (mut accounts, mut proofs, mut kept) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        for (number, (name, role)) in (1..).zip(CAST) {
            let account = AccountId::new(name).ok_or_else(|| failed(&"no name"))?;
            let first = studio.enrol(&account, "main")?;
            // Where nobody could act without one key, that key must not be the only one.
            let spare = if role == Role::OnCall { None } else { Some(studio.enrol(&account, "spare")?) };
            kept.push(Kept { name, seed: first.seed, known: first.known, panel: first.panel });
            let enrolled = [Some((first.credential, first.proof)), spare.map(|it| (it.credential, it.proof))];
            let (mut credentials, person) = (Vec::new(), PersonId(Hash([number; 32])));
            for (credential, proof) in enrolled.into_iter().flatten() {
                proofs.insert(credential.id, proof);
                credentials.push(credential.enrolled(None, Height(0)));
            }
            accounts.insert(account, entry(person, role, credentials).ok_or_else(|| failed(&"no place"))?);
        }
        let outsider = AccountId::new(OUTSIDER).ok_or_else(|| failed(&"no name"))?;
        let mallory = studio.enrol(&outsider, "main")?;
        let Made { seed, known, panel, .. } = mallory;
        kept.push(Kept { name: OUTSIDER, seed, known, panel });
        let governance = Governance::default();
        let people = People { rp_id: RP_ID.to_owned(), policy: policy(), accounts, proofs, governance };
        Ok(Self { people, kept })
    }

    /// What the validator program is told of them.
    pub(super) fn document(&self) -> Result<String, Failure> {
        people_to_json(&self.people).map_err(|why| failed(&why))
    }

    /// Puts the keys into a home that has been made.
    pub(super) fn keep(&self, home: &Home) -> Result<(), Failure> {
        let folder = home.keys();
        let made = DirBuilder::new().mode(0o700).recursive(true).create(&folder);
        made.map_err(|error| Failure::io(&folder.display().to_string(), &error))?;
        for Kept { name, seed, known, panel } in &self.kept {
            file::write_new(&seed_path(home, name), seed.as_bytes())?;
            known.keep(home, name)?;
            file::write_new(&folder.join(format!("{name}.panel")), panel)?;
        }
        Ok(())
    }
}

/// Where people get their keys.
struct Studio<'a> {
    program: PathBuf,
    folder: &'a Path,
    loci: Loci,
}

/// What a key and its biokey have come to.
struct Made {
    seed: String,
    known: Credential,
    panel: Vec<u8>,
    credential: NewCredential,
    proof: Possession,
}

impl Studio<'_> {
    fn enrol(&self, account: &AccountId, label: &str) -> Result<Made, Failure> {
        let mut random = random()?;
        let seed = sample::seed((&mut random, entropy::now())).map_err(|why| failed(&why))?;
        let (seed, socket) = (hex::of(&seed), self.folder.join("key"));
        // By a file: arguments can be read by everybody.
        let path = self.folder.join(format!("{account}-{label}.seed"));
        file::write_new(&path, seed.as_bytes())?;
        let soft = SoftKey::start(&self.program, &socket, &path)?;
        let wire = Wire::connect(&socket, Arc::new(Unwatched)).map_err(|why| failed(&why))?;
        let mut key = Key::new(wire, random).map_err(|why| failed(&why))?;
        let pin = LockedBytes::new_with(PIN.len(), |pin| pin.copy_from_slice(PIN.as_bytes()));
        let pin = pin.map_err(|why| failed(&why))?;
        let made = self.with(&mut key, (account, label), &pin, seed);
        drop(soft);
        made
    }

    fn with(
        &self,
        key: &mut Key,
        (account, label): (&AccountId, &str),
        pin: &LockedBytes,
        seed: String,
    ) -> Result<Made, Failure> {
        let no = |why: fido::error::KeyError| failed(&why);
        let new = fido::NewCredential {
            rp_id: RP_ID,
            user_id: account.as_str().as_bytes(),
            user_name: account.as_str(),
            algorithms: &[Algorithm::EdDsa],
            exclude: &[],
            client_data_hash: [0; 32],
        };
        let made = key.register(&new, pin).map_err(no)?;
        let salt: [u8; 32] = key.draw().map_err(no)?;
        let known = Credential::new(account.clone(), (label, RP_ID), made, salt);
        let secret = key.secret(&known.ask([0; 32]), &salt, pin).map_err(no)?;
        let (id, given) = (known.on_chain(), time::now());
        let until = given.plus(RETENTION_MS);
        let terms = Terms { credential: id, version: 0, given, until, purpose: "a demo".to_owned() };
        let mut random = random()?;
        let vcf = sample::vcf(&self.loci, (&mut random, entropy::now())).map_err(|why| failed(&why))?;
        let panel = Panel::from_vcf(&self.loci, &mut vcf.as_bytes()).map_err(|why| failed(&why))?;
        let sealed = SealedPanel::enrol(&panel, &secret, terms, (&mut random, entropy::now()));
        let (sealed, biokey) = sealed.map_err(|why| failed(&why))?;
        let device = Device { label: label.to_owned(), aaguid: known.aaguid, attestation: None };
        let credential = NewCredential { id, key: known.key, biokey: biokey.public().keys(), device };
        let scope = Scope::Genesis(NETWORK);
        let challenge = Enrolling { scope, account, credential: &credential, version: 0 }.challenge();
        let ask = known.ask(client_data_hash(challenge, RP_ID));
        let fido::Assertion { auth_data, signature } = key.assert(&ask, pin).map_err(no)?;
        let mut proof = Possession { auth_data, signature, biokey: BiokeySignatures::missing() };
        let message = proof.biokey_message(challenge);
        proof.biokey = biokey.possess(&message.0).map_err(|why| failed(&why))?;
        Ok(Made { seed, known, panel: sealed.bytes().to_vec(), credential, proof })
    }
}

fn entry(person: PersonId, role: Role, credentials: Vec<qratum_chain::types::Credential>) -> Option<Account> {
    Some(Account {
        person,
        roles: Roles::of([role]),
        jurisdiction: Jurisdiction::new(*b"CH")?,
        zone: Zone::default(),
        standing: Standing::Active,
        nonce: 0,
        credentials,
    })
}

/// For every class: two people, one of them technical and one of compliance, and neither who asked.
fn policy() -> Policy {
    let groups = [Role::Technical, Role::Compliance].map(|role| Group { role, least: 1 }).to_vec();
    let rule = Rule { requester: Role::Admin, threshold: 2, groups, lifetime_ms: LIFETIME_MS };
    Policy::new(Class::ALL.iter().map(|class| (*class, rule.clone())))
}

fn random() -> Result<Random, Failure> {
    entropy::generator().map_err(|why| failed(&why))
}

fn failed(why: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Error, format!("the people of the demo: {why}"))
}
