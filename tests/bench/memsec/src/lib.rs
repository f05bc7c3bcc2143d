//! A peer of our locked memory: memsec's guarded allocations.

use std::hint::black_box;

/// Makes a secret of 32 bytes, reads it, and drops it. `None` when there is no memory.
#[must_use]
pub fn make_use_drop() -> Option<u8> {
    // SAFETY: an array of bytes is valid whatever it holds.
    let place = unsafe { memsec::malloc::<[u8; 32]>() }?;
    // SAFETY: the allocation is for this type and nobody else has it.
    unsafe { place.as_ptr().write(black_box([7; 32])) };
    // SAFETY: it was written just now.
    let sum = unsafe { place.as_ref() }.iter().fold(0, |a, b| a ^ b);
    // SAFETY: it comes from `memsec::malloc` and is not used any more.
    unsafe { memsec::free(place) };
    Some(black_box(sum))
}
