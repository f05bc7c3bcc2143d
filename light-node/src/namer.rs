//! What does the chain call the keys that joined after genesis? Asked once a head until it is proven,
//! and never believed before.

use std::{collections::BTreeSet, sync::Arc};

use qratum_chain::{
    document::Statement,
    schedule,
    types::{Genesis, Validator, is_name},
};
use qratum_crypto::sign::ed25519::PublicKey;
use tokio::sync::watch;

use crate::{Snapshot, driver::Command, fetch::Fetch};

type Snapshots = watch::Receiver<Arc<Snapshot>>;

/// Names newcomers until the node is gone.
pub(crate) async fn name_newcomers(fetch: &Fetch, mut snapshots: Snapshots) {
    let (mut last, mut nameless) = (None, BTreeSet::new());
    while snapshots.changed().await.is_ok() {
        let snapshot = Arc::clone(&snapshots.borrow_and_update());
        if snapshot.fork.is_some() || last.replace(snapshot.head.id()) == Some(snapshot.head.id()) {
            continue;
        }
        // Those of the next set too: it is told with names when it begins.
        let sets = [Some(snapshot.head.validators()), snapshot.head.next_validators()];
        let members = || sets.iter().flatten().flat_map(|set| set.members());
        nameless.retain(|key| members().any(|member| member.pubkey == *key));
        let unknown = |key: &PublicKey| snapshot.names.name(key).is_none();
        for member in members().filter(|member| unknown(&member.pubkey)) {
            let key = member.pubkey;
            if nameless.contains(&key) {
                continue;
            }
            match proven(fetch, member, &snapshots).await {
                Some(Some(name)) if is_name(&name) => {
                    // The node is about to end where nobody takes it.
                    let _ = fetch.commands.send(Command::Name { key, name }).await;
                }
                // The chain has no name for it, and a key gets none later.
                Some(_) => drop(nameless.insert(key)),
                None => {}
            }
        }
    }
}

/// The proven entry under the name of this member; none where nothing is proven. That there is no
/// entry counts only in a set of which the key is a member: before, it may not have been registered.
async fn proven(fetch: &Fetch, member: &Validator, snapshots: &Snapshots) -> Option<Option<String>> {
    let proven = fetch.state(&Genesis::name_key(member), snapshots.clone()).await.ok()?;
    let Statement::State { value, .. } = proven.proof.statement else { return None };
    let set = schedule::set_of(proven.proof.header.header.height, fetch.rules.params.set_length);
    let settled = value.is_some() || set >= member.since_set;
    settled.then(|| value.and_then(|value| String::from_utf8(value).ok()))
}
