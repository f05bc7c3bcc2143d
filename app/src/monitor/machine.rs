//! What is wrong with this machine's randomness and its memory for secrets? A watch of its sources, and
//! what its reports come to.

use std::{path::Path, sync::Arc};

use qratum_custody::{
    entropy::{self, Drills, MIN_TOTAL, Report, SourceReport, Standing, Watch, sources, tpm::DEVICE},
    token::helper::Helper,
};
use tokio::sync::watch;

use super::{
    alarm::{Change, What},
    code::Code,
    sight::MACHINE,
};
use crate::{exit::Failure, home::Home, output};

/// The token that the home's `config.toml` names, in a process of its own: comes before the sandbox. What is
/// wrong with it is said, and it may come later.
pub(crate) fn security_token(home: &Home) -> Result<Option<Helper>, Failure> {
    let Some(token) = home.settings()?.entropy.token else { return Ok(None) };
    let helper = Helper::start(&token.choice()?).map_err(|error| Failure::io("token", &error))?;
    if let Some(why) = helper.trouble() {
        output::note(&format!("the token of config.toml is credited with nothing: {why}"));
    }
    Ok(Some(helper))
}

/// The subject of what is about all sources together.
const POOL: &str = "pool";

/// The last report; none before the first.
pub(crate) type Reports = watch::Receiver<Option<Arc<Report>>>;

/// A running watch of this machine. It ends with the last of its clones.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    watch: Watch,
    reports: Reports,
    /// None where nothing is tried out.
    drills: Option<Drills>,
}

impl Machine {
    /// Starts one over the sources of this machine and the `token`; where there are `drills`, sources can be
    /// made to fail.
    pub(crate) fn watch(token: Option<Helper>, drills: Option<Drills>) -> Result<Self, Failure> {
        let failure = |error: std::io::Error| Failure::io("threads of the sources", &error);
        let mut all = sources(Path::new(DEVICE)).map_err(failure)?;
        all.extend(token.map(entropy::token).transpose().map_err(failure)?);
        if let Some(drills) = &drills {
            all = all.into_iter().map(|source| drills.under(source)).collect();
        }
        let (told, reports) = watch::channel(None);
        let tell = move |report| told.send(Some(Arc::new(report))).is_ok();
        let watch = Watch::start(all, tell).map_err(failure)?;
        Ok(Self { watch, reports, drills })
    }

    /// What is known, now and after each collection.
    pub(crate) fn reports(&self) -> Reports {
        self.reports.clone()
    }

    /// Makes a source fail, where that may be tried; whether it does.
    pub(crate) fn stick(&self, id: &str) -> bool {
        let Some(drills) = &self.drills else { return false };
        drills.begin(id);
        self.watch.look();
        true
    }

    /// Ends all drills: the sources try again. Their names.
    pub(crate) fn release(&self) -> Vec<String> {
        let ended = self.drills.as_ref().map(Drills::end).unwrap_or_default();
        ended.iter().for_each(|id| self.watch.acknowledge(id));
        ended
    }

    /// What the last report comes to, and that a failure is only tried out. Where nobody is `watched` any more
    /// the last report says nothing: its thread has ended, which only a fault of this program does.
    pub(super) fn verdicts<'a>(&self, report: Option<&'a Report>, watched: bool) -> Vec<Verdict<'a>> {
        if !watched {
            let text = "nobody watches the sources any more: start this program anew";
            return vec![((Code::EntropyLow, POOL), Some(text.to_owned()))];
        }
        let tried = self.drills.as_ref().map(Drills::running).unwrap_or_default();
        let said = |((code, subject), text): Verdict<'a>| {
            let is_drill = tried.iter().any(|id| id == subject);
            ((code, subject), text.map(|text| if is_drill { format!("a drill: {text}") } else { text }))
        };
        report.into_iter().flat_map(verdicts).map(said).collect()
    }

    /// A source whose alarm somebody has taken on may try again.
    pub(super) fn heed(&self, changes: &[Change]) {
        let taken =
            |change: &&Change| (change.what, change.alarm.code) == (What::Acknowledged, Code::EntropySource);
        changes.iter().filter(taken).for_each(|change| self.watch.acknowledge(&change.alarm.subject));
    }
}

/// Something that can be wrong, and the words in which it is; none where it is well.
type Verdict<'a> = ((Code, &'a str), Option<String>);

/// What a report comes to. What it leaves open is not in it: neither raised nor over.
fn verdicts(report: &Report) -> Vec<Verdict<'_>> {
    let of_sources = report.sources.iter().filter_map(|source| of_source(source, report));
    of_sources.chain(of_pool(report)).chain([of_memory(report)]).collect()
}

/// A source that this machine does not have is no fault, nor one that never gave anything: the alarm is
/// for what was there and fell. One whose samples are refused is there.
fn of_source<'a>(source: &SourceReport, report: &Report) -> Option<Verdict<'a>> {
    let about = (Code::EntropySource, source.id);
    let was_there = source.has_given || source.standing == Standing::Unhealthy;
    match source.standing {
        _ if source.alarmed && was_there => {
            let why = source.last_failure.map(|(_, fault)| fault.to_string()).unwrap_or_default();
            let pool = match &report.pool {
                Ok(tally) => format!("the pool has {} of {MIN_TOTAL} bits without it", tally.total),
                Err(_) => "and the pool gives no seed".to_owned(),
            };
            Some((about, Some(format!("{why}; {pool}"))))
        }
        Standing::Healthy => Some((about, None)),
        Standing::Absent if !was_there => Some((about, None)),
        _ => None,
    }
}

