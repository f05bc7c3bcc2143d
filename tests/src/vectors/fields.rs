//! Reads the fields of a case: each is there and of its type, or the case is unreadable by name.

use serde_json::{Map, Value};

/// Why a case cannot be run: the file is wrong, not the code under test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable(pub String);

/// The fields of one JSON object.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    object: &'a Map<String, Value>,
    name: &'a str,
}

impl<'a> Fields<'a> {
    /// The fields of `value`, which goes by `name`.
    ///
    /// # Errors
    /// [`Unreadable`], when it is no object.
    pub fn of(value: &'a Value, name: &'a str) -> Result<Self, Unreadable> {
        let object = value.as_object().ok_or_else(|| Unreadable(format!("{name} is no object")))?;
        Ok(Self { object, name })
    }

    /// Whether the field is there and not null.
    #[must_use]
    pub fn has(&self, field: &str) -> bool {
        self.object.get(field).is_some_and(|value| !value.is_null())
    }

    /// The field, of any type.
    ///
    /// # Errors
    /// [`Unreadable`], when it is absent.
    pub fn value(&self, field: &str) -> Result<&'a Value, Unreadable> {
        self.object.get(field).ok_or_else(|| self.wrong(field, "absent"))
    }

    /// The field as an object.
    ///
    /// # Errors
    /// [`Unreadable`], when it is absent or of another type.
    pub fn fields(&self, field: &'a str) -> Result<Self, Unreadable> {
        Self::of(self.value(field)?, field)
    }

    /// The field as a string.
    ///
    /// # Errors
    /// [`Unreadable`], when it is absent or of another type.
    pub fn text(&self, field: &str) -> Result<&'a str, Unreadable> {
        self.value(field)?.as_str().ok_or_else(|| self.wrong(field, "no string"))
    }

    /// The field as a list.
    ///
    /// # Errors
    /// [`Unreadable`], when it is absent or of another type.
    pub fn list(&self, field: &str) -> Result<&'a [Value], Unreadable> {
        self.value(field)?.as_array().map(Vec::as_slice).ok_or_else(|| self.wrong(field, "no list"))
    }

    /// The field as a list of strings.
    ///
    /// # Errors
    /// [`Unreadable`], when it is absent or an item is of another type.
    pub fn texts(&self, field: &str) -> Result<Vec<&'a str>, Unreadable> {
        let item = |value: &'a Value| value.as_str().ok_or_else(|| self.wrong(field, "no list of strings"));
        self.list(field)?.iter().map(item).collect()
    }

    /// The field as a number from 0 to 2^64 - 1.
    ///
    /// # Errors
    /// [`Unreadable`], when it is absent or of another type.
    pub fn number(&self, field: &str) -> Result<u64, Unreadable> {
        self.value(field)?.as_u64().ok_or_else(|| self.wrong(field, "no number from 0 to 2^64 - 1"))
    }

    /// The field as true or false.
    ///
    /// # Errors
    /// [`Unreadable`], when it is absent or of another type.
    pub fn flag(&self, field: &str) -> Result<bool, Unreadable> {
        self.value(field)?.as_bool().ok_or_else(|| self.wrong(field, "neither true nor false"))
    }

    /// The field as bytes in hex.
    ///
    /// # Errors
    /// [`Unreadable`], when it is absent or no hex.
    pub fn bytes(&self, field: &str) -> Result<Vec<u8>, Unreadable> {
        hex::decode(self.text(field)?).map_err(|_| self.wrong(field, "no hex"))
    }

    /// The field as exactly `N` bytes in hex.
    ///
    /// # Errors
    /// [`Unreadable`], when it is absent, no hex or of another length.
    pub fn array<const N: usize>(&self, field: &str) -> Result<[u8; N], Unreadable> {
        self.bytes(field)?.try_into().map_err(|_| self.wrong(field, "of another length"))
    }

    fn wrong(&self, field: &str, how: &str) -> Unreadable {
        Unreadable(format!("{}.{field} is {how}", self.name))
    }
}
