//! elasticfilesystem:PutLifecycleConfiguration. Says when files are to move between classes of storage. It is kept and shown; all
//! files stay in the standard class, since a host has but one kind of disk.

use landfall_cloud::file_system::set_lifecycle;
use landfall_cloud::{Tx, View};
use serde::{Deserialize, Serialize};

use super::shape::lifecycle::Rule;
use super::shape::{bad, demand, file_system};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct PutLifecycleConfiguration {
    file_system_id: String,
    lifecycle_policies: Vec<Rule>,
}

/// The rules in an answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct LifecycleConfiguration {
    pub lifecycle_policies: Vec<Rule>,
}

/// How many rules there can be.
const MOST: usize = 3;

impl Write for PutLifecycleConfiguration {
    const ACTION: Action = Action::efs("PutLifecycleConfiguration");
    type Output<'t> = LifecycleConfiguration;

    fn check(&self) -> Result<(), ApiError> {
        if self.lifecycle_policies.len() > MOST {
            return Err(bad(format!("There are at most {MOST} LifecyclePolicies.")));
        }
        Ok(())
    }

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, &self.file_system_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<LifecycleConfiguration, ApiError> {
        let id = file_system(&tx.view(), &self.file_system_id)?.id;
        let rules: Vec<_> = self.lifecycle_policies.iter().map(Rule::read).collect::<Result<_, _>>()?;
        let lifecycle_policies = rules.iter().map(Rule::of).collect();
        set_lifecycle(tx, id, rules)?;
        Ok(LifecycleConfiguration { lifecycle_policies })
    }
}
