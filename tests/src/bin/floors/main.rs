//! The floors of the console, each beside its limit: `floors`, best in a release build.
//!
//! The widgets are drawn here, on the CPU clock of this thread; the program runs on a terminal of
//! its own, and the kernel says what it took.

mod draw;
mod kernel;
mod line;
mod live;
mod start;

use std::{error::Error, io::Write as _};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// What was measured, its limit, and the unit of both.
type Figure = (String, f64, f64, &'static str);

/// For what is told and not limited by anything.
const NO_LIMIT: f64 = f64::INFINITY;

fn figure(name: &str, found: f64, limit: f64, unit: &'static str) -> Figure {
    (name.to_owned(), found, limit, unit)
}

fn main() -> Outcome<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{:<52} {:>10} {:>10}", "console", "measured", "limit")?;
    for part in [draw::figures, start::figures, live::figures, line::figures] {
        for (name, found, limit, unit) in part()? {
            let (limit, verdict) = match (limit == NO_LIMIT, found <= limit) {
                (true, _) => ("-".to_owned(), ""),
                (false, true) => (format!("{limit:.2}"), "met"),
                (false, false) => (format!("{limit:.2}"), "MISSED"),
            };
            writeln!(out, "{name:<52} {found:>10.3} {limit:>10} {unit:<4} {verdict}")?;
        }
    }
    Ok(())
}
