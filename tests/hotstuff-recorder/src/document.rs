//! The file of a recorded chain: JSON with one line for each header and each light block.

use anyhow::{Context, Result, anyhow, ensure};
use qratum_chain::{
    codec::{Decode, Encode},
    document::{genesis_from_json, genesis_to_json},
    types::{Header, LightBlock},
};
use serde_json::Value;

use crate::{plan::Plan, record::Recording};

const SCHEMA: &str = "qratum/recorded-chain/v1";
const SOURCE: &str = "hotstuff_rs 0.4.0, its replicas run in one process by tests/hotstuff-recorder";

/// The text of the file.
pub(crate) fn write(plan: &Plan, recording: &Recording) -> Result<String> {
    let genesis = genesis_to_json(&plan.genesis).map_err(|why| anyhow!("genesis: {why}"))?;
    let heights: Vec<_> = recording.without_certificate.iter().map(ToString::to_string).collect();
    Ok(format!(
        "{{\n\"schema\": \"{SCHEMA}\",\n\"source\": \"{SOURCE}\",\n\"genesis\": {genesis},\n\
         \"headers\": [\n{}\n],\n\"light_blocks\": [\n{}\n],\n\"without_certificate\": [{}]\n}}\n",
        lines(&recording.headers),
        lines(&recording.light_blocks),
        heights.join(", "),
    ))
}

fn lines(values: &[impl Encode]) -> String {
    let quoted: Vec<_> =
        values.iter().map(|value| format!("\"{}\"", hex::encode(value.to_bytes()))).collect();
    quoted.join(",\n")
}

/// Reads `text` back: it must hold what was recorded.
pub(crate) fn check(plan: &Plan, recording: &Recording, text: &str) -> Result<()> {
    let document: Value = serde_json::from_str(text)?;
    let field = |name: &str| document.get(name).with_context(|| format!("no {name}"));
    let genesis = genesis_from_json(field("genesis")?.to_string().as_bytes());
    ensure!(genesis.as_ref() == Ok(&plan.genesis), "another genesis");
    ensure!(values::<Header>(field("headers")?)? == recording.headers, "other headers");
    ensure!(values::<LightBlock>(field("light_blocks")?)? == recording.light_blocks, "other light blocks");
    Ok(())
}

fn values<T: Decode>(list: &Value) -> Result<Vec<T>> {
    let value = |value: &Value| {
        let bytes = hex::decode(value.as_str().context("no string")?)?;
        T::from_bytes(&bytes).map_err(|why| anyhow!("{why}"))
    };
    list.as_array().context("no list")?.iter().map(value).collect()
}
