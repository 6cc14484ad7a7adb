//! ec2:CreateCustomerGateway. Names the other side's device of VPNs: the address that it has outside.

use std::net::Ipv4Addr;

use landfall_cloud::value::CustomerGateways;
use landfall_cloud::{Tx, View, tag, vpn_gateway};
use landfall_model::CustomerGatewayKind;
use serde::{Deserialize, Serialize};

use super::shape::TagSpecifications;
use super::shape::unsupported::{Unsupported, refuse_parameters};
use super::shape::vpn_gateway::{CustomerGatewayShape, LARGEST_PLAIN_ASN, check_type, customer_gateway};
use crate::{Action, ApiError, Demands, Write};

const KIND: &str = "customer-gateway";
/// Source: the EC2 API Reference on CreateCustomerGateway.
const DEFAULT_ASN: u64 = 65_000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateCustomerGateway {
    bgp_asn: Option<u64>,
    bgp_asn_extended: Option<u64>,
    public_ip: Option<String>,
    ip_address: Option<String>,
    certificate_arn: Option<Unsupported>,
    r#type: String,
    device_name: Option<String>,
    #[serde(default)]
    tag_specification: TagSpecifications,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateCustomerGatewayResult<'t> {
    customer_gateway: CustomerGatewayShape<'t>,
}

impl Write for CreateCustomerGateway {
    const ACTION: Action = Action::ec2("CreateCustomerGateway");
    type Output<'t> = CreateCustomerGatewayResult<'t>;

    fn demands(&self, _: &View<'_>, demands: &mut Demands) {
        let tags = self.tag_specification.claimed(KIND);
        demands.new_ec2::<CustomerGatewayKind>(Self::ACTION).request_tags(&tags);
        demands.tagging(Self::ACTION, KIND, &tags);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<CreateCustomerGatewayResult<'t>, ApiError> {
        refuse_parameters!(self; certificate_arn);
        check_type(&self.r#type)?;
        self.tag_specification.check(&[KIND])?;
        let tags = self.tag_specification.of(KIND)?;
        let (address, asn) = (self.address()?, self.asn()?);
        let device_name = self.device_name.filter(|name| !name.is_empty());
        let (id, is_new) = vpn_gateway::create_customer(tx, address, asn, device_name)?;
        if is_new {
            tag::put(tx, KIND, &id.to_string(), &tags)?;
        }
        let view = tx.view();
        let row = view.need::<CustomerGateways, _>(id)?;
        Ok(CreateCustomerGatewayResult { customer_gateway: customer_gateway(&view, row) })
    }
}

impl CreateCustomerGateway {
    fn address(&self) -> Result<Ipv4Addr, ApiError> {
        let text = match (&self.ip_address, &self.public_ip) {
            (Some(text), None) | (None, Some(text)) => text,
            (None, None) => return Err(ApiError::missing("IpAddress")),
            (Some(_), Some(_)) => {
                return Err(ApiError::combination("Only one of IpAddress and PublicIp can be used"));
            }
        };
        if text.contains(':') {
            return Err(ApiError::unsupported("IPv6 addresses of customer gateways"));
        }
        text.parse().map_err(|_| ApiError::invalid("IpAddress", text, "Invalid IPv4 address."))
    }

    fn asn(&self) -> Result<u64, ApiError> {
        let range = |name, asn: u64, range: std::ops::RangeInclusive<u64>| {
            let why = format!("The range is {} to {}.", range.start(), range.end());
            if range.contains(&asn) { Ok(asn) } else { Err(ApiError::invalid(name, asn, why)) }
        };
        match (self.bgp_asn, self.bgp_asn_extended) {
            (None, None) => Ok(DEFAULT_ASN),
            (Some(asn), None) => range("BgpAsn", asn, 1..=LARGEST_PLAIN_ASN),
            (None, Some(asn)) => range("BgpAsnExtended", asn, LARGEST_PLAIN_ASN + 1..=u64::from(u32::MAX)),
            (Some(_), Some(_)) => Err(ApiError::combination("Only one of BgpAsn and BgpAsnExtended can be used")),
        }
    }
}
