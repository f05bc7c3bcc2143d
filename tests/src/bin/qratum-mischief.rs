//! A validator or a peer with one named fault, to see what the honest ones make of it.

use std::{collections::BTreeMap, env, error::Error, path::Path, process::ExitCode};

use qratum_crypto::hash::sha3_256;
use qratum_tests::mischief::{
    fault::Fault,
    peer::{Peer, Truth},
    validator,
};
use qratum_validator::home::Home;

const USAGE: &str = "usage:
  qratum-mischief list
      the names of all faults, and who can have them
  qratum-mischief validator --home DIR --name NAME --fault FAULT
      in place of validator NAME of the home, which must not run
  qratum-mischief peer --home DIR --fault FAULT [--of NAME] [--listen ADDRESS]
      a peer for light nodes that passes questions on to validator NAME (the first, if not given);
      prints its address, which goes into the list of peers of a light node; the same options give
      the same key, others another";

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(run()));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("qratum-mischief: {why}");
            ExitCode::from(2)
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let mut words = env::args().skip(1);
    let command = words.next().unwrap_or_default();
    if matches!(command.as_str(), "--help" | "-h" | "help") {
        println!("{USAGE}");
        return Ok(());
    }
    let options = options(words)?;
    let option = |name: &str| options.get(name).map(String::as_str);
    let home = || option("home").map(Path::new).ok_or(USAGE);
    let fault = || option("fault").and_then(Fault::of).ok_or("--fault: no name of `qratum-mischief list`");
    match command.as_str() {
        "list" => list(),
        "validator" => validator::run(home()?, option("name").ok_or(USAGE)?, fault()?).await?,
        "peer" => peer(home()?, option("of"), option("listen"), fault()?).await?,
        _ => return Err(USAGE.into()),
    }
    Ok(())
}

/// `--name value` pairs.
fn options(mut words: impl Iterator<Item = String>) -> Result<BTreeMap<String, String>, Box<dyn Error>> {
    let mut options = BTreeMap::new();
    while let Some(word) = words.next() {
        let name = word.strip_prefix("--").ok_or(USAGE)?.to_owned();
        options.insert(name, words.next().ok_or(USAGE)?);
    }
    Ok(options)
}

fn list() {
    for (name, fault) in Fault::ALL {
        println!("{name:<18}{}", if fault.is_a_peers() { "validator, peer" } else { "validator" });
    }
}

async fn peer(
    home: &Path,
    of: Option<&str>,
    listen: Option<&str>,
    fault: Fault,
) -> Result<(), Box<dyn Error>> {
    if !fault.is_a_peers() {
        return Err("a peer signs nothing: only a validator can have this fault".into());
    }
    let peers = Home::new(home).peers()?;
    let honest = peers.into_iter().find(|peer| of.is_none_or(|name| peer.name == name));
    let honest = honest.ok_or("--of: no such validator in peers.json")?;
    let address = listen.unwrap_or("/ip4/127.0.0.1/tcp/0").parse()?;
    let truth = Truth::There(honest.id, honest.address);
    let key = sha3_256(format!("{fault:?} {of:?} {listen:?}").as_bytes()).0;
    let peer = Peer::start(key, address, truth, Some(fault)).await.map_err(|why| why.to_string())?;
    println!("{}", peer.address);
    peer.run().await;
    Ok(())
}
