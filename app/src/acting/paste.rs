//! An act as a short text, that goes by hand or by the clipboard between the machine that sees the chain
//! and the one that has the security key. What is copied wrongly is refused: the text carries its sum.

use core::fmt;

use qratum_chain::{
    codec::{Decode as _, Encode as _, Reader, put_bytes},
    ledger::Act,
    types::{BlockRef, CredentialId, People, Txo, TxoBody},
};

use crate::hex;

/// The longest request in bytes, as text.
pub(crate) const MOST_REQUEST: usize = 2 << 10;
/// The longest text that is read.
pub(crate) const MOST: usize = 4 * Txo::MAX_LENGTH;
/// Hex digits in a line.
const LINE: usize = 64;

/// What is to be signed elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ToSign {
    /// What is said.
    pub(crate) body: TxoBody,
    /// The credential that is to seal it.
    pub(crate) credential: CredentialId,
    /// The name under which security keys know the chain.
    pub(crate) rp_id: String,
    /// The newest block where the text was made: the biokey is said to be opened there.
    pub(crate) at: BlockRef,
}

/// A text that is none of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It does not start and end as it should, or has something else in it.
    Form,
    /// The sum is another one.
    Sum,
    /// The bytes are none.
    Bytes,
    /// It says no act.
    NoAct,
    /// It is longer than [`MOST_REQUEST`].
    TooLong,
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "it is no such text, or not all of it: it starts with `qratum` and ends with `end`",
            Self::Sum => "it was changed on the way: copy it again",
            Self::Bytes => "its content is no request and no answer",
            Self::NoAct => "what it would have signed is no act of a person",
            Self::TooLong => "it is too long to be carried as text",
        })
    }
}

impl ToSign {
    /// The text, of at most [`MOST_REQUEST`] bytes.
    ///
    /// # Errors
    /// [`Unread::TooLong`].
    pub(crate) fn to_text(&self) -> Result<String, Unread> {
        let mut bytes = Vec::new();
        put_bytes(&mut bytes, &self.body.to_bytes());
        self.credential.encode(&mut bytes);
        put_bytes(&mut bytes, self.rp_id.as_bytes());
        self.at.encode(&mut bytes);
        let text = wrapped("request", &bytes);
        if text.len() <= MOST_REQUEST { Ok(text) } else { Err(Unread::TooLong) }
    }

    /// Reads such a text, and the act that is in it.
    ///
    /// # Errors
    /// [`Unread`].
    pub(crate) fn of_text(text: &str) -> Result<(Self, Act), Unread> {
        if text.len() > MOST_REQUEST.saturating_mul(2) {
            return Err(Unread::TooLong);
        }
        let bytes = unwrapped("request", text)?;
        let read = |bytes: &[u8]| {
            let mut reader = Reader::new(bytes);
            let body = TxoBody::from_bytes(reader.bytes("body", MOST_REQUEST)?)?;
            let credential = CredentialId::decode(&mut reader)?;
            let rp_id = reader.bytes("rp-id", People::MAX_RP_ID)?.to_vec();
            let at = BlockRef::decode(&mut reader)?;
            let whole = reader.remaining() == 0;
            Ok::<_, qratum_chain::codec::Malformed>((body, credential, rp_id, at, whole))
        };
        let (body, credential, rp_id, at, whole) = read(&bytes).map_err(|_| Unread::Bytes)?;
        let rp_id = String::from_utf8(rp_id).map_err(|_| Unread::Bytes)?;
        let act = Act::from_bytes(&body.payload).map_err(|_| Unread::NoAct)?;
        if whole { Ok((Self { body, credential, rp_id, at }, act)) } else { Err(Unread::Bytes) }
    }
}

/// The answer to such a text, and what the journal keeps: the sealed transaction.
pub(crate) fn answer(txo: &Txo) -> String {
    wrapped("answer", &txo.to_bytes())
}

