//! What may go wrong with a security key: each variant is a sentence that says what happened, what to do,
//! and whether anything was signed or sent.

use std::{error::Error, fmt, path::PathBuf};

use qratum_crypto::{kex::pin_uv::PinUvError, rng::random};
use qratum_metal::secret::Refused;

/// Why a key did not do what it was asked. Nothing was signed or sent.
#[derive(Debug)]
pub enum KeyError {
    /// No key is plugged in.
    Absent,
    /// A key is plugged in that this user may not open.
    Permission(PathBuf),
    /// So many keys are plugged in, and it is not clear which is meant.
    Several(usize),
    /// A key in software, and this build takes none.
    NotReal,
    /// The key does not hold the credential: `NO_CREDENTIALS`, `INVALID_CREDENTIAL`.
    NotEnrolled,
    /// `PIN_NOT_SET`, or its list of options says so.
    NoPin,
    /// `PIN_INVALID`.
    WrongPin {
        /// Tries left.
        left: u8,
    },
    /// `PIN_AUTH_BLOCKED`: three wrong ones in a row.
    PinPaused {
        /// Tries left.
        left: u8,
    },
    /// `PIN_BLOCKED`: no try is left.
    PinLocked,
    /// `PIN_AUTH_INVALID`, `PIN_TOKEN_EXPIRED`.
    PinExpired,
    /// A PIN has 4 to 63 bytes: `PIN_POLICY_VIOLATION`, or nothing was sent for that reason.
    PinLength {
        /// The fewest that this key takes.
        least: u8,
    },
    /// `PIN_REQUIRED`: the key wants a PIN where none was sent.
    PinRequired,
    /// `UV_INVALID`: a finger was not recognised.
    FingerNotRead,
    /// `UV_BLOCKED`: none is read any more.
    FingerLocked,
    /// `USER_ACTION_TIMEOUT`, `ACTION_TIMEOUT`, `OPERATION_DENIED`.
    NotTouched,
    /// Somebody said no: `KEEPALIVE_CANCEL`.
    Cancelled,
    /// It was pulled out.
    Removed,
    /// It says nothing.
    Silent,
    /// Another program has it: `CHANNEL_BUSY`.
    Busy,
    /// `CREDENTIAL_EXCLUDED`.
    AlreadyEnrolled,
    /// `UNSUPPORTED_ALGORITHM`.
    Algorithm,
    /// It knows CTAP1 only.
    OnlyU2f,
    /// It lacks the extension `hmac-secret`, and so can open nothing that is sealed to a key.
    NoSecret,
    /// It copies its credentials to other places (the flag BE): a key that leaves its device cannot act.
    Copied,
    /// Its answer does not say that somebody touched it and that the PIN was right.
    Unverified,
    /// Its answer is none, or does not verify.
    Garbled,
    /// Another status of CTAP 2.1 section 8.2.
    Status(u8),
    /// It cannot be opened or written to for another reason.
    Io(std::io::Error),
    /// There is no memory for a secret.
    Memory(Refused),
    /// No random bytes.
    Random(random::Error),
}

/// How nearly all of them end.
const NOTHING: &str = "nothing was signed or sent";

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sentence = match self {
            Self::Absent => "no security key found: plug one in",
            Self::NotReal => {
                "keys in software are for demos and tests, and this program takes none: plug one in"
            }
            Self::NotEnrolled => "this key does not hold the credential: use the one that was enrolled",
            Self::NoPin => "this key has no PIN, and acting needs one: set it (`qratum key pin set`)",
            Self::PinLocked => {
                "the PIN of this key is locked: the key must be reset, which loses its credentials; use your \
                 other key, and ask for this one to be revoked"
            }
            Self::PinExpired => "the key no longer accepts that the PIN was shown: enter it again",
            Self::PinRequired => "the key asks for its PIN: enter it",
            Self::FingerNotRead => "the finger was not recognised: try again",
            Self::FingerLocked => "the key reads no finger any more: use its PIN",
            Self::NotTouched => "the key was not touched in time, or somebody refused on it: try again",
            Self::Cancelled => "cancelled",
            Self::Removed => "the key was removed: plug it in and start again",
            Self::Silent => "the key does not answer: unplug it and plug it in again",
            Self::Busy => "the key is used by another program (a browser, gpg): end that and try again",
            Self::AlreadyEnrolled => "this key holds a credential for this account already: use another key",
            Self::Algorithm => "this key can do neither EdDSA nor ES256: use another one",
            Self::OnlyU2f => "this key knows CTAP1 only: use one that knows FIDO2",
            Self::NoSecret => "this key lacks the extension hmac-secret: use another one",
            Self::Copied => "this key copies its credentials to other devices: use one that does not",
            Self::Unverified => "the key did not confirm both touch and PIN: its answer was dropped",
            Self::Garbled => "the key's answer makes no sense and was dropped: try again, or use another one",
            Self::Permission(device) => {
                return write!(
                    f,
                    "a security key is at {}, but this user may not open it: install the udev rule for FIDO \
                     keys (systemd 252 or newer has it) and plug the key in again; {NOTHING}",
                    device.display()
                );
            }
            Self::Several(keys) => {
                return write!(f, "{keys} security keys found: leave only the one to use; {NOTHING}");
            }
            Self::WrongPin { left } => return write!(f, "wrong PIN: {}; {NOTHING}", Tries(*left)),
            Self::PinPaused { left } => {
                return write!(
                    f,
                    "too many wrong PINs in a row: unplug the key and plug it in again; {}; {NOTHING}",
                    Tries(*left)
                );
            }
            Self::PinLength { least } => {
                return write!(f, "a PIN of this key has {least} to 63 bytes; {NOTHING}");
            }
            Self::Status(status) => return write!(f, "the key refused with {status:#04x}; {NOTHING}"),
            Self::Io(error) => return write!(f, "the key cannot be used: {error}; {NOTHING}"),
            Self::Memory(why) => return write!(f, "{why}"),
            Self::Random(why) => return write!(f, "{why}; {NOTHING}"),
        };
        write!(f, "{sentence}; {NOTHING}")
    }
}

