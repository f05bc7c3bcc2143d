//! How is an offence shown to others? With the set that it was done in and the way there from the
//! anchor, so that anybody can check it; the verifier has the last word on each.

use std::{collections::BTreeMap, sync::Arc};

use qratum_chain::{
    document::OffenceProof,
    types::{BlockId, Height, LightBlock, Offence},
};
use qratum_crypto::sign::ed25519::PublicKey;
use qratum_verifier::{
    Trusted, detect,
    proof::{self, Checked},
};
use tokio::sync::watch;

use crate::{
    Accused, Reason, Snapshot,
    driver::Command,
    fetch::{Fetch, FetchError, Proven},
    wire::{Request, Response},
};

/// The evidence in a block.
#[derive(Clone, Debug)]
pub struct BlockEvidence {
    /// The block's header, and whether the anchor could still vouch for it.
    pub checked: Checked,
    /// Its evidence, in its order.
    pub offences: Vec<Accused>,
}

/// Makes what convinces others of each offence that votes show, until the node is gone. What is not to
/// be had is asked for again at the next head.
pub(crate) async fn show_offences(fetch: &Fetch, mut snapshots: watch::Receiver<Arc<Snapshot>>) {
    let mut tried: BTreeMap<PublicKey, BlockId> = BTreeMap::new();
    while snapshots.changed().await.is_ok() {
        let snapshot = Arc::clone(&snapshots.borrow_and_update());
        if snapshot.fork.is_some() {
            continue;
        }
        let head = snapshot.head.id();
        for (key, offence) in &snapshot.voting.evidence {
            let is_shown = snapshot.accused.iter().any(|shown| shown.key == *key);
            if is_shown || tried.insert(*key, head) == Some(head) {
                continue;
            }
            if let Ok(accused) = fetch.exhibit(offence.clone(), &snapshot.head).await {
                // The node is about to end where nobody takes it.
                let _ = fetch.commands.send(Command::Accuse(accused)).await;
            }
        }
    }
}

impl Fetch {
    /// What convinces others of an offence, and the key that is to blame.
    pub(crate) async fn exhibit(&self, offence: Offence, head: &Trusted) -> Result<Accused, FetchError> {
        let set = detect::named_set(offence.set_id(), &self.anchor, &self.rules);
        let (validators, path) = match set {
            Some(set) => (set.members().to_vec(), Vec::new()),
            None => {
                // The head's is as good where the chain has not come to the offence's height yet.
                let height = offence.height().min(head.header().get().height);
                let Proven { proof, .. } = self.header(height, head).await?;
                let certificate = proof.certificate.ok_or(FetchError::Unavailable)?;
                let (header, validators, mut path) = (proof.header, proof.validators, proof.path);
                let next_validators = None;
                path.push(LightBlock {
                    header,
                    certificate,
                    validators: validators.clone(),
                    next_validators,
                });
                (validators, path)
            }
        };
        let proof = OffenceProof { offence, validators, path };
        let key = detect::offence_proof(&proof, &self.anchor, &self.rules, self.clock.now())
            .map_err(FetchError::Rejected)?;
        Ok(Accused { key: *key.get(), proof: Arc::new(proof) })
    }

    /// The evidence in the block at `height`, which is at most the head's.
    pub(crate) async fn evidence(&self, height: Height, head: &Trusted) -> Result<BlockEvidence, FetchError> {
        let checked = self.header(height, head).await?.checked;
        let mut why = FetchError::NoPeer;
        for peer in self.net.connected() {
            why = match self.net.ask(peer, Request::Evidence(height)).await {
                Ok(Response::Evidence(offences)) => match proof::evidence_in_block(offences, &checked.header)
                {
                    Ok(offences) => return self.exhibits(checked, offences.get(), head).await,
                    Err(reject) => {
                        self.refuse(peer, Reason::Rejected(reject.clone())).await;
                        FetchError::Rejected(reject)
                    }
                },
                _ => FetchError::Unavailable,
            };
        }
        Err(why)
    }

    async fn exhibits(
        &self,
        checked: Checked,
        offences: &[Offence],
        head: &Trusted,
    ) -> Result<BlockEvidence, FetchError> {
        let mut shown = Vec::with_capacity(offences.len());
        for offence in offences {
            shown.push(self.exhibit(offence.clone(), head).await?);
        }
        Ok(BlockEvidence { checked, offences: shown })
    }
}
