//! Makes the home of a demo network: genesis, addresses on loopback, and fresh random keys.

use core::fmt;
use std::{
    io,
    net::{Ipv4Addr, TcpListener},
    path::Path,
};

use libp2p::{Multiaddr, identity::Keypair, multiaddr::Protocol};
use qratum_chain::{
    document::{DocumentError, genesis_to_json},
    types::{
        ChainParams, Enrolment, Genesis, GenesisError, GenesisValidator, Jurisdiction, People, Proofs,
        STAKE_UNIT, SetId, Time, Validator,
    },
};
use qratum_crypto::{rng::random, sign::ed25519::SecretKey};
use zeroize::Zeroizing;

use crate::{
    home::{HANDOVER_KEY, Home, HomeError, PeerAddress, claim_folder, make_folder, write_new},
    seeds::KeySource,
    signer::HandoverKey,
};

/// Names, powers and jurisdictions of the first members.
const FIRST: [(&str, u64, [u8; 2]); 4] =
    [("north", 30, *b"CH"), ("east", 25, *b"DE"), ("south", 25, *b"SG"), ("west", 20, *b"US")];
/// The most validators of a demo: they all run on one machine.
pub const MAX_VALIDATORS: u32 = 16;

/// What kind of demo network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The network's name: 1 to 32 of `a-z 0-9 -`.
    pub network: String,
    /// How many validators, 1 to [`MAX_VALIDATORS`].
    pub validators: u32,
    /// Blocks in a set.
    pub set_length: u64,
    /// Time between blocks, in milliseconds.
    pub block_interval_ms: u64,
    /// Who may act beside the operators; none: nobody may.
    pub people: Option<People>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            network: "demo".to_owned(),
            validators: 4,
            set_length: 20,
            block_interval_ms: 1000,
            people: None,
        }
    }
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demo {
    /// The genesis, as `genesis.json` has it.
    pub genesis: Genesis,
    /// The validators in index order, as `peers.json` has them.
    pub peers: Vec<PeerAddress>,
}

/// Why no demo was made.
#[derive(Debug)]
pub enum DemoError {
    /// Not 1 to [`MAX_VALIDATORS`] validators.
    Count(u32),
    /// The options break a rule of genesis.
    Genesis(GenesisError),
    /// The genesis could not be written as text.
    Document(DocumentError),
    /// There is no randomness for keys.
    Random(random::Error),
    /// No free port on loopback.
    Port(io::Error),
    /// A file or folder, among them a home that exists already.
    Home(HomeError),
}

impl fmt::Display for DemoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(n) => write!(f, "{n} validators: 1 to {MAX_VALIDATORS} are possible"),
            Self::Genesis(why) => why.fmt(f),
            Self::Document(why) => why.fmt(f),
            Self::Random(why) => write!(f, "no random bytes: {why}"),
            Self::Port(why) => write!(f, "no free port: {why}"),
            Self::Home(why) => why.fmt(f),
        }
    }
}

impl std::error::Error for DemoError {}

/// Makes `home`, which must not exist or be empty, for a network whose genesis has the time `now`.
///
/// # Errors
/// [`DemoError`]. A home that holds something is left as it is.
pub fn create(home: &Path, now: Time, options: &Options) -> Result<Demo, DemoError> {
    if !(1..=MAX_VALIDATORS).contains(&options.validators) {
        return Err(DemoError::Count(options.validators));
    }
    let mut source = KeySource::start().map_err(DemoError::Random)?;
    let seeds = (0..options.validators).map(|_| Seeds::draw(&mut source));
    let seeds: Vec<Seeds> = seeds.collect::<Result<_, _>>()?;
    let genesis = genesis(&seeds, now, options);
    genesis.validator_set().map_err(DemoError::Genesis)?;
    genesis.verify_enrolments().map_err(DemoError::Genesis)?;
    let peers = addresses(&genesis, &seeds)?;
    write(&Home::new(home), home, &genesis, &peers, &seeds)?;
    Ok(Demo { genesis, peers })
}

