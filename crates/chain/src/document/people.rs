//! The part of `qratum/genesis/v1` about people.

use std::collections::BTreeMap;

use qratum_crypto::sign::es256;
use serde::{Deserialize, Serialize};

use super::{DocumentError, bounds, governance::GovernanceJson, hex, unknown};
use crate::types::{
    Account, AccountId, Attestation, AuthData, BiokeyKeys, BiokeySignatures, Class, Credential, CredentialId,
    CredentialKey, Device, Group, Height, Jurisdiction, NewCredential, People, PersonId, Policy, Possession,
    Role, Roles, Rule, Standing, Zone, is_name,
};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PeopleJson {
    rp_id: String,
    policy: Vec<RuleJson>,
    accounts: Vec<AccountJson>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    governance: Option<GovernanceJson>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleJson {
    class: String,
    requester: String,
    threshold: u8,
    groups: Vec<GroupJson>,
    lifetime_ms: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupJson {
    role: String,
    least: u8,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountJson {
    name: String,
    person: String,
    roles: Vec<String>,
    jurisdiction: String,
    zone: u8,
    credentials: Vec<CredentialJson>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CredentialJson {
    id: String,
    algorithm: AlgorithmJson,
    key: String,
    biokey: BiokeyJson,
    label: String,
    aaguid: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attestation: Option<AttestationJson>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proof: Option<PossessionJson>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PossessionJson {
    auth_data: String,
    signature: String,
    biokey: String,
    mldsa_key: String,
    mldsa: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BiokeyJson {
    ed25519: String,
    mldsa_hash: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AttestationJson {
    format: String,
    leaf: String,
}

#[derive(Serialize, Deserialize)]
enum AlgorithmJson {
    #[serde(rename = "ES256")]
    Es256,
    Ed25519,
}

fn role(word: &str) -> Result<Role, DocumentError> {
    Role::named(word).ok_or(unknown("role"))
}

/// The people of a genesis that is still to be made, as the document of the genesis will have them.
///
/// # Errors
/// [`DocumentError::Json`], which only an exhausted memory can cause.
pub fn people_to_json(people: &People) -> Result<String, DocumentError> {
    let json = |error: serde_json::Error| DocumentError::Json(error.to_string());
    serde_json::to_string_pretty(&PeopleJson::from(people)).map_err(json)
}

/// Reads what [`people_to_json`] writes.
///
/// # Errors
/// [`DocumentError`].
pub fn people_from_json(text: &[u8]) -> Result<People, DocumentError> {
    bounds::check(text)?;
    let json = |error: serde_json::Error| DocumentError::Json(error.to_string());
    serde_json::from_slice::<PeopleJson>(text).map_err(json)?.read()
}

impl From<&People> for PeopleJson {
    fn from(people: &People) -> Self {
        Self {
            rp_id: people.rp_id.clone(),
            policy: people.policy.rules().map(RuleJson::from).collect(),
            accounts: people.accounts.iter().map(|entry| AccountJson::of(entry, &people.proofs)).collect(),
            governance: GovernanceJson::of(&people.governance),
        }
    }
}

impl PeopleJson {
    pub(super) fn read(&self) -> Result<People, DocumentError> {
        let mut rules = BTreeMap::new();
        for rule in &self.policy {
            let (class, rule) = rule.read()?;
            if rules.insert(class, rule).is_some() {
                return Err(unknown("class that is there twice"));
            }
        }
        let (mut accounts, mut proofs) = (BTreeMap::new(), BTreeMap::new());
        for account in &self.accounts {
            for credential in &account.credentials {
                proofs.extend(credential.proof()?);
            }
            let (id, account) = account.read()?;
            if accounts.insert(id, account).is_some() {
                return Err(unknown("account that is there twice"));
            }
        }
        let governance = self.governance.as_ref().map(GovernanceJson::read).transpose()?;
        Ok(People {
            rp_id: self.rp_id.clone(),
            policy: Policy::new(rules),
            accounts,
            proofs,
            governance: governance.unwrap_or_default(),
        })
    }
}

impl From<(Class, &Rule)> for RuleJson {
    fn from((class, rule): (Class, &Rule)) -> Self {
        let group = |group: &Group| GroupJson { role: group.role.to_string(), least: group.least };
        Self {
            class: class.to_string(),
            requester: rule.requester.to_string(),
            threshold: rule.threshold,
            groups: rule.groups.iter().map(group).collect(),
            lifetime_ms: rule.lifetime_ms,
        }
    }
}

impl RuleJson {
    fn read(&self) -> Result<(Class, Rule), DocumentError> {
        let group = |group: &GroupJson| Ok(Group { role: role(&group.role)?, least: group.least });
        let rule = Rule {
            requester: role(&self.requester)?,
            threshold: self.threshold,
            groups: self.groups.iter().map(group).collect::<Result<_, DocumentError>>()?,
            lifetime_ms: self.lifetime_ms,
        };
        Ok((Class::named(&self.class).ok_or(unknown("class"))?, rule))
    }
}

impl AccountJson {
    fn of((id, account): (&AccountId, &Account), proofs: &BTreeMap<CredentialId, Possession>) -> Self {
        let credential = |it: &Credential| CredentialJson::of(it, proofs.get(&it.id));
        Self {
            name: id.to_string(),
            person: account.person.to_string(),
            roles: account.roles.iter().map(|role| role.to_string()).collect(),
            jurisdiction: account.jurisdiction.to_string(),
            zone: account.zone.number(),
            credentials: account.credentials.iter().map(credential).collect(),
        }
    }

    fn read(&self) -> Result<(AccountId, Account), DocumentError> {
        let letters = <[u8; 2]>::try_from(self.jurisdiction.as_bytes()).ok();
        let account = Account {
            person: PersonId(hex::hash(&self.person, "person")?),
            roles: Roles::of(self.roles.iter().map(|word| role(word)).collect::<Result<Vec<_>, _>>()?),
            jurisdiction: letters.and_then(Jurisdiction::new).ok_or(unknown("jurisdiction"))?,
            zone: Zone::new(self.zone).ok_or(unknown("zone"))?,
            standing: Standing::Active,
            nonce: 0,
            credentials: self.credentials.iter().map(CredentialJson::read).collect::<Result<_, _>>()?,
        };
        Ok((AccountId::new(&self.name).ok_or(unknown("account"))?, account))
    }
}

impl CredentialJson {
    fn of(credential: &Credential, proof: Option<&Possession>) -> Self {
        Self {
            id: credential.id.to_string(),
            algorithm: match credential.key {
                CredentialKey::Es256(_) => AlgorithmJson::Es256,
                CredentialKey::Ed25519(_) => AlgorithmJson::Ed25519,
            },
            key: ::hex::encode(credential.key.bytes()),
            biokey: BiokeyJson {
                ed25519: credential.biokey.ed25519.to_string(),
                mldsa_hash: credential.biokey.mldsa_hash.to_string(),
            },
            label: credential.device.label.clone(),
            aaguid: ::hex::encode(credential.device.aaguid),
            attestation: credential.device.attestation.as_ref().map(|attestation| AttestationJson {
                format: attestation.format.clone(),
                leaf: attestation.leaf.to_string(),
            }),
            proof: proof.map(PossessionJson::from),
        }
    }

    /// The proof that it is held, if there is one.
    fn proof(&self) -> Result<Option<(CredentialId, Possession)>, DocumentError> {
        let Some(proof) = &self.proof else { return Ok(None) };
        Ok(Some((self.id()?, proof.read()?)))
    }

    fn id(&self) -> Result<CredentialId, DocumentError> {
        hex::hash(&self.id, "credential id").map(CredentialId)
    }
}

impl From<&Possession> for PossessionJson {
    fn from(proof: &Possession) -> Self {
        Self {
            auth_data: ::hex::encode(proof.auth_data.0),
            signature: ::hex::encode(proof.signature),
            biokey: hex::of(&proof.biokey.ed25519),
            mldsa_key: ::hex::encode(*proof.biokey.mldsa_key),
            mldsa: ::hex::encode(*proof.biokey.mldsa),
        }
    }
}

impl PossessionJson {
    fn read(&self) -> Result<Possession, DocumentError> {
        let biokey = BiokeySignatures {
            ed25519: hex::signature(&self.biokey, "proof of a biokey")?,
            mldsa_key: Box::new(hex::array(&self.mldsa_key, "ML-DSA key of a biokey")?),
            mldsa: Box::new(hex::array(&self.mldsa, "ML-DSA proof of a biokey")?),
        };
        Ok(Possession {
            auth_data: AuthData(hex::array(&self.auth_data, "authenticator data")?),
            signature: hex::array(&self.signature, "proof of a security key")?,
            biokey,
        })
    }
}

/// A name, under which nothing but a name is read.
fn name(text: &str, field: &'static str) -> Result<String, DocumentError> {
    if is_name(text) { Ok(text.to_owned()) } else { Err(unknown(field)) }
}

impl AttestationJson {
    fn read(&self) -> Result<Attestation, DocumentError> {
        let format = name(&self.format, "format of an attestation")?;
        Ok(Attestation { format, leaf: hex::hash(&self.leaf, "leaf of an attestation")? })
    }
}

impl CredentialJson {
    fn read(&self) -> Result<Credential, DocumentError> {
        let key = match self.algorithm {
            AlgorithmJson::Es256 => {
                CredentialKey::Es256(es256::PublicKey(hex::array(&self.key, "credential key")?))
            }
            AlgorithmJson::Ed25519 => CredentialKey::Ed25519(hex::key(&self.key, "credential key")?),
        };
        let id = self.id()?;
        let biokey = BiokeyKeys {
            ed25519: hex::key(&self.biokey.ed25519, "biokey")?,
            mldsa_hash: hex::hash(&self.biokey.mldsa_hash, "hash of the biokey")?,
        };
        let device = Device {
            label: name(&self.label, "label of a credential")?,
            aaguid: hex::array(&self.aaguid, "aaguid")?,
            attestation: self.attestation.as_ref().map(AttestationJson::read).transpose()?,
        };
        Ok(NewCredential { id, key, biokey, device }.enrolled(None, Height(0)))
    }
}
