//! One set of locked pages that all small secrets of the process share: locking a page for each costs
//! a dozen microseconds and 12 KiB of the limit.

use std::{
    ptr::NonNull,
    sync::{Mutex, OnceLock, PoisonError},
};

use crate::pages::{CANARY, Pages};

/// Bytes of a slot: the longest small secret (two states of a 512-bit hash).
pub(super) const SLOT: usize = 128;

/// Pages between the guards, of 4 KiB.
const PAGES: usize = 16;

/// As many slots as fit above the canary.
const SLOTS: u16 = ((PAGES * 4096 - CANARY) / SLOT) as u16;

pub(super) struct Slab {
    pages: Pages,
    free: Mutex<Vec<u16>>,
}

impl Slab {
    /// The slab of this process, made at its first use; none where the system has no memory for it.
    pub(super) fn of_process() -> Option<&'static Slab> {
        static SLAB: OnceLock<Option<Slab>> = OnceLock::new();
        SLAB.get_or_init(Slab::new).as_ref()
    }

    fn new() -> Option<Slab> {
        let pages = Pages::new(usize::from(SLOTS) * SLOT).ok()?;
        Some(Slab { pages, free: Mutex::new((0..SLOTS).rev().collect()) })
    }

    pub(super) fn pages(&self) -> &Pages {
        &self.pages
    }

    /// A slot of zeros that belongs to the caller until [`Slab::give_back`].
    pub(super) fn take(&'static self) -> Option<(&'static Slab, u16, NonNull<u8>)> {
        let index = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
        // SAFETY: `index` is below `SLOTS`, so the slot lies inside the bytes of the pages.
        let start = unsafe { self.pages.start().add(usize::from(index) * SLOT) };
        Some((self, index, start))
    }

    /// Wipes the slot and lets others have it.
    pub(super) fn give_back(&self, index: u16, start: NonNull<u8>) {
        if !self.pages.are_ours() {
            return;
        }
        // SAFETY: the slot that `take` handed out, which its owner gives up.
        unsafe { memsec::memzero(start.as_ptr(), SLOT) };
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(index);
    }
}
