//! Customer gateways and VPN gateways as answers show them.

use landfall_cloud::View;
use landfall_model::{CustomerGateway, CustomerGatewayId, VpcId, VpnGateway, VpnGatewayId, ZoneName};
use serde::Serialize;

use super::{Tag, tag_set};
use crate::error::ApiError;

/// The only type of VPNs that there is.
pub const IPSEC: &str = "ipsec.1";
/// The largest number of BGP's that `bgpAsn` shows; larger ones are shown as `bgpAsnExtended`.
pub const LARGEST_PLAIN_ASN: u64 = i32::MAX as u64;

/// That a request asks for that type.
pub fn check_type(given: &str) -> Result<(), ApiError> {
    if given == IPSEC {
        return Ok(());
    }
    Err(ApiError::invalid("type", given, format_args!("Valid values: {IPSEC}.")))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomerGatewayShape<'v> {
    customer_gateway_id: CustomerGatewayId,
    state: &'static str,
    r#type: &'static str,
    ip_address: std::net::Ipv4Addr,
    #[serde(skip_serializing_if = "Option::is_none")]
    bgp_asn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bgp_asn_extended: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_name: Option<&'v str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'v>>>,
}

/// A customer gateway as its owner sees it.
pub fn customer_gateway<'v>(view: &View<'v>, row: &'v CustomerGateway) -> CustomerGatewayShape<'v> {
    let is_plain = row.asn <= LARGEST_PLAIN_ASN;
    CustomerGatewayShape {
        customer_gateway_id: row.id,
        state: row.state.name(),
        r#type: IPSEC,
        ip_address: row.address,
        bgp_asn: is_plain.then(|| row.asn.to_string()),
        bgp_asn_extended: (!is_plain).then(|| row.asn.to_string()),
        device_name: row.device_name.as_deref(),
        tag_set: tag_set(view, &row.id.to_string()),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VpnGatewayShape<'v> {
    vpn_gateway_id: VpnGatewayId,
    state: &'static str,
    r#type: &'static str,
    amazon_side_asn: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    availability_zone: Option<ZoneName>,
    attachments: Vec<VpnGatewayAttachment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'v>>>,
}

/// The attachment of a VPN gateway to a VPC.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VpnGatewayAttachment {
    vpc_id: VpcId,
    state: &'static str,
}

/// An attachment that is being made.
pub fn attaching(vpc_id: VpcId) -> VpnGatewayAttachment {
    VpnGatewayAttachment { vpc_id, state: "attaching" }
}

/// The attachments of a VPN gateway with their states: the one that it has, or the one that it had last.
pub fn attachments(row: &VpnGateway) -> Vec<(VpcId, &'static str)> {
    let is = row.vpc.map(|vpc| (vpc, "attached"));
    let was = row.detached.map(|vpc| (vpc, "detached"));
    is.or(was).into_iter().collect()
}

/// A VPN gateway as its owner sees it.
pub fn vpn_gateway<'v>(view: &View<'v>, row: &'v VpnGateway) -> VpnGatewayShape<'v> {
    let attachments = attachments(row).into_iter().map(|(vpc_id, state)| VpnGatewayAttachment { vpc_id, state });
    VpnGatewayShape {
        vpn_gateway_id: row.id,
        state: row.state.name(),
        r#type: IPSEC,
        amazon_side_asn: row.asn,
        availability_zone: row.zone,
        attachments: attachments.collect(),
        tag_set: tag_set(view, &row.id.to_string()),
    }
}
