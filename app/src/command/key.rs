//! `qratum key`: security keys, their PINs, and the credentials that this home knows.

use std::{path::PathBuf, sync::Arc};

use qratum_custody::{
    entropy::{self, Random},
    fido::{
        Algorithm, NewCredential, SecurityKey as _, Watch, error::KeyError, hid::Wire, key::Key, scan::Places,
    },
};
use qratum_metal::secret::LockedBytes;
use serde::Serialize;

use crate::{
    cli::{DeviceArgs, KeyCommand, PinCommand, RegisterArgs},
    credential::Credential,
    exit::{Exit, Failure},
    hex,
    home::Home,
    output, passphrase,
};

/// Runs what was typed.
pub(super) fn run(command: KeyCommand, home: &Home, json: bool) -> Result<Exit, Failure> {
    match command {
        KeyCommand::List => list(home, json),
        KeyCommand::Info(args) => about(&mut open(&args)?, json),
        KeyCommand::Wink(args) => {
            wire(&args)?.wink().map_err(|why| refused(&why))?;
            about(&mut open(&args)?, json)
        }
        KeyCommand::Pin { command: PinCommand::Set(args) } => {
            let mut key = open(&args)?;
            let new = new_pin()?;
            key.set_pin(&new).map_err(|why| refused(&why))?;
            about(&mut key, json)
        }
        KeyCommand::Pin { command: PinCommand::Change(args) } => {
            let mut key = open(&args)?;
            let (old, new) = (passphrase::ask("PIN of the key: ")?, new_pin()?);
            key.change_pin(&old, &new).map_err(|why| refused(&why))?;
            about(&mut key, json)
        }
        KeyCommand::Register(args) => register(home, &args, json),
    }
}

/// Says on standard error what a key waits for. Whoever ends this program ends its ceremony.
struct Told;

impl Watch for Told {
    fn touch(&self, waiting: bool) {
        if waiting {
            output::note("Touch the key now");
        }
    }

    fn tries_left(&self, tries: u8) {
        if tries < 8 {
            output::note(&format!("The PIN of this key has {tries} tries left"));
        }
    }

    fn cancelled(&self) -> bool {
        false
    }
}

/// The key that was named, or the only one.
fn wire(args: &DeviceArgs) -> Result<Wire, Failure> {
    let watch: Arc<dyn Watch> = Arc::new(Told);
    #[cfg(feature = "software-key")]
    if let Some(socket) = &args.software_key {
        output::note("software security key: not for real keys");
        return Wire::connect(socket, watch).map_err(|why| refused(&why));
    }
    let wire = match &args.device {
        Some(device) => Wire::open(device, watch),
        None => Places::default().only(&watch),
    };
    wire.map_err(|why| refused(&why))
}

fn open(args: &DeviceArgs) -> Result<Key, Failure> {
    Key::new(wire(args)?, random()?).map_err(|why| refused(&why))
}

fn random() -> Result<Random, Failure> {
    let failed = |why| Failure::new(Exit::Error, format!("{why}\nNothing was asked of the key"));
    entropy::generator().map_err(failed)
}

fn refused(why: &KeyError) -> Failure {
    let exit = match why {
        KeyError::Absent
        | KeyError::NotReal
        | KeyError::Permission(_)
        | KeyError::Several(_)
        | KeyError::PinLength { .. } => Exit::Usage,
        KeyError::Io(_) | KeyError::Memory(_) | KeyError::Random(_) => Exit::Error,
        _ => Exit::Refused,
    };
    Failure::new(exit, why.to_string())
}

/// Typed twice, as nobody sees it.
fn new_pin() -> Result<LockedBytes, Failure> {
    let first = passphrase::ask("New PIN, 4 to 63 characters: ")?;
    let second = passphrase::ask("The same again: ")?;
    if first.ct_eq(&second) {
        return Ok(first);
    }
    Err(Failure::new(Exit::Usage, "the two differ\nThe key was not changed"))
}

/// What a key says of itself, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Info {
    schema: &'static str,
    versions: Vec<String>,
    /// Which model it says it is, in hex.
    aaguid: Option<String>,
    hmac_secret: bool,
    /// `set`, `not-set`, or `unknown` where it knows no PIN.
    pin: &'static str,
    /// Null where no PIN is set.
    tries_left: Option<u8>,
    least_pin: u8,
    pin_protocols: Vec<u64>,
}

