//! Whatever is pressed, and whatever the ceremony says: nothing shorter than all of it signs.

use std::{
    collections::{BTreeSet, VecDeque},
    time::Duration,
};

use qratum_chain::{Hash, types::Height};

use super::*;

/// The digest ends in `0a1f`.
fn sheet() -> Sheet {
    let mut digest = [7; 32];
    digest[30..].copy_from_slice(&[0x0a, 0x1f]);
    Sheet {
        network: "demo".to_owned(),
        act: Vec::new(),
        length: 0,
        request: Vec::new(),
        effect: Vec::new(),
        digest: Hash(digest),
        common: Hash([3; 32]),
        at: Height(9),
        time: Time(0),
        ends: None,
    }
}

/// Six lines, of which two are in sight.
fn dialog() -> Sign {
    let mut dialog = Sign::new(sheet(), Time(0));
    dialog.laid_out((6, 2), 80);
    dialog
}

const KEYS: [Key; 16] = [
    Key::Enter,
    Key::Esc,
    Key::Tab,
    Key::BackTab,
    Key::Backspace,
    Key::PageDown,
    Key::PageUp,
    Key::Down,
    Key::Up,
    Key::Home,
    Key::Char('0'),
    Key::Char('a'),
    Key::Char('1'),
    Key::Char('F'),
    Key::Char('q'),
    Key::Ctrl('d'),
];

/// Presses a key long after everything else.
fn press(dialog: &Sign, key: Key) -> (Sign, Told) {
    let mut next = dialog.clone();
    (next.changed, next.last) = (Time(0), None);
    let told = next.key(key, Time(10_000));
    (next, told)
}

/// What of a dialog tells it from others, whatever the time.
fn state(dialog: &Sign) -> String {
    format!("{:?}", (&dialog.stage, &dialog.typed, dialog.focus, dialog.top, dialog.seen))
}

/// All states that keys alone lead to from `start`, and with how many keys at least something came out.
fn explored(start: Sign, wanted: Told) -> (usize, Vec<(usize, Sign)>) {
    let mut known = BTreeSet::from([state(&start)]);
    let (mut open, mut found) = (VecDeque::from([(0, start)]), Vec::new());
    while let Some((depth, dialog)) = open.pop_front() {
        for key in KEYS {
            let (next, told) = press(&dialog, key);
            if told == wanted {
                found.push((depth + 1, dialog.clone()));
            } else if told == Told::Nothing && known.insert(state(&next)) {
                open.push_back((depth + 1, next));
            }
        }
    }
    (known.len(), found)
}

/// Exhaustive: every state that any sequence of keys leads to, of whatever length.
#[test]
fn no_sequence_of_keys_begins_without_reading_typing_and_going_to_the_button() {
    let (states, found) = explored(dialog(), Told::Begin);
    assert!(states > 5000, "{states}");
    for (_, dialog) in &found {
        assert!(dialog.seen == 6 && dialog.typed == "0a1f" && dialog.focus == Focus::Act, "{dialog:?}");
    }
    // Two pages, four digits, Tab, Enter.
    assert_eq!(found.iter().map(|(keys, _)| *keys).min(), Some(8));
    assert_eq!(explored(dialog(), Told::Go).1, []);
}

fn begun() -> Sign {
    let mut dialog = dialog();
    let keys = [Key::PageDown, Key::Char(' '), Key::Char('0'), Key::Char('A'), Key::Char('1')];
    for key in keys.into_iter().chain([Key::Char('f'), Key::Tab]) {
        dialog = press(&dialog, key).0;
    }
    let (dialog, told) = press(&dialog, Key::Enter);
    assert_eq!((told, &dialog.stage), (Told::Begin, &Stage::Begun));
    dialog
}

fn events() -> [Event; 10] {
    let touch = |n, why| Event::Touch { n, of: 2, why };
    [
        Event::Pin { tries: Some(5) },
        touch(1, Touch::Open),
        Event::Words("tiger ember 7".to_owned()),
        Event::BiokeyOpen { left: Duration::from_secs(60) },
        touch(2, Touch::Sign),
        Event::Signed { id: Hash([1; 32]) },
        Event::Sent { to: 4 },
        Event::Final { height: Height(12) },
        Event::Failed("nothing was signed".to_owned()),
        Event::Pin { tries: None },
    ]
}

/// After each prefix of the ceremony, whatever is pressed: it goes on only where the words are asked for.
#[test]
fn a_ceremony_goes_on_only_by_tab_and_enter_at_the_words() {
    let mut dialog = begun();
    for event in events() {
        dialog.event(event, Time(0));
        let (_, found) = explored(dialog.clone(), Told::Go);
        let least = found.iter().map(|(keys, _)| *keys).min();
        let confirms = dialog.stage == Stage::Confirm;
        assert_eq!(least, confirms.then_some(2), "{:?}", dialog.stage);
        assert_eq!(explored(dialog.clone(), Told::Begin).1, [], "it begins once");
    }
    let mut wordless = begun();
    wordless.event(Event::BiokeyOpen { left: Duration::from_secs(60) }, Time(0));
    assert_eq!(explored(wordless, Told::Go).1, [], "without words there is nothing to confirm");
}

