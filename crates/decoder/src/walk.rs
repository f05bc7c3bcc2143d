//! Which lines do bytes have under a schema?

use core::fmt;

use crate::{
    MAX_LENGTH, cbor,
    cddl::{Member, Schema, Type},
    line::{Line, Value},
    packed,
};

/// So deep may rules lie in one another: a schema that names itself ends too.
const DEEPEST: usize = 64;

/// Bytes that are not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undecodable {
    /// Behind so many bytes of the body, or of the string of bytes in it that is not read.
    pub at: usize,
    /// What is wrong there.
    pub why: &'static str,
}

impl fmt::Display for Undecodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at byte {}: {}", self.at, self.why)
    }
}

impl core::error::Error for Undecodable {}

/// The lines of all of it.
pub(crate) fn read(schema: &Schema, rule: &str, input: Input<'_>) -> Result<Vec<Line>, Undecodable> {
    if input.length() > MAX_LENGTH {
        return Err(Undecodable { at: MAX_LENGTH, why: "longer than any body" });
    }
    let mut walk = Walk { schema, lines: Vec::new(), depth: 0 };
    walk.all(&Type::Rule(rule.to_owned()), input, &Place::default())?;
    Ok(walk.lines)
}

/// Where values come from.
#[derive(Clone, Debug)]
pub(crate) enum Input<'a> {
    Cbor(cbor::Reader<'a>),
    Packed(packed::Reader<'a>),
}

/// What a value is called, and in which items of lists it stands.
#[derive(Clone, Debug, Default)]
struct Place {
    items: String,
    label: Option<String>,
}

impl Place {
    fn called(&self) -> String {
        format!("{}{}", self.items, self.label.as_deref().unwrap_or("value"))
    }

    /// The place of a member of what is here.
    fn member(&self, member: &Member) -> Self {
        Self { items: self.items.clone(), label: member.label.clone() }
    }

    /// The place of the values in an item of the list that is here, counted from 1.
    fn item(&self, member: &Member, number: u64) -> Self {
        let name = match (&member.label, &member.of) {
            (Some(label), _) | (None, Type::Rule(label)) => label,
            _ => "item",
        };
        Self { items: format!("{}{name} {number} ", self.items), label: None }
    }
}

struct Walk<'a> {
    schema: &'a Schema,
    lines: Vec<Line>,
    depth: usize,
}

type Step = Result<(), Undecodable>;

impl Walk<'_> {
    /// Reads a value that is all there is.
    fn all(&mut self, of: &Type, mut input: Input<'_>, place: &Place) -> Step {
        self.value(of, &mut input, place)?;
        if input.is_at_end() { Ok(()) } else { Err(input.fault("something stands behind it")) }
    }

    fn value(&mut self, of: &Type, input: &mut Input<'_>, place: &Place) -> Step {
        self.depth = self.depth.saturating_add(1);
        if self.depth > DEEPEST {
            return Err(input.fault("rules in one another without end"));
        }
        let read = match of {
            Type::Rule(name) => self.rule(name, input, place),
            Type::Choice(all) => self.choice(all, input, place),
            Type::Array(members) => self.array(members, input, place),
            Type::Map(members) => self.map(members, input, place),
            Type::List(member) => self.list(member, input, place),
            Type::Cbor(of) => {
                let bytes = input.bytes(None)?;
                self.all(of, Input::cbor(bytes), place)
            }
            Type::Layout(of) => {
                let bytes = input.bytes(None)?;
                self.all(of, Input::packed(bytes), place)
            }
            leaf => self.leaf(leaf, input).map(|value| self.lines.push(Line::new(place.called(), value))),
        };
        self.depth = self.depth.saturating_sub(1);
        read
    }

    /// What has no name of its own is called as its rule.
    fn rule(&mut self, name: &str, input: &mut Input<'_>, place: &Place) -> Step {
        let of = self.schema.rule(name).ok_or_else(|| input.fault("a rule that is not there"))?;
        let label = place.label.clone().or_else(|| Some(name.to_owned()));
        self.value(of, input, &Place { items: place.items.clone(), label })
    }

    /// The first that fits: at most one does, as each begins with another number.
    fn choice(&mut self, all: &[Type], input: &mut Input<'_>, place: &Place) -> Step {
        let (depth, count) = (self.depth, self.lines.len());
        let mut farthest = input.fault("there is nothing to choose from");
        for of in all {
            let mut attempt = input.clone();
            match self.value(of, &mut attempt, place) {
                Ok(()) => {
                    *input = attempt;
                    return Ok(());
                }
                Err(fault) if fault.at >= farthest.at => farthest = fault,
                Err(_) => {}
            }
            self.depth = depth;
            self.lines.truncate(count);
        }
        Err(farthest)
    }

    fn array(&mut self, members: &[Member], input: &mut Input<'_>, place: &Place) -> Step {
        input.array(members.len())?;
        members.iter().try_for_each(|member| self.value(&member.of, input, &place.member(member)))
    }

    fn map(&mut self, members: &[Member], input: &mut Input<'_>, place: &Place) -> Step {
        input.map(members.len())?;
        members.iter().try_for_each(|member| {
            if Some(input.uint(None)?) != member.key {
                return Err(input.fault("another key"));
            }
            self.value(&member.of, input, &place.member(member))
        })
    }

    fn list(&mut self, member: &Member, input: &mut Input<'_>, place: &Place) -> Step {
        let count = input.count()?;
        self.lines.push(Line::number(place.called(), count));
        (1..=count).try_for_each(|number| self.value(&member.of, input, &place.item(member, number)))
    }

    fn leaf(&self, leaf: &Type, input: &mut Input<'_>) -> Result<Value, Undecodable> {
        Ok(match leaf {
            Type::Uint(size) => Value::Number(input.uint(*size)?),
            Type::Bytes(size) => Value::Bytes(input.bytes(*size)?.to_vec()),
            Type::Text => Value::Text(input.text()?.to_owned()),
            Type::Bool => Value::Word(if input.bool()? { "yes" } else { "no" }.to_owned()),
            Type::Literal(want) => match input.uint(Some(1))? {
                number if number == *want => Value::Number(number),
                _ => return Err(input.fault("another number than this one")),
            },
            Type::Word(words) => {
                let number = input.uint(Some(1))?;
                let word = words.iter().find(|(_, of)| *of == number);
                Value::Word(word.ok_or_else(|| input.fault("a number without a word"))?.0.clone())
            }
            Type::Bits(rule) => {
                let Some(Type::Word(words)) = self.schema.rule(rule) else {
                    return Err(input.fault("a rule without words"));
                };
                Value::Words(
                    set(words, input.uint(Some(1))?).ok_or_else(|| input.fault("a bit without a word"))?,
                )
            }
            _ => return Err(input.fault("no value")),
        })
    }
}

