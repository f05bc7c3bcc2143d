//! Every pane, drawn on a test backend from a real head of a demo network.

use std::sync::Arc;

use qratum_chain::{
    document::{HeaderProof, genesis_from_json},
    types::{Genesis, Height, LightBlock, Time},
};
use qratum_light_node::{
    Ban, Config, LightNode, MemberVote, Proven, Reason, Refusal, Snapshot, State, StoreState, Voting,
    peers_from_json,
};
use qratum_themes::{Colors, Glyphs, Theme};
use qratum_verifier::{Reject, Rules, SetCache, Trusted, Verdict, proof, verify};
use ratatui::{Terminal, backend::TestBackend};

use crate::{
    home::Home,
    model::{Model, Notice, Pane},
    screen::view,
    update::{Effect, Key, Msg, Step, update},
};

/// Nobody listens there.
const PEERS: &[u8] = include_bytes!("../../tests/data/peers.json");

fn genesis() -> Genesis {
    genesis_from_json(include_bytes!("../../tests/data/genesis.json")).unwrap()
}

fn document() -> HeaderProof {
    HeaderProof::from_json(include_bytes!("../../tests/data/header-3.json")).unwrap()
}

fn anchor() -> (Trusted, Rules) {
    Trusted::genesis(&genesis()).unwrap()
}

fn head() -> Trusted {
    let HeaderProof { header, certificate, validators, .. } = document();
    let now = header.time;
    let block = LightBlock { header, certificate: certificate.unwrap(), validators, next_validators: None };
    let (anchor, rules) = anchor();
    match verify(&block, &anchor, &rules, &mut SetCache::default(), now) {
        Verdict::Accept(head) => *head,
        other => panic!("{other:?}"),
    }
}

/// A snapshot of a node that was just started: names of the genesis, peers, the anchor.
fn started() -> Snapshot {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let peers = peers_from_json(PEERS).unwrap();
        let node =
            LightNode::start(Config { genesis: genesis(), anchor: None, peers, home: None, keep: false })
                .await
                .unwrap();
        let snapshot = Snapshot::clone(&node.snapshots().borrow());
        node.stop().await;
        Snapshot { refusals: Vec::new(), ..snapshot }
    })
}

fn live() -> Snapshot {
    let mut snapshot = started();
    let peer = snapshot.peers.first().cloned().unwrap();
    snapshot.peers = ["north", "east", "south", "west"]
        .map(|name| {
            let mut peer = peer.clone();
            (peer.name, peer.connected) = (name.to_owned(), name != "west");
            peer.claimed_height = peer.connected.then_some(Height(1_000_000));
            peer
        })
        .to_vec();
    let head = head();
    Snapshot {
        state: State::Live,
        head_seen: Some(head.header().get().time),
        head: Arc::new(head),
        ..snapshot
    }
}

fn model(glyphs: Glyphs) -> Model {
    let home = Home::at("/home/admin/q net".into());
    Model::new(&genesis(), &home, Theme::terminal16(glyphs, Colors::On).unwrap()).unwrap()
}

/// The console 2.3 s after the head was made.
fn watching(snapshot: Snapshot, glyphs: Glyphs) -> Model {
    let mut model = model(glyphs);
    let now = head().header().get().time.plus(2300);
    assert_eq!(update(&mut model, Msg::Snapshot(Arc::new(snapshot), now)), REDRAW);
    model
}

const REDRAW: Step = Step { redraw: true, effect: None };
const NOTHING: Step = Step { redraw: false, effect: None };

/// The drawn rows, without trailing spaces.
fn drawn(model: &Model, width: u16, height: u16) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| view(model, frame)).unwrap();
    let buffer = terminal.backend().buffer();
    let row = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
    (0..height).map(row).collect()
}