/// Until both factors are there, Enter without Tab ends it, and so do Esc and Ctrl-C.
#[test]
fn enter_cancels_at_every_step_before_the_signature() {
    let mut dialog = begun();
    for event in events().into_iter().take(5) {
        dialog.event(event, Time(0));
        for key in [Key::Enter, Key::Esc, Key::Ctrl('c')] {
            assert_eq!(press(&dialog, key).1, Told::Cancel, "{:?} {key:?}", dialog.stage);
        }
    }
    for event in events().into_iter().skip(5) {
        dialog.event(event, Time(0));
        if !matches!(dialog.stage, Stage::Pin { .. }) {
            assert_eq!(press(&dialog, Key::Enter).1, Told::Close, "{:?}", dialog.stage);
        }
    }
    assert_eq!(press(&super::tests::dialog(), Key::Enter).1, Told::Close);
}

#[test]
fn a_key_that_comes_too_early_is_for_what_stood_there_before() {
    let mut dialog = dialog();
    assert_eq!(dialog.key(Key::PageDown, Time(STILL_MS - 1)), Told::Nothing);
    assert_eq!((dialog.top, dialog.key(Key::PageDown, Time(2 * STILL_MS))), (0, Told::Nothing));
    assert_eq!(dialog.top, 2);
    let mut confirm = begun();
    confirm.event(Event::Words("tiger ember 7".to_owned()), Time(0));
    confirm.event(Event::BiokeyOpen { left: Duration::from_secs(60) }, Time(1000));
    assert_eq!(confirm.key(Key::Tab, Time(1300)), Told::Nothing);
    assert_eq!(confirm.focus, Focus::Cancel);
    assert_eq!(confirm.key(Key::Enter, Time(1390)), Told::Nothing, "nor does it cancel by mistake");
    assert_eq!(confirm.key(Key::Ctrl('c'), Time(1391)), Told::Cancel);
}

/// What a terminal without bracketed paste, or a key that is held down, sends: nothing of it counts but
/// its first key.
#[test]
fn a_paste_and_a_held_key_do_nothing() {
    let mut pasted = dialog();
    for key in [Key::PageDown, Key::Char('0'), Key::Char('a'), Key::Char('1'), Key::Char('f'), Key::Tab] {
        pasted.key(key, Time(1000));
    }
    assert_eq!((pasted.top, pasted.typed.as_str()), (2, ""));
    let mut held = dialog();
    for at in 0..100 {
        held.key(Key::PageDown, Time(1000 + at * 33));
    }
    assert_eq!(held.top, 2);
    assert_eq!(held.key(Key::PageDown, Time(6000)), Told::Nothing);
    assert_eq!(held.top, 4);
}

/// As a terminal sends a key that is held: at once, after half a second, and then 30 times a second.
#[test]
fn a_held_tab_chooses_once_and_a_held_enter_presses_once() {
    let mut dialog = dialog();
    (dialog.seen, dialog.typed) = (6, "0a1f".to_owned());
    let held = (0..40).map(|at| if at == 0 { 1000 } else { 1500 + at * 33 });
    for (at, now) in held.enumerate() {
        assert_eq!(dialog.key(Key::Tab, Time(now)), Told::Nothing);
        assert_eq!(dialog.focus, Focus::Act, "{at}");
    }
    assert_eq!(dialog.key(Key::Enter, Time(4000)), Told::Begin);
    assert_eq!(dialog.key(Key::Enter, Time(4500)), Told::Nothing, "it does not cancel what it began");
    assert_eq!(dialog.key(Key::Enter, Time(5300)), Told::Cancel);
}

/// A jump shows the end and not what lies between.
#[test]
fn each_line_must_have_been_in_sight() {
    let mut dialog = dialog();
    assert!(!dialog.is_read());
    dialog = press(&dialog, Key::PageDown).0;
    assert!(!dialog.is_read() && dialog.seen == 4);
    dialog = press(&dialog, Key::PageDown).0;
    assert!(dialog.is_read());
    dialog.laid_out((6, 3), 80);
    assert!(dialog.is_read(), "a banner more or less changes no line");
    dialog.laid_out((6, 2), 60);
    assert!(!dialog.is_read(), "at another width they are other lines");
    dialog.laid_out((6, 0), 60);
    assert!(!dialog.is_read(), "a window that shows nothing shows nothing");
    dialog.laid_out((6, 6), 90);
    assert!(dialog.is_read());
}

/// A hundred thousand keys and events at random: the ceremony begins and goes on only in the states that
/// allow it.
#[test]
fn no_random_walk_finds_a_way_around() {
    let mut seed = 7u64;
    let mut below = |limit: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % limit
    };
    let (mut dialog, mut now, mut begins) = (dialog(), 0, 0);
    for _ in 0..100_000 {
        now += below(700);
        if below(6) == 0 {
            let place = usize::try_from(below(10)).unwrap();
            // A ceremony speaks only once it has begun.
            if dialog.stage != Stage::Review {
                dialog.event(events()[place].clone(), Time(now));
            }
            continue;
        }
        let key = KEYS[usize::try_from(below(16)).unwrap()];
        let before = dialog.clone();
        match dialog.key(key, Time(now)) {
            Told::Begin => {
                assert!(before.stage == Stage::Review && before.seen == 6 && before.typed == "0a1f");
                begins += 1;
            }
            Told::Go => assert!(before.stage == Stage::Confirm && before.words.is_some()),
            Told::Close | Told::Cancel => {
                // Half of the time all is read and typed already.
                dialog = super::tests::dialog();
                dialog.changed = Time(now);
                if below(2) == 0 {
                    (dialog.seen, dialog.typed) = (6, "0a1f".to_owned());
                }
            }
            Told::Nothing => {}
        }
    }
    assert!(begins > 20, "{begins}");
}
