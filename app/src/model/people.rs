//! Who may act, what was asked for, and what came of it? Entries of the state after one block, each
//! proven; the chain itself lists its requests, so a list that is proven is a list of all.

use std::collections::{BTreeMap, BTreeSet};

use qratum_chain::{
    Hash,
    codec::Decode,
    ledger::{Body, Outcome, Request, Voice, index},
    types::{Account, AccountId, Header, Height, Policy, RequestId, Role, Rule, Time},
};

/// So many of the newest requests are looked at.
const KEPT: u64 = 32;

/// Entries by their keys, each with its value or with none where it is proven that there is none.
pub(crate) type Entries = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// What the state says of people and of what they asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct People {
    /// The block after which it says so.
    pub(crate) at: Height,
    /// How many requests were opened there ever.
    pub(crate) count: u64,
    /// The newest of them, the newest first.
    pub(crate) requests: Vec<(RequestId, Request)>,
    pub(crate) policy: Policy,
    policy_version: u64,
    accounts: BTreeMap<AccountId, Account>,
}

/// How a request stands now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It waits for answers.
    Open,
    /// Nobody may answer any more: its time is over.
    Expired,
    /// Nobody may answer any more: the policy is another one.
    Void,
    /// It was carried out in the block at this height.
    Executed(Height),
    /// It was rejected in the block at this height.
    Rejected(Height),
}

impl People {
    /// The keys that are needed beside those that are known: what is asked for first, and then what the
    /// answers name; the accounts `me` are of interest in any case.
    pub(crate) fn wanted(known: &Entries, me: &[AccountId]) -> Vec<Vec<u8>> {
        let fixed = [index::REQUESTS_KEY, Policy::STATE_KEY, Policy::VERSION_KEY].map(<[u8]>::to_vec);
        let places = newest(number(known, index::REQUESTS_KEY));
        let mut keys: BTreeSet<Vec<u8>> = fixed.into();
        keys.extend(me.iter().map(Account::state_key));
        for place in places {
            keys.insert(index::request_key(place));
            let Some(id) = read(known, &index::request_key(place)) else { continue };
            keys.insert(Request::state_key(id));
            let Some(request) = read::<Request>(known, &Request::state_key(id)) else { continue };
            keys.extend(accounts(&request).map(Account::state_key));
        }
        keys.into_iter().filter(|key| !known.contains_key(key)).collect()
    }

    /// What these entries say, proven after the block at this height.
    pub(crate) fn of(known: &Entries, me: &[AccountId], at: Height) -> Self {
        let count = number(known, index::REQUESTS_KEY);
        let request = |place| {
            let id = read(known, &index::request_key(place))?;
            Some((id, read(known, &Request::state_key(id))?))
        };
        let requests: Vec<(RequestId, Request)> = newest(count).filter_map(request).collect();
        let account = |id: &AccountId| Some((id.clone(), read(known, &Account::state_key(id))?));
        let named = requests.iter().flat_map(|(_, request)| accounts(request));
        let accounts = named.chain(me).filter_map(account).collect();
        Self {
            at,
            count,
            policy: read(known, Policy::STATE_KEY).unwrap_or_default(),
            policy_version: number(known, Policy::VERSION_KEY),
            accounts,
            requests,
        }
    }

    /// The request of this id.
    pub(crate) fn request(&self, id: RequestId) -> Option<&Request> {
        self.requests.iter().find(|(other, _)| *other == id).map(|(_, request)| request)
    }

    /// How a request stands at this time.
    pub(crate) fn standing(&self, request: &Request, now: Time) -> Standing {
        match request.outcome {
            Outcome::Executed(height) => Standing::Executed(height),
            Outcome::Rejected(height) => Standing::Rejected(height),
            Outcome::Open if request.policy_version != self.policy_version => Standing::Void,
            Outcome::Open if now > request.proposal.expiry => Standing::Expired,
            Outcome::Open => Standing::Open,
        }
    }

    /// The rule that decides on a request.
    pub(crate) fn rule(&self, request: &Request) -> Option<&Rule> {
        self.policy.rule(request.proposal.action.class())
    }

