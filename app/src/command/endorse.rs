//! `qratum anchor key`, `sign` and `verify`: operators vouch for a block that others start from.

use std::path::{Path, PathBuf};

use qratum_chain::{
    document::{Anchor, Endorsements, MAX_LENGTH, operator_key_to_hex},
    types::{Checkpoint, Endorsement},
};
use qratum_custody::{
    entropy,
    operator::{LEAST_PASSPHRASE, Operator, OperatorKeyError},
};
use qratum_light_node::PinError;
use qratum_verifier::{
    anchor::{self, StartError},
    endorsement::{self, Count, Operators},
};
use serde::Serialize;

use crate::{
    cli::{AnchorKeyArgs, AnchorSignArgs, AnchorVerifyArgs},
    exit::{Exit, Failure},
    file,
    home::Home,
    output, passphrase, time,
};

/// The longest file of a key that is read.
const MAX_KEY_FILE: usize = 4 << 10;

/// A new key, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Key {
    schema: &'static str,
    key: String,
    file: String,
}

/// Makes an operator's key and keeps it under a passphrase.
pub(crate) fn key(args: &AnchorKeyArgs, json: bool) -> Result<Exit, Failure> {
    is_free(&args.out)?;
    let failed = |why: &dyn std::fmt::Display| Failure::new(Exit::Error, format!("{why}\nNo key was made"));
    let passphrase = passphrase::choose(LEAST_PASSPHRASE)?;
    let mut random = entropy::generator().map_err(|why| failed(&why))?;
    let operator = Operator::generate(&mut random, entropy::now()).map_err(|why| failed(&why))?;
    let sealed = operator.seal(&passphrase, &mut random, entropy::now()).map_err(|why| failed(&why))?;
    file::write_new(&args.out, &sealed)?;
    let (key, file) = (operator_key_to_hex(operator.public()), args.out.display().to_string());
    if json {
        output::json(&Key { schema: "qratum/anchor-key/v1", key, file })?;
    } else {
        output::lines(&format!(
            "secret key  {file}, sealed under the passphrase\npublic key  {key}\n\
             Others name it in config.toml:\n[[anchors.operator]]\nname = \"...\"\nkey = \"{key}\""
        ))?;
    }
    Ok(Exit::Done)
}

/// Before a passphrase is typed, and not after it.
fn is_free(path: &Path) -> Result<(), Failure> {
    if path.symlink_metadata().is_err() {
        return Ok(());
    }
    let text = format!("{} exists, and nothing is overwritten\nName another file", path.display());
    Err(Failure::new(Exit::Usage, text))
}

/// What is signed, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Signing {
    schema: &'static str,
    #[serde(flatten)]
    what: What,
    /// With which key.
    key: String,
    /// Where the signature is; null where nothing was signed.
    file: Option<String>,
}

/// A checkpoint for people and programs.
#[derive(Debug, Serialize)]
struct What {
    chain_id: String,
    height: u64,
    time_ms: u64,
    set_id: u64,
    block_id: String,
    validators_hash: String,
    next_validators_hash: String,
    not_after_ms: u64,
}

impl From<&Checkpoint> for What {
    fn from(it: &Checkpoint) -> Self {
        Self {
            chain_id: it.chain_id.to_string(),
            height: it.height.0,
            time_ms: it.time.0,
            set_id: it.set_id.0,
            block_id: it.block_id.to_string(),
            validators_hash: it.validators_hash.to_string(),
            next_validators_hash: it.next_validators_hash.to_string(),
            not_after_ms: it.not_after.0,
        }
    }
}

impl What {
    fn page(&self) -> String {
        let at = |ms| time::format(qratum_chain::types::Time(ms));
        let rows = [
            ("chain", self.chain_id.clone()),
            ("height", self.height.to_string()),
            ("block id", self.block_id.clone()),
            ("time", at(self.time_ms)),
            ("set", self.set_id.to_string()),
            ("set's root", self.validators_hash.clone()),
            ("next root", self.next_validators_hash.clone()),
            ("not after", at(self.not_after_ms)),
        ];
        rows.iter().map(|(name, value)| format!("{name:<10}  {value}\n")).collect()
    }
}