/// What the keys of a validator are made of; wiped when dropped.
struct Seeds {
    vote: Zeroizing<[u8; 32]>,
    peer: Zeroizing<[u8; 32]>,
    operator: Zeroizing<[u8; 32]>,
    handover: HandoverKey,
}

impl Seeds {
    fn draw(source: &mut KeySource) -> Result<Self, DemoError> {
        let mut draw = || source.draw().map_err(DemoError::Random);
        let (vote, peer, operator) = (draw()?, draw()?, draw()?);
        let handover = HandoverKey::new(source.draw_handover_key().map_err(DemoError::Random)?)
            .map_err(|_| DemoError::Home(HomeError::Key(HANDOVER_KEY.into())))?;
        Ok(Self { vote, peer, operator, handover })
    }

    /// The member with these keys. In a demo each validator has an operator of its own, called
    /// like it.
    fn member(&self, network: &str, name: String, validator: Validator) -> GenesisValidator {
        let [vote, peer, operator] =
            [&self.vote, &self.peer, &self.operator].map(|seed| SecretKey::from_seed(seed));
        let mut enrolment = Enrolment {
            operator: name.clone(),
            stake: validator.power.saturating_mul(STAKE_UNIT),
            peer_key: peer.public(),
            operator_key: operator.public(),
            proofs: Proofs::MISSING,
        };
        let scope = enrolment.scope(network, &name, &validator);
        enrolment.proofs = Proofs::sign(scope, &vote, &peer, &operator);
        GenesisValidator { name, validator, enrolment: Some(enrolment) }
    }
}

fn genesis(seeds: &[Seeds], now: Time, options: &Options) -> Genesis {
    let validators = (0usize..).zip(seeds).map(|(index, seeds)| {
        let (name, power, letters) = match FIRST.get(index) {
            Some((name, power, letters)) => ((*name).to_owned(), *power, *letters),
            None => (format!("v{}", index + 1), 20, *b"CH"),
        };
        Jurisdiction::new(letters).map(|jurisdiction| {
            let validator = Validator {
                pubkey: SecretKey::from_seed(&seeds.vote).public(),
                power,
                jurisdiction,
                since_set: SetId(0),
                pq_key_hash: seeds.handover.hash(),
            };
            seeds.member(&options.network, name, validator)
        })
    });
    Genesis {
        network: options.network.clone(),
        demo: true,
        time: now,
        params: ChainParams {
            set_length: options.set_length,
            block_interval_ms: options.block_interval_ms,
            ..ChainParams::default()
        },
        validators: validators.flatten().collect(),
        people: options.people.clone(),
    }
}

/// A free port for each: all are held until the last is found, so that none is given twice.
fn addresses(genesis: &Genesis, seeds: &[Seeds]) -> Result<Vec<PeerAddress>, DemoError> {
    let mut held = Vec::new();
    let mut peers = Vec::new();
    for (member, seeds) in genesis.validators.iter().zip(seeds) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(DemoError::Port)?;
        let port = listener.local_addr().map_err(DemoError::Port)?.port();
        held.push(listener);
        let key = Keypair::ed25519_from_bytes(seeds.peer.clone().as_mut_slice());
        let key = key.map_err(|_| DemoError::Home(HomeError::Key("peer.key".into())))?;
        peers.push(PeerAddress {
            name: member.name.clone(),
            operator: Some(member.name.clone()),
            id: key.public().to_peer_id(),
            address: Multiaddr::from(Ipv4Addr::LOCALHOST).with(Protocol::Tcp(port)),
        });
    }
    Ok(peers)
}

