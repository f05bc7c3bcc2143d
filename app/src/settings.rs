//! `config.toml` of a home: what may be set, and is it safe to obey?
//!
//! The file names validators of ours and programs to run, so it is obeyed only where nobody but its
//! owner can write it, and its owner is this user or root.

use std::{
    collections::BTreeSet,
    fs, io,
    net::SocketAddr,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use qratum_chain::document::operator_key_from_hex;
use qratum_custody::token::Choice;
use qratum_light_node::Proxies;
use qratum_verifier::endorsement::{Operator, Operators};
use serde::Deserialize;
use ureq::http::Uri;

use crate::{
    exit::{Exit, Failure},
    file,
};

/// The longest file that is read.
const MOST: usize = 64 << 10;
/// The most sinks.
const SINKS: usize = 16;
/// Who may not write what is obeyed: its group and all.
const OTHERS_WRITE: u32 = 0o022;
const STICKY: u32 = 0o1000;
const HTTPS: u16 = 443;
const DNS: u16 = 53;

/// Everything that can be set; each part has a default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    pub(crate) alerts: AlertSettings,
    pub(crate) console: ConsoleSettings,
    pub(crate) entropy: EntropySettings,
    /// `[channels]`: what leads to peers that are not on the Internet.
    pub(crate) channels: ChannelSettings,
    /// `[anchors]`: who vouches for a new anchor; none, and the user alone does, by its block id.
    anchors: Option<AnchorSettings>,
}

/// `[channels]`: SOCKS5 proxies of this machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ChannelSettings {
    tor: Option<SocketAddr>,
    i2p: Option<SocketAddr>,
}

impl ChannelSettings {
    /// As the light node wants them.
    pub(crate) const fn proxies(self) -> Proxies {
        Proxies { tor: self.tor, i2p: self.i2p }
    }

    /// Whoever listens to the way to a proxy knows which service is asked for.
    fn check(self) -> Result<(), String> {
        let far = |(_, proxy): &(&str, Option<SocketAddr>)| {
            proxy.is_some_and(|proxy| !proxy.ip().is_loopback() || proxy.port() == 0)
        };
        match [("tor", self.tor), ("i2p", self.i2p)].into_iter().find(far) {
            Some((name, _)) => {
                Err(format!("channels.{name} is no port of this machine, as 127.0.0.1:9050 is"))
            }
            None => Ok(()),
        }
    }
}

/// `[entropy]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct EntropySettings {
    /// `[entropy.token]`: a security token whose generator is one more source.
    pub(crate) token: Option<TokenSettings>,
}

/// A security token: a serial number or a label is needed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenSettings {
    /// The absolute path of the PKCS#11 module that shows it.
    module: PathBuf,
    serial: Option<String>,
    label: Option<String>,
}

impl TokenSettings {
    /// The token that is meant, where nobody else can replace its module.
    pub(crate) fn choice(&self) -> Result<Choice, Failure> {
        let wrong = |why: String| Failure::new(Exit::Usage, format!("entropy.token of config.toml: {why}"));
        if !self.module.is_absolute() {
            return Err(wrong(format!("{} is no absolute path", self.module.display())));
        }
        is_obeyed(&self.module).map_err(wrong)?;
        let Self { module, serial, label } = self.clone();
        if serial.is_none() && label.is_none() {
            return Err(wrong("a serial number or a label is needed".to_owned()));
        }
        Ok(Choice { module, serial, label })
    }
}

/// Operators, checked as they are read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "AnchorsToml")]
struct AnchorSettings(Operators);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnchorsToml {
    /// How many of them must sign.
    threshold: usize,
    #[serde(default)]
    operator: Vec<OperatorToml>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OperatorToml {
    name: String,
    /// Its public key, as `qratum anchor key` prints it.
    key: String,
}

impl TryFrom<AnchorsToml> for AnchorSettings {
    type Error = String;

