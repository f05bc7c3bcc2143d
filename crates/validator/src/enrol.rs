//! Makes an application to a genesis: keys that stay on this machine, and a record that they sign.
//!
//! An application is the draft of the genesis with one validator in it: whoever puts the genesis
//! together sees that all applied to the same draft.

use core::fmt;
use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use qratum_chain::{
    document::{DocumentError, genesis_from_json, genesis_to_json},
    types::{
        Enrolment, Genesis, GenesisError, GenesisValidator, Jurisdiction, Proofs, SetId, Validator, power_of,
    },
};
use qratum_crypto::{rng::random, sign::ed25519::SecretKey};
use zeroize::Zeroizing;

use crate::{
    home::{HANDOVER_KEY, Home, HomeError, make_folder, read, seed, write_new},
    seeds::KeySource,
    signer::HandoverKey,
};

/// What is applied for, and with which files.
#[derive(Clone, Debug)]
pub struct Application {
    /// The draft of the genesis; validators in it are left out.
    pub draft: PathBuf,
    /// Where the application goes; must not exist.
    pub out: PathBuf,
    /// The validator's name.
    pub name: String,
    /// Who runs it.
    pub operator: String,
    /// Where it stands.
    pub jurisdiction: Jurisdiction,
    /// Its stake.
    pub stake: u64,
}

/// Why there is no application.
#[derive(Debug)]
pub enum EnrolError {
    /// The draft is no genesis.
    Draft(DocumentError),
    /// The application could not be written as text.
    Document(DocumentError),
    /// What is applied for breaks a rule.
    Rule(GenesisError),
    /// A key file that others can read.
    Open(PathBuf),
    /// Some of the keys are there, and this one is not.
    KeyMissing(PathBuf),
    /// There is no randomness for keys.
    Random(random::Error),
    /// The application's file exists.
    Exists(PathBuf),
    /// Another file or folder.
    Home(HomeError),
}

impl fmt::Display for EnrolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Draft(why) => write!(f, "the draft is no genesis: {why}"),
            Self::Document(why) => why.fmt(f),
            Self::Rule(why) => why.fmt(f),
            Self::Open(path) => {
                write!(f, "others can read {0}: take new keys, or chmod 600 {0}", path.display())
            }
            Self::KeyMissing(path) => write!(f, "{} is missing beside the other keys", path.display()),
            Self::Random(why) => write!(f, "no random bytes: {why}"),
            Self::Exists(path) => write!(f, "{} exists, and nothing is overwritten", path.display()),
            Self::Home(why) => why.fmt(f),
        }
    }
}

impl std::error::Error for EnrolError {}

/// Names of the key files: of votes, of the network identity, of the operator, of hand-overs.
const KEYS: [&str; 4] = ["vote.key", "peer.key", "operator.key", HANDOVER_KEY];

/// What the keys are made of, in the order of [`KEYS`]; wiped when dropped.
struct Seeds {
    classical: [Zeroizing<[u8; 32]>; 3],
    handover: HandoverKey,
}

/// Writes the application, signed by the keys under `home` in `validators/NAME`: those that are
/// there, or fresh ones. Nothing is written where a rule is broken, and nothing is overwritten.
///
/// # Errors
/// [`EnrolError`].
pub fn enrol(home: &Path, application: &Application) -> Result<(), EnrolError> {
    let draft = read(&application.draft).map_err(EnrolError::Home)?;
    let draft = genesis_from_json(&draft).map_err(EnrolError::Draft)?;
    if application.out.symlink_metadata().is_ok() {
        return Err(EnrolError::Exists(application.out.clone()));
    }
    let folder = Home::new(home).validator(&application.name);
    let kept = kept(&Home::new(home), &application.name)?;
    let is_new = kept.is_none();
    let seeds = kept.map_or_else(fresh, Ok)?;
    let genesis = apply(draft, application, &seeds)?;
    let text = genesis_to_json(&genesis).map_err(EnrolError::Document)?;
    if is_new {
        keep(home, &folder, &seeds).map_err(EnrolError::Home)?;
    }
    write_new(&application.out, text.as_bytes()).map_err(EnrolError::Home)
}

