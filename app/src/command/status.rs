//! `qratum status`: what is verified now?

use qratum_chain::types::Genesis;
use qratum_light_node::{Ban, PeerView, Refusal, StoreState, Witnesses};
use qratum_verifier::{anchor::Start, detect::Fork, witness};
use serde::Serialize;

use super::{
    network::{Answer, block_on},
    voting::{AccusedJson, SilentJson, VotingJson},
};
use crate::{
    cli::NetworkArgs,
    exit::{Exit, Failure},
    home::Home,
    model::head_of,
    output,
    output::names,
    time,
};

/// The status, as `--json` prints it. Powers are sums of voting power.
#[derive(Debug, Serialize)]
struct Status {
    schema: &'static str,
    state: &'static str,
    /// How far the local clock is ahead, about; null while it is fine.
    clock_offset_ms: Option<i64>,
    /// Null until a head was verified.
    verified_height: Option<u64>,
    /// Whether peers led to it, or only this home has kept it.
    verified_from: Option<&'static str>,
    /// What became of the store.
    store: &'static str,
    /// What is wrong with it; null while nothing is.
    store_fault: Option<String>,
    /// The highest that was verified in this home before.
    verified_before: Option<u64>,
    block_id: Option<String>,
    time_ms: Option<u64>,
    age_ms: Option<u64>,
    round: Option<u32>,
    set_id: Option<u64>,
    signed: Option<u128>,
    total: Option<u128>,
    signers: Vec<String>,
    #[serde(flatten)]
    silent: SilentJson,
    voting: Option<VotingJson>,
    accused: Vec<AccusedJson>,
    /// Null while no fork was seen.
    fork: Option<ForkJson>,
    witnesses: WitnessesJson,
    network: String,
    chain_id: String,
    demo: bool,
    peers: Vec<PeerJson>,
    anchor: AnchorJson,
    refusals: Vec<RefusalJson>,
}

/// A pinned peer as seen from here.
#[derive(Debug, Serialize)]
pub(super) struct PeerJson {
    pub(super) name: String,
    pub(super) operator: String,
    /// Who says so: the chain, for enrolled peers, or the configuration.
    pub(super) operator_source: &'static str,
    pub(super) connected: bool,
    /// Not verified.
    claimed_height: Option<u64>,
    demerits: u32,
    ban: Option<BanJson>,
}

/// Why a peer is asked nothing, and how long.
#[derive(Debug, Serialize)]
struct BanJson {
    reason: &'static str,
    text: String,
    at_ms: u64,
    until_ms: u64,
    count: u32,
}

/// Who else has the block of a height.
#[derive(Debug, Serialize)]
struct WitnessesJson {
    height: u64,
    operators: Vec<String>,
    may_arm: bool,
}

/// Two certified blocks at one height.
#[derive(Debug, Serialize)]
struct ForkJson {
    height: u64,
    block_ids: [String; 2],
    /// The last height of both branches; null where that is not known.
    common_height: Option<u64>,
}

impl ForkJson {
    fn of(fork: &Fork) -> Self {
        Self {
            height: fork.height().0,
            block_ids: fork.blocks().map(|block| block.id().to_string()),
            common_height: fork.common().map(|common| common.header().get().height.0),
        }
    }
}

#[derive(Debug, Serialize)]
struct AnchorJson {
    height: u64,
    block_id: String,
    time_ms: u64,
}

/// Something a peer did that was not accepted.
#[derive(Debug, Serialize)]
pub(super) struct RefusalJson {
    peer: String,
    reason: &'static str,
    text: String,
    at_ms: u64,
    count: u32,
}

/// Waits for a verified head and prints it; without one, prints what is known all the same.
pub(crate) fn run(home: &Home, args: &NetworkArgs, json: bool) -> Result<Exit, Failure> {
    let config = home.config_without_store()?;
    let genesis = config.genesis.clone();
    let (start, _) = home.start()?;
    let answer = block_on(Answer::of(config, args.timeout))?;
    let status = Status::of(&answer, genesis, &start);
    if json {
        output::json(&status)?;
    } else {
        output::lines(&status.page())?;
    }
    Ok(answer.exit())
}

