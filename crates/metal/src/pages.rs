//! Pages of memory for secrets: `guard | slack, canary, bytes | guard`.
//!
//! The bytes end where the upper guard begins, so one too many is a fault at once; below them lies
//! a canary, then the slack of the first page, then the lower guard. The pages are kept out of swap
//! and core dumps, and a forked child never reads them.
//!
//! Two ways, the better first:
//! - `memfd_secret` (Linux 5.14): locked, and out of the kernel's own map, so that not even
//!   `/proc/PID/mem` read by root shows them. `MADV_WIPEONFORK` is refused on them, so they are not
//!   inherited at all (`MADV_DONTFORK`): a child that touches them dies.
//! - anonymous pages with `mlock` and `MADV_WIPEONFORK`: a child reads zeros, which the canary tells
//!   from a secret.
//!
//! Why not `memsec::malloc`: it ignores the results of `mlock` and `mprotect`, so that over the
//! limit it hands out memory that may be swapped, and its pages survive a fork. Of memsec the parts
//! are used that have no such result: wiping and comparing.

use std::{
    fmt,
    fs::File,
    io::{self, Write as _},
    os::fd::{FromRawFd as _, OwnedFd},
    process,
    ptr::{self, NonNull},
};

use rustix::mm::{self, Advice, MapFlags, MprotectFlags, ProtFlags};

/// How pages are kept in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockStatus {
    /// Locked, and out of the kernel's own map of memory.
    MemfdSecret,
    /// Locked with `mlock`.
    Mlocked,
    /// May be swapped to disk: the error of `mlock`, as its number.
    Unlocked(i32),
}

impl LockStatus {
    /// Whether the pages never reach a disk.
    #[must_use]
    pub const fn is_locked(self) -> bool {
        !matches!(self, LockStatus::Unlocked(_))
    }
}

impl fmt::Display for LockStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LockStatus::MemfdSecret => f.write_str("locked, hidden from root (memfd_secret)"),
            LockStatus::Mlocked => f.write_str("locked (mlock)"),
            LockStatus::Unlocked(errno) => {
                write!(f, "NOT LOCKED: {}", io::Error::from_raw_os_error(*errno))
            }
        }
    }
}

/// `canary(a)` = a constant that no text and no counter holds, mixed with the address `a`, so that
/// neither another page's canary nor a wiped page passes. It finds mistakes, not forgers, and so
/// needs no randomness.
fn canary(address: usize) -> [u8; CANARY] {
    const PATTERN: u128 = 0xd1b5_4a32_d192_ed03_9e37_79b9_7f4a_7c15;
    (PATTERN ^ address as u128).to_le_bytes()
}

/// Length of the canary, in bytes.
pub(crate) const CANARY: usize = 16;

/// Sizes in bytes: of one guard, and of what lies between the guards.
#[derive(Clone, Copy)]
struct Layout {
    guard: usize,
    open: usize,
}

impl Layout {
    /// Room for `len` bytes and their canary; `None` beyond the address space.
    fn of(len: usize, page: usize) -> Option<Layout> {
        let open = len.checked_add(CANARY)?.checked_next_multiple_of(page)?;
        open.checked_add(page)?.checked_add(page)?;
        Some(Layout { guard: page, open })
    }

    const fn total(self) -> usize {
        self.guard + self.open + self.guard
    }
}

/// A whole mapping, unmapped on drop.
struct Mapping {
    start: NonNull<u8>,
    layout: Layout,
    /// The process that made it: in a forked child it is gone or wiped.
    owner: u32,
}

impl Mapping {
    /// A new mapping that nobody may touch yet: of `file`, or anonymous.
    fn new(layout: Layout, file: Option<&OwnedFd>) -> rustix::io::Result<Mapping> {
        let (anywhere, total, closed) = (ptr::null_mut(), layout.total(), ProtFlags::empty());
        let start = match file {
            // SAFETY: the kernel chooses the address, so nothing that exists is touched.
            Some(file) => unsafe { mm::mmap(anywhere, total, closed, MapFlags::SHARED, file, 0) },
            // SAFETY: as above.
            None => unsafe { mm::mmap_anonymous(anywhere, total, closed, MapFlags::PRIVATE) },
        };
        let start = NonNull::new(start?.cast()).ok_or(rustix::io::Errno::NOMEM)?;
        Ok(Mapping { start, layout, owner: process::id() })
    }

    /// Whether this process made it. A child must not touch it, nor unmap what the child may have put
    /// into the hole since.
    fn is_ours(&self) -> bool {
        self.owner == process::id()
    }

    /// The first byte above the lower guard.
    fn open_start(&self) -> NonNull<u8> {
        // SAFETY: the mapping is longer than one guard.
        unsafe { self.start.add(self.layout.guard) }
    }

    fn advise(&self, advice: Advice) -> rustix::io::Result<()> {
        // SAFETY: exactly the pages of this mapping; none of the advices used here changes them in
        // this process.
        unsafe { mm::madvise(self.start.as_ptr().cast(), self.layout.total(), advice) }
    }

    /// Makes what lies between the guards readable and writable.
    fn open(&self) -> rustix::io::Result<()> {
        let start = self.open_start().as_ptr().cast();
        // SAFETY: the pages between the guards, all of this mapping.
        unsafe { mm::mprotect(start, self.layout.open, MprotectFlags::READ | MprotectFlags::WRITE) }
    }

