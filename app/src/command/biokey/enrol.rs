//! `qratum biokey enrol`: what is said first, what is typed, and in which order things happen.

use std::{
    fs::{self, File},
    io::{self, IsTerminal as _},
    os::fd::AsFd as _,
    path::PathBuf,
};

use qratum_chain::types::{CredentialId, Time};
use qratum_custody::{
    biokey::{Biokey, BiokeyError, Consent, Loci, Panel, SealedPanel, Terms},
    entropy,
};
use qratum_metal::secret::Locked;
use serde::Serialize;

use super::{PanelJson, Panels, asked, consent, device::Device, loci, panel_path, refused};
use crate::{
    cli::EnrolArgs,
    exit::{Exit, Failure},
    file,
    home::Home,
    output, time,
};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// What is typed to consent. Nothing else stands for it, and no option does.
const WORDS: &str = "I consent";
const NOTHING: &str = "Nothing was read or kept";

/// What enrolling would do, as `--dry-run --json` prints it.
#[derive(Debug, Serialize)]
struct PlanJson<'a> {
    schema: &'static str,
    name: &'a str,
    build: &'static str,
    /// How many positions are read.
    loci: usize,
    /// Names the list.
    list: String,
    /// Min-entropy of a stranger's genotypes at them, in thousandths of a bit.
    measured_millibits: u64,
    /// What the security of the biokey counts of it.
    counted_bits: u8,
    purpose: &'a str,
    given_ms: u64,
    until_ms: u64,
    /// The file that would be written.
    panel: String,
    /// What is shown before anything is asked for.
    shown: &'a str,
}

/// Whose biokey, for what, from which positions, and until when.
struct Plan<'a> {
    args: &'a EnrolArgs,
    loci: Loci,
    given: Time,
    until: Time,
    panel: PathBuf,
    consent: PathBuf,
}

impl<'a> Plan<'a> {
    fn new(home: &Home, args: &'a EnrolArgs) -> Result<Self, Failure> {
        let given = time::now();
        let until = given.plus(args.retention.saturating_mul(DAY_MS));
        let (panel, consent) = (panel_path(home, &args.name), consent::path(home, &args.name));
        Ok(Self { args, loci: loci(&args.list)?, given, until, panel, consent })
    }

    fn terms(&self, credential: CredentialId) -> Terms {
        let Self { args, given, until, .. } = self;
        let (version, purpose) = (args.version, args.purpose.clone());
        Terms { credential, version, given: *given, until: *until, purpose }
    }

    /// What is said before anything is asked for.
    fn text(&self) -> String {
        let Self { args: EnrolArgs { name, purpose, retention, .. }, loci, .. } = self;
        let (count, build, bits) = (loci.len(), loci.build().name(), loci.min_entropy(|_| true));
        let (until, panel) = (time::format(self.until), self.panel.display());
        let synthetic =
            if self.args.list.loci.is_some() { "" } else { " (SYNTHETIC: no real genome matches)" };
        format!(
            "A biokey for {name}: a genome as the second factor beside a security key.\n\
             \n\
             read      {count} positions of {build}, all in the list {list}{synthetic},\n          \
                       on the chromosomes 1 to 22; every other line of the file is passed over\n\
             kept      how often the second base is there at each: 0, 1 or 2. Sealed to the security key\n          \
                       {name}, in {panel}. Never the file, its path, a name or another position\n\
             on chain  two public keys. Nothing on the chain can be turned back into a genome\n\
             worth     {bits:.1} bits as measured, for a stranger; {zero} bits are counted: relatives, laboratories,\n          \
                       databases and a cup tell it. The security key is required: a leaked genome alone\n          \
                       cannot act, and nobody without that key can even test a guess\n\
             for       {purpose}\n\
             until     {until}, {retention} days: from then on it unlocks nothing\n\
             destroy   `qratum biokey destroy {name}`, at any time\n\
             if lost   there is no copy and no way back: act with a second security key that is enrolled, or\n          \
                       have a new biokey enrolled by as many approvers as the policy asks for\n",
            list = loci.id(),
            zero = 0,
        )
    }

