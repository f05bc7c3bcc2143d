//! What the console asks the light node for: proofs, and what the state says of people.

use std::sync::Arc;

use qratum_chain::{
    PublicKey,
    document::{Evidence, ForkProof, OffenceProof},
    types::AccountId,
};
use qratum_light_node::{FetchError, LightNode, Snapshot};

use crate::{
    model::{Entries, Found, People, Subject, Wanted},
    update::Msg,
};

/// How often what answers name is asked for.
const ROUNDS: usize = 5;

/// What proves it, as a message.
pub(crate) async fn prove(node: &LightNode, subject: Subject) -> Msg {
    let found = match subject.wanted() {
        Wanted::Entry(key) => node.state(&key).await.map(|proven| Found::Entry(Box::new(proven))),
        Wanted::Header(height) => node.header(height).await.map(|proven| Found::Header(Box::new(proven))),
        Wanted::Offence(key) => offence(node, &key).await,
        Wanted::Fork => {
            let evidence = node.snapshots().borrow().evidence.clone().ok_or(FetchError::Unavailable);
            evidence.map(|proof| Evidence::Fork(Box::new(ForkProof::clone(&proof)))).map(found)
        }
    };
    Msg::Proof(subject, Box::new(found))
}

/// What the state says of people after one block: asked for until the answers name nothing more.
pub(crate) async fn people(node: &LightNode, me: Vec<AccountId>) -> Msg {
    let (mut keys, mut known) = (People::wanted(&Entries::new(), &me), None);
    for _ in 0..ROUNDS {
        let proven = match node.entries(&keys).await {
            Ok(proven) => proven,
            Err(why) => return Msg::People(Err(why)),
        };
        let more = People::wanted(&proven.entries, &me);
        known = Some(proven);
        if more.is_empty() {
            break;
        }
        keys.extend(more);
    }
    let people = known.map(|proven| {
        let height = proven.checked.header.get().height;
        Arc::new(People::of(&proven.entries, &me, height))
    });
    Msg::People(people.ok_or(FetchError::Unavailable))
}

/// The statements of the holder of a key, once the light node has found the way to their set.
async fn offence(node: &LightNode, key: &PublicKey) -> Result<Found, FetchError> {
    let mut snapshots = node.snapshots();
    let is_shown = |snapshot: &Arc<Snapshot>| snapshot.accused.iter().any(|accused| accused.key == *key);
    let snapshot = snapshots.wait_for(is_shown).await.map_err(|_| FetchError::Stopped)?;
    let accused =
        snapshot.accused.iter().find(|accused| accused.key == *key).ok_or(FetchError::Unavailable)?;
    Ok(found(Evidence::Offence(Box::new(OffenceProof::clone(&accused.proof)))))
}

fn found(evidence: Evidence) -> Found {
    Found::Evidence(Box::new(evidence))
}
