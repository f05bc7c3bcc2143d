//! Eight peers that flood a validator with everything they can: it keeps its memory, its height and
//! its manners towards others. `make flood` does so for longer.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

use std::time::{Duration, Instant};

use futures::{FutureExt, StreamExt, future::join_all};
use libp2p::{
    request_response::{Event, OutboundFailure},
    swarm::SwarmEvent,
};
use qratum_chain::types::Height;
use qratum_light_node::wire::{Request, Response, StateKey, WireCodec};
use qratum_validator::{
    demo::{Options, create},
    home::PeerAddress,
    message,
};
use support::{Asker, Processes, Scratch, now, speaker};

/// How many flood.
const FLOODERS: u8 = 8;
/// How many questions each asks at a time.
const AT_ONCE: usize = 100;
/// The most memory, in KiB.
const MEMORY: u64 = 256 << 10;
/// The longest that anybody else waits.
const IN_TIME: Duration = Duration::from_secs(2);

fn question(n: usize) -> Request {
    match n % 5 {
        0 => Request::Tip,
        1 => Request::Votes,
        2 => Request::State(vec![StateKey(vec![7; 500]); 32]),
        3 => Request::Block(Height(1 + n as u64 % 7)),
        _ => Request::History { height: Height(1), size: Height(n as u64) },
    }
}

/// Asks as much as it can, and now and then does not read what it asked for.
async fn flood(seed: u8, peer: PeerAddress, until: Instant) -> usize {
    let (mut asker, mut answers, mut round) = (Asker::new(seed), 0, 0);
    while Instant::now() < until {
        for n in 0..AT_ONCE {
            let addresses = vec![peer.address.clone()];
            let light = asker.swarm.behaviour_mut();
            light.send_request_with_addresses(&peer.id, question(n + round), addresses);
        }
        round += 1;
        let pause = Duration::from_millis(if round % 8 == 0 { 1_000 } else { 20 });
        if round % 8 == 0 {
            tokio::time::sleep(pause).await;
        }
        let _ = tokio::time::timeout(pause, async {
            loop {
                if let Some(event) = asker.swarm.next().await {
                    answers += usize::from(format!("{event:?}").contains("Response {"));
                }
            }
        })
        .await;
        // What is ready in any case.
        while asker.swarm.next().now_or_never().flatten().is_some() {}
    }
    answers
}

/// Asks for the head as a light node does; the longest wait, and the height.
async fn ask(peer: PeerAddress, until: Instant) -> (Duration, u64, u32) {
    let (mut asker, mut longest, mut height, mut asked) = (Asker::new(99), Duration::ZERO, 0, 0);
    while Instant::now() < until {
        let started = Instant::now();
        match asker.ask(&peer, Request::Tip).await {
            Some(Response::Block(block)) => height = block.header.height.0,
            other => panic!("an honest question got {other:?}"),
        }
        longest = longest.max(started.elapsed());
        asked += 1;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    (longest, height, asked)
}

async fn flooded(name: &str, span: Duration) {
    let scratch = Scratch::new(name);
    let options = Options { block_interval_ms: 200, ..Options::default() };
    let peers = create(&scratch.0, now(), &options).unwrap().peers;
    let mut processes = Processes::of(&scratch.0);
    peers.iter().for_each(|peer| processes.start(&peer.name));
    let north = peers[0].clone();
    let mut first = Asker::new(98);
    let started = Instant::now();
    while !matches!(first.ask(&north, Request::Tip).await, Some(Response::Block(_))) {
        assert!(started.elapsed() < Duration::from_secs(30), "no first block");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let until = Instant::now() + span;
    let floods = join_all((1..=FLOODERS).map(|seed| flood(seed, north.clone(), until)));
    let (answers, (longest, height, asked)) = tokio::join!(floods, ask(north, until));
    let memory = processes.most_memory("north");
    println!(
        "{FLOODERS} floods of {} s: {} answers to them; {asked} honest questions, the longest took {} ms; \
         height {height}; at most {} MiB",
        span.as_secs(),
        answers.iter().sum::<usize>(),
        longest.as_millis(),
        memory >> 10
    );
    assert!(longest < IN_TIME, "{longest:?}");
    assert!(memory < MEMORY, "{memory} KiB");
    assert!(height > span.as_secs(), "it fell behind: {height}");
}

#[tokio::test]
async fn eight_floods_keep_nobody_waiting() {
    flooded("flood", Duration::from_secs(4)).await;
}

/// What validators tell one another has no place for anybody else: not even its bytes are read.
#[tokio::test]
async fn a_guest_cannot_speak_the_consensus_protocol() {
    let scratch = Scratch::new("guest");
    let peers = create(&scratch.0, now(), &Options::default()).unwrap().peers;
    let mut processes = Processes::of(&scratch.0);
    processes.start("north");
    let codec = WireCodec::<message::Request, message::Reply>::new(message::MAX_REQUEST, message::MAX_REPLY);
    let mut guest = speaker(97, message::PROTOCOL, codec);
    let started = Instant::now();
    loop {
        let (peer, request) = (&peers[0], message::Request::Blocks(Height(1)));
        guest.behaviour_mut().send_request_with_addresses(&peer.id, request, vec![peer.address.clone()]);
        let failure = loop {
            match guest.select_next_some().await {
                SwarmEvent::Behaviour(Event::OutboundFailure { error, .. }) => break error,
                SwarmEvent::Behaviour(event) => panic!("{event:?}"),
                _ => {}
            }
        };
        match failure {
            OutboundFailure::UnsupportedProtocols => return,
            OutboundFailure::DialFailure if started.elapsed() < Duration::from_secs(20) => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
#[ignore = "`make flood`: a minute"]
async fn eight_floods_for_a_minute() {
    flooded("flood-long", Duration::from_secs(60)).await;
}
