//! The dialog that signs, and the lock, as people see them: pictures of each step in each size, and what
//! keys do.

use std::{sync::Arc, time::Duration};

use qratum_chain::{
    Hash,
    codec::Encode as _,
    ledger::{Act, Answer, Outcome, Request, Step},
    types::{Height, RequestId, Role, Sender, Time, TxoBody, TxoClass},
};
use qratum_light_node::State;

use super::{
    SIZES, folk,
    snapshots::kept,
    stage::{LAST, Paint, alarms_in, drawn, genesis, heads, in_state, live, picture, time_of, watching},
};
use crate::{
    acting::ceremony::{Event, Touch},
    action::Key,
    model::{Layer, Model, Sheet, Stage, Told},
    screen::view,
    twice,
    update::{Effect, Msg, update},
};

/// Alice asks that dave's key be suspended, and bob has said yes.
fn request() -> Request {
    folk::request("dave", vec![folk::yes("bob", 2, Role::Technical)], Outcome::Open, 521_000)
}

/// Carol's yes to it.
fn sheet() -> Sheet {
    let id = RequestId(Hash([0x5b; 32]));
    let act = Act {
        from: Height(LAST),
        until: Height(LAST + 140),
        step: Step::Approve(Answer { request: id, role: Role::Compliance }),
    };
    let body = TxoBody {
        chain_id: genesis().chain_id().unwrap(),
        sender: Sender::Account(folk::account("carol")),
        nonce: 41,
        class: TxoClass::Admin,
        payload: act.to_bytes(),
    };
    let bytes = body.to_bytes();
    Sheet {
        network: "demo".to_owned(),
        act: twice::act(&bytes).unwrap(),
        length: bytes.len(),
        request: twice::request(&request().to_bytes()).unwrap(),
        effect: vec!["security key 6b1c0d8a44e2 of account dave: active -> suspended".to_owned()],
        digest: body.challenge(),
        common: id.0,
        at: Height(LAST),
        time: time_of(LAST),
        ends: Some(request().proposal.expiry),
    }
}

fn console(size: (u16, u16), paint: Paint) -> Model {
    let mut model = watching(live(), paint);
    update(&mut model, Msg::Resized(size.0, size.1));
    let now = model.now;
    model.session.elevate(None, now);
    model
}

fn asked(size: (u16, u16), paint: Paint) -> Model {
    let mut model = console(size, paint);
    update(&mut model, Msg::Sheet(Box::new(Ok(sheet()))));
    model
}

/// Presses a key some time after whatever came before.
fn press(model: &mut Model, key: Key) -> Vec<Effect> {
    model.now = model.now.plus(800);
    update(model, Msg::Key(key))
}

fn read_and_type(model: &mut Model) {
    for _ in 0..12 {
        press(model, Key::PageDown);
    }
    for digit in sheet().last_group().chars() {
        press(model, Key::Char(digit));
    }
}

fn begun(size: (u16, u16), paint: Paint) -> Model {
    let mut model = asked(size, paint);
    read_and_type(&mut model);
    press(&mut model, Key::Tab);
    assert_eq!(press(&mut model, Key::Enter), [Effect::Ceremony(Told::Begin), Effect::Draw]);
    model
}

fn stage(model: &Model) -> &Stage {
    &model.view.sign().unwrap().stage
}

fn told(model: &mut Model, event: Event) {
    assert_eq!(update(model, Msg::Ceremony(event)), [Effect::Draw]);
}

fn opened(model: &mut Model) {
    told(model, Event::Pin { tries: Some(5) });
    told(model, Event::Touch { n: 1, of: 2, why: Touch::Open });
    told(model, Event::Words("tiger ember 7".to_owned()));
    told(model, Event::BiokeyOpen { left: Duration::from_secs(60) });
}

/// Each step with its name, from the opening to the end.
fn steps(size: (u16, u16), paint: Paint) -> Vec<(&'static str, Model)> {
    let mut all = vec![("opened", asked(size, paint))];
    let mut model = asked(size, paint);
    press(&mut model, Key::PageDown);
    all.push(("second page", model.clone()));
    read_and_type(&mut model);
    press(&mut model, Key::Tab);
    all.push(("read and typed", model.clone()));
    press(&mut model, Key::Enter);
    let events =
        [("PIN", Event::Pin { tries: Some(5) }), ("touch 1", Event::Touch { n: 1, of: 2, why: Touch::Open })];
    for (name, event) in events {
        told(&mut model, event);
        all.push((name, model.clone()));
    }
    told(&mut model, Event::Words("tiger ember 7".to_owned()));
    told(&mut model, Event::BiokeyOpen { left: Duration::from_secs(60) });
    model.now = model.now.plus(19_000);
    all.push(("words", model.clone()));
    let events = [
        ("touch 2", Event::Touch { n: 2, of: 2, why: Touch::Sign }),
        ("signed", Event::Signed { id: Hash([9; 32]) }),
        ("sent", Event::Sent { to: 4 }),
        ("final", Event::Final { height: Height(LAST + 2) }),
    ];
    for (name, event) in events {
        told(&mut model, event);
        all.push((name, model.clone()));
    }
    told(&mut model, Event::Failed("Not touched in time: nothing was signed".to_owned()));
    all.push(("failed", model));
    all
}

