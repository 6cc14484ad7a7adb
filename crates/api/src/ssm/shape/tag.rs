//! Tags of parameters. Of what else Systems Manager can tag, there is nothing here.

use landfall_cloud::{View, parameter};
use serde::Deserialize;

use crate::ApiError;

/// What can be tagged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum ResourceType {
    /// An association.
    Association,
    /// A run of a runbook.
    Automation,
    /// A document.
    Document,
    /// A maintenance window.
    MaintenanceWindow,
    /// A managed node.
    ManagedInstance,
    /// An OpsItem.
    OpsItem,
    /// An OpsMetadata object.
    OpsMetadata,
    /// A parameter.
    Parameter,
    /// A patch baseline.
    PatchBaseline,
}

impl ResourceType {
    /// The name of the parameter that is meant, which is there.
    pub fn parameter(self, view: &View<'_>, id: &str) -> Result<String, ApiError> {
        if self != Self::Parameter {
            return Err(ApiError::unsupported(format_args!("the value '{self:?}' of the parameter ResourceType")));
        }
        let missing = || {
            let message = format!(
                "The resource ID \"{id}\" is not valid. Verify that the ID and resource type are correct, and try again."
            );
            ApiError::new("InvalidResourceId", message)
        };
        let name = id.trim();
        parameter::find(view, name).map(|_| name.to_owned()).ok_or_else(missing)
    }
}
