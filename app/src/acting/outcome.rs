//! What became of an act? The state tells, and nothing else: that a transaction stands in a block proves
//! no voice, as it may have suspended its own key instead.

use core::fmt;

use qratum_chain::{
    Hash,
    ledger::{Act, Answer, Outcome, Request, Step},
    types::{Account, CredentialStatus, Genesis, Height, RequestId, Seal, Sender, Txo},
};

use super::facts::Facts;

/// What the state says of an act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is in no block yet.
    Out,
    /// What it was to bring about stands in the state.
    Final(Done),
    /// Its heights have passed: it never comes into a block.
    Lapsed,
    /// Another act of the account has its place, or what it said was replaced since.
    Replaced,
    /// It came into a block, and did nothing but to suspend its own key: the counter went back, as that
    /// of a copied key does.
    Cloned,
}

/// What an act brought about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// A request of this id is open, or was.
    Opened(RequestId),
    /// A voice in a request counts, which then stands like this.
    Said(Outcome),
}

impl Standing {
    /// The word for it in documents.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Out => "out",
            Self::Final(_) => "final",
            Self::Lapsed => "lapsed",
            Self::Replaced => "replaced",
            Self::Cloned => "cloned",
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Out => f.write_str("it was sent, and is in no block yet"),
            Self::Final(Done::Opened(id)) => write!(f, "request {id} was opened"),
            Self::Final(Done::Said(outcome)) => {
                write!(f, "the voice stands in the request, which is {outcome}")
            }
            Self::Lapsed => f.write_str("its heights have passed, and it is in no block: it never will be"),
            Self::Replaced => f.write_str("another act of the account stands in its place"),
            Self::Cloned => f.write_str(
                "it did nothing: the counter of the security key went back, as that of a copied key does, \
                 and the chain has suspended the key",
            ),
        }
    }
}

/// The keys of the entries that tell.
pub(crate) fn keys(txo: &Txo, act: &Act) -> Vec<Vec<u8>> {
    let mut keys = vec![Genesis::PARAMS_KEY.to_vec(), Request::state_key(request(txo.body.id(), act))];
    if let Sender::Account(account) = &txo.body.sender {
        keys.push(Account::state_key(account));
    }
    keys
}

/// The request that an act opens or speaks to.
fn request(id: Hash, act: &Act) -> RequestId {
    match &act.step {
        Step::Request(_) => RequestId(id),
        Step::Approve(Answer { request, .. }) | Step::Reject(Answer { request, .. }) => *request,
        #[allow(unreachable_patterns, reason = "whatever else opens one gives it its own id")]
        _ => RequestId(id),
    }
}

/// What the state says of an act.
pub(crate) fn standing(txo: &Txo, act: &Act, facts: &Facts) -> Standing {
    let id = txo.body.id();
    let about = request(id, act);
    if let Some(request) = facts.request(about) {
        if !matches!(act.step, Step::Approve(_) | Step::Reject(_)) {
            return Standing::Final(Done::Opened(about));
        }
        if request.voices.iter().any(|voice| voice.txo == id) {
            return Standing::Final(Done::Said(request.outcome));
        }
    }
    let (Sender::Account(name), Seal::Factors(factors)) = (&txo.body.sender, &txo.seal) else {
        return Standing::Replaced;
    };
    let account = facts.account(name);
    match account {
        Some(account) if account.nonce > txo.body.nonce => {
            let key = account.credential(factors.credential);
            let cloned = key.is_some_and(|key| key.status == CredentialStatus::Cloned);
            if cloned { Standing::Cloned } else { Standing::Replaced }
        }
        _ if facts.at.height >= act.until => Standing::Lapsed,
        _ => Standing::Out,
    }
}

/// The height in words of what is final.
pub(crate) fn finalized(height: Height) -> String {
    format!("finalized and verified at height {height}")
}
