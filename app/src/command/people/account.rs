//! `qratum account`: who is enrolled, and with which keys?

use std::collections::BTreeMap;

use qratum_chain::types::{Account, AccountId, CredentialKey};
use serde::Serialize;

use super::{At, asked, nobody, status};
use crate::{
    acting::words,
    cli::NetworkArgs,
    exit::{Exit, Failure},
    home::Home,
    output,
};

/// Accounts, as `--json` prints them. All of it is proven.
#[derive(Debug, Serialize)]
struct Accounts {
    schema: &'static str,
    #[serde(flatten)]
    at: At,
    accounts: Vec<AccountJson>,
}

#[derive(Debug, Serialize)]
pub(super) struct AccountJson {
    account: String,
    person: String,
    roles: Vec<&'static str>,
    jurisdiction: String,
    zone: u8,
    standing: &'static str,
    nonce: u64,
    credentials: Vec<CredentialJson>,
}

#[derive(Debug, Serialize)]
struct CredentialJson {
    credential: String,
    label: String,
    algorithm: &'static str,
    biokey_version: u64,
    active_from: u64,
    sign_count: u32,
    /// Null where it was never used.
    last_used: Option<u64>,
    status: &'static str,
}

impl AccountJson {
    pub(super) fn of(id: &AccountId, account: &Account) -> Self {
        let credentials = account.credentials.iter().map(|credential| CredentialJson {
            credential: credential.id.to_string(),
            label: credential.device.label.clone(),
            algorithm: algorithm(&credential.key),
            biokey_version: credential.biokey_version,
            active_from: credential.active_from.0,
            sign_count: credential.sign_count,
            last_used: Some(credential.last_used.0).filter(|height| *height > 0),
            status: credential.status.word(),
        });
        Self {
            account: id.to_string(),
            person: account.person.to_string(),
            roles: account.roles.iter().map(|role| role.word()).collect(),
            jurisdiction: account.jurisdiction.to_string(),
            zone: account.zone.number(),
            standing: account.standing.word(),
            nonce: account.nonce,
            credentials: credentials.collect(),
        }
    }
}

/// Prints all accounts.
pub(crate) fn list(home: &Home, args: &NetworkArgs, json: bool) -> Result<Exit, Failure> {
    let (facts, accounts) = asked(home, args, |_, draft| draft.accounts())?;
    if accounts.is_empty() {
        return Err(nobody());
    }
    print(At::from(facts.at), &accounts, json)
}

/// Prints one.
pub(crate) fn show(home: &Home, name: &AccountId, args: &NetworkArgs, json: bool) -> Result<Exit, Failure> {
    let (facts, account) = asked(home, args, |_, draft| draft.account(name))?;
    match account {
        Some(account) => print(At::from(facts.at), &BTreeMap::from([(name.clone(), account)]), json),
        None => {
            let text = format!("the chain has no account {name}: proven at height {}", facts.at.height);
            Err(Failure::new(Exit::Refused, text))
        }
    }
}

fn print(at: At, accounts: &BTreeMap<AccountId, Account>, json: bool) -> Result<Exit, Failure> {
    if json {
        let accounts = accounts.iter().map(|(id, account)| AccountJson::of(id, account)).collect();
        output::json(&Accounts { schema: "qratum/accounts/v1", at, accounts })?;
    } else {
        let each: String = accounts.iter().map(|(id, account)| page(id, account)).collect();
        output::lines(&format!("{}{each}", at.line()))?;
    }
    Ok(Exit::Done)
}

const fn algorithm(key: &CredentialKey) -> &'static str {
    match key {
        CredentialKey::Es256(_) => "ES256",
        CredentialKey::Ed25519(_) => "Ed25519",
    }
}

/// An account in a few lines.
fn page(id: &AccountId, account: &Account) -> String {
    let roles = words::roles_of(account);
    let mut page = format!(
        "account   {id}, {}: {roles}; {}, zone {}, nonce {}, person {}\n",
        account.standing,
        account.jurisdiction,
        account.zone.number(),
        account.nonce,
        words::short(&account.person)
    );
    for credential in &account.credentials {
        let (id, label, algorithm) = (credential.id, &credential.device.label, algorithm(&credential.key));
        let used = match credential.last_used.0 {
            0 => "never used".to_owned(),
            height => format!("last used in block {height}"),
        };
        let status = status(credential.status);
        page.push_str(&format!("  key     {id} {label}, {algorithm}, {used}, {status}\n"));
    }
    page
}
