//! CBOR as CTAP uses it (CTAP 2.1 section 8): a few types, nested four deep.

use minicbor::{
    Decoder, Encoder,
    data::{Int, Type},
};

/// What CTAP allows.
const MAX_DEPTH: u8 = 4;

/// A value; floats and tags do not occur in CTAP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// An integer.
    Int(i64),
    /// A byte string.
    Bytes(Vec<u8>),
    /// A text.
    Text(String),
    /// A truth value.
    Bool(bool),
    /// A list.
    Array(Vec<Value>),
    /// Pairs, in the order in which they are written: canonical where this program writes them.
    Map(Vec<(Value, Value)>),
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Int(value.into())
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(value.to_vec())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

/// A map of these pairs.
pub fn map<K: Into<Value>, const N: usize>(pairs: [(K, Value); N]) -> Value {
    Value::Map(pairs.into_iter().map(|(key, value)| (key.into(), value)).collect())
}

impl Value {
    /// The value of exactly these bytes; none for anything else.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut decoder = Decoder::new(bytes);
        let value = read(&mut decoder, MAX_DEPTH)?;
        (decoder.position() == bytes.len()).then_some(value)
    }

    /// Its bytes.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::new());
        // A vector takes every byte, so this does not fail.
        let _ = write(self, &mut encoder);
        encoder.into_writer()
    }

    /// What a map holds under `key`.
    #[must_use]
    pub fn get(&self, key: impl Into<Value>) -> Option<&Self> {
        let Self::Map(pairs) = self else { return None };
        let key = key.into();
        pairs.iter().find(|(found, _)| *found == key).map(|(_, value)| value)
    }

    /// As an integer.
    #[must_use]
    pub const fn int(&self) -> Option<i64> {
        if let Self::Int(value) = self { Some(*value) } else { None }
    }

    /// As bytes.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        if let Self::Bytes(value) = self { Some(value) } else { None }
    }

    /// As a text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        if let Self::Text(value) = self { Some(value) } else { None }
    }

    /// As a truth value.
    #[must_use]
    pub const fn bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    /// As a list; anything else is an empty one.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        if let Self::Array(items) = self { items } else { &[] }
    }
}

fn read(decoder: &mut Decoder<'_>, depth: u8) -> Option<Value> {
    let deeper = depth.checked_sub(1);
    Some(match decoder.datatype().ok()? {
        Type::Bytes => Value::Bytes(decoder.bytes().ok()?.to_vec()),
        Type::String => Value::Text(decoder.str().ok()?.to_owned()),
        Type::Bool => Value::Bool(decoder.bool().ok()?),
        Type::Array => {
            let length = decoder.array().ok()??;
            (0..length).map(|_| read(decoder, deeper?)).collect::<Option<_>>().map(Value::Array)?
        }
        Type::Map => {
            let length = decoder.map().ok()??;
            let pair = |_| Some((read(decoder, deeper?)?, read(decoder, deeper?)?));
            (0..length).map(pair).collect::<Option<_>>().map(Value::Map)?
        }
        _ => Value::Int(i64::try_from(i128::from(decoder.int().ok()?)).ok()?),
    })
}

type Written = Result<(), minicbor::encode::Error<core::convert::Infallible>>;

fn write(value: &Value, encoder: &mut Encoder<Vec<u8>>) -> Written {
    match value {
        Value::Int(value) => encoder.int(Int::from(*value))?,
        Value::Bytes(value) => encoder.bytes(value)?,
        Value::Text(value) => encoder.str(value)?,
        Value::Bool(value) => encoder.bool(*value)?,
        Value::Array(items) => {
            encoder.array(items.len() as u64)?;
            return items.iter().try_for_each(|item| write(item, encoder));
        }
        Value::Map(pairs) => {
            encoder.map(pairs.len() as u64)?;
            return pairs.iter().try_for_each(|(key, value)| {
                write(key, encoder)?;
                write(value, encoder)
            });
        }
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_too_deep_or_too_long_is_not() {
        let value = map([
            (1, Value::Array(vec!["a".into(), Value::Bool(true)])),
            (2, map([("k", [1_u8, 2].as_slice().into())])),
            (3, Value::Int(-7)),
        ]);
        let mut bytes = value.write();
        assert_eq!(Value::read(&bytes), Some(value));
        bytes.push(0);
        assert_eq!(Value::read(&bytes), None, "a byte too many");
        let nested = |depth| (0..depth).fold(Value::Int(0), |inner, _| Value::Array(vec![inner])).write();
        assert!(Value::read(&nested(4)).is_some());
        assert_eq!(Value::read(&nested(5)), None);
    }
}