#[test]
fn pictures_of_signing() {
    let mut wrong = Vec::new();
    for (paint, theme) in [(Paint::Terminal16, "terminal16"), (Paint::Mono, "mono")] {
        for (width, height) in SIZES {
            let steps = steps((width, height), paint);
            let text = steps
                .iter()
                .map(|(name, model)| format!("=== sign, {name}\n{}\n", picture(model, (width, height))));
            let text = text.collect::<String>();
            wrong.extend(kept(&format!("sign.{width}x{height}.{theme}.txt"), &text));
        }
    }
    assert!(wrong.is_empty(), "QRATUM_BLESS=1 writes them anew\n{}", wrong.join("\n"));
}

/// From the first page to the last, in every size: all lines are drawn before Sign can be pressed.
#[test]
fn every_line_is_drawn_before_sign_can_be_pressed() {
    for size in SIZES {
        let mut model = asked(size, Paint::Terminal16);
        let mut seen = String::new();
        while !model.view.sign().unwrap().is_read() {
            seen.push_str(&picture(&model, size));
            seen.push('\n');
            assert!(!model.view.sign().unwrap().may_act());
            press(&mut model, Key::Char(' '));
        }
        seen.push_str(&picture(&model, size));
        let spaced: String = seen.split_whitespace().collect::<Vec<_>>().join(" ");
        let sheet = sheet();
        for word in sheet.words() {
            assert!(spaced.contains(word), "{size:?}: {word}");
        }
        for text in ["carol", "compliance", "suspended", "alice", "bob", "read alike by two decoders"] {
            assert!(spaced.contains(text), "{size:?}: {text}");
        }
        for group in sheet.groups() {
            assert!(spaced.contains(&group), "{size:?}: {group}");
        }
        for line in sheet.act.iter().chain(&sheet.request) {
            let label = line.label.replace('-', " ");
            let is_there = label.split(' ').all(|word| spaced.contains(word));
            assert!(is_there, "{size:?}: {label}");
        }
    }
}

#[test]
fn the_whole_ceremony_signs_and_each_order_comes_once() {
    let mut model = begun((80, 24), Paint::Terminal16);
    assert_eq!(press(&mut model, Key::Tab), [Effect::Draw]);
    opened(&mut model);
    assert_eq!(stage(&model), &Stage::Confirm);
    press(&mut model, Key::Tab);
    assert_eq!(press(&mut model, Key::Enter), [Effect::Ceremony(Told::Go), Effect::Draw]);
    told(&mut model, Event::Touch { n: 2, of: 2, why: Touch::Sign });
    told(&mut model, Event::Signed { id: Hash([9; 32]) });
    told(&mut model, Event::Sent { to: 4 });
    told(&mut model, Event::Final { height: Height(LAST + 2) });
    assert!(picture(&model, (80, 24)).contains("finalized and verified at height 90214"));
    assert_eq!(press(&mut model, Key::Enter), [Effect::Ceremony(Told::Close), Effect::Draw]);
    assert_eq!(model.view.layers, []);
}

#[test]
fn enter_cancels_between_the_touches_and_nothing_is_kept() {
    let mut model = begun((80, 24), Paint::Terminal16);
    opened(&mut model);
    assert_eq!(press(&mut model, Key::Enter), [Effect::Ceremony(Told::Cancel), Effect::Draw]);
    assert_eq!(model.view.layers, []);
    let text = picture(&model, (80, 24));
    assert!(text.contains("cancelled: nothing was signed") && !text.contains("tiger"), "{text}");
}

