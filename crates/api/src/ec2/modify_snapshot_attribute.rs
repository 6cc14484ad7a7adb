//! ec2:ModifySnapshotAttribute. Changes whom a snapshot is shared with.

use std::collections::BTreeSet;

use landfall_cloud::snapshot::{self, Sharing};
use landfall_cloud::{Tx, View};
use landfall_model::{AccountId, SnapshotId};
use serde::Deserialize;

use super::shape::Done;
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

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Modifications {
    #[serde(default)]
    add: Vec<Permission>,
    #[serde(default)]
    remove: Vec<Permission>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Permission {
    user_id: Option<String>,
    group: Option<String>,
}

impl Write for ModifySnapshotAttribute {
    const ACTION: Action = Action::ec2("ModifySnapshotAttribute");
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let demand = demand(view, demands, Self::ACTION, self.snapshot_id);
        demand.with("ec2:Attribute", "CreateVolumePermission");
        let Ok((add, remove)) = self.lists() else { return };
        for (list, user, group) in
            [(&add, "ec2:Add/userId", "ec2:Add/group"), (&remove, "ec2:Remove/userId", "ec2:Remove/group")]
        {
            let users: Vec<&str> = list.iter().filter_map(|it| it.user_id.as_deref()).collect();
            let groups: Vec<&str> = list.iter().filter_map(|it| it.group.as_deref()).collect();
            for (key, values) in [(user, users), (group, groups)] {
                if !values.is_empty() {
                    demand.context.set_many(key, values);
                }
            }
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
        let (add, remove) = self.lists()?;
        if add.is_empty() && remove.is_empty() {
            return Err(ApiError::missing("CreateVolumePermission"));
        }
        let ((add, all_may), (remove, all_may_not)) = (read(&add)?, read(&remove)?);
        if all_may && all_may_not {
            return Err(ApiError::combination("The group 'all' can't be both added and removed."));
        }
        let public = (all_may || all_may_not).then_some(all_may);
        snapshot::share(tx, self.snapshot_id, &Sharing { add, remove, public })?;
        Ok(Done::OK)
    }
}

impl ModifySnapshotAttribute {
    /// What is to be added and what removed, whichever way it was said.
    fn lists(&self) -> Result<(Vec<Permission>, Vec<Permission>), ApiError> {
        let users = self.user_id.iter().map(|id| Permission { user_id: Some(id.clone()), group: None });
        let groups = self.user_group.iter().map(|group| Permission { user_id: None, group: Some(group.clone()) });
        let old: Vec<_> = users.chain(groups).collect();
        let (mut add, mut remove) =
            (self.create_volume_permission.add.clone(), self.create_volume_permission.remove.clone());
        match self.operation_type.as_deref() {
            Some("add") => add.extend(old),
            Some("remove") => remove.extend(old),
            Some(other) => return Err(ApiError::invalid("OperationType", other, "It is 'add' or 'remove'.")),
            None if old.is_empty() => {}
            None => return Err(ApiError::missing("OperationType")),
        }
        Ok((add, remove))
    }
}

/// The accounts of a list, and whether it has everybody.
fn read(list: &[Permission]) -> Result<(BTreeSet<AccountId>, bool), ApiError> {
    let (mut accounts, mut all) = (BTreeSet::new(), false);
    for each in list {
        match (each.user_id.as_deref(), each.group.as_deref()) {
            (Some(id), None) => {
                let malformed = |_| ApiError::new("InvalidUserID.Malformed", format!("Invalid user id: \"{id}\""));
                accounts.insert(id.parse().map_err(malformed)?);
            }
            (None, Some("all")) => all = true,
            (None, Some(other)) => return Err(ApiError::invalid("Group", other, "The only group is 'all'.")),
            _ => return Err(ApiError::combination("A permission names either an account or a group.")),
        }
    }
    Ok((accounts, all))
}
