//! `qratum submit`: what was signed goes to the validators, and what became of it is proven.

use std::time::Duration;

use qratum_chain::types::{AccountId, Height, Sender};
use serde::Serialize;
use tokio::{sync::mpsc::unbounded_channel, time::Instant};

use super::{ended::stopped, with_node};
use crate::{
    acting::{
        journal::{Journal, Signed},
        online::Online,
        outcome::{self, Standing, finalized},
        paste,
        send::{Sent, send},
        words,
    },
    cli::SubmitArgs,
    command::network::unfetched,
    exit::{Exit, Failure},
    file,
    home::Home,
    output,
};

/// What became of an act, as `--json` prints it. Proven by the state after the block at `height`.
#[derive(Debug, Serialize)]
struct Told {
    schema: &'static str,
    txo: String,
    account: String,
    says: String,
    standing: &'static str,
    text: String,
    height: Option<u64>,
    /// By their word alone.
    accepted_by: usize,
}

/// Sends an answer of `qratum sign`, or again whatever this home has out.
pub(super) fn run(home: &Home, args: &SubmitArgs, json: bool) -> Result<Exit, Failure> {
    let answer = args.file.as_ref().map(|path| file::read(path, paste::MOST)).transpose()?;
    let answer = answer.map(|bytes| {
        paste::of_answer(&String::from_utf8_lossy(&bytes))
            .map_err(|why| Failure::new(Exit::Refused, format!("{why}\nNothing was sent")))
    });
    let answer = answer.transpose()?;
    with_node(home, &args.network, async |online, left| {
        let journal = Journal::open(home)?;
        let all = match answer {
            Some((txo, act)) => {
                let signed = Signed { txo, act };
                accept(online, &journal, &signed).await?;
                vec![signed]
            }
            None => journal.out()?,
        };
        if all.is_empty() {
            return Err(Failure::new(Exit::Nothing, "nothing that this home has signed is out"));
        }
        let mut worst = Exit::Done;
        for signed in &all {
            let exit = finish(online, &journal, signed, (left, json)).await?;
            if exit as u8 > worst as u8 {
                worst = exit;
            }
        }
        Ok(worst)
    })
}

/// Checks what was signed elsewhere by the chain's own rules on proven entries, and keeps it.
async fn accept(online: &Online, journal: &Journal, signed: &Signed) -> Result<(), Failure> {
    let Sender::Account(account) = &signed.txo.body.sender else {
        return Err(Failure::new(Exit::Refused, "no person signed this\nNothing was sent"));
    };
    if journal.out()?.contains(signed) || standing(online, signed).await? != Standing::Out {
        return Ok(());
    }
    settle(online, journal, account).await?;
    online.would_stand(&signed.txo).await.map_err(|why| stopped(&why))?;
    journal.keep(&signed.txo)
}

/// What this account has out is looked up first: what is over is told and forgotten.
///
/// # Errors
/// Something is still out: nothing is signed beside it.
pub(super) async fn settle(online: &Online, journal: &Journal, account: &AccountId) -> Result<(), Failure> {
    let own = |signed: &Signed| signed.txo.body.sender == Sender::Account(account.clone());
    for signed in journal.out()?.iter().filter(|signed| own(signed)) {
        let Signed { txo, act } = signed;
        let (standing, says) = (standing(online, signed).await?, words::act(act));
        if standing == Standing::Out {
            let text = format!(
                "account {account} has signed something that is still out: {says}\nNothing more was signed: \
                 `qratum submit` sends it again and waits; at height {} it is over",
                act.until
            );
            return Err(Failure::new(Exit::Nothing, text));
        }
        output::note(&format!("signed earlier: {says}: {standing}"));
        journal.forget(txo)?;
    }
    Ok(())
}

/// What the newest verified state says of it.
async fn standing(online: &Online, Signed { txo, act }: &Signed) -> Result<Standing, Failure> {
    let facts = online.facts(&outcome::keys(txo, act)).await.map_err(|why| unfetched("", &why))?;
    Ok(outcome::standing(txo, act, &facts))
}

/// Sends it, waits, and tells what became of it.
pub(super) async fn finish(
    online: &Online,
    journal: &Journal,
    signed: &Signed,
    (left, json): (Duration, bool),
) -> Result<Exit, Failure> {
    let deadline = Instant::now().checked_add(left).unwrap_or_else(Instant::now);
    let (events, _) = unbounded_channel();
    let sent = send(online, journal, signed, (&events, deadline)).await?;
    tell(signed, &sent, json)
}

/// Prints what became of it.
pub(super) fn tell(signed: &Signed, sent: &Sent, json: bool) -> Result<Exit, Failure> {
    let told = Told::of(signed, sent);
    if json {
        output::json(&told)?;
    } else {
        output::lines(&told.page())?;
    }
    Ok(match sent.standing {
        Standing::Final(_) => Exit::Done,
        Standing::Out => Exit::Nothing,
        Standing::Lapsed | Standing::Replaced | Standing::Cloned => Exit::Refused,
    })
}

impl Told {
    fn of(Signed { txo, act }: &Signed, sent: &Sent) -> Self {
        let mut text = sent.standing.to_string();
        if sent.standing == Standing::Out {
            let why = match (sent.took, sent.refused) {
                (0, Some(why)) => format!("no validator took it: {why} (unverified)"),
                (0, None) => "no validator answered".to_owned(),
                (took, _) => format!("{took} validators say that they have it (unverified)"),
            };
            text = format!("{text}; {why}. `qratum submit` sends it again until height {}", act.until);
        }
        Self {
            schema: "qratum/act-result/v1",
            txo: txo.body.id().to_string(),
            account: txo.body.sender.to_string(),
            says: words::act(act),
            standing: sent.standing.word(),
            text,
            height: sent.height.map(|height| height.0),
            accepted_by: sent.took,
        }
    }

    fn page(&self) -> String {
        let rows =
            [("txo", &self.txo), ("account", &self.account), ("says", &self.says), ("result", &self.text)];
        let mut page: String = rows.iter().map(|(name, value)| format!("{name:<9} {value}\n")).collect();
        if let Some(height) = self.height.filter(|_| self.standing == "final") {
            page.push_str(&finalized(Height(height)));
        }
        page
    }
}
