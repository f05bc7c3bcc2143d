//! `qratum policy`: which approvals does what need?

use qratum_chain::types::{Policy, Rule};
use serde::Serialize;

use super::{
    At, asked, nobody,
    request::{Found, found, missing, resolve},
};
use crate::{
    acting::words,
    cli::{NetworkArgs, Start},
    exit::{Exit, Failure},
    home::Home,
    output,
};

/// The policy, as `--json` prints it. Proven.
#[derive(Debug, Serialize)]
struct PolicyJson {
    schema: &'static str,
    #[serde(flatten)]
    at: At,
    /// How often it was changed.
    version: u64,
    policy_hash: String,
    rules: Vec<RuleJson>,
}

#[derive(Debug, Serialize)]
struct RuleJson {
    class: &'static str,
    requester: &'static str,
    threshold: u8,
    groups: Vec<GroupJson>,
    lifetime_ms: u64,
}

#[derive(Debug, Serialize)]
struct GroupJson {
    role: &'static str,
    least: u8,
}

impl RuleJson {
    fn of(class: &'static str, rule: &Rule) -> Self {
        let groups =
            rule.groups.iter().map(|group| GroupJson { role: group.role.word(), least: group.least });
        Self {
            class,
            requester: rule.requester.word(),
            threshold: rule.threshold,
            groups: groups.collect(),
            lifetime_ms: rule.lifetime_ms,
        }
    }
}

/// Prints the policy that holds.
pub(crate) fn show(home: &Home, args: &NetworkArgs, json: bool) -> Result<Exit, Failure> {
    let question = |_: &_, draft: &qratum_chain::ledger::Draft<'_>| (draft.policy(), draft.policy_version());
    let (facts, (policy, version)) = asked(home, args, question)?;
    let policy: Policy = policy.ok_or_else(nobody)?;
    let (at, hash) = (At::from(facts.at), policy.hash().to_string());
    if json {
        let rules = policy.rules().map(|(class, rule)| RuleJson::of(class.word(), rule)).collect();
        output::json(&PolicyJson { schema: "qratum/policy/v1", at, version, policy_hash: hash, rules })?;
    } else {
        let rules = policy.rules().map(|(class, rule)| format!("{:<9} {}\n", class, words::rule(rule)));
        let rules: String = rules.collect();
        output::lines(&format!("{}{rules}version   {version}, hash {hash}\nelse      denied", at.line()))?;
    }
    Ok(Exit::Done)
}

/// Says what a request still needs.
pub(crate) fn explain(home: &Home, start: &Start, args: &NetworkArgs, json: bool) -> Result<Exit, Failure> {
    let (facts, found) = asked(home, args, |facts, draft| found(facts, draft, |id| start.is_of(id)))?;
    let Found { id, request, standing, rule, approvals } = resolve(found, start)?;
    let why = missing(&request, rule.as_ref(), &approvals, standing);
    if json {
        /// As `--json` prints it.
        #[derive(Serialize)]
        struct Explained {
            schema: &'static str,
            #[serde(flatten)]
            at: At,
            request: String,
            standing: &'static str,
            rule: Option<RuleJson>,
            /// What is missing, or why nothing is, a sentence each.
            missing: Vec<String>,
        }
        let rule = rule.map(|rule| RuleJson::of(request.proposal.action.class().word(), &rule));
        output::json(&Explained {
            schema: "qratum/policy-explanation/v1",
            at: At::from(facts.at),
            request: id.to_string(),
            standing: standing.word(),
            rule,
            missing: why,
        })?;
        return Ok(Exit::Done);
    }
    let mut page = At::from(facts.at).line();
    page.push_str(&format!("request   {id}\nasks to   {}\n", words::action(&request.proposal.action)));
    if let Some(rule) = &rule {
        page.push_str(&format!("rule      {}\n", words::rule(rule)));
    }
    why.iter().for_each(|line| page.push_str(&format!("so        {line}\n")));
    output::lines(&page)?;
    Ok(Exit::Done)
}
