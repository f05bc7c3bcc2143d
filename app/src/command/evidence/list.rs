//! Who is known to have broken the protocol? What votes show now, what the chain says of its
//! registrations, and the forks that the home has kept.

use std::collections::BTreeMap;

use qratum_chain::{
    codec::Decode,
    document::{Evidence, OffenceProof, Statement},
    types::{Jailed, Registration, Status},
};
use qratum_light_node::{Config, FetchError, Found, KeptFork, LightNode, Snapshot, SyncError};
use qratum_verifier::Trusted;
use qratum_widgets::SafeText;
use serde::Serialize;
use tokio::time::timeout;

use super::super::{
    network::{Asking, block_on, unsynced},
    voting::AccusedJson,
};
use crate::{
    cli::NetworkArgs,
    exit::{Exit, Failure},
    home::Home,
    model::head_of,
    output, time,
};

/// What is known, as `--json` prints it.
#[derive(Debug, Serialize)]
struct List {
    schema: &'static str,
    /// Null where no peer led to a verified block, or nobody was asked.
    verified_height: Option<u64>,
    accused: Vec<AccusedEntry>,
    /// How many registrations were looked at, each proven; null where that was not possible.
    registrations: Option<u64>,
    jailed: Vec<JailedJson>,
    forks: Vec<ForkFile>,
}

/// Somebody whom verified votes show to have broken the protocol.
#[derive(Debug, Serialize)]
struct AccusedEntry {
    #[serde(flatten)]
    accused: AccusedJson,
    /// What `qratum evidence verify` accepts; null while the way to its set is not fetched.
    document: Option<Evidence>,
}

/// A registration that is jailed in the newest verified state.
#[derive(Debug, Serialize)]
struct JailedJson {
    validator: String,
    operator: String,
    stake: u64,
    vote_key: String,
    /// The block with the evidence, and where the offence was done; null where the state does not say.
    block_height: Option<u64>,
    offence_height: Option<u64>,
}

/// A file of a fork in the home.
#[derive(Debug, Serialize)]
struct ForkFile {
    /// Null where neither the file nor its name says.
    height: Option<u64>,
    file: String,
    found: &'static str,
    /// What is wrong with it; null while nothing is.
    text: Option<String>,
}

/// Prints what is known. Where a fork was kept nobody is asked: nothing is proven from this home then.
pub(in crate::command) fn list(home: &Home, args: &NetworkArgs, json: bool) -> Result<Exit, Failure> {
    let config = home.config_without_store()?;
    let (start, _) = home.start()?;
    let kept = KeptFork::all(&home.place(), (&start.anchor, &start.rules), time::now());
    let kept = kept.map_err(|why| Failure::new(Exit::Error, why))?;
    let halted = kept.iter().any(|fork| !fork.is_left(&start.anchor));
    let mut list = List {
        schema: "qratum/evidence-list/v1",
        verified_height: None,
        accused: Vec::new(),
        registrations: None,
        jailed: Vec::new(),
        forks: kept.iter().map(|fork| ForkFile::of(fork, &start.anchor)).collect(),
    };
    let missed = if halted { None } else { block_on(list.ask(config, args.timeout))? };
    if json {
        output::json(&list)?;
    } else {
        output::lines(&list.page(halted))?;
    }
    Ok(if halted { Exit::Refused } else { missed.as_ref().map_or(Exit::Done, unsynced) })
}

impl List {
    /// What the network shows; why nothing, where no peer led to a verified block.
    async fn ask(&mut self, config: Config, seconds: u64) -> Result<Option<SyncError>, Failure> {
        let asking = Asking::start(config, seconds).await?;
        let missed = match asking.synced().await {
            Ok(_) => {
                let snapshot = asking.witnessed().await;
                self.verified_height = head_of(&snapshot).map(|head| head.header().get().height.0);
                self.registry(&asking, &snapshot).await;
                None
            }
            Err(error) => Some(error),
        };
        let snapshots = asking.node.snapshots();
        self.accused = accused(&snapshots.borrow());
        asking.node.stop().await;
        Ok(missed)
    }

    /// Looks at every registration; at none, where one is not proven in time.
    async fn registry(&mut self, asking: &Asking, snapshot: &Snapshot) {
        let looked = async {
            let (mut seen, mut jailed) = (0u64, Vec::new());
            for name in snapshot.names.all() {
                let Some(entry) = entry::<Registration>(&asking.node, &Registration::state_key(name)).await?
                else {
                    continue;
                };
                seen = seen.saturating_add(1);
                if entry.status == Status::Jailed {
                    let at = self::entry::<Jailed>(&asking.node, &Jailed::state_key(name)).await?;
                    jailed.push(JailedJson::of(name, &entry, at));
                }
            }
            Ok::<_, FetchError>((seen, jailed))
        };
        if let Ok(Ok((seen, jailed))) = timeout(asking.left(), looked).await {
            (self.registrations, self.jailed) = (Some(seen), jailed);
        }
    }

