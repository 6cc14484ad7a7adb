//! ec2:CreateEgressOnlyInternetGateway. Makes a VPC's way out for IPv6 that lets nobody in.

use landfall_cloud::value::EgressOnlyGateways;
use landfall_cloud::{Tx, View, internet_gateway, tag};
use landfall_model::{EgressOnlyGatewayKind, VpcId};
use serde::{Deserialize, Serialize};

use super::shape::TagSpecifications;
use super::shape::internet_gateway::{EgressOnlyGatewayShape, egress_only_gateway};
use super::shape::network_demand;
use crate::{Action, ApiError, Demands, Write};

/// The kind that its tag specifications name.
const KIND: &str = "egress-only-internet-gateway";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateEgressOnlyInternetGateway {
    vpc_id: VpcId,
    #[serde(default)]
    tag_specification: TagSpecifications,
    #[serde(skip)]
    client_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateEgressOnlyInternetGatewayResult<'t> {
    #[serde(skip_serializing_if = "Option::is_none")]
    client_token: Option<String>,
    egress_only_internet_gateway: EgressOnlyGatewayShape<'t>,
}

impl Write for CreateEgressOnlyInternetGateway {
    const ACTION: Action = Action::ec2("CreateEgressOnlyInternetGateway");
    const CLIENT_TOKEN: bool = true;
    type Output<'t> = CreateEgressOnlyInternetGatewayResult<'t>;

    fn hear_client_token(&mut self, token: &str) {
        self.client_token = Some(token.to_owned());
    }

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let tags = self.tag_specification.claimed(KIND);
        network_demand::vpc(view, demands, Self::ACTION, self.vpc_id);
        demands.new_ec2::<EgressOnlyGatewayKind>(Self::ACTION).request_tags(&tags);
        demands.tagging(Self::ACTION, KIND, &tags);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<CreateEgressOnlyInternetGatewayResult<'t>, ApiError> {
        self.tag_specification.check(&[KIND])?;
        let tags = self.tag_specification.of(KIND)?;
        let id = internet_gateway::create_egress_only(tx, self.vpc_id)?;
        tag::put(tx, KIND, &id.to_string(), &tags)?;
        let view = tx.view();
        Ok(CreateEgressOnlyInternetGatewayResult {
            client_token: self.client_token,
            egress_only_internet_gateway: egress_only_gateway(&view, view.need::<EgressOnlyGateways, _>(id)?),
        })
    }
}
