//! Several programs on one home: one owns the store, the others ask it over its socket, and believe
//! it no more than any peer.

use std::{
    io::{Read, Write},
    os::unix::{fs::PermissionsExt, net},
    time::Instant,
};

use qratum_chain::codec::Decode;

use super::*;

/// A home, its owner that follows one honest peer, and that peer.
async fn owned(name: &str, members: chain::Members) -> (Scratch, Arc<Mutex<Chain>>, FakePeer, LightNode) {
    let scratch = Scratch::new(name);
    let chain = grown(members, 30);
    let a = FakePeer::start("a", 101, honest(&chain)).await;
    let node = LightNode::start(config(&chain, &[&a], scratch.place())).await.unwrap();
    until_height(&node, 30).await;
    (scratch, chain, a, node)
}

/// A node on the same home that keeps nothing.
async fn guest(chain: &Arc<Mutex<Chain>>, peer: &FakePeer, scratch: &Scratch) -> LightNode {
    let config = Config { keep: false, ..config(chain, &[peer], scratch.place()) };
    LightNode::start(config).await.unwrap()
}

/// What a socket answers to these bytes.
fn exchange(socket: &Path, frame: &[u8]) -> Vec<u8> {
    let mut stream = net::UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(frame).unwrap();
    let mut answer = Vec::new();
    // Hung up on is either end or reset.
    let hung_up = stream.read_to_end(&mut answer);
    assert!(hung_up.is_ok() || answer.is_empty(), "{hung_up:?}");
    answer
}

fn framed(value: &impl Encode) -> Vec<u8> {
    let bytes = value.to_bytes();
    [u32::try_from(bytes.len()).unwrap().to_le_bytes().as_slice(), &bytes].concat()
}

/// The peers are gone for a guest; the owner of the store still has what it fetched, and what it can
/// ask for. The guest verifies it again, over every set, and says that no peer is connected.
#[tokio::test]
async fn a_home_with_an_owner_needs_no_second_connection_to_a_peer() {
    let (scratch, chain, _a, owner) = owned("owner", disjoint).await;
    let dead = FakePeer::start("dead", 102, honest(&chain)).await;
    let config = Config { keep: false, ..config(&chain, &[&dead], scratch.place()) };
    dead.kill().await;
    let node = LightNode::start(config).await.unwrap();
    let snapshot = until(&node, "the head, from the owner", |snapshot| {
        height(snapshot) == 30 && snapshot.state == State::Disconnected
    })
    .await;
    assert_eq!((snapshot.witnesses.operators.len(), &snapshot.refusals), (0, &Vec::new()));
    let proven = node.header(Height(17)).await.unwrap();
    check(&chain.lock().unwrap(), &proven.proof);
    node.stop().await;
    owner.stop().await;
}

/// Two commands and one that follows, beside the owner, while the chain goes on.
#[tokio::test]
async fn two_commands_and_a_follower_work_beside_the_owner() {
    let (scratch, chain, a, owner) = owned("parallel", constant).await;
    let making = growing(&chain);
    let follower = guest(&chain, &a, &scratch).await;
    let command = async || {
        let node = guest(&chain, &a, &scratch).await;
        let head = node.synced(PATIENCE).await.unwrap();
        let proven = node.header(Height(29)).await.unwrap();
        node.stop().await;
        assert_eq!((head.store.clone(), proven.checked.expired), (StoreState::None, false));
        height(&head)
    };
    let (first, second) = tokio::join!(command(), command());
    assert!(first >= 30 && second >= 30);
    until_height(&follower, 34).await;
    until_height(&owner, 34).await;
    // A second console finds the store in use, and goes on without one.
    let console = LightNode::start(config(&chain, &[&a], scratch.place())).await.unwrap();
    assert_eq!(until_height(&console, 34).await.store, StoreState::InUse);
    for node in [console, follower, owner] {
        node.stop().await;
    }
    making.abort();
    assert!(!scratch.place().unwrap().socket().exists(), "the owner took its socket with it");
}

