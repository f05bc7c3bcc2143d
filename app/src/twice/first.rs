//! Lines from the types of the chain, as `assets/schemas/act.cddl` calls them.

use qratum_chain::{
    codec::{Decode as _, Malformed},
    ledger::{
        Act, Action, Answer, Outcome, Proposal, Request, Step, Voice,
        governance::{Candidate, Governing, Measure, Motion},
    },
    types::{Enrolment, Policy, Rule, TxoBody, TxoClass},
};
use qratum_decoder::Line;

/// The lines of the body of an act.
pub(super) fn act(body: &[u8]) -> Result<Vec<Line>, Malformed> {
    let body = TxoBody::from_bytes(body)?;
    if body.class != TxoClass::Admin {
        return Err(Malformed::Field("class"));
    }
    let act = Act::from_bytes(&body.payload)?;
    let mut lines = vec![
        Line::number("version", 1),
        Line::bytes("chain", &body.chain_id.0.0),
        Line::text("account", body.sender.to_string()),
        Line::number("nonce", body.nonce),
        Line::word("class", "admin"),
        Line::number("from-height", act.from.0),
        Line::number("until-height", act.until.0),
    ];
    match &act.step {
        Step::Request(proposal) => {
            lines.push(Line::word("step", "request"));
            lines.extend(proposal_lines(proposal)?);
        }
        Step::Approve(answer) => lines.extend(answer_lines("approve", answer)),
        Step::Reject(answer) => lines.extend(answer_lines("reject", answer)),
        Step::Govern(governing) => lines.extend(governing_lines(governing)),
        // The second decoder does not know it, so it is not signed.
        Step::Enrol(..) => return Err(Malformed::Field("step")),
    }
    Ok(lines)
}

fn answer_lines(step: &str, answer: &Answer) -> [Line; 3] {
    [
        Line::word("step", step),
        Line::bytes("request-id", &answer.request.0.0),
        Line::word("role", answer.role.word()),
    ]
}

fn governing_lines(governing: &Governing) -> Vec<Line> {
    match governing {
        Governing::Propose(Motion { measure, emergency }) => {
            let mut lines = vec![Line::word("step", "propose"), Line::word("measure", measure.word())];
            lines.extend(measure_lines(measure));
            lines.push(Line::word("emergency", if *emergency { "yes" } else { "no" }));
            lines
        }
        Governing::Vote { motion, choice } => vec![
            Line::word("step", "vote"),
            Line::bytes("proposal-id", &motion.0.0),
            Line::word("choice", choice.word()),
        ],
        Governing::Veto(motion) => {
            vec![Line::word("step", "veto"), Line::bytes("proposal-id", &motion.0.0)]
        }
    }
}

fn measure_lines(measure: &Measure) -> Vec<Line> {
    match measure {
        Measure::Parameter { parameter, value } => {
            vec![Line::word("parameter", parameter.word()), Line::number("new-value", *value)]
        }
        Measure::Upgrade { version, set } => {
            vec![Line::number("rules-version", (*version).into()), Line::number("from-set", set.0)]
        }
        Measure::Join(candidate) => candidate_lines(candidate).into(),
        Measure::Remove(name) => vec![Line::text("validator", name)],
    }
}

fn candidate_lines(Candidate { name, validator, enrolment }: &Candidate) -> [Line; 11] {
    let Enrolment { operator, stake, peer_key, operator_key, proofs } = enrolment;
    [
        Line::text("validator", name),
        Line::bytes("vote-key", &validator.pubkey.0),
        Line::text("jurisdiction", validator.jurisdiction.to_string()),
        Line::bytes("pq-key-hash", &validator.pq_key_hash.0),
        Line::text("operator", operator),
        Line::number("stake", *stake),
        Line::bytes("peer-key", &peer_key.0),
        Line::bytes("operator-key", &operator_key.0),
        Line::bytes("vote-proof", &proofs.vote.0),
        Line::bytes("peer-proof", &proofs.peer.0),
        Line::bytes("operator-proof", &proofs.operator.0),
    ]
}

