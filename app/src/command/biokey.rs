//! `qratum biokey`: the second factor of a person, from a genome and a security key.

mod consent;
mod device;
mod enrol;

use std::{
    fs,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
};

use qratum_custody::{
    biokey::{BiokeyError, Loci, SealedPanel, sample},
    entropy,
};
use qratum_light_node::file as kept;
use serde::Serialize;

use crate::{
    cli::{BiokeyCommand, ConsentCommand, ListArgs},
    exit::{Exit, Failure},
    file,
    home::Home,
    output, time,
};

/// Demos and tests read these positions, and no real genome has their bases.
const SYNTHETIC: &str = include_str!("../../../assets/loci.tsv");
/// The longest list of loci that is read.
const MAX_LIST: usize = 1 << 20;
/// The longest sealed panel.
const MAX_PANEL: usize = 64 << 10;
/// The longest line that is typed.
const MAX_LINE: u64 = 4096;

/// Runs what was typed.
pub(super) fn run(command: BiokeyCommand, home: &Home, json: bool) -> Result<Exit, Failure> {
    match command {
        BiokeyCommand::Enrol(args) => enrol::run(home, &args, json),
        BiokeyCommand::Show { name } => show(home, name.as_deref(), json),
        BiokeyCommand::Consent { command: ConsentCommand::Show { name } } => consent::show(home, &name, json),
        BiokeyCommand::Destroy { name, yes } => destroy(home, &name, yes, json),
        BiokeyCommand::Sample { out, list } => write_sample(&out, &list),
    }
}

/// `keys` of a home, and what belongs to the key of a name there.
fn folder(home: &Home) -> PathBuf {
    home.path().join("keys")
}

fn panel_path(home: &Home, name: &str) -> PathBuf {
    folder(home).join(format!("{name}.panel"))
}

/// The list that was named, or the synthetic one.
fn loci(args: &ListArgs) -> Result<Loci, Failure> {
    let text = match &args.loci {
        None => SYNTHETIC.to_owned(),
        Some(path) => String::from_utf8_lossy(&file::read(path, MAX_LIST)?).into_owned(),
    };
    Loci::parse(&text).map_err(|why| Failure::new(Exit::Usage, format!("{why}\nNothing was read or kept")))
}

/// A sealed panel, as `--json` prints it: nothing of it is secret.
#[derive(Debug, Serialize)]
struct PanelJson {
    name: String,
    build: &'static str,
    loci: usize,
    version: u64,
    credential: String,
    purpose: String,
    given_ms: u64,
    until_ms: u64,
    /// Whether its retention is over.
    over: bool,
    ed25519: String,
    mldsa_hash: String,
}

impl PanelJson {
    fn of(name: &str, panel: &SealedPanel) -> Self {
        let terms = panel.terms();
        Self {
            name: name.to_owned(),
            build: panel.build().name(),
            loci: panel.count(),
            version: terms.version,
            credential: terms.credential.0.to_string(),
            purpose: terms.purpose.clone(),
            given_ms: terms.given.0,
            until_ms: terms.until.0,
            over: terms.until <= time::now(),
            ed25519: panel.keys().ed25519.to_string(),
            mldsa_hash: panel.keys().mldsa_hash.to_string(),
        }
    }

    fn page(&self) -> String {
        let at = |ms| time::format(qratum_chain::types::Time(ms));
        let over = if self.over { ": over, it unlocks nothing; destroy it" } else { "" };
        let rows = [
            ("key", self.name.clone()),
            ("version", self.version.to_string()),
            ("loci", format!("{}, {}", self.loci, self.build)),
            ("for", self.purpose.clone()),
            ("consent", at(self.given_ms)),
            ("until", format!("{}{over}", at(self.until_ms))),
            ("credential", self.credential.clone()),
            ("ed25519", self.ed25519.clone()),
            ("ml-dsa-65", format!("{} (hash of the key)", self.mldsa_hash)),
        ];
        rows.iter().map(|(name, value)| format!("{name:<10}  {value}\n")).collect()
    }
}

/// Panels, as `--json` prints them.
#[derive(Debug, Serialize)]
struct Panels {
    schema: &'static str,
    panels: Vec<PanelJson>,
}

impl Panels {
    fn print(panels: Vec<PanelJson>, json: bool) -> Result<(), Failure> {
        if json {
            return Ok(output::json(&Self { schema: "qratum/biokey/v1", panels })?);
        }
        let pages: Vec<String> = panels.iter().map(PanelJson::page).collect();
        let none = pages.is_empty().then_some("no sealed panel in this home: `qratum biokey enrol NAME`");
        Ok(output::lines(none.unwrap_or(&pages.join("\n")))?)
    }
}

/// Prints the panels of a home.
fn show(home: &Home, name: Option<&str>, json: bool) -> Result<Exit, Failure> {
    let names = match name {
        Some(name) => vec![name.to_owned()],
        None => names(&folder(home))?,
    };
    let panels = names.iter().map(|name| Ok(PanelJson::of(name, &read(home, name)?)));
    Panels::print(panels.collect::<Result<_, Failure>>()?, json)?;
    Ok(Exit::Done)
}

