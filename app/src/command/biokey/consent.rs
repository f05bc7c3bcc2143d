//! `qratum biokey consent`: the document in which somebody agrees to the use of their genome.

use std::path::PathBuf;

use qratum_chain::{
    Hash, PublicKey,
    types::{BiokeyKeys, BiokeySignatures, CredentialId, Time},
};
use qratum_custody::biokey::{Consent, Terms};
use qratum_light_node::file as kept;
use serde::{Deserialize, Serialize};

use super::folder;
use crate::{
    exit::{Exit, Failure},
    hex,
    home::Home,
    output, time,
};

/// The name and version of the document.
const SCHEMA: &str = "qratum/biokey-consent/v1";
/// The longest document.
const MAX_CONSENT: usize = 64 << 10;

/// Where the consent of a name lies.
pub(super) fn path(home: &Home, name: &str) -> PathBuf {
    folder(home).join(format!("{name}.consent"))
}

/// A consent as it is kept and printed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    schema: String,
    account: String,
    purpose: String,
    given_ms: u64,
    until_ms: u64,
    credential: String,
    version: u64,
    /// Which positions are read.
    loci: String,
    /// Hash of the text that was shown before.
    shown: String,
    ed25519: String,
    mldsa_key: String,
    ed25519_signature: String,
    mldsa_signature: String,
}

/// The document of a consent that the biokey has signed.
pub(super) fn to_json(consent: &Consent, key: PublicKey, signed: &BiokeySignatures) -> String {
    let terms = &consent.terms;
    let document = Document {
        schema: SCHEMA.to_owned(),
        account: consent.account.clone(),
        purpose: terms.purpose.clone(),
        given_ms: terms.given.0,
        until_ms: terms.until.0,
        credential: terms.credential.0.to_string(),
        version: terms.version,
        loci: consent.loci.to_string(),
        shown: consent.shown.to_string(),
        ed25519: key.to_string(),
        mldsa_key: hex::of(&*signed.mldsa_key),
        ed25519_signature: hex::of(&signed.ed25519.0),
        mldsa_signature: hex::of(&*signed.mldsa),
    };
    serde_json::to_string(&document).unwrap_or_default()
}

impl Document {
    /// The consent, the keys that are to have signed it, and what they signed; none where a field is not
    /// of its form.
    fn parts(&self) -> Option<(Consent, BiokeyKeys, BiokeySignatures)> {
        let hash = |text: &str| Some(Hash(array(text)?));
        let terms = Terms {
            credential: CredentialId(hash(&self.credential)?),
            version: self.version,
            given: Time(self.given_ms),
            until: Time(self.until_ms),
            purpose: self.purpose.clone(),
        };
        let (loci, shown) = (hash(&self.loci)?, hash(&self.shown)?);
        let consent = Consent { account: self.account.clone(), terms, loci, shown };
        let bytes = |text: &str| hex::bytes(text.as_bytes());
        let key = bytes(&self.mldsa_key)?;
        let keys = BiokeyKeys::of(PublicKey(array(&self.ed25519)?), &key);
        let signed =
            Consent::signatures(array(&self.ed25519_signature)?, key, bytes(&self.mldsa_signature)?)?;
        (self.schema == SCHEMA).then_some((consent, keys, signed))
    }

    fn page(&self) -> String {
        let at = |ms| time::format(Time(ms));
        let rows = [
            ("account", &self.account),
            ("for", &self.purpose),
            ("given", &at(self.given_ms)),
            ("until", &at(self.until_ms)),
            ("credential", &self.credential),
            ("version", &self.version.to_string()),
            ("loci", &self.loci),
            ("shown", &self.shown),
            ("ed25519", &self.ed25519),
        ];
        rows.iter().map(|(name, value)| format!("{name:<10}  {value}\n")).collect()
    }
}

/// Exactly so many bytes in hex.
pub(super) fn array<const N: usize>(text: &str) -> Option<[u8; N]> {
    hex::bytes(text.as_bytes())?.try_into().ok()
}

/// Prints a consent, and whether the biokey that it names has signed it.
pub(super) fn show(home: &Home, name: &str, json: bool) -> Result<Exit, Failure> {
    let path = path(home, name);
    let shown = path.display().to_string();
    let bytes = kept::read(&path, MAX_CONSENT).map_err(|error| Failure::io(&shown, &error))?;
    let bytes = bytes.ok_or_else(|| {
        Failure::new(Exit::Usage, format!("{shown} does not exist: nobody has consented for this key here"))
    })?;
    let malformed = || Failure::new(Exit::Refused, format!("{shown}: not a consent, or of another version"));
    let document: Document = serde_json::from_slice(&bytes).map_err(|_| malformed())?;
    let (consent, keys, signed) = document.parts().ok_or_else(malformed)?;
    if consent.verify(&keys, &signed).is_err() {
        let text = format!("{shown}: the biokey that it names has not signed this consent");
        return Err(Failure::new(Exit::Refused, text));
    }
    if json {
        output::json(&document)?;
    } else {
        output::lines(&format!("{}signed by the biokey: both signatures hold\n", document.page()))?;
    }
    Ok(Exit::Done)
}