    /// The roles of the approvals that count now.
    pub(crate) fn given(&self, request: &Request) -> Vec<Role> {
        let counts = |voice: &&Voice| {
            let account = self.accounts.get(&voice.account);
            voice.approves && account.is_some_and(|it| it.speaks(voice.role, voice.credential))
        };
        request.voices.iter().filter(counts).map(|voice| voice.role).collect()
    }

    /// What is still missing under the rule, in words; nothing where it is met.
    pub(crate) fn missing(&self, request: &Request) -> String {
        let Some(rule) = self.rule(request) else { return "no rule allows it".to_owned() };
        let given = self.given(request);
        let of = |role| given.iter().filter(|one| **one == role).count();
        let groups: Vec<(usize, Role)> = rule
            .groups
            .iter()
            .map(|group| (usize::from(group.least).saturating_sub(of(group.role)), group.role))
            .filter(|(missing, _)| *missing > 0)
            .collect();
        let named: usize = groups.iter().map(|(missing, _)| missing).sum();
        let any = usize::from(rule.threshold).saturating_sub(given.len()).saturating_sub(named);
        let groups = groups.into_iter().map(|(missing, role)| format!("{missing} {role}"));
        let any = (any > 0).then(|| format!("{any} more"));
        groups.chain(any).collect::<Vec<_>>().join(", ")
    }

    /// Why this account may not answer a request now; none where it may.
    pub(crate) fn bars(&self, id: &AccountId, request: &Request, now: Time) -> Option<&'static str> {
        let (Some(account), Some(rule)) = (self.accounts.get(id), self.rule(request)) else {
            return Some("it is not enrolled here");
        };
        let said = |voice: &Voice| voice.approves && voice.person == account.person;
        let asked = account.roles.iter().any(|role| rule.roles().holds(role));
        if self.standing(request, now) != Standing::Open {
            Some("the request is closed")
        } else if !account.can_act() {
            Some("the account cannot act")
        } else if request.person == account.person {
            Some("it is your own request")
        } else if !asked {
            Some("your role is not asked")
        } else if request.voices.iter().any(said) {
            Some("you said yes")
        } else {
            None
        }
    }
}

/// Who asked, and who answered.
fn accounts(request: &Request) -> impl Iterator<Item = &AccountId> {
    [&request.requester].into_iter().chain(request.voices.iter().map(|voice| &voice.account))
}

/// The places of the newest requests, the newest first.
fn newest(count: u64) -> impl Iterator<Item = u64> {
    (count.saturating_sub(KEPT)..count).rev()
}

fn read<T: Decode>(known: &Entries, key: &[u8]) -> Option<T> {
    T::from_bytes(known.get(key)?.as_deref()?).ok()
}

/// A count of eight bytes; none is zero.
fn number(known: &Entries, key: &[u8]) -> u64 {
    let bytes = known.get(key).and_then(|value| value.as_deref()?.try_into().ok());
    bytes.map_or(0, u64::from_le_bytes)
}

/// The start of the id of a request, as people read it to each other.
pub(crate) fn start_of(id: RequestId) -> String {
    let Hash(bytes) = id.0;
    bytes.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// Whether what is known of people is still so: blocks that hold no transaction change nothing of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Watch {
    /// The newest head.
    head: Height,
    /// The newest head that may have changed something.
    changed: Height,
    /// Whether an answer is waited for.
    asked: bool,
}

impl Watch {
    /// A head was verified. Where some below it were passed over, nobody knows what they hold.
    pub(super) fn head(&mut self, header: &Header) {
        let follows = header.height == self.head.next();
        if !follows || header.tx_root != Body::default().tx_root() {
            self.changed = header.height;
        }
        self.head = header.height;
    }

    /// Whether nothing has changed since this was proven.
    pub(super) fn holds(&self, people: &People) -> bool {
        people.at >= self.changed
    }

    /// Whether it is to be asked for now; then an answer is waited for.
    pub(crate) fn asks(&mut self, people: Option<&People>) -> bool {
        let asks = !self.asked && people.is_none_or(|people| !self.holds(people));
        self.asked |= asks;
        asks
    }

    /// The answer came.
    pub(crate) const fn answered(&mut self) {
        self.asked = false;
    }
}