/// A fact that changed closes the sheet and is named; a new head alone changes nothing on it.
#[test]
fn only_a_changed_fact_closes_the_sheet() {
    let mut model = asked((120, 36), Paint::Terminal16);
    let before = model.view.sign().unwrap().clone();
    let snapshot = model.live.snapshot.clone().unwrap();
    update(&mut model, Msg::Snapshot(snapshot, time_of(LAST).plus(2400)));
    assert_eq!(model.view.sign(), Some(&before));
    let effects = update(&mut model, Msg::Changed("the policy has changed".to_owned()));
    assert_eq!(effects, [Effect::Ceremony(Told::Cancel), Effect::Draw]);
    let text = picture(&model, (120, 36));
    assert!(text.contains("the policy has changed: nothing was signed; review it again"), "{text}");
    let mut signed = begun((120, 36), Paint::Terminal16);
    told(&mut signed, Event::Signed { id: Hash([9; 32]) });
    assert_eq!(update(&mut signed, Msg::Changed("the nonce has changed".to_owned())), []);
    assert_eq!(stage(&signed), &Stage::Signed, "from there on the chain decides");
}

#[test]
fn while_a_sheet_is_open_no_other_key_means_anything_and_nothing_is_pasted() {
    let mut model = asked((80, 24), Paint::Terminal16);
    for key in ["3", "q", "?", ":", "/", "e", "!", "x", "i", "p", "y", "-", "["] {
        let key = Key::Char(key.chars().next().unwrap());
        assert_eq!(press(&mut model, key), [Effect::Draw], "{key:?}");
        assert!(matches!(model.view.layers[..], [Layer::Sign(_)]), "{key:?}");
    }
    let typed = model.view.sign().unwrap().typed.clone();
    assert_eq!(update(&mut model, Msg::Pasted(sheet().last_group())), []);
    assert_eq!(model.view.sign().unwrap().typed, typed);
}

#[test]
fn nothing_is_signed_unseen() {
    let mut model = console((80, 24), Paint::Terminal16);
    press(&mut model, Key::Char('p'));
    update(&mut model, Msg::Sheet(Box::new(Ok(sheet()))));
    assert_eq!(model.view.layers, []);
    assert!(picture(&model, (80, 24)).contains("nothing is signed unseen"));
    let why = twice::act(b"\xa6").unwrap_err().to_string();
    update(&mut model, Msg::Sheet(Box::new(Err(why))));
    assert!(picture(&model, (80, 24)).contains("nothing was signed: the two decoders disagree"));
}

/// A console that only watches opens no sheet, and one whose time is over neither begins nor goes on.
#[test]
fn nothing_is_signed_without_time_to_act() {
    let mut watching = console((80, 24), Paint::Terminal16);
    watching.session.read_only();
    update(&mut watching, Msg::Sheet(Box::new(Ok(sheet()))));
    assert_eq!(watching.view.layers, []);
    assert!(picture(&watching, (80, 24)).contains("this console only watches: nothing was signed"));
    let mut late = asked((80, 24), Paint::Terminal16);
    read_and_type(&mut late);
    press(&mut late, Key::Tab);
    late.session.read_only();
    assert_eq!(press(&mut late, Key::Enter), [Effect::Ceremony(Told::Cancel), Effect::Draw]);
    assert_eq!(late.view.layers, []);
    let mut later = begun((80, 24), Paint::Terminal16);
    opened(&mut later);
    press(&mut later, Key::Tab);
    later.session.read_only();
    assert_eq!(press(&mut later, Key::Enter), [Effect::Ceremony(Told::Cancel), Effect::Draw]);
}

#[test]
fn no_ceremony_goes_on_while_the_program_is_stopped() {
    let mut model = begun((80, 24), Paint::Terminal16);
    opened(&mut model);
    let effects = press(&mut model, Key::Ctrl('z'));
    assert_eq!(effects, [Effect::Ceremony(Told::Cancel), Effect::Repaint, Effect::Suspend]);
    assert!(model.session.locked().is_some());
}

// - the lock

fn locked(state: State) -> Model {
    let mut model = watching(in_state(state), Paint::Terminal16);
    update(&mut model, Msg::Alarms(Arc::new(alarms_in(state))));
    press(&mut model, Key::Char('3'));
    assert_eq!(press(&mut model, Key::Ctrl('\\')), [Effect::Repaint]);
    model
}

#[test]
fn pictures_of_the_lock() {
    let mut wrong = Vec::new();
    for (width, height) in SIZES.into_iter().chain([(40, 5)]) {
        let pictures = [State::Live, State::NoQuorum]
            .map(|state| format!("=== locked, {state}\n{}\n", picture(&locked(state), (width, height))));
        wrong.extend(kept(&format!("locked.{width}x{height}.terminal16.txt"), &pictures.concat()));
    }
    assert!(wrong.is_empty(), "QRATUM_BLESS=1 writes them anew\n{}", wrong.join("\n"));
}

