//! `qratum access review`: who can act now, and what is unusual about it?

use std::collections::BTreeMap;

use qratum_chain::{
    ledger::Outcome,
    types::{Account, AccountId, CredentialStatus, Height, PersonId, Standing as AccountStanding},
};
use serde::Serialize;

use super::{
    At,
    account::AccountJson,
    asked, nobody,
    request::{Found, RequestJson, found},
};
use crate::{
    acting::words,
    cli::NetworkArgs,
    exit::{Exit, Failure},
    home::Home,
    output,
};

/// A review, as `--json` prints it. All of it is proven.
#[derive(Debug, Serialize)]
struct Review {
    schema: &'static str,
    #[serde(flatten)]
    at: At,
    accounts: Vec<AccountJson>,
    /// What somebody should look at, a sentence each.
    findings: Vec<String>,
    /// What was carried out, the newest first.
    changes: Vec<RequestJson>,
    /// Whether there are older changes, which were not looked at.
    older: bool,
}

/// Prints who can act, and what was changed since.
pub(crate) fn review(home: &Home, since: Height, args: &NetworkArgs, json: bool) -> Result<Exit, Failure> {
    let question = |facts: &_, draft: &qratum_chain::ledger::Draft<'_>| {
        (draft.accounts(), found(facts, draft, |_| true))
    };
    let (facts, (accounts, (mut found, older))) = asked(home, args, question)?;
    if accounts.is_empty() {
        return Err(nobody());
    }
    found.retain(|found| is_change(found, since));
    let (at, findings) = (At::from(facts.at), findings(&accounts));
    if json {
        output::json(&Review {
            schema: "qratum/access-review/v1",
            at,
            accounts: accounts.iter().map(|(id, account)| AccountJson::of(id, account)).collect(),
            findings,
            changes: found.iter().map(RequestJson::of).collect(),
            older,
        })?;
        return Ok(Exit::Done);
    }
    let mut page = at.line();
    for (id, account) in &accounts {
        page.push_str(&format!("{:<9} {id}: {}\n", can(account), words::roles_of(account)));
    }
    findings.iter().for_each(|line| page.push_str(&format!("look      {line}\n")));
    for Found { id, request, .. } in &found {
        let action = words::action(&request.proposal.action);
        page.push_str(&format!(
            "change    {}: {action}; asked by {}, {}\n",
            words::short(id),
            request.requester,
            request.outcome
        ));
    }
    if older {
        page.push_str("older changes are not looked at\n");
    }
    output::lines(&page)?;
    Ok(Exit::Done)
}

/// Whether it was carried out, in the block at this height or later.
fn is_change(found: &Found, since: Height) -> bool {
    matches!(found.request.outcome, Outcome::Executed(height) if height >= since)
}

fn can(account: &Account) -> &'static str {
    if account.can_act() { "can act" } else { "cannot" }
}

/// What somebody should look at.
fn findings(accounts: &BTreeMap<AccountId, Account>) -> Vec<String> {
    let mut findings = Vec::new();
    let mut people = BTreeMap::<PersonId, Vec<&AccountId>>::new();
    for (id, account) in accounts {
        people.entry(account.person).or_default().push(id);
        if account.standing != AccountStanding::Active {
            findings.push(format!("account {id} is {}", account.standing));
        }
        let counting = |status| account.credentials.iter().filter(move |key| key.status == status);
        if counting(CredentialStatus::Active).count() == 1 && account.can_act() {
            findings.push(format!("account {id} can act with one security key only, and a key can be lost"));
        }
        for key in counting(CredentialStatus::Active).filter(|key| key.last_used.0 == 0) {
            findings.push(format!("security key {} of account {id} was never used", words::short(&key.id)));
        }
        for key in counting(CredentialStatus::Cloned) {
            let key = words::short(&key.id);
            findings.push(format!(
                "security key {key} of account {id} may have been copied: its counter went back"
            ));
        }
    }
    for accounts in people.values().filter(|accounts| accounts.len() > 1) {
        let names: Vec<&str> = accounts.iter().map(|id| id.as_str()).collect();
        findings.push(format!("accounts {} are of one person, who has one voice", names.join(", ")));
    }
    findings
}
