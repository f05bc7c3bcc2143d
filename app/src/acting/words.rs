//! Acts, what they rest on and what they do, in words. Names of accounts need no taming: they are
//! `a-z 0-9 -`.

use qratum_chain::{
    codec::Decode,
    ledger::{
        Act, Action, Identity, Outcome, Request, Step,
        governance::{Governing, Measure},
    },
    state::Changes,
    types::{Account, Credential, CredentialStatus, NewCredential, Policy, RequestId, Roles, Rule},
};

use super::facts::Facts;
use crate::{hex, output, time};

/// The start of an id, long enough to tell the few apart that people see beside each other.
pub(crate) fn short(id: &impl ToString) -> String {
    id.to_string().chars().take(12).collect()
}

/// What an entry of the state is about.
pub(crate) fn key(key: &[u8]) -> String {
    let after = |prefix: &str| key.strip_prefix(prefix.as_bytes());
    let id = |bytes: &[u8]| hex::of(bytes).chars().take(12).collect::<String>();
    match key {
        b"policy" => "the policy".to_owned(),
        b"policy-version" => "how often the policy was changed".to_owned(),
        b"rp-id" => "the name for security keys".to_owned(),
        b"params" => "the parameters of the chain".to_owned(),
        b"accounts" => "the list of accounts".to_owned(),
        b"requests" => "the number of requests".to_owned(),
        b"proposals" => "the list of proposals".to_owned(),
        b"parameters" => "the parameters that a vote may change".to_owned(),
        _ => match (after("account/"), after("request/"), after("open/")) {
            (Some(name), ..) => format!("account {}", String::from_utf8_lossy(name)),
            (_, Some(bytes), _) => format!("request {}", id(bytes)),
            (.., Some(bytes)) => format!("the open requests of person {}", id(bytes)),
            _ => format!("the entry 0x{}", hex::of(key)),
        },
    }
}

/// An action, as what is asked for: `suspend key 1a2b3c of account bob`.
pub(crate) fn action(action: &Action) -> String {
    match action {
        Action::Credential { account, credential, status } => {
            let verb = match status {
                CredentialStatus::Active => "reinstate",
                CredentialStatus::Revoked => "revoke, for good,",
                CredentialStatus::Suspended | CredentialStatus::Cloned => "suspend",
            };
            format!("{verb} security key {} of account {account}", short(credential))
        }
        Action::Policy(policy) => format!("put another policy in force: {}", rules(policy)),
        Action::Identity(identity) => self::identity(identity),
    }
}

fn identity(identity: &Identity) -> String {
    let account = identity.account();
    match identity {
        Identity::Enrol(new) => format!(
            "enrol account {account} of person {} as {}; {}, zone {}, with {}",
            short(&new.person.0),
            roles(new.roles),
            new.jurisdiction,
            new.zone.number(),
            new.credentials.iter().map(key_of).collect::<Vec<_>>().join(", ")
        ),
        Identity::Link { credential, .. } => format!("give account {account} {}", key_of(credential)),
        Identity::Standing { standing, .. } => format!("have account {account} be {standing}"),
        Identity::Roles { roles, .. } => format!("give account {account} the roles {}", self::roles(*roles)),
        Identity::Biokey { credential, .. } => {
            format!("replace the biokey of security key {} of account {account}", short(credential))
        }
    }
}

/// What people call the key is tamed, as it comes from whoever asks.
fn key_of(credential: &NewCredential) -> String {
    let label = output::names(std::slice::from_ref(&credential.device.label), "");
    format!("security key {} ({label})", short(&credential.id))
}

/// What an act says.
pub(crate) fn act(act: &Act) -> String {
    match &act.step {
        Step::Request(proposal) | Step::Enrol(proposal, _) => {
            let expiry = time::format(proposal.expiry);
            format!("ask to {}; open until {expiry}", action(&proposal.action))
        }
        Step::Approve(answer) => format!("approve request {} as {}", answer.request, answer.role),
        Step::Reject(answer) => format!("reject request {} as {}", answer.request, answer.role),
        Step::Govern(governing) => self::governing(governing),
    }
}

fn governing(governing: &Governing) -> String {
    match governing {
        Governing::Propose(motion) => {
            let how = if motion.emergency { "propose, as an emergency, to" } else { "propose to" };
            format!("{how} {}", measure(&motion.measure))
        }
        Governing::Vote { motion, choice } => format!("vote {choice} on proposal {motion}"),
        Governing::Veto(motion) => format!("veto proposal {motion}"),
    }
}

/// What a proposal would do. Names of validators are tamed, as they come from whoever proposes.
pub(crate) fn measure(measure: &Measure) -> String {
    match measure {
        Measure::Parameter { parameter, value } => format!("set {parameter} to {value}"),
        Measure::Upgrade { version, set } => {
            format!("go by version {version} of the rules from set {set} on")
        }
        Measure::Join(candidate) => {
            let name = output::names(std::slice::from_ref(&candidate.name), "");
            format!("have {name} join the validators")
        }
        Measure::Remove(name) => {
            format!("remove {} from the validators", output::names(std::slice::from_ref(name), ""))
        }
    }
}

