//! What hands do that learned other programs: sorting, copying, going back, pasting, names by heart.

use std::sync::Arc;

use qratum_chain::types::{Height, Time};
use qratum_light_node::{Snapshot, State, Voting};
use qratum_themes::{Colors, Glyphs, Theme, Tone};

use super::stage::{
    LAST, Paint, alarms_in, answer, drawn, heads, in_state, key, live, picture, press, watching,
};
use crate::{
    action::{Action, Key, Screen, meaning},
    model::{Layer, Log, Model, Notice, Public, Pulse},
    monitor::{Change, What},
    update::{Effect, Msg, update},
};

const SIZE: (u16, u16) = (100, 30);

fn console() -> Model {
    watching(live(), Paint::Terminal16)
}

fn said(model: &Model) -> &str {
    model.view.flash.as_ref().map_or("", |flash| &flash.text)
}

/// The first words of the rows below the titles.
fn first_words(model: &Model, rows: usize) -> Vec<String> {
    let first =
        |row: String| row.trim_start_matches(['▸', ' ']).split(' ').next().unwrap_or_default().to_owned();
    drawn(model, SIZE).into_iter().skip(5).take(rows).map(first).collect()
}

#[test]
fn rows_are_sorted_by_each_column_in_turn_and_the_column_says_so() {
    let mut model = console();
    press(&mut model, "3");
    let own = ["north", "east", "south", "west"];
    for (keys, want, mark) in [
        ("s", ["east", "north", "south", "west"], "name ▲"),
        ("S", ["west", "south", "north", "east"], "name ▼"),
        ("s", ["west", "south", "east", "north"], "power ▲"),
        ("s", ["west", "south", "east", "north"], "share ▲"),
    ] {
        press(&mut model, keys);
        assert_eq!(first_words(&model, 4), want, "{}", said(&model));
        assert!(picture(&model, SIZE).contains(mark), "{}", picture(&model, SIZE));
    }
    press(&mut model, "j\n");
    assert!(picture(&model, SIZE).contains("validator south"), "Enter opens the row that is seen");
    press(&mut model, "\u{1b}/alp\n");
    assert_eq!(first_words(&model, 2), ["west", "north"], "a filter leaves the order as it is");
    press(&mut model, "\u{1b}sssssss");
    assert_eq!(first_words(&model, 4), own, "{}", said(&model));
    assert!(!picture(&model, SIZE).contains('▲'));
}

/// What is drawn without the cursor keeps its order and its filter.
#[test]
fn a_panel_keeps_its_order_when_the_cursor_leaves_it() {
    let mut model = console();
    press(&mut model, "2sss");
    assert!(picture(&model, SIZE).contains("round ▲"));
    press(&mut model, "\t");
    assert!(picture(&model, SIZE).contains("round ▲"));
}

#[test]
fn rows_without_titles_say_where_there_are_some() {
    let mut model = console();
    press(&mut model, "\ts");
    assert!(said(&model).contains("3 shows validators"), "{}", said(&model));
}

fn copied(keys: &str) -> Option<Public> {
    let mut model = console();
    for key in keys.chars() {
        let effects = press(&mut model, &key.to_string());
        if effects.iter().any(|effect| matches!(effect, Effect::Prove(_))) {
            answer(&mut model);
        }
    }
    press(&mut model, "y").into_iter().find_map(|effect| match effect {
        Effect::Copy(value) => Some(value),
        _ => None,
    })
}

#[test]
fn y_copies_the_key_or_hash_under_the_cursor() {
    let head = heads().last().unwrap();
    let row = "the key or hash of this row";
    for (keys, want) in [
        ("", Public::of("the block id", head.id())),
        ("3j", Public::of("the vote key", key(1))),
        ("2jj", Public::of("the vote key", key(2))),
        ("2\tj", Public::of(row, heads()[heads().len() - 2].id())),
        ("4", Public::of("the peer id", live().peers[0].id)),
        ("3\njjj", Public::of(row, key(0))),
        ("4j\nj", Public::of(row, live().peers[1].id)),
    ] {
        assert!(want.is_some());
        assert_eq!(copied(keys), want, "{keys}");
    }
    let in_proof = copied("ej").unwrap();
    assert_eq!((in_proof.what(), in_proof.text()), (row, head.id().to_string().as_str()));
}

