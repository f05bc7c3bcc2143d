//! What lies open above a screen: one thing more closely, its proof, the keys, a page of advice.

pub(crate) mod alarms;
pub(crate) mod detail;
pub(crate) mod explain;
pub(crate) mod help;
pub(crate) mod palette;
pub(crate) mod proof;
