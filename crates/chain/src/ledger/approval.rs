//! What may a person do? Their acts are the payload of transactions of class [`TxoClass::Admin`],
//! sealed with two factors. Nobody acts alone: a request is carried out in the block in which the last
//! approval it needs comes, and not before.

use super::{
    Act, Answer, Authorized, Denial, Draft, Outcome, Place, Proposal, Request, Step, Voice,
    governance::{self, Speaker},
    recent,
    registry::Refusal,
};
use crate::{
    Hash,
    codec::Encode,
    state::Changes,
    types::{
        Account, AccountId, Credential, CredentialId, CredentialStatus, Factors, Policy, Possession,
        RequestId, Role, Seal, Sender, Standing, Txo, TxoBody, TxoClass,
    },
};
use qratum_crypto::domain;

/// A person who showed both factors.
#[derive(Clone, Debug)]
pub struct Actor {
    id: AccountId,
    account: Account,
    credential: Credential,
    /// The counter of this assertion.
    counter: u32,
    act: Act,
    txo: Hash,
}

/// Who sent an act that is for this chain, and whether both factors are theirs.
///
/// # Errors
/// [`Refusal`]: what can be told without a look at the nonce and at what is asked for.
pub fn sender(draft: &Draft<'_>, place: &Place<'_>, txo: &Txo) -> Result<Actor, Refusal> {
    let Seal::Factors(factors) = &txo.seal else { return Err(Refusal::Class) };
    let actor = claimed(draft, place, &txo.body, factors.credential)?;
    let challenge = txo.body.challenge();
    check_counts(&actor.credential)?;
    actor.is_not_past(&txo.body)?;
    let assertion = (&factors.auth_data, &factors.signature);
    actor.credential.key.asserted(assertion, challenge, &draft.rp_id()).map_err(Denial::from)?;
    check_biokey(factors, &actor.credential, challenge, (draft, place))?;
    Ok(Actor { counter: factors.auth_data.counter(), ..actor })
}

/// Who is said to send it, with which of their credentials, which is not to say that they do.
fn claimed(
    draft: &Draft<'_>,
    place: &Place<'_>,
    body: &TxoBody,
    credential: CredentialId,
) -> Result<Actor, Refusal> {
    if body.chain_id != place.chain_id {
        return Err(Refusal::WrongChain);
    }
    let (TxoClass::Admin, Sender::Account(id)) = (body.class, &body.sender) else {
        return Err(Refusal::Class);
    };
    let account = draft.account(id).ok_or(Denial::UnknownAccount)?;
    if account.standing != Standing::Active {
        return Err(Denial::AccountClosed.into());
    }
    let act = Act::from_bytes(&body.payload).map_err(|_| Refusal::Malformed)?;
    if act.until.0.saturating_sub(act.from.0) > Act::MAX_HEIGHTS {
        return Err(Denial::Heights.into());
    }
    if place.height < act.from {
        return Err(Denial::Early.into());
    }
    if place.height > act.until {
        return Err(Denial::Late.into());
    }
    let credential = account.credential(credential).ok_or(Denial::UnknownCredential)?.clone();
    let (counter, txo) = (credential.sign_count.saturating_add(1), body.id());
    Ok(Actor { id: id.clone(), account, credential, counter, act, txo })
}

/// Whether acts with it count.
const fn check_counts(credential: &Credential) -> Result<(), Denial> {
    match credential.status {
        CredentialStatus::Active => Ok(()),
        CredentialStatus::Suspended | CredentialStatus::Cloned => Err(Denial::CredentialSuspended),
        CredentialStatus::Revoked => Err(Denial::CredentialRevoked),
    }
}

/// The second factor: the biokey of this credential was there in the last minute, for this assertion.
fn check_biokey(
    factors: &Factors,
    credential: &Credential,
    challenge: Hash,
    (draft, place): (&Draft<'_>, &Place<'_>),
) -> Result<(), Denial> {
    let opened = recent::time_of(draft, place, &factors.opened_at).ok_or(Denial::OpenedNowhere)?;
    if !recent::in_window(opened, place) {
        return Err(Denial::OpenedTooLong);
    }
    let message = factors.biokey_message(challenge);
    let said = credential.biokey.verify(domain::BIOKEY_ACTION, message, &factors.biokey);
    said.map_err(Denial::from)
}

