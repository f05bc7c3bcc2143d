//! Acting: see what it would do, sign it with two factors, have it carried out, and prove that it was.

#[cfg(feature = "software-key")]
use std::path::PathBuf;
use std::{sync::Arc, time::Duration};

use qratum_chain::{
    ledger::{Act, Action, Draft},
    types::{AccountId, CredentialId, RequestId, Role, Sender, TxoBody},
};
use qratum_custody::fido::{Unwatched, Watch, hid::Wire, scan::Places};
use qratum_decoder::{Line, Value};
use serde::Serialize;
use tokio::{task::spawn_blocking, time::timeout};

use super::{
    At, asked_of,
    ceremony::{answering, confirmed},
    ended::{NOTHING, stopped, unarmed},
    request::{found, resolve},
    with_node,
};
#[cfg(feature = "software-key")]
use crate::demo::cast;
use crate::{
    acting::{
        ceremony::Keys,
        device::{Device, Find},
        journal::Journal,
        online::Online,
        paste::{self, ToSign},
        plan::{Plan, Unplanned, Want, Wish, plan},
        run::{Talk, seal},
        whole::{Unsent, carried_through},
        words,
    },
    cli::{ActArgs, AnswerArgs, DeviceArgs, OpenArgs, SignTextArgs},
    command::network::{block_on, late},
    exit::{Exit, Failure},
    file, hex,
    home::Home,
    output, twice,
};

/// What would be signed, as `--json` prints it. What it would do was tried on proven entries.
#[derive(Debug, Serialize)]
struct PlanJson {
    schema: &'static str,
    #[serde(flatten)]
    at: At,
    account: String,
    credential: String,
    nonce: u64,
    from: u64,
    until: u64,
    /// The act in words.
    says: String,
    /// What it would change, a line for each.
    effect: Vec<String>,
    digest: String,
    /// What is signed.
    body: String,
}

impl From<&Plan> for PlanJson {
    fn from(plan: &Plan) -> Self {
        Self {
            schema: "qratum/plan/v1",
            at: At::from(plan.facts.at),
            account: plan.body.sender.to_string(),
            credential: plan.credential.to_string(),
            nonce: plan.body.nonce,
            from: plan.act.from.0,
            until: plan.act.until.0,
            says: words::act(&plan.act),
            effect: plan.effect.clone(),
            digest: plan.digest().to_string(),
            body: hex::of(&plan.body.to_bytes()),
        }
    }
}

impl PlanJson {
    fn page(&self, read: &[Line]) -> String {
        let mut page = self.at.line();
        page.push_str(&format!("account   {}, its act number {}\n", self.account, self.nonce));
        page.push_str(&format!("says      {}\n", self.says));
        page.push_str(&format!("for       blocks {} to {}\n", self.from, self.until));
        page.push_str(&as_read(read));
        self.effect.iter().for_each(|line| page.push_str(&format!("does      {line}\n")));
        page.push_str(&format!("digest    {}\n", hex::groups(&self.digest).replace('\n', "\n          ")));
        page
    }
}

/// What is signed, as two decoders that share nothing read it; nothing can be signed where they differ.
fn read_twice(body: &TxoBody) -> Result<Vec<Line>, Failure> {
    twice::act(&body.to_bytes()).map_err(|why| Failure::new(Exit::Refused, format!("{why}\n{NOTHING}")))
}

fn as_read(lines: &[Line]) -> String {
    let value = |value: &Value| match value {
        Value::Number(number) => number.to_string(),
        Value::Text(text) | Value::Word(text) => text.clone(),
        Value::Bytes(bytes) => hex::of(bytes),
        Value::Words(words) => words.join(", "),
    };
    lines.iter().map(|line| format!("signed    {}: {}\n", line.label, value(&line.value))).collect()
}

/// Asks for something.
pub(super) fn open(home: &Home, args: &OpenArgs, json: bool) -> Result<Exit, Failure> {
    with_node(home, &args.act.network, async |online, left| {
        let action = Box::new(wanted(online, args).await?);
        let lifetime_ms = args.lifetime.map(|seconds| seconds.saturating_mul(1000));
        go(home, online, Want::Open { action, lifetime_ms }, (&args.act, json, left)).await
    })
}

/// Says yes or no.
pub(super) fn answer(
    home: &Home,
    args: &AnswerArgs,
    want: fn(RequestId, Option<Role>) -> Want,
    json: bool,
) -> Result<Exit, Failure> {
    with_node(home, &args.act.network, async |online, left| {
        let id = match args.request.whole() {
            Some(id) => id,
            None => {
                let start = &args.request;
                let (_, found) =
                    asked_of(online, |facts, draft| found(facts, draft, |id| start.is_of(id))).await?;
                resolve(found, start)?.id
            }
        };
        go(home, online, want(id, args.role), (&args.act, json, left)).await
    })
}

