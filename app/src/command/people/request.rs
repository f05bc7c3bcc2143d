//! `qratum request list` and `show`: what was asked for, and how far has it come?

use qratum_chain::{
    codec::Decode as _,
    ledger::{Draft, Outcome, Request},
    types::{RequestId, Role, Rule},
};
use serde::Serialize;

use super::{At, asked};
use crate::{
    acting::{facts::Facts, words},
    cli::{NetworkArgs, Start},
    exit::{Exit, Failure},
    home::Home,
    output, time,
};

/// So many of the newest requests are looked at.
const NEWEST: u64 = 64;

/// Whether people can still answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Open,
    Expired,
    Void,
    Executed,
    Rejected,
}

impl Standing {
    fn of(request: &Request, facts: &Facts, draft: &Draft<'_>) -> Self {
        match request.outcome {
            Outcome::Executed(_) => Self::Executed,
            Outcome::Rejected(_) => Self::Rejected,
            Outcome::Open if !request.is_under(draft) => Self::Void,
            Outcome::Open if facts.time > request.proposal.expiry => Self::Expired,
            Outcome::Open => Self::Open,
        }
    }

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Expired => "expired",
            Self::Void => "void",
            Self::Executed => "executed",
            Self::Rejected => "rejected",
        }
    }
}

/// A request of the state, and what its voices come to under the policy that holds.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) id: RequestId,
    pub(super) request: Request,
    pub(super) standing: Standing,
    /// The rule that decides now.
    pub(super) rule: Option<Rule>,
    /// The roles of the approvals that count now.
    pub(super) approvals: Vec<Role>,
}

/// The newest requests with an id like this, newest first, and whether there are older ones.
pub(super) fn found(
    facts: &Facts,
    draft: &Draft<'_>,
    wanted: impl Fn(RequestId) -> bool,
) -> (Vec<Found>, bool) {
    let count = draft.requests();
    let lowest = count.saturating_sub(NEWEST);
    let ids = (lowest..count).rev().filter_map(|number| draft.request_at(number));
    let found = ids.filter(|id| wanted(*id)).filter_map(|id| {
        let request = Request::from_bytes(draft.get(&Request::state_key(id))?).ok()?;
        let rule = draft.policy().unwrap_or_default().rule(request.proposal.action.class()).cloned();
        let approvals = request.approvals(draft).iter().map(|voice| voice.role).collect();
        let standing = Standing::of(&request, facts, draft);
        Some(Found { id, request, standing, rule, approvals })
    });
    (found.collect(), lowest > 0)
}

/// The one that was meant.
pub(super) fn resolve((found, older): (Vec<Found>, bool), start: &Start) -> Result<Found, Failure> {
    let digits = start.digits();
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => {
            let beside = if older { format!(" among the newest {NEWEST}") } else { String::new() };
            let text =
                format!("the chain has no request {digits}{beside}\n`qratum request list --all` shows them");
            Err(Failure::new(Exit::Refused, text))
        }
        (Some(_), Some(_)) => {
            Err(Failure::new(Exit::Usage, format!("several requests start with {digits}: give more digits")))
        }
    }
}

/// What is still missing, or why nothing is: a sentence each.
pub(super) fn missing(
    request: &Request,
    rule: Option<&Rule>,
    approvals: &[Role],
    standing: Standing,
) -> Vec<String> {
    match (standing, rule) {
        (Standing::Executed | Standing::Rejected, _) => vec![format!("it was {}", request.outcome)],
        (Standing::Expired, _) => vec!["it expired: nobody can answer any more".to_owned()],
        (Standing::Void, _) => {
            vec!["it is void, as the policy was changed after it was opened: ask anew".to_owned()]
        }
        (Standing::Open, None) => vec!["no rule allows it now".to_owned()],
        (Standing::Open, Some(rule)) => {
            let mut lines = vec![format!(
                "{} of {} people have approved it, and whoever asked does not count",
                approvals.len(),
                rule.threshold
            )];
            for group in &rule.groups {
                let has = approvals.iter().filter(|role| **role == group.role).count();
                let least = usize::from(group.least);
                if has < least {
                    lines.push(format!("{} {} must still approve", least.saturating_sub(has), group.role));
                }
            }
            lines
        }
    }
}

/// Requests, as `--json` prints them. All of it is proven.
#[derive(Debug, Serialize)]
struct Requests {
    schema: &'static str,
    #[serde(flatten)]
    at: At,
    /// Whether there are older ones, which were not looked at.
    older: bool,
    requests: Vec<RequestJson>,
}

