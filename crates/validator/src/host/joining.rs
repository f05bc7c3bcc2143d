//! How a host that is too far behind starts from a snapshot: page by page from one peer, checked in
//! full when it is whole, dropped when it is not what it should be.

use std::sync::Arc;

use qratum_chain::codec::Decode;

use super::{Host, HostError, Moment, Output, Peer};
use crate::{
    ledger::Ledger,
    snapshot::{MAX_LENGTH, Page, Snapshot},
};

/// After so long without a page another peer may begin, in milliseconds.
const PATIENCE_MS: u64 = 5_000;
/// A snapshot that takes longer is given up, and pages hold up a starting host for no longer, in
/// milliseconds.
const LONGEST_MS: u64 = 10 * 60 * 1000;

/// A snapshot on its way.
#[derive(Debug)]
pub(super) struct Joining {
    peer: Peer,
    height: u64,
    total: u32,
    bytes: Vec<u8>,
    began_ms: u64,
    heard_ms: u64,
}

impl Joining {
    fn of(peer: Peer, page: &Page, now: Moment) -> Self {
        let Page { height, total, .. } = *page;
        let (began_ms, heard_ms) = (now.uptime_ms, now.uptime_ms);
        Self { peer, height, total, bytes: Vec::new(), began_ms, heard_ms }
    }

    /// Whether this page is the next one.
    fn awaits(&self, peer: Peer, page: &Page) -> bool {
        let place = usize::try_from(page.offset).ok();
        (self.peer, self.height, self.total) == (peer, page.height, page.total)
            && place == Some(self.bytes.len())
    }

    fn is_stale(&self, now: Moment) -> bool {
        let over = |since: u64, most: u64| since.saturating_add(most) <= now.uptime_ms;
        over(self.heard_ms, PATIENCE_MS) || over(self.began_ms, LONGEST_MS)
    }
}

impl Host {
    /// `peer` answered with a page of its snapshot, as it does not have the blocks that were asked for
    /// any more.
    ///
    /// # Errors
    /// [`HostError`]. A peer's fault is a note only.
    pub fn page(&mut self, peer: Peer, page: Page, now: Moment) -> Result<Vec<Output>, HostError> {
        let fits = usize::try_from(page.total).is_ok_and(|total| total <= MAX_LENGTH);
        if page.height <= self.ledger.tip().height.0 || !fits || page.bytes.is_empty() {
            return Ok(Vec::new());
        }
        if page.offset == 0 && self.joining.as_ref().is_none_or(|joining| joining.is_stale(now)) {
            self.joining = Some(Joining::of(peer, &page, now));
        }
        let Some(joining) = self.joining.as_mut().filter(|joining| joining.awaits(peer, &page)) else {
            return Ok(Vec::new());
        };
        joining.bytes.extend_from_slice(&page.bytes);
        joining.heard_ms = now.uptime_ms;
        let (got, total) = (joining.bytes.len(), usize::try_from(joining.total).unwrap_or_default());
        if now.uptime_ms < LONGEST_MS {
            self.greet_longer(now);
        }
        if got < total {
            let offset = u32::try_from(got).unwrap_or(u32::MAX);
            return Ok(vec![Output::AskPage { peer, height: page.height, offset }]);
        }
        let bytes = self.joining.take().map(|joining| joining.bytes).unwrap_or_default();
        Ok(self.join(peer, &bytes, now))
    }

    pub(super) fn awaits_page_of(&self, peer: Peer) -> bool {
        self.joining.as_ref().is_some_and(|joining| joining.peer == peer)
    }

    /// Starts from a whole snapshot, if it is one.
    fn join(&mut self, peer: Peer, bytes: &[u8], now: Moment) -> Vec<Output> {
        match self.judged(bytes, now) {
            Ok(ledger) => {
                let before = self.next_height();
                let height = ledger.tip().height;
                self.ledger = ledger;
                self.caught_up(before, now);
                vec![
                    Output::Found(Arc::new(bytes.to_vec())),
                    self.note_of(peer, format_args!("started from its snapshot at height {height}")),
                    Output::Ask(peer, self.next_height()),
                ]
            }
            Err(why) => {
                let mut out = vec![self.note_of(peer, format_args!("its snapshot: {why}"))];
                self.greeted(peer, now, &mut out);
                out
            }
        }
    }

    fn judged(&self, bytes: &[u8], now: Moment) -> Result<Ledger, String> {
        let snapshot = Snapshot::from_bytes(bytes).map_err(|why| why.to_string())?;
        self.ledger.founded(snapshot, Some(now.wall)).map_err(|why| why.to_string())
    }
}
