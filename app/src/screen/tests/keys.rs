//! What keys do.

use std::sync::Arc;

use qratum_chain::types::Height;
use qratum_light_node::{Snapshot, State};

use super::stage::{
    LAST, MEMBERS, Paint, alarms_in, drawn, in_state, live, model, picture, press, time_of, watching,
};
use crate::{
    action::{ACTIONS, Action, Key, Needs, Screen},
    layer::help::entries,
    model::{Drill, Layer, Model, Subject},
    monitor::Acknowledgement,
    update::{Effect, Msg, update},
};

const SIZE: (u16, u16) = (80, 24);

#[test]
fn q_leaves_what_is_open_first_and_ctrl_c_the_program() {
    let mut model = watching(live(), Paint::Terminal16);
    press(&mut model, "e");
    assert_eq!(press(&mut model, "q"), [Effect::Draw]);
    assert_eq!(model.view.layers, []);
    assert_eq!(press(&mut model, "q"), [Effect::Quit]);
    press(&mut model, ":");
    assert_eq!(press(&mut model, "q"), [Effect::Draw], "it is typed");
    assert_eq!(press(&mut model, "\u{3}"), [Effect::Quit]);
}

#[test]
fn without_a_head_there_is_nothing_to_prove() {
    let mut model = model(Paint::Terminal16);
    assert_eq!(press(&mut model, "e"), [Effect::Draw]);
    assert!(picture(&model, SIZE).contains("nothing is verified yet"));
}

/// Whatever the table has, the palette does.
#[test]
fn every_action_is_reached_from_the_palette() {
    for entry in ACTIONS.iter().filter(|entry| entry.needs != Needs::Drill) {
        let text = if entry.needs == Needs::Number { format!("{} 7", entry.id) } else { entry.id.to_owned() };
        let (mut by_name, mut by_key) =
            (watching(live(), Paint::Terminal16), watching(live(), Paint::Terminal16));
        let named = press(&mut by_name, &format!(":{text}\n"));
        if entry.needs == Needs::Number {
            assert_eq!(named.last(), Some(&Effect::Prove(Subject::Block(Height(7)))), "{}", entry.id);
        }
        let Some(key) = entry.keys.first() else { continue };
        let keyed = update(&mut by_key, Msg::Key(*key));
        assert!(named.ends_with(&keyed), "{}: {named:?} is not {keyed:?}", entry.id);
        if entry.action != Action::Palette {
            assert_eq!(picture(&by_name, SIZE), picture(&by_key, SIZE), "{}", entry.id);
        }
    }
}

#[test]
fn a_name_that_is_none_and_a_number_that_is_missing_are_said() {
    let mut model = watching(live(), Paint::Terminal16);
    press(&mut model, ":zzz\n");
    assert!(picture(&model, SIZE).contains("nothing has this name"));
    press(&mut model, "\u{8}\u{8}\u{8}height\n");
    assert!(picture(&model, SIZE).contains("it needs a number"));
    assert!(matches!(model.view.top(), Some(Layer::Palette(_))), "what was typed stays");
}

#[test]
fn screens_and_the_one_before() {
    let mut model = watching(live(), Paint::Terminal16);
    press(&mut model, "35");
    assert_eq!((model.view.screen, model.view.last), (Screen::Logs, Screen::Validators));
    press(&mut model, "-");
    assert_eq!(model.view.screen, Screen::Validators);
    press(&mut model, "?1");
    assert_eq!((model.view.screen, model.view.layers.len()), (Screen::Overview, 0));
}

/// The row that the cursor is on.
fn pointed(model: &crate::model::Model) -> String {
    drawn(model, SIZE).into_iter().find(|row| row.starts_with('▸')).unwrap_or_default()
}

#[test]
fn the_cursor_stays_among_the_rows() {
    let mut model = watching(live(), Paint::Terminal16);
    press(&mut model, "3");
    for (keys, want) in
        [("", "north"), ("jj", "south"), ("jjjj", "west"), ("k", "south"), ("g", "north"), ("G", "west")]
    {
        press(&mut model, keys);
        assert!(pointed(&model).starts_with(&format!("▸{want}")), "{keys}: {}", pointed(&model));
    }
}

#[test]
fn a_filter_leaves_rows_and_n_goes_round() {
    let mut model = watching(live(), Paint::Terminal16);
    press(&mut model, "3/ALP\n");
    let text = picture(&model, SIZE);
    assert!(text.contains("rows 1-2 of 2 of 4") && text.contains("/ALP"), "{text}");
    assert!(pointed(&model).starts_with("▸north"));
    press(&mut model, "n");
    assert!(pointed(&model).starts_with("▸west"));
    press(&mut model, "n");
    assert!(pointed(&model).starts_with("▸north"));
    press(&mut model, "N\n");
    assert!(picture(&model, SIZE).contains("validator west"), "Enter opens the row that is seen");
    press(&mut model, "\u{1b}\u{1b}/!alp\n");
    assert!(pointed(&model).starts_with("▸east"));
    press(&mut model, "\u{1b}");
    assert!(!picture(&model, SIZE).contains("rows "), "Esc takes the filter away");
}