/// The action that was typed: the key is looked up among those of the account.
async fn wanted(online: &Online, args: &OpenArgs) -> Result<Action, Failure> {
    let name = &args.account;
    let (_, account) = asked_of(online, |_, draft: &Draft<'_>| draft.account(name)).await?;
    let unknown = || Failure::new(Exit::Refused, format!("the chain has no account {name}\n{NOTHING}"));
    let start = args.credential.as_deref().unwrap_or_default();
    let credentials = account.ok_or_else(unknown)?.credentials;
    let ids: Vec<CredentialId> = credentials.iter().map(|credential| credential.id).collect();
    let mut meant = ids.iter().filter(|id| id.to_string().starts_with(start));
    match (meant.next(), meant.next()) {
        (Some(credential), None) => Ok(Action::Credential {
            account: name.clone(),
            credential: *credential,
            status: args.verb.status(),
        }),
        (None, _) => {
            let text = format!("account {name} has no security key {start}\n{NOTHING}");
            Err(Failure::new(Exit::Refused, text))
        }
        (Some(_), Some(_)) => {
            let ids: String = ids.iter().map(|id| format!("\n  {id}")).collect();
            let text = format!("account {name} has several security keys: name one by --credential{ids}");
            Err(Failure::new(Exit::Usage, text))
        }
    }
}

/// Plans it, and does with the plan what was asked for.
async fn go(
    home: &Home,
    online: &Online,
    want: Want,
    (args, json, left): (&ActArgs, bool, Duration),
) -> Result<Exit, Failure> {
    say_software(home, &args.by, &args.key);
    let keys = Device::of(home, &args.by, None, finder(home, &args.by, &args.key))?;
    let credential = keys.as_ref().map(Keys::credential);
    let wish = Wish { account: args.by.clone(), credential, want };
    let fetch = async |keys: &[Vec<u8>]| online.facts(keys).await;
    let planned = timeout(left, plan(&wish, fetch)).await.map_err(|_| late("nothing was signed: "))?;
    let plan = planned.map_err(|why| unplanned(&why))?;
    let read = read_twice(&plan.body)?;
    if args.dry_run {
        return print_plan(&plan, &read, json);
    }
    online.may_rest_on(&plan.facts).await.map_err(|why| unarmed(&why))?;
    let journal = Journal::open(home)?;
    super::submit::settle(online, &journal, &args.by).await?;
    output::note(&PlanJson::from(&plan).page(&read));
    if args.offline {
        return print_text(&plan, json);
    }
    let keys = keys.ok_or_else(|| no_key(&plan.body.sender))?;
    keys.look().map_err(|why| not_here(&why))?;
    confirmed(plan.digest()).await?;
    let act = async |talk| carried_through((online, &journal), plan, Box::new(keys), talk).await;
    match answering(act).await {
        Ok((signed, sent)) => super::submit::tell(&signed, &sent, json),
        Err(Unsent::Stopped(why)) => Err(stopped(&why)),
        Err(Unsent::Unkept(why)) => Err(why),
    }
}

/// Prints what would be signed, and what it would do.
fn print_plan(plan: &Plan, read: &[Line], json: bool) -> Result<Exit, Failure> {
    let shown = PlanJson::from(plan);
    if json {
        output::json(&shown)?;
    } else {
        output::lines(&format!("{}Nothing was signed: this was a dry run", shown.page(read)))?;
    }
    Ok(Exit::Done)
}

/// Prints what is to be signed elsewhere.
fn print_text(plan: &Plan, json: bool) -> Result<Exit, Failure> {
    let to_sign = ToSign {
        body: plan.body.clone(),
        credential: plan.credential,
        rp_id: plan.facts.rp_id().unwrap_or_default(),
        at: plan.facts.at,
    };
    let text = to_sign.to_text().map_err(|why| Failure::new(Exit::Refused, format!("{why}\n{NOTHING}")))?;
    if json {
        output::json(&Text { schema: "qratum/act-text/v1", text })?;
    } else {
        output::lines(&text)?;
        output::note("Sign this within a minute: on the machine with the key, `qratum sign -`");
    }
    Ok(Exit::Done)
}

fn unplanned(why: &Unplanned) -> Failure {
    let exit = match why {
        Unplanned::Refused(_) | Unplanned::NoCredential => Exit::Refused,
        Unplanned::WhichRole(_) => Exit::Usage,
        Unplanned::NoPeople | Unplanned::Ungathered(_) => Exit::Nothing,
    };
    Failure::new(exit, format!("{why}\n{NOTHING}"))
}

/// Shows what another machine asks for, and signs it with the security key of this one.
pub(super) fn sign(home: &Home, args: &SignTextArgs, json: bool) -> Result<Exit, Failure> {
    let refused = |why: &dyn core::fmt::Display| Failure::new(Exit::Refused, format!("{why}\n{NOTHING}"));
    let text = file::read(&args.file, paste::MOST)?;
    let (to_sign, act) = ToSign::of_text(&String::from_utf8_lossy(&text)).map_err(|why| refused(&why))?;
    let genesis = home.genesis()?;
    if to_sign.body.chain_id != genesis.chain_id().map_err(|why| refused(&why))? {
        return Err(refused(&"it is for another chain than that of this home"));
    }
    if genesis.people.is_none_or(|people| people.rp_id != to_sign.rp_id) {
        return Err(refused(&"it names another party for security keys than the genesis of this home"));
    }
    let read = read_twice(&to_sign.body)?;
    output::note(&signing(&to_sign, &act, &read));
    let Sender::Account(account) = &to_sign.body.sender else {
        return Err(refused(&"it is no act of a person"));
    };
    say_software(home, account, &args.key);
    let keys = Device::of(home, account, Some(to_sign.credential), finder(home, account, &args.key))?;
    let mut keys = keys.ok_or_else(|| no_key(&to_sign.body.sender))?;
    keys.look().map_err(|why| not_here(&why))?;
    let txo = block_on(async {
        confirmed(to_sign.body.challenge()).await?;
        let ceremony = async |talk: Talk| {
            let ToSign { body, rp_id, at, .. } = to_sign;
            spawn_blocking(move || seal((&body, &rp_id), &mut keys, &talk, || Ok(at))).await
        };
        let sealed = answering(ceremony).await.map_err(|why| refused(&why))?;
        sealed.map_err(|why| stopped(&why))
    })?;
    let text = paste::answer(&txo);
    if json {
        output::json(&Text { schema: "qratum/act-text/v1", text })?;
    } else {
        output::lines(&text)?;
        output::note("Nothing was sent: `qratum submit -` on the other machine takes this within a minute");
    }
    Ok(Exit::Done)
}

/// A text to be carried, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Text {
    schema: &'static str,
    text: String,
}

