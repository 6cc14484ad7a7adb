//! ec2:DescribeVpcEndpointServices. Lists the services of the region that endpoints lead to.

use landfall_cloud::endpoint::{SERVICES, Service};
use landfall_model::{Region, ZoneName};
use serde::{Deserialize, Serialize};

use super::create_vpc_endpoint::no_such_service;
use crate::filter::{FilterNames, Values, one, shown};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeVpcEndpointServices {
    #[serde(default)]
    service_name: Vec<String>,
    #[serde(default)]
    filter: Filters,
    #[serde(default)]
    service_region: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeVpcEndpointServicesResult {
    service_name_set: Vec<String>,
    service_detail_set: Vec<ServiceShape>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ServiceShape {
    service_name: String,
    service_id: String,
    service_type: [TypeShape; 1],
    service_region: Region,
    availability_zone_set: Vec<ZoneName>,
    owner: &'static str,
    base_endpoint_dns_name_set: [String; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    private_dns_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    private_dns_name_set: Option<[PrivateNameShape; 1]>,
    vpc_endpoint_policy_supported: bool,
    acceptance_required: bool,
    manages_vpc_endpoints: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    private_dns_name_verification_state: Option<&'static str>,
    supported_ip_address_type_set: [&'static str; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TypeShape {
    service_type: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PrivateNameShape {
    private_dns_name: String,
}

impl Read for DescribeVpcEndpointServices {
    const ACTION: Action = Action::ec2("DescribeVpcEndpointServices");
    const FILTERS: FilterNames = FilterNames {
        known: &["owner", "service-name", "service-region", "service-type", "supported-ip-address-types", "tag-key"],
        refused: &[],
    };
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = DescribeVpcEndpointServicesResult;

    fn run(self, look: &mut Look<'_, '_>) -> Result<DescribeVpcEndpointServicesResult, ApiError> {
        let region = look.view.scope().region;
        if let Some(other) = self.service_region.iter().find(|other| *other != region.name()) {
            return Err(ApiError::unsupported(format_args!("the value '{other}' of the parameter ServiceRegion")));
        }
        let selection = self.filter.select(Self::FILTERS)?;
        if let Some(other) = self.service_name.iter().find(|name| Service::find(region, name).is_none()) {
            return Err(no_such_service(other));
        }
        let is_asked = |service: &Service| {
            let is_named = self.service_name.is_empty() || self.service_name.contains(&service.full_name(region));
            is_named && selection.matches(None, |name| field(service, region, name))
        };
        let services = SERVICES.iter().filter(|service| is_asked(service));
        let page = look.page.take(services, |service| service.full_name(region))?;
        Ok(DescribeVpcEndpointServicesResult {
            service_name_set: page.iter().map(|service| service.full_name(region)).collect(),
            service_detail_set: page.iter().map(|service| shape(service, region)).collect(),
        })
    }
}

fn shape(service: &Service, region: Region) -> ServiceShape {
    let host = service.host_name(region);
    let has_interfaces = !service.by_gateway;
    let base = if has_interfaces { service.endpoint_domain(region) } else { host.clone() };
    ServiceShape {
        service_name: service.full_name(region),
        service_id: service_id(service, region),
        service_type: [TypeShape { service_type: service.kind() }],
        service_region: region,
        availability_zone_set: region.zones().collect(),
        owner: "amazon",
        base_endpoint_dns_name_set: [base],
        private_dns_name: has_interfaces.then(|| host.clone()),
        private_dns_name_set: has_interfaces.then_some([PrivateNameShape { private_dns_name: host }]),
        vpc_endpoint_policy_supported: true,
        acceptance_required: false,
        manages_vpc_endpoints: false,
        private_dns_name_verification_state: has_interfaces.then_some("verified"),
        supported_ip_address_type_set: ["ipv4"],
    }
}

/// The id of a service in a region, which follows from its name: the same for everybody, always.
fn service_id(service: &Service, region: Region) -> String {
    // FNV-1a, 64 bits.
    let hash = service
        .full_name(region)
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("vpce-svc-0{hash:016x}")
}

fn field<'v>(service: &Service, region: Region, name: &str) -> Values<'v> {
    match name {
        "owner" => one("amazon"),
        "service-name" => shown(service.full_name(region)),
        "service-region" => shown(region),
        "service-type" => one(service.kind()),
        "supported-ip-address-types" => one("ipv4"),
        _ => Vec::new(),
    }
}
