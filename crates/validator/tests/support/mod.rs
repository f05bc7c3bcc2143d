//! What several tests of processes share: a folder, the processes, and somebody who asks them as a
//! light node would.

#![allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures::StreamExt;
use libp2p::{
    StreamProtocol, Swarm, SwarmBuilder,
    identity::Keypair,
    noise,
    request_response::{self, Event, Message, ProtocolSupport},
    swarm::SwarmEvent,
    tcp, yamux,
};
use qratum_chain::{
    codec::{Decode, Encode},
    types::Time,
};
use qratum_light_node::wire::{MAX_REQUEST, MAX_RESPONSE, PROTOCOL, Request, Response, WireCodec};
use qratum_validator::home::PeerAddress;

/// A home under the target directory, removed at the end.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn now() -> Time {
    Time(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64)
}

/// The validators of a home. Killed and reaped at the end, also of a panic.
pub struct Processes {
    home: PathBuf,
    children: BTreeMap<String, Child>,
}

impl Processes {
    pub fn of(home: &Path) -> Self {
        Self { home: home.to_owned(), children: BTreeMap::new() }
    }

    pub fn start(&mut self, name: &str) {
        let child = Command::new(env!("CARGO_BIN_EXE_qratum-validator"))
            .args(["run", "--stop-on-stdin-eof", "--name", name, "--home"])
            .arg(&self.home)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        self.children.insert(name.to_owned(), child);
    }

    /// Ends it as the power does.
    pub fn kill(&mut self, name: &str) {
        let mut child = self.children.remove(name).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// The most memory that the process had so far, in KiB.
    pub fn most_memory(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.children[name].id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        for child in self.children.values_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub type Speaker<Req, Res> = request_response::Behaviour<WireCodec<Req, Res>>;

/// Somebody with the key of `seed` who asks in this protocol.
pub fn speaker<Req, Res>(
    seed: u8,
    protocol: StreamProtocol,
    codec: WireCodec<Req, Res>,
) -> Swarm<Speaker<Req, Res>>
where
    Req: Encode + Decode + Send + Sync + 'static,
    Res: Encode + Decode + Send + Sync + 'static,
{
    let config = request_response::Config::default().with_request_timeout(Duration::from_secs(5));
    let behaviour = Speaker::with_codec(codec, [(protocol, ProtocolSupport::Outbound)], config);
    SwarmBuilder::with_existing_identity(Keypair::ed25519_from_bytes([seed; 32]).unwrap())
        .with_tokio()
        .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, yamux::Config::default)
        .unwrap()
        .with_behaviour(|_| behaviour)
        .unwrap()
        .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(60)))
        .build()
}

/// Asks validators, one question at a time.
pub struct Asker {
    pub swarm: Swarm<Speaker<Request, Response>>,
}

impl Asker {
    pub fn new(seed: u8) -> Self {
        Self { swarm: speaker(seed, PROTOCOL, WireCodec::new(MAX_REQUEST, MAX_RESPONSE)) }
    }

    /// The answer; none, when there is no connection or it broke.
    pub async fn ask(&mut self, peer: &PeerAddress, request: Request) -> Option<Response> {
        let addresses = vec![peer.address.clone()];
        let asked = self.swarm.behaviour_mut().send_request_with_addresses(&peer.id, request, addresses);
        loop {
            match self.swarm.select_next_some().await {
                SwarmEvent::Behaviour(Event::Message {
                    message: Message::Response { request_id, response },
                    ..
                }) if request_id == asked => return Some(response),
                SwarmEvent::Behaviour(Event::OutboundFailure { request_id, .. }) if request_id == asked => {
                    return None;
                }
                _ => {}
            }
        }
    }
}
