//! ec2:CreateNetworkAcl. Makes a filter for a VPC's subnets, which denies everything until it has entries.

use landfall_cloud::value::NetworkAcls;
use landfall_cloud::{Tx, View, network_acl, tag};
use landfall_model::{NetworkAclKind, VpcId};
use serde::{Deserialize, Serialize};

use super::shape::network_acl::{NetworkAclShape, network_acl as shape};
use super::shape::{TagSpecifications, network_demand};
use crate::{Action, ApiError, Demands, Write};

const KIND: &str = "network-acl";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateNetworkAcl {
    vpc_id: VpcId,
    #[serde(default)]
    tag_specification: TagSpecifications,
    #[serde(skip)]
    token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateNetworkAclResult<'t> {
    network_acl: NetworkAclShape<'t>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_token: Option<String>,
}

impl Write for CreateNetworkAcl {
    const ACTION: Action = Action::ec2("CreateNetworkAcl");
    const CLIENT_TOKEN: bool = true;
    type Output<'t> = CreateNetworkAclResult<'t>;

    fn hear_client_token(&mut self, token: &str) {
        self.token = Some(token.to_owned());
    }

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let tags = self.tag_specification.claimed(KIND);
        demands.new_ec2::<NetworkAclKind>(Self::ACTION).request_tags(&tags);
        network_demand::vpc(view, demands, Self::ACTION, self.vpc_id);
        demands.tagging(Self::ACTION, KIND, &tags);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<CreateNetworkAclResult<'t>, ApiError> {
        self.tag_specification.check(&[KIND])?;
        let tags = self.tag_specification.of(KIND)?;
        let id = network_acl::create(tx, self.vpc_id)?;
        tag::put(tx, KIND, &id.to_string(), &tags)?;
        let view = tx.view();
        let network_acl = shape(&view, view.need::<NetworkAcls, _>(id)?);
        Ok(CreateNetworkAclResult { network_acl, client_token: self.token })
    }
}
