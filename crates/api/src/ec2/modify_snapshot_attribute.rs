//! ec2:ModifySnapshotAttribute. Changes whom a snapshot is shared with.

use landfall_cloud::{Tx, View, snapshot};
use landfall_model::SnapshotId;
use serde::Deserialize;

use super::shape::Done;
use super::shape::sharing::{BadItem, Modifications};
use super::shape::snapshot::demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ModifySnapshotAttribute {
    attribute: Option<String>,
    #[serde(default)]
    create_volume_permission: Modifications,
    /// With `OperationType` and `UserId`, the older way of saying the same.
    #[serde(default)]
    user_group: Vec<String>,
    operation_type: Option<String>,
    snapshot_id: SnapshotId,
    #[serde(default)]
    user_id: Vec<String>,
}

impl Write for ModifySnapshotAttribute {
    const ACTION: Action = Action::ec2("ModifySnapshotAttribute");
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let demand = demand(view, demands, Self::ACTION, self.snapshot_id);
        demand.with("ec2:Attribute", "CreateVolumePermission");
        if let Ok(lists) = self.lists() {
            lists.show(demand);
        }
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        match self.attribute.as_deref() {
            None | Some("createVolumePermission") => {}
            Some("productCodes") => {
                return Err(ApiError::unsupported("the value 'productCodes' of the parameter Attribute"));
            }
            Some(other) => {
                return Err(ApiError::invalid("Attribute", other, "It is 'createVolumePermission'."));
            }
        }
        let lists = self.lists()?;
        if lists.is_empty() {
            return Err(ApiError::missing("CreateVolumePermission"));
        }
        snapshot::share(tx, self.snapshot_id, &lists.read(bad_item)?)?;
        Ok(Done::OK)
    }
}

fn bad_item(item: BadItem<'_>) -> ApiError {
    match item {
        BadItem::Account(id) => ApiError::new("InvalidUserID.Malformed", format!("Invalid user id: \"{id}\"")),
        BadItem::Group(name) => ApiError::invalid("Group", name, "The only group is 'all'."),
    }
}

impl ModifySnapshotAttribute {
    /// What is to be added and what removed, whichever way it was said.
    fn lists(&self) -> Result<Modifications, ApiError> {
        self.create_volume_permission.with(self.operation_type.as_deref(), &self.user_id, &self.user_group)
    }
}
