//! How is one header fetched with its proof? From one peer after the other, until what a peer sent
//! chains to the anchor and the verifier accepts the finished document.

use core::fmt;

use qratum_chain::{
    Hash,
    document::{HeaderProof, HistoryProof},
    types::{Header, Height, LightBlock, Validator, validators_hash},
};
use qratum_verifier::{
    Reject, Rules, Trusted,
    proof::{self, Checked},
    tally::TallyFault,
};
use tokio::{
    sync::{mpsc, oneshot},
    task,
};

use crate::{
    Clock, Reason,
    asked::reason,
    climb::Climb,
    driver::Command,
    net::Net,
    store::Store,
    wire::{Request, Response},
};

/// Why a header was not fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchError {
    /// It is above the newest verified block.
    NotYet {
        /// Height of that block.
        head: Height,
    },
    /// A fork was seen: nothing is proven from here any more.
    Forked,
    /// No peer is connected.
    NoPeer,
    /// No peer has the header or a block that leads to it.
    Unavailable,
    /// The state that peers have is older than the newest verified block.
    Behind,
    /// What peers sent was refused; the last reason.
    Rejected(Reject),
    /// What peers sent of a vote does not come to a tally; the last reason.
    Tally(TallyFault),
    /// The node has stopped.
    Stopped,
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotYet { head } => write!(f, "above the newest verified block, which is {head}"),
            Self::Forked => f.write_str("the chain has forked: nothing is proven until a new anchor is set"),
            Self::NoPeer => f.write_str("no peer is connected"),
            Self::Unavailable => f.write_str("no peer has it"),
            Self::Behind => f.write_str("no peer has a state that is new enough"),
            Self::Rejected(why) => write!(f, "what the peers sent was refused: {why}"),
            Self::Tally(why) => write!(f, "the vote cannot be counted: {why}"),
            Self::Stopped => f.write_str("the light node has stopped"),
        }
    }
}

impl std::error::Error for FetchError {}

/// A header with its proof, which the verifier accepted.
#[derive(Clone, Debug)]
pub struct Proven {
    /// The document that convinces others.
    pub proof: HeaderProof,
    /// What the verifier says of it, here and now.
    pub checked: Checked,
}

/// What fetching stands on.
#[derive(Clone, Debug)]
pub(crate) struct Fetch {
    pub(crate) net: Net,
    pub(crate) store: Option<Store>,
    pub(crate) anchor: Trusted,
    pub(crate) rules: Rules,
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) clock: Clock,
}

/// Why one peer did not help.
enum Miss {
    /// It does not have it, or is gone.
    Absent,
    /// What it sent was refused; what it says the header is may still be proven by history.
    Refused(Reject, Option<Box<LightBlock>>),
}

impl Fetch {
    /// The header at `height`, which is at most the head's.
    pub(crate) async fn header(&self, height: Height, head: &Trusted) -> Result<Proven, FetchError> {
        let anchor = self.anchor.header().get().height;
        if height == anchor {
            return self.checked(self.anchor_proof());
        }
        let peers = self.net.connected();
        if peers.is_empty() {
            return Err(FetchError::NoPeer);
        }
        if height < anchor {
            return self.below_the_anchor(&peers, height, head.header().get().height).await;
        }
        let mut why = FetchError::Unavailable;
        for peer in &peers {
            match self.certified_below(*peer, height, head).await {
                Ok(path) => return self.agreed(*peer, path).await,
                Err(Miss::Absent) => {}
                Err(Miss::Refused(reject, claimed)) => {
                    self.refuse(*peer, Reason::Rejected(reject.clone())).await;
                    why = FetchError::Rejected(reject);
                    if let Some(claimed) = claimed
                        && let Ok(proven) =
                            self.in_history(&peers, *claimed, head.header().get().height).await
                    {
                        return Ok(proven);
                    }
                }
            }
        }
        Err(why)
    }

    /// No certificate leads down from the anchor; the history of the head reaches there.
    async fn below_the_anchor(
        &self,
        peers: &[usize],
        height: Height,
        head: Height,
    ) -> Result<Proven, FetchError> {
        for peer in peers {
            if let Ok(claimed) = self.block(*peer, height).await
                && let Ok(proven) = self.in_history(peers, claimed, head).await
            {
                return Ok(proven);
            }
        }
        Err(FetchError::Unavailable)
    }

    /// The anchor itself needs no proof.
    fn anchor_proof(&self) -> HeaderProof {
        HeaderProof {
            header: self.anchor.header().get().clone(),
            certificate: None,
            validators: self.anchor.validators().members().to_vec(),
            path: Vec::new(),
            history: None,
        }
    }

    /// The blocks that lead to `height`, the last of them at it, as this peer has them.
    async fn certified(&self, peer: usize, height: Height) -> Result<Vec<LightBlock>, Miss> {
        let target = self.block(peer, height).await?;
        match self.climb(peer, target.clone(), true).await {
            // What the store has was verified once, but files change behind a program's back.
            Err(Miss::Refused(..)) if self.store.is_some() => self.climb(peer, target.clone(), false).await,
            climbed => climbed,
        }
        .map_err(|miss| match miss {
            Miss::Refused(reject, _) => Miss::Refused(reject, Some(Box::new(target))),
            Miss::Absent => Miss::Absent,
        })
    }

