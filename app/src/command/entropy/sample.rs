//! `qratum entropy sample`: raw samples of jitter for NIST's assessment tool. They come from a source
//! of their own, which seeds nothing.

use std::{
    io::{self, IsTerminal as _},
    path::Path,
};

use qratum_custody::entropy::jitter;
use serde::Serialize;
use tokio::task::yield_now;

use super::super::network::block_on;
use crate::{
    cli::SampleArgs,
    exit::{Exit, Failure},
    file, output,
    signals::Signals,
};

/// Samples between two looks at the signals: some tens of milliseconds.
const STEP: usize = 1 << 10;

/// What was written, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Written {
    schema: &'static str,
    source: &'static str,
    bytes: u32,
    bits_per_symbol: u8,
    file: String,
}

/// Takes the samples, and only then writes them: a file that is there is whole.
pub(super) fn run(args: &SampleArgs, json: bool) -> Result<Exit, Failure> {
    check_out(args.out.as_deref(), json)?;
    let count = usize::try_from(args.bytes).unwrap_or(usize::MAX);
    let samples = block_on(take(count))?;
    let Some(path) = &args.out else {
        output::own(&samples)?;
        return Ok(Exit::Done);
    };
    file::write_new(path, &samples)?;
    let file = path.display().to_string();
    if json {
        let schema = "qratum/entropy-sample/v1";
        output::json(&Written { schema, source: "cpu-jitter", bytes: args.bytes, bits_per_symbol: 8, file })?;
    } else {
        output::lines(&format!(
            "{count} raw samples of cpu-jitter, 8 bits each, in {file}\n\
             NIST's tool says what they are worth: ea_non_iid -v {file} 8"
        ))?;
    }
    Ok(Exit::Done)
}

/// Before a minute of sampling, and not after it.
fn check_out(out: Option<&Path>, json: bool) -> Result<(), Failure> {
    let refusal = match out {
        Some(path) if path.exists() => format!("{} exists, and nothing is overwritten", path.display()),
        None if json => "raw bytes and JSON do not go to one place".to_owned(),
        None if io::stdout().is_terminal() => "raw bytes are not printed on a terminal".to_owned(),
        _ => return Ok(()),
    };
    Err(Failure::new(Exit::Usage, format!("{refusal}\nName a file that is not there with --out FILE")))
}

/// The low eight bits of each sample: what the tool takes, and where the noise is.
async fn take(count: usize) -> Result<Vec<u8>, Failure> {
    let mut signals = Signals::listen().map_err(|error| Failure::io("signals", &error))?;
    let mut jitter = jitter();
    // The first is the time since the start, and no difference.
    jitter.sample();
    let (mut samples, mut told) = (Vec::with_capacity(count), None);
    while samples.len() < count {
        let tenths = Some(samples.len() * 10 / count);
        if tenths > told {
            told = tenths;
            output::note(&format!("{} of {count} samples", samples.len()));
        }
        let step = STEP.min(count - samples.len());
        samples.extend((0..step).map(|_| jitter.sample().to_le_bytes()[0]));
        tokio::select! {
            biased;
            () = signals.recv() => {
                let text = format!("interrupted after {} of {count} samples; nothing was written", samples.len());
                return Err(Failure::new(Exit::Error, text));
            }
            () = yield_now() => {}
        }
    }
    Ok(samples)
}
