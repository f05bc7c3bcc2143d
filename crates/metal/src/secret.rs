//! The one kind of buffer in which a secret lives: locked, seen in a closure, wiped on drop.
//!
//! [`Locked`] holds an array, [`LockedBytes`] a length known at run time, [`Expiring`] either of them
//! until its time is up. None can be cloned, compared with `==`, printed or serialised, and none
//! hands out a reference that outlives the closure. A secret is made in place: what never lay
//! elsewhere leaves nothing there.
//!
//! ```compile_fail
//! let secret = qratum_metal::secret::Locked::<32>::new_with(|_| ()).unwrap();
//! let copy = secret.clone();
//! ```
//! ```compile_fail
//! let secret = qratum_metal::secret::Locked::<32>::new_with(|_| ()).unwrap();
//! println!("{secret}");
//! ```
//! ```compile_fail
//! let secret = qratum_metal::secret::Locked::<32>::new_with(|_| ()).unwrap();
//! let outlives: &[u8; 32] = secret.with(|bytes| bytes);
//! ```
//! ```compile_fail
//! let secret = qratum_metal::secret::Locked::<32>::new_with(|_| ()).unwrap();
//! let bytes: &[u8; 32] = &*secret;
//! ```
//! ```compile_fail
//! let secret = qratum_metal::secret::Locked::<32>::new_with(|_| ()).unwrap();
//! let bytes: &[u8] = secret.as_ref();
//! ```
//! ```compile_fail
//! let secret = qratum_metal::secret::Locked::<32>::new_with(|_| ()).unwrap();
//! let equal = secret == secret;
//! ```
//! Their honest twin:
//! ```
//! let secret = qratum_metal::secret::Locked::<32>::new_with(|bytes| bytes.fill(7))?;
//! assert_eq!(secret.with(|bytes| bytes[0]), 7);
//! assert!(secret.ct_eq(&secret));
//! # Ok::<(), qratum_metal::secret::Refused>(())
//! ```

mod expiring;
mod place;
mod slab;

use std::{error::Error, fmt, io};

pub use self::expiring::{Expired, Expiring};
use self::place::Place;
use crate::pages::LockStatus;

/// Why a secret was not made. Nothing was written anywhere.
#[derive(Debug)]
pub enum Refused {
    /// The system gave no memory.
    NoMemory(io::Error),
    /// The memory cannot be locked, and the secret must not reach a disk: the error of `mlock`.
    NotLocked(io::Error),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::NoMemory(error) => write!(f, "no memory for a secret: {error}"),
            Refused::NotLocked(error) => write!(
                f,
                "memory for a secret cannot be locked ({error}), so it was not made; raise the limit \
                 (`ulimit -l`, or LimitMEMLOCK= of the service) and start again; nothing was signed"
            ),
        }
    }
}

impl Error for Refused {}

/// Whether a secret may live where the system could write it to a disk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    /// Where locking fails, [`LockStatus`] says so and the secret is made.
    Guarded,
    /// Where locking fails, the secret is not made.
    Locked,
}

/// A secret of `N` bytes.
pub struct Locked<const N: usize>(Place<[u8; N]>);

impl<const N: usize> Locked<N> {
    /// A secret that `fill` writes in place, into zeros. Locked where the system allows it: see
    /// [`Locked::status`].
    ///
    /// # Errors
    /// [`Refused::NoMemory`].
    pub fn new_with(fill: impl FnOnce(&mut [u8; N])) -> Result<Locked<N>, Refused> {
        Locked::try_new_with(|bytes| {
            fill(bytes);
            Ok(())
        })
    }

    /// As [`Locked::new_with`], where `fill` may fail: what it wrote is wiped.
    ///
    /// # Errors
    /// Those of `fill`, and [`Refused::NoMemory`].
    pub fn try_new_with<E: From<Refused>>(
        fill: impl FnOnce(&mut [u8; N]) -> Result<(), E>,
    ) -> Result<Locked<N>, E> {
        Locked::make(Need::Guarded, fill)
    }

    /// As [`Locked::try_new_with`], for what must never reach a disk (a biokey): where memory cannot
    /// be locked, `fill` is not called.
    ///
    /// # Errors
    /// Those of `fill`, and both of [`Refused`].
    pub fn require_locked<E: From<Refused>>(
        fill: impl FnOnce(&mut [u8; N]) -> Result<(), E>,
    ) -> Result<Locked<N>, E> {
        Locked::make(Need::Locked, fill)
    }

    /// Moves a secret that lies elsewhere into locked memory, and wipes it there.
    ///
    /// # Errors
    /// [`Refused::NoMemory`]; `bytes` is wiped then too.
    pub fn absorb(bytes: &mut [u8; N]) -> Result<Locked<N>, Refused> {
        let made = Locked::new_with(|place| place.copy_from_slice(bytes));
        wipe(bytes);
        made
    }

    fn make<E: From<Refused>>(
        need: Need,
        fill: impl FnOnce(&mut [u8; N]) -> Result<(), E>,
    ) -> Result<Locked<N>, E> {
        let mut made = Locked(checked(Place::small(), need)?);
        made.with_mut(fill)?;
        Ok(made)
    }