fn about(key: &mut Key, json: bool) -> Result<Exit, Failure> {
    let tries_left = key.tries().map_err(|why| refused(&why))?;
    let about = key.about().clone();
    let info = Info {
        schema: "qratum/key-info/v1",
        versions: about.versions,
        aaguid: about.aaguid.map(|aaguid| hex::of(&aaguid)),
        hmac_secret: about.has_secret,
        pin: match about.has_pin {
            Some(true) => "set",
            Some(false) => "not-set",
            None => "unknown",
        },
        tries_left,
        least_pin: about.least_pin.unwrap_or(4),
        pin_protocols: about.protocols,
    };
    if json {
        output::json(&info)?;
    } else {
        output::lines(&info.page())?;
    }
    Ok(Exit::Done)
}

impl Info {
    /// What the key says passes as text from outside.
    fn page(&self) -> String {
        let pin = match (self.pin, self.tries_left) {
            (_, Some(tries)) => format!("set, {tries} tries left"),
            ("not-set", _) => "not set: acting needs one (`qratum key pin set`)".to_owned(),
            _ => "none: this key knows no PIN, so it cannot act".to_owned(),
        };
        let secret = if self.hmac_secret { "yes" } else { "no: it can open no biokey" };
        let versions = output::names(&self.versions, ", ");
        let model = self.aaguid.as_deref().unwrap_or("it does not say");
        format!("speaks       {versions}\nmodel        {model}\nPIN          {pin}\nhmac-secret  {secret}")
    }
}

/// A key that is plugged in, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Plugged {
    device: String,
    /// Why it cannot be used; null where it can.
    trouble: Option<String>,
}

/// Keys and credentials, as `--json` prints them.
#[derive(Debug, Serialize)]
struct List {
    schema: &'static str,
    plugged: Vec<Plugged>,
    known: Vec<String>,
}

fn list(home: &Home, json: bool) -> Result<Exit, Failure> {
    let places = Places::default();
    let keys = places.keys().map_err(|error| Failure::io(&places.sys.display().to_string(), &error))?;
    let plugged = |path: PathBuf| Plugged {
        trouble: Wire::open(&path, Arc::new(Told)).err().map(|why| why.to_string()),
        device: path.display().to_string(),
    };
    let plugged = keys.into_iter().map(plugged).collect();
    let list = List { schema: "qratum/key-list/v1", plugged, known: Credential::names(home)? };
    if json {
        output::json(&list)?;
    } else {
        output::lines(&list.page())?;
    }
    Ok(Exit::Done)
}

impl List {
    fn page(&self) -> String {
        let plugged = self.plugged.iter().map(|key| match &key.trouble {
            None => format!("plugged in  {}", key.device),
            Some(why) => format!("plugged in  {}: {why}", key.device),
        });
        let none = self.plugged.is_empty().then(|| KeyError::Absent.to_string());
        let known = self.known.iter().map(|name| format!("known       {name}"));
        none.into_iter().chain(plugged).chain(known).collect::<Vec<_>>().join("\n")
    }
}

fn register(home: &Home, args: &RegisterArgs, json: bool) -> Result<Exit, Failure> {
    let genesis = home.genesis()?;
    let people = genesis.people.as_ref().ok_or_else(|| {
        Failure::new(Exit::Usage, "the genesis of this home enrols no people, so nobody acts on its chain")
    })?;
    is_free(home, &args.name)?;
    let mut key = open(&args.key)?;
    let user_id: [u8; 32] = key.draw().map_err(|why| refused(&why))?;
    let salt = key.draw().map_err(|why| refused(&why))?;
    let pin = passphrase::ask("PIN of the key: ")?;
    let new = NewCredential {
        rp_id: &people.rp_id,
        user_id: &user_id,
        user_name: args.account.as_str(),
        algorithms: &[Algorithm::EdDsa, Algorithm::Es256],
        exclude: &[],
        client_data_hash: user_id,
    };
    let made = key.register(&new, &pin).map_err(|why| refused(&why))?;
    let label = args.label.as_deref().unwrap_or(&args.name);
    let known = Credential::new(args.account.clone(), (label, &people.rp_id), made, salt);
    known.keep(home, &args.name)?;
    if json {
        output::json(&known.document())?;
    } else {
        output::lines(&page(&known))?;
    }
    Ok(Exit::Done)
}

/// Before a PIN is typed and the key touched, and not after it.
fn is_free(home: &Home, name: &str) -> Result<(), Failure> {
    if Credential::path(home, name).symlink_metadata().is_err() {
        return Ok(());
    }
    let text = format!("this home knows a credential {name}, and nothing is overwritten\nName another one");
    Err(Failure::new(Exit::Usage, text))
}

fn page(known: &Credential) -> String {
    format!(
        "account        {}\nparty          {}\ncredential id  {}\n{:<13}  {}\n\
         The chain does not know it yet: an administrator proposes it, and others approve.",
        known.account,
        known.rp_id,
        hex::of(&known.id),
        known.algorithm(),
        hex::of(known.key.bytes())
    )
}