#[test]
fn help_is_searched_like_any_list() {
    let mut model = watching(live(), Paint::Terminal16);
    press(&mut model, "?/pause\n");
    assert!(pointed(&model).starts_with("▸Space"), "{}", pointed(&model));
}

/// While the picture is held still, the bar goes on and says so.
#[test]
fn a_pause_holds_the_picture_and_not_the_bar() {
    let mut model = watching(live(), Paint::Terminal16);
    press(&mut model, "  ");
    assert!(!picture(&model, SIZE).contains("PAUSED"));
    press(&mut model, " ");
    let stalled = Snapshot { state: State::Stalled, peers: Vec::new(), ..live() };
    let later = time_of(LAST).plus(14_300);
    update(&mut model, Msg::Snapshot(Arc::new(stalled), later));
    update(&mut model, Msg::Tick(later));
    let text = picture(&model, SIZE);
    assert!(text.contains("PAUSED 12 s") && text.contains("~ stalled"), "{text}");
    assert!(text.contains("kobe-1") && text.contains("~ stale, verified at 90212"), "{text}");
    press(&mut model, " ");
    assert!(!picture(&model, SIZE).contains("kobe-1"));
}

#[test]
fn privacy_hides_names_keys_and_addresses_on_every_screen() {
    let mut model = watching(in_state(State::NoQuorum), Paint::Terminal16);
    press(&mut model, "p");
    let key = super::stage::key(0).to_string();
    for (_, keys) in super::SCENES {
        press(&mut model, &format!("\u{1b}\u{1b}\u{1b}{keys}"));
        if keys.is_empty() {
            press(&mut model, "1");
        }
        let text = picture(&model, (200, 50));
        assert!(text.contains("PRIVATE"), "{text}");
        let words: Vec<&str> = text.split(|c: char| !c.is_ascii_alphanumeric()).collect();
        for hidden in ["north", "west", "alpine", "zug", "kobe", "ip4", "admin", &key[..12]] {
            assert!(!words.iter().any(|word| word.starts_with(hidden)), "{keys}: {hidden} in\n{text}");
        }
        press(&mut model, "\u{1b}");
    }
}

fn alarmed() -> crate::model::Model {
    let mut model = watching(in_state(State::NoQuorum), Paint::Terminal16);
    update(&mut model, Msg::Alarms(Arc::new(alarms_in(State::NoQuorum))));
    model
}

/// On every screen, and while the picture is held still.
#[test]
fn a_critical_alarm_stands_on_every_screen_until_somebody_takes_it_on() {
    let mut model = alarmed();
    for keys in ["1", "2", "3", "4", "5", "6", "7", "8", "9", "?", "\u{1b}e", "\u{1b} "] {
        press(&mut model, keys);
        let text = picture(&model, SIZE);
        assert!(
            text.contains("✗ 2 alarms") && text.contains("✗ critical no-quorum: chain: no vote"),
            "{text}"
        );
    }
    assert!(drawn(&model, (50, 10))[0].starts_with("✗ no-quorum  ✗ 2 alarms  too small"));
    let mut alarms = alarms_in(State::NoQuorum);
    alarms.open[0].acknowledged = Some(Acknowledgement::new("ann", "on it", 0));
    update(&mut model, Msg::Alarms(Arc::new(alarms)));
    let text = picture(&model, SIZE);
    assert!(text.contains("2 alarms") && !text.contains("critical no-quorum"), "{text}");
}

/// Not by one key, and not without a reason.
#[test]
fn an_alarm_is_acknowledged_with_a_reason() {
    let mut model = alarmed();
    assert_eq!(press(&mut model, "x"), [Effect::Draw], "the alarms are shown first");
    press(&mut model, "x");
    assert!(picture(&model, SIZE).contains("why is alarm 3 (no-quorum) in good hands? _"));
    assert_eq!(press(&mut model, " \n"), [Effect::Draw, Effect::Draw], "no reason, no order");
    let effects = press(&mut model, "called both\n");
    let order = Effect::Acknowledge { id: 3, reason: "called both".to_owned() };
    assert_eq!(effects[effects.len() - 2..], [order, Effect::Draw]);
    assert!(picture(&model, SIZE).contains("alarm 3 acknowledged"));
    assert_eq!(
        press(&mut model, "jx\u{1b}"),
        [Effect::Draw, Effect::Draw, Effect::Draw],
        "Esc takes nothing on"
    );
}

