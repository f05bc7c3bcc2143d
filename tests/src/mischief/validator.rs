//! A validator over libp2p that has a fault: it runs in place of an honest one of a home, with its
//! keys. It keeps nothing on disk; when it starts again it learns the chain from the others.

use core::time::Duration;
use std::{
    error::Error,
    fs::File,
    path::Path,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use qratum_chain::types::Time;
use qratum_light_node::wire::Request;
use qratum_validator::{
    home::Home,
    host::{Host, HostError, Moment, Output, Past, Peer},
    ledger::Ledger,
    network::{Arrival, Network},
    serve,
    store::lock,
};

use super::{fault::Fault, lie::twisted, voice::Voice};

/// Takes the place of `name` in the network of `home`, until it is stopped from outside.
///
/// # Errors
/// When the home is none, or the network cannot be listened on.
pub async fn run(home: &Path, name: &str, fault: Fault) -> Result<(), Box<dyn Error>> {
    let home = Home::new(home);
    let genesis = home.genesis()?;
    let (own, others): (Vec<_>, Vec<_>) = home.peers()?.into_iter().partition(|peer| peer.name == name);
    let own = own.into_iter().next().ok_or("no such validator in peers.json")?;
    // As the honest one does: two processes with one vote key would sign against each other by mistake.
    let folder = home.validator(name);
    let lock = lock(&folder).map_err(|why| format!("{}: {why}", folder.display()))?;
    let count = u32::try_from(others.len())?;
    let names = others.iter().map(|peer| peer.name.clone()).collect();
    let ledger = Ledger::new(&genesis).map_err(|why| why.to_string())?;
    let started = Instant::now();
    let host = Host::new(ledger, home.vote_key(name)?, Past::of(Vec::new()), names, now(started));
    let network = Network::listen(home.peer_key(name)?, &own, others).map_err(|why| why.to_string())?;
    let mut host = host.map_err(|why| why.to_string())?;
    home.next_vote_key(name)?.into_iter().for_each(|key| host.add_signer(key));
    let voice = Voice::new(fault, [home.vote_key(name)?].into_iter().chain(home.next_vote_key(name)?));
    Liar { host, network, fault, voice, others: count, started, _lock: lock }
        .run()
        .await
        .map_err(|why| why.to_string().into())
}

fn now(started: Instant) -> Moment {
    let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Moment { wall: Time(millis(wall)), uptime_ms: millis(started.elapsed()) }
}

struct Liar {
    host: Host,
    network: Network,
    fault: Fault,
    voice: Voice,
    others: u32,
    started: Instant,
    /// Held for as long as it runs.
    _lock: File,
}

impl Liar {
    async fn run(mut self) -> Result<(), HostError> {
        let mut turn = tokio::time::interval(Duration::from_millis(500));
        loop {
            let left_ms = self.host.deadline_ms().saturating_sub(now(self.started).uptime_ms);
            let outputs = tokio::select! {
                _ = turn.tick() => {
                    self.network.reconnect();
                    continue;
                }
                () = tokio::time::sleep(Duration::from_millis(left_ms.min(1_000))) => {
                    self.host.tick(now(self.started))?
                }
                arrival = self.network.next() => self.take(arrival)?,
            };
            for output in outputs {
                self.carry_out(output);
            }
        }
    }

    fn take(&mut self, arrival: Arrival) -> Result<Vec<Output>, HostError> {
        let now = now(self.started);
        match arrival {
            Arrival::PeerUp(peer) => Ok(vec![self.host.peer_up(peer)]),
            Arrival::Unreadable(..) => Ok(Vec::new()),
            Arrival::Message(peer, message) => self.host.message(peer, message, now),
            Arrival::Blocks(peer, blocks) => self.host.decided(peer, blocks, now),
            Arrival::BlocksWanted(from, channel) => {
                self.network.answer(channel, serve::blocks(self.host.ledger(), from));
                Ok(Vec::new())
            }
            Arrival::PageWanted(height, offset, channel) => {
                self.network.answer(channel, serve::page(self.host.ledger(), height, offset));
                Ok(Vec::new())
            }
            Arrival::Page(peer, page) => self.host.page(peer, page, now),
            Arrival::Light(..) if self.fault == Fault::Silent => Ok(Vec::new()),
            Arrival::Light(request, channel) => {
                let truth = serve::answer(&self.host, &request);
                // Votes are told as they are cast.
                let votes = request == Request::Votes;
                let said = if votes { twisted(self.fault, &request, truth) } else { truth };
                self.network.answer_light(channel, said);
                Ok(Vec::new())
            }
        }
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::Tell(message) => {
                for to in 0..self.others {
                    for said in self.voice.say(usize::try_from(to).unwrap_or_default(), &message) {
                        self.network.tell_one(Peer(to), &said);
                    }
                }
            }
            Output::Ask(peer, from) => self.network.ask(peer, from),
            Output::AskPage { peer, height, offset } => self.network.ask_page(peer, height, offset),
            Output::Log(_)
            | Output::Keep(_)
            | Output::Certify(_)
            | Output::Found(_)
            | Output::SignFrom(_)
            | Output::Note { .. }
            | Output::Warn(_) => {}
        }
    }
}
