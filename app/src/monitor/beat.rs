//! A sign of life: whoever gets one each minute notices when none comes.

use qratum_chain::types::Time;
use qratum_light_node::Snapshot;
use serde::Serialize;

use super::{alarm::Alarm, code::Level, document::Network};

/// A heartbeat, as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct Heartbeat<'a> {
    schema: &'static str,
    network: &'a str,
    chain_id: &'a str,
    at_ms: u64,
    /// When the next one is due.
    next_ms: u64,
    state: &'static str,
    verified_height: u64,
    /// Open alarms by level.
    critical: usize,
    warning: usize,
    info: usize,
}

impl<'a> Heartbeat<'a> {
    pub(crate) fn of(
        (snapshot, open): (&Snapshot, &[Alarm]),
        network: &'a Network,
        every_ms: u64,
        now: Time,
    ) -> Self {
        let count = |level| open.iter().filter(|alarm| alarm.level == level).count();
        Self {
            schema: "qratum/heartbeat/v1",
            network: &network.name,
            chain_id: &network.chain_id,
            at_ms: now.0,
            next_ms: now.plus(every_ms).0,
            state: snapshot.state.word(),
            verified_height: snapshot.head.header().get().height.0,
            critical: count(Level::Critical),
            warning: count(Level::Warning),
            info: count(Level::Info),
        }
    }

    /// In one line.
    pub(crate) fn line(&self) -> String {
        let Self { state, verified_height, critical, warning, .. } = self;
        format!(
            "alive: state {state}, verified height {verified_height}, {critical} critical, {warning} warnings"
        )
    }
}
