//! Lists of what there is: a key of the state can be asked for, and not searched for. So whoever holds no
//! whole state, as a light node, is told by entries which accounts and which requests there are, and a
//! list that is proven is a list of all.
//!
//! They are kept by [`Draft`](super::Draft), whoever writes an account or a request, so that none can be
//! forgotten.

use crate::{
    codec::{Decode, Encode},
    types::{Account, AccountId, Accounts, People, RequestId},
};

/// State key of how many requests were opened, as 8 little-endian bytes; none before the first.
pub const REQUESTS_KEY: &[u8] = b"requests";

/// What stands before the id of a request in its state key.
pub(super) const REQUEST: &[u8] = b"request/";

/// State key of the id of request `number`, from 0 in the order of their opening.
#[must_use]
pub fn request_key(number: u64) -> Vec<u8> {
    [b"request-at/".as_slice(), &number.to_be_bytes()].concat()
}

/// What is under a key.
pub(super) type Get<'a> = &'a dyn Fn(&[u8]) -> Option<Vec<u8>>;

/// The names of all accounts there ever were, in alphabetical order: none is removed.
pub(super) fn accounts(get: Get<'_>) -> Vec<AccountId> {
    let listed = get(People::ACCOUNTS_KEY).and_then(|bytes| Accounts::from_bytes(&bytes).ok());
    listed.unwrap_or_default().0
}

/// How many requests were opened so far.
pub(super) fn requests(get: Get<'_>) -> u64 {
    let bytes = get(REQUESTS_KEY).and_then(|bytes| bytes.try_into().ok());
    bytes.map_or(0, u64::from_le_bytes)
}

/// What the lists say once there is an entry under `key`, where there was none.
pub(super) fn with(get: Get<'_>, key: &[u8]) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    let is_new = |key| get(key).is_none();
    if let Some(account) = account_in(key).filter(|_| is_new(key)) {
        let mut all = accounts(get);
        let place = all.partition_point(|other| *other < account);
        all.insert(place, account);
        return vec![(People::ACCOUNTS_KEY.to_vec(), Some(Accounts(all).to_bytes()))];
    }
    if let Some(id) = request_in(key).filter(|_| is_new(key)) {
        let number = requests(get);
        let count = number.saturating_add(1).to_le_bytes().to_vec();
        return vec![(REQUESTS_KEY.to_vec(), Some(count)), (request_key(number), Some(id.to_bytes()))];
    }
    Vec::new()
}

fn account_in(key: &[u8]) -> Option<AccountId> {
    AccountId::new(core::str::from_utf8(key.strip_prefix(Account::PREFIX)?).ok()?)
}

fn request_in(key: &[u8]) -> Option<RequestId> {
    RequestId::from_bytes(key.strip_prefix(REQUEST)?).ok()
}
