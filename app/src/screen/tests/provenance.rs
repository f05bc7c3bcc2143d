//! No cell shows a value of the chain without saying what it is worth.

use qratum_light_node::State;

use super::{
    SCENES, SIZES, scene,
    stage::{FIRST, LAST, MEMBERS, Paint, drawn, genesis, heads},
};
use crate::screen::{
    draw::audit,
    page::{Piece, Text},
};

/// Words that no text of this program and nothing that this machine knows has: heights, powers, names,
/// operators, keys and ids of the network on stage.
fn of_the_chain() -> Vec<String> {
    let heights = (FIRST..=LAST + 1).chain([90_777]).map(|height| height.to_string());
    let members = MEMBERS.iter().flat_map(|(name, power, _, operator)| {
        [(*name).to_owned(), power.to_string(), (*operator).to_owned()]
    });
    let powers = [7497, 10_000, 5480].map(|power: u32| power.to_string());
    let keys = genesis().validators.into_iter().map(|member| member.validator.pubkey.to_string());
    let ids = heads().iter().map(|head| head.id().to_string());
    let digests = keys.chain(ids).map(|digest| digest.chars().take(12).collect());
    heights.chain(members).chain(powers).chain(digests).collect()
}

/// The words of the chain that stand in a text as words of their own.
fn found<'a>(words: &'a [String], text: &str) -> Vec<&'a String> {
    let all: Vec<&str> = text.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    words.iter().filter(|word| all.iter().any(|part| part.starts_with(word.as_str()))).collect()
}

fn said(piece: &Piece) -> &str {
    match &piece.text {
        Text::Own(words) => words,
        Text::Any(text) | Text::Name(text) | Text::Hash(text) => text,
        Text::Glyph(_) | Text::Word(_) | Text::Bar { .. } => "",
    }
}

/// In every scene, state and size: what has no worth has no word of the chain. That what has a worth
/// is drawn with its mark and word, or below a heading that has them, is held by `screen::ink`.
#[test]
fn no_cell_shows_a_value_of_the_chain_without_its_worth() {
    let words = of_the_chain();
    audit::take();
    let mut facts = 0;
    for (name, keys) in SCENES {
        for state in State::ALL {
            let model = scene(keys, state, Paint::Terminal16);
            for size in SIZES {
                drawn(&model, size);
            }
            for piece in audit::take() {
                let found = found(&words, said(&piece));
                facts += usize::from(piece.worth.is_some() && !found.is_empty());
                let bare = piece.worth.is_none() && !found.is_empty();
                assert!(!bare, "{name} in {state}: {piece:?} tells {found:?}");
            }
        }
    }
    assert!(facts > 1000, "{facts}: the words are those of the stage");
}

/// Around the screens only the bar tells a height, with mark and word.
#[test]
fn the_frame_tells_one_height_and_what_it_is_worth() {
    let words = of_the_chain();
    for (name, keys) in SCENES {
        for state in State::ALL {
            let model = scene(keys, state, Paint::Terminal16);
            for (width, height) in SIZES {
                let rows = drawn(&model, (width, height));
                let bar = found(&words, &rows[0]);
                let worth = if state == State::Live { "✓ verified 90212 " } else { "~ stale 90212 " };
                let early = matches!(state, State::Loading | State::Syncing);
                assert_eq!(bar.len(), usize::from(!early), "{name} in {state}: {}", rows[0]);
                assert!(early || rows[0].contains(worth), "{}", rows[0]);
                let below = if height >= 24 { 3 } else { 2 };
                for row in rows
                    .iter()
                    .take(3)
                    .skip(1)
                    .take(usize::from(height >= 24) + 1)
                    .chain(rows.iter().rev().take(below))
                {
                    assert!(found(&words, row).is_empty(), "{name} in {state}: {row}");
                }
            }
        }
    }
}
