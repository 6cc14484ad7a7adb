//! ec2:CreateVpcEndpoint. Lets a VPC reach a service of the region: by routes to its addresses, or by interfaces.

use landfall_cloud::endpoint::{NewInterfaces, Service};
use landfall_cloud::value::Endpoints;
use landfall_cloud::{Tx, View, endpoint as rules, tag};
use landfall_model::{EndpointKindId, RouteTableId, SecurityGroupId, SubnetId, VpcId};
use serde::{Deserialize, Serialize};

use super::shape::endpoint::{
    DnsOptionsIn, EndpointShape, SubnetConfiguration, check_address_type, check_policy, endpoint, places,
};
use super::shape::unsupported::{Unsupported, refuse_parameters};
use super::shape::{TagSpecifications, network_demand};
use crate::{Action, ApiError, Demands, Write};

const KIND: &str = "vpc-endpoint";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateVpcEndpoint {
    vpc_endpoint_type: Option<String>,
    vpc_id: VpcId,
    service_name: Option<String>,
    policy_document: Option<String>,
    #[serde(default)]
    route_table_id: Vec<RouteTableId>,
    #[serde(default)]
    subnet_id: Vec<SubnetId>,
    #[serde(default)]
    security_group_id: Vec<SecurityGroupId>,
    ip_address_type: Option<String>,
    dns_options: Option<DnsOptionsIn>,
    private_dns_enabled: Option<bool>,
    #[serde(default)]
    tag_specification: TagSpecifications,
    #[serde(default)]
    subnet_configuration: Vec<SubnetConfiguration>,
    service_network_arn: Option<Unsupported>,
    resource_configuration_arn: Option<Unsupported>,
    service_region: Option<String>,
    #[serde(skip)]
    token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateVpcEndpointResult<'t> {
    vpc_endpoint: EndpointShape<'t>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_token: Option<String>,
}

impl Write for CreateVpcEndpoint {
    const ACTION: Action = Action::ec2("CreateVpcEndpoint");
    const CLIENT_TOKEN: bool = true;
    type Output<'t> = CreateVpcEndpointResult<'t>;

    fn hear_client_token(&mut self, token: &str) {
        self.token = Some(token.to_owned());
    }

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let tags = self.tag_specification.claimed(KIND);
        let demand = demands.new_ec2::<EndpointKindId>(Self::ACTION).request_tags(&tags);
        if let Some(name) = &self.service_name {
            demand.with("ec2:VpceServiceName", name).with("ec2:VpceServiceOwner", "amazon");
        }
        let region = self.service_region.clone().unwrap_or_else(|| view.scope().region.to_string());
        demand.with("ec2:VpceServiceRegion", region);
        network_demand::vpc(view, demands, Self::ACTION, self.vpc_id);
        for table in &self.route_table_id {
            demands.ec2(view, Self::ACTION, *table).with("ec2:RouteTableID", table);
        }
        for subnet in &self.subnet_id {
            network_demand::subnet(view, demands, Self::ACTION, *subnet);
        }
        for group in &self.security_group_id {
            network_demand::group(view, demands, Self::ACTION, *group);
        }
        demands.tagging(Self::ACTION, KIND, &tags);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<CreateVpcEndpointResult<'t>, ApiError> {
        refuse_parameters!(self; service_network_arn, resource_configuration_arn);
        self.tag_specification.check(&[KIND])?;
        let tags = self.tag_specification.of(KIND)?;
        let service = self.service(tx)?;
        check_address_type(self.ip_address_type.as_deref())?;
        self.dns_options.as_ref().map_or(Ok(()), DnsOptionsIn::check)?;
        if let Some(document) = &self.policy_document {
            check_policy(document)?;
        }
        let places = places(&self.subnet_id, &self.subnet_configuration)?;
        let policy = self.policy_document;
        let id = if service.by_gateway {
            if !places.is_empty() || !self.security_group_id.is_empty() || self.private_dns_enabled == Some(true) {
                let message = "Gateway endpoints have no subnets, security groups or private DNS.";
                return Err(ApiError::new("InvalidParameter", message));
            }
            rules::create_gateway(tx, self.vpc_id, service, &self.route_table_id, policy)?
        } else {
            if !self.route_table_id.is_empty() {
                return Err(ApiError::new("InvalidParameter", "Interface endpoints have no route tables."));
            }
            let private_dns = self.private_dns_enabled.unwrap_or(true);
            let new = NewInterfaces { places, groups: self.security_group_id, private_dns };
            rules::create_interface(tx, self.vpc_id, service, new, policy)?
        };
        tag::put(tx, KIND, &id.to_string(), &tags)?;
        let view = tx.view();
        let shape = endpoint(&view, view.need::<Endpoints, _>(id)?);
        Ok(CreateVpcEndpointResult { vpc_endpoint: shape, client_token: self.token })
    }
}

impl CreateVpcEndpoint {
    /// The service that is asked for, which has endpoints of the type that is asked for.
    fn service(&self, tx: &Tx<'_, '_>) -> Result<&'static Service, ApiError> {
        let kind = self.vpc_endpoint_type.as_deref().unwrap_or("Gateway");
        if matches!(kind, "GatewayLoadBalancer" | "Resource" | "ServiceNetwork") {
            return Err(ApiError::unsupported(format_args!("the value '{kind}' of the parameter VpcEndpointType")));
        }
        let region = tx.scope().region;
        if let Some(other) = self.service_region.as_deref().filter(|other| *other != region.name()) {
            return Err(ApiError::unsupported(format_args!("the value '{other}' of the parameter ServiceRegion")));
        }
        let name = self.service_name.as_deref().ok_or_else(|| ApiError::missing("ServiceName"))?;
        let service = Service::find(region, name).ok_or_else(|| no_such_service(name))?;
        if service.kind() != kind {
            let message =
                format!("Endpoint type ({kind}) does not match available service types ([{}]).", service.kind());
            return Err(ApiError::new("InvalidParameter", message));
        }
        Ok(service)
    }
}

/// That there is no such service.
pub fn no_such_service(name: &str) -> ApiError {
    ApiError::new("InvalidServiceName", format!("The Vpc Endpoint Service '{name}' does not exist"))
}
