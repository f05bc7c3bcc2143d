//! Does a document have the form that its JSON Schema gives, and is every small break of it refused?
//!
//! Compiled into the tests of this package and of the program: each checks the documents it can make.

use boon::{Compiler, ErrorKind, SchemaIndex, Schemas, ValidationError};
use serde_json::Value;

/// Fields that a document may leave out: of a step of a path, of a hand-over, of a genesis validator,
/// and (by the name of its schema) of a fork.
const OPTIONAL: &[&str] = &["next_validators", "pq", "enrolment", "evidence.path"];

/// Digits of a key that stand for its owner's name.
const KEY_START: usize = 12;

/// What is wrong at one place of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A field is not there.
    Missing(String),
    /// A field that no schema names.
    Unknown(String),
    /// A value of another type, out of range, or of another form.
    Value,
}

/// A document changed in one way, and the fault that must be found in it: where (JSON pointer), what.
pub(crate) struct Broken {
    pub(crate) document: Value,
    pub(crate) at: String,
    pub(crate) fault: Fault,
}

/// A file of `assets/schemas`.
pub(crate) struct Schema {
    name: String,
    schemas: Schemas,
    index: SchemaIndex,
}

/// The schema files: from here, wherever this is compiled into.
fn folder() -> std::path::PathBuf {
    let package = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap().join("assets/schemas")
}

/// The name and content of every schema file.
pub(crate) fn files() -> Vec<(String, Value)> {
    let entries = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    // The bytes that people sign are CBOR: their schema is CDDL.
    let entries = entries.filter(|path| !path.ends_with("act.cddl"));
    let read = |path: std::path::PathBuf| {
        assert_eq!(path.extension().unwrap(), "json", "{}", path.display());
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap())
    };
    entries.map(read).collect()
}

impl Schema {
    /// The schema of this name: itself valid, and without a reference to anything outside.
    pub(crate) fn named(name: &str) -> Self {
        let file = std::fs::read(folder().join(format!("{name}.json"))).unwrap();
        let (mut compiler, mut schemas) = (Compiler::new(), Schemas::new());
        let place = format!("memory:///{name}.json");
        compiler.add_resource(&place, serde_json::from_slice(&file).unwrap()).unwrap();
        let compiled = compiler.compile(&place, &mut schemas);
        let index = compiled.unwrap_or_else(|error| panic!("{name}: {error:#}"));
        Self { name: name.to_owned(), schemas, index }
    }

    /// Every fault of the document, by JSON pointer.
    pub(crate) fn faults(&self, document: &Value) -> Vec<(String, Fault)> {
        let mut found = Vec::new();
        if let Err(error) = self.schemas.validate(document, self.index) {
            leaves(&error, &mut found);
        }
        found
    }

    fn is_optional(&self, key: &str) -> bool {
        let own = format!("{}.{key}", self.name);
        OPTIONAL.iter().any(|name| [key, own.as_str()].contains(name))
    }

    /// Panics unless the document is accepted, and every break of it refused for what was done.
    pub(crate) fn holds(&self, document: &Value, case: &str) {
        assert_eq!(self.faults(document), [], "{case}");
        for broken in breaks(document) {
            let found = self.faults(&broken.document);
            let Broken { at, fault, .. } = broken;
            if let Fault::Missing(key) = &fault
                && self.is_optional(key)
            {
                assert_eq!(found, [], "{case}: {key} may be left out at {at:?}");
            } else {
                let names = |(place, what): &(String, Fault)| *place == at && *what == fault;
                assert!(found.iter().any(names), "{case}: no {fault:?} at {at:?}, but {found:?}");
            }
        }
    }
}

/// The faults that stand at the ends of an error: what lies between is only how they were reached.
fn leaves(error: &ValidationError<'_, '_>, found: &mut Vec<(String, Fault)>) {
    let at = error.instance_location.to_string();
    match &error.kind {
        ErrorKind::Required { want } => {
            found.extend(want.iter().map(|key| (at.clone(), Fault::Missing((*key).to_owned()))));
        }
        ErrorKind::AdditionalProperties { got } => {
            found.extend(got.iter().map(|key| (at.clone(), Fault::Unknown(key.to_string()))));
        }
        _ if error.causes.is_empty() => found.push((at, Fault::Value)),
        _ => {}
    }
    error.causes.iter().for_each(|cause| leaves(cause, found));
}

/// The document, broken at each place in each small way: a field taken out or added, a digit of a
/// hex string lost or made a capital, a number below zero or in halves, a word that is none.
pub(crate) fn breaks(document: &Value) -> Vec<Broken> {
    let mut places = Vec::new();
    walk(document, String::new(), &mut places);
    places.into_iter().flat_map(|at| breaks_at(document, &at)).collect()
}

fn walk(value: &Value, at: String, places: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| walk(value, format!("{at}/{key}"), places));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, value)| walk(value, format!("{at}/{i}"), places));
        }
        _ => {}
    }
    places.push(at);
}

fn breaks_at(document: &Value, at: &str) -> Vec<Broken> {
    let changed = |fault: Fault, change: &dyn Fn(&mut Value)| {
        let mut document = document.clone();
        change(document.pointer_mut(at).unwrap());
        Broken { document, at: at.to_owned(), fault }
    };
    let replaced = |value: Value| changed(Fault::Value, &|place| *place = value.clone());
    match document.pointer(at).unwrap() {
        Value::Object(fields) => {
            let without = |key: &String| {
                changed(Fault::Missing(key.clone()), &|place| {
                    place.as_object_mut().unwrap().remove(key);
                })
            };
            let more = changed(Fault::Unknown("more".to_owned()), &|place| place["more"] = 1.into());
            fields.keys().map(without).chain([more]).collect()
        }
        Value::Number(_) => vec![replaced((-1).into()), replaced(0.5.into()), replaced("1".into())],
        Value::Bool(_) => vec![replaced(Value::Null), replaced(1.into())],
        Value::Array(_) => vec![replaced(Value::Null)],
        Value::String(text) if is_hex(text) => {
            let (_, short) = text.split_at(1);
            vec![replaced(short.into()), replaced(format!("{short}F").into())]
        }
        Value::String(_) => vec![replaced("".into()), replaced(1.into())],
        Value::Null => vec![replaced("".into())],
    }
}

/// Byte strings; a member without a name goes by the start of its key, which is a name all the same.
fn is_hex(text: &str) -> bool {
    let digits = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    digits && text.len() >= 2 && text.len().is_multiple_of(2) && text.len() != KEY_START
}
