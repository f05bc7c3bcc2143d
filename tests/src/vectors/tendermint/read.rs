//! Reads the parts of a trace: Tendermint's JSON, with numbers as strings.

use qratum_chain::types::Time;

use super::super::{Fields, Unreadable};

/// A moment: whole seconds since 1970, and nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) seconds: i64,
    pub(super) nanos: u32,
}

impl Moment {
    /// Reads `YYYY-MM-DDThh:mm:ss[.fraction]Z`.
    pub(super) fn read(text: &str) -> Result<Self, Unreadable> {
        Self::parsed(text).ok_or_else(|| Unreadable(format!("{text:?} is no time")))
    }

    fn parsed(text: &str) -> Option<Self> {
        let (date, clock) = text.strip_suffix('Z')?.split_once('T')?;
        let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
        let [year, month, day] = numbers(date, '-')?;
        let [hour, minute, second] = numbers(clock, ':')?;
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) || !(1970..=9999).contains(&year) {
            return None;
        }
        if fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let nanos = format!("{fraction:0<9}").parse().ok()?;
        let seconds = (days(year, month, day) * 24 + hour) * 3600 + minute * 60 + second;
        Some(Self { seconds, nanos })
    }

    /// The millisecond it lies in: our headers count those.
    pub(super) fn millis(self) -> Time {
        let seconds = u64::try_from(self.seconds).unwrap_or(0);
        Time(seconds.saturating_mul(1000).saturating_add(u64::from(self.nanos / 1_000_000)))
    }
}

fn numbers(text: &str, between: char) -> Option<[i64; 3]> {
    let parts: Option<Vec<i64>> =
        text.split(between).map(|part| part.parse::<u16>().ok().map(i64::from)).collect();
    parts?.try_into().ok()
}

/// Days from 1970-01-01 to this date of the Gregorian calendar. Years are counted from March, so
/// that the day of a leap year comes last.
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1 - 719_468
}

/// A clock of ours from one of theirs.
pub(super) fn time(text: &str) -> Result<Time, Unreadable> {
    Moment::read(text).map(Moment::millis)
}

/// A member of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) address: Vec<u8>,
    pub(super) key: [u8; 32],
    pub(super) power: u64,
}

/// A set as it is listed in `set`, put into Tendermint's order: power falling, address rising.
pub(super) fn members(set: &Fields<'_>) -> Result<Vec<Member>, Unreadable> {
    let read = |value| {
        let member = Fields::of(value, "validator")?;
        let key = base64(member.fields("pub_key")?.text("value")?)?;
        Ok(Member {
            address: member.bytes("address")?,
            key: key.try_into().map_err(|_| Unreadable("a key has not 32 bytes".to_owned()))?,
            power: number(&member, "voting_power")?,
        })
    };
    let mut members = set.list("validators")?.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    members.sort_by(|a, b| b.power.cmp(&a.power).then_with(|| a.address.cmp(&b.address)));
    Ok(members)
}

/// A header, with what its hash is made of.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub(super) version: (u64, u64),
    pub(super) chain_id: String,
    pub(super) height: u64,
    pub(super) time: Moment,
    pub(super) validators_hash: Vec<u8>,
    pub(super) next_validators_hash: Vec<u8>,
    /// The other hashes, in the order of the header: last commit, data, consensus, application,
    /// last results, evidence.
    pub(super) others: [Vec<u8>; 6],
    pub(super) proposer: Vec<u8>,
}

impl Header {
    fn read(header: &Fields<'_>) -> Result<Self, Unreadable> {
        if header.has("last_block_id") {
            return Err(Unreadable("a header with a last_block_id is not translated".to_owned()));
        }
        let version = header.fields("version")?;
        let hash = |name: &str| header.bytes(name);
        Ok(Self {
            version: (number(&version, "block")?, number(&version, "app")?),
            chain_id: header.text("chain_id")?.to_owned(),
            height: number(header, "height")?,
            time: Moment::read(header.text("time")?)?,
            validators_hash: hash("validators_hash")?,
            next_validators_hash: hash("next_validators_hash")?,
            others: [
                hash("last_commit_hash")?,
                hash("data_hash")?,
                hash("consensus_hash")?,
                hash("app_hash")?,
                hash("last_results_hash")?,
                hash("evidence_hash")?,
            ],
            proposer: hash("proposer_address")?,
        })
    }
}