    fn page(&self, halted: bool) -> String {
        let mut page = match self.verified_height {
            Some(height) => format!("verified  height {height}\n"),
            None if halted => {
                "verified  nothing: nobody is asked from a home that has seen a fork\n".to_owned()
            }
            None => {
                "verified  nothing: no peer led to a block: `qratum doctor` looks for the cause\n".to_owned()
            }
        };
        for entry in &self.accused {
            page.push_str(&format!("accused   {}\n", entry.accused.line()));
        }
        self.jailed.iter().for_each(|jailed| page.push_str(&format!("jailed    {}\n", jailed.line())));
        self.forks.iter().for_each(|fork| page.push_str(&format!("fork      {}\n", fork.line())));
        let no = |line: &str| format!("none      {line}\n");
        if self.verified_height.is_some() {
            if self.accused.is_empty() {
                page.push_str(&no("accused: no double vote or proposal among the votes of the last heights"));
            }
            match self.registrations {
                Some(count) if self.jailed.is_empty() => {
                    page.push_str(&no(&format!("jailed: all {count} registrations were looked at")));
                }
                Some(_) => {}
                None => page.push_str(
                    "unknown   who is jailed: not every registration was proven; try a longer --timeout\n",
                ),
            }
        }
        if self.forks.is_empty() {
            page.push_str(&no("fork: this home has seen none"));
        }
        page
    }
}

/// The proven entry under `key`, where there is one of this form.
async fn entry<T: Decode>(node: &LightNode, key: &[u8]) -> Result<Option<T>, FetchError> {
    match node.state(key).await?.proof.statement {
        Statement::State { value: Some(value), .. } => Ok(T::from_bytes(&value).ok()),
        _ => Ok(None),
    }
}

fn accused(snapshot: &Snapshot) -> Vec<AccusedEntry> {
    let shown: BTreeMap<_, _> = snapshot.accused.iter().map(|it| (it.key, &it.proof)).collect();
    let entry = |(key, offence)| {
        let (name, operator) = (snapshot.names.called(key), snapshot.names.operator(key));
        let document = shown.get(key).map(|proof| OffenceProof::clone(proof));
        AccusedEntry {
            accused: AccusedJson::of(name, operator, offence),
            document: document.map(|proof| Evidence::Offence(Box::new(proof))),
        }
    };
    snapshot.voting.evidence.iter().map(|(key, offence)| entry((key, offence))).collect()
}

impl JailedJson {
    fn of(name: &str, entry: &Registration, at: Option<Jailed>) -> Self {
        Self {
            validator: name.to_owned(),
            operator: entry.operator.clone(),
            stake: entry.stake,
            vote_key: entry.vote_key.to_string(),
            block_height: at.map(|at| at.block.0),
            offence_height: at.map(|at| at.offence.0),
        }
    }

    fn line(&self) -> String {
        let Self { validator, operator, stake, block_height, offence_height, .. } = self;
        let [validator, operator] = [validator, operator].map(|name| SafeText::name(name));
        let who = format!("{validator} of {operator}, {stake} stake left");
        match (offence_height, block_height) {
            (Some(offence), Some(block)) => {
                format!(
                    "{who}: for what it did at height {offence}; `qratum evidence show {block}` proves it"
                )
            }
            _ => format!("{who}: the state does not say for what"),
        }
    }
}

impl ForkFile {
    fn of(kept: &KeptFork, anchor: &Trusted) -> Self {
        let (found, text) = match &kept.found {
            Found::Verified(_) => ("verified", None),
            Found::Unverified(..) if kept.is_left(anchor) => ("left", None),
            Found::Unverified(_, reject) => ("unverified", Some(reject.to_string())),
            Found::Damaged(why) => ("damaged", Some(why.clone())),
        };
        let file = kept.path.display().to_string();
        Self { height: kept.height().map(|height| height.0), file, found, text }
    }

    fn line(&self) -> String {
        let at = self.height.map(|height| format!("at height {height}, ")).unwrap_or_default();
        let what = match self.found {
            "verified" => "verified: `qratum explain forked` says what to do",
            "left" => "not above the anchor, so it was left",
            "unverified" => "does not verify by itself",
            _ => "damaged: put it back from a copy, or leave the fork with `qratum reanchor`",
        };
        let why = self.text.as_ref().map(|text| format!(" ({text})")).unwrap_or_default();
        format!("{at}{}: {what}{why}", self.file)
    }
}
