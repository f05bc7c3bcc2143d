//! Are the themes complete, readable, and told apart by every eye?

use ratatui_core::style::{Color, Modifier};

use super::*;

const TERMINAL16: &str = include_str!("../terminal16.toml");
const LEVELS: [Colors; 4] = [Colors::Off, Colors::On, Colors::Many, Colors::Rgb];

fn named(name: &str, colors: Colors) -> Theme {
    Theme::named(name, Glyphs::Unicode, colors).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The themes with colors of their own.
fn colored() -> impl Iterator<Item = &'static str> {
    BUILT_IN.into_iter().filter(|name| !["terminal16", "mono"].contains(name))
}

#[test]
fn every_theme_is_complete_at_every_level_and_its_ascii_is_ascii() {
    for name in BUILT_IN {
        for (glyphs, colors) in
            [Glyphs::Unicode, Glyphs::Ascii].into_iter().flat_map(|g| LEVELS.map(|c| (g, c)))
        {
            let theme = Theme::named(name, glyphs, colors).unwrap();
            for mark in Mark::ALL {
                assert!(!theme.glyph(*mark).is_empty() && !theme.word(*mark).is_empty(), "{name} {mark:?}");
                assert!(glyphs == Glyphs::Unicode || theme.glyph(*mark).is_ascii(), "{name} {mark:?}");
            }
        }
    }
}

/// The states that decide what is believed differ by mark, by word, and by attributes.
#[test]
fn states_differ_without_color() {
    for name in BUILT_IN {
        for glyphs in [Glyphs::Unicode, Glyphs::Ascii] {
            let theme = Theme::named(name, glyphs, Colors::Off).unwrap();
            for (a, b) in
                STATES.iter().flat_map(|a| STATES.iter().map(move |b| (*a, *b))).filter(|(a, b)| a != b)
            {
                assert_ne!(theme.glyph(a), theme.glyph(b), "{name}");
                assert_ne!(theme.word(a), theme.word(b), "{name}");
            }
            let attributes = |mark| theme.mark_style(mark).add_modifier;
            assert_ne!(attributes(Mark::Verified), attributes(Mark::Stale), "{name}");
            assert_ne!(attributes(Mark::Verified), attributes(Mark::Unverified), "{name}");
            assert_ne!(attributes(Mark::Stale), attributes(Mark::Unverified), "{name}");
        }
    }
}

#[test]
fn no_color_keeps_attributes_only() {
    for name in BUILT_IN {
        let theme = named(name, Colors::Off);
        for tone in Tone::ALL {
            assert_eq!((theme.tone(*tone).fg, theme.tone(*tone).bg), (None, None), "{name} {tone:?}");
        }
        assert!(theme.tone(Tone::Alarm).add_modifier.contains(Modifier::REVERSED));
    }
}

#[test]
fn a_level_uses_the_colors_that_it_has() {
    let good = |colors| named("dark", colors).tone(Tone::Good).fg;
    assert_eq!(good(Colors::On), Some(Color::Green));
    assert_eq!(good(Colors::Rgb), Some(Color::Rgb(0x73, 0xe6, 0xd2)));
    assert_eq!(good(Colors::Many), Some(Color::Indexed(80)));
    assert_eq!(named("terminal16", Colors::Rgb).tone(Tone::Good).fg, Some(Color::Green));
    for index in 16..=255 {
        let [red, green, blue] = color::indexed(index);
        let text = format!("#{red:02x}{green:02x}{blue:02x}");
        let Some(Color::Indexed(found)) = color::choose(color::rgb(&text), None, Colors::Many) else {
            panic!()
        };
        assert_eq!(color::indexed(found), [red, green, blue], "{text}");
    }
}

