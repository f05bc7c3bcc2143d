//! `qratum init`: a home of one's own, made of what the network's operators hand out. Everything is
//! checked before anything is written, and nothing that is there is touched.

use std::{
    fs::{self, DirBuilder},
    io::{self, BufRead, IsTerminal, Read},
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

use qratum_chain::document::{MAX_LENGTH, genesis_from_json};
use qratum_light_node::{Peer, peers_from_json};
use qratum_verifier::anchor::Start;
use serde::Serialize;

use crate::{
    cli::{InitArgs, PeerArg},
    exit::{Exit, Failure},
    file, hex,
    home::Home,
    output, time,
};

/// What a new home must not have yet.
const TAKEN: [&str; 4] = ["genesis.json", "peers.json", "anchor.json", "store"];
/// The longest answer that is read.
const MAX_ANSWER: u64 = 1024;

/// What was made, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Made {
    schema: &'static str,
    home: String,
    network: String,
    chain_id: String,
    peers: usize,
    /// Whether this anchor can no longer be started from.
    expired: bool,
}

#[derive(Serialize)]
struct PeersFile<'a> {
    schema: &'static str,
    peers: &'a [PeerArg],
}

/// Checks everything, asks for the chain id where it was not given, and writes the home.
pub(crate) fn run(home: &Home, args: &InitArgs, json: bool) -> Result<Exit, Failure> {
    refuse_taken(home)?;
    let (peers_text, peers) = match &args.peers_file {
        Some(path) => handed_out(path)?,
        None => typed(&args.peers)?,
    };
    let bytes = file::read(&args.genesis, MAX_LENGTH)?;
    let wrong = |why: String| {
        Failure::new(
            Exit::Usage,
            format!("{}: {why}\nGet the file again from the network's operators", args.genesis.display()),
        )
    };
    let genesis = genesis_from_json(&bytes).map_err(|why| wrong(why.to_string()))?;
    genesis.starts_in_time(time::now()).map_err(|why| wrong(why.to_string()))?;
    let start = Start::of(&genesis, None).map_err(|why| wrong(why.to_string()))?;
    let chain_id = start.rules.chain_id.to_string();
    confirm(&chain_id, args)?;
    write(home.path(), &[("peers.json", peers_text.as_bytes()), ("genesis.json", &bytes)])?;
    let made = Made {
        schema: "qratum/init/v1",
        home: home.shown(),
        network: genesis.network,
        chain_id,
        peers: peers.len(),
        expired: start.is_expired(time::now()),
    };
    if json {
        output::json(&made)?;
    } else {
        output::lines(&made.page())?;
    }
    Ok(Exit::Done)
}

impl Made {
    fn page(&self) -> String {
        let Self { home, network, chain_id, peers, expired, .. } = self;
        let mut page =
            format!("made      {home}\nnetwork   {network}\nchain id  {chain_id}\npeers     {peers}\n");
        if *expired {
            page.push_str("warning   the genesis is older than its trusting period: take an anchor with `qratum anchor import`\n");
        }
        page + &format!("next      qratum doctor --home {home}\n          qratum --home {home}")
    }
}

fn refuse_taken(home: &Home) -> Result<(), Failure> {
    let path = home.path();
    let refuse = |why: String| Err(Failure::new(Exit::Usage, why));
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Failure::io(&path.display().to_string(), &error)),
        Ok(found) if !found.is_dir() => {
            return refuse(format!("{} is a file\nName a directory with --home DIR", home.shown()));
        }
        Ok(found) if found.mode() & 0o077 != 0 => {
            return refuse(format!("others can read or write {0}\nFirst: chmod 700 {0}", home.shown()));
        }
        Ok(_) => {}
    }
    match TAKEN.iter().find(|name| path.join(name).symlink_metadata().is_ok()) {
        None => Ok(()),
        Some(name) => refuse(format!(
            "{} holds {name} already, and nothing is overwritten\nName another directory with --home DIR",
            home.shown()
        )),
    }
}

/// The peers of a file that somebody handed out, as it is.
fn handed_out(path: &Path) -> Result<(String, Vec<Peer>), Failure> {
    let wrong = |why: String| {
        let text = format!("{}: {why}\nGet the file again from the network's operators", path.display());
        Failure::new(Exit::Usage, text)
    };
    let bytes = file::read(path, MAX_LENGTH)?;
    let peers = peers_from_json(&bytes).map_err(|why| wrong(why.to_string()))?;
    Ok((String::from_utf8(bytes).map_err(|why| wrong(why.to_string()))?, peers))
}

/// The peers as their file will have them, read back as the light node reads it.
fn typed(peers: &[PeerArg]) -> Result<(String, Vec<Peer>), Failure> {
    let text = serde_json::to_string_pretty(&PeersFile { schema: "qratum/peers/v1", peers });
    let text = text.map_err(|error| Failure::new(Exit::Error, error.to_string()))? + "\n";
    match peers_from_json(text.as_bytes()) {
        Ok(read) => Ok((text, read)),
        Err(why) => Err(Failure::new(
            Exit::Usage,
            format!(
                "--peer: {why}\nAs in --peer north=/ip4/192.0.2.1/tcp/4001/p2p/12D3KooW...,operator=acme"
            ),
        )),
    }
}

/// What the user trusts from now on was typed, or is confirmed on the terminal.
fn confirm(chain_id: &str, args: &InitArgs) -> Result<(), Failure> {
    let spoken = hex::groups(chain_id);
    if let Some(typed) = &args.chain_id {
        let refused = || {
            Failure::new(
                Exit::Refused,
                format!(
                    "the chain id of {} is another:\n{spoken}\nNothing was written: get the file again, or the id",
                    args.genesis.display()
                ),
            )
        };
        return if typed == chain_id { Ok(()) } else { Err(refused()) };
    }
    if !io::stdin().is_terminal() {
        let text = format!(
            "the chain id is what you will trust, and nobody is here to confirm it:\n{spoken}\nCompare it with the operators, then give it with --chain-id"
        );
        return Err(Failure::new(Exit::Usage, text));
    }
    output::note(&format!(
        "The chain id is what you will trust. Compare it with the operators, by voice or on paper:\n{spoken}\nType yes if it is the same:"
    ));
    let mut answer = String::new();
    io::stdin().lock().take(MAX_ANSWER).read_line(&mut answer)?;
    if answer.trim() == "yes" {
        Ok(())
    } else {
        Err(Failure::new(Exit::Refused, "not confirmed: nothing was written"))
    }
}

/// Writes all files or none. The last one makes it a home.
fn write(home: &Path, files: &[(&str, &[u8])]) -> Result<(), Failure> {
    let failed = |path: &Path, error: &io::Error| Failure::io(&path.display().to_string(), error);
    DirBuilder::new().recursive(true).mode(0o700).create(home).map_err(|error| failed(home, &error))?;
    let mut made: Vec<PathBuf> = Vec::new();
    for (name, bytes) in files {
        let path = home.join(name);
        if let Err(error) = file::create(&path, bytes) {
            if error.kind() != io::ErrorKind::AlreadyExists {
                made.push(path.clone());
            }
            // What is half there would be taken for a home.
            made.iter().for_each(|path| drop(fs::remove_file(path)));
            return Err(failed(&path, &error));
        }
        made.push(path);
    }
    Ok(())
}
