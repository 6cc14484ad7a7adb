//! ec2:CreateVpnGateway. Makes the side of VPNs that can be attached to a VPC.

use landfall_cloud::value::VpnGateways;
use landfall_cloud::{Tx, View, tag, vpn_gateway as rules};
use landfall_model::VpnGatewayKind;
use serde::{Deserialize, Serialize};

use super::shape::TagSpecifications;
use super::shape::vpn_gateway::{VpnGatewayShape, check_type, vpn_gateway};
use crate::{Action, ApiError, Demands, Write};

const KIND: &str = "vpn-gateway";
/// Source: the EC2 API Reference on CreateVpnGateway.
const DEFAULT_ASN: u64 = 64_512;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateVpnGateway {
    /// Clients send it empty for none.
    availability_zone: Option<String>,
    r#type: String,
    amazon_side_asn: Option<u64>,
    #[serde(default)]
    tag_specification: TagSpecifications,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateVpnGatewayResult<'t> {
    vpn_gateway: VpnGatewayShape<'t>,
}

impl Write for CreateVpnGateway {
    const ACTION: Action = Action::ec2("CreateVpnGateway");
    type Output<'t> = CreateVpnGatewayResult<'t>;

    fn demands(&self, _: &View<'_>, demands: &mut Demands) {
        let tags = self.tag_specification.claimed(KIND);
        demands.new_ec2::<VpnGatewayKind>(Self::ACTION).request_tags(&tags);
        demands.tagging(Self::ACTION, KIND, &tags);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<CreateVpnGatewayResult<'t>, ApiError> {
        check_type(&self.r#type)?;
        self.tag_specification.check(&[KIND])?;
        let tags = self.tag_specification.of(KIND)?;
        let zone = self.availability_zone.filter(|zone| !zone.is_empty());
        let parse = |zone: String| {
            zone.parse().map_err(|_| ApiError::invalid("availabilityZone", &zone, "It is not a zone of this region."))
        };
        let zone = zone.map(parse).transpose()?;
        let id = rules::create(tx, self.amazon_side_asn.unwrap_or(DEFAULT_ASN), zone)?;
        tag::put(tx, KIND, &id.to_string(), &tags)?;
        let view = tx.view();
        Ok(CreateVpnGatewayResult { vpn_gateway: vpn_gateway(&view, view.need::<VpnGateways, _>(id)?) })
    }
}
