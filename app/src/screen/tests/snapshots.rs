//! Each screen in each state and size, as a terminal shows it: in `snapshots/`, one file for a screen,
//! a size and a theme. `QRATUM_BLESS=1` writes them anew; then read what changed.

use std::{fs, path::PathBuf};

use qratum_light_node::State;

use crate::update::{Msg, update};

use super::{
    SCENES, SIZES, scene,
    stage::{Paint, picture},
};

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/screen/tests/snapshots").join(name)
}

/// Where two texts part, for a reader.
fn difference(want: &str, got: &str) -> String {
    let (mut want, mut got) = (want.lines(), got.lines());
    for line in 1.. {
        match (want.next(), got.next()) {
            (None, None) => break,
            (want, got) if want == got => {}
            (want, got) => return format!("line {line}\n want {want:?}\n got  {got:?}"),
        }
    }
    "only ends of lines".to_owned()
}

/// What is wrong with the file that keeps these pictures; `QRATUM_BLESS=1` writes it.
pub(super) fn kept(name: &str, text: &str) -> Option<String> {
    let path = path(name);
    if std::env::var_os("QRATUM_BLESS").is_some() {
        fs::write(&path, text).unwrap();
    }
    let want = fs::read_to_string(&path).unwrap_or_default();
    (want != text).then(|| format!("{}: {}", path.display(), difference(&want, text)))
}

fn all_pictures(paint: Paint, theme: &str) {
    let mut wrong = Vec::new();
    for (name, keys) in SCENES {
        let mut states = State::ALL.map(|state| (state, scene(keys, state, paint)));
        for (width, height) in SIZES {
            let mut text = String::new();
            for (state, model) in &mut states {
                update(model, Msg::Resized(width, height));
                let picture = picture(model, (width, height));
                text.push_str(&format!("=== {name}, {state}\n{picture}\n"));
            }
            wrong.extend(kept(&format!("{name}.{width}x{height}.{theme}.txt"), &text));
        }
    }
    assert!(wrong.is_empty(), "QRATUM_BLESS=1 writes them anew\n{}", wrong.join("\n"));
}

#[test]
fn pictures_in_terminal16() {
    all_pictures(Paint::Terminal16, "terminal16");
}

#[test]
fn pictures_in_mono() {
    all_pictures(Paint::Mono, "mono");
}
