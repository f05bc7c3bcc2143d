//! What the operator of a validator orders: a new vote key, or to leave. Makes the transaction, signs
//! it with the operator key of the home, and waits until it is in a block.
//!
//! No validator is believed: a light node of its own proves how the registration stands before
//! anything is signed, and that the order is in a block before it is called done.

use core::{fmt, time::Duration};
use std::path::PathBuf;

use qratum_chain::{
    Hash,
    codec::{Decode, Encode},
    document::Statement,
    ledger::registry::{Order, Refusal, rotation_scope},
    types::{ChainId, Genesis, GenesisError, Height, Purpose, Registration, SetId, Txo, TxoBody, TxoClass},
};
use qratum_crypto::{rng::random, sign::ed25519::SecretKey};
use qratum_light_node::{
    Config, ConfigError, FetchError, LightNode, Outcome, Place, ProvenStatement, Proxies, StartError,
    SyncError, peers_from_json,
    wire::{Request, Response, Submission},
};
use tokio::time::{Instant, sleep};

use crate::{
    client::{Client, ClientError},
    home::{Home, HomeError, read},
    seeds::KeySource,
};

/// How often it is asked what became of the order.
const ASK_EVERY: Duration = Duration::from_millis(500);
/// How long peers have to lead to a verified block.
const SYNC: Duration = Duration::from_secs(15);

/// What is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// A new vote key.
    Rotate,
    /// To leave.
    Leave,
}

/// For which validator, and over which one.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The home directory.
    pub home: PathBuf,
    /// Name of the validator in genesis.
    pub name: String,
    /// Name of the validator that is asked to put the order into a block.
    pub over: String,
    /// How long to wait for that block.
    pub patience: Duration,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    /// The id of the transaction, under which anybody can have it proven.
    pub id: Hash,
    /// The block that the order stands in: proven.
    pub height: Height,
    /// The first set in which it shows.
    pub from_set: SetId,
}

/// Why nothing came of it.
#[derive(Debug)]
pub enum OperateError {
    /// The home, or a key in it.
    Home(HomeError),
    /// The genesis breaks a rule.
    Genesis(GenesisError),
    /// The list of peers.
    Peers(ConfigError),
    /// The pinned block of the home, in words.
    Anchor(String),
    /// No random bytes.
    Random(random::Error),
    /// There is no light node.
    Start(StartError),
    /// No peer led to a verified block.
    Unsynced(SyncError),
    /// How the registration stands could not be proven.
    Unproven(FetchError),
    /// The keys that could prove it are older than the trusting period.
    Expired,
    /// The chain has no validator of this name: proven.
    Unregistered(String),
    /// The operator key of the home is not the one that is registered.
    Stranger(String),
    /// The key that was ordered last does not vote yet.
    Rotating(SetId),
    /// The order was signed, and no validator took it.
    Unsent(ClientError),
    /// The order is refused.
    Refused(Refusal),
    /// Too much waits for a block.
    Busy,
    /// The order is in no block that could be proven; what was heard last.
    Waiting(String),
}

impl fmt::Display for OperateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Home(why) => why.fmt(f),
            Self::Genesis(why) => why.fmt(f),
            Self::Peers(why) => write!(f, "peers.json: {why}"),
            Self::Anchor(why) => f.write_str(why),
            Self::Random(why) => write!(f, "no random bytes: {why}"),
            Self::Start(why) => why.fmt(f),
            Self::Unsynced(why) => why.fmt(f),
            Self::Unproven(why) => write!(f, "how it is registered is not proven: {why}"),
            Self::Expired => f.write_str("the anchor of this home is expired: pin a newer block first"),
            Self::Unregistered(name) => write!(f, "the chain has no validator called {name:?}"),
            Self::Stranger(name) => {
                write!(f, "operator.key is not the key that is registered for the operator of {name}")
            }
            Self::Rotating(set) => write!(f, "the last new key votes from set {set} on: wait for it"),
            Self::Unsent(why) => why.fmt(f),
            Self::Refused(why) => write!(f, "the order is refused: {why}"),
            Self::Busy => f.write_str("too much waits for a block: try again later"),
            Self::Waiting(why) => write!(f, "the order is in no block that could be proven: {why}"),
        }?;
        write!(f, "\n{}", self.left())
    }
}

impl OperateError {
    /// What was done all the same.
    const fn left(&self) -> &'static str {
        match self {
            Self::Refused(_) | Self::Busy => "The order was signed and sent, and not taken: nothing changes",
            Self::Unsent(_) | Self::Waiting(_) => {
                "The order was signed and sent, and may still come into a block: the same command again tells"
            }
            _ => "Nothing was signed and nothing sent",
        }
    }
}

/// Carries out `wish`.
///
/// # Errors
/// [`OperateError`].
pub async fn operate(settings: &Settings, wish: Wish) -> Result<Done, OperateError> {
    let home = Home::new(&settings.home);
    let genesis = home.genesis().map_err(OperateError::Home)?;
    let peers = home.peers().map_err(OperateError::Home)?;
    let over = peers.into_iter().find(|peer| peer.name == settings.over);
    let over = over.ok_or_else(|| OperateError::Home(HomeError::Name(settings.over.clone())))?;
    let mut client = Client::new(over).map_err(OperateError::Unsent)?;
    let operator = home.operator_key(&settings.name).map_err(OperateError::Home)?;
    let node = follow(&settings.home, &home, genesis.clone()).await?;
    let done = async {
        let txo = transaction(settings, &home, (&genesis, &operator), (&node, wish)).await?;
        let id = txo.body.id();
        submit(&mut client, &txo).await?;
        included(&node, id, settings.patience).await
    };
    let done = done.await;
    node.stop().await;
    done
}

