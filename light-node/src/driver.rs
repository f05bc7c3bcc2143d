//! Who moves answers from the network to the verifier, and what it verified to store and screen?
//! One task, one thing at a time: it decides nothing, [`Follow`] and the verifier do.

use std::{mem, pin::Pin, sync::Arc, time::Duration};

use futures::{StreamExt, future, stream::FuturesUnordered};
use qratum_chain::{
    document::ForkProof,
    types::{BlockId, ForkEvidence, Height, LightBlock, Parameters, Time},
};
use qratum_crypto::sign::ed25519::PublicKey;
use qratum_verifier::{Reject, Trusted, Verified, detect::Fork, sync::Ask};
use tokio::{
    sync::{broadcast, mpsc, oneshot, watch},
    task,
    time::{Instant, sleep},
};

use crate::{
    Accused, Ban, Clock, Place, Reason, StoreState,
    asked::{Answer, Asked, carry, reason},
    board::Board,
    evidence,
    follow::{Follow, Judged, Question, Tick},
    net::{AskError, Link, Net},
    open::with_path,
    polls::{BRISK, Polls, Reach},
    prove::Prover,
    store::{Store, is_step},
    wire::Response,
};

/// What the handle asks of the driver.
#[derive(Debug)]
pub(crate) enum Command {
    /// Compare a verified block with what is remembered; answers whether the chain has forked.
    Compare {
        /// Who sent it.
        peer: usize,
        /// The block.
        block: Box<LightBlock>,
        /// Where the answer goes.
        reply: oneshot::Sender<bool>,
    },
    /// A peer sent the handle something that was refused.
    Refuse {
        /// Which peer.
        peer: usize,
        /// Why.
        reason: Reason,
    },
    /// The chain has a name for a key that joined later.
    Name {
        /// The key.
        key: PublicKey,
        /// Its proven name.
        name: String,
    },
    /// The chain has these numbers now.
    Pace(Verified<Parameters>),
    /// A member broke the protocol, and there is what convinces others.
    Accuse(Accused),
}

type Proving = Pin<Box<dyn Future<Output = Option<(Fork, ForkProof)>> + Send>>;
type Answers = FuturesUnordered<Pin<Box<dyn Future<Output = Answer> + Send>>>;

/// Everything a running node consists of.
pub(crate) struct Driver {
    pub(crate) follow: Follow,
    pub(crate) polls: Polls,
    pub(crate) board: Board,
    pub(crate) net: Net,
    pub(crate) store: Option<Store>,
    /// Where evidence is kept.
    pub(crate) home: Option<Place>,
    pub(crate) prover: Prover,
    pub(crate) proving: Option<Proving>,
    pub(crate) heads: broadcast::Sender<Arc<Trusted>>,
    pub(crate) set_length: u64,
    pub(crate) tick: Duration,
    pub(crate) clock: Clock,
    /// When it was made, by a clock that nobody sets.
    pub(crate) started: Instant,
    /// How the connections stood when they were last looked at.
    pub(crate) known: Vec<Link>,
}

