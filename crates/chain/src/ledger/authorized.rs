//! The one door between what people want and what is done: an action that enough of them approved.

use super::{Action, Denial, Draft, Request};
use crate::types::{Policy, RequestId, Role};

/// Something that enough people approved, by the policy that holds. Made by counting a request, and by
/// nothing else: its field is private, and it is never decoded.
///
/// ```compile_fail
/// # use qratum_chain::{ledger::{Action, Authorized}, types::Policy};
/// // No one can claim that an action was approved.
/// let alone = Authorized { approved: Action::Policy(Policy::default()) };
/// ```
///
/// ```compile_fail
/// # use qratum_chain::{codec::Decode, ledger::{Action, Authorized}};
/// // Nor can it be read from bytes.
/// let alone: Authorized<Action> = Decode::from_bytes(&[]).unwrap();
/// ```
///
/// ```compile_fail
/// # use qratum_chain::{ledger::{Action, Authorized, Draft, Request}, types::Policy};
/// // Nor does anybody but the ledger count.
/// fn count(request: &Request, policy: &Policy, draft: &Draft<'_>) -> Option<Authorized<Action>> {
///     Authorized::count(request, policy, draft)
/// }
/// ```
#[derive(Debug)]
pub struct Authorized<T> {
    approved: T,
}

impl<T> Authorized<T> {
    /// What was approved.
    #[must_use]
    pub const fn get(&self) -> &T {
        &self.approved
    }
}

impl Authorized<Action> {
    /// Counts the approvals of a request, all of them again: of people who may still act, by the policy
    /// that holds now.
    pub(super) fn count(request: &Request, policy: &Policy, draft: &Draft<'_>) -> Option<Self> {
        let action = &request.proposal.action;
        let given: Vec<Role> = request.approvals(draft).iter().map(|voice| voice.role).collect();
        let met = policy.rule(action.class()).is_some_and(|rule| rule.is_met(&given));
        (met && request.is_under(draft)).then(|| Self { approved: action.clone() })
    }

    /// Does it; `by`: the request that was counted.
    ///
    /// # Errors
    /// [`Denial`], where it cannot be done any more; the draft is unchanged then.
    pub(super) fn execute(self, draft: &mut Draft<'_>, by: RequestId) -> Result<(), Denial> {
        let effect = self.approved.effect_of(draft, by)?;
        effect.into_iter().for_each(|(key, value)| draft.put(key, value));
        Ok(())
    }
}
