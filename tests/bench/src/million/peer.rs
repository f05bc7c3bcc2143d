//! The forged chain, and the answers that a serving peer gives from it.

use std::io::{Read, Write};

use qratum_chain::{
    codec::Encode as _, document::genesis_to_json, schedule, types::ChainParams, types::Height,
};
use qratum_tests::forge::{Forge, Team};
use serde_json::Value;

use super::wire::{Request, write_answer};
use crate::Outcome;

/// Power of each member; they are equal.
const POWER: u64 = 10;

/// Which members of a set, in index order, sign first: the least quorum is a prefix of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The 60% that stayed, then new ones: a set in between can be skipped.
    KeptFirst,
    /// The 40% that are new, then others: too few known keys sign to skip even one set.
    NewFirst,
}

/// A chain with everything that a peer keeps: all headers and the tree of their ids. Certificates
/// are made for the ends of sets and the tip, and for no other height.
#[derive(Debug)]
pub struct Chain {
    forge: Forge,
    tip: u64,
    set_length: u64,
}

impl Chain {
    /// A chain of `changes` sets of `set_length` blocks and `validators` members; at the end of
    /// each, also the last, 40% of the power is replaced.
    #[must_use]
    pub fn new(order: Order, validators: usize, changes: u64, set_length: u64) -> Self {
        let shift = validators as u64 * 2 / 5;
        let team = |set: u64| {
            let mut team = Team::new(1 + set * shift, &vec![POWER; validators]);
            if order == Order::NewFirst {
                team.members.reverse();
            }
            team
        };
        let params = ChainParams { set_length, ..ChainParams::default() };
        let tip = changes * set_length;
        let forge = Forge::new(params, (0..=changes).map(team).collect()).grown(tip);
        Self { forge, tip, set_length }
    }

    /// Answers requests until the client reports.
    ///
    /// # Errors
    /// When the pipe breaks, or the client asks for what no peer keeps.
    pub fn serve(&self, mut requests: impl Read, answers: &mut impl Write) -> Outcome<Value> {
        loop {
            let answer = match Request::read(&mut requests)? {
                Request::Genesis => self.genesis()?,
                Request::Now => self.forge.now().0.to_le_bytes().to_vec(),
                Request::Tip => self.block(self.tip)?,
                Request::Block(height) => self.block(height)?,
                Request::Header(height) => self.header(height)?,
                Request::AuditPath(height, size) => self.audit_path(height, size)?,
                Request::Report(length) => {
                    let mut report = Vec::new();
                    requests.take(length).read_to_end(&mut report)?;
                    return Ok(serde_json::from_slice(&report)?);
                }
            };
            write_answer(answers, &answer)?;
        }
    }

    fn genesis(&self) -> Outcome<Vec<u8>> {
        let document = genesis_to_json(&self.forge.genesis).map_err(|error| error.to_string())?;
        Ok(document.into_bytes())
    }

    fn block(&self, height: u64) -> Outcome<Vec<u8>> {
        let kept = height == self.tip || schedule::is_boundary(Height(height), self.set_length);
        if !kept || height > self.tip {
            return Err(format!("no certificate is kept for height {height}").into());
        }
        Ok(self.forge.block(height).to_bytes())
    }

    fn header(&self, height: u64) -> Outcome<Vec<u8>> {
        if height > self.tip {
            return Err(format!("no header at height {height}").into());
        }
        Ok(self.forge.header(height).to_bytes())
    }

    fn audit_path(&self, height: u64, size: u64) -> Outcome<Vec<u8>> {
        let path = self.forge.history.inclusion(height, size).ok_or("no such height below that head")?;
        Ok(path.iter().flat_map(|hash| hash.0).collect())
    }
}