/// Whoever pressed the key a row too low sees it before anything is pasted.
#[test]
fn what_was_copied_is_said_and_kept_in_the_log() {
    let mut model = console();
    press(&mut model, "3jy");
    let start: String = key(1).to_string().chars().take(12).collect();
    assert!(said(&model).starts_with(&format!("copied the vote key, {start}.. (64 characters)")));
    press(&mut model, "5");
    assert!(picture(&model, SIZE).contains(&format!("copied the vote key, {start}..")));
}

/// In a shell's way, also in the middle of a text.
#[test]
fn ctrl_z_suspends_from_anywhere() {
    for keys in ["", "?", ":dri", "3/no", "e"] {
        let mut model = console();
        press(&mut model, keys);
        assert_eq!(update(&mut model, Msg::Key(Key::Ctrl('z'))), [Effect::Suspend], "{keys}");
    }
}

/// The row that the cursor is on.
fn pointed(model: &Model) -> String {
    drawn(model, SIZE).into_iter().find(|row| row.starts_with('▸')).unwrap_or_default()
}

#[test]
fn the_cursor_stays_on_its_row_when_others_come_and_on_the_first_with_the_newest() {
    let (last, before) = heads().split_last().unwrap();
    let mut model = console();
    model.live.pulse = Pulse::default();
    before.iter().for_each(|head| model.beat(head, head.header().get().time));
    press(&mut model, "2\tj");
    let on = pointed(&model);
    assert!(on.contains(&(LAST - 2).to_string()), "{on}");
    update(&mut model, Msg::Head(last.clone(), last.header().get().time));
    assert_eq!(pointed(&model), on);
    press(&mut model, "g");
    assert!(pointed(&model).contains(&LAST.to_string()));

    press(&mut model, "5");
    let newest = pointed(&model);
    update(&mut model, Msg::Notice(Notice::of("first".to_owned())));
    assert!(pointed(&model).contains("first"), "on the first row it stays with what is newest");
    press(&mut model, "j");
    assert_eq!(pointed(&model), newest);
    for filter in ["", "/e\n"] {
        press(&mut model, filter);
        press(&mut model, "gj");
        let on = pointed(&model);
        update(&mut model, Msg::Notice(Notice::of("one more".to_owned())));
        assert_eq!(pointed(&model), on, "{filter}");
    }
}

/// The time of day says less than the time, and words less than what they stand for.
#[test]
fn times_are_sorted_across_midnight_and_levels_by_what_they_mean() {
    const MIDNIGHT: u64 = 1_795_392_000_000;
    let mut model = console();
    model.live.log = Log::default();
    for (at, text) in [(MIDNIGHT - 1000, "before"), (MIDNIGHT + 1000, "after")] {
        update(&mut model, Msg::Tick(Time(at)));
        update(&mut model, Msg::Notice(Notice::of(text.to_owned())));
    }
    update(&mut model, Msg::Drilled("nothing".to_owned()));
    let row = |model: &Model, place: usize| drawn(model, SIZE)[5 + place].clone();
    press(&mut model, "5s");
    assert!(row(&model, 0).contains("23:59:59Z") && row(&model, 0).contains("before"), "{}", row(&model, 0));
    press(&mut model, "S");
    assert!(row(&model, 2).contains("before"), "{}", row(&model, 2));
    press(&mut model, "s");
    assert!(row(&model, 0).contains("info") && row(&model, 2).contains("warn"), "{}", picture(&model, SIZE));
    press(&mut model, "S");
    assert!(row(&model, 0).contains("warn") && row(&model, 2).contains("info"), "{}", picture(&model, SIZE));
}

/// Columns come and go with what there is to show in them.
#[test]
fn rows_stay_sorted_by_the_column_of_the_same_title() {
    let mut model = console();
    press(&mut model, "2sssss");
    assert!(picture(&model, SIZE).contains("last vote ▲"), "{}", picture(&model, SIZE));
    let mut voting = Voting::clone(&live().voting);
    voting.members.iter_mut().for_each(|member| member.votes.clear());
    let snapshot = Snapshot { voting: Arc::new(voting), ..live() };
    let now = model.now;
    update(&mut model, Msg::Snapshot(Arc::new(snapshot), now));
    let text = picture(&model, SIZE);
    assert!(text.contains("last vote ▲") && !text.contains("round -1"), "{text}");
}