    /// The same, with proof that it is in the history of the head: another branch is no answer.
    async fn certified_below(
        &self,
        peer: usize,
        height: Height,
        head: &Trusted,
    ) -> Result<Vec<LightBlock>, Miss> {
        let path = self.certified(peer, height).await?;
        let size = head.header().get().height;
        if let Some(target) = path.last().filter(|_| height < size) {
            let Response::History(audit_path) = self.ask(peer, Request::History { height, size }).await?
            else {
                return Err(Miss::Absent);
            };
            proof::in_history(&target.header, head, &audit_path)
                .map_err(|reject| Miss::Refused(reject, None))?;
        }
        Ok(path)
    }

    async fn climb(&self, peer: usize, target: LightBlock, stored: bool) -> Result<Vec<LightBlock>, Miss> {
        let refused = |reject| Miss::Refused(reject, None);
        let mut climb = Climb::start(&self.anchor, &self.rules, target, self.clock.now()).map_err(refused)?;
        while let Some(want) = climb.ask() {
            let kept = if stored { self.stored(want).await } else { None };
            let block = match kept {
                Some(block) => block,
                None => self.block(peer, want).await?,
            };
            climb.give(block, self.clock.now()).map_err(refused)?;
        }
        Ok(climb.into_path())
    }

    async fn stored(&self, height: Height) -> Option<LightBlock> {
        let store = self.store.clone()?;
        task::spawn_blocking(move || store.step(height)).await.ok()?
    }

    /// One block from one peer.
    async fn block(&self, peer: usize, want: Height) -> Result<LightBlock, Miss> {
        match self.ask(peer, Request::Block(want)).await? {
            Response::Block(block) if block.header.height == want => Ok(*block),
            Response::Block(block) => {
                Err(Miss::Refused(Reject::NotAsked { got: block.header.height, want }, None))
            }
            Response::Unknown => Err(Miss::Absent),
            Response::State { .. }
            | Response::History(_)
            | Response::Votes { .. }
            | Response::Submitted(_)
            | Response::Txo(_)
            | Response::Evidence(_)
            | Response::Ballots(_) => {
                self.refuse(peer, Reason::OffTopic).await;
                Err(Miss::Absent)
            }
        }
    }

    async fn ask(&self, peer: usize, request: Request) -> Result<Response, Miss> {
        match self.net.ask(peer, request).await {
            Ok(response) => Ok(response),
            Err(why) => {
                if let Some(reason) = reason(why) {
                    self.refuse(peer, reason).await;
                }
                Err(Miss::Absent)
            }
        }
    }

    /// Proves what a peer says the header is by its place under the newest head, whatever its
    /// certificate is worth.
    async fn in_history(&self, peers: &[usize], claimed: LightBlock, head: Height) -> Result<Proven, Miss> {
        let LightBlock { header, validators, .. } = claimed;
        let got = validators_hash(&validators);
        if got != header.validators_hash {
            return Err(Miss::Refused(Reject::WrongValidators { got, want: header.validators_hash }, None));
        }
        for peer in peers {
            if let Ok(history) = self.audit_path(*peer, header.height, head).await
                && let Ok(proven) = self.checked(with_history(header.clone(), validators.clone(), history))
            {
                return Ok(proven);
            }
        }
        Err(Miss::Absent)
    }

    /// The way to the head, with the audit path under it.
    async fn audit_path(
        &self,
        peer: usize,
        height: Height,
        head: Height,
    ) -> Result<(Vec<LightBlock>, Vec<Hash>), Miss> {
        let path = self.certified(peer, head).await?;
        match self.ask(peer, Request::History { height, size: head }).await? {
            Response::History(audit_path) => Ok((path, audit_path)),
            _ => Err(Miss::Absent),
        }
    }

    /// Compares the block with what the node remembers, then checks the document made of it.
    async fn agreed(&self, peer: usize, path: Vec<LightBlock>) -> Result<Proven, FetchError> {
        let Some(target) = path.last().cloned() else { return Err(FetchError::Unavailable) };
        let (reply, forked) = oneshot::channel();
        let command = Command::Compare { peer, block: Box::new(target), reply };
        self.commands.send(command).await.map_err(|_| FetchError::Stopped)?;
        if forked.await.map_err(|_| FetchError::Stopped)? {
            return Err(FetchError::Forked);
        }
        let proven = self.checked(certified(path).ok_or(FetchError::Unavailable)?);
        if let Err(FetchError::Rejected(reject)) = &proven {
            self.refuse(peer, Reason::Rejected(reject.clone())).await;
        }
        proven
    }

    /// The verifier has the last word on the document as it will leave the program.
    fn checked(&self, proof: HeaderProof) -> Result<Proven, FetchError> {
        proof::check(&proof, &self.anchor, &self.rules, self.clock.now())
            .map(|checked| Proven { proof, checked })
            .map_err(FetchError::Rejected)
    }

    pub(crate) async fn refuse(&self, peer: usize, reason: Reason) {
        // A driver that is gone shows nothing any more.
        let _ = self.commands.send(Command::Refuse { peer, reason }).await;
    }
}

/// The document of the last block of `path`, to which the others lead.
pub(crate) fn certified(mut path: Vec<LightBlock>) -> Option<HeaderProof> {
    let LightBlock { header, certificate, validators, .. } = path.pop()?;
    Some(HeaderProof { header, certificate: Some(certificate), validators, path, history: None })
}

/// The document of a header that stands in the history of the last block of `path`.
fn with_history(
    header: Header,
    validators: Vec<Validator>,
    (mut path, audit_path): (Vec<LightBlock>, Vec<Hash>),
) -> HeaderProof {
    let history = path.pop().map(|head| HistoryProof { head, audit_path });
    HeaderProof { header, certificate: None, validators, path, history }
}
