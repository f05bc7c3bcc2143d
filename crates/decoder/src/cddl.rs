//! The part of CDDL (RFC 8610) that `assets/schemas/act.cddl` is written in.
//!
//! ```text
//! rule   = name "=" choice
//! choice = type *("/" type)
//! type   = item ["." control item]
//! item   = number / name / "&(" name ":" number *("," name ":" number) ")"
//!        / "[" member *("," member) "]" / "{" member *("," member) "}"
//! member = ["*"] [(name / number) ":"] choice
//! ```

use core::iter::Peekable;
use std::{collections::BTreeMap, vec::IntoIter};

/// Rules by their names.
#[derive(Clone, Debug)]
pub struct Schema(BTreeMap<String, Type>);

/// A text that is no schema, or one that this version cannot read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadSchema {
    /// In this line, from 1 on.
    pub line: usize,
    /// What was expected there.
    pub wanted: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    /// Whatever the rule of this name says.
    Rule(String),
    /// This number and no other.
    Literal(u64),
    /// A number; where it lies outside CBOR, of so many bytes.
    Uint(Option<u64>),
    /// Bytes; so many, where that is said.
    Bytes(Option<u64>),
    Text,
    /// Yes or no.
    Bool,
    /// A number that stands for a word.
    Word(Vec<(String, u64)>),
    /// A set of the words of a rule, one bit for each.
    Bits(String),
    Array(Vec<Member>),
    Map(Vec<Member>),
    /// Items of one kind, any number of them.
    List(Box<Member>),
    /// The one that fits.
    Choice(Vec<Type>),
    /// Bytes that are CBOR in turn.
    Cbor(Box<Type>),
    /// Bytes that are not.
    Layout(Box<Type>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    /// What it is called; else what its rule is called.
    pub(crate) label: Option<String>,
    /// Its key in a map.
    pub(crate) key: Option<u64>,
    pub(crate) of: Type,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Name(String),
    Number(u64),
    Control(String),
    Sign(char),
}

impl Schema {
    /// Reads a schema.
    ///
    /// # Errors
    /// [`BadSchema`], for the first thing that is not expected.
    pub fn parse(text: &str) -> Result<Self, BadSchema> {
        let tokens = tokens(text)?;
        let mut parser = Parser { line: 1, tokens: tokens.into_iter().peekable() };
        let mut rules = BTreeMap::new();
        while parser.tokens.peek().is_some() {
            let name = parser.name()?;
            parser.sign('=')?;
            rules.insert(name, parser.choice()?);
        }
        Ok(Self(rules))
    }

    pub(crate) fn rule(&self, name: &str) -> Option<&Type> {
        self.0.get(name)
    }
}

/// The words, numbers and signs of a text, each with its line.
fn tokens(text: &str) -> Result<Vec<(usize, Token)>, BadSchema> {
    let mut found = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        let mut rest = text.split(';').next().unwrap_or_default().trim_start();
        while let Some(first) = rest.chars().next() {
            let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            let word = |text: &str| text.split(|c| !is_word(c)).next().unwrap_or_default().to_owned();
            let (token, length) = match first {
                '0'..='9' => {
                    let digits = word(rest);
                    let number = digits.parse().map_err(|_| BadSchema { line, wanted: "a number" })?;
                    (Token::Number(number), digits.len())
                }
                '.' => {
                    let name = word(rest.get(1..).unwrap_or_default());
                    let length = name.len().saturating_add(1);
                    (Token::Control(name), length)
                }
                'a'..='z' => {
                    let name = word(rest);
                    let length = name.len();
                    (Token::Name(name), length)
                }
                '=' | '/' | '[' | ']' | '{' | '}' | '(' | ')' | '&' | ':' | ',' | '*' => {
                    (Token::Sign(first), 1)
                }
                _ => return Err(BadSchema { line, wanted: "a sign of CDDL" }),
            };
            found.push((line, token));
            rest = rest.get(length..).unwrap_or_default().trim_start();
        }
    }
    Ok(found)
}

struct Parser {
    /// Of the token that was taken last.
    line: usize,
    tokens: Peekable<IntoIter<(usize, Token)>>,
}

impl Parser {
    const fn bad(&self, wanted: &'static str) -> BadSchema {
        BadSchema { line: self.line, wanted }
    }

    fn next(&mut self) -> Option<Token> {
        let (line, token) = self.tokens.next()?;
        self.line = line;
        Some(token)
    }

    /// Takes this sign, where it is next.
    fn takes(&mut self, sign: char) -> bool {
        self.tokens.next_if(|(_, token)| *token == Token::Sign(sign)).is_some()
    }

    fn sign(&mut self, sign: char) -> Result<(), BadSchema> {
        if self.takes(sign) { Ok(()) } else { Err(self.bad("another sign")) }
    }

