//! Endpoints on the wire: what requests ask of them, and how answers show them.

use std::net::Ipv4Addr;

use landfall_cloud::View;
use landfall_cloud::endpoint::{Place, names};
use landfall_cloud::value::SecurityGroups;
use landfall_model::{
    AccountId, Endpoint, EndpointId, EndpointKind, InterfaceId, Region, RouteTableId, SecurityGroupId, SubnetId, VpcId,
};
use landfall_policy::{DocumentKind, Policy};
use landfall_wire::Time;
use serde::{Deserialize, Serialize};

use super::unsupported::{Unsupported, refuse_parameters};
use super::{Tag, tag_set, time};
use crate::error::ApiError;

/// What holds of an endpoint that was given no policy: everybody may do everything through it.
const DEFAULT_POLICY: &str =
    r#"{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;
/// The longest policy, white space included. Source: "AWS PrivateLink quotas".
const POLICY_CHARS: usize = 20_480;

/// That a policy is one. It is kept as it was given.
pub fn check_policy(document: &str) -> Result<(), ApiError> {
    let refuse = |why: String| ApiError::new("InvalidPolicyDocument", why);
    if document.chars().count() > POLICY_CHARS {
        return Err(refuse(format!("The policy document has more than {POLICY_CHARS} characters.")));
    }
    Policy::parse_as(DocumentKind::Resource, document).map(|_| ()).map_err(|error| refuse(error.to_string()))
}

/// `DnsOptions` of a request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DnsOptionsIn {
    dns_record_ip_type: Option<String>,
    private_dns_only_for_inbound_resolver_endpoint: Option<bool>,
    private_dns_preference: Option<Unsupported>,
    private_dns_specified_domain: Option<Unsupported>,
}

impl DnsOptionsIn {
    /// Refuses what isn't done: records are of IPv4.
    pub fn check(&self) -> Result<(), ApiError> {
        refuse_parameters!(self; private_dns_preference, private_dns_specified_domain);
        if let Some(other) =
            self.dns_record_ip_type.as_deref().filter(|kind| !matches!(*kind, "ipv4" | "service-defined"))
        {
            return Err(ApiError::unsupported(format_args!("the value '{other}' of the parameter DnsRecordIpType")));
        }
        if self.private_dns_only_for_inbound_resolver_endpoint == Some(true) {
            let what = "the value 'true' of the parameter PrivateDnsOnlyForInboundResolverEndpoint";
            return Err(ApiError::unsupported(what));
        }
        Ok(())
    }
}

/// Refuses every kind of addresses but IPv4.
pub fn check_address_type(kind: Option<&str>) -> Result<(), ApiError> {
    match kind {
        Some(other) if other != "ipv4" => {
            Err(ApiError::unsupported(format_args!("the value '{other}' of the parameter IpAddressType")))
        }
        _ => Ok(()),
    }
}

/// A subnet with the address that is asked for there.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct SubnetConfiguration {
    subnet_id: SubnetId,
    ipv4: Option<Ipv4Addr>,
    ipv6: Option<Unsupported>,
}

/// The places that a request names: its subnets, each with the address that is configured for it.
pub fn places(subnets: &[SubnetId], configured: &[SubnetConfiguration]) -> Result<Vec<Place>, ApiError> {
    for configuration in configured {
        refuse_parameters!(configuration; ipv6);
    }
    let address = |subnet: SubnetId| configured.iter().find(|each| each.subnet_id == subnet).and_then(|each| each.ipv4);
    let more = configured.iter().map(|each| each.subnet_id).filter(|subnet| !subnets.contains(subnet));
    Ok(subnets.iter().copied().chain(more).map(|subnet| (subnet, address(subnet))).collect())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointShape<'v> {
    vpc_endpoint_id: EndpointId,
    vpc_endpoint_type: &'static str,
    vpc_id: VpcId,
    service_name: &'v str,
    state: &'static str,
    policy_document: &'v str,
    route_table_id_set: Vec<RouteTableId>,
    subnet_id_set: &'v [SubnetId],
    group_set: Vec<GroupShape<'v>>,
    ip_address_type: &'static str,
    dns_options: DnsOptionsShape,
    private_dns_enabled: bool,
    requester_managed: bool,
    network_interface_id_set: &'v [InterfaceId],
    dns_entry_set: Vec<DnsEntryShape>,
    creation_timestamp: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'v>>>,
    owner_id: AccountId,
    service_region: Region,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GroupShape<'v> {
    group_id: SecurityGroupId,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_name: Option<&'v str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DnsOptionsShape {
    dns_record_ip_type: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DnsEntryShape {
    dns_name: String,
}

/// The endpoint as its owner sees it.
pub fn endpoint<'v>(view: &View<'v>, row: &'v Endpoint) -> EndpointShape<'v> {
    let (subnets, interfaces, groups, private_dns) = match &row.kind {
        EndpointKind::Gateway { .. } => ([].as_slice(), [].as_slice(), [].as_slice(), false),
        EndpointKind::Interface { subnets, interfaces, groups, private_dns } => {
            (subnets.as_slice(), interfaces.as_slice(), groups.as_slice(), *private_dns)
        }
    };
    let is_live = row.state.is_live();
    let group = |id: &SecurityGroupId| GroupShape {
        group_id: *id,
        group_name: view.find::<SecurityGroups, _>(*id).map(|group| group.name.as_str()),
    };
    EndpointShape {
        vpc_endpoint_id: row.id,
        vpc_endpoint_type: row.kind.name(),
        vpc_id: row.vpc,
        service_name: &row.service,
        state: row.state.name(),
        policy_document: row.policy.as_deref().unwrap_or(DEFAULT_POLICY),
        route_table_id_set: if is_live { view.tables_of(row) } else { Vec::new() },
        subnet_id_set: subnets,
        group_set: groups.iter().map(group).collect(),
        ip_address_type: "ipv4",
        dns_options: DnsOptionsShape {
            dns_record_ip_type: if row.kind.name() == "Gateway" { "service-defined" } else { "ipv4" },
        },
        private_dns_enabled: private_dns,
        requester_managed: false,
        network_interface_id_set: if is_live { interfaces } else { &[] },
        dns_entry_set: names(view, row).into_iter().map(|(dns_name, _)| DnsEntryShape { dns_name }).collect(),
        creation_timestamp: time(row.created_at),
        tag_set: tag_set(view, &row.id.to_string()),
        owner_id: row.scope.account,
        service_region: row.scope.region,
    }
}