/// What is wrong with the store, in words.
fn store_fault(state: &StoreState) -> Option<String> {
    match state {
        StoreState::Failed(why) => Some(why.clone()),
        StoreState::RolledBack { found, highest } => {
            Some(format!("it leads to height {found}, and {highest} was verified before"))
        }
        StoreState::None | StoreState::InUse | StoreState::Kept { .. } => None,
    }
}

fn anchor_of(start: &Start) -> AnchorJson {
    let header = start.anchor.header().get();
    let block_id = start.anchor.id().to_string();
    AnchorJson { height: header.height.0, block_id, time_ms: header.time.0 }
}

impl Status {
    fn of(answer: &Answer, genesis: Genesis, start: &Start) -> Self {
        let (snapshot, store) = (answer.snapshot.as_ref(), &answer.kept.state);
        let head = head_of(snapshot);
        let header = head.map(|head| head.header().get());
        let tally = head.map(|head| head.tally());
        Self {
            schema: "qratum/status/v1",
            state: snapshot.state.word(),
            clock_offset_ms: snapshot.clock_offset_ms,
            verified_height: header.map(|header| header.height.0),
            verified_from: head.map(|_| if answer.is_old { "home" } else { "network" }),
            store: store.word(),
            store_fault: store_fault(store),
            verified_before: snapshot.before.map(|height| height.0),
            block_id: head.map(|head| head.id().to_string()),
            time_ms: header.map(|header| header.time.0),
            age_ms: header.map(|header| time::since(header.time, time::now())),
            round: header.map(|header| header.round.0),
            set_id: header.map(|header| header.set_id.0),
            signed: tally.map(|tally| tally.signed),
            total: tally.map(|tally| tally.total),
            signers: head.map(|head| crate::model::signers(head, &snapshot.names)).unwrap_or_default(),
            silent: SilentJson::of(&snapshot.voting, &snapshot.names),
            voting: VotingJson::of(&snapshot.voting),
            accused: AccusedJson::all(&snapshot.voting, &snapshot.names),
            fork: snapshot.fork.as_deref().map(ForkJson::of),
            witnesses: WitnessesJson::from(&snapshot.witnesses),
            network: genesis.network,
            chain_id: start.rules.chain_id.to_string(),
            demo: genesis.demo,
            peers: snapshot.peers.iter().map(PeerJson::from).collect(),
            anchor: anchor_of(start),
            refusals: snapshot.refusals.iter().map(RefusalJson::from).collect(),
        }
    }