/// Checks an act in full and carries it out.
///
/// Where all holds but the counter of the security key, which went back, the key is suspended in place
/// of that: it may have been copied. So nothing that is unsigned or late can suspend a key.
///
/// # Errors
/// [`Refusal`]; the draft is unchanged then.
pub fn apply(draft: &mut Draft<'_>, place: &Place<'_>, txo: &Txo) -> Result<(), Refusal> {
    let actor = sender(draft, place, txo)?;
    actor.check_nonce(&txo.body)?;
    let next = actor.done(draft, place)?;
    if actor.counter_went_back() {
        let suspended = actor.after_it(|key| key.status = CredentialStatus::Cloned);
        draft.put(Account::state_key(&actor.id), suspended);
    } else {
        *draft = next;
    }
    Ok(())
}

/// What an act would do in this block if it were sealed with this credential: all rules but those of
/// the two factors, for whoever wants to see it before anybody signs.
///
/// # Errors
/// [`Refusal`].
pub fn rehearse(
    draft: &Draft<'_>,
    place: &Place<'_>,
    body: &TxoBody,
    credential: CredentialId,
) -> Result<Changes, Refusal> {
    let actor = claimed(draft, place, body, credential)?;
    check_counts(&actor.credential)?;
    actor.check_nonce(body)?;
    Ok(actor.done(draft, place)?.into_changes())
}

impl Actor {
    /// A nonce that was used is told before any signature is looked at: whoever saw an act could send it
    /// again and again.
    const fn is_not_past(&self, body: &TxoBody) -> Result<(), Refusal> {
        let want = self.account.nonce;
        if body.nonce < want { Err(Refusal::Nonce { want }) } else { Ok(()) }
    }

    fn check_nonce(&self, body: &TxoBody) -> Result<(), Refusal> {
        let want = self.account.nonce;
        if body.nonce == want { Ok(()) } else { Err(Refusal::Nonce { want }) }
    }

    /// After the act, when the counter of the key went on.
    fn done<'a>(&self, draft: &Draft<'a>, place: &Place<'_>) -> Result<Draft<'a>, Denial> {
        let mut next = draft.clone();
        let used = self.after_it(|key| (key.sign_count, key.last_used) = (self.counter, place.height));
        next.put(Account::state_key(&self.id), used);
        self.carry_out(&mut next, place)?;
        Ok(next)
    }

    /// A key that counts must have counted on. One that does not count always says 0.
    const fn counter_went_back(&self) -> bool {
        let (before, now) = (self.credential.sign_count, self.counter);
        (before != 0 || now != 0) && now <= before
    }

    /// The entry of the account after one more act, which changes the credential like this.
    fn after_it(&self, change: impl FnOnce(&mut Credential)) -> Vec<u8> {
        let mut account = self.account.clone();
        account.nonce = account.nonce.saturating_add(1);
        if let Some(credential) = account.credential_mut(self.credential.id) {
            change(credential);
        }
        account.to_bytes()
    }

    fn carry_out(&self, draft: &mut Draft<'_>, place: &Place<'_>) -> Result<(), Denial> {
        match &self.act.step {
            Step::Request(proposal) => self.request(draft, place, (proposal, &[])),
            Step::Enrol(proposal, proofs) => self.request(draft, place, (proposal, proofs)),
            Step::Approve(answer) => self.approve(draft, place, answer),
            Step::Reject(answer) => self.reject(draft, place, answer),
            Step::Govern(asked) => governance::carry_out(draft, place, self.speaker(), asked),
        }
    }

