//! How is it told what became of transactions that were handed over?

use qratum_chain::types::Txo;
use qratum_light_node::{Config, Delivered, Peer, Report, Tried};
use serde::Serialize;
use tokio::time::timeout;

use super::network::{Asking, lost, unfetched};
use crate::{
    exit::{Exit, Failure},
    output,
};

/// What is left where no channel leads anywhere.
const LAST_RESORT: &str = "qratum bundle export FILE --txo TXO, and qratum bundle submit FILE on a machine that reaches a validator";

/// What became of them, as `--json` prints it.
#[derive(Debug, Serialize)]
pub(super) struct Deliveries {
    schema: &'static str,
    transactions: Vec<DeliveryJson>,
    /// What to do with those that nobody has; null where there are none.
    last_resort: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct DeliveryJson {
    id: String,
    outcome: &'static str,
    /// Of the block that has it, verified.
    height: Option<u64>,
    /// The validators that say that it waits, though it was not handed to them; unverified.
    seen_by: Vec<String>,
    tried: Vec<TriedJson>,
}

#[derive(Debug, Serialize)]
struct TriedJson {
    peer: String,
    channel: &'static str,
    failure: Option<&'static str>,
    text: Option<String>,
}

impl Deliveries {
    /// Hands them over, one after the other, as their order may matter.
    pub(super) async fn of(config: Config, transactions: &[Txo], seconds: u64) -> Result<Self, Failure> {
        let peers = config.peers.clone();
        let asking = Asking::start(config, seconds).await?;
        let done = match asking.synced().await {
            Ok(_) => each(&asking, transactions, &peers).await,
            Err(error) => Err(lost(&error)),
        };
        asking.node.stop().await;
        let transactions = done?;
        let left = transactions.iter().any(|one| one.outcome == "undelivered");
        let last_resort = left.then_some(LAST_RESORT);
        Ok(Self { schema: "qratum/delivery/v1", transactions, last_resort })
    }

    /// Prints it; whether all stand in blocks. What waits does so by the word of others alone.
    pub(super) fn print(&self, json: bool) -> Result<Exit, Failure> {
        if json {
            output::json(self)?;
        } else {
            output::lines(&self.page())?;
        }
        let all = self.transactions.iter().all(|one| one.height.is_some());
        Ok(if all { Exit::Done } else { Exit::Nothing })
    }

    fn page(&self) -> String {
        let mut page = String::new();
        for DeliveryJson { id, outcome, height, seen_by, tried } in &self.transactions {
            let how = match (height, seen_by.as_slice()) {
                (Some(height), _) => format!("in block {height}, verified"),
                (None, []) => (*outcome).to_owned(),
                (None, peers) => format!("it waits for a block, say {} (unverified)", peers.join(", ")),
            };
            page.push_str(&format!("txo       {id}\n          {how}\n"));
            for TriedJson { peer, channel, text, .. } in tried {
                let text = text.as_deref().unwrap_or("took it");
                page.push_str(&format!("          {peer} by {channel}: {text}\n"));
            }
        }
        if let Some(next) = self.last_resort {
            page.push_str(&format!("No channel is left. By hand: {next}\n"));
        }
        page
    }
}

async fn each(asking: &Asking, transactions: &[Txo], peers: &[Peer]) -> Result<Vec<DeliveryJson>, Failure> {
    let mut done = Vec::new();
    for txo in transactions {
        let about = format!("{} of {} transactions were handed over; then ", done.len(), transactions.len());
        match timeout(asking.left(), asking.node.deliver(txo)).await {
            Ok(Ok(report)) => done.push(DeliveryJson::of(txo, &report, peers)),
            Ok(Err(error)) => return Err(unfetched(&about, &error)),
            Err(_) => {
                let next = "Try again with a longer --timeout: what stands in a block is found there";
                return Err(Failure::new(Exit::Nothing, format!("{about}the time was over\n{next}")));
            }
        }
    }
    Ok(done)
}

impl DeliveryJson {
    fn of(txo: &Txo, report: &Report, peers: &[Peer]) -> Self {
        let name = |peer: usize| peers.get(peer).map(|peer| peer.name.clone()).unwrap_or_default();
        let (outcome, height, seen_by) = match &report.delivered {
            Some(Delivered::Included(proven)) => {
                ("included", Some(proven.checked.header.get().height.0), Vec::new())
            }
            Some(Delivered::Waits { seen_by }) => {
                ("waits", None, seen_by.iter().map(|peer| name(*peer)).collect())
            }
            None => ("undelivered", None, Vec::new()),
        };
        let tried = report.tried.iter().map(|Tried { lane, failure }| TriedJson {
            peer: name(lane.peer),
            channel: lane.channel.name(),
            failure: failure.as_ref().map(|failure| failure.name()),
            text: failure.as_ref().map(ToString::to_string),
        });
        Self { id: txo.body.id().to_string(), outcome, height, seen_by, tried: tried.collect() }
    }
}