/// What is over when the reason is typed was taken on by nobody.
#[test]
fn an_alarm_that_is_gone_is_not_acknowledged() {
    let mut model = alarmed();
    press(&mut model, "!xon it");
    update(&mut model, Msg::Alarms(Arc::new(alarms_in(State::Live))));
    assert_eq!(press(&mut model, "\n"), [Effect::Draw]);
    assert!(picture(&model, SIZE).contains("nothing was acknowledged"));
}

/// The cursor stays on what it is on.
#[test]
fn a_filter_leaves_the_order_of_the_keys() {
    let mut model = watching(live(), Paint::Terminal16);
    let order = |model: &Model| entries(model).iter().map(|entry| entry.id).collect::<Vec<_>>();
    press(&mut model, "?");
    let before = order(&model);
    press(&mut model, "/");
    assert_eq!(order(&model), before);
}

#[test]
fn enter_on_an_alarm_explains_it() {
    let mut model = alarmed();
    press(&mut model, "!j\n");
    let text = picture(&model, SIZE);
    assert!(text.contains("silent (alarm)") && text.contains("west: no vote since 90212"), "{text}");
}

/// From the first screen: why is this red at most 2 keys, prove it at most 2.
#[test]
fn why_and_proof_are_near() {
    let mut model = watching(in_state(State::NoQuorum), Paint::Terminal16);
    press(&mut model, "i");
    assert!(picture(&model, SIZE).contains("no-quorum (state)"));
    press(&mut model, "\u{1b}e");
    assert_eq!(model.view.top(), Some(&Layer::Proof));
}

/// The same console, where it started the validators.
fn in_a_demo() -> crate::model::Model {
    let mut model = watching(live(), Paint::Terminal16);
    model.start(MEMBERS.map(|(name, ..)| name.to_owned()).into());
    model
}

#[test]
fn a_drill_is_completed_and_handed_on() {
    let kill = |name: &str| Effect::Drill(Drill::Kill(name.to_owned()));
    let back = |name: Option<&str>| Effect::Drill(Drill::Restart(name.map(str::to_owned)));
    for (keys, want) in [
        (":drill kill south\n", kill("south")),
        (":drill k s\n", kill("south")),
        (":drill restart\n", back(None)),
        (":drill restart west\n", back(Some("west"))),
        (":dri\n\n", back(None)),
    ] {
        let mut model = in_a_demo();
        let effects = press(&mut model, keys);
        assert_eq!(effects[effects.len() - 2..], [want, Effect::Draw], "{keys}");
        assert_eq!(model.view.layers, [], "{keys}");
    }
    let mut model = in_a_demo();
    press(&mut model, ":drill kill ");
    let text = picture(&model, SIZE);
    assert!(MEMBERS.iter().all(|(name, ..)| text.contains(&format!("drill kill {name}"))), "{text}");
    press(&mut model, "p\n");
    assert!(picture(&model, SIZE).contains("nothing has this name"));
    update(&mut model, Msg::Drilled("south killed (process 7)".to_owned()));
    assert!(picture(&model, SIZE).contains("drill: south killed (process 7)"));
}

#[test]
fn what_is_hidden_is_not_typed_by_tab() {
    let mut model = in_a_demo();
    press(&mut model, "p:drill kill s\t");
    let text = picture(&model, SIZE);
    assert!(text.contains("names are hidden") && !text.contains("south"), "{text}");
    press(&mut model, "\u{1b}:drill l\t");
    assert!(picture(&model, SIZE).contains(": drill lie_"), "it names nobody");
}

#[test]
fn what_is_hidden_does_not_come_back_from_what_was_done_before() {
    let mut model = in_a_demo();
    press(&mut model, ":drill kill south\n");
    let recalled = |model: &mut Model| {
        update(model, Msg::Key(Key::Ctrl('p')));
        picture(model, SIZE)
    };
    assert!(recalled(&mut model).contains(": drill kill south_"));
    press(&mut model, "\u{1b}p");
    let text = recalled(&mut model);
    assert!(text.contains("what was typed may hold one") && !text.contains("south"), "{text}");
}

/// Neither beside a network that somebody else started, nor where the genesis says that it is real.
#[test]
fn there_are_no_drills_elsewhere() {
    let mut real = watching(live(), Paint::Terminal16);
    real.demo = false;
    real.start(vec!["south".to_owned()]);
    for mut model in [watching(live(), Paint::Terminal16), real] {
        for keys in [":drill\n", "\u{1b}:drill kill south\n"] {
            let effects = press(&mut model, keys);
            assert!(effects.iter().all(|effect| *effect == Effect::Draw), "{effects:?}");
            assert!(picture(&model, SIZE).contains(Drill::NONE));
        }
    }
}
