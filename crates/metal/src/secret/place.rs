//! Where a secret lies: in a slot of the slab, or on pages of its own.

use std::{io, ptr::NonNull};

use super::slab::{SLOT, Slab};
use crate::pages::{LockStatus, Pages};

enum Home {
    Slot(&'static Slab, u16),
    Pages(Pages),
}

/// Bytes that one owner may read and write, all zero at first, wiped on drop: `T` is `[u8; N]` or
/// `[u8]`.
pub(super) struct Place<T: ?Sized> {
    bytes: NonNull<T>,
    home: Home,
}

// SAFETY: a `Place` owns its bytes as a `Box` does: nobody else has a pointer to them.
unsafe impl<T: ?Sized + Send> Send for Place<T> {}
// SAFETY: as above; through `&Place` they are only read.
unsafe impl<T: ?Sized + Sync> Sync for Place<T> {}

impl<const N: usize> Place<[u8; N]> {
    /// A slot of the slab, or pages of its own where `N` is too long for one, none is left, or the slab
    /// as a whole could not be locked: a few pages may be locked where many may not.
    pub(super) fn small() -> io::Result<Self> {
        let slab = if N <= SLOT { Slab::of_process() } else { None };
        let slot = slab.filter(|slab| slab.pages().status().is_locked()).and_then(Slab::take);
        let (start, home) = match slot {
            Some((slab, index, start)) => (start, Home::Slot(slab, index)),
            None => on_pages(N)?,
        };
        Ok(Place { bytes: start.cast(), home })
    }

    /// Pages that no other secret shares.
    pub(super) fn alone() -> io::Result<Self> {
        let (start, home) = on_pages(N)?;
        Ok(Place { bytes: start.cast(), home })
    }
}

impl Place<[u8]> {
    /// `len` bytes on pages that no other secret shares.
    pub(super) fn pages(len: usize) -> io::Result<Self> {
        let (start, home) = on_pages(len)?;
        Ok(Place { bytes: NonNull::slice_from_raw_parts(start, len), home })
    }
}

fn on_pages(len: usize) -> io::Result<(NonNull<u8>, Home)> {
    let pages = Pages::new(len)?;
    Ok((pages.start(), Home::Pages(pages)))
}

impl<T: ?Sized> Place<T> {
    fn lying_on(&self) -> &Pages {
        match &self.home {
            Home::Slot(slab, _) => slab.pages(),
            Home::Pages(pages) => pages,
        }
    }

    pub(super) fn status(&self) -> LockStatus {
        self.lying_on().status()
    }

    pub(super) fn get(&self) -> &T {
        self.lying_on().check();
        // SAFETY: initialised bytes that live as long as `self`, and only `&mut self` writes them.
        unsafe { self.bytes.as_ref() }
    }

    pub(super) fn get_mut(&mut self) -> &mut T {
        self.lying_on().check();
        // SAFETY: as in `get`; `&mut self` is the only way to them meanwhile.
        unsafe { self.bytes.as_mut() }
    }
}

impl<T: ?Sized> Drop for Place<T> {
    fn drop(&mut self) {
        if let Home::Slot(slab, index) = self.home {
            slab.give_back(index, self.bytes.cast());
        }
    }
}
