//! Which blocks of a disk may lie below a ledger that was founded on a checkpoint?

use qratum_chain::{
    Hash,
    schedule::is_boundary,
    types::{Certificate, Header},
};

use super::Ledger;
use crate::{
    block::{Block, Decided},
    quorum,
};

impl Ledger {
    /// Puts blocks of a disk back below a ledger that was founded on a checkpoint and has no block yet:
    /// from the checkpoint down, at most so many and as long as each is the one that the block above it
    /// names, whole and with a quorum of its set. The lowest of `blocks` only serves as what lies below.
    pub fn underlay(&mut self, blocks: Vec<Decided>, most: u64) {
        let top = self.below.height;
        let mut rest = blocks.into_iter().rev().skip_while(|block| block.height() > top).peekable();
        while let Some(decided) = rest.next()
            && top.0.saturating_sub(self.below.height.0) < most
            && let Some(under) = self.under(&decided.block, rest.peek())
            && self.is_whole(&decided)
        {
            self.list(&decided);
            self.blocks.push_front(decided);
            self.below = under;
        }
    }

    /// The header below a block: that of the block before it, or of genesis.
    fn under(&self, block: &Block, before: Option<&Decided>) -> Option<Header> {
        let before = before.map(|decided| decided.block.header.clone());
        let under = before.or_else(|| self.genesis.header().ok())?;
        (under.id() == block.header.parent).then_some(under)
    }

    /// Whether this is the block of the header below the others, with all that it names, decided.
    fn is_whole(&self, Decided { block, certificate }: &Decided) -> bool {
        let Block { header, last_certificate, body } = block;
        let ends_set = is_boundary(header.height, self.params().set_length);
        let last = last_certificate.as_ref().map_or(Hash::ZERO, Certificate::hash);
        header.id() == self.below.id()
            && (header.tx_root, header.evidence_root) == (body.tx_root(), body.evidence_root())
            && header.last_certificate == last
            && quorum::verify_kept(self.set_at(header.height), header, certificate, ends_set).is_ok()
    }
}
