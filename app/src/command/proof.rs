//! `qratum proof`: what the chain commits to, with the proof that convinces others.

use std::{future::Future, path::PathBuf};

use qratum_chain::{
    Hash,
    codec::Decode,
    document::Statement,
    types::{ChainParams, Engine, Genesis, Registration},
};
use qratum_light_node::{FetchError, LightNode, Outcome, ProvenStatement};
use tokio::time::timeout;

use super::{
    header,
    network::{Asking, block_on, late, lost, unfetched},
};
use crate::{
    cli::{NetworkArgs, ProofCommand},
    exit::{Exit, Failure},
    hex,
    home::Home,
    output, time,
};

/// Fetches what was asked for, has it verified, prints it.
pub(crate) fn run(home: Option<PathBuf>, command: &ProofCommand, json: bool) -> Result<Exit, Failure> {
    let home = Home::resolve(home)?;
    match command {
        ProofCommand::Header(args) => header::run(&home, args, json),
        ProofCommand::State { key, network } => state(&home, key, network, json),
        ProofCommand::Validator { name, network } => {
            state(&home, &Registration::state_key(name), network, json)
        }
        ProofCommand::Txo { id, network } => txo(&home, *id, network, json),
    }
}

fn state(home: &Home, key: &[u8], args: &NetworkArgs, json: bool) -> Result<Exit, Failure> {
    let proven = ask(home, args, async |node| node.state(key).await)?;
    print(&proven, json)
}

fn txo(home: &Home, id: Hash, args: &NetworkArgs, json: bool) -> Result<Exit, Failure> {
    match ask(home, args, async |node| node.txo(id).await)? {
        Outcome::Included(proven) => print(&proven, json),
        Outcome::Waiting => {
            let text = "a peer says that it waits for a block (unverified)\nTry again in a moment";
            Err(Failure::new(Exit::Nothing, text))
        }
    }
}

/// A light node of its own, a verified head, and one question.
pub(super) fn ask<T>(
    home: &Home,
    args: &NetworkArgs,
    question: impl AsyncFnOnce(&LightNode) -> Result<T, FetchError>,
) -> Result<T, Failure> {
    let config = home.config_without_store()?;
    block_on(async {
        let asking = Asking::start(config, args.timeout).await?;
        let answer = match asking.synced().await {
            Ok(_) => within(&asking, question(&asking.node)).await,
            Err(error) => Err(lost(&error)),
        };
        asking.node.stop().await;
        answer
    })
}

async fn within<T>(
    asking: &Asking,
    question: impl Future<Output = Result<T, FetchError>>,
) -> Result<T, Failure> {
    match timeout(asking.left(), question).await {
        Ok(answer) => answer.map_err(|error| unfetched("", &error)),
        Err(_) => Err(late("")),
    }
}

fn print(proven: &ProvenStatement, json: bool) -> Result<Exit, Failure> {
    if json {
        let text = proven.proof.to_json().map_err(|error| Failure::new(Exit::Error, error.to_string()))?;
        output::json_text(&text)?;
    } else {
        output::lines(&page(proven))?;
    }
    Ok(if proven.checked.expired { Exit::Expired } else { Exit::Done })
}

fn page(proven: &ProvenStatement) -> String {
    let header = proven.checked.header.get();
    let verdict = if proven.checked.expired { "chains, but the anchor is expired" } else { "verified" };
    let (height, id, at) = (header.height, header.id(), time::format(header.time));
    format!(
        "verdict   {verdict}\nheight    {height}, {at}\nblock id  {id}\n{}",
        told(&proven.proof.statement)
    )
}

/// What a statement says, in words.
pub(super) fn told(statement: &Statement) -> String {
    match statement {
        Statement::Txo { txo, index, .. } => {
            format!("txo       {} stands there at {index}\n", txo.body.id())
        }
        Statement::State { key, value, .. } => {
            let key = readable(key);
            let Some(value) = value else { return format!("state     nothing under {key}\n") };
            let plain = format!("state     under {key}\nvalue     {}\n", readable(value));
            match Registration::from_bytes(value) {
                Ok(entry) if key.starts_with("validator/") => return registration(&key, &entry),
                _ => {}
            }
            match ChainParams::from_bytes(value) {
                Ok(entry) if key.as_bytes() == Genesis::PARAMS_KEY => params(&key, &entry),
                _ => plain,
            }
        }
    }
}

fn registration(key: &str, entry: &Registration) -> String {
    let rows = [
        ("state", format!("under {key}")),
        ("operator", format!("{}, {}", entry.operator, entry.jurisdiction)),
        ("stake", entry.stake.to_string()),
        ("status", format!("{:?}", entry.status).to_lowercase()),
        ("vote key", entry.vote_key.to_string()),
        ("since set", entry.since_set.to_string()),
        ("nonce", entry.nonce.to_string()),
    ];
    rows.iter().map(|(name, value)| format!("{name:<9} {value}\n")).collect()
}

fn params(key: &str, entry: &ChainParams) -> String {
    let engine = match entry.engine {
        Engine::Tendermint => "tendermint".to_owned(),
        Engine::HotStuff { chain, rule } => format!("hotstuff, chain {chain}, {rule:?}"),
    };
    let unbonding = format!("{} sets and {}", entry.unbonding_sets, time::age(entry.unbonding_ms));
    let rows = [
        ("state", format!("under {key}")),
        ("set", format!("{} blocks", entry.set_length)),
        ("block", format!("each {} ms", entry.block_interval_ms)),
        ("unbonding", format!("the later of {unbonding}")),
        ("trusting", time::age(entry.trusting_period_ms)),
        ("drift", format!("{} ms", entry.clock_drift_ms)),
        ("engine", engine),
    ];
    rows.iter().map(|(name, value)| format!("{name:<9} {value}\n")).collect()
}

/// Text where it is plain, else hex.
fn readable(bytes: &[u8]) -> String {
    let plain = !bytes.is_empty() && bytes.iter().all(|byte| (b' '..0x7f).contains(byte));
    let text = || String::from_utf8_lossy(bytes).into_owned();
    if plain { text() } else { format!("0x{}", hex::of(bytes)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::tests::stage::genesis;

    #[test]
    fn the_parameters_of_a_chain_are_told_in_words() {
        let key = Genesis::PARAMS_KEY.to_vec();
        let (value, proof) = genesis().state().unwrap().prove(&key).unwrap();
        let page = told(&Statement::State { key, value, proof });
        let rows = [
            "state     under params",
            "set       90205 blocks",
            "block     each 1000 ms",
            "unbonding the later of 21 sets and 21 d 0 h",
            "trusting  14 d 0 h",
            "drift     10000 ms",
            "engine    tendermint",
        ];
        assert_eq!(page.lines().collect::<Vec<_>>(), rows);
    }
}