/// The draft with this validator alone in it, signed and checked.
fn apply(draft: Genesis, application: &Application, seeds: &Seeds) -> Result<Genesis, EnrolError> {
    let [vote, peer, operator] = seeds.classical.each_ref().map(|seed| SecretKey::from_seed(seed));
    let validator = Validator {
        pubkey: vote.public(),
        power: power_of(application.stake),
        jurisdiction: application.jurisdiction,
        since_set: SetId(0),
        pq_key_hash: seeds.handover.hash(),
    };
    let mut enrolment = Enrolment {
        operator: application.operator.clone(),
        stake: application.stake,
        peer_key: peer.public(),
        operator_key: operator.public(),
        proofs: Proofs::MISSING,
    };
    let name = application.name.clone();
    let scope = enrolment.scope(&draft.network, &name, &validator);
    enrolment.proofs = Proofs::sign(scope, &vote, &peer, &operator);
    let member = GenesisValidator { name, validator, enrolment: Some(enrolment) };
    let genesis = Genesis { validators: vec![member], ..draft };
    // Proofs first: a stake below the least has no power, and that is the better reason.
    genesis.verify_enrolments().map_err(EnrolError::Rule)?;
    genesis.validator_set().map_err(EnrolError::Rule)?;
    Ok(genesis)
}

/// The keys that are there; none where none of them is.
fn kept(home: &Home, name: &str) -> Result<Option<Seeds>, EnrolError> {
    let folder = home.validator(name);
    let paths = KEYS.map(|file| folder.join(file));
    let there = paths.each_ref().map(|path| path.symlink_metadata().is_ok());
    if there == [false; 4] {
        return Ok(None);
    }
    if let Some((missing, _)) = paths.iter().zip(there).find(|(_, there)| !there) {
        return Err(EnrolError::KeyMissing(missing.clone()));
    }
    let open = |path: &&PathBuf| fs::metadata(path).is_ok_and(|found| found.mode() & 0o077 != 0);
    if let Some(open) = paths.iter().find(open) {
        return Err(EnrolError::Open(open.clone()));
    }
    let [vote, peer, operator, path] = paths;
    let [vote, peer, operator] = [vote, peer, operator].map(|path| seed(&path).map_err(EnrolError::Home));
    let handover = home.handover_key(name).map_err(EnrolError::Home)?;
    let handover = handover.ok_or(EnrolError::KeyMissing(path))?;
    Ok(Some(Seeds { classical: [vote?, peer?, operator?], handover }))
}

fn fresh() -> Result<Seeds, EnrolError> {
    let draw = || {
        let mut source = KeySource::start()?;
        Ok(([source.draw()?, source.draw()?, source.draw()?], source.draw_handover_key()?))
    };
    let (classical, handover) = draw().map_err(EnrolError::Random)?;
    let handover = HandoverKey::new(handover);
    let handover = handover.map_err(|_| EnrolError::Home(HomeError::Key(HANDOVER_KEY.into())))?;
    Ok(Seeds { classical, handover })
}