#[test]
fn the_head_is_shown_with_who_signed_it() {
    let rows = drawn(&watching(live(), Glyphs::Unicode), 100, 18);
    let id = head().id();
    let want = [
        " QRATUM  demo  ✓ live  ✓ height 3  2 s old",
        " demo network: software devices only   home '/home/admin/q net'",
        " head       ✓ verified  height 3  round 0  set 0  2 s old",
        &format!(" block id   {id}"),
        " signed     75 of 100 power                 █████████████████████████████",
        " validators 4: name, power, share, part of the certificate",
        " ✓ north            30  30.0 % signed       █████████████░",
        " · east             25  25.0 % not signed   ░░░░░",
        " ✓ south            25  25.0 % signed       ███████████░",
        " ✓ west             20  20.0 % signed       █████████░",
        " peers 3 of 4 connected",
        " ● north        connected     claims 1000000  ? unverified",
        " ● east         connected     claims 1000000  ? unverified",
        " ● south        connected     claims 1000000  ? unverified",
        " ○ west         not connected",
    ];
    for (row, want) in rows.iter().zip(want) {
        assert!(row.starts_with(want), "{row:?} is not {want:?}");
    }
    assert!(rows[4].ends_with("> 2/3") && rows[4].contains('│'), "{:?}", rows[4]);
    assert_eq!(rows[17], " q quit   e proof of the head");
}

#[test]
fn everything_fits_the_smallest_window_and_less_says_so() {
    let model = watching(live(), Glyphs::Unicode);
    let rows = drawn(&model, 60, 16).join("\n");
    for part in
        ["✓ live", "✓ verified", "75 of 100 power", "> 2/3", "north", "not signed", "○ west", "q quit"]
    {
        assert!(rows.contains(part), "{part} is missing:\n{rows}");
    }
    for (width, height) in [(59, 16), (60, 15), (30, 3)] {
        let rows = drawn(&model, width, height);
        assert!(rows[0].starts_with(&format!("too small: {width}x{height}, ")), "{rows:?}");
        assert!(rows[1..].iter().all(String::is_empty), "{rows:?}");
    }
}

#[test]
fn no_size_panics() {
    let mut snapshot = live();
    snapshot.refusals = vec![refusal("north"); 8];
    let mut model = watching(snapshot, Glyphs::Unicode);
    (0..5).for_each(|_| model.notify(Notice::of("something".to_owned())));
    for (width, height) in (1..=130).flat_map(|width| [1, 15, 16, 17, 20, 40].map(|height| (width, height))) {
        drawn(&model, width, height);
    }
}

#[test]
fn before_the_first_head_nothing_looks_like_one() {
    let mut model = model(Glyphs::Unicode);
    let rows = drawn(&model, 80, 24).join("\n");
    assert!(rows.contains("the light node is starting ...") && !rows.contains('✓'), "{rows}");
    let waiting = Snapshot { peers: live().peers, state: State::Syncing, ..started() };
    update(&mut model, Msg::Snapshot(Arc::new(waiting), Time(0)));
    let rows = drawn(&model, 80, 24).join("\n");
    assert!(rows.contains("waiting for a first verified head from 4 peers ..."), "{rows}");
    assert!(rows.contains("~ syncing") && rows.contains("claims 1000000  ? unverified"), "{rows}");
    assert!(!rows.contains("verified  height") && !rows.contains('✓'), "{rows}");
    assert_eq!(update(&mut model, Msg::Key(Key::Proof)), NOTHING, "there is nothing to prove");
}

#[test]
fn a_state_that_is_not_live_shows_while_the_head_stays_verified() {
    let lost = Snapshot { state: State::Disconnected, store: StoreState::InUse, ..live() };
    let rows = drawn(&watching(lost, Glyphs::Unicode), 80, 24).join("\n");
    assert!(rows.contains("✗ disconnected") && rows.contains("✓ verified"), "{rows}");
    assert!(rows.contains("another qratum keeps this home's store"), "{rows}");
    assert!(!rows.contains("✗ another qratum"), "no fault: {rows}");
}

/// The colors of the bar that shows how much signed.
fn bar_color(model: &Model) -> ratatui::style::Color {
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    terminal.draw(|frame| view(model, frame)).unwrap();
    terminal.backend().buffer()[(46, 4)].fg
}

#[test]
fn a_head_that_is_not_the_newest_is_called_the_last_and_not_drawn_as_healthy() {
    use ratatui::style::Color;
    let stalled = watching(Snapshot { state: State::Stalled, ..live() }, Glyphs::Unicode);
    let rows = drawn(&stalled, 80, 24);
    assert!(rows[2].starts_with(" last head  ✓ verified  height 3"), "{rows:?}");
    assert_eq!(bar_color(&stalled), Color::Yellow);
    assert_eq!(bar_color(&watching(live(), Glyphs::Unicode)), Color::Green);
}