/// The rules of a policy in one line.
pub(crate) fn rules(policy: &Policy) -> String {
    let all: Vec<String> = policy.rules().map(|(class, it)| format!("{class}: {}", rule(it))).collect();
    if all.is_empty() { "no rule, so nobody may do anything".to_owned() } else { all.join("; ") }
}

/// What a rule asks for.
pub(crate) fn rule(rule: &Rule) -> String {
    let groups: Vec<String> = rule
        .groups
        .iter()
        .map(|group| match group.least {
            0 => format!("any {}", group.role),
            least => format!("at least {least} {}", group.role),
        })
        .collect();
    let Rule { requester, threshold, lifetime_ms, .. } = rule;
    format!(
        "asked by {requester}, approved by {threshold} people ({}), open for at most {}",
        groups.join(", "),
        time::age(*lifetime_ms)
    )
}

/// What the next block would change, a line for each; what every act changes is not among it.
pub(crate) fn effect(facts: &Facts, changes: &Changes) -> Vec<String> {
    let of = |(key, value): (&Vec<u8>, &Option<Vec<u8>>)| change(key, facts.value(key), value.as_deref());
    let lines: Vec<String> = changes.iter().flat_map(of).collect();
    if lines.is_empty() { vec!["nothing".to_owned()] } else { lines }
}

fn change(key: &[u8], before: Option<&[u8]>, after: Option<&[u8]>) -> Vec<String> {
    if let Some(name) = key.strip_prefix(b"account/") {
        let name = String::from_utf8_lossy(name).into_owned();
        return match (read::<Account>(before), read::<Account>(after)) {
            (Some(before), Some(after)) => account(&name, &before, &after),
            (None, Some(_)) => vec![format!("account {name} is enrolled")],
            _ => vec![format!("account {name} is removed")],
        };
    }
    if let Some(id) = key.strip_prefix(b"request/") {
        return match (RequestId::from_bytes(id), read::<Request>(after)) {
            (Ok(id), Some(after)) => vec![request(id, read::<Request>(before).as_ref(), &after)],
            _ => Vec::new(),
        };
    }
    match key {
        b"policy" => read::<Policy>(after).map(|it| format!("policy: {}", rules(&it))).into_iter().collect(),
        b"policy-version" => vec!["all open requests become void, as the policy is another one".to_owned()],
        // Lists that follow from what stands beside them.
        b"accounts" | b"requests" => Vec::new(),
        _ if key.starts_with(b"open/") || key.starts_with(b"request-at/") || key.starts_with(b"key/") => {
            Vec::new()
        }
        _ => vec![format!("{} is written", self::key(key))],
    }
}

fn read<T: Decode>(bytes: Option<&[u8]>) -> Option<T> {
    T::from_bytes(bytes?).ok()
}

fn request(id: RequestId, before: Option<&Request>, after: &Request) -> String {
    let id = short(&id);
    match (before, after.outcome) {
        (None, _) => format!("request {id} opens until {}", time::format(after.proposal.expiry)),
        (_, Outcome::Open) => {
            let yes = after.voices.iter().filter(|voice| voice.approves).count();
            format!("request {id} has {yes} approvals and stays open")
        }
        (_, Outcome::Executed(_)) => format!("request {id} is carried out"),
        (_, Outcome::Rejected(_)) => format!("request {id} is rejected, and closed for good"),
    }
}

/// What changes in an account beside its count of acts.
fn account(name: &str, before: &Account, after: &Account) -> Vec<String> {
    let mut lines = Vec::new();
    if before.standing != after.standing {
        lines.push(format!("account {name}: {} -> {}", before.standing, after.standing));
    }
    if before.roles != after.roles {
        let roles = |account: &Account| roles_of(account);
        lines.push(format!("account {name}: roles {} -> {}", roles(before), roles(after)));
    }
    for credential in &after.credentials {
        match before.credential(credential.id) {
            Some(old) if old.status != credential.status => lines.push(format!(
                "security key {} of account {name}: {} -> {}",
                short(&credential.id),
                old.status,
                credential.status
            )),
            Some(_) => {}
            None => lines.push(format!("account {name} gains security key {}", short(&credential.id))),
        }
    }
    let gone = |old: &&Credential| after.credential(old.id).is_none();
    lines.extend(
        before
            .credentials
            .iter()
            .filter(gone)
            .map(|old| format!("account {name} loses security key {}", short(&old.id))),
    );
    lines
}

/// The roles of an account, in one line.
pub(crate) fn roles_of(account: &Account) -> String {
    roles(account.roles)
}

fn roles(roles: Roles) -> String {
    roles.iter().map(|role| role.word()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use qratum_chain::types::{AccountId, Role, Standing};

    use super::*;

    /// Whoever approves reads it; and no name of a type is a word for people.
    #[test]
    fn what_changes_an_account_is_said_in_words() {
        let account = || AccountId::new("bob").unwrap();
        let suspended = Identity::Standing { account: account(), standing: Standing::Suspended };
        let given =
            Identity::Roles { account: account(), roles: Roles::of([Role::Technical, Role::Auditor]) };
        let said = [suspended, given].map(|it| action(&Action::Identity(it)));
        assert_eq!(said, ["have account bob be suspended", "give account bob the roles technical, auditor"]);
    }
}