#[test]
fn what_is_no_public_value_is_not_copied_and_it_is_said_why() {
    for keys in ["5", "?", "3\n", "!", "i"] {
        assert_eq!(copied(keys), None, "{keys}");
    }
    let mut model = console();
    press(&mut model, "5y");
    assert!(said(&model).starts_with("there is no key or hash here"));
    press(&mut model, "1py");
    assert!(said(&model).starts_with("names and keys are hidden"), "{}", said(&model));
    assert!(picture(&model, SIZE).contains("names and keys are hidden"), "privacy does not hide why");
    let mut model = console();
    model.may.copy = false;
    assert_eq!(press(&mut model, "y"), [Effect::Draw]);
    assert!(said(&model).contains("config.toml"));
}

/// The terminal may have emptied a window that has its old size again when it is drawn.
#[test]
fn a_window_of_another_size_is_drawn_anew() {
    assert_eq!(update(&mut console(), Msg::Resized(80, 24)), [Effect::Repaint]);
}

#[test]
fn brackets_go_through_the_screens_and_a_dash_to_the_last() {
    let mut model = console();
    let mut at = |keys: &str| {
        press(&mut model, keys);
        model.view.screen
    };
    assert_eq!(at("235"), Screen::Logs);
    assert_eq!(at("["), Screen::Validators);
    assert_eq!(at("?["), Screen::Consensus, "what lies open is closed");
    assert_eq!(at("]"), Screen::Validators);
    assert_eq!(at("-"), Screen::Consensus);
    assert_eq!(at("-"), Screen::Validators);
    assert_eq!(at("[[[[["), Screen::Overview);
    press(&mut model, "[");
    assert_eq!(said(&model), "this is the first screen that was shown");
}

#[test]
fn what_is_pasted_does_nothing_but_in_a_text_and_there_it_does_not_act() {
    let mut model = console();
    let pasted = || Msg::Pasted(":quit\rq\u{3}".to_owned());
    assert_eq!(update(&mut model, pasted()), [Effect::Draw]);
    assert!(model.view.layers.is_empty() && said(&model).starts_with("what is pasted"));
    for (keys, want) in [(":", ":quitq"), ("3/", "/:quitq_")] {
        let mut model = console();
        press(&mut model, keys);
        assert_eq!(update(&mut model, pasted()), [Effect::Draw]);
        assert!(picture(&model, SIZE).contains(want), "{}", picture(&model, SIZE));
    }
    press(&mut model, ":");
    update(&mut model, Msg::Pasted("x".repeat(5000)));
    assert!(matches!(model.view.top(), Some(Layer::Palette(text)) if text.len() == 64));
}

#[test]
fn a_new_critical_alarm_rings_once_and_nothing_else_does() {
    let critical = alarms_in(State::NoQuorum).open[0].clone();
    let warning = alarms_in(State::NoQuorum).open[1].clone();
    let mut model = watching(in_state(State::NoQuorum), Paint::Terminal16);
    let mut told = |what, alarm: &crate::monitor::Alarm| {
        update(&mut model, Msg::Alarm(Box::new(Change { what, alarm: alarm.clone() })))
    };
    assert_eq!(told(What::Raised, &critical), [Effect::Ring, Effect::Draw]);
    for what in [What::Repeated, What::Cleared, What::Acknowledged] {
        assert_eq!(told(what, &critical), [Effect::Draw], "{}", what.word());
    }
    assert_eq!(told(What::Raised, &warning), [Effect::Draw]);
    model.may.bell = false;
    let raised = Change { what: What::Raised, alarm: critical };
    assert_eq!(update(&mut model, Msg::Alarm(Box::new(raised))), [Effect::Draw]);
}

#[test]
fn a_theme_is_taken_by_name_and_completed() {
    let mut model = console();
    press(&mut model, ":theme h");
    let text = picture(&model, SIZE);
    assert!(text.contains("theme high-contrast-dark") && !text.contains("theme light"), "{text}");
    assert_eq!(press(&mut model, "\n"), [Effect::Theme("high-contrast-dark".to_owned()), Effect::Draw]);
    let dark = Theme::named("dark", Glyphs::Unicode, Colors::Rgb).unwrap();
    let style = dark.tone(Tone::Good);
    update(&mut model, Msg::Theme("dark".to_owned(), Box::new(Ok(dark))));
    assert_eq!((model.theme.tone(Tone::Good), said(&model)), (style, "theme dark"));
    update(&mut model, Msg::Theme("x".to_owned(), Box::new(Err("theme x: no such file".to_owned()))));
    assert_eq!((model.theme.tone(Tone::Good), said(&model)), (style, "theme x: no such file"));
    press(&mut model, ":theme zzz\n");
    assert!(said(&model).starts_with("nothing has this name"));
}