fn of_pool(report: &Report) -> Option<Verdict<'_>> {
    let about = (Code::EntropyLow, POOL);
    match (&report.pool, report.low) {
        (Err(why), true) => Some((about, Some(why.clone()))),
        (Ok(_), true) => Some((about, Some("it gives seeds again, and not for long yet".to_owned()))),
        (Ok(_), false) => Some((about, None)),
        // Once may be chance.
        (Err(_), false) => None,
    }
}

fn of_memory(report: &Report) -> Verdict<'_> {
    let text = match report.memory {
        Some(status) if status.is_locked() => None,
        Some(status) => Some(status.to_string()),
        None => Some("there is no memory for secrets".to_owned()),
    };
    ((Code::MemoryUnlocked, MACHINE), text)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use qratum_custody::entropy::{Alarm, Fault, Tally};
    use qratum_metal::pages::LockStatus;

    use super::*;
    use crate::screen::tests::machine::{report, source};

    /// What is said of the TPM in a report where it is so.
    fn of_tpm(standing: Standing, has_given: bool, alarmed: bool) -> Option<Option<String>> {
        let fault = match standing {
            Standing::Healthy => None,
            Standing::Absent => Some(Fault::Unavailable),
            Standing::Denied => Some(Fault::Denied),
            Standing::Failed => Some(Fault::Failed),
            Standing::TimedOut => Some(Fault::TimedOut),
            Standing::Unhealthy => Some(Fault::Unhealthy(Alarm::Permanent)),
        };
        let mut report = report();
        let last_failure = fault.map(|fault| (Duration::from_secs(1), fault));
        report.sources[4] = SourceReport { standing, has_given, alarmed, last_failure, ..source(4) };
        let found = verdicts(&report).into_iter().find(|((_, subject), _)| *subject == "tpm");
        found.map(|((code, _), text)| {
            assert_eq!(code, Code::EntropySource);
            text
        })
    }

    #[test]
    fn only_what_was_there_and_fell_is_an_alarm() {
        use Standing::{Absent, Denied, Failed, Healthy, TimedOut, Unhealthy};
        let fell = |standing| of_tpm(standing, true, true).flatten().is_some();
        assert!(
            [Absent, Failed, TimedOut, Unhealthy, Healthy].into_iter().all(fell),
            "also while it comes back"
        );
        assert!(of_tpm(Unhealthy, false, true).flatten().is_some(), "what is refused is there");
        assert_eq!(of_tpm(Absent, false, true), Some(None), "this machine has none");
        for standing in [Denied, Failed, TimedOut] {
            assert_eq!(of_tpm(standing, false, true), None, "it never gave, and nobody knows whether it can");
            assert_eq!(of_tpm(standing, true, false), None, "once may be chance");
        }
        assert_eq!(of_tpm(Healthy, true, false), Some(None));
        let told = of_tpm(TimedOut, true, true).unwrap().unwrap();
        assert_eq!(told, "gave nothing in time; the pool has 1024 of 512 bits without it");
    }

    #[test]
    fn a_pool_that_gives_no_seed_is_an_alarm_once_that_is_no_chance() {
        let of_pool = |pool: Result<Tally, &str>, low| {
            let report = Report { pool: pool.map_err(str::to_owned), low, ..report() };
            verdicts(&report)
                .into_iter()
                .find(|((code, _), _)| *code == Code::EntropyLow)
                .map(|(_, text)| text)
        };
        let well = report().pool.unwrap();
        assert_eq!(of_pool(Ok(well), false), Some(None));
        assert_eq!(of_pool(Err("no bits"), false), None);
        assert_eq!(of_pool(Err("no bits"), true), Some(Some("no bits".to_owned())));
        assert!(of_pool(Ok(well), true).flatten().is_some());
    }

    /// A watch of no sources at all, as far as its thread goes.
    fn machine(drills: Drills) -> Machine {
        let (told, reports) = watch::channel(None);
        let tell = move |report| told.send(Some(Arc::new(report))).is_ok();
        Machine { watch: Watch::start(Vec::new(), tell).unwrap(), reports, drills: Some(drills) }
    }

    #[test]
    fn a_failure_that_is_only_tried_out_says_so() {
        let (drills, mut report) = (Drills::default(), report());
        report.sources[3] = SourceReport {
            standing: Standing::Unhealthy,
            alarmed: true,
            last_failure: Some((Duration::from_secs(1), Fault::Unhealthy(Alarm::Permanent))),
            ..source(3)
        };
        let machine = machine(drills.clone());
        let told = || {
            let mut found = machine.verdicts(Some(&report), true).into_iter();
            found.find(|((_, subject), _)| *subject == source(3).id).and_then(|(_, text)| text).unwrap()
        };
        assert!(!told().contains("a drill"), "{}", told());
        drills.begin(source(3).id);
        assert!(told().starts_with("a drill: "), "{}", told());
    }

    #[test]
    fn a_watch_that_has_ended_is_an_alarm_whatever_it_said_last() {
        let (machine, report) = (machine(Drills::default()), report());
        assert!(machine.verdicts(Some(&report), true).iter().all(|(_, text)| text.is_none()));
        let found = machine.verdicts(Some(&report), false);
        assert!(
            matches!(&found[..], [((Code::EntropyLow, POOL), Some(text))] if text.contains("nobody watches"))
        );
    }

    #[test]
    fn memory_that_may_reach_a_disk_is_an_alarm() {
        let of_memory = |memory| verdicts(&Report { memory, ..report() }).pop().unwrap().1;
        assert_eq!(of_memory(Some(LockStatus::Mlocked)), None);
        assert!(of_memory(Some(LockStatus::Unlocked(12))).unwrap().starts_with("NOT LOCKED"));
        assert!(of_memory(None).is_some());
    }
}