/// Reads an answer, and the act that is in it.
///
/// # Errors
/// [`Unread`].
pub(crate) fn of_answer(text: &str) -> Result<(Txo, Act), Unread> {
    let txo = Txo::from_bytes(&unwrapped("answer", text)?).map_err(|_| Unread::Bytes)?;
    let act = Act::from_bytes(&txo.body.payload).map_err(|_| Unread::NoAct)?;
    Ok((txo, act))
}

/// `qratum KIND SUM`, the bytes in hex, `end`.
fn wrapped(kind: &str, bytes: &[u8]) -> String {
    let mut text = format!("qratum {kind} {:08x}\n", crc32fast::hash(bytes));
    for (place, digit) in hex::of(bytes).chars().enumerate() {
        text.push(digit);
        if place % LINE == LINE - 1 {
            text.push('\n');
        }
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str("end\n");
    text
}

/// The bytes in such a text, whatever stands around it.
fn unwrapped(kind: &str, text: &str) -> Result<Vec<u8>, Unread> {
    let mut lines = text.lines().map(str::trim);
    let start = format!("qratum {kind} ");
    let sum = lines.find_map(|line| line.strip_prefix(&start)).ok_or(Unread::Form)?;
    let (mut digits, mut ended) = (String::new(), false);
    for line in lines {
        if line == "end" {
            ended = true;
            break;
        }
        digits.push_str(line);
    }
    let bytes = hex::bytes(digits.as_bytes()).filter(|_| ended).ok_or(Unread::Form)?;
    if sum == format!("{:08x}", crc32fast::hash(&bytes)) { Ok(bytes) } else { Err(Unread::Sum) }
}

#[cfg(test)]
mod tests {
    use qratum_chain::{
        Hash,
        ledger::{Answer, Step},
        types::{AccountId, BlockId, ChainId, Height, RequestId, Role, Sender, TxoClass},
    };

    use super::*;

    fn to_sign() -> ToSign {
        let step = Step::Approve(Answer { request: RequestId(Hash([7; 32])), role: Role::Technical });
        let act = Act { from: Height(9), until: Height(99), step };
        ToSign {
            body: TxoBody {
                chain_id: ChainId(Hash([1; 32])),
                sender: Sender::Account(AccountId::new("bob").unwrap()),
                nonce: 3,
                class: TxoClass::Admin,
                payload: act.to_bytes(),
            },
            credential: CredentialId::of(b"key"),
            rp_id: "test.qratum.invalid".to_owned(),
            at: BlockRef { height: Height(9), block_id: BlockId(Hash([2; 32])) },
        }
    }

    #[test]
    fn what_is_carried_as_text_comes_back_and_is_short() {
        let (sent, text) = (to_sign(), to_sign().to_text().unwrap());
        assert!(text.len() < 1024, "{}", text.len());
        assert!(text.lines().all(|line| line.len() <= LINE));
        let quoted = format!("Dear bob,\r\n\r\n{}\r\nyours", text.replace('\n', "  \r\n  "));
        let (got, act) = ToSign::of_text(&quoted).unwrap();
        assert_eq!((got, act.to_bytes()), (sent.clone(), sent.body.payload));
    }

    /// Each single digit counts, and no part passes for the whole.
    #[test]
    fn what_was_changed_on_the_way_is_refused() {
        let text = to_sign().to_text().unwrap();
        let body = text.find('\n').unwrap() + 1..text.rfind("\nend").unwrap();
        for at in body.clone().filter(|at| text.as_bytes()[*at] != b'\n') {
            let mut other = text.clone().into_bytes();
            other[at] = if other[at] == b'0' { b'1' } else { b'0' };
            assert_eq!(ToSign::of_text(&String::from_utf8(other).unwrap()), Err(Unread::Sum), "{at}");
        }
        assert_eq!(ToSign::of_text(&text[..body.end]), Err(Unread::Form), "no end");
        assert_eq!(ToSign::of_text(&text.replace("request", "answer")), Err(Unread::Form));
        assert_eq!(of_answer(&text.replace("request", "answer")), Err(Unread::Bytes));
    }
}
