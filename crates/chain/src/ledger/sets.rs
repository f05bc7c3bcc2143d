//! The next validator set, at the end of a set: whoever is active in the registry, with the key and
//! the stake it has now.

use super::{Draft, Place};
use crate::{
    codec::Encode,
    types::{Retired, Status, Validator, ValidatorSet},
};

/// Writes down which vote keys retire, and returns the next set; `None` when it is the same one,
/// or when nobody would be in it: then the old one goes on, as a chain without voters is dead.
///
/// Members keep their order, so that indexes move only where somebody left. Called for the block at
/// the end of a set, after all else in it was carried out.
pub fn turn(draft: &mut Draft<'_>, place: &Place<'_>) -> Option<ValidatorSet> {
    let set = place.set;
    let next = ValidatorSet::new(members(draft, set)).ok().filter(|next| next.hash() != set.hash())?;
    for member in set.members() {
        if next.index_of(&member.pubkey).is_none()
            && let Some(used) = draft.key_use(&member.pubkey)
        {
            let retired = Retired { name: used.name, last_set: place.set_id(), time: place.time };
            draft.put(Retired::state_key(&member.pubkey), retired.to_bytes());
        }
    }
    Some(next)
}

fn members(draft: &Draft<'_>, set: &ValidatorSet) -> Vec<Validator> {
    let name = |member: &Validator| draft.key_use(&member.pubkey).map(|used| used.name);
    let mut order: Vec<String> = set.members().iter().filter_map(name).collect();
    let others: Vec<String> = draft.names().into_iter().filter(|name| !order.contains(name)).collect();
    order.extend(others);
    let active = order.iter().filter_map(|name| draft.registration(name));
    let active = active.filter(|registration| registration.status == Status::Active);
    active.map(|registration| registration.validator()).filter(|member| member.power > 0).collect()
}