    /// As [`Locked::new_with`], on pages of its own: for what lives as long as the process and is used
    /// all the time (the state of a generator), so that no mistake with a neighbour reaches it.
    ///
    /// # Errors
    /// [`Refused::NoMemory`].
    pub fn alone_with(fill: impl FnOnce(&mut [u8; N])) -> Result<Locked<N>, Refused> {
        let mut made = Locked(Place::alone().map_err(Refused::NoMemory)?);
        made.with_mut(fill);
        Ok(made)
    }

    /// What `see` makes of the bytes.
    pub fn with<R>(&self, see: impl FnOnce(&[u8; N]) -> R) -> R {
        see(self.0.get())
    }

    /// What `change` makes of the bytes, which it may write.
    pub fn with_mut<R>(&mut self, change: impl FnOnce(&mut [u8; N]) -> R) -> R {
        change(self.0.get_mut())
    }

    /// Whether the two are equal, in a time that does not depend on where they differ.
    #[must_use]
    pub fn ct_eq(&self, other: &Locked<N>) -> bool {
        ct_eq(self.0.get(), other.0.get())
    }

    /// How the memory is kept.
    #[must_use]
    pub fn status(&self) -> LockStatus {
        self.0.status()
    }
}

impl<const N: usize> fmt::Debug for Locked<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Locked({N} bytes, {})", self.status())
    }
}

/// A secret whose length is known at run time, on pages of its own: for what is large, and for what
/// shares no page with anything (a biokey).
pub struct LockedBytes(Place<[u8]>);

impl LockedBytes {
    /// A secret of `len` bytes that `fill` writes in place, into zeros. Locked where the system allows
    /// it: see [`LockedBytes::status`].
    ///
    /// # Errors
    /// [`Refused::NoMemory`].
    pub fn new_with(len: usize, fill: impl FnOnce(&mut [u8])) -> Result<LockedBytes, Refused> {
        LockedBytes::try_new_with(len, |bytes| {
            fill(bytes);
            Ok(())
        })
    }

    /// As [`LockedBytes::new_with`], where `fill` may fail: what it wrote is wiped.
    ///
    /// # Errors
    /// Those of `fill`, and [`Refused::NoMemory`].
    pub fn try_new_with<E: From<Refused>>(
        len: usize,
        fill: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<LockedBytes, E> {
        LockedBytes::make(len, Need::Guarded, fill)
    }

    /// As [`LockedBytes::try_new_with`], for what must never reach a disk (a biokey): where memory
    /// cannot be locked, `fill` is not called.
    ///
    /// # Errors
    /// Those of `fill`, and both of [`Refused`].
    pub fn require_locked<E: From<Refused>>(
        len: usize,
        fill: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<LockedBytes, E> {
        LockedBytes::make(len, Need::Locked, fill)
    }

    fn make<E: From<Refused>>(
        len: usize,
        need: Need,
        fill: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<LockedBytes, E> {
        let mut made = LockedBytes(checked(Place::pages(len), need)?);
        made.with_mut(fill)?;
        Ok(made)
    }

    /// What `see` makes of the bytes.
    pub fn with<R>(&self, see: impl FnOnce(&[u8]) -> R) -> R {
        see(self.0.get())
    }

    /// What `change` makes of the bytes, which it may write.
    pub fn with_mut<R>(&mut self, change: impl FnOnce(&mut [u8]) -> R) -> R {
        change(self.0.get_mut())
    }

    /// Whether the two are equal, in a time that depends on their lengths only.
    #[must_use]
    pub fn ct_eq(&self, other: &LockedBytes) -> bool {
        ct_eq(self.0.get(), other.0.get())
    }

    /// The number of bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.get().len()
    }

    /// Whether there is no byte.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How the memory is kept.
    #[must_use]
    pub fn status(&self) -> LockStatus {
        self.0.status()
    }
}

impl fmt::Debug for LockedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LockedBytes({} bytes, {})", self.len(), self.status())
    }
}

/// The place, unless it is not locked where it must be.
fn checked<T: ?Sized>(place: io::Result<Place<T>>, need: Need) -> Result<Place<T>, Refused> {
    let place = place.map_err(Refused::NoMemory)?;
    match place.status() {
        LockStatus::Unlocked(errno) if need == Need::Locked => {
            Err(Refused::NotLocked(io::Error::from_raw_os_error(errno)))
        }
        _ => Ok(place),
    }
}

/// `OR_i (a_i XOR b_i) == 0`: whether two byte strings are equal, in a time that depends on their
/// lengths only. Strings of different lengths are not.
#[must_use]
pub fn ct_eq(a: &[u8], b: &[u8]) -> bool {
    // SAFETY: both pointers are read for `a.len()` bytes, which is the length of both.
    a.len() == b.len() && unsafe { memsec::memeq(a.as_ptr(), b.as_ptr(), a.len()) }
}

/// Zeroes bytes that nobody reads any more, which the compiler would otherwise leave out.
pub fn wipe(bytes: &mut [u8]) {
    // SAFETY: the pointer is written for the length of the slice it comes from.
    unsafe { memsec::memzero(bytes.as_mut_ptr(), bytes.len()) }
}

/// How the memory of small secrets is kept: what a screen shows before there is any secret.
///
/// # Errors
/// The system has no memory.
pub fn status() -> io::Result<LockStatus> {
    Place::<[u8; 0]>::small().map(|place| place.status())
}

#[cfg(test)]
mod tests;