    fn page(&self) -> String {
        let mut page = format!("network   {}{}\n", self.network, if self.demo { "  (demo)" } else { "" });
        page.push_str(&format!("state     {}\n", self.state));
        if let Some(offset) = self.clock_offset_ms {
            page.push_str(&format!("clock     {}\n", time::offset(offset)));
        }
        match (self.verified_height, &self.block_id, self.age_ms) {
            (Some(height), Some(id), Some(age)) => {
                let old =
                    if self.is_old() { ", as this home has kept it: no peer led to a block" } else { "" };
                page.push_str(&format!(
                    "verified  height {height}, {} old{old}\nblock id  {id}\n",
                    time::age(age)
                ));
                let (signed, total) = (self.signed.unwrap_or(0), self.total.unwrap_or(0));
                let names = names(&self.signers, ", ");
                page.push_str(&format!("signed    {signed} of {total} power: {names}\n"));
            }
            _ => page.push_str("verified  nothing yet\n"),
        }
        for (label, line) in [
            ("votes    ", self.voting.as_ref().and_then(VotingJson::line)),
            ("silent   ", self.silent.line()),
        ] {
            line.into_iter().for_each(|line| page.push_str(&format!("{label} {line}\n")));
        }
        for accused in &self.accused {
            page.push_str(&format!("accused   {}\n", accused.line()));
        }
        if let Some(before) = self.verified_before.filter(|before| Some(*before) > self.verified_height) {
            page.push_str(&format!("before    height {before} was verified in this home, which is more\n"));
        }
        if let Some(fork) = &self.fork {
            page.push_str(&format!("fork      at height {}: `qratum explain forked`\n", fork.height));
        }
        if let Some(fault) = &self.store_fault {
            page.push_str(&format!("store     {0}: {fault}: `qratum explain {0}`\n", self.store));
        }
        page.push_str(&format!("witnesses {}\n", self.witnesses.line()));
        page.push_str(&format!("anchor    height {}, {}\n", self.anchor.height, self.anchor.block_id));
        for peer in &self.peers {
            page.push_str(&format!("peer      {}: {}\n", peer.name, peer.line()));
        }
        for refusal in &self.refusals {
            page.push_str(&format!("refused   {}: {}\n", refusal.peer, refusal.line()));
        }
        if self.is_old() || self.verified_height.is_none() {
            page.push_str("next      `qratum doctor` looks for the cause\n");
        }
        page
    }

    fn is_old(&self) -> bool {
        self.verified_from == Some("home")
    }
}

impl From<&Witnesses> for WitnessesJson {
    fn from(witnesses: &Witnesses) -> Self {
        let Witnesses { height, operators, may_arm } = witnesses;
        Self { height: height.0, operators: operators.clone(), may_arm: *may_arm }
    }
}

impl WitnessesJson {
    fn line(&self) -> String {
        let (count, needed) = (self.operators.len(), witness::NEEDED);
        let names = if count == 0 { String::new() } else { format!(": {}", names(&self.operators, ", ")) };
        format!("{count} at height {} of {needed} that an action will need{names}", self.height)
    }
}

impl From<&PeerView> for PeerJson {
    fn from(peer: &PeerView) -> Self {
        Self {
            name: peer.name.clone(),
            operator: peer.operator.clone(),
            operator_source: if peer.bound { "chain" } else { "configuration" },
            connected: peer.connected,
            claimed_height: peer.claimed_height.map(|height| height.0),
            demerits: peer.demerits,
            ban: peer.ban.as_ref().map(BanJson::from),
        }
    }
}

impl PeerJson {
    pub(super) fn line(&self) -> String {
        if let Some(ban) = &self.ban {
            let left = time::age(ban.until_ms.saturating_sub(time::now().0));
            return format!("banned for {left} more: {} ({})", ban.text, ban.reason);
        }
        let link = if self.connected { "connected" } else { "not connected" };
        let claim = self.claimed_height.map(|height| format!(", claims height {height} (unverified)"));
        let behind = if self.demerits > 0 { ", asked after others" } else { "" };
        format!("{link}{}{behind}", claim.unwrap_or_default())
    }
}

impl From<&Ban> for BanJson {
    fn from(ban: &Ban) -> Self {
        Self {
            reason: ban.reason.name(),
            text: ban.reason.to_string(),
            at_ms: ban.at.0,
            until_ms: ban.until.0,
            count: ban.count,
        }
    }
}

impl From<&Refusal> for RefusalJson {
    fn from(refusal: &Refusal) -> Self {
        Self {
            peer: refusal.peer.clone(),
            reason: refusal.reason.name(),
            text: refusal.reason.to_string(),
            at_ms: refusal.at.0,
            count: refusal.count,
        }
    }
}

impl RefusalJson {
    /// Whether the peer of this name did it.
    pub(super) fn is_of(&self, peer: &str) -> bool {
        self.peer == peer
    }

    /// What it was, in words.
    pub(super) fn line(&self) -> String {
        let times = if self.count > 1 { format!(", {} times", self.count) } else { String::new() };
        format!("{} ({}){times}", self.text, self.reason)
    }
}