fn with_west(connected: bool) -> Msg {
    let mut snapshot = live();
    snapshot.peers.iter_mut().filter(|peer| peer.name == "west").for_each(|west| west.connected = connected);
    Msg::Snapshot(Arc::new(snapshot), head().header().get().time)
}

#[test]
fn a_validator_that_is_back_is_no_longer_said_to_have_ended() {
    let ended = || Msg::Notice(Notice::ended("west".to_owned(), "validator west ended".to_owned()));
    let mut model = model(Glyphs::Unicode);
    update(&mut model, with_west(true));
    update(&mut model, ended());
    update(&mut model, with_west(true));
    assert_eq!(model.notices.len(), 1, "the connection was not seen to end yet");
    update(&mut model, with_west(false));
    assert_eq!(model.notices.len(), 1);
    update(&mut model, with_west(true));
    assert_eq!(model.notices, []);
    update(&mut model, with_west(false));
    update(&mut model, ended());
    update(&mut model, with_west(true));
    assert_eq!(model.notices, [], "the end of the connection was seen first");
}

#[test]
fn many_and_long_notices_are_cut_and_counted() {
    let mut model = watching(live(), Glyphs::Unicode);
    for index in 0..20 {
        model.notify(Notice::of(format!("validator {index} ended{}", " and so on".repeat(20))));
    }
    let rows = drawn(&model, 60, 24);
    assert!(rows[2].starts_with(" ✗ validator 19 ended and so on") && rows[2].ends_with('…'), "{rows:?}");
    assert!(rows[3].starts_with(" ✗ validator 18 ended"), "{rows:?}");
    assert_eq!(rows[4], "   and 14 more");
}

#[test]
fn a_wrong_clock_is_shown_with_how_far_it_is_off() {
    let off = Snapshot { state: State::Clock, clock_offset_ms: Some(-3_600_000), ..live() };
    let rows = drawn(&watching(off, Glyphs::Unicode), 80, 24).join("\n");
    assert!(rows.contains("✗ clock"), "{rows}");
    assert!(rows.contains("✗ the local clock is about 1 h 0 min behind: set it right"), "{rows}");
    assert!(rows.contains("peers 3 of 4 connected, 0 witnesses at 0"), "{rows}");
}

fn refusal(peer: &str) -> Refusal {
    let reason = Reason::Rejected(Reject::BadSignature { signer: 2 });
    Refusal { peer: peer.to_owned(), reason, at: Time(0), count: 3 }
}

#[test]
fn who_is_silent_is_named_with_the_power_that_is_missing() {
    let mut snapshot = Snapshot { state: State::NoQuorum, ..live() };
    let head = head();
    let members = (0u32..).zip(head.validators().members());
    let members = members.map(|(index, member)| MemberVote {
        key: member.pubkey,
        power: member.power,
        last: None,
        silent: index < 2,
    });
    snapshot.voting = Arc::new(Voting { members: members.collect(), stuck: true, ..Voting::default() });
    let rows = drawn(&watching(snapshot, Glyphs::Unicode), 80, 24).join("\n");
    assert!(rows.contains("✗ no-quorum") && rows.contains("last head  ✓ verified"), "{rows}");
    assert!(rows.contains("✗ no vote from north, east: 55 of 100 power is missing"), "{rows}");
}

#[test]
fn a_banned_peer_is_shown_with_its_lie_and_for_how_long() {
    let mut snapshot = live();
    let reason = Reason::Rejected(Reject::BadSignature { signer: 2 });
    let until = head().header().get().time.plus(62_000);
    snapshot.peers[3].ban = Some(Ban { reason, at: Time(0), until, count: 1 });
    let rows = drawn(&watching(snapshot, Glyphs::Unicode), 80, 24).join("\n");
    assert!(rows.contains(" ✗ west         banned for 59 s more: BadSignature"), "{rows}");
}

