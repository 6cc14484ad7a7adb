//! ec2:DeleteNetworkAclEntry. Removes an entry from a network ACL, by its number.

use landfall_cloud::{Tx, View, network_acl};
use landfall_model::NetworkAclId;
use serde::Deserialize;

use super::shape::Done;
use super::shape::acl_entry::{direction, number};
use super::shape::network_demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteNetworkAclEntry {
    network_acl_id: NetworkAclId,
    rule_number: i32,
    egress: bool,
}

impl Write for DeleteNetworkAclEntry {
    const ACTION: Action = Action::ec2("DeleteNetworkAclEntry");
    const FREES: bool = true;
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        network_demand::acl(view, demands, Self::ACTION, self.network_acl_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        let number = number(self.rule_number)?;
        network_acl::delete_entry(tx, self.network_acl_id, direction(self.egress), number)?;
        Ok(Done::OK)
    }
}