fn write(
    home: &Home,
    path: &Path,
    genesis: &Genesis,
    peers: &[PeerAddress],
    seeds: &[Seeds],
) -> Result<(), DemoError> {
    let text = genesis_to_json(genesis).map_err(DemoError::Document)?;
    let files = || {
        claim_folder(path)?;
        make_folder(&home.run())?;
        make_folder(&path.join("validators"))?;
        write_new(&home.genesis_path(), text.as_bytes())?;
        home.write_peers(peers)?;
        for (member, seeds) in genesis.validators.iter().zip(seeds) {
            let folder = home.validator(&member.name);
            make_folder(&folder)?;
            write_new(&folder.join("vote.key"), seeds.vote.as_slice())?;
            write_new(&folder.join("peer.key"), seeds.peer.as_slice())?;
            write_new(&folder.join("operator.key"), seeds.operator.as_slice())?;
            seeds.handover.with_seed(|seed| write_new(&folder.join(HANDOVER_KEY), seed))?;
        }
        Ok(())
    };
    files().map_err(DemoError::Home)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::{home::peer_id, testing::Scratch};

    const NOW: Time = Time(1_800_000_000_000);

    #[test]
    fn a_demo_can_be_read_back_and_is_its_owners_alone() {
        let folder = Scratch::new();
        let path = folder.0.join("home");
        let demo = create(&path, NOW, &Options { validators: 5, ..Options::default() }).unwrap();
        let home = Home::new(&path);
        assert_eq!(home.genesis().unwrap(), demo.genesis);
        assert_eq!(home.peers().unwrap(), demo.peers);
        let names: Vec<_> =
            demo.genesis.validators.iter().map(|v| (v.name.as_str(), v.validator.power)).collect();
        assert_eq!(names, [("north", 30), ("east", 25), ("south", 25), ("west", 20), ("v5", 20)]);
        for (member, peer) in demo.genesis.validators.iter().zip(&demo.peers) {
            assert_eq!(home.vote_key(&member.name).unwrap().public(), member.validator.pubkey);
            assert_eq!(home.peer_key(&member.name).unwrap().public().to_peer_id(), peer.id);
            let enrolment = member.enrolment.as_ref().unwrap();
            assert_eq!(home.operator_key(&member.name).unwrap().public(), enrolment.operator_key);
            assert_eq!(peer_id(&enrolment.peer_key), Some(peer.id));
            let handover = home.handover_key(&member.name).unwrap().unwrap();
            assert_eq!(handover.hash(), member.validator.pq_key_hash);
        }
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&home.run()), mode(&home.validator("v5"))), (0o700, 0o700, 0o700));
        let files = [home.genesis_path(), home.peers_path(), home.validator("v5").join("vote.key")];
        assert_eq!(files.map(|file| mode(&file)), [0o600; 3]);
    }

    #[test]
    fn an_empty_home_is_taken_and_one_that_holds_something_is_left_alone() {
        let folder = Scratch::new();
        let empty = folder.0.join("empty");
        std::fs::create_dir(&empty).unwrap();
        create(&empty, NOW, &Options::default()).unwrap();
        assert_eq!(std::fs::metadata(&empty).unwrap().permissions().mode() & 0o777, 0o700);
        let error = create(&folder.0, NOW, &Options::default()).unwrap_err();
        assert!(
            matches!(error, DemoError::Home(HomeError::Io(_, why)) if why.kind() == io::ErrorKind::AlreadyExists)
        );
        assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 1);
    }

    #[test]
    fn impossible_options_are_refused_before_anything_is_made() {
        let folder = Scratch::new();
        let path = folder.0.join("home");
        let refused = |options: Options| create(&path, NOW, &options).unwrap_err();
        assert!(matches!(refused(Options { validators: 0, ..Options::default() }), DemoError::Count(0)));
        assert!(matches!(refused(Options { validators: 17, ..Options::default() }), DemoError::Count(17)));
        let named = Options { network: "Demo!".to_owned(), ..Options::default() };
        assert!(matches!(refused(named), DemoError::Genesis(GenesisError::Name(_))));
        assert!(!path.exists());
    }
}