fn typed(model: &Model) -> &str {
    match model.view.top() {
        Some(Layer::Palette(text)) => text,
        _ => "(no palette)",
    }
}

#[test]
fn tab_completes_what_the_palette_offers() {
    for (keys, want) in [
        (":val\t", "validators"),
        (":hei\t", "height "),
        (":th\t", "theme "),
        (":theme de\t", "theme deuteranopia"),
        (":q!\t", "quit"),
        (":zzz\t", "zzz"),
    ] {
        let mut model = console();
        press(&mut model, keys);
        assert_eq!(typed(&model), want, "{keys}");
    }
}

#[test]
fn what_was_done_by_name_comes_back() {
    let mut model = console();
    let ctrl = |model: &mut Model, c| drop(update(model, Msg::Key(Key::Ctrl(c))));
    ctrl(&mut model, 'p');
    assert_eq!(said(&model), "nothing was done by name before that");
    press(&mut model, ":pe\n:height 90212\n\u{1b}:zzz\n\u{1b}");
    for (c, want) in [('p', "height 90212"), ('p', "peers"), ('p', "peers"), ('n', "height 90212"), ('n', "")]
    {
        ctrl(&mut model, c);
        assert_eq!(typed(&model), want);
    }
    ctrl(&mut model, 'p');
    let effects = press(&mut model, "\n");
    assert!(model.view.top() == Some(&Layer::Proof), "{effects:?}");
    assert_eq!(model.view.asked.as_ref().unwrap().subject, crate::model::Subject::Block(Height(LAST)));
}

#[test]
fn enter_does_what_the_list_of_keys_shows() {
    let mut model = console();
    press(&mut model, "?/pause\n\n");
    assert!(model.held.is_some() && model.view.layers.is_empty());
    press(&mut model, " ?/proof of the block\n\n");
    assert_eq!(typed(&model), "height ");
}

/// All keys that a keyboard has.
fn keyboard() -> impl Iterator<Item = Key> {
    let named = [Key::Enter, Key::Esc, Key::Tab, Key::BackTab, Key::Backspace, Key::Up, Key::Down];
    let more = [Key::PageUp, Key::PageDown, Key::Home, Key::End, Key::Left, Key::Right, Key::Other];
    let chars = (' '..='~').map(Key::Char).chain((' '..='_').map(|c| Key::Ctrl(c.to_ascii_lowercase())));
    named.into_iter().chain(more).chain((1..=12).map(Key::F)).chain(chars)
}

/// What does nothing says so; what does something is seen, or the cursor is at the end of its way.
#[test]
fn no_key_is_ignored_in_silence() {
    use Action::{Down, First, Last, PageDown, PageUp, Repaint, Suspend, Up};
    let at_an_end = [Down, First, Last, PageDown, PageUp, Repaint, Suspend, Up];
    for keys in ["1", "1\t", "2", "3", "4", "5", "6", "7", "8", "9", "?", "e", "!", "3\n", ":", "3/"] {
        let mut open = console();
        press(&mut open, keys);
        let before = picture(&open, SIZE);
        for key in keyboard() {
            let mut model = open.clone();
            let effects = update(&mut model, Msg::Key(key));
            let seen = picture(&model, SIZE) != before;
            let action = meaning(key).map(|entry| entry.action);
            let typed = model.view.is_typing() && matches!(key, Key::Char(_) | Key::Backspace);
            let there = action == Some(Action::Show(model.view.screen)) && model.view.layers.is_empty();
            let excused = there || action.is_some_and(|action| at_an_end.contains(&action));
            assert!(seen || excused || typed || effects.contains(&Effect::Quit), "{keys} {key:?}: {before}");
            if action.is_none() && !typed && !model.view.is_typing() {
                assert!(said(&model).contains("does nothing here: "), "{keys} {key:?}: {}", said(&model));
            }
        }
    }
}
