//! How does an act that came to nothing end the command, and what is said?

use crate::{
    acting::{arm::Unarmed, ceremony::Stop},
    exit::{Exit, Failure},
};

/// What every refusal before the signature ends with.
pub(super) const NOTHING: &str = "Nothing was signed";

/// A ceremony that came to nothing, or a check that refused what was signed.
pub(super) fn stopped(why: &Stop) -> Failure {
    let exit = match why {
        Stop::Unarmed(why) => return unarmed(why),
        Stop::Unsent(why) => why_unarmed(why),
        Stop::Refused(_) => Exit::Refused,
        Stop::Cancelled | Stop::Lapsed | Stop::Key(_) | Stop::Unproven(_) => Exit::Nothing,
    };
    Failure::new(exit, why.to_string())
}

/// Nobody may act now.
pub(super) fn unarmed(why: &Unarmed) -> Failure {
    Failure::new(why_unarmed(why), format!("{why}\n{NOTHING}"))
}

/// How a command ends that may not act.
const fn why_unarmed(why: &Unarmed) -> Exit {
    match why {
        Unarmed::Forked | Unarmed::Changed(_) => Exit::Refused,
        Unarmed::Expired => Exit::Expired,
        _ => Exit::Nothing,
    }
}
