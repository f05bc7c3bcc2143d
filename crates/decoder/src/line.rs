//! What a decoder says: labels and values, in the order of the bytes.

/// One value of what is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it is, as the schema calls it; in a list behind the name and number of its item, as in
    /// `rule 1 group 2 role`.
    pub label: String,
    /// The value itself.
    pub value: Value,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number, a count of items, a height, or milliseconds where the label ends in `-ms`.
    Number(u64),
    /// Text from outside: nothing is drawn of it before it is made harmless.
    Text(String),
    /// A hash, key or id.
    Bytes(Vec<u8>),
    /// One of the words of the schema.
    Word(String),
    /// A set of them.
    Words(Vec<String>),
}

impl Line {
    /// A line.
    #[must_use]
    pub fn new(label: impl Into<String>, value: Value) -> Self {
        Self { label: label.into(), value }
    }

    /// A number.
    #[must_use]
    pub fn number(label: impl Into<String>, number: u64) -> Self {
        Self::new(label, Value::Number(number))
    }

    /// A hash, key or id.
    #[must_use]
    pub fn bytes(label: impl Into<String>, bytes: &[u8]) -> Self {
        Self::new(label, Value::Bytes(bytes.to_vec()))
    }

    /// Text from outside.
    #[must_use]
    pub fn text(label: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(label, Value::Text(text.into()))
    }

    /// One of the words of the schema.
    #[must_use]
    pub fn word(label: impl Into<String>, word: impl Into<String>) -> Self {
        Self::new(label, Value::Word(word.into()))
    }
}