    fn try_from(AnchorsToml { threshold, operator }: AnchorsToml) -> Result<Self, String> {
        let operators = operator.into_iter().map(|OperatorToml { name, key }| {
            let key = operator_key_from_hex(&key);
            let key =
                key.map_err(|_| format!("anchors: operator {name:?}: a key is 160 lower-case hex digits"))?;
            Ok(Operator { name, key })
        });
        let operators = Operators::new(threshold, operators.collect::<Result<_, String>>()?);
        operators.map(Self).map_err(|why| format!("anchors: {why}"))
    }
}

/// `[console]`: what a console may do with its terminal beside drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ConsoleSettings {
    /// Ring once for each new critical alarm, with a note of the desktop (OSC 9).
    pub(crate) bell: bool,
    /// Hand public values to the terminal's clipboard (OSC 52), each by a key.
    pub(crate) copy: bool,
}

impl Default for ConsoleSettings {
    fn default() -> Self {
        Self { bell: true, copy: true }
    }
}

/// `[alerts]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AlertSettings {
    /// Names of the validators that are ours.
    pub(crate) own: Vec<String>,
    /// From this many missed heights of the last 100 on there is an alarm: 1 to 100.
    pub(crate) missed: u8,
    /// How often a sign of life goes to the sinks that want one.
    pub(crate) heartbeat_s: u32,
    /// Whether alarms go to standard error, as the system's journal reads them.
    pub(crate) log: bool,
    /// `[[alerts.exec]]`.
    pub(crate) exec: Vec<ExecSettings>,
    /// `[[alerts.webhook]]`.
    pub(crate) webhook: Vec<WebhookSettings>,
}

/// A program that is run for each event.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExecSettings {
    pub(crate) name: String,
    /// Its absolute path.
    pub(crate) program: PathBuf,
    #[serde(default)]
    pub(crate) arguments: Vec<String>,
    /// After this time it is killed.
    #[serde(default = "ten")]
    pub(crate) timeout_s: u32,
    #[serde(default)]
    pub(crate) least: Least,
    #[serde(default)]
    pub(crate) heartbeat: bool,
}

/// An address that gets each event.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookSettings {
    pub(crate) name: String,
    pub(crate) url: String,
    /// A file with a secret that is sent as a bearer token.
    pub(crate) token_file: Option<PathBuf>,
    /// The certificates that are believed, in PEM; else those of the system.
    pub(crate) roots: Option<PathBuf>,
    #[serde(default = "ten")]
    pub(crate) timeout_s: u32,
    #[serde(default)]
    pub(crate) least: Least,
    #[serde(default)]
    pub(crate) heartbeat: bool,
}

/// The least level that a sink is told of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Least {
    /// Everything.
    #[default]
    Info,
    /// What somebody should look at.
    Warning,
    /// What somebody must look at.
    Critical,
}

const fn ten() -> u32 {
    10
}

impl Default for AlertSettings {
    fn default() -> Self {
        let (exec, webhook) = (Vec::new(), Vec::new());
        Self { own: Vec::new(), missed: 10, heartbeat_s: 60, log: false, exec, webhook }
    }
}

impl Settings {
    /// The operators who vouch for a new anchor, where any are named.
    pub(crate) fn operators(self) -> Option<Operators> {
        self.anchors.map(|AnchorSettings(operators)| operators)
    }

    /// What the file says; the defaults where there is none.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let wrong = |why: &dyn std::fmt::Display| {
            Failure::new(Exit::Usage, format!("{}: {why}\nMend it, or move it away", path.display()))
        };
        match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(wrong(&error)),
            Ok(_) => is_obeyed(path).map_err(|why| wrong(&why))?,
        }
        let text = file::read(path, MOST).map_err(|failure| Failure { exit: Exit::Usage, ..failure })?;
        let text = std::str::from_utf8(&text).map_err(|_| wrong(&"not UTF-8"))?;
        Self::parse(text).map_err(|why| wrong(&why))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let settings: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        settings.alerts.check()?;
        settings.channels.check()?;
        Ok(settings)
    }
}