    const fn speaker(&self) -> Speaker<'_> {
        Speaker { account: &self.id, person: self.account.person, roles: self.account.roles, txo: self.txo }
    }

    /// Opens a request, when it could be carried out if it were approved now.
    fn request(
        &self,
        draft: &mut Draft<'_>,
        place: &Place<'_>,
        (proposal, proofs): (&Proposal, &[Possession]),
    ) -> Result<(), Denial> {
        let policy = draft.policy().unwrap_or_default();
        let rule = policy.rule(proposal.action.class()).ok_or(Denial::NoRule)?;
        let latest = place.time.plus(rule.lifetime_ms);
        let basis = recent::time_of(draft, place, &proposal.basis);
        first_denial([
            (self.account.roles.holds(rule.requester), Denial::Role),
            (proposal.policy_hash == policy.hash(), Denial::PolicyChanged),
            (basis.is_some_and(|time| recent::in_window(time, place)), Denial::Basis),
            (proposal.expiry > place.time && proposal.expiry <= latest, Denial::Lifetime),
            (proposal.expect == proposal.action.expectation(draft), Denial::StateChanged),
        ])?;
        let id = RequestId(self.txo);
        proposal.action.effect_of(draft, id)?;
        proposal.action.is_held(draft, place, proofs)?;
        super::open::take(draft, place, self.account.person, (id, proposal.expiry))?;
        let request = Request {
            proposal: proposal.clone(),
            requester: self.id.clone(),
            person: self.account.person,
            credential: self.credential.id,
            opened: place.height,
            policy_version: draft.policy_version(),
            voices: Vec::new(),
            outcome: Outcome::Open,
        };
        draft.put(Request::state_key(id), request.to_bytes());
        Ok(())
    }

    fn approve(&self, draft: &mut Draft<'_>, place: &Place<'_>, answer: &Answer) -> Result<(), Denial> {
        let (mut request, policy) = self.asked(draft, place, answer)?;
        let rule = policy.rule(request.proposal.action.class()).ok_or(Denial::NoRule)?;
        let approvals = request.approvals(draft);
        let given: Vec<Role> = approvals.iter().map(|voice| voice.role).collect();
        first_denial([
            (approvals.iter().all(|voice| voice.person != self.account.person), Denial::SamePerson),
            (rule.admits(&given, answer.role), Denial::RoleFilled),
            (request.proposal.expect == request.proposal.action.expectation(draft), Denial::StateChanged),
        ])?;
        request.hear(self.voice(place, answer, true));
        if let Some(authorized) = Authorized::count(&request, &policy, draft) {
            authorized.execute(draft, answer.request)?;
            request.outcome = Outcome::Executed(place.height);
        }
        draft.put(Request::state_key(answer.request), request.to_bytes());
        Ok(())
    }

    fn reject(&self, draft: &mut Draft<'_>, place: &Place<'_>, answer: &Answer) -> Result<(), Denial> {
        let (mut request, _) = self.asked(draft, place, answer)?;
        request.hear(self.voice(place, answer, false));
        request.outcome = Outcome::Rejected(place.height);
        draft.put(Request::state_key(answer.request), request.to_bytes());
        Ok(())
    }

    /// The request that the person speaks to, and the policy, when they are asked at all.
    fn asked(
        &self,
        draft: &Draft<'_>,
        place: &Place<'_>,
        answer: &Answer,
    ) -> Result<(Request, Policy), Denial> {
        let request: Request =
            draft.read(&Request::state_key(answer.request)).ok_or(Denial::UnknownRequest)?;
        let policy = draft.policy().unwrap_or_default();
        let rule = policy.rule(request.proposal.action.class()).ok_or(Denial::NoRule)?;
        let asks = |account: Account| account.speaks(rule.requester, request.credential);
        first_denial([
            (!matches!(request.outcome, Outcome::Executed(_)), Denial::Executed),
            (!matches!(request.outcome, Outcome::Rejected(_)), Denial::Rejected),
            (place.time <= request.proposal.expiry, Denial::Expired),
            (request.is_under(draft), Denial::PolicyChanged),
            (draft.account(&request.requester).is_some_and(asks), Denial::RequesterClosed),
            (self.account.roles.holds(answer.role), Denial::Role),
            (rule.roles().holds(answer.role), Denial::RoleUnasked),
            (request.person != self.account.person, Denial::OwnRequest),
        ])?;
        Ok((request, policy))
    }

    fn voice(&self, place: &Place<'_>, answer: &Answer, approves: bool) -> Voice {
        Voice {
            approves,
            account: self.id.clone(),
            person: self.account.person,
            role: answer.role,
            credential: self.credential.id,
            height: place.height,
            txo: self.txo,
        }
    }
}

fn first_denial<const N: usize>(rules: [(bool, Denial); N]) -> Result<(), Denial> {
    rules.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, denial)| Err(denial))
}

#[cfg(test)]
mod tests;
