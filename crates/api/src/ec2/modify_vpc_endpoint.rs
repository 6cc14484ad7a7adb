//! ec2:ModifyVpcEndpoint. Changes an endpoint's policy, route tables, subnets, security groups and names.

use landfall_cloud::endpoint::Change;
use landfall_cloud::{Tx, View, endpoint};
use landfall_model::{EndpointId, RouteTableId, SecurityGroupId, SubnetId};
use serde::Deserialize;

use super::shape::attribute::{Given, show_attribute};
use super::shape::endpoint::{DnsOptionsIn, SubnetConfiguration, check_address_type, check_policy, places};
use super::shape::{Done, network_demand};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ModifyVpcEndpoint {
    vpc_endpoint_id: EndpointId,
    #[serde(default)]
    reset_policy: bool,
    policy_document: Option<String>,
    #[serde(default)]
    add_route_table_id: Vec<RouteTableId>,
    #[serde(default)]
    remove_route_table_id: Vec<RouteTableId>,
    #[serde(default)]
    add_subnet_id: Vec<SubnetId>,
    #[serde(default)]
    remove_subnet_id: Vec<SubnetId>,
    #[serde(default)]
    add_security_group_id: Vec<SecurityGroupId>,
    #[serde(default)]
    remove_security_group_id: Vec<SecurityGroupId>,
    ip_address_type: Option<String>,
    dns_options: Option<DnsOptionsIn>,
    private_dns_enabled: Option<bool>,
    #[serde(default)]
    subnet_configuration: Vec<SubnetConfiguration>,
}

impl Write for ModifyVpcEndpoint {
    const ACTION: Action = Action::ec2("ModifyVpcEndpoint");
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let demand = demands.ec2(view, Self::ACTION, self.vpc_endpoint_id);
        demand.with("ec2:VpceServiceRegion", view.scope().region);
        show_attribute(demand, &self.given());
        for table in self.add_route_table_id.iter().chain(&self.remove_route_table_id) {
            demands.ec2(view, Self::ACTION, *table).with("ec2:RouteTableID", table);
        }
        for subnet in self.add_subnet_id.iter().chain(&self.remove_subnet_id) {
            network_demand::subnet(view, demands, Self::ACTION, *subnet);
        }
        for group in self.add_security_group_id.iter().chain(&self.remove_security_group_id) {
            network_demand::group(view, demands, Self::ACTION, *group);
        }
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        check_address_type(self.ip_address_type.as_deref())?;
        self.dns_options.as_ref().map_or(Ok(()), DnsOptionsIn::check)?;
        let policy = match (self.reset_policy, self.policy_document) {
            (true, Some(_)) => {
                return Err(ApiError::combination("Only one of ResetPolicy and PolicyDocument can be specified"));
            }
            (true, None) => Some(None),
            (false, Some(document)) => {
                check_policy(&document)?;
                Some(Some(document))
            }
            (false, None) => None,
        };
        let change = Change {
            policy,
            route_tables: [self.add_route_table_id, self.remove_route_table_id],
            places: places(&self.add_subnet_id, &self.subnet_configuration)?,
            leave: self.remove_subnet_id,
            groups: [self.add_security_group_id, self.remove_security_group_id],
            private_dns: self.private_dns_enabled,
        };
        endpoint::modify(tx, self.vpc_endpoint_id, change)?;
        Ok(Done::OK)
    }
}

impl ModifyVpcEndpoint {
    fn given(&self) -> Given {
        vec![
            ("PolicyDocument", self.policy_document.clone()),
            ("PrivateDnsEnabled", self.private_dns_enabled.map(|is_on| is_on.to_string())),
            ("ResetPolicy", self.reset_policy.then(|| "true".to_owned())),
        ]
    }
}
