//! What exactly would be signed, and what would it do? A wish is tried on proven facts with the chain's own
//! rules, until all that the trial reads is proven.

use core::fmt;

use qratum_chain::{
    Hash,
    codec::Decode as _,
    ledger::{
        Act, Action, Answer, Denial, Draft, Proposal, Request, Step, approval,
        recent::{BIOKEY_MS, INCLUSION_MS},
        registry::Refusal,
    },
    state::Changes,
    types::{
        Account, AccountId, CredentialId, CredentialStatus, Height, RequestId, Role, Rule, Sender, TxoBody,
        TxoClass,
    },
};
use qratum_light_node::FetchError;

use super::{
    facts::Facts,
    gather::{Ungathered, gather},
    words,
};

/// How long people may take between the planning and the block, in milliseconds.
const PATIENCE_MS: u64 = 2 * (BIOKEY_MS + INCLUSION_MS);

/// What somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    /// By which account.
    pub(crate) account: AccountId,
    /// With which of its credentials; none: the first that counts, to see what it would do.
    pub(crate) credential: Option<CredentialId>,
    /// What.
    pub(crate) want: Want,
}

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// That a request be opened.
    Open {
        /// For this.
        action: Box<Action>,
        /// For so long; none: as long as the rule allows.
        lifetime_ms: Option<u64>,
    },
    /// Yes, in this role; none: the one role that fits.
    Approve(RequestId, Option<Role>),
    /// No.
    Reject(RequestId, Option<Role>),
}

/// What would be signed.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// What is said: its bytes are what is signed.
    pub(crate) body: TxoBody,
    /// Its payload, decoded from those bytes.
    pub(crate) act: Act,
    /// The credential that is to seal it.
    pub(crate) credential: CredentialId,
    /// What it rests on.
    pub(crate) facts: Facts,
    /// What the next block would change if it were sealed now, a line for each.
    pub(crate) effect: Vec<String>,
}

impl Plan {
    /// What the security key is asked to sign for.
    pub(crate) fn digest(&self) -> Hash {
        self.body.challenge()
    }

    /// The account that acts.
    pub(crate) const fn account(&self) -> Option<&AccountId> {
        match &self.body.sender {
            Sender::Account(account) => Some(account),
            Sender::Key(_) => None,
        }
    }
}

/// Why there is nothing to sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unplanned {
    /// The validators would refuse it, for this reason.
    Refused(Refusal),
    /// The account has several roles that fit: one must be named.
    WhichRole(Vec<Role>),
    /// The account has no credential that counts.
    NoCredential,
    /// This chain has no people.
    NoPeople,
    /// It could not be tried on proven facts.
    Ungathered(Ungathered),
}

impl From<Ungathered> for Unplanned {
    fn from(why: Ungathered) -> Self {
        Self::Ungathered(why)
    }
}

impl From<Denial> for Unplanned {
    fn from(denial: Denial) -> Self {
        Self::Refused(denial.into())
    }
}

impl fmt::Display for Unplanned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) => write!(f, "the validators would refuse it: {why}"),
            Self::WhichRole(roles) => {
                let roles: Vec<&str> = roles.iter().map(|role| role.word()).collect();
                write!(f, "the account can speak in several roles: name one of {}", roles.join(", "))
            }
            Self::NoCredential => f.write_str("the account has no security key that counts"),
            Self::NoPeople => f.write_str("nobody can act on this chain: its genesis names no people"),
            Self::Ungathered(why) => why.fmt(f),
        }
    }
}

/// Plans what is wanted on facts that `fetch` proves, all at one head.
///
/// # Errors
/// [`Unplanned`].
pub(crate) async fn plan(
    wish: &Wish,
    fetch: impl AsyncFn(&[Vec<u8>]) -> Result<Facts, FetchError>,
) -> Result<Plan, Unplanned> {
    let (facts, tried) = gather(fetch, |facts, draft| tried(wish, facts, draft)).await?;
    let (body, act, credential, changes) = tried?;
    let effect = words::effect(&facts, &changes);
    Ok(Plan { body, act, credential, facts, effect })
}

type Tried = (TxoBody, Act, CredentialId, Changes);

fn tried(wish: &Wish, facts: &Facts, draft: &Draft<'_>) -> Result<Tried, Unplanned> {
    if draft.policy().is_none() {
        return Err(Unplanned::NoPeople);
    }
    let account = draft.account(&wish.account).ok_or(Denial::UnknownAccount)?;
    let counting = account.credentials.iter().find(|key| key.status == CredentialStatus::Active);
    let credential =
        wish.credential.or(counting.map(|credential| credential.id)).ok_or(Unplanned::NoCredential)?;
    let act = Act { from: facts.at.height, until: until(facts), step: step(wish, &account, facts, draft)? };
    let body = TxoBody {
        chain_id: facts.chain_id(),
        sender: Sender::Account(wish.account.clone()),
        nonce: account.nonce,
        class: TxoClass::Admin,
        payload: act.to_bytes(),
    };
    let changes = approval::rehearse(draft, &facts.next(), &body, credential).map_err(Unplanned::Refused)?;
    Ok((body, act, credential, changes))
}

/// The last height at which it may come into a block.
fn until(facts: &Facts) -> Height {
    let most = facts.at.height.0.saturating_add(Act::MAX_HEIGHTS);
    Height(facts.height_after(PATIENCE_MS).0.min(most))
}

fn step(wish: &Wish, account: &Account, facts: &Facts, draft: &Draft<'_>) -> Result<Step, Unplanned> {
    match &wish.want {
        Want::Open { action, lifetime_ms } => {
            let policy = draft.policy().unwrap_or_default();
            let rule = policy.rule(action.class()).ok_or(Denial::NoRule)?;
            Ok(Step::Request(Proposal {
                action: Action::clone(action),
                expiry: facts.time.plus(lifetime_ms.unwrap_or(rule.lifetime_ms)),
                policy_hash: policy.hash(),
                basis: facts.at,
                expect: action.expectation(draft),
            }))
        }
        Want::Approve(request, role) => answer(*request, *role, account, draft).map(Step::Approve),
        Want::Reject(request, role) => answer(*request, *role, account, draft).map(Step::Reject),
    }
}

fn answer(
    id: RequestId,
    role: Option<Role>,
    account: &Account,
    draft: &Draft<'_>,
) -> Result<Answer, Unplanned> {
    let entry = draft.get(&Request::state_key(id)).ok_or(Denial::UnknownRequest)?;
    let request = Request::from_bytes(entry).map_err(|_| Denial::UnknownRequest)?;
    let policy = draft.policy().unwrap_or_default();
    let rule = policy.rule(request.proposal.action.class()).ok_or(Denial::NoRule)?;
    let role = match role {
        Some(role) => role,
        None => role_for(&request, rule, account, draft)?,
    };
    Ok(Answer { request: id, role })
}

/// The role in which the account can say most: one that brings the request further, else one that is
/// asked at all.
fn role_for(request: &Request, rule: &Rule, account: &Account, draft: &Draft<'_>) -> Result<Role, Unplanned> {
    let given: Vec<Role> = request.approvals(draft).iter().map(|voice| voice.role).collect();
    let asked: Vec<Role> = account.roles.iter().filter(|role| rule.roles().holds(*role)).collect();
    let open: Vec<Role> = asked.iter().copied().filter(|role| rule.admits(&given, *role)).collect();
    match (&*open, &*asked) {
        ([one], _) | ([], [one, ..]) => Ok(*one),
        ([], []) => Err(Denial::RoleUnasked.into()),
        _ => Err(Unplanned::WhichRole(open)),
    }
}
