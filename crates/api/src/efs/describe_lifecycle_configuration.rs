//! elasticfilesystem:DescribeLifecycleConfiguration. Shows when files are to move between classes of storage.

use landfall_cloud::View;
use serde::Deserialize;

use super::put_lifecycle_configuration::LifecycleConfiguration;
use super::shape::lifecycle::Rule;
use super::shape::{demand, file_system};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeLifecycleConfiguration {
    file_system_id: String,
}

impl Read for DescribeLifecycleConfiguration {
    const ACTION: Action = Action::efs("DescribeLifecycleConfiguration");
    type Output<'v> = LifecycleConfiguration;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, &self.file_system_id);
    }

    fn run(self, look: &mut Look<'_, '_>) -> Result<LifecycleConfiguration, ApiError> {
        let row = file_system(&look.view, &self.file_system_id)?;
        Ok(LifecycleConfiguration { lifecycle_policies: row.lifecycle.iter().map(Rule::of).collect() })
    }
}