/// The words whose bits are set; none, where a bit stands for no word.
fn set(words: &[(String, u64)], mut bits: u64) -> Option<Vec<String>> {
    let mut found = Vec::new();
    for (word, number) in words {
        let bit = 1u64.checked_shl(u32::try_from(*number).ok()?)?;
        if bits & bit != 0 {
            found.push(word.clone());
            bits &= !bit;
        }
    }
    (bits == 0).then_some(found)
}

impl<'a> Input<'a> {
    pub(crate) const fn cbor(bytes: &'a [u8]) -> Self {
        Self::Cbor(cbor::Reader::new(bytes))
    }

    pub(crate) const fn packed(bytes: &'a [u8]) -> Self {
        Self::Packed(packed::Reader::new(bytes))
    }

    /// All there is to read, in bytes.
    const fn length(&self) -> usize {
        match self {
            Self::Cbor(reader) => reader.length(),
            Self::Packed(reader) => reader.length(),
        }
    }

    const fn fault(&self, why: &'static str) -> Undecodable {
        let at = match self {
            Self::Cbor(reader) => reader.at(),
            Self::Packed(reader) => reader.at(),
        };
        Undecodable { at, why }
    }

    const fn is_at_end(&self) -> bool {
        match self {
            Self::Cbor(reader) => reader.is_at_end(),
            Self::Packed(reader) => reader.is_at_end(),
        }
    }

    /// A number; outside CBOR of so many bytes, in CBOR one that fits into them.
    fn uint(&mut self, size: Option<u64>) -> Result<u64, Undecodable> {
        let number = match (&mut *self, size) {
            (Self::Cbor(reader), None) => reader.uint(),
            (Self::Cbor(reader), Some(size)) => reader.uint().and_then(|number| fitting(number, size)),
            (Self::Packed(reader), Some(size)) => reader.uint(size),
            (Self::Packed(_), None) => Err("a number of no size"),
        };
        number.map_err(|why| self.fault(why))
    }

    fn bytes(&mut self, size: Option<u64>) -> Result<&'a [u8], Undecodable> {
        let bytes = match (&mut *self, size) {
            (Self::Cbor(reader), _) => reader.bytes(),
            (Self::Packed(reader), Some(size)) => reader.take(size),
            (Self::Packed(reader), None) => reader.framed(),
        };
        let bytes = bytes.map_err(|why| self.fault(why))?;
        let fits = size.is_none_or(|size| u64::try_from(bytes.len()) == Ok(size));
        if fits { Ok(bytes) } else { Err(self.fault("bytes of another length")) }
    }

    fn text(&mut self) -> Result<&'a str, Undecodable> {
        let text = match self {
            Self::Cbor(reader) => reader.text(),
            Self::Packed(reader) => reader
                .framed()
                .and_then(|bytes| core::str::from_utf8(bytes).map_err(|_| "text that is not UTF-8")),
        };
        text.map_err(|why| self.fault(why))
    }

    fn bool(&mut self) -> Result<bool, Undecodable> {
        let found = match self {
            Self::Cbor(reader) => reader.bool(),
            Self::Packed(_) => Err("yes or no outside CBOR"),
        };
        found.map_err(|why| self.fault(why))
    }

    /// The head of an array of so many items. Outside CBOR there is none.
    fn array(&mut self, length: usize) -> Step {
        match self {
            Self::Cbor(reader) => {
                let found = reader.array();
                self.of_length(found, length)
            }
            Self::Packed(_) => Ok(()),
        }
    }

    fn map(&mut self, length: usize) -> Step {
        let found = match self {
            Self::Cbor(reader) => reader.map(),
            Self::Packed(_) => Err("a map outside CBOR"),
        };
        self.of_length(found, length)
    }

    fn of_length(&self, found: Result<u64, cbor::Fault>, length: usize) -> Step {
        match found {
            Ok(found) if u64::try_from(length) == Ok(found) => Ok(()),
            Ok(_) => Err(self.fault("another count of items")),
            Err(why) => Err(self.fault(why)),
        }
    }

    fn count(&mut self) -> Result<u64, Undecodable> {
        let count = match self {
            Self::Cbor(reader) => reader.array(),
            Self::Packed(reader) => reader.count(),
        };
        count.map_err(|why| self.fault(why))
    }
}

fn fitting(number: u64, size: u64) -> Result<u64, cbor::Fault> {
    let bits = size.saturating_mul(8);
    let fits = bits >= 64 || u32::try_from(bits).is_ok_and(|bits| number >> bits == 0);
    if fits { Ok(number) } else { Err("a number that is too large") }
}
