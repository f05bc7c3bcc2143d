//! The figures of `headers` as a table for people and as JSON for programs.

use std::{fmt::Write as _, time::Duration};

use serde_json::{Value, json};

use crate::{Outcome, clock::Timing, ours::Distance};

/// Who is measured, in the order of a row.
pub const PARTIES: [&str; 8] = [
    "bytes, warm",
    "bytes, cold",
    "decoded, warm",
    "bare batch",
    "bare singles",
    "dalek batch",
    "key decoding",
    "tendermint",
];

/// The figures of one size and distance.
#[derive(Clone, Debug)]
pub struct Row {
    /// Members of the set.
    pub validators: usize,
    /// From the trusted header.
    pub distance: Distance,
    /// Signatures that each side checks.
    pub signatures: usize,
    times: [Timing; PARTIES.len()],
}

impl Row {
    /// A row of these timings, which are in the order of [`PARTIES`].
    ///
    /// # Errors
    /// When there are more or fewer.
    pub fn new(
        validators: usize,
        distance: Distance,
        signatures: usize,
        times: Vec<Timing>,
    ) -> Outcome<Self> {
        let times = times.try_into().map_err(|_| "another number of parties")?;
        Ok(Self { validators, distance, signatures, times })
    }

    /// Seconds of the party of this name, by its best batch.
    fn seconds(&self, party: &str) -> f64 {
        let timing = self.times.iter().find(|timing| timing.name == party);
        timing.map_or(f64::NAN, |timing| timing.best.as_secs_f64())
    }

    /// Seconds of a verification from bytes, warm, with every signature checked by itself: the
    /// singles in the place of the batch.
    fn batch_off(&self) -> f64 {
        self.seconds("bytes, warm") - self.seconds("bare batch") + self.seconds("bare singles")
    }

    /// How many times the peer's rate, for seconds of ours.
    fn against_peer(&self, seconds: f64) -> f64 {
        self.seconds("tendermint") / seconds
    }

    /// How many times the bare batch, for seconds of ours.
    fn against_bare(&self, seconds: f64) -> f64 {
        seconds / self.seconds("bare batch")
    }

    /// How far the middle batch of the noisiest party was above its best.
    fn noise(&self) -> f64 {
        let spread = |timing: &Timing| timing.median.as_secs_f64() / timing.best.as_secs_f64();
        self.times.iter().map(spread).fold(1.0, f64::max)
    }

    /// The goal for the rate against the peer, where there is one for this size.
    const fn goal(&self) -> Option<f64> {
        match self.validators {
            100 => Some(2.0),
            1000 => Some(3.0),
            _ => None,
        }
    }
}

/// The most that a warm verification from bytes may cost, in bare batches.
const BARE_GOAL: f64 = 1.25;

/// The table.
///
/// # Errors
/// None in practice: a string takes everything.
pub fn table(rows: &[Row]) -> Outcome<String> {
    let mut out = String::from("CPU time of one header, in microseconds\n\n");
    write!(out, "{:>5} {:9} {:>5}", "n", "distance", "sigs")?;
    for party in PARTIES {
        write!(out, " {party:>13}")?;
    }
    writeln!(out, " {:>13} {:>6}", "batch off", "noise")?;
    for row in rows {
        write!(out, "{:>5} {:9} {:>5}", row.validators, row.distance.name(), row.signatures)?;
        for party in PARTIES {
            write!(out, " {:>13.1}", row.seconds(party) * 1e6)?;
        }
        writeln!(out, " {:>13.1} {:>6.2}", row.batch_off() * 1e6, row.noise())?;
    }
    writeln!(out, "\nRate against tendermint, and cost in batches; goals are for a warm cache\n")?;
    write!(out, "{:>5} {:9} {:>14} {:>6} {:>14}", "n", "distance", "warm", "cold", "decoded, warm")?;
    writeln!(out, " {:>10}   {:>15} {:>8} {:>11}", "batch off", "warm/bare", "cold/bare", "warm/dalek")?;
    for row in rows {
        ratios(&mut out, row)?;
    }
    Ok(out)
}

fn ratios(out: &mut String, row: &Row) -> Outcome<()> {
    let (warm, cold) = (row.seconds("bytes, warm"), row.seconds("bytes, cold"));
    write!(out, "{:>5} {:9}", row.validators, row.distance.name())?;
    let ratio = row.against_peer(warm);
    let mark = row.goal().map(|goal| verdict(ratio >= goal, goal)).unwrap_or_default();
    write!(out, " {:>14}", format!("{ratio:.2}{mark}"))?;
    write!(out, " {:>6.2}", row.against_peer(cold))?;
    write!(out, " {:>14.2}", row.against_peer(row.seconds("decoded, warm")))?;
    write!(out, " {:>10.2}", row.against_peer(row.batch_off()))?;
    let bare = row.against_bare(warm);
    write!(out, "   {:>15}", format!("{bare:.3}{}", verdict(bare <= BARE_GOAL, BARE_GOAL)))?;
    writeln!(out, " {:>9.2} {:>11.2}", row.against_bare(cold), warm / row.seconds("dalek batch"))?;
    Ok(())
}

/// The goal of a ratio, and whether it was met, to stand behind it.
#[must_use]
pub fn verdict(met: bool, goal: f64) -> String {
    format!(" ({goal} {})", if met { "met" } else { "MISSED" })
}

/// The same as JSON: nanoseconds and ratios.
#[must_use]
pub fn json(rows: &[Row]) -> Value {
    let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let row = |row: &Row| {
        let times: Vec<Value> = row
            .times
            .iter()
            .map(|time| json!({"party": time.name, "best_ns": nanos(time.best), "median_ns": nanos(time.median)}))
            .collect();
        let (warm, cold) = (row.seconds("bytes, warm"), row.seconds("bytes, cold"));
        json!({
            "validators": row.validators,
            "distance": row.distance.name(),
            "signatures": row.signatures,
            "times": times,
            "warm_against_tendermint": row.against_peer(warm),
            "cold_against_tendermint": row.against_peer(cold),
            "batch_off_against_tendermint": row.against_peer(row.batch_off()),
            "warm_against_bare": row.against_bare(warm),
            "cold_against_bare": row.against_bare(cold),
        })
    };
    json!({"schema": "qratum/bench-headers/v1", "rows": rows.iter().map(row).collect::<Vec<_>>()})
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parties that need 10, 20, ... 80 microseconds.
    fn row() -> Row {
        let times = PARTIES.iter().zip(1u64..).map(|(name, tens)| {
            let best = Duration::from_micros(10 * tens);
            Timing { name, best, median: best }
        });
        Row::new(100, Distance::Adjacent, 67, times.collect()).unwrap()
    }

    #[test]
    fn ratios_are_of_the_figures_they_name() {
        let row = row();
        let near = |got: f64, want: f64| assert!((got - want).abs() < 1e-9, "{got} for {want}");
        near(row.against_peer(row.seconds("bytes, warm")), 8.0);
        near(row.against_peer(row.seconds("bytes, cold")), 4.0);
        near(row.against_bare(row.seconds("bytes, warm")), 0.25);
        near(row.batch_off(), 20e-6);
        near(row.noise(), 1.0);
        assert!(Row::new(100, Distance::Adjacent, 67, Vec::new()).is_err());
    }

    #[test]
    fn a_missed_goal_is_marked() {
        let table = table(&[row()]).unwrap();
        assert!(table.contains("8.00 (2 met)") && table.contains("0.250 (1.25 met)"), "{table}");
        assert_eq!(verdict(false, 3.0), " (3 MISSED)");
    }
}
