//! ec2:ReplaceNetworkAclAssociation. Puts a subnet behind another network ACL of its VPC.

use landfall_cloud::{Tx, View, network_acl};
use landfall_model::{NetworkAclAssociationId, NetworkAclId, SubnetKind};
use serde::{Deserialize, Serialize};

use super::shape::network_demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ReplaceNetworkAclAssociation {
    association_id: NetworkAclAssociationId,
    network_acl_id: NetworkAclId,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplaceNetworkAclAssociationResult {
    new_association_id: NetworkAclAssociationId,
}

impl Write for ReplaceNetworkAclAssociation {
    const ACTION: Action = Action::ec2("ReplaceNetworkAclAssociation");
    type Output<'t> = ReplaceNetworkAclAssociationResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        network_demand::acl(view, demands, Self::ACTION, self.network_acl_id);
        match view.acl_association(self.association_id) {
            Some((_, subnet)) => network_demand::subnet(view, demands, Self::ACTION, subnet),
            None => demands.new_ec2::<SubnetKind>(Self::ACTION),
        };
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<ReplaceNetworkAclAssociationResult, ApiError> {
        let new_association_id = network_acl::replace_association(tx, self.association_id, self.network_acl_id)?;
        Ok(ReplaceNetworkAclAssociationResult { new_association_id })
    }
}
