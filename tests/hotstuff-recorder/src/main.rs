//! Records chains of the real `hotstuff_rs` 0.4.0 whose blocks carry our header, as vectors for
//! the chained certificates of the verifier.
//!
//! Run `cargo run --release --manifest-path tests/hotstuff-recorder/Cargo.toml -- OUTPUT_DIR`;
//! the recorded chains that the tests read lie in `tests/vectors/hotstuff`. Keys, genesis and
//! header times are the same in every run. Which replicas signed a certificate, in which view,
//! and therefore the block ids, are not: they come from the race of real replicas.
//!
//! - [`plan`]: which sets the chain has, and which header stands on which.
//! - [`app`], [`store`], [`network`]: what `hotstuff_rs` asks of its user.
//! - [`cluster`]: the replicas, run until the chain is long enough.
//! - [`record`]: from committed blocks to light blocks; refuses what our types do not reproduce.
//! - [`check`]: signatures and views, with our own code.
//! - [`document`]: the file.

mod app;
mod check;
mod cluster;
mod document;
mod network;
mod plan;
mod record;
mod store;

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context, Result};

use crate::plan::Plan;

fn main() -> Result<()> {
    let directory = std::env::args_os().nth(1).map(PathBuf::from).context("usage: OUTPUT_DIR")?;
    for plan in [Plan::one_set()?, Plan::key_change()?] {
        let plan = Arc::new(plan);
        let recording = record::record(&plan, &cluster::run(&plan)?)?;
        let path = directory.join(plan.file);
        let text = document::write(&plan, &recording)?;
        document::check(&plan, &recording, &text)?;
        std::fs::write(&path, &text).with_context(|| path.display().to_string())?;
        println!(
            "{}: {} bytes, {} certified, without certificate: {:?}",
            path.display(),
            text.len(),
            recording.light_blocks.len(),
            recording.without_certificate
        );
    }
    Ok(())
}
