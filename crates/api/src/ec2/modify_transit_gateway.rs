//! ec2:ModifyTransitGateway. Changes a transit gateway's description, options and default route tables.

use landfall_cloud::transit_gateway::Change;
use landfall_cloud::{Tx, View, transit_gateway};
use landfall_model::{TransitGatewayId, TransitGatewayRouteTableId};
use serde::Deserialize;

use super::shape::attribute::{Given, show_attribute};
use super::shape::block::blocks;
use super::shape::switch::{Switch, is_on, word};
use super::shape::transit_gateway::{TransitGatewayResult, demand_gateway, demand_table, result};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ModifyTransitGateway {
    transit_gateway_id: TransitGatewayId,
    description: Option<String>,
    #[serde(default)]
    options: OptionsIn,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct OptionsIn {
    #[serde(default)]
    add_transit_gateway_cidr_blocks: Vec<String>,
    #[serde(default)]
    remove_transit_gateway_cidr_blocks: Vec<String>,
    vpn_ecmp_support: Option<Switch>,
    dns_support: Option<Switch>,
    security_group_referencing_support: Option<Switch>,
    auto_accept_shared_attachments: Option<Switch>,
    default_route_table_association: Option<Switch>,
    association_default_route_table_id: Option<TransitGatewayRouteTableId>,
    default_route_table_propagation: Option<Switch>,
    propagation_default_route_table_id: Option<TransitGatewayRouteTableId>,
    amazon_side_asn: Option<u64>,
    encryption_support: Option<Switch>,
}

impl Write for ModifyTransitGateway {
    const ACTION: Action = Action::ec2("ModifyTransitGateway");
    type Output<'t> = TransitGatewayResult<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let demand = demand_gateway(view, demands, Self::ACTION, self.transit_gateway_id);
        show_attribute(demand, &self.given());
        let tables = [self.options.association_default_route_table_id, self.options.propagation_default_route_table_id];
        for table in tables.into_iter().flatten() {
            demand_table(view, demands, Self::ACTION, table);
        }
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<TransitGatewayResult<'t>, ApiError> {
        if self.options.encryption_support.is_some_and(Switch::is_on) {
            return Err(ApiError::unsupported("the value 'enable' of the parameter EncryptionSupport"));
        }
        let change = self.options.change(self.description)?;
        transit_gateway::modify(tx, self.transit_gateway_id, change)?;
        Ok(result(tx.view(), self.transit_gateway_id)?)
    }
}

impl ModifyTransitGateway {
    fn given(&self) -> Given {
        let options = &self.options;
        let switch = |given: Option<Switch>| given.map(|given| word(given.is_on()).to_owned());
        vec![
            ("Description", self.description.clone()),
            ("VpnEcmpSupport", switch(options.vpn_ecmp_support)),
            ("DnsSupport", switch(options.dns_support)),
            ("SecurityGroupReferencingSupport", switch(options.security_group_referencing_support)),
            ("AutoAcceptSharedAttachments", switch(options.auto_accept_shared_attachments)),
            ("DefaultRouteTableAssociation", switch(options.default_route_table_association)),
            ("DefaultRouteTablePropagation", switch(options.default_route_table_propagation)),
            ("AmazonSideAsn", options.amazon_side_asn.map(|asn| asn.to_string())),
        ]
    }
}

impl OptionsIn {
    fn change(&self, description: Option<String>) -> Result<Change, ApiError> {
        // Rules name groups of their own network and of peered ones.
        if self.security_group_referencing_support.is_some_and(Switch::is_on) {
            return Err(ApiError::unsupported("the value 'enable' of the parameter SecurityGroupReferencingSupport"));
        }
        Ok(Change {
            description,
            asn: self.amazon_side_asn,
            auto_accept: is_on(self.auto_accept_shared_attachments),
            default_association: is_on(self.default_route_table_association),
            association_table: self.association_default_route_table_id,
            default_propagation: is_on(self.default_route_table_propagation),
            propagation_table: self.propagation_default_route_table_id,
            vpn_ecmp: is_on(self.vpn_ecmp_support),
            dns: is_on(self.dns_support),
            group_references: is_on(self.security_group_referencing_support),
            add: blocks("AddTransitGatewayCidrBlocks", &self.add_transit_gateway_cidr_blocks)?,
            remove: blocks("RemoveTransitGatewayCidrBlocks", &self.remove_transit_gateway_cidr_blocks)?,
        })
    }
}
