//! A second opinion on ML-DSA: the C code of PQClean, through the crates `pqcrypto-mldsa`. With the
//! feature `pqcrypto` a signature holds only if both implementations say so.
//!
//! Public keys and signatures only: its secret keys are copied freely and never wiped. Off by
//! default, as its maintainers have stopped.

use pqcrypto_mldsa::{mldsa65, mldsa87};
use pqcrypto_traits::sign::{DetachedSignature as _, PublicKey as _};

/// `ML-DSA.Verify(key, message, signature, context)` by the other implementation, for the strength
/// whose keys have the length of this one; `false` for any other length.
pub(super) fn verify(key: &[u8], context: &[u8], message: &[u8], signature: &[u8]) -> bool {
    macro_rules! by {
        ($module:ident) => {
            match ($module::PublicKey::from_bytes(key), $module::DetachedSignature::from_bytes(signature)) {
                (Ok(key), Ok(signature)) => {
                    $module::verify_detached_signature_ctx(&signature, message, context, &key).is_ok()
                }
                _ => false,
            }
        };
    }
    by!(mldsa65) || by!(mldsa87)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::HANDOVER,
        rng::stream::Stream,
        sign::{
            Scheme,
            ml_dsa::{MlDsa65, MlDsa87},
        },
    };

    /// What it refuses is tested where the whole rule is: here, that it accepts by itself, and that a
    /// flipped bit is its own reason to refuse.
    fn check<S: Scheme>() {
        let mut random = Stream::new(b"second");
        for _ in 0..5 {
            let (seed, message) = (random.bytes(S::SEED_LENGTH), random.up_to(300));
            let (key, mut signature) =
                (S::public(&seed).unwrap(), S::sign(&seed, HANDOVER, &message).unwrap());
            let holds = |signature: &[u8]| verify(&key, HANDOVER.name().as_bytes(), &message, signature);
            assert!(holds(&signature), "{}", S::NAME);
            assert!(!holds(&signature[1..]));
            signature[100] ^= 1;
            assert!(!holds(&signature));
        }
    }

    #[test]
    fn both_implementations_agree() {
        check::<MlDsa65>();
        check::<MlDsa87>();
    }
}
