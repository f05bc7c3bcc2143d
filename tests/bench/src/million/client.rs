//! The client: the product's sync machine and proof checker on the end of a pipe.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Write},
    time::Duration,
};

use cpu_time::ProcessTime;
use qratum_chain::{
    Hash,
    codec::{Decode as _, Reader},
    document::genesis_from_json,
    types::{Header, LightBlock, Time},
};
use qratum_crypto::hash;
use qratum_verifier::{
    Trusted, proof,
    sync::{Ask, Sync, Then},
};
use serde::{Deserialize, Serialize};

use super::wire::{Request, read_answer};
use crate::Outcome;

/// How many heights are proven, where the chain has as many.
const SAMPLES: u64 = 1000;

/// What following the chain cost the client.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// The height that was reached.
    pub tip: u64,
    /// Certificates whose signatures were verified.
    pub certificates: u64,
    /// Light blocks asked for.
    pub fetched: u64,
    /// Bytes of all answers.
    pub received: u64,
    /// CPU time of the process from its start to the tip, in microseconds.
    pub sync_us: u64,
    /// Heights proven by the history root.
    pub proven: u64,
    /// CPU time of those proofs, in microseconds.
    pub proofs_us: u64,
    /// The most memory the process ever had resident (`VmHWM`), in KiB.
    pub memory_kib: u64,
}

/// Follows the chain at the other end of the pipe to its tip, proves headers below it, reports.
///
/// # Errors
/// The first thing that does not verify, or a broken pipe.
pub fn run(input: impl Read, mut output: impl Write) -> Outcome<()> {
    let mut peer = Peer { input, output: &mut output, received: 0 };
    let (sync, certificates, fetched) = follow(&mut peer)?;
    let sync_time = ProcessTime::try_now()?.as_duration();
    let proven = prove_samples(sync.head(), &mut peer)?;
    let all_time = ProcessTime::try_now()?.as_duration();
    let report = Report {
        tip: sync.head().header().get().height.0,
        certificates,
        fetched,
        received: peer.received,
        sync_us: micros(sync_time)?,
        proven,
        proofs_us: micros(all_time.saturating_sub(sync_time))?,
        memory_kib: peak_memory(&fs::read_to_string("/proc/self/status")?)?,
    };
    let report = serde_json::to_vec(&report)?;
    Request::Report(report.len() as u64).write(&mut output)?;
    output.write_all(&report)?;
    Ok(output.flush()?)
}

struct Peer<R, W> {
    input: R,
    output: W,
    received: u64,
}

impl<R: Read, W: Write> Peer<R, W> {
    fn ask(&mut self, request: Request) -> Outcome<Vec<u8>> {
        request.write(&mut self.output)?;
        let answer = read_answer(&mut self.input)?;
        self.received += answer.len() as u64;
        Ok(answer)
    }
}

/// Asks what the machine wants to know until it has reached the first tip it heard of. Returns it,
/// with the certificates checked and the blocks fetched.
fn follow(peer: &mut Peer<impl Read, impl Write>) -> Outcome<(Sync, u64, u64)> {
    let genesis =
        genesis_from_json(&peer.ask(Request::Genesis)?).map_err(|error| format!("genesis: {error:?}"))?;
    let (anchor, rules) = Trusted::genesis(&genesis).map_err(|error| error.to_string())?;
    let now = peer.ask(Request::Now)?;
    let now = Time(u64::from_le_bytes(*now.first_chunk().ok_or("a short time")?));
    let mut sync = Sync::new(anchor, rules);
    let (mut certificates, mut fetched) = (0, 0);
    loop {
        let request = match sync.ask() {
            Ask::Tip => Request::Tip,
            Ask::Block(height) => Request::Block(height.0),
            Ask::History { height, size } => Request::AuditPath(height.0, size.0),
        };
        let answer = peer.ask(request)?;
        let progress = if let Request::AuditPath(..) = request {
            sync.link(&hashes(&answer)?)
        } else {
            fetched += 1;
            let block = LightBlock::from_bytes(&answer).map_err(|malformed| malformed.to_string())?;
            sync.answer(block, now)
        };
        certificates += u64::from(progress.advanced.is_some());
        match progress.then {
            Then::Current => return Ok((sync, certificates, fetched)),
            Then::Waiting => {}
            refused => return Err(format!("{refused:?}").into()),
        }
    }
}

/// Proves headers below `head` by its history root, each with an audit path from the peer.
fn prove_samples(head: &Trusted, peer: &mut Peer<impl Read, impl Write>) -> Outcome<u64> {
    let heights = samples(head.header().get().height.0)?;
    for height in &heights {
        let header = Header::from_bytes(&peer.ask(Request::Header(*height))?);
        let header = header.map_err(|malformed| malformed.to_string())?;
        let path = hashes(&peer.ask(Request::AuditPath(*height, head.header().get().height.0))?)?;
        let proven = proof::in_history(&header, head, &path).map_err(|reject| format!("{reject:?}"))?;
        if proven.get().height.0 != *height {
            return Err(format!("asked for height {height}, got another one").into());
        }
    }
    Ok(heights.len() as u64)
}

/// Heights below `tip`: both ends and others that look random, or all where there are not more.
fn samples(tip: u64) -> Outcome<BTreeSet<u64>> {
    if tip <= SAMPLES {
        return Ok((0..tip).collect());
    }
    let mut heights = BTreeSet::from([0, tip - 1]);
    for seed in 0u64.. {
        if heights.len() as u64 == SAMPLES {
            break;
        }
        let bytes = hash::sha2_256(&seed.to_le_bytes()).0;
        heights.insert(u64::from_le_bytes(*bytes.first_chunk().ok_or("a short hash")?) % tip);
    }
    Ok(heights)
}

fn hashes(bytes: &[u8]) -> Outcome<Vec<Hash>> {
    let mut reader = Reader::new(bytes);
    let mut hashes = Vec::new();
    while reader.remaining() > 0 {
        hashes.push(Hash::decode(&mut reader).map_err(|malformed| malformed.to_string())?);
    }
    Ok(hashes)
}

/// `VmHWM` of a process's status, in KiB.
fn peak_memory(status: &str) -> Outcome<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}

fn micros(time: Duration) -> Outcome<u64> {
    Ok(u64::try_from(time.as_micros())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_heights_are_sampled_with_both_ends() {
        let heights = samples(1_000_000).unwrap();
        assert_eq!(heights.len(), 1000);
        assert!(heights.contains(&0) && heights.contains(&999_999) && !heights.contains(&1_000_000));
        assert_eq!(samples(3).unwrap().len(), 3);
    }

    #[test]
    fn peak_memory_is_read_from_the_status() {
        assert_eq!(peak_memory("Name:\tx\nVmHWM:\t    7340 kB\nVmRSS:\t 1 kB\n").unwrap(), 7340);
        assert!(peak_memory("VmRSS:\t 1 kB\n").is_err());
    }
}