/// Whether only this user or root decides what is in a file, behind all links: by its owner and mode, and
/// by those of all folders above. Where others may write into one, the sticky bit keeps what is not theirs.
pub(crate) fn is_obeyed(path: &Path) -> Result<(), String> {
    let user = fs::metadata("/proc/self").map_err(|error| format!("/proc/self: {error}"))?.uid();
    let real = fs::canonicalize(path).map_err(|error| format!("{}: {error}", path.display()))?;
    for (above, path) in real.ancestors().enumerate() {
        let shown = path.display();
        let found = fs::metadata(path).map_err(|error| format!("{shown}: {error}"))?;
        if found.uid() != user && found.uid() != 0 {
            return Err(format!("{shown} belongs to another user, so it is not obeyed"));
        }
        let (mode, is_folder) = (found.permissions().mode(), above > 0);
        if mode & OTHERS_WRITE != 0 && !(is_folder && mode & STICKY != 0) {
            return Err(format!("{shown} can be written by others, so it is not obeyed"));
        }
    }
    Ok(())
}

impl AlertSettings {
    fn check(&self) -> Result<(), String> {
        let within = |name: &str, got: u32, least: u32, most: u32| match (least..=most).contains(&got) {
            true => Ok(()),
            false => Err(format!("alerts.{name} is {got}: {least} to {most} are possible")),
        };
        within("missed", self.missed.into(), 1, 100)?;
        within("heartbeat_s", self.heartbeat_s, 1, 86_400)?;
        if let Some(name) = self.own.iter().find(|name| !is_name(name)) {
            return Err(format!("alerts.own: {name:?} is not 1 to 32 of a-z, 0-9 and -"));
        }
        let exec = self.exec.iter().map(|sink| (&sink.name, sink.timeout_s));
        let sinks: Vec<_> =
            exec.chain(self.webhook.iter().map(|sink| (&sink.name, sink.timeout_s))).collect();
        if sinks.len() > SINKS {
            return Err(format!("{} sinks: at most {SINKS} are possible", sinks.len()));
        }
        let mut names = BTreeSet::from(["log"]);
        for (name, timeout_s) in sinks {
            if !is_name(name) || !names.insert(name) {
                return Err(format!("sink {name:?}: a name of its own is needed, 1 to 32 of a-z, 0-9 and -"));
            }
            within(&format!("{name}.timeout_s"), timeout_s, 1, 300)?;
        }
        self.webhook
            .iter()
            .try_for_each(|hook| is_private(&hook.url).map_err(|why| format!("sink {:?}: {why}", hook.name)))
    }
}

impl AlertSettings {
    /// The TCP ports that web hooks connect to, that of name servers among them.
    pub(crate) fn ports(&self) -> Vec<u16> {
        let uris = self.webhook.iter().filter_map(|hook| hook.url.parse::<Uri>().ok());
        let own = uris.map(|uri| uri.port_u16().unwrap_or(HTTPS));
        let names = (!self.webhook.is_empty()).then_some(DNS);
        own.chain(names).collect()
    }
}

/// What goes to another machine goes over TLS.
fn is_private(url: &str) -> Result<(), String> {
    let host = |rest: &str| rest.split(['/', '?', '#']).next().unwrap_or_default().to_owned();
    if url.strip_prefix("https://").is_some_and(|rest| !host(rest).is_empty()) {
        return Ok(());
    }
    let here = url.strip_prefix("http://").map(host).and_then(|host| host.parse::<SocketAddr>().ok());
    match here {
        Some(address) if address.ip().is_loopback() => Ok(()),
        _ => Err("its url is neither https://... nor http://127.0.0.1:PORT/...".to_owned()),
    }
}