#[test]
fn a_theme_that_is_wrong_is_refused_with_its_reason() {
    let load = |text: &str| Theme::load(text, Glyphs::Unicode, Colors::On).map(|_| ());
    let own = |rest: &str| load(&format!("schema = 1\nname = \"own\"\ninherits = \"terminal16\"\n{rest}"));
    assert_eq!(own(""), Ok(()));
    assert_eq!(own("[role]\ngood = { fg = \"#0a0b0c\", fg16 = \"blue\" }"), Ok(()));
    assert_eq!(load(&TERMINAL16.replace("alarm = ", "# alarm = ")), Err(ThemeError::Entry("alarm")));
    let color = |line, name: &str| Err(ThemeError::Color { line, name: name.to_owned() });
    assert_eq!(own("[role]\ngood = { fg = \"ink\" }"), color(5, "ink"));
    assert_eq!(own("\n[role]\nwarn = { fg16 = \"red\" }\nbad = { bg = \"#12345\" }"), color(7, "#12345"));
    let bar = |bar: &str| own(&format!("[env.prod]\nbar = {{ {bar} }}"));
    assert_eq!(bar("bg = \"blood\", bg16 = \"red\", word = \"PROD\""), color(5, "blood"));
    assert_eq!(
        load(&TERMINAL16.replace("\"stale\"\nrole", "\"verified\"\nrole")),
        Err(ThemeError::Same("verified", "stale"))
    );
    assert_eq!(load("schema = 2\nname = \"x\""), Err(ThemeError::Entry("schema")));
    let unknown = load("schema = 1\nname = \"x\"\ninherits = \"nosuch\"");
    assert_eq!(unknown, Err(ThemeError::Unknown("nosuch".to_owned())));
    for (rest, line, word) in [
        ("[role]\nshiny = { fg16 = \"red\" }", "line 5", "shiny"),
        ("[role]\ngood = { fore = \"red\" }", "line 5", "fore"),
        ("[mark]\nlie = 1", "line 5", "lie"),
        ("size = 3", "line 4", "size"),
        ("[role]\ngood = { fg16 = \"greenish\" }", "line 5", "greenish"),
        ("[palette]\nink = \"#12\"", "line 5", "#12"),
        ("[mark.refused]\nunicode = \"\\u001b\"", "line 5", "visible"),
        ("[mark.refused]\nunicode = \"x\"\nascii = \"é\"", "line 6", "ASCII"),
        ("[env.prod]\nbar = { bg = \"#5a0010\", bg16 = \"red\", word = \"\" }", "line 5", "word"),
        ("[env.prod]\nbar = { bg = \"#5a0010\", bg16 = \"red\" }", "line 5", "word"),
    ] {
        let Err(ThemeError::Toml(why)) = own(rest) else { panic!("{rest}") };
        assert!(why.contains(line) && why.contains(word), "{why}");
    }
}

/// As in a theme file of one's own: networks of one kind have another bar, with a word, which is read on
/// any ground and told without color.
#[test]
fn an_environment_has_its_own_bar() {
    let text = "schema = 1\nname = \"own\"\ninherits = \"dark\"\n\
                [env.prod]\nbar = { bg = \"#5a0010\", bg16 = \"red\", word = \"PROD\" }\n\
                [env.prod-eu]\nbar = { bg = \"ink\", bg16 = \"yellow\", word = \"EU\" }\n";
    let load = |colors| Theme::load(text, Glyphs::Unicode, colors).unwrap();
    let theme = load(Colors::Rgb);
    for (network, word) in [
        ("prod", Some("PROD")),
        ("prod-us", Some("PROD")),
        ("prod-eu-2", Some("EU")),
        ("production", None),
        ("demo", None),
    ] {
        assert_eq!(theme.bar(network).1, word, "{network}");
    }
    assert_eq!(theme.bar("demo").0, theme.tone(Tone::Bar));
    for network in ["prod", "prod-eu"] {
        let (style, _) = theme.bar(network);
        let found = contrast(linear(style.fg.unwrap()), linear(style.bg.unwrap()));
        assert!(found >= 4.5, "{network}: {found:.2}");
    }
    assert_eq!(load(Colors::On).bar("prod").0.bg, Some(Color::Red));
    assert_eq!(load(Colors::Off).bar("prod"), (load(Colors::Off).tone(Tone::Bar), Some("PROD")));
}