/// Shows what is signed, and signs it once the passphrase is typed: that is the user's word for it.
pub(crate) fn sign(home: &Home, args: &AnchorSignArgs, json: bool) -> Result<Exit, Failure> {
    let anchor = read_anchor(&args.file)?;
    let got = anchor.block.header.id();
    if got != args.block_id {
        let why = PinError::OtherBlock { typed: args.block_id, got };
        return Err(Failure::new(Exit::Refused, format!("{why}\nNothing was signed")));
    }
    anchor::check(&anchor, &home.genesis()?, time::now()).map_err(|why| unsound(&why))?;
    let sealed = file::read(&args.key, MAX_KEY_FILE)?;
    let said = Operator::said(&sealed).ok_or_else(|| unusable(&args.key, &OperatorKeyError::Form))?;
    let (what, key) = (What::from(&anchor.checkpoint), operator_key_to_hex(&said));
    let written = match &args.out {
        Some(out) => {
            is_free(out)?;
            output::note(&format!("{}key         {key}\nThe passphrase signs this.", what.page()));
            let passphrase = passphrase::ask("Passphrase of the key: ")?;
            let operator = Operator::open(&sealed, &passphrase).map_err(|why| unusable(&args.key, &why))?;
            let signed = operator.endorse(&anchor.checkpoint).map_err(|why| unusable(&args.key, &why))?;
            write(out, anchor.checkpoint, vec![signed])?;
            Some(out.display().to_string())
        }
        None => None,
    };
    if json {
        output::json(&Signing { schema: "qratum/anchor-signing/v1", what, key, file: written })?;
    } else {
        let end = written.map_or_else(
            || "Nothing was signed: --out FILE signs".to_owned(),
            |file| format!("signature   {file}"),
        );
        output::lines(&format!("{}key         {key}\n{end}", what.page()))?;
    }
    Ok(Exit::Done)
}

/// Counts who vouches for a block.
pub(crate) fn verify(home: &Home, args: &AnchorVerifyArgs, json: bool) -> Result<Exit, Failure> {
    let operators = home.settings()?.operators().ok_or_else(|| {
        let text = "config.toml of this home names no operators\n\
                    Name them under [anchors], or compare block ids and use `qratum anchor import --block-id`";
        Failure::new(Exit::Usage, text)
    })?;
    let anchor = read_anchor(&args.file)?;
    let sound = anchor::check(&anchor, &home.genesis()?, time::now()).map(drop);
    if let Err(why @ StartError::Genesis(_)) = &sound {
        return Err(Failure::new(Exit::Usage, why.to_string()));
    }
    let signatures = read_signatures(&args.signatures)?;
    let count = endorsement::count(&anchor.checkpoint, &signatures, &operators);
    let written = match &args.out {
        Some(out) => {
            let held = held(&anchor.checkpoint, signatures, &operators);
            write(out, anchor.checkpoint.clone(), held)?;
            Some(out.display().to_string())
        }
        None => None,
    };
    let verdict = Verdict::of(&anchor.checkpoint, &count, sound.err().map(|why| why.to_string()), written);
    if json {
        output::json(&verdict)?;
    } else {
        output::lines(&verdict.page())?;
    }
    Ok(if verdict.met { Exit::Done } else { Exit::Refused })
}

/// The signatures that hold, each operator's once: what one file can carry on.
fn held(
    checkpoint: &Checkpoint,
    signatures: Vec<(Checkpoint, Endorsement)>,
    operators: &Operators,
) -> Vec<Endorsement> {
    let mut held: Vec<Endorsement> = Vec::new();
    for one in signatures {
        let holds = endorsement::count(checkpoint, std::slice::from_ref(&one), operators).refused.is_empty();
        if holds && held.iter().all(|other| other.key != one.1.key) {
            held.push(one.1);
        }
    }
    held
}

