//! What the operator of a validator orders: a new vote key, or to leave. Makes the transaction, signs
//! it with the operator key of the home, and waits until a validator says that it is in a block.

use core::{fmt, time::Duration};
use std::path::PathBuf;

use qratum_chain::{
    codec::{Decode, Encode},
    ledger::registry::{Order, Refusal, rotation_scope},
    types::{ChainId, GenesisError, Height, Purpose, Registration, SetId, Txo, TxoBody, TxoClass},
};
use qratum_crypto::sign::ed25519::SecretKey;
use qratum_light_node::wire::{Request, Response, Submission};
use tokio::time::sleep;

use crate::{
    client::{Client, ClientError},
    home::{Home, HomeError, random_seed},
};

/// How often a validator is asked what became of the order, and how many times.
const ASK_EVERY: Duration = Duration::from_millis(500);
const QUESTIONS: u32 = 120;

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
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    /// The block that the order stands in, as the validator says.
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
    /// No random bytes.
    Random(getrandom::Error),
    /// The validator could not be asked.
    Client(ClientError),
    /// The validator does not have it, or answers something else.
    NoAnswer(&'static str),
    /// The order is refused.
    Refused(Refusal),
    /// Too much waits for a block.
    Busy,
    /// The key that was ordered last does not vote yet.
    Rotating(SetId),
    /// The order is in no block yet; its transaction may still come into one.
    Waiting,
}

impl fmt::Display for OperateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Home(why) => why.fmt(f),
            Self::Genesis(why) => why.fmt(f),
            Self::Random(why) => write!(f, "no random bytes: {why}"),
            Self::Client(why) => why.fmt(f),
            Self::NoAnswer(what) => write!(f, "the validator that was asked does not have {what}"),
            Self::Refused(why) => write!(f, "the order is refused: {why}"),
            Self::Busy => f.write_str("too much waits for a block: try again later"),
            Self::Rotating(set) => write!(f, "the last new key votes from set {set} on: wait for it"),
            Self::Waiting => f.write_str("the order is in no block yet: ask again with the same command"),
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
    let chain_id = genesis.chain_id().map_err(OperateError::Genesis)?;
    let peers = home.peers().map_err(OperateError::Home)?;
    let over = peers.into_iter().find(|peer| peer.name == settings.over);
    let over = over.ok_or_else(|| OperateError::Home(HomeError::Name(settings.over.clone())))?;
    let mut client = Client::new(over).map_err(OperateError::Client)?;
    let now = standing(&mut client, &settings.name).await?;
    let order = match wish {
        Wish::Rotate => rotate(&home, &settings.name, chain_id, &now)?,
        Wish::Leave => Order::Leave,
    };
    let operator = home.operator_key(&settings.name).map_err(OperateError::Home)?;
    submit(&mut client, signed(&operator, chain_id, now.registration.nonce, &order)).await
}

/// How the validator stands, as another one says.
struct Standing {
    registration: Registration,
    set_id: SetId,
}

async fn standing(client: &mut Client, name: &str) -> Result<Standing, OperateError> {
    let tip = client.ask(Request::Tip).await.map_err(OperateError::Client)?;
    let Response::Block(tip) = tip else { return Err(OperateError::NoAnswer("a block")) };
    let key = Registration::state_key(name);
    let answer = client.ask(Request::State(key)).await.map_err(OperateError::Client)?;
    let Response::State { value: Some(value), .. } = answer else {
        return Err(OperateError::NoAnswer("this validator in its registry"));
    };
    let registration = Registration::from_bytes(&value);
    let registration = registration.map_err(|_| OperateError::NoAnswer("a registration"))?;
    Ok(Standing { registration, set_id: tip.header.set_id })
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
            if voting.is_some() {
                home.promote_next_vote_key(name).map_err(OperateError::Home)?;
            }
            let seed = random_seed().map_err(OperateError::Random)?;
            home.write_next_vote_key(name, &seed).map_err(OperateError::Home)?;
            SecretKey::from_seed(&seed)
        }
    };
    let (vote_key, scope) = (fresh.public(), rotation_scope(chain_id, name, registration.nonce));
    Ok(Order::Rotate { vote_key, proof: fresh.sign(&Purpose::Vote.possession(scope, &vote_key)) })
}

fn signed(operator: &SecretKey, chain_id: ChainId, nonce: u64, order: &Order) -> Txo {
    let (sender, payload) = (operator.public(), order.to_bytes());
    TxoBody { chain_id, sender, nonce, class: TxoClass::Network, payload }.sign(operator)
}

async fn submit(client: &mut Client, txo: Txo) -> Result<Done, OperateError> {
    match client.ask(Request::Submit(txo.to_bytes())).await.map_err(OperateError::Client)? {
        Response::Submitted(Submission::Accepted) => {}
        Response::Submitted(Submission::Refused(why)) => return Err(OperateError::Refused(why)),
        Response::Submitted(Submission::Busy) => return Err(OperateError::Busy),
        _ => return Err(OperateError::NoAnswer("an answer to the order")),
    }
    let id = txo.body.id();
    for _ in 0..QUESTIONS {
        let answer = client.ask(Request::Txo(id)).await.map_err(OperateError::Client)?;
        if let Response::Txo(Some(found)) = answer {
            let block = client.ask(Request::Block(found.height)).await.map_err(OperateError::Client)?;
            let Response::Block(block) = block else { return Err(OperateError::NoAnswer("its block")) };
            let from_set = SetId(block.header.set_id.0.saturating_add(1));
            return Ok(Done { height: found.height, from_set });
        }
        sleep(ASK_EVERY).await;
    }
    Err(OperateError::Waiting)
}
