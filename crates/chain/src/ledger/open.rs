//! How many requests may a person have open? A few: whatever is opened stands in the state for ever, as
//! what people decided, or did not, is to be proven later too. So it must not come in any number.

use super::{Denial, Draft, Outcome, Place, Request};
use crate::{
    codec::{Decode, Encode, Malformed, Reader, put_list},
    types::{PersonId, RequestId, Time},
};

/// So many at a time.
pub const MAX_OPEN: usize = 8;
/// How long an open request counts at least, in milliseconds, however soon it expires: else who asks for
/// what expires at once asks without end.
pub const HELD_MS: u64 = 60_000;

/// One of the places of a person.
#[derive(Clone, Copy, Debug)]
struct Taken {
    request: RequestId,
    /// It is free after this time, or as soon as the request is closed.
    until: Time,
}

impl Encode for Taken {
    fn encode(&self, out: &mut Vec<u8>) {
        self.request.encode(out);
        self.until.encode(out);
    }
}

impl Decode for Taken {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self { request: RequestId::decode(reader)?, until: Time::decode(reader)? })
    }
}

/// All that are taken.
#[derive(Default)]
struct Places(Vec<Taken>);

impl Encode for Places {
    fn encode(&self, out: &mut Vec<u8>) {
        put_list(out, &self.0);
    }
}

impl Decode for Places {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        reader.list("open requests", MAX_OPEN, 40).map(Self)
    }
}

/// Takes a place for a request of this person that expires then. State key: `open/` and the person.
///
/// # Errors
/// [`Denial::TooManyOpen`]; the draft is unchanged then.
pub(super) fn take(
    draft: &mut Draft<'_>,
    place: &Place<'_>,
    person: PersonId,
    (request, expiry): (RequestId, Time),
) -> Result<(), Denial> {
    let key = [b"open/".as_slice(), &person.0.0].concat();
    let Places(mut taken) = draft.read(&key).unwrap_or_default();
    taken.retain(|taken| place.time <= taken.until && is_open(draft, taken.request));
    if taken.len() >= MAX_OPEN {
        return Err(Denial::TooManyOpen);
    }
    taken.push(Taken { request, until: expiry.max(place.time.plus(HELD_MS)) });
    draft.put(key, Places(taken).to_bytes());
    Ok(())
}

fn is_open(draft: &Draft<'_>, request: RequestId) -> bool {
    let request: Option<Request> = draft.read(&Request::state_key(request));
    request.is_some_and(|request| request.outcome == Outcome::Open && request.is_under(draft))
}
