//! What became of an act? The state tells, and nothing else: that a transaction stands in a block proves
//! no voice, as it may have suspended its own key instead.

use core::fmt;

use qratum_chain::{
    ledger::{
        Act, Answer, Outcome, Request, Step,
        governance::{Ballot, Governing, Phase, Referendum},
    },
    types::{Account, AccountId, CredentialStatus, Genesis, Height, MotionId, RequestId, Seal, Sender, Txo},
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
    /// A proposal of this id is voted on, or was.
    Proposed(MotionId),
    /// A ballot counts.
    Voted(MotionId),
    /// A proposal is vetoed.
    Vetoed(MotionId),
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
            Self::Final(Done::Proposed(id)) => write!(f, "proposal {id} is there to be voted on"),
            Self::Final(Done::Voted(id)) => write!(f, "the ballot counts for proposal {id}"),
            Self::Final(Done::Vetoed(id)) => write!(f, "proposal {id} is vetoed"),
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
    let mut keys = vec![Genesis::PARAMS_KEY.to_vec(), mark(txo, act)];
    if let Sender::Account(account) = &txo.body.sender {
        keys.push(Account::state_key(account));
    }
    keys
}

/// Key of the entry that shows what an act brought about.
fn mark(txo: &Txo, act: &Act) -> Vec<u8> {
    match (&act.step, &txo.body.sender) {
        (Step::Approve(Answer { request, .. }) | Step::Reject(Answer { request, .. }), _) => {
            Request::state_key(*request)
        }
        (Step::Govern(Governing::Propose(_)), _) => Referendum::state_key(MotionId(txo.body.id())),
        (Step::Govern(Governing::Vote { motion, .. }), Sender::Account(account)) => {
            Ballot::state_key(*motion, account)
        }
        (Step::Govern(Governing::Vote { motion, .. } | Governing::Veto(motion)), _) => {
            Referendum::state_key(*motion)
        }
        (Step::Request(_) | Step::Enrol(..), _) => Request::state_key(RequestId(txo.body.id())),
    }
}

/// What the act brought about, where that stands in the state.
fn done(txo: &Txo, act: &Act, facts: &Facts) -> Option<Done> {
    let (id, key) = (txo.body.id(), mark(txo, act));
    match &act.step {
        Step::Approve(_) | Step::Reject(_) => {
            let request: Request = facts.read(&key)?;
            let heard = request.voices.iter().any(|voice| voice.txo == id);
            heard.then_some(Done::Said(request.outcome))
        }
        Step::Govern(Governing::Propose(_)) => {
            facts.read::<Referendum>(&key).map(|_| Done::Proposed(MotionId(id)))
        }
        Step::Govern(Governing::Vote { motion, .. }) => {
            facts.read::<Ballot>(&key).filter(|ballot| ballot.txo == id).map(|_| Done::Voted(*motion))
        }
        Step::Govern(Governing::Veto(motion)) => {
            let by = |by: &AccountId| txo.body.sender == Sender::Account(by.clone());
            let vetoed: Referendum = facts.read(&key)?;
            matches!(&vetoed.phase, Phase::Vetoed(account) if by(account)).then_some(Done::Vetoed(*motion))
        }
        Step::Request(_) | Step::Enrol(..) => {
            facts.read::<Request>(&key).map(|_| Done::Opened(RequestId(id)))
        }
    }
}

/// What the state says of an act.
pub(crate) fn standing(txo: &Txo, act: &Act, facts: &Facts) -> Standing {
    if let Some(done) = done(txo, act, facts) {
        return Standing::Final(done);
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
