//! What lies open above a screen: one thing more closely, its proof, the keys, a page of advice,
//! what is to be signed; or all of it locked.

pub(crate) mod alarms;
pub(crate) mod detail;
pub(crate) mod explain;
pub(crate) mod help;
pub(crate) mod lock;
pub(crate) mod palette;
pub(crate) mod proof;
pub(crate) mod sign;
