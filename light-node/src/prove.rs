//! How does evidence of a fork become whole? The branches are followed down to where they part, and
//! a way is found that leads there from the anchor, so that anybody can check it.

use qratum_chain::{
    document::ForkProof,
    types::{ForkEvidence, Height, LightBlock},
};
use qratum_verifier::{
    Rules, Trusted,
    bisect::{Bisect, Side},
    detect::{self, Fork},
    sync::Ask,
};
use tokio::task;

use crate::{
    Clock,
    climb::Climb,
    net::Net,
    store::Store,
    wire::{Request, Response},
};

/// What proving stands on.
#[derive(Clone, Debug)]
pub(crate) struct Prover {
    pub(crate) net: Net,
    pub(crate) store: Option<Store>,
    pub(crate) anchor: Trusted,
    pub(crate) rules: Rules,
    pub(crate) clock: Clock,
}

impl Prover {
    /// The first blocks of both branches that conflict, and the way there; `theirs` is the peer that
    /// sent the second block. Where nobody leads there, the blocks that were seen and the way to
    /// them; none where nobody leads there either.
    pub(crate) async fn prove(
        self,
        theirs: usize,
        fork: Fork,
        blocks: ForkEvidence,
    ) -> Option<(Fork, ForkProof)> {
        let others = || self.net.connected().into_iter().filter(|peer| *peer != theirs);
        for ours in others() {
            if let Some(found) = self.parting([ours, theirs], &fork, blocks.clone()).await {
                return Some(found);
            }
        }
        for peer in others().chain([theirs]) {
            if let Some(mut path) = self.path_to(peer, blocks.first.clone()).await {
                path.pop();
                let found = self.checked(ForkProof { blocks: blocks.clone(), path });
                if found.is_some() {
                    return found;
                }
            }
        }
        None
    }

    /// Follows both branches down.
    async fn parting(
        &self,
        [ours, theirs]: [usize; 2],
        fork: &Fork,
        blocks: ForkEvidence,
    ) -> Option<(Fork, ForkProof)> {
        let mut bisect = Bisect::new(&self.anchor, fork);
        while let Some((side, ask)) = bisect.ask() {
            let peer = if side == Side::Ours { ours } else { theirs };
            match ask {
                Ask::Block(height) => bisect.block(self.block(peer, height).await?).ok()?,
                Ask::History { height, size } => {
                    let answer = self.net.ask(peer, Request::History { height, size }).await.ok()?;
                    let Response::History(path) = answer else { return None };
                    bisect.history(&path);
                }
                Ask::Tip => return None,
            }
        }
        let (common, blocks) = bisect.found(blocks);
        let path = match common {
            Some(common) => self.path_to(ours, common).await?,
            None => Vec::new(),
        };
        self.checked(ForkProof { blocks, path })
    }

    fn checked(&self, proof: ForkProof) -> Option<(Fork, ForkProof)> {
        let fork = detect::fork_proof(&proof, &self.anchor, &self.rules, self.clock.now()).ok()?;
        Some((fork, proof))
    }

    async fn block(&self, peer: usize, height: Height) -> Option<LightBlock> {
        match self.net.ask(peer, Request::Block(height)).await.ok()? {
            Response::Block(block) => Some(*block),
            _ => None,
        }
    }

    /// The blocks that lead from the anchor to `target`, with it.
    async fn path_to(&self, peer: usize, target: LightBlock) -> Option<Vec<LightBlock>> {
        let mut climb = Climb::start(&self.anchor, &self.rules, target, self.clock.now()).ok()?;
        while let Some(want) = climb.ask() {
            let store = self.store.clone();
            let kept = task::spawn_blocking(move || store?.step(want)).await.ok()?;
            let block = match kept {
                Some(block) => block,
                None => self.block(peer, want).await?,
            };
            climb.give(block, self.clock.now()).ok()?;
        }
        Some(climb.into_path())
    }
}
