//! Commands about people: who may do what, what was asked for, and acting oneself.

mod access;
mod account;
mod act;
mod ceremony;
mod ended;
mod policy;
mod request;
mod submit;

pub(crate) use act::finder;

use std::{sync::Arc, time::Duration};

use qratum_chain::{
    ledger::Draft,
    types::{BlockRef, CredentialStatus, Height},
};
use serde::Serialize;
use tokio::time::timeout;

use super::network::{Asking, block_on, late, lost};
use crate::{
    acting::{
        facts::Facts,
        gather::{Ungathered, gather},
        online::Online,
        plan::Want,
    },
    cli::{AccessCommand, AccountCommand, NetworkArgs, PeopleCommand, PolicyCommand, RequestCommand},
    exit::{Exit, Failure},
    home::Home,
};

/// Runs what was typed.
pub(super) fn run(home: &Home, command: PeopleCommand, json: bool) -> Result<Exit, Failure> {
    match command {
        PeopleCommand::Account { command: AccountCommand::List(args) } => account::list(home, &args, json),
        PeopleCommand::Account { command: AccountCommand::Show { name, network } } => {
            account::show(home, &name, &network, json)
        }
        PeopleCommand::Access { command: AccessCommand::Review { since, network } } => {
            access::review(home, Height(since), &network, json)
        }
        PeopleCommand::Policy { command: PolicyCommand::Show(args) } => policy::show(home, &args, json),
        PeopleCommand::Policy { command: PolicyCommand::Explain { request, network } } => {
            policy::explain(home, &request, &network, json)
        }
        PeopleCommand::Request { command } => match command {
            RequestCommand::List { all, network } => request::list(home, all, &network, json),
            RequestCommand::Show { id, network } => request::show(home, &id, &network, json),
            RequestCommand::Open(args) => act::open(home, &args, json),
            RequestCommand::Approve(args) => act::answer(home, &args, Want::Approve, json),
            RequestCommand::Reject(args) => act::answer(home, &args, Want::Reject, json),
        },
        PeopleCommand::Sign(args) => act::sign(home, &args, json),
        PeopleCommand::Submit(args) => submit::run(home, &args, json),
    }
}

/// The block that everything in a document is proven at, as `--json` prints it.
#[derive(Debug, Serialize)]
struct At {
    height: u64,
    block_id: String,
}

impl From<BlockRef> for At {
    fn from(at: BlockRef) -> Self {
        Self { height: at.height.0, block_id: at.block_id.to_string() }
    }
}

impl At {
    fn line(&self) -> String {
        format!("verified  at height {}, block {}\n", self.height, self.block_id)
    }
}

/// Starts a light node, waits for a verified head, and does something with it.
fn with_node<T>(
    home: &Home,
    args: &NetworkArgs,
    job: impl AsyncFnOnce(&Online, Duration) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let config = home.config_without_store()?;
    let chain_id = config.genesis.chain_id().map_err(|why| Failure::new(Exit::Usage, why.to_string()))?;
    block_on(async {
        let asking = Asking::start(config, args.timeout).await?;
        asking.synced().await.map_err(|error| lost(&error))?;
        let left = asking.left();
        job(&Online { node: Arc::new(asking.node), chain_id }, left).await
    })
}

/// The answer to a question about the newest verified state, and what it rests on.
fn asked<T>(
    home: &Home,
    args: &NetworkArgs,
    question: impl Fn(&Facts, &Draft<'_>) -> T,
) -> Result<(Facts, T), Failure> {
    with_node(home, args, async |online, left| {
        timeout(left, asked_of(online, question)).await.unwrap_or_else(|_| Err(late("")))
    })
}

async fn asked_of<T>(
    online: &Online,
    question: impl Fn(&Facts, &Draft<'_>) -> T,
) -> Result<(Facts, T), Failure> {
    let fetch = async |keys: &[Vec<u8>]| online.facts(keys).await;
    gather(fetch, question).await.map_err(|why| ungathered(&why))
}

fn ungathered(why: &Ungathered) -> Failure {
    Failure::new(Exit::Nothing, format!("{why}\nTry again; `qratum peers` shows who answers"))
}

/// That a chain has no people to ask about.
fn nobody() -> Failure {
    Failure::new(Exit::Nothing, "nobody can act on this chain: its genesis names no people")
}

/// The word for a credential whose counter went back says what it means.
const fn status(status: CredentialStatus) -> &'static str {
    match status {
        CredentialStatus::Cloned => "suspended: its counter went back, as that of a copied key does",
        other => other.word(),
    }
}