    fn name(&mut self) -> Result<String, BadSchema> {
        match self.next() {
            Some(Token::Name(name)) => Ok(name),
            _ => Err(self.bad("a name")),
        }
    }

    fn number(&mut self) -> Result<u64, BadSchema> {
        match self.next() {
            Some(Token::Number(number)) => Ok(number),
            _ => Err(self.bad("a number")),
        }
    }

    fn choice(&mut self) -> Result<Type, BadSchema> {
        let first = self.controlled()?;
        let mut all = vec![first.clone()];
        while self.takes('/') {
            all.push(self.controlled()?);
        }
        Ok(if all.len() == 1 { first } else { Type::Choice(all) })
    }

    fn controlled(&mut self) -> Result<Type, BadSchema> {
        let item = self.item()?;
        let is_control = |(_, token): &(usize, Token)| matches!(token, Token::Control(_));
        let Some((line, Token::Control(control))) = self.tokens.next_if(is_control) else { return Ok(item) };
        self.line = line;
        match (item, control.as_str()) {
            (Type::Uint(None), "size") => self.number().map(|size| Type::Uint(Some(size))),
            (Type::Uint(None), "bits") => self.name().map(Type::Bits),
            (Type::Bytes(None), "size") => self.number().map(|size| Type::Bytes(Some(size))),
            (Type::Bytes(None), "cbor") => self.item().map(|of| Type::Cbor(Box::new(of))),
            (Type::Bytes(None), "layout") => self.item().map(|of| Type::Layout(Box::new(of))),
            _ => Err(self.bad("another control")),
        }
    }

    fn item(&mut self) -> Result<Type, BadSchema> {
        match self.next() {
            Some(Token::Number(number)) => Ok(Type::Literal(number)),
            Some(Token::Name(name)) => Ok(match name.as_str() {
                "uint" => Type::Uint(None),
                "bstr" => Type::Bytes(None),
                "tstr" => Type::Text,
                "bool" => Type::Bool,
                _ => Type::Rule(name),
            }),
            Some(Token::Sign('&')) => self.words(),
            Some(Token::Sign('[')) if self.takes('*') => {
                let member = self.member()?;
                self.sign(']')?;
                Ok(Type::List(Box::new(member)))
            }
            Some(Token::Sign('[')) => self.members(']').map(Type::Array),
            Some(Token::Sign('{')) => self.members('}').map(Type::Map),
            _ => Err(self.bad("a type")),
        }
    }

    fn words(&mut self) -> Result<Type, BadSchema> {
        self.sign('(')?;
        let mut words = Vec::new();
        loop {
            let word = self.name()?;
            self.sign(':')?;
            words.push((word, self.number()?));
            if !self.takes(',') {
                break;
            }
        }
        self.sign(')')?;
        Ok(Type::Word(words))
    }

    fn members(&mut self, end: char) -> Result<Vec<Member>, BadSchema> {
        let mut members = vec![self.member()?];
        while self.takes(',') {
            members.push(self.member()?);
        }
        self.sign(end)?;
        Ok(members)
    }

    /// What stands before a colon is no type.
    fn member(&mut self) -> Result<Member, BadSchema> {
        let of = self.choice()?;
        if !self.takes(':') {
            return Ok(Member { label: None, key: None, of });
        }
        let (label, key) = match of {
            Type::Rule(label) => (Some(label), None),
            Type::Literal(key) => (None, Some(key)),
            _ => return Err(self.bad("a label or a key before the colon")),
        };
        Ok(Member { label, key, of: self.choice()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_read_as_it_stands() {
        let schema =
            Schema::parse("a = { 0: b, 1: bstr .size 2 } ; a map\nb = [x: uint, [* a]] / 7").unwrap();
        let member = |label: Option<&str>, key, of| Member { label: label.map(str::to_owned), key, of };
        let map = vec![
            member(None, Some(0), Type::Rule("b".to_owned())),
            member(None, Some(1), Type::Bytes(Some(2))),
        ];
        assert_eq!(schema.rule("a"), Some(&Type::Map(map)));
        let list = Type::List(Box::new(member(None, None, Type::Rule("a".to_owned()))));
        let array = Type::Array(vec![member(Some("x"), None, Type::Uint(None)), member(None, None, list)]);
        assert_eq!(schema.rule("b"), Some(&Type::Choice(vec![array, Type::Literal(7)])));
    }

    #[test]
    fn what_is_no_schema_is_refused_with_its_line() {
        for (text, line, wanted) in [
            ("a = {", 1, "a type"),
            ("a = 1\nb [1]", 2, "another sign"),
            ("a = uint\n\nb = uint .regexp 3", 3, "another control"),
            ("a = \"text\"", 1, "a sign of CDDL"),
            ("a = &(one: two)", 1, "a number"),
            ("a = 99999999999999999999", 1, "a number"),
        ] {
            assert_eq!(Schema::parse(text).unwrap_err(), BadSchema { line, wanted }, "{text}");
        }
    }
}