    fn lock(&self) -> LockStatus {
        let start = self.open_start().as_ptr().cast();
        // SAFETY: the pages between the guards, all of this mapping; locking changes no byte.
        match unsafe { mm::mlock(start, self.layout.open) } {
            Ok(()) => LockStatus::Mlocked,
            Err(error) => LockStatus::Unlocked(error.raw_os_error()),
        }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        if self.is_ours() {
            // SAFETY: made by `new`, and whoever owned it gives up every pointer into it.
            let _ = unsafe { mm::munmap(self.start.as_ptr().cast(), self.layout.total()) };
        }
    }
}

/// An anonymous file whose pages only this process can reach.
fn memfd_secret(len: usize) -> io::Result<OwnedFd> {
    // SAFETY: takes one integer and no pointer. Neither libc nor rustix has a function for it.
    let number = unsafe { libc::syscall(libc::SYS_memfd_secret, libc::O_CLOEXEC) };
    let number = i32::try_from(number).ok().filter(|number| *number >= 0);
    let number = number.ok_or_else(io::Error::last_os_error)?;
    // SAFETY: just opened, and owned by nobody else.
    let file = unsafe { OwnedFd::from_raw_fd(number) };
    let file = File::from(file);
    file.set_len(len as u64)?;
    Ok(file.into())
}

fn hidden(layout: Layout) -> io::Result<Mapping> {
    let mapping = Mapping::new(layout, Some(&memfd_secret(layout.total())?))?;
    mapping.advise(Advice::LinuxDontDump)?;
    mapping.advise(Advice::LinuxDontFork)?;
    mapping.open()?;
    Ok(mapping)
}

fn anonymous(layout: Layout) -> io::Result<(Mapping, LockStatus)> {
    let mapping = Mapping::new(layout, None)?;
    mapping.advise(Advice::LinuxDontDump)?;
    mapping.advise(Advice::LinuxWipeOnFork)?;
    mapping.open()?;
    let status = mapping.lock();
    Ok((mapping, status))
}

/// Guarded pages that hold `len` zero bytes at first, wiped on drop.
pub(crate) struct Pages {
    mapping: Mapping,
    len: usize,
    status: LockStatus,
}

// SAFETY: `Pages` owns its mapping as a `Box` owns its bytes, and hands out a pointer only; a
// mapping belongs to the process, not to a thread.
unsafe impl Send for Pages {}
// SAFETY: as above; through `&Pages` is written only while they are made or dropped, and in a slot
// that one owner holds.
unsafe impl Sync for Pages {}

impl Pages {
    /// Guarded pages with room for `len` bytes, locked in the best way that there is: see
    /// [`Pages::status`].
    ///
    /// # Errors
    /// The system has no memory, or the kernel lacks one of the advices (before Linux 4.14).
    pub(crate) fn new(len: usize) -> io::Result<Pages> {
        let layout = Layout::of(len, rustix::param::page_size()).ok_or(io::ErrorKind::OutOfMemory)?;
        let (mapping, status) = match hidden(layout) {
            Ok(mapping) => (mapping, LockStatus::MemfdSecret),
            Err(_) => anonymous(layout)?,
        };
        Ok(Pages::on(mapping, status, len))
    }

    fn on(mapping: Mapping, status: LockStatus, len: usize) -> Pages {
        let pages = Pages { mapping, len, status };
        pages.wipe();
        pages.set_canary();
        pages
    }

    pub(crate) fn status(&self) -> LockStatus {
        self.status
    }

    /// The first of the bytes.
    pub(crate) fn start(&self) -> NonNull<u8> {
        let Layout { open, .. } = self.mapping.layout;
        // SAFETY: `Layout::of` made `open` at least `len` long.
        unsafe { self.mapping.open_start().add(open - self.len) }
    }

    /// Whether this process made the pages: a forked child did not, and must not touch them.
    pub(crate) fn are_ours(&self) -> bool {
        self.mapping.is_ours()
    }

    fn canary_start(&self) -> NonNull<[u8; CANARY]> {
        // SAFETY: `Layout::of` left room for the canary below the bytes.
        unsafe { self.start().sub(CANARY) }.cast()
    }

    fn set_canary(&self) {
        let at = self.canary_start();
        // SAFETY: inside the open pages, aligned as bytes are, and nobody holds a reference to it.
        unsafe { at.write_volatile(canary(at.addr().get())) }
    }

    fn is_intact(&self) -> bool {
        let at = self.canary_start();
        // SAFETY: inside the open pages, and written by `set_canary`.
        canary(at.addr().get()) == unsafe { at.read_volatile() }
    }

    /// Ends the process where something wrote below the bytes, or where a fork wiped them: whoever
    /// went on would read a key of zeros.
    pub(crate) fn check(&self) {
        if !self.is_intact() {
            stop();
        }
    }

    /// Zeroes everything between the guards.
    fn wipe(&self) {
        let (start, len) = (self.mapping.open_start(), self.mapping.layout.open);
        // SAFETY: the open pages, to which nobody holds a reference while `self` is made or dropped.
        unsafe { memsec::memzero(start.as_ptr(), len) }
    }
}

/// Says why, and ends the process without running another line of it.
#[cold]
fn stop() -> ! {
    let _ = io::stderr().write_all(b"qratum: the guard of a secret is broken: stopped before it is used\n");
    process::abort()
}

impl Drop for Pages {
    fn drop(&mut self) {
        if !self.are_ours() {
            return;
        }
        let intact = self.is_intact();
        self.wipe();
        if !intact {
            stop();
        }
    }
}

#[cfg(test)]
mod tests;
