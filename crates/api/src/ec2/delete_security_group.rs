//! ec2:DeleteSecurityGroup. Deletes a group that nothing uses.

use landfall_cloud::{Tx, View, security_group};
use landfall_model::SecurityGroupId;
use serde::{Deserialize, Serialize};

use super::shape::permission::GroupRef;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteSecurityGroup {
    group_id: Option<SecurityGroupId>,
    group_name: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteSecurityGroupResult {
    r#return: bool,
    group_id: SecurityGroupId,
}

impl DeleteSecurityGroup {
    fn group(&self) -> GroupRef<'_> {
        GroupRef { id: self.group_id, name: self.group_name.as_deref() }
    }
}

impl Write for DeleteSecurityGroup {
    const ACTION: Action = Action::ec2("DeleteSecurityGroup");
    const FREES: bool = true;
    type Output<'t> = DeleteSecurityGroupResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        self.group().demand(view, demands, Self::ACTION);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<DeleteSecurityGroupResult, ApiError> {
        let id = self.group().find(&tx.view())?;
        security_group::delete(tx, id)?;
        Ok(DeleteSecurityGroupResult { r#return: true, group_id: id })
    }
}