/// A light node on the home's network, which keeps nothing.
async fn follow(path: &std::path::Path, home: &Home, genesis: Genesis) -> Result<LightNode, OperateError> {
    let peers = read(&home.peers_path()).map_err(OperateError::Home)?;
    let peers = peers_from_json(&peers).map_err(OperateError::Peers)?;
    let anchor = Place::new(path.to_owned()).pinned().map_err(OperateError::Anchor)?;
    let config = Config { genesis, anchor, peers, proxies: Proxies::default(), home: None, keep: false };
    let node = LightNode::start(config).await.map_err(OperateError::Start)?;
    node.synced(SYNC).await.map_err(OperateError::Unsynced)?;
    Ok(node)
}

/// The order, signed, for a registration that is proven to stand as it does.
async fn transaction(
    settings: &Settings,
    home: &Home,
    (genesis, operator): (&Genesis, &SecretKey),
    (node, wish): (&LightNode, Wish),
) -> Result<Txo, OperateError> {
    let chain_id = genesis.chain_id().map_err(OperateError::Genesis)?;
    let now = standing(node, &settings.name).await?;
    if now.registration.operator_key != operator.public() {
        return Err(OperateError::Stranger(settings.name.clone()));
    }
    let order = match wish {
        Wish::Rotate => rotate(home, &settings.name, chain_id, &now)?,
        Wish::Leave => Order::Leave,
    };
    Ok(signed(operator, chain_id, now.registration.nonce, &order))
}

/// How the validator stands: proven.
struct Standing {
    registration: Registration,
    set_id: SetId,
}

async fn standing(node: &LightNode, name: &str) -> Result<Standing, OperateError> {
    let proven = node.state(&Registration::state_key(name)).await.map_err(OperateError::Unproven)?;
    if proven.checked.expired {
        return Err(OperateError::Expired);
    }
    let value = match &proven.proof.statement {
        Statement::State { value, .. } => value.as_deref(),
        Statement::Txo { .. } => None,
    };
    let registration = value.and_then(|value| Registration::from_bytes(value).ok());
    let registration = registration.ok_or_else(|| OperateError::Unregistered(name.to_owned()))?;
    Ok(Standing { registration, set_id: proven.checked.header.get().set_id })
}

/// The order for a new key, which is on disk before anybody hears of it. A key whose order did not
/// come into a block is used again; one that votes becomes the vote key of the home first.
fn rotate(home: &Home, name: &str, chain_id: ChainId, now: &Standing) -> Result<Order, OperateError> {
    let registration = &now.registration;
    let kept = home.next_vote_key(name).map_err(OperateError::Home)?;
    let fresh = match kept {
        Some(key) if key.public() != registration.vote_key => key,
        Some(_) if registration.since_set > now.set_id => {
            return Err(OperateError::Rotating(registration.since_set));
        }
        voting => {
            if let Some(key) = voting {
                home.promote_next_vote_key(name, &key.public()).map_err(OperateError::Home)?;
            }
            let seed =
                KeySource::start().and_then(|mut source| source.draw()).map_err(OperateError::Random)?;
            home.write_next_vote_key(name, &seed).map_err(OperateError::Home)?;
            SecretKey::from_seed(&seed)
        }
    };
    let (vote_key, scope) = (fresh.public(), rotation_scope(chain_id, name, registration.nonce));
    Ok(Order::Rotate { vote_key, proof: fresh.sign(&Purpose::Vote.possession(scope, &vote_key)) })
}

fn signed(operator: &SecretKey, chain_id: ChainId, nonce: u64, order: &Order) -> Txo {
    let (sender, payload) = (operator.public(), order.to_bytes());
    TxoBody { chain_id, sender: sender.into(), nonce, class: TxoClass::Network, payload }.sign(operator)
}

async fn submit(client: &mut Client, txo: &Txo) -> Result<(), OperateError> {
    match client.ask(Request::Submit(txo.to_bytes())).await.map_err(OperateError::Unsent)? {
        Response::Submitted(Submission::Accepted) => Ok(()),
        Response::Submitted(Submission::Refused(why)) => Err(OperateError::Refused(why)),
        Response::Submitted(Submission::Busy) => Err(OperateError::Busy),
        _ => Err(OperateError::Waiting("the validator that was asked answers something else".to_owned())),
    }
}

/// Waits until the transaction is proven to stand in a block.
async fn included(node: &LightNode, id: Hash, patience: Duration) -> Result<Done, OperateError> {
    let (end, mut lie) = (Instant::now() + patience, None);
    loop {
        let heard = match node.txo(id).await {
            Ok(Outcome::Included(proven)) => return Ok(done(id, &proven)),
            Ok(Outcome::Waiting) => "it waits, as a validator says".to_owned(),
            Err(why) => {
                // Whoever lied is asked no more, and its lie is what to tell of.
                lie = lie.or_else(|| matches!(why, FetchError::Rejected(_)).then(|| why.to_string()));
                why.to_string()
            }
        };
        if Instant::now() >= end {
            return Err(OperateError::Waiting(lie.unwrap_or(heard)));
        }
        sleep(ASK_EVERY).await;
    }
}

fn done(id: Hash, proven: &ProvenStatement) -> Done {
    let header = proven.checked.header.get();
    Done { id, height: header.height, from_set: SetId(header.set_id.0.saturating_add(1)) }
}
