//! What leaves the program about an alarm: the same for lines, programs and web hooks.

use serde::Serialize;

use super::alarm::{Acknowledgement, Alarm, Change};

/// Which network an alarm is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    pub(crate) name: String,
    pub(crate) chain_id: String,
}

/// Something that happened to an alarm, as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct AlarmDocument<'a> {
    schema: &'static str,
    /// What happened.
    event: &'static str,
    /// The same for the same event, however often it is told.
    key: String,
    network: &'a str,
    chain_id: &'a str,
    #[serde(flatten)]
    alarm: AlarmJson<'a>,
}

/// An alarm, as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct AlarmJson<'a> {
    id: u64,
    code: &'static str,
    level: &'static str,
    subject: &'a str,
    text: &'a str,
    since_ms: u64,
    at_ms: u64,
    count: u32,
    cleared_ms: Option<u64>,
    acknowledged: Option<&'a Acknowledgement>,
}

impl<'a> From<&'a Alarm> for AlarmJson<'a> {
    fn from(alarm: &'a Alarm) -> Self {
        Self {
            id: alarm.id,
            code: alarm.code.word(),
            level: alarm.level.word(),
            subject: &alarm.subject,
            text: &alarm.text,
            since_ms: alarm.since_ms,
            at_ms: alarm.at_ms,
            count: alarm.count,
            cleared_ms: alarm.cleared_ms,
            acknowledged: alarm.acknowledged.as_ref(),
        }
    }
}

impl<'a> AlarmDocument<'a> {
    pub(crate) fn of(change: &'a Change, network: &'a Network) -> Self {
        Self {
            schema: "qratum/alarm/v1",
            event: change.what.word(),
            key: change.key(),
            network: &network.name,
            chain_id: &network.chain_id,
            alarm: AlarmJson::from(&change.alarm),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::{What, code::Code};

    #[test]
    fn an_alarm_is_printed_as_in_the_sample() {
        let code = Code::NoQuorum;
        let alarm = Alarm {
            id: 3,
            code,
            level: code.level(),
            subject: "chain".to_owned(),
            text: "silent: north south; last verified height 2".to_owned(),
            since_ms: 1_795_306_067_490,
            at_ms: 1_795_306_167_490,
            count: 2,
            cleared_ms: None,
            acknowledged: Some(Acknowledgement::new("ann", "calling them", 1_795_306_167_490)),
        };
        let change = Change { what: What::Acknowledged, alarm };
        let network = Network { name: "demo".to_owned(), chain_id: "ab".repeat(32) };
        let sample = include_str!("../../tests/data/alarm.json");
        let document = AlarmDocument::of(&change, &network);
        assert_eq!(serde_json::to_string(&document).unwrap(), sample.trim_end());
        let line = "alarm 3 acknowledged: critical no-quorum x2: chain: silent: north south; last verified \
                    height 2 (acknowledged by ann: calling them)";
        assert_eq!(change.line(), line);
    }
}