#[derive(Debug, Serialize)]
pub(super) struct RequestJson {
    request: String,
    standing: &'static str,
    /// In words.
    action: String,
    class: &'static str,
    requester: String,
    opened: u64,
    expiry_ms: u64,
    /// The height at which it was carried out or rejected.
    closed: Option<u64>,
    voices: Vec<VoiceJson>,
    missing: Vec<String>,
}

#[derive(Debug, Serialize)]
struct VoiceJson {
    approves: bool,
    account: String,
    role: &'static str,
    height: u64,
    txo: String,
}

impl RequestJson {
    pub(super) fn of(found: &Found) -> Self {
        let Found { id, request, standing, rule, approvals } = found;
        let voices = request.voices.iter().map(|voice| VoiceJson {
            approves: voice.approves,
            account: voice.account.to_string(),
            role: voice.role.word(),
            height: voice.height.0,
            txo: voice.txo.to_string(),
        });
        Self {
            request: id.to_string(),
            standing: standing.word(),
            action: words::action(&request.proposal.action),
            class: request.proposal.action.class().word(),
            requester: request.requester.to_string(),
            opened: request.opened.0,
            expiry_ms: request.proposal.expiry.0,
            closed: match request.outcome {
                Outcome::Open => None,
                Outcome::Executed(height) | Outcome::Rejected(height) => Some(height.0),
            },
            voices: voices.collect(),
            missing: missing(request, rule.as_ref(), approvals, *standing),
        }
    }
}

/// Prints the requests that are open, or all.
pub(crate) fn list(home: &Home, all: bool, args: &NetworkArgs, json: bool) -> Result<Exit, Failure> {
    let (facts, (mut found, older)) = asked(home, args, |facts, draft| found(facts, draft, |_| true))?;
    found.retain(|found| all || found.standing == Standing::Open);
    let at = At::from(facts.at);
    if json {
        let requests = found.iter().map(RequestJson::of).collect();
        output::json(&Requests { schema: "qratum/requests/v1", at, older, requests })?;
        return Ok(Exit::Done);
    }
    let mut page = at.line();
    for found in &found {
        page.push_str(&line(found, &facts));
    }
    if found.is_empty() {
        page.push_str(if all { "no request was ever opened\n" } else { "no request is open\n" });
    }
    if older {
        page.push_str(&format!("older requests than the newest {NEWEST} are not looked at\n"));
    }
    output::lines(&page)?;
    Ok(Exit::Done)
}

/// One request in a line.
fn line(found: &Found, facts: &Facts) -> String {
    let Found { id, request, standing, rule, approvals } = found;
    let needed = rule.as_ref().map_or(0, |rule| rule.threshold);
    let left = time::since(facts.time, request.proposal.expiry);
    let left =
        if *standing == Standing::Open { format!(", {} left", time::age(left)) } else { String::new() };
    format!(
        "{}  {}{left}, {} of {needed} approvals, asked by {}: {}\n",
        words::short(id),
        standing.word(),
        approvals.len(),
        request.requester,
        words::action(&request.proposal.action)
    )
}

/// Prints one.
pub(crate) fn show(home: &Home, start: &Start, args: &NetworkArgs, json: bool) -> Result<Exit, Failure> {
    let (facts, found) = asked(home, args, |facts, draft| found(facts, draft, |id| start.is_of(id)))?;
    let found = resolve(found, start)?;
    let at = At::from(facts.at);
    if json {
        let requests = vec![RequestJson::of(&found)];
        output::json(&Requests { schema: "qratum/requests/v1", at, older: false, requests })?;
    } else {
        output::lines(&format!("{}{}", at.line(), page(&found)))?;
    }
    Ok(Exit::Done)
}

fn page(found: &Found) -> String {
    let Found { id, request, standing, rule, approvals } = found;
    let mut rows = vec![
        ("request", id.to_string()),
        ("standing", standing.word().to_owned()),
        ("asks to", words::action(&request.proposal.action)),
        ("asked by", format!("{}, in block {}", request.requester, request.opened)),
        ("expires", time::format(request.proposal.expiry)),
    ];
    rows.extend(rule.iter().map(|rule| ("rule", words::rule(rule))));
    for voice in &request.voices {
        let says = if voice.approves { "yes" } else { "no" };
        let by = format!("by {} as {}, in block {}, {}", voice.account, voice.role, voice.height, voice.txo);
        rows.push((says, by));
    }
    let missing = missing(request, rule.as_ref(), approvals, *standing);
    rows.extend(missing.into_iter().map(|line| ("so", line)));
    rows.iter().map(|(name, value)| format!("{name:<9} {value}\n")).collect()
}