/// One place of a commit.
#[derive(Clone, Debug)]
pub(super) struct Vote {
    /// 1 absent, 2 for the block, 3 for nil.
    pub(super) flag: u64,
    pub(super) address: Vec<u8>,
    pub(super) time: Moment,
    pub(super) signature: Vec<u8>,
}

/// A commit.
#[derive(Clone, Debug)]
pub(super) struct Commit {
    pub(super) height: u64,
    pub(super) round: u32,
    pub(super) block: Vec<u8>,
    pub(super) parts: (u64, Vec<u8>),
    pub(super) votes: Vec<Vote>,
}

impl Commit {
    fn read(commit: &Fields<'_>) -> Result<Self, Unreadable> {
        let id = commit.fields("block_id")?;
        let parts = id.fields("part_set_header")?;
        let vote = |value| {
            let vote = Fields::of(value, "signature")?;
            Ok(Vote {
                flag: vote.number("block_id_flag")?,
                address: vote.bytes("validator_address")?,
                time: Moment::read(vote.text("timestamp")?)?,
                signature: if vote.has("signature") { base64(vote.text("signature")?)? } else { Vec::new() },
            })
        };
        Ok(Self {
            height: number(commit, "height")?,
            round: u32::try_from(commit.number("round")?)
                .map_err(|_| Unreadable("a round above 2^32".to_owned()))?,
            block: id.bytes("hash")?,
            parts: (parts.number("total")?, parts.bytes("hash")?),
            votes: commit.list("signatures")?.iter().map(vote).collect::<Result<_, _>>()?,
        })
    }
}

/// A signed header.
#[derive(Clone, Debug)]
pub(super) struct Signed {
    pub(super) header: Header,
    pub(super) commit: Commit,
}

impl Signed {
    pub(super) fn read(signed: &Fields<'_>) -> Result<Self, Unreadable> {
        Ok(Self {
            header: Header::read(&signed.fields("header")?)?,
            commit: Commit::read(&signed.fields("commit")?)?,
        })
    }
}

/// A light block.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) signed: Signed,
    pub(super) validators: Vec<Member>,
    pub(super) next: Vec<Member>,
}

impl Block {
    pub(super) fn read(block: &Fields<'_>) -> Result<Self, Unreadable> {
        Ok(Self {
            signed: Signed::read(&block.fields("signed_header")?)?,
            validators: members(&block.fields("validator_set")?)?,
            next: members(&block.fields("next_validator_set")?)?,
        })
    }
}

/// A number that Tendermint writes as a string.
pub(super) fn number(fields: &Fields<'_>, name: &str) -> Result<u64, Unreadable> {
    fields.text(name)?.parse().map_err(|_| Unreadable(format!("{name} is no number")))
}

/// Bytes in standard base64 with padding (RFC 4648 section 4).
fn base64(text: &str) -> Result<Vec<u8>, Unreadable> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Vec::new();
    for group in text.trim_end_matches('=').as_bytes().chunks(4) {
        let mut bits = 0u32;
        for letter in group {
            let value = ALPHABET.iter().position(|known| known == letter);
            let value = value.ok_or_else(|| Unreadable("no base64".to_owned()))?;
            bits = bits << 6 | u32::try_from(value).unwrap_or(0);
        }
        let missing = 4 - group.len();
        let [_, bytes @ ..] = (bits << (6 * missing)).to_be_bytes();
        out.extend_from_slice(bytes.get(..3 - missing.min(3)).unwrap_or_default());
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_counted_from_1970() {
        let seconds = |text| Moment::read(text).unwrap().seconds;
        assert_eq!(seconds("1970-01-01T00:00:01Z"), 1);
        assert_eq!(seconds("2000-02-29T12:00:00Z"), 951_825_600);
        assert_eq!(
            Moment::read("2020-11-18T12:37:13.160570303Z").unwrap(),
            Moment { seconds: 1_605_703_033, nanos: 160_570_303 }
        );
        assert_eq!(time("1970-01-01T00:00:01.0019Z"), Ok(Time(1001)));
        for wrong in ["", "1970-01-01", "1970-13-01T00:00:00Z", "1970-01-01T00:00Z", "1970-01-01T00:00:00.xZ"]
        {
            assert!(Moment::read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn base64_of_rfc_4648() {
        for (text, bytes) in [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYg==", "foob")]
        {
            assert_eq!(base64(text).unwrap(), bytes.as_bytes());
        }
        assert!(base64("Zm*v").is_err());
    }
}
