//! Tells valgrind's memcheck that bytes are secret: it calls them undefined, follows them through all
//! that is computed from them, and complains where a branch or an address depends on one
//! (A. Langley, ctgrind, 2010).
//!
//! For the tests of constant time only (feature `memcheck`). A request is a sequence of instructions
//! that does nothing on a CPU and that valgrind takes as a call: `valgrind.h` and `memcheck.h` of
//! valgrind 3.19, `VALGRIND_DO_CLIENT_REQUEST`.

/// `VG_USERREQ__RUNNING_ON_VALGRIND`.
const RUNNING: usize = 0x1001;

/// `VG_USERREQ__MAKE_MEM_UNDEFINED`: the second request of the tool `MC`.
const MAKE_UNDEFINED: usize = 0x4d43_0001;

/// Whether this program runs under valgrind: elsewhere, and on a CPU whose sequence is not known here,
/// all marks are in vain.
#[must_use]
pub fn is_running() -> bool {
    request(&[RUNNING, 0, 0, 0, 0, 0]) != 0
}

/// Marks the bytes as secret. Their values stay what they are.
pub fn mark_secret(bytes: &mut [u8]) {
    request(&[MAKE_UNDEFINED, bytes.as_mut_ptr().expose_provenance(), bytes.len(), 0, 0, 0]);
}

/// What valgrind answers to a request with its five arguments; 0 where there is none.
#[cfg(target_arch = "x86_64")]
fn request(arguments: &[usize; 6]) -> usize {
    let mut answer = 0;
    // SAFETY: four rotations by 128 bits together, and an exchange of a register with itself, change
    // nothing but flags; valgrind reads the arguments and writes `rdx`.
    unsafe {
        core::arch::asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") arguments.as_ptr(),
            inout("rdx") answer,
            options(nostack),
        );
    }
    answer
}

/// What valgrind answers to a request with its five arguments; 0 where there is none.
#[cfg(target_arch = "aarch64")]
fn request(arguments: &[usize; 6]) -> usize {
    let mut answer = 0;
    // SAFETY: four rotations by 128 bits together, and a register or'ed with itself, change nothing;
    // valgrind reads the arguments and writes `x3`.
    unsafe {
        core::arch::asm!(
            "ror x12, x12, #3",
            "ror x12, x12, #13",
            "ror x12, x12, #51",
            "ror x12, x12, #61",
            "orr x10, x10, x10",
            in("x4") arguments.as_ptr(),
            inout("x3") answer,
            options(nostack),
        );
    }
    answer
}

/// No answer: the sequence of this CPU is not known here.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn request(_arguments: &[usize; 6]) -> usize {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_changes_nothing_on_a_cpu() {
        let mut bytes = *b"secret";
        mark_secret(&mut bytes);
        assert_eq!((&bytes, is_running()), (b"secret", false));
    }
}