/// What is signed here was decoded here; what it does was tried where the text comes from.
fn signing(to_sign: &ToSign, act: &Act, read: &[Line]) -> String {
    let ToSign { body, credential, at, .. } = to_sign;
    format!(
        "account   {}, its act number {}\nkey       {credential}\nsays      {}\nfor       blocks {} to {}\n\
         {}made at   height {}, as the other machine says\ndigest    {}\n",
        body.sender,
        body.nonce,
        words::act(act),
        act.from,
        act.until,
        as_read(read),
        at.height,
        hex::groups(&body.challenge().to_string()).replace('\n', "\n          ")
    )
}

/// Where the security key of an account is looked for.
pub(crate) fn finder(home: &Home, account: &AccountId, args: &DeviceArgs) -> Find {
    // What a key waits for is announced before it is asked; whoever ends this program ends its ceremony.
    let watch: Arc<dyn Watch> = Arc::new(Unwatched);
    #[cfg(feature = "software-key")]
    if let Some(socket) = software_key(home, account, args) {
        return Box::new(move |_, _| Wire::connect(&socket, Arc::clone(&watch)));
    }
    #[cfg(not(feature = "software-key"))]
    let _ = (home, account);
    match args.device.clone() {
        Some(device) => Box::new(move |_, _| Wire::open(&device, Arc::clone(&watch))),
        None => Box::new(move |rp_id, credential| Places::default().find(rp_id, credential, &watch)),
    }
}

/// The socket of a key in software, on a demo network only: one that was named, or that of the demo which
/// runs on this home.
#[cfg(feature = "software-key")]
fn software_key(home: &Home, account: &AccountId, args: &DeviceArgs) -> Option<PathBuf> {
    if !home.genesis().is_ok_and(|genesis| genesis.demo) || args.device.is_some() {
        return None;
    }
    let running = || Some(cast::socket(home, account.as_str())).filter(|socket| socket.exists());
    args.software_key.clone().or_else(running)
}

fn say_software(home: &Home, account: &AccountId, args: &DeviceArgs) {
    #[cfg(feature = "software-key")]
    if software_key(home, account, args).is_some() {
        output::note(&format!(
            "software security key: not for real keys; in a demo its PIN is {} and it touches itself",
            cast::PIN
        ));
    }
    #[cfg(not(feature = "software-key"))]
    let _ = (home, account, args);
}

/// Where the key is plugged in.
const ELSEWHERE: &str = "Where the key is elsewhere, as over SSH, add --offline: it prints a text that `qratum \
                         sign` reads on the machine with the key, and `qratum submit` takes its answer";

fn no_key(account: &Sender) -> Failure {
    let text = format!("this machine has no security key for account {account}\n{NOTHING}. {ELSEWHERE}");
    Failure::new(Exit::Usage, text)
}

fn not_here(why: &str) -> Failure {
    Failure::new(Exit::Usage, format!("{why}\n{NOTHING}. {ELSEWHERE}"))
}
