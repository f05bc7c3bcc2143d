//! The part of `qratum/genesis/v1` about who decides by vote.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{DocumentError, unknown};
use crate::types::{AccountId, Governance};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GovernanceJson {
    voting_sets: u64,
    timelock_sets: u64,
    operators: Vec<OperatorJson>,
    authorities: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OperatorJson {
    operator: String,
    account: String,
}

fn account(name: &str) -> Result<AccountId, DocumentError> {
    AccountId::new(name).ok_or(unknown("account"))
}

impl GovernanceJson {
    /// None for what is meant where nothing is said.
    pub(super) fn of(governance: &Governance) -> Option<Self> {
        let operator = |(operator, account): (&String, &AccountId)| OperatorJson {
            operator: operator.clone(),
            account: account.to_string(),
        };
        (*governance != Governance::default()).then(|| Self {
            voting_sets: governance.voting_sets,
            timelock_sets: governance.timelock_sets,
            operators: governance.operators.iter().map(operator).collect(),
            authorities: governance.authorities.iter().map(ToString::to_string).collect(),
        })
    }

    pub(super) fn read(&self) -> Result<Governance, DocumentError> {
        let mut operators = BTreeMap::new();
        for OperatorJson { operator, account: name } in &self.operators {
            if operators.insert(operator.clone(), account(name)?).is_some() {
                return Err(unknown("operator that is there twice"));
            }
        }
        let mut authorities = BTreeSet::new();
        for name in &self.authorities {
            if !authorities.insert(account(name)?) {
                return Err(unknown("authority that is there twice"));
            }
        }
        let Self { voting_sets, timelock_sets, .. } = *self;
        Ok(Governance { voting_sets, timelock_sets, operators, authorities })
    }
}