#[test]
fn text_from_outside_is_shown_and_not_obeyed() {
    let mut snapshot = live();
    snapshot.peers[0].name = "a\u{202e}b\u{1b}[2J".to_owned();
    let malformed = Refusal { reason: Reason::Malformed("\u{9b}31m\u{200b}".to_owned()), ..refusal("east") };
    snapshot.refusals = vec![refusal("north"), malformed];
    let mut model = watching(snapshot, Glyphs::Unicode);
    update(&mut model, Msg::Notice(Notice::of("validator \u{7}x ended".to_owned())));
    let rows = drawn(&model, 100, 24).join("\n");
    for part in [
        "✗ validator <U+0007>x ended",
        "a<U+202E>b<U+001B>",
        "✗ east: Malformed: no answer of the protocol: <U+009B>31m<U+200B> (3 times)",
        "✗ north: BadSignature: the signature of signer 2 does not hold (3 times)",
    ] {
        assert!(rows.contains(part), "{part} is missing:\n{rows}");
    }
}

#[test]
fn ascii_draws_ascii() {
    let rows = drawn(&watching(live(), Glyphs::Ascii), 80, 24).join("\n");
    assert!(rows.is_ascii() && rows.contains("+ verified") && rows.contains("####"), "{rows}");
}

#[test]
fn only_a_second_that_passed_is_drawn() {
    let mut model = watching(live(), Glyphs::Unicode);
    let made = head().header().get().time;
    assert_eq!(update(&mut model, Msg::Tick(made.plus(2999))), NOTHING);
    assert_eq!(update(&mut model, Msg::Tick(made.plus(3000))), REDRAW);
    assert!(drawn(&model, 80, 24)[0].ends_with("3 s old"));
}

fn proven() -> Proven {
    let (anchor, rules) = anchor();
    let proof = document();
    let checked = proof::check(&proof, &anchor, &rules, proof.header.time).unwrap();
    Proven { proof, checked }
}

#[test]
fn the_proof_goes_from_the_value_to_the_anchor() {
    let mut model = watching(live(), Glyphs::Unicode);
    let asked = Step { redraw: true, effect: Some(Effect::Prove(Height(3))) };
    assert_eq!(update(&mut model, Msg::Key(Key::Proof)), asked);
    assert!(drawn(&model, 80, 24).join("\n").contains("fetching the proof"));
    let late = Msg::Proof(Height(2), Box::new(Ok(proven())));
    assert_eq!(update(&mut model, late), NOTHING, "another proof than the one that was asked for");
    assert_eq!(update(&mut model, Msg::Proof(Height(3), Box::new(Ok(proven())))), REDRAW);
    let rows = drawn(&model, 100, 24);
    let want = [
        " proof of height 3".to_owned(),
        String::new(),
        " value        height 3  ✓ verified".to_owned(),
        format!(" ← header      {}", head().id()),
        " ← certificate round 0, 75 of 100 power: north, south, west".to_owned(),
        " ← hand-overs  none needed: the anchor's set signed it".to_owned(),
        format!(" ← anchor      genesis {}", anchor().0.id()),
    ];
    assert_eq!(rows[2..9], want);
    assert_eq!(rows[10], " as a file    qratum --home '/home/admin/q net' header 3 --json");
}

#[test]
fn an_expired_proof_is_not_called_verified() {
    let mut model = watching(live(), Glyphs::Unicode);
    update(&mut model, Msg::Key(Key::Proof));
    let mut proven = proven();
    proven.checked.expired = true;
    update(&mut model, Msg::Proof(Height(3), Box::new(Ok(proven))));
    let row = drawn(&model, 80, 24)[4].clone();
    assert_eq!(row, " value        height 3  ✗ chains, but the anchor is expired");
}

#[test]
fn q_leaves_the_pane_first_and_ctrl_c_the_program() {
    let quit = Step { redraw: false, effect: Some(Effect::Quit) };
    let mut model = watching(live(), Glyphs::Unicode);
    update(&mut model, Msg::Key(Key::Proof));
    assert_eq!(update(&mut model, Msg::Key(Key::Quit)), REDRAW);
    assert!(matches!(model.pane, Pane::Overview));
    assert_eq!(update(&mut model, Msg::Key(Key::Back)), NOTHING);
    assert_eq!(update(&mut model, Msg::Key(Key::Quit)), quit);
    update(&mut model, Msg::Key(Key::Proof));
    assert_eq!(update(&mut model, Msg::Key(Key::Abort)), quit);
}
