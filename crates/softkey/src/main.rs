//! `qratum-softkey`: serves one software security key until its standard input ends.

use std::{
    env, fs,
    io::{self, BufReader, Write as _},
    os::unix::{fs::PermissionsExt as _, net::UnixListener},
    process::ExitCode,
};

use qratum_metal::process::harden;
use qratum_softkey::{
    device::Device,
    key::{Algorithm, Key, Settings},
    protocol::Protocol,
    script::{Counting, Touch},
    serve::serve,
};
use sha2::{Digest as _, Sha256};

const BANNER: &str = "software security key: not for real keys";

const USAGE: &str = "\
usage: qratum-softkey serve --socket PATH --seed TEXT|--seed-file FILE [--pin PIN] [--ctap 2.0|2.1] [--protocols 1|2|21]
                      [--algorithms es256|eddsa|both] [--touch auto[:MS]|manual|never]
                      [--count zero|credential|global|backwards]
       qratum-softkey public --seed TEXT --rp-id NAME --user NAME --algorithms es256|eddsa

A software security key for demos and tests: not for real keys. `serve` reads lines that steer it from
standard input and ends with it. `public` prints the credential that the key of this seed has for a
user: its number and its public key as COSE, in hex.";

fn main() -> ExitCode {
    harden();
    match run(&env::args().skip(1).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("qratum-softkey: {why}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn run(words: &[String]) -> Result<(), String> {
    let (verb, options) = words.split_first().ok_or("what shall it do?")?;
    let options = Options(options);
    match verb.as_str() {
        "serve" => listen(&options),
        "public" => public(&options),
        _ => Err(format!("no such command: {verb}")),
    }
}

/// `--name value` pairs.
struct Options<'a>(&'a [String]);

impl Options<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        let pairs = self.0.chunks_exact(2);
        pairs
            .filter_map(|pair| if let [found, value] = pair { Some((found, value)) } else { None })
            .find(|(found, _)| found.strip_prefix("--") == Some(name))
            .map(|(_, value)| value.as_str())
    }

    fn need(&self, name: &str) -> Result<&str, String> {
        self.get(name).ok_or_else(|| format!("--{name} is missing"))
    }

    /// By the file, where others must not see it: arguments are read by everybody.
    fn seed(&self) -> Result<Vec<u8>, String> {
        match self.get("seed-file") {
            Some(path) => fs::read(path).map_err(|error| format!("{path}: {error}")),
            None => self.need("seed").map(|seed| seed.as_bytes().to_vec()),
        }
    }

    fn settings(&self) -> Result<Settings, String> {
        let protocols = match self.get("protocols").unwrap_or("21") {
            "1" => vec![Protocol::One],
            "2" => vec![Protocol::Two],
            "21" => vec![Protocol::Two, Protocol::One],
            other => return Err(format!("no protocols: {other}")),
        };
        let algorithms = match self.get("algorithms").unwrap_or("both") {
            "es256" => vec![Algorithm::Es256],
            "eddsa" => vec![Algorithm::EdDsa],
            "both" => vec![Algorithm::Es256, Algorithm::EdDsa],
            other => return Err(format!("no algorithms: {other}")),
        };
        Ok(Settings {
            seed: Sha256::digest(self.seed()?).into(),
            pin: self.get("pin").map(str::to_owned),
            is_2_1: self.get("ctap") != Some("2.0"),
            protocols,
            algorithms,
            counting: self.get("count").unwrap_or("credential").parse::<Counting>()?,
        })
    }
}

fn listen(options: &Options<'_>) -> Result<(), String> {
    let touch = options.get("touch").unwrap_or("auto").parse::<Touch>()?;
    let device = Device::new(options.settings()?, touch);
    let path = options.need("socket")?;
    let said = |error: io::Error| format!("{path}: {error}");
    let listener = UnixListener::bind(path).map_err(said)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(said)?;
    println!("{BANNER}");
    let ended = serve(device, listener, BufReader::new(io::stdin()), io::stdout());
    let _ = fs::remove_file(path);
    ended.map_err(|error| error.to_string())
}

fn public(options: &Options<'_>) -> Result<(), String> {
    let key = Key::new(options.settings()?);
    let algorithm = *key.settings.algorithms.first().ok_or("no algorithm")?;
    let rp_id = options.need("rp-id")?;
    let id = key.id(algorithm, rp_id, options.need("user")?.as_bytes());
    let cose = key.public(&id, rp_id).ok_or("no key")?.write();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let line = format!(r#"{{"credential_id":"{}","cose":"{}"}}"#, hex(&id), hex(&cose));
    writeln!(io::stdout(), "{line}").map_err(|error| error.to_string())
}
