//! Does what a function does depend on its secret? Two methods, over the same [`cases`]: the clock
//! ([`t_test`]) in the manner of dudect, and the flow of secrets through branches and addresses
//! ([`memcheck`]) in the manner of ctgrind. Each also gets functions that leak on purpose: a method
//! that does not find them says nothing about the others.
//!
//! They see different things. The clock sees what the CPU really does, if it is large enough; memcheck
//! sees every branch and address, however little time it takes, but no slow instruction, and of the
//! code only what valgrind's CPU (AVX2, no AVX-512, no SHA) makes a library choose.

pub mod cases;
pub mod memcheck;
pub mod report;
pub mod t_test;

/// A function under test, over a secret of so many bytes.
#[derive(Debug)]
pub struct Case {
    /// Its name.
    pub name: &'static str,
    /// The file of the code under test.
    pub file: &'static str,
    /// What of its input is secret.
    pub secret: &'static str,
    /// Bytes of the secret.
    pub length: usize,
    /// Whether it leaks on purpose: then every method must find it.
    pub planted: bool,
    /// Whether the clock is asked: it cannot tell which cached line of a small table was read.
    pub timed: bool,
    /// The function.
    pub run: fn(&[u8]),
}