fn is_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=32).contains(&name.len()) && name.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_set_has_a_default_and_what_is_wrong_is_told() {
        assert_eq!(Settings::parse("").unwrap(), Settings::default());
        let set = Settings::parse("[alerts]\nown = [\"north\"]\nmissed = 1\n").unwrap();
        let want = AlertSettings { own: vec!["north".to_owned()], missed: 1, ..AlertSettings::default() };
        assert_eq!((set.alerts, set.console), (want, ConsoleSettings { bell: true, copy: true }));
        let quiet = Settings::parse("[console]\nbell = false\n").unwrap();
        assert_eq!(quiet.console, ConsoleSettings { bell: false, copy: true });
        for (text, why) in [
            ("[alerts]\nmissed = 0", "alerts.missed is 0: 1 to 100 are possible"),
            ("[alerts]\nmissed = 101", "alerts.missed is 101"),
            ("[alerts]\nown = [\"No Rth\"]", "alerts.own: \"No Rth\" is not 1 to 32"),
            ("[alerts]\nmised = 3", "unknown field `mised`"),
            ("[console]\nbel = true", "unknown field `bel`"),
            ("[entropy.token]\nlabel = \"a\"", "missing field `module`"),
            ("[channels]\ntor = \"192.0.2.1:9050\"", "channels.tor is no port of this machine"),
            ("[channels]\ni2p = \"127.0.0.1:0\"", "channels.i2p is no port of this machine"),
            ("[channels]\ntor = \"localhost:9050\"", "invalid socket address"),
            ("[alarms]", "unknown field `alarms`"),
            ("[anchors]\nthreshold = 1", "anchors: 0 operators"),
            ("[anchors]\n[[anchors.operator]]\nname = \"a\"\nkey = \"\"", "missing field `threshold`"),
            (
                "[anchors]\nthreshold = 1\n[[anchors.operator]]\nname = \"a\"\nkey = \"00\"",
                "anchors: operator \"a\": a key is 160",
            ),
            ("alerts", "TOML parse error"),
        ] {
            let told = Settings::parse(text).unwrap_err();
            assert!(told.contains(why), "{text}: {told}");
        }
    }

    #[test]
    fn proxies_are_of_this_machine_and_ports_to_connect_to_are_known() {
        let text = "[channels]\ntor = \"127.0.0.1:9050\"\ni2p = \"[::1]:4447\"\n";
        let proxies = Settings::parse(text).unwrap().channels.proxies();
        assert_eq!(proxies.tor, "127.0.0.1:9050".parse().ok());
        assert_eq!(proxies.i2p, "[::1]:4447".parse().ok());
        let hook = |url: &str| format!("[[alerts.webhook]]\nname = \"h\"\nurl = \"{url}\"\n");
        let ports = |text: &str| Settings::parse(text).unwrap().alerts.ports();
        assert_eq!(ports(&hook("https://ops.example/x")), [443, 53]);
        assert_eq!(ports(&hook("https://ops.example:8443/x?y")), [8443, 53]);
        assert_eq!(ports(&hook("http://[::1]:80/")), [80, 53]);
        assert_eq!(ports(""), [0u16; 0]);
    }

    #[test]
    fn a_token_is_named_and_its_module_is_nobody_elses() {
        let choice = |text: &str| {
            let settings = Settings::parse(&format!("[entropy.token]\n{text}")).unwrap();
            settings.entropy.token.unwrap().choice().map_err(|failure| failure.text.unwrap())
        };
        let own = std::env::current_exe().unwrap();
        let chosen = choice(&format!("module = {own:?}\nlabel = \"a\"")).unwrap();
        assert_eq!(chosen, Choice { module: own.clone(), serial: None, label: Some("a".to_owned()) });
        for (text, why) in [
            (format!("module = {own:?}"), "a serial number or a label is needed"),
            ("module = \"lib.so\"\nlabel = \"a\"".to_owned(), "lib.so is no absolute path"),
            ("module = \"/tmp\"\nlabel = \"a\"".to_owned(), "/tmp can be written by others"),
            ("module = \"/nonexistent.so\"\nlabel = \"a\"".to_owned(), "/nonexistent.so: No such file"),
        ] {
            let told = choice(&text).unwrap_err();
            assert!(told.contains(why), "{text}: {told}");
        }
    }

    #[test]
    fn sinks_have_names_of_their_own_and_nothing_leaves_this_machine_in_the_clear() {
        let hook =
            |name: &str, url: &str| format!("[[alerts.webhook]]\nname = \"{name}\"\nurl = \"{url}\"\n");
        for url in ["https://ops.example/x", "http://127.0.0.1:80/x", "http://[::1]:80/"] {
            assert!(Settings::parse(&hook("ops", url)).is_ok(), "{url}");
        }
        for url in [
            "http://ops.example/x",
            "http://192.0.2.1:80/",
            "http://127.0.0.1.evil.example:80/",
            "http://127.0.0.1:80@evil.example/",
            "http://localhost/",
            "https://",
            "https:///x",
            "ftp://127.0.0.1:80/",
            "",
        ] {
            let told = Settings::parse(&hook("ops", url)).unwrap_err();
            assert!(told.starts_with("sink \"ops\": its url is neither"), "{url}: {told}");
        }
        let twice = hook("ops", "https://a/") + &hook("ops", "https://b/");
        for text in [twice, hook("log", "https://a/"), hook("Ops", "https://a/"), hook("", "https://a/")] {
            assert!(Settings::parse(&text).unwrap_err().contains("a name of its own is needed"), "{text}");
        }
        let many: String = (0..17).map(|number| hook(&format!("s{number}"), "https://a/")).collect();
        assert!(Settings::parse(&many).unwrap_err().starts_with("17 sinks: at most 16"));
        let exec = "[[alerts.exec]]\nname = \"page\"\nprogram = \"/bin/true\"\ntimeout_s = 301\n";
        assert!(Settings::parse(exec).unwrap_err().contains("alerts.page.timeout_s is 301: 1 to 300"));
    }

    #[test]
    fn a_file_that_others_can_write_is_not_obeyed() {
        let folder = std::env::temp_dir().join(format!("qratum-settings-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        let path = folder.join("config.toml");
        let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        mode(&folder, 0o700);
        assert_eq!(Settings::read(&path).unwrap(), Settings::default(), "there is none");
        fs::write(&path, "[alerts]\nmissed = 3\n").unwrap();
        for (file, above, obeyed) in [
            (0o600, 0o700, true),
            (0o644, 0o755, true),
            (0o620, 0o700, false),
            (0o602, 0o700, false),
            (0o600, 0o777, false),
        ] {
            mode(&path, file);
            mode(&folder, above);
            let read = Settings::read(&path);
            if obeyed {
                assert_eq!(read.unwrap().alerts.missed, 3);
            } else {
                let failure = read.unwrap_err();
                let text = failure.text.unwrap();
                assert!(failure.exit == Exit::Usage && text.contains("can be written by others"), "{text}");
            }
        }
        fs::remove_dir_all(folder).unwrap();
    }

    /// Whoever can put something else in the place that a link leads to, or of a folder further up,
    /// decides what is in it. In a folder like `/tmp` nobody can.
    #[test]
    fn what_a_link_leads_to_and_the_folders_far_above_are_looked_at_too() {
        let folder = std::env::temp_dir().join(format!("qratum-obeyed-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        let [near, far] = ["near", "open/far"].map(|name| folder.join(name));
        for path in [&near, &far] {
            fs::create_dir_all(path).unwrap();
        }
        let (file, link) = (far.join("module.so"), near.join("module.so"));
        fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        for (mode, obeyed) in [(0o755, true), (0o777, false), (0o1777, true)] {
            fs::set_permissions(folder.join("open"), fs::Permissions::from_mode(mode)).unwrap();
            for path in [&file, &link] {
                let told = is_obeyed(path);
                let why = told.as_ref().is_err_and(|why| why.contains("open can be written by others"));
                assert_eq!((told.is_ok(), why), (obeyed, !obeyed), "{mode:o}: {told:?}");
            }
        }
        fs::remove_dir_all(folder).unwrap();
    }
}