fn names(folder: &Path) -> Result<Vec<String>, Failure> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|error| Failure::io(&folder.display().to_string(), &error))?,
    };
    let name = |entry: io::Result<fs::DirEntry>| entry.ok()?.file_name().into_string().ok();
    let panel = |file: String| file.strip_suffix(".panel").map(str::to_owned);
    let mut names: Vec<String> = entries.filter_map(name).filter_map(panel).collect();
    names.sort();
    Ok(names)
}

/// The sealed panel of a name.
fn read(home: &Home, name: &str) -> Result<SealedPanel, Failure> {
    let path = panel_path(home, name);
    let bytes =
        kept::read(&path, MAX_PANEL).map_err(|error| Failure::io(&path.display().to_string(), &error))?;
    let bytes = bytes.ok_or_else(|| {
        let text = format!("{} does not exist: there is no biokey for this key here", path.display());
        Failure::new(Exit::Usage, text)
    })?;
    SealedPanel::read(bytes).map_err(|why| refused(&path.display().to_string(), &why))
}

fn refused(what: &str, why: &BiokeyError) -> Failure {
    let exit = match why {
        BiokeyError::Memory(_) | BiokeyError::Timer(_) | BiokeyError::Seal(_) | BiokeyError::Fault => {
            Exit::Error
        }
        BiokeyError::Terms => Exit::Usage,
        _ => Exit::Refused,
    };
    Failure::new(exit, format!("{what}: {why}\nNothing was signed"))
}

/// What was destroyed, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Destroyed {
    schema: &'static str,
    name: String,
    /// The files that are gone.
    files: Vec<String>,
}

/// Overwrites and removes a panel and its consent, also one that can no longer be read.
fn destroy(home: &Home, name: &str, yes: bool, json: bool) -> Result<Exit, Failure> {
    let paths = [panel_path(home, name), consent::path(home, name)];
    if paths.iter().all(|path| path.symlink_metadata().is_err()) {
        let text =
            format!("{} does not exist: there is nothing to destroy", panel_path(home, name).display());
        return Err(Failure::new(Exit::Usage, text));
    }
    if !yes {
        output::note(&format!(
            "The biokey of {name} is gone for good with its panel: to act, another has to be enrolled.\n\
             Old copies and worn cells of a disk hold the panel sealed, and open to the security key alone."
        ));
        if asked(&format!("Type {name} to destroy it: "))? != name {
            return Err(Failure::new(Exit::Usage, "Nothing was destroyed"));
        }
    }
    let mut files = Vec::new();
    for path in paths {
        match overwrite(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            done => {
                done.map_err(|error| Failure::io(&path.display().to_string(), &error))?;
                files.push(path.display().to_string());
            }
        }
    }
    if json {
        output::json(&Destroyed { schema: "qratum/biokey-destroyed/v1", name: name.to_owned(), files })?;
    } else {
        output::lines(&files.iter().map(|file| format!("destroyed  {file}\n")).collect::<String>())?;
    }
    Ok(Exit::Done)
}

/// Writes zeros over a file, and removes it.
fn overwrite(path: &Path) -> io::Result<()> {
    let mut file = kept::open(path, fs::OpenOptions::new().write(true))?;
    let length = file.metadata()?.len();
    io::copy(&mut io::repeat(0).take(length), &mut file)?;
    file.sync_all()?;
    fs::remove_file(path)?;
    fs::File::open(path.parent().unwrap_or(path))?.sync_all()
}

/// What is typed at the terminal, whatever standard input is.
fn asked(prompt: &str) -> Result<String, Failure> {
    let ask = || -> io::Result<String> {
        let mut terminal = fs::OpenOptions::new().read(true).write(true).open("/dev/tty")?;
        terminal.write_all(prompt.as_bytes())?;
        let mut line = String::new();
        BufReader::new(terminal.take(MAX_LINE)).read_line(&mut line)?;
        Ok(line.trim().to_owned())
    };
    ask().map_err(|why| {
        let text = format!("this is typed on a terminal, and there is none: {why}\nNothing was read or kept");
        Failure::new(Exit::Usage, text)
    })
}

/// Writes genotypes of nobody.
fn write_sample(out: &Path, list: &ListArgs) -> Result<Exit, Failure> {
    let failed =
        |why: &dyn std::fmt::Display| Failure::new(Exit::Error, format!("{why}\nNothing was written"));
    let list = loci(list)?;
    let mut random = entropy::generator().map_err(|why| failed(&why))?;
    let text = sample::vcf(&list, (&mut random, entropy::now())).map_err(|why| failed(&why))?;
    file::write_new(out, text.as_bytes())?;
    output::note(&format!("{}: synthetic, nobody has this genome", out.display()));
    Ok(Exit::Done)
}