impl Driver {
    /// Runs until the handle is gone.
    pub(crate) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut links = self.net.links();
        let mut answers = Answers::new();
        let (mut beat, mut passed) = (None::<Instant>, BRISK);
        loop {
            let parts = self.polls.pause();
            let pause = (self.tick / BRISK).saturating_mul(parts);
            // Reckoned anew when something was learned, so that a hurry begins at once.
            let wait = beat.map_or(Duration::ZERO, |beat| pause.saturating_sub(beat.elapsed()));
            let next = tokio::select! {
                () = sleep(wait) => {
                    (beat, passed) = (Some(Instant::now()), passed.saturating_add(parts));
                    self.ask_for_votes().for_each(|poll| answers.push(carry(&self.net, poll)));
                    if passed < BRISK { None } else {
                        passed = 0;
                        self.on_tick().await
                    }
                }
                Some((asked, answer)) = answers.next() => match asked {
                    Asked::Chain(question) => self.on_answer(question, answer).await,
                    Asked::Votes(peer) => self.on_votes(peer, answer).await,
                },
                Ok(()) = links.changed() => {
                    if self.on_links(&mut links).await {
                        // Somebody new is asked at once.
                        (beat, passed) = (None, BRISK);
                    }
                    None
                }
                proven = proven(&mut self.proving) => {
                    self.proving = None;
                    if let Some((fork, proof)) = proven {
                        self.forked(fork, proof).await;
                    }
                    None
                }
                command = commands.recv() => match command {
                    Some(command) => self.on_command(command).await,
                    None => return,
                },
            };
            let elapsed = self.started.elapsed();
            self.board.scores(self.follow.scores(), elapsed);
            self.board.voting(self.polls.voting(elapsed));
            self.board.publish(self.follow.walking(), elapsed, self.clock.now());
            answers.extend(next.map(|question| carry(&self.net, Asked::Chain(question))));
        }
    }

    async fn on_tick(&mut self) -> Option<Question> {
        if self.board.forked() {
            return None;
        }
        match self.follow.tick(self.net.connected()) {
            Tick::Idle => None,
            Tick::Ask(question) => Some(question),
            Tick::GaveUp(peer) => {
                self.refuse(peer, Reason::NoProgress, self.clock.now()).await;
                None
            }
        }
    }

    /// Votes are of use near the tip only.
    fn ask_for_votes(&mut self) -> impl Iterator<Item = Asked> + use<> {
        let reach = match (self.board.forked() || self.follow.walking(), self.board.is_settled()) {
            (true, _) => Reach::Nobody,
            (false, true) => Reach::One,
            (false, false) => Reach::All,
        };
        self.polls.tick(&self.net.connected(), reach).into_iter().map(Asked::Votes)
    }

    /// Votes came, or did not.
    async fn on_votes(&mut self, peer: usize, answer: Result<Response, AskError>) -> Option<Question> {
        self.polls.answered(peer);
        let elapsed = self.started.elapsed();
        if self.follow.scores().is_banned(peer, elapsed) {
            return None;
        }
        let mut take = |height, given| self.polls.take((peer, height), given, elapsed).err();
        let refused = match answer {
            Ok(Response::Votes { height, votes, proposals }) => {
                take(height, (votes, proposals)).map(Reason::Rejected)
            }
            Ok(Response::Unknown) => take(Height(0), Default::default()).map(Reason::Rejected),
            Ok(_) => Some(Reason::OffTopic),
            Err(why) => reason(why),
        };
        if let Some(reason) = refused {
            self.refuse(peer, reason, self.clock.now()).await;
        }
        None
    }

    /// Takes over how the connections stand; whether there is a new one.
    async fn on_links(&mut self, links: &mut watch::Receiver<Vec<Link>>) -> bool {
        let links = links.borrow_and_update().clone();
        let known = mem::replace(&mut self.known, links.clone());
        for (peer, (link, known)) in links.iter().zip(&known).enumerate() {
            if link.wrong_key && !known.wrong_key {
                self.refuse(peer, Reason::WrongKey, self.clock.now()).await;
            }
        }
        self.board.links(&links);
        links.iter().zip(&known).any(|(link, known)| link.connected.is_some() && known.connected.is_none())
    }

    /// Notes what was refused from a peer, and what that costs it.
    async fn refuse(&mut self, peer: usize, reason: Reason, now: Time) {
        let scored = self.follow.scores_mut().refused(peer, &reason, self.started.elapsed());
        if let Some((length, count)) = scored {
            let until = now.plus(u64::try_from(length.as_millis()).unwrap_or(u64::MAX));
            self.board.ban(peer, Ban { reason: reason.clone(), at: now, until, count });
            self.net.ban(peer, length).await;
        }
        self.board.refuse(peer, reason, now);
    }

    async fn on_answer(
        &mut self,
        question: Question,
        answer: Result<Response, AskError>,
    ) -> Option<Question> {
        let (peer, now) = (question.peer, self.clock.now());
        if self.follow.scores().is_banned(peer, self.started.elapsed()) {
            self.follow.no_block(question);
            return None;
        }
        let reason = match answer {
            Ok(Response::Block(block)) if !self.board.forked() => {
                if question.ask == Ask::Tip {
                    self.board.tip(peer, Some(block.header.height));
                }
                let handed = (block.header.id(), block.header.time);
                let judged = self.follow.block(question, *block, now);
                if question.ask == Ask::Tip {
                    return self.on_tip(peer, handed, judged, now).await;
                }
                return self.on_judged(peer, judged, now).await;
            }
            Ok(Response::Block(_)) => None,
            Ok(Response::Unknown) => {
                self.board.tip(peer, None);
                self.follow.no_block(question).map(Reason::Missing)
            }
            Ok(Response::History(path)) if matches!(question.ask, Ask::History { .. }) => {
                if self.board.forked() {
                    return None;
                }
                let judged = self.follow.history(question, &path);
                return self.on_judged(peer, judged, now).await;
            }
            Ok(
                Response::State { .. }
                | Response::History(_)
                | Response::Votes { .. }
                | Response::Submitted(_)
                | Response::Txo(_)
                | Response::Evidence(_)
                | Response::Ballots(_),
            ) => {
                self.follow.no_block(question);
                Some(Reason::OffTopic)
            }
            Err(why) => {
                self.follow.no_block(question);
                reason(why)
            }
        };
        self.board.no_tip(peer);
        if let Some(reason) = reason {
            self.refuse(peer, reason, now).await;
        }
        None
    }

    /// What a judged tip says about who has which block, and about the clock.
    async fn on_tip(
        &mut self,
        peer: usize,
        handed: (BlockId, Time),
        judged: Judged,
        now: Time,
    ) -> Option<Question> {
        let fine = matches!(judged.refused, None | Some(Reject::TimeInFuture { .. }));
        let moved = judged.advanced.is_some();
        let next = self.on_judged(peer, judged, now).await;
        if moved {
            self.board.moves(self.started.elapsed());
        }
        if fine {
            self.board.handed(peer, handed, now);
        } else {
            self.board.no_tip(peer);
        }
        next
    }

    async fn on_judged(&mut self, peer: usize, judged: Judged, now: Time) -> Option<Question> {
        let Judged { advanced, refused, fork, next } = judged;
        if let Some(block) = advanced {
            self.keep(block).await;
            let head = Arc::new(self.follow.head().clone());
            self.polls.head(&head, self.started.elapsed());
            self.board.head(peer, Arc::clone(&head), now);
            // Without receivers nobody misses a head.
            let _ = self.heads.send(head);
        }
        if let Some(reject) = refused {
            self.refuse(peer, Reason::Rejected(reject), now).await;
        }
        match fork {
            Some((fork, Some(blocks))) => self.on_fork(peer, fork, blocks).await,
            Some((fork, None)) => self.board.fork(fork, None),
            None => {}
        }
        next
    }

    /// Stops at once, keeps what was seen, and begins to look for the place where it began.
    async fn on_fork(&mut self, peer: usize, fork: Fork, blocks: ForkEvidence) {
        let Prover { anchor, rules, clock, .. } = self.prover.clone();
        let (store, seen) = (self.store.clone(), blocks.clone());
        let kept = task::spawn_blocking(move || with_path(seen, &store?, (&anchor, &rules), clock)).await;
        let bare = || (fork.clone(), ForkProof { blocks: blocks.clone(), path: Vec::new() });
        let (known, proof) = kept.ok().flatten().unwrap_or_else(bare);
        self.forked(known, proof).await;
        self.proving = Some(Box::pin(self.prover.clone().prove(peer, fork, blocks)));
    }

    /// Keeps the evidence where every start finds it, and shows it.
    async fn forked(&mut self, fork: Fork, proof: ForkProof) {
        let file = proof.clone();
        self.keep_evidence(move |place| evidence::keep(place, &file)).await;
        self.board.fork(fork, Some(proof));
    }

    /// Writes evidence on a blocking task, where there is a home for it.
    async fn keep_evidence(&mut self, keep: impl FnOnce(&Place) -> Result<(), String> + Send + 'static) {
        let Some(place) = self.home.clone() else { return };
        let kept = task::spawn_blocking(move || keep(&place)).await;
        if let Err(why) = kept.unwrap_or_else(|_| Err("the evidence could not be kept".to_owned())) {
            self.board.store(StoreState::Failed(why));
        }
    }

    async fn on_command(&mut self, command: Command) -> Option<Question> {
        match command {
            Command::Name { key, name } => self.board.name(key, name),
            Command::Pace(parameters) => {
                let interval_ms = parameters.get().block_interval_ms;
                self.board.keep_pace(interval_ms);
                self.polls.keep_pace(interval_ms);
            }
            Command::Accuse(accused) => {
                let kept = accused.clone();
                self.keep_evidence(move |place| evidence::keep_offence(place, &kept)).await;
                self.board.accuse(accused);
            }
            Command::Refuse { peer, reason } => self.refuse(peer, reason, self.clock.now()).await,
            Command::Compare { peer, block, reply } => {
                if !self.board.forked() {
                    let now = self.clock.now();
                    let judged = self.follow.compare(*block, now);
                    self.on_judged(peer, judged, now).await;
                }
                // The asker may have given up.
                let _ = reply.send(self.board.forked());
            }
        }
        None
    }

    /// Keeps what a restart needs, before anybody hears of the new head.
    async fn keep(&mut self, head: LightBlock) {
        let step = is_step(&head, self.board.height(), self.set_length);
        let steps = if step { vec![head.clone()] } else { Vec::new() };
        self.write(move |store| store.keep(&steps, &head)).await;
    }

    /// Writes on a blocking task. A store that fails once is not used again: the node goes on
    /// without, and says so.
    async fn write(&mut self, write: impl FnOnce(&Store) -> Result<(), String> + Send + 'static) {
        let Some(store) = self.store.clone() else { return };
        let written = task::spawn_blocking(move || write(&store)).await;
        if let Err(why) = written.unwrap_or_else(|_| Err("the store is damaged".to_owned())) {
            self.store = None;
            self.board.store(StoreState::Failed(why));
        }
    }
}

/// What came of looking for the place where a fork began; never, while nothing is looked for.
async fn proven(proving: &mut Option<Proving>) -> Option<(Fork, ForkProof)> {
    match proving {
        Some(proving) => proving.await,
        None => future::pending().await,
    }
}
