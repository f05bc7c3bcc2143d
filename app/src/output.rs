//! What leaves through standard output and standard error, made safe for the terminal behind it.

use std::io::{self, Write};

use qratum_widgets::SafeText;
use serde::Serialize;

use crate::exit::{Exit, Failure};

/// The longest line of text, in characters.
const MAX_LINE: usize = 4096;

/// Names in a sentence, harmless, and none of which looks like another.
pub(crate) fn names(names: &[String], between: &str) -> String {
    names.iter().map(|name| SafeText::name(name).to_string()).collect::<Vec<_>>().join(between)
}

/// Prints lines of text, an answer. A reader that left, as `head` does, changes nothing in how the
/// command ends: what was judged was judged.
pub(crate) fn lines(text: &str) -> io::Result<()> {
    answered(next_lines(text))
}

/// An answer that was written, or that nobody reads any more.
fn answered(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Prints lines of a stream, which ends when nobody reads any more.
pub(crate) fn next_lines(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for line in text.lines() {
        writeln!(out, "{}", SafeText::new(line, MAX_LINE))?;
    }
    out.flush()
}

/// Prints a text of this program itself as it is.
pub(crate) fn own(text: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    answered(out.write_all(text).and_then(|()| out.flush()))
}

/// Prints lines on standard error that are no complaint.
pub(crate) fn note(text: &str) {
    let mut out = io::stderr().lock();
    for line in text.lines() {
        let _ = writeln!(out, "{}", SafeText::new(line, MAX_LINE));
    }
}

/// Prints lines on standard error. Where that is gone, there is nobody to tell.
pub(crate) fn complain(text: &str) {
    let mut out = io::stderr().lock();
    for (line, start) in text.lines().zip(["qratum: "].into_iter().chain(std::iter::repeat(""))) {
        let _ = writeln!(out, "{start}{}", SafeText::new(line, MAX_LINE));
    }
}

/// Says on standard error why a command failed, and how the program ends; for a reader of `json` also on
/// standard output, in place of the answer or as the end of a stream.
pub(crate) fn fail(failure: &Failure, json: bool) -> Exit {
    /// As `--json` prints it.
    #[derive(Serialize)]
    struct Error<'a> {
        schema: &'static str,
        error: &'static str,
        exit: u8,
        text: &'a str,
    }
    let Failure { exit, text } = failure;
    if let Some(text) = text {
        if json {
            let error = Error { schema: "qratum/error/v1", error: exit.word(), exit: *exit as u8, text };
            // Where that is gone, the code still says it.
            let _ = self::json(&error);
        }
        complain(text);
    }
    *exit
}

/// Prints a value as one line of JSON.
pub(crate) fn json(value: &impl Serialize) -> io::Result<()> {
    answered(next_json(value))
}

/// The same in a stream, which ends when nobody reads any more.
pub(crate) fn next_json(value: &impl Serialize) -> io::Result<()> {
    write_json(&serde_json::to_string(value)?)
}

/// Prints a JSON text as one line of ASCII.
pub(crate) fn json_text(text: &str) -> io::Result<()> {
    answered(write_json(text))
}

fn write_json(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", ascii(text))?;
    out.flush()
}

/// The same JSON in visible ASCII: what a terminal could take for more than text stands only
/// inside strings, where `\u` means the same.
fn ascii(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() && c != '\u{7f}' {
            out.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_ascii_and_means_the_same() {
        let value = "\u{1b}[2J \u{9b}x \u{202e} é 🂡 \u{7f}";
        let text = ascii(&serde_json::to_string(value).unwrap());
        assert!(text.bytes().all(|b| (b' '..0x7f).contains(&b)), "{text}");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), value);
    }
}