/// Who vouches, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Verdict {
    schema: &'static str,
    #[serde(flatten)]
    what: What,
    /// Whether enough operators vouch and the block is fit to start from.
    met: bool,
    threshold: usize,
    signed: Vec<String>,
    missing: Vec<String>,
    refused: Vec<RefusedJson>,
    /// Why the block itself is not fit to start from.
    unfit: Option<String>,
    /// Where the signatures that hold are.
    file: Option<String>,
}

#[derive(Debug, Serialize)]
struct RefusedJson {
    operator: Option<String>,
    key: String,
    reason: &'static str,
    text: String,
}

impl Verdict {
    fn of(checkpoint: &Checkpoint, count: &Count, unfit: Option<String>, file: Option<String>) -> Self {
        let refused = count.refused.iter().map(|it| RefusedJson {
            operator: it.operator.clone(),
            key: operator_key_to_hex(&it.key),
            reason: it.fault.name(),
            text: it.fault.to_string(),
        });
        Self {
            schema: "qratum/anchor-verdict/v1",
            what: What::from(checkpoint),
            met: count.is_met() && unfit.is_none(),
            threshold: count.threshold,
            signed: count.signed.clone(),
            missing: count.missing.clone(),
            refused: refused.collect(),
            unfit,
            file,
        }
    }

    fn page(&self) -> String {
        let all = self.signed.len().saturating_add(self.missing.len());
        let mut page = self.what.page();
        page.push_str(&format!("signed by   {} of {all}, {} must\n", self.signed.len(), self.threshold));
        self.signed.iter().for_each(|name| page.push_str(&format!("signed      {name}\n")));
        self.missing.iter().for_each(|name| page.push_str(&format!("missing     {name}\n")));
        for RefusedJson { operator, key, text, .. } in &self.refused {
            let who = operator.as_deref().unwrap_or(key);
            page.push_str(&format!("refused     {who}: {text}\n"));
        }
        self.unfit.iter().for_each(|why| page.push_str(&format!("unfit       {why}\n")));
        page.push_str(if self.met {
            "verdict     enough operators vouch for it"
        } else {
            "verdict     refused"
        });
        page
    }
}

/// The anchor document in a file.
pub(super) fn read_anchor(path: &Path) -> Result<Anchor, Failure> {
    Anchor::from_json(&file::read(path, MAX_LENGTH)?).map_err(|why| {
        let text = format!("{}: {why}\nNothing was changed: get the file again", path.display());
        Failure::new(Exit::Error, text)
    })
}

/// All signatures in these files, each with the checkpoint that its file is over.
pub(super) fn read_signatures(paths: &[PathBuf]) -> Result<Vec<(Checkpoint, Endorsement)>, Failure> {
    let mut all = Vec::new();
    for path in paths {
        let read = Endorsements::from_json(&file::read(path, MAX_LENGTH)?);
        let Endorsements { checkpoint, signatures } = read.map_err(|why| {
            let text = format!("{}: {why}\nNothing was changed: get the file again", path.display());
            Failure::new(Exit::Error, text)
        })?;
        all.extend(signatures.into_iter().map(|signature| (checkpoint.clone(), signature)));
    }
    Ok(all)
}

fn write(path: &Path, checkpoint: Checkpoint, signatures: Vec<Endorsement>) -> Result<(), Failure> {
    let text = Endorsements { checkpoint, signatures }.to_json();
    let text = text.map_err(|why| Failure::new(Exit::Error, why.to_string()))?;
    file::write_new(path, text.as_bytes())
}

fn unsound(why: &StartError) -> Failure {
    let exit = if matches!(why, StartError::Genesis(_)) { Exit::Usage } else { Exit::Refused };
    Failure::new(exit, format!("{why}\nNothing was signed"))
}

fn unusable(path: &Path, why: &OperatorKeyError) -> Failure {
    let exit = match why {
        OperatorKeyError::Form | OperatorKeyError::Passphrase | OperatorKeyError::Tampered => Exit::Refused,
        _ => Exit::Error,
    };
    Failure::new(exit, format!("{}: {why}\nNothing was signed", path.display()))
}
