//! ec2:CreateTransitGateway. Makes a router that VPCs and VPNs can be attached to.

use landfall_cloud::{Tx, View, tag, transit_gateway};
use landfall_model::{TransitGatewayKind, TransitGatewayOptions};
use serde::Deserialize;

use super::shape::TagSpecifications;
use super::shape::block::blocks;
use super::shape::switch::Switch;
use super::shape::transit_gateway::{TransitGatewayResult, result};
use crate::{Action, ApiError, Demands, Write};

const KIND: &str = "transit-gateway";
/// Source: the EC2 API Reference on TransitGatewayRequestOptions.
const DEFAULT_ASN: u64 = 64_512;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateTransitGateway {
    #[serde(default)]
    description: String,
    #[serde(default)]
    options: OptionsIn,
    #[serde(default)]
    tag_specification: TagSpecifications,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct OptionsIn {
    amazon_side_asn: Option<u64>,
    auto_accept_shared_attachments: Option<Switch>,
    default_route_table_association: Option<Switch>,
    default_route_table_propagation: Option<Switch>,
    vpn_ecmp_support: Option<Switch>,
    dns_support: Option<Switch>,
    security_group_referencing_support: Option<Switch>,
    multicast_support: Option<Switch>,
    #[serde(default)]
    transit_gateway_cidr_blocks: Vec<String>,
}

impl Write for CreateTransitGateway {
    const ACTION: Action = Action::ec2("CreateTransitGateway");
    type Output<'t> = TransitGatewayResult<'t>;

    fn demands(&self, _: &View<'_>, demands: &mut Demands) {
        let tags = self.tag_specification.claimed(KIND);
        demands.new_ec2::<TransitGatewayKind>(Self::ACTION).request_tags(&tags);
        demands.tagging(Self::ACTION, KIND, &tags);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<TransitGatewayResult<'t>, ApiError> {
        self.tag_specification.check(&[KIND])?;
        let tags = self.tag_specification.of(KIND)?;
        let id = transit_gateway::create(tx, self.description, self.options.options()?)?;
        tag::put(tx, KIND, &id.to_string(), &tags)?;
        Ok(result(tx.view(), id)?)
    }
}

impl OptionsIn {
    fn options(&self) -> Result<TransitGatewayOptions, ApiError> {
        if self.multicast_support.is_some_and(Switch::is_on) {
            return Err(ApiError::unsupported("the value 'enable' of the parameter MulticastSupport"));
        }
        // Rules name groups of their own network and of peered ones.
        if self.security_group_referencing_support.is_some_and(Switch::is_on) {
            return Err(ApiError::unsupported("the value 'enable' of the parameter SecurityGroupReferencingSupport"));
        }
        let on = |switch: Option<Switch>, default: bool| switch.map_or(default, Switch::is_on);
        Ok(TransitGatewayOptions {
            asn: self.amazon_side_asn.unwrap_or(DEFAULT_ASN),
            auto_accept: on(self.auto_accept_shared_attachments, false),
            default_association: on(self.default_route_table_association, true),
            default_propagation: on(self.default_route_table_propagation, true),
            vpn_ecmp: on(self.vpn_ecmp_support, true),
            dns: on(self.dns_support, true),
            group_references: on(self.security_group_referencing_support, false),
            cidrs: blocks("TransitGatewayCidrBlocks", &self.transit_gateway_cidr_blocks)?,
        })
    }
}