type Linear = [f64; 3];

fn linear(color: Color) -> Linear {
    let Color::Rgb(red, green, blue) = color else { panic!("{color:?}") };
    [red, green, blue].map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    })
}

/// WCAG 2.2: the contrast of two colors.
fn contrast(a: Linear, b: Linear) -> f64 {
    let bright = |[red, green, blue]: Linear| 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05;
    let (a, b) = (bright(a), bright(b));
    a.max(b) / a.min(b)
}

#[test]
fn every_role_can_be_read() {
    for name in colored() {
        let windows = if name.contains("light") {
            [Color::Rgb(255, 255, 255), Color::Rgb(0xf4, 0xf4, 0xf4)]
        } else {
            [Color::Rgb(0, 0, 0), Color::Rgb(0x1e, 0x1e, 0x1e)]
        };
        let least = if name.starts_with("high-contrast") { 7.0 } else { 4.5 };
        let theme = named(name, Colors::Rgb);
        for (tone, window) in Tone::ALL.iter().flat_map(|tone| windows.map(|window| (tone, window))) {
            // A reversed role shows the same two colors, the other way round.
            let found = contrast(linear(theme.tone(*tone).fg.unwrap()), linear(window));
            assert!(found >= least, "{name} {tone:?} on {window:?}: {found:.2}, wanted {least}");
        }
    }
}

/// How colors look to eyes without one kind of cone (Machado, Oliveira, Fernandes 2009, severity 1).
const EYES: [(&str, [Linear; 3]); 4] = [
    ("all cones", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    (
        "protanopia",
        [
            [0.152_286, 1.052_583, -0.204_868],
            [0.114_503, 0.786_281, 0.099_216],
            [-0.003_882, -0.048_116, 1.051_998],
        ],
    ),
    (
        "deuteranopia",
        [
            [0.367_322, 0.860_646, -0.227_968],
            [0.280_085, 0.672_501, 0.047_413],
            [-0.011_820, 0.042_940, 0.968_881],
        ],
    ),
    (
        "tritanopia",
        [
            [1.255_528, -0.076_749, -0.178_779],
            [-0.078_411, 0.930_809, 0.147_602],
            [0.004_733, 0.691_367, 0.303_900],
        ],
    ),
];

fn product(matrix: [Linear; 3], vector: Linear) -> Linear {
    matrix.map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum())
}

/// OKLab (Ottosson 2020): distances in it are as the eye sees them; it notices 0.02.
fn lab(color: Linear) -> Linear {
    const CONES: [Linear; 3] = [
        [0.412_221_470_8, 0.536_332_536_3, 0.051_445_992_9],
        [0.211_903_498_2, 0.680_699_545_1, 0.107_396_956_6],
        [0.088_302_461_9, 0.281_718_837_6, 0.629_978_700_5],
    ];
    const AXES: [Linear; 3] = [
        [0.210_454_255_3, 0.793_617_785_0, -0.004_072_046_8],
        [1.977_998_495_1, -2.428_592_205_0, 0.450_593_709_9],
        [0.025_904_037_1, 0.782_771_766_2, -0.808_675_766_0],
    ];
    product(AXES, product(CONES, color).map(|cone| cone.max(0.0).cbrt()))
}

#[test]
fn every_eye_tells_the_states_apart() {
    const LEAST: f64 = 0.06;
    for (name, (eye, seen)) in colored().flat_map(|name| EYES.map(|eye| (name, eye))) {
        let theme = named(name, Colors::Rgb);
        let look = |mark: Mark| {
            let color = linear(theme.mark_style(mark).fg.unwrap());
            lab(product(seen, color).map(|part| part.clamp(0.0, 1.0)))
        };
        for (a, b) in STATES.iter().flat_map(|a| STATES.iter().map(move |b| (*a, *b))).filter(|(a, b)| a < b)
        {
            let far = look(a).iter().zip(look(b)).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
            assert!(far >= LEAST, "{name}, {eye}: {a:?} and {b:?} are {far:.3} apart");
        }
    }
}
