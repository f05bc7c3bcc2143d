//! How is a proposal fetched with its votes? The proposal and its electorate are proven from the state, the
//! set from the block that opened it, and each ballot by its way to the root that the state names. The
//! verifier counts.

use std::sync::Arc;

use qratum_chain::{
    document::Statement,
    ledger::governance::{Agenda, Electorate, Referendum},
    types::MotionId,
};
use qratum_verifier::{
    Verified,
    proof::Checked,
    tally::{Counted, Grounds, TallyFault, Votes, entry},
};

use crate::{
    fetch::{Fetch, FetchError},
    statement::{ProvenStatement, Snapshots},
    wire::{Request, Response},
};

/// How often all of it is asked for again where a ballot was cast between two answers.
const TRIES: usize = 3;

/// Proposals, from the newest down.
#[derive(Clone, Debug)]
pub struct Proposals {
    /// What the verifier says of the block in whose state the list is proven.
    pub checked: Checked,
    /// The proposals; each is proven in the state of that block or of a later one.
    pub proposals: Vec<(MotionId, Verified<Referendum>)>,
}

impl Fetch {
    pub(crate) async fn proposals(&self, most: usize, snapshots: Snapshots) -> Result<Proposals, FetchError> {
        let agenda = self.state(Agenda::STATE_KEY, snapshots.clone()).await?;
        let found: Option<Verified<Agenda>> = read(Agenda::STATE_KEY, &agenda)?;
        let (mut next, mut proposals) = (found.and_then(|agenda| agenda.get().newest), Vec::new());
        while let Some(id) = next.filter(|_| proposals.len() < most) {
            let key = Referendum::state_key(id);
            let proven = self.state(&key, snapshots.clone()).await?;
            let found: Verified<Referendum> = read(&key, &proven)?.ok_or(FetchError::Unavailable)?;
            next = found.get().previous;
            proposals.push((id, found));
        }
        Ok(Proposals { checked: agenda.checked, proposals })
    }

    pub(crate) async fn tally(
        &self,
        id: MotionId,
        snapshots: Snapshots,
    ) -> Result<Option<Counted>, FetchError> {
        let key = Referendum::state_key(id);
        let mut found = Err(FetchError::NoPeer);
        for _ in 0..TRIES {
            let proven = self.state(&key, snapshots.clone()).await?;
            let Some(referendum) = read::<Referendum>(&key, &proven)? else { return Ok(None) };
            let electorate = self.state(&Electorate::state_key(id), snapshots.clone()).await?;
            let head = Arc::clone(&snapshots.borrow().head);
            let opened = self.header(referendum.get().opened, &head).await?;
            let grounds = Grounds {
                id,
                referendum: (&proven.proof.statement, &proven.checked.header),
                electorate: (&electorate.proof.statement, &electorate.checked.header),
                opened: (&opened.checked.header, &opened.proof.validators),
            };
            found = self.counted(&grounds).await;
            if matches!(&found, Ok(Counted { votes: Votes::Complete(_), .. })) {
                break;
            }
        }
        found.map(Some)
    }

    /// Asks one peer after the other for the ballots, until all are there; else the most that one had.
    async fn counted(&self, grounds: &Grounds<'_>) -> Result<Counted, FetchError> {
        let mut best = match grounds.count(&[]) {
            Ok(counted @ Counted { votes: Votes::Partial { .. }, .. }) => counted,
            none_cast => return none_cast.map_err(FetchError::Tally),
        };
        for peer in self.net.connected() {
            let Ok(Response::Ballots(ballots)) = self.net.ask(peer, Request::Ballots(grounds.id)).await
            else {
                continue;
            };
            let counted = match grounds.count(&ballots) {
                Ok(counted) => counted,
                Err(fault @ TallyFault::Contradiction) => return Err(FetchError::Tally(fault)),
                // What was cast since the proposal was proven makes other ballots: nobody is to blame.
                Err(_) => continue,
            };
            match (&counted.votes, &best.votes) {
                (Votes::Complete(_), _) => return Ok(counted),
                (Votes::Partial { missing, .. }, Votes::Partial { missing: least, .. })
                    if missing < least =>
                {
                    best = counted;
                }
                _ => {}
            }
        }
        Ok(best)
    }
}

/// The entry that was proven, with what it means.
fn read<T: qratum_chain::codec::Decode>(
    key: &[u8],
    ProvenStatement { proof, checked }: &ProvenStatement,
) -> Result<Option<Verified<T>>, FetchError> {
    let statement: &Statement = &proof.statement;
    entry(key, (statement, &checked.header)).map_err(FetchError::Tally)
}
