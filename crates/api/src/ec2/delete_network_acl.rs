//! ec2:DeleteNetworkAcl. Deletes a network ACL that filters no subnet.

use landfall_cloud::{Tx, View, network_acl};
use landfall_model::NetworkAclId;
use serde::Deserialize;

use super::shape::Done;
use super::shape::network_demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteNetworkAcl {
    network_acl_id: NetworkAclId,
}

impl Write for DeleteNetworkAcl {
    const ACTION: Action = Action::ec2("DeleteNetworkAcl");
    const FREES: bool = true;
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        network_demand::acl(view, demands, Self::ACTION, self.network_acl_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        network_acl::delete(tx, self.network_acl_id)?;
        Ok(Done::OK)
    }
}