fn keep(home: &Path, folder: &Path, seeds: &Seeds) -> Result<(), HomeError> {
    for folder in [home, &home.join("validators"), folder] {
        if !folder.is_dir() {
            make_folder(folder)?;
        }
    }
    for (name, seed) in KEYS.iter().zip(&seeds.classical) {
        write_new(&folder.join(name), seed.as_slice())?;
    }
    seeds.handover.with_seed(|seed| write_new(&folder.join(HANDOVER_KEY), seed))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use qratum_chain::types::{ChainParams, EnrolmentFault, Purpose, Time};

    use super::*;
    use crate::testing::Scratch;

    fn draft() -> Genesis {
        Genesis {
            network: "net".to_owned(),
            demo: false,
            time: Time(1_800_000_000_000),
            params: ChainParams::default(),
            validators: Vec::new(),
            people: None,
        }
    }

    /// A draft in a folder, and an application to it.
    fn stage(folder: &Path) -> Application {
        let path = folder.join("draft.json");
        fs::write(&path, genesis_to_json(&draft()).unwrap()).unwrap();
        Application {
            draft: path,
            out: folder.join("north.json"),
            name: "north".to_owned(),
            operator: "acme".to_owned(),
            jurisdiction: Jurisdiction::new(*b"CH").unwrap(),
            stake: 309_999,
        }
    }

    fn made(application: &Application) -> Genesis {
        genesis_from_json(&fs::read(&application.out).unwrap()).unwrap()
    }

    #[test]
    fn an_application_is_the_draft_with_one_validator_and_the_same_keys_sign_again() {
        let folder = Scratch::new();
        let (home, mut application) = (folder.0.join("home"), stage(&folder.0));
        enrol(&home, &application).unwrap();
        let first = made(&application);
        assert_eq!(Genesis { validators: Vec::new(), ..first.clone() }, draft());
        first.verify_enrolments().unwrap();
        let [north] = first.validators.as_slice() else { panic!("{first:?}") };
        assert_eq!((north.name.as_str(), north.validator.power), ("north", 30));
        assert_eq!(Home::new(&home).vote_key("north").unwrap().public(), north.validator.pubkey);
        let handover = Home::new(&home).handover_key("north").unwrap().unwrap();
        assert_eq!(handover.hash(), north.validator.pq_key_hash);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let keys = home.join("validators/north");
        assert_eq!((mode(&home), mode(&keys)), (0o700, 0o700));
        assert!(KEYS.iter().all(|name| mode(&keys.join(name)) == 0o600));

        application.out = folder.0.join("again.json");
        application.stake = 400_000;
        enrol(&home, &application).unwrap();
        let again = made(&application);
        assert_eq!(again.validators[0].validator.pubkey, north.validator.pubkey);
        assert_eq!(again.validators[0].validator.pq_key_hash, north.validator.pq_key_hash);
        assert_eq!(again.validators[0].validator.power, 40);
        assert!(matches!(enrol(&home, &application), Err(EnrolError::Exists(_))));
    }

    #[test]
    fn nothing_is_made_where_a_rule_is_broken() {
        let folder = Scratch::new();
        let (home, good) = (folder.0.join("home"), stage(&folder.0));
        let fault = |application: Application| match enrol(&home, &application) {
            Err(EnrolError::Rule(why)) => why,
            other => panic!("{other:?}"),
        };
        let enrolment = |why| GenesisError::Enrolment("north".to_owned(), why);
        let stake = Application { stake: 9_999, ..good.clone() };
        assert_eq!(fault(stake), enrolment(EnrolmentFault::LeastStake(9_999)));
        let operator = Application { operator: "ACME".to_owned(), ..good.clone() };
        assert_eq!(fault(operator), enrolment(EnrolmentFault::Operator));
        let name = Application { name: "../x".to_owned(), ..good.clone() };
        assert_eq!(fault(name), GenesisError::Name("../x".to_owned()));
        assert!(!home.exists() && !good.out.exists());
    }

    #[test]
    fn keys_that_others_can_read_or_that_are_not_whole_are_refused() {
        let folder = Scratch::new();
        let (home, mut application) = (folder.0.join("home"), stage(&folder.0));
        enrol(&home, &application).unwrap();
        application.out = folder.0.join("again.json");
        let peer = home.join("validators/north/peer.key");
        fs::set_permissions(&peer, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(enrol(&home, &application), Err(EnrolError::Open(path)) if path == peer));
        fs::remove_file(&peer).unwrap();
        assert!(matches!(enrol(&home, &application), Err(EnrolError::KeyMissing(path)) if path == peer));
        // One key for two purposes.
        fs::copy(home.join("validators/north/vote.key"), &peer).unwrap();
        let twice = GenesisError::Enrolment("north".to_owned(), EnrolmentFault::KeyTwice(Purpose::Peer));
        assert!(matches!(enrol(&home, &application), Err(EnrolError::Rule(why)) if why == twice));
        assert!(!application.out.exists());
    }
}