/// What answers on the socket is judged like any peer: refused with its reason, then not asked.
#[tokio::test]
async fn a_socket_that_lies_is_refused() {
    let scratch = Scratch::new("lying");
    let chain = grown(constant, 9);
    let a = FakePeer::start("a", 101, honest(&chain)).await;
    let place = scratch.place().unwrap();
    std::fs::create_dir_all(place.socket().parent().unwrap()).unwrap();
    let lie = bad_signature(chain.lock().unwrap().next(now(), Hash::ZERO));
    let lies: Vec<(&str, Vec<u8>)> = vec![
        ("BadSignature", framed(&Response::Block(Box::new(lie)))),
        ("OffTopic", framed(&Response::History(vec![Hash::ZERO]))),
        ("Malformed", [3u32.to_le_bytes().as_slice(), b"???"].concat()),
        ("Malformed", u32::MAX.to_le_bytes().to_vec()),
        ("Cut", vec![9, 0, 0, 0, 1]),
    ];
    for (reason, answer) in lies {
        let listener = net::UnixListener::bind(place.socket()).unwrap();
        let liar = std::thread::spawn(move || {
            while let Ok((mut stream, _)) = listener.accept() {
                let mut asked = [0; 5];
                if stream.read_exact(&mut asked).is_err() {
                    return;
                }
                let _ = stream.write_all(&answer);
            }
        });
        let node = guest(&chain, &a, &scratch).await;
        let named = |snapshot: &Arc<Snapshot>| {
            snapshot.refusals.iter().any(|it| it.peer == "local" && it.reason.name() == reason)
        };
        until(&node, reason, named).await;
        let snapshot = until_height(&node, 9).await;
        assert_eq!(snapshot.head.id(), chain.lock().unwrap().tip().unwrap().header.id());
        node.stop().await;
        drop(net::UnixStream::connect(place.socket()));
        liar.join().unwrap();
        std::fs::remove_file(place.socket()).unwrap();
    }
}

/// Only this user reaches it; one that a killed owner left behind is replaced; who asks wrongly is
/// hung up on.
#[tokio::test]
async fn the_socket_is_this_users_alone_and_survives_bad_questions() {
    let scratch = Scratch::new(&format!("socket-{}", "long".repeat(20)));
    let place = scratch.place().unwrap();
    let folder = place.socket().parent().unwrap().to_owned();
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(place.socket(), "left behind").unwrap();
    let chain = grown(constant, 9);
    let a = FakePeer::start("a", 101, honest(&chain)).await;
    let owner = LightNode::start(config(&chain, &[&a], scratch.place())).await.unwrap();
    until_height(&owner, 9).await;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&place.socket())), (0o700, 0o600));

    // Through the folder: the whole path is too long for a socket's name.
    let near = std::env::temp_dir().join(format!("qratum-{}", std::process::id()));
    let _ = std::fs::remove_file(&near);
    std::os::unix::fs::symlink(&folder, &near).unwrap();
    let asked = near.join("light.sock");
    let answers = tokio::task::spawn_blocking(move || {
        let idle: Vec<_> = (0..8).map(|_| net::UnixStream::connect(&asked).unwrap()).collect();
        let bad =
            [vec![0xff; 4], vec![1, 0, 0, 0, 99], framed(&Request::State(vec![StateKey(vec![0; 2000])]))];
        let refused = bad.map(|frame| exchange(&asked, &frame));
        let start = Instant::now();
        let good = exchange(&asked, &framed(&Request::Tip));
        drop(idle);
        (refused, good, start.elapsed())
    });
    let (refused, good, took) = answers.await.unwrap();
    assert_eq!(refused, [const { Vec::<u8>::new() }; 3]);
    let tip = Response::from_bytes(&good[4..]).unwrap();
    assert_eq!(tip, truth(&chain.lock().unwrap(), &Request::Tip));
    assert!(took < Duration::from_secs(3), "idle connections hold nobody up: {took:?}");
    let guest = guest(&chain, &a, &scratch).await;
    until_height(&guest, 9).await;
    guest.stop().await;
    owner.stop().await;
    std::fs::remove_file(near).unwrap();
}