fn proposal_lines(proposal: &Proposal) -> Result<Vec<Line>, Malformed> {
    let mut lines = action_lines(&proposal.action)?;
    lines.extend([
        Line::number("expires-ms", proposal.expiry.0),
        Line::bytes("policy-hash", &proposal.policy_hash.0),
        Line::number("basis-height", proposal.basis.height.0),
        Line::bytes("basis-block", &proposal.basis.block_id.0.0),
        Line::bytes("expect", &proposal.expect.0),
    ]);
    Ok(lines)
}

fn action_lines(action: &Action) -> Result<Vec<Line>, Malformed> {
    Ok(match action {
        Action::Credential { account, credential, status } => vec![
            Line::word("action", "credential-status"),
            Line::text("of-account", account.as_str()),
            Line::bytes("credential", &credential.0.0),
            Line::word("status", status.word()),
        ],
        Action::Policy(policy) => {
            [Line::word("action", "new-policy")].into_iter().chain(policy_lines(policy)).collect()
        }
        // The second decoder does not know them, so they are not signed.
        Action::Identity(_) => return Err(Malformed::Field("action")),
    })
}

fn policy_lines(policy: &Policy) -> Vec<Line> {
    let mut lines = vec![Line::number("policy", count(policy.rules()))];
    for (number, (class, rule)) in (1u64..).zip(policy.rules()) {
        lines.push(Line::word(format!("rule {number} for"), class.word()));
        lines.extend(rule_lines(number, rule));
    }
    lines
}

fn rule_lines(number: u64, rule: &Rule) -> Vec<Line> {
    let mut lines = vec![
        Line::word(format!("rule {number} requester"), rule.requester.word()),
        Line::number(format!("rule {number} threshold"), rule.threshold.into()),
        Line::number(format!("rule {number} groups"), count(rule.groups.iter())),
    ];
    for (place, group) in (1u64..).zip(&rule.groups) {
        lines.push(Line::word(format!("rule {number} group {place} role"), group.role.word()));
        lines.push(Line::number(format!("rule {number} group {place} least"), group.least.into()));
    }
    lines.push(Line::number(format!("rule {number} lifetime-ms"), rule.lifetime_ms));
    lines
}

fn count<T>(items: impl Iterator<Item = T>) -> u64 {
    items.fold(0, |count, _| count.saturating_add(1))
}

/// The lines of a request, as the state has it.
pub(super) fn request(value: &[u8]) -> Result<Vec<Line>, Malformed> {
    let request = Request::from_bytes(value)?;
    let mut lines = proposal_lines(&request.proposal)?;
    lines.extend([
        Line::text("requester", request.requester.as_str()),
        Line::bytes("person", &request.person.0.0),
        Line::bytes("by-credential", &request.credential.0.0),
        Line::number("opened-height", request.opened.0),
        Line::number("policy-version", request.policy_version),
        Line::number("voices", count(request.voices.iter())),
    ]);
    lines.extend((1u64..).zip(&request.voices).flat_map(|(number, voice)| voice_lines(number, voice)));
    let (outcome, height) = match request.outcome {
        Outcome::Open => ("open", 0),
        Outcome::Executed(height) => ("executed", height.0),
        Outcome::Rejected(height) => ("rejected", height.0),
    };
    lines.extend([Line::word("outcome", outcome), Line::number("closed-height", height)]);
    Ok(lines)
}

fn voice_lines(number: u64, voice: &Voice) -> [Line; 7] {
    let label = |name| format!("voice {number} {name}");
    [
        Line::word(label("says"), if voice.approves { "yes" } else { "no" }),
        Line::text(label("account"), voice.account.as_str()),
        Line::bytes(label("person"), &voice.person.0.0),
        Line::word(label("role"), voice.role.word()),
        Line::bytes(label("credential"), &voice.credential.0.0),
        Line::number(label("height"), voice.height.0),
        Line::bytes(label("transaction"), &voice.txo.0),
    ]
}