    fn json<'b>(&'b self, shown: &'b str) -> PlanJson<'b> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some hundred bits")]
        let measured_millibits = (self.loci.min_entropy(|_| true) * 1000.0) as u64;
        PlanJson {
            schema: "qratum/biokey-plan/v1",
            name: &self.args.name,
            build: self.loci.build().name(),
            loci: self.loci.len(),
            list: self.loci.id().to_string(),
            measured_millibits,
            counted_bits: 0,
            purpose: &self.args.purpose,
            given_ms: self.given.0,
            until_ms: self.until.0,
            panel: self.panel.display().to_string(),
            shown,
        }
    }

    /// The loci of the file that the user names, or that standard input is.
    fn read(&self) -> Result<Panel, Failure> {
        let mut source = self.source()?;
        let panel = Panel::from_vcf(&self.loci, &mut source);
        let panel = panel.map_err(|why| refused("the genotypes", &why))?;
        let kept = panel.loci();
        let bits = self.loci.min_entropy(|locus| kept.contains(locus));
        output::note(&format!(
            "{} of {} positions are called well and kept; {bits:.1} bits as measured, 0 counted.",
            kept.len(),
            self.loci.len()
        ));
        Ok(panel)
    }

    /// Unbuffered: nothing of it lies anywhere but in locked memory.
    fn source(&self) -> Result<File, Failure> {
        let failed =
            |error: io::Error| Failure::new(Exit::Error, format!("the genotypes: {error}\n{NOTHING}"));
        if io::stdin().is_terminal() {
            let path = asked("The file with the genotypes (VCF 4.x, text, one sample): ")?;
            return File::open(path).map_err(failed);
        }
        io::stdin().as_fd().try_clone_to_owned().map(File::from).map_err(failed)
    }

    /// Derives, has the consent signed, and writes both files. The biokey is wiped behind it.
    fn enrol(
        &self,
        panel: &Panel,
        computed: &Locked<32>,
        credential: CredentialId,
    ) -> Result<SealedPanel, Failure> {
        let failed = |why: &BiokeyError| refused("the biokey", why);
        let mut random = entropy::generator()
            .map_err(|why| Failure::new(Exit::Error, format!("{why}\nNothing was kept")))?;
        let drawing = (&mut random, entropy::now());
        let terms = self.terms(credential);
        let enrolled = SealedPanel::enrol(panel, computed, terms.clone(), drawing);
        let (sealed, biokey) = enrolled.map_err(|why| failed(&why))?;
        let consent = Consent::of(&self.args.name, terms, &self.loci, &self.text());
        let document = self.signed(&consent, &biokey).map_err(|why| failed(&why))?;
        drop(biokey);
        file::write_new(&self.consent, document.as_bytes())?;
        file::write_new(&self.panel, sealed.bytes()).inspect_err(|_| drop(fs::remove_file(&self.consent)))?;
        Ok(sealed)
    }

    fn signed(&self, consent: &Consent, biokey: &Biokey) -> Result<String, BiokeyError> {
        let signed = consent.sign(biokey)?;
        Ok(consent::to_json(consent, biokey.public().ed25519, &signed))
    }

    /// Before anything is asked for, and not after it.
    fn is_free(&self) -> Result<(), Failure> {
        match [&self.panel, &self.consent].into_iter().find(|path| path.symlink_metadata().is_ok()) {
            None => Ok(()),
            Some(path) => {
                let (path, name) = (path.display(), &self.args.name);
                let text =
                    format!("{path} exists\nDestroy it first: `qratum biokey destroy {name}`\n{NOTHING}");
                Err(Failure::new(Exit::Usage, text))
            }
        }
    }
}

/// Says what would happen; has consent typed; reads; opens the security key; derives; keeps.
pub(super) fn run(home: &Home, args: &EnrolArgs, json: bool) -> Result<Exit, Failure> {
    let plan = Plan::new(home, args)?;
    let text = plan.text();
    if args.dry_run {
        if json {
            output::json(&plan.json(&text))?;
        } else {
            output::lines(&text)?;
        }
        return Ok(Exit::Done);
    }
    plan.is_free()?;
    let device = Device::named(home, &args.name, args.device.as_deref())?;
    output::note(&text);
    if asked(&format!("Type \"{WORDS}\" to go on, and anything else to end it: "))? != WORDS {
        return Err(Failure::new(Exit::Usage, format!("no consent\n{NOTHING}")));
    }
    let panel = plan.read()?;
    let sealed = plan.enrol(&panel, &device.compute()?, device.credential())?;
    Panels::print(vec![PanelJson::of(&args.name, &sealed)], json)?;
    Ok(Exit::Done)
}