/// How many tries are left, with the warning that the last two deserve.
struct Tries(u8);

impl fmt::Display for Tries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("no try left"),
            1 => f.write_str("1 try left, then the key locks and its credentials are lost"),
            2 => f.write_str("2 tries left, then the key locks and its credentials are lost"),
            left => write!(f, "{left} tries left"),
        }
    }
}

impl Error for KeyError {}

impl From<std::io::Error> for KeyError {
    /// What the kernel says of a device that is gone is [`KeyError::Removed`].
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind;
        const EIO: i32 = 5;
        const ENXIO: i32 = 6;
        const ENODEV: i32 = 19;
        let is_gone = matches!(
            error.kind(),
            ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof
        );
        match error.raw_os_error() {
            Some(EIO | ENXIO | ENODEV) => Self::Removed,
            _ if is_gone => Self::Removed,
            _ => Self::Io(error),
        }
    }
}

impl From<Refused> for KeyError {
    fn from(why: Refused) -> Self {
        Self::Memory(why)
    }
}

impl From<random::Error> for KeyError {
    fn from(why: random::Error) -> Self {
        Self::Random(why)
    }
}

impl From<PinUvError> for KeyError {
    fn from(why: PinUvError) -> Self {
        match why {
            PinUvError::Memory(why) => Self::Memory(why),
            PinUvError::Point | PinUvError::Scalar | PinUvError::Length => Self::Garbled,
        }
    }
}

impl KeyError {
    /// What a status of CTAP 2.1 section 8.2 means. How many tries are left is not in it.
    #[must_use]
    pub(super) const fn of(status: u8) -> Self {
        match status {
            0x06 => Self::Busy,
            0x19 => Self::AlreadyEnrolled,
            0x22 | 0x2e => Self::NotEnrolled,
            0x26 => Self::Algorithm,
            0x27 | 0x2f | 0x3a => Self::NotTouched,
            0x2d => Self::Cancelled,
            0x31 => Self::WrongPin { left: 0 },
            0x32 => Self::PinLocked,
            0x33 | 0x38 => Self::PinExpired,
            0x34 => Self::PinPaused { left: 0 },
            0x35 => Self::NoPin,
            0x36 => Self::PinRequired,
            0x37 => Self::PinLength { least: 4 },
            0x3c => Self::FingerLocked,
            0x3f => Self::FingerNotRead,
            other => Self::Status(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sentence_says_whether_anything_was_signed() {
        let all = (1..=u8::MAX).map(KeyError::of).chain([
            KeyError::Absent,
            KeyError::NotReal,
            KeyError::Permission("/dev/hidraw3".into()),
            KeyError::Several(2),
            KeyError::Removed,
            KeyError::Silent,
            KeyError::OnlyU2f,
            KeyError::NoSecret,
            KeyError::Copied,
            KeyError::Unverified,
            KeyError::Garbled,
            KeyError::Io(std::io::ErrorKind::InvalidInput.into()),
            KeyError::Memory(Refused::NotLocked(std::io::ErrorKind::OutOfMemory.into())),
        ]);
        for error in all {
            let said = error.to_string();
            assert!(said.contains("nothing was signed"), "{said}");
        }
    }

    #[test]
    fn the_last_two_tries_warn() {
        let said = |left| KeyError::WrongPin { left }.to_string();
        assert!(said(5).starts_with("wrong PIN: 5 tries left;"), "{}", said(5));
        for left in [1, 2] {
            assert!(said(left).contains("then the key locks"), "{}", said(left));
        }
    }
}