/// From every layer, and nothing of what was there is left on the screen or in what was typed.
#[test]
fn it_locks_from_every_layer() {
    for keys in ["", "?", ":dri", "3/no", "e", "!", "!x", "3\n"] {
        let mut model = watching(in_state(State::NoQuorum), Paint::Terminal16);
        update(&mut model, Msg::Alarms(Arc::new(alarms_in(State::NoQuorum))));
        super::stage::press(&mut model, keys);
        assert_eq!(press(&mut model, Key::Ctrl('\\')), [Effect::Repaint], "{keys}");
        assert_eq!(model.view.layers, [], "{keys}");
        let text = picture(&model, (120, 36));
        assert!(text.contains("LOCKED") && text.contains("no-quorum"), "{text}");
        for word in ["north", "5088", "90212", "demo", "verified", "alpine"] {
            assert!(!text.contains(word), "{keys}: {word} in\n{text}");
        }
    }
    let mut signing = begun((80, 24), Paint::Terminal16);
    opened(&mut signing);
    assert_eq!(press(&mut signing, Key::Char('L')), [Effect::Ceremony(Told::Cancel), Effect::Repaint]);
    assert!(!picture(&signing, (80, 24)).contains("tiger"));
}

/// Heads, votes, reports and seconds draw nothing; another critical alarm does.
#[test]
fn a_locked_console_draws_nothing_but_alarms() {
    let mut model = locked(State::Live);
    let now = time_of(LAST).plus(60_000);
    let snapshot = Arc::new(live());
    let head = heads().last().unwrap().clone();
    for at in 0..100 {
        let now = now.plus(at * 1000);
        assert_eq!(update(&mut model, Msg::Tick(now)), []);
        assert_eq!(update(&mut model, Msg::Snapshot(snapshot.clone(), now)), []);
        assert_eq!(update(&mut model, Msg::Head(head.clone(), now)), []);
    }
    assert_eq!(update(&mut model, Msg::Alarms(Arc::new(alarms_in(State::Live)))), []);
    assert_eq!(update(&mut model, Msg::Sheet(Box::new(Ok(sheet())))), []);
    assert_eq!(update(&mut model, Msg::Pasted("x".to_owned())), []);
    assert_eq!(update(&mut model, Msg::Alarms(Arc::new(alarms_in(State::Forked)))), [Effect::Draw]);
    assert!(picture(&model, (80, 24)).contains("forked"));
}

#[test]
fn any_key_opens_it_and_what_could_act_watches_again() {
    let mut model = watching(live(), Paint::Terminal16);
    super::stage::press(&mut model, ":elevate 15m\n");
    assert!(drawn(&model, (120, 36))[0].contains("RW 15:00  lock 05:00"), "{}", drawn(&model, (120, 36))[0]);
    press(&mut model, Key::Char('L'));
    assert_eq!(press(&mut model, Key::Char('L')), [], "it is locked already");
    assert_eq!(press(&mut model, Key::Char('q')), [Effect::Repaint]);
    let text = picture(&model, (120, 36));
    assert!(text.contains("unlocked, read-only") && drawn(&model, (120, 36))[0].contains("  RO  "), "{text}");
    press(&mut model, Key::Char('L'));
    assert_eq!(press(&mut model, Key::Ctrl('c')), [Effect::Quit]);
}

#[test]
fn only_what_could_act_locks_on_idle_and_on_suspend() {
    let idle = |keys: &str| {
        let mut model = watching(live(), Paint::Terminal16);
        super::stage::press(&mut model, keys);
        let start = model.now;
        (1..=400).find(|second| {
            update(&mut model, Msg::Tick(Time(start.0 + second * 1000))).contains(&Effect::Repaint)
        })
    };
    assert_eq!((idle(""), idle(":elevate\n"), idle(":elevate 1\n:readonly\n")), (None, Some(300), Some(300)));
    let mut model = watching(live(), Paint::Terminal16);
    assert_eq!(press(&mut model, Key::Ctrl('z')), [Effect::Suspend]);
    super::stage::press(&mut model, ":elevate\n");
    assert_eq!(press(&mut model, Key::Ctrl('z')), [Effect::Repaint, Effect::Suspend]);
    assert!(model.session.locked().is_some());
}

/// What was drawn a moment ago is gone with one frame.
#[test]
fn one_frame_blanks_the_screen() {
    use ratatui::{Terminal, backend::TestBackend};
    let mut model = watching(live(), Paint::Terminal16);
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    terminal.draw(|frame| view(&model, frame)).unwrap();
    press(&mut model, Key::Char('L'));
    terminal.draw(|frame| view(&model, frame)).unwrap();
    let cells = terminal.backend().buffer().content().iter().filter(|cell| cell.symbol() != " ");
    assert!(cells.count() < 160);
}
