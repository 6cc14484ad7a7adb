//! ec2:CreateNatGateway. Makes a NAT gateway in a subnet: a public one that speaks as elastic addresses, or a private one.

use std::net::Ipv4Addr;

use landfall_cloud::nat::{self, NewNatGateway};
use landfall_cloud::value::NatGateways;
use landfall_cloud::{Tx, View, tag};
use landfall_model::{AllocationId, NatGatewayKind, SubnetId};
use serde::{Deserialize, Serialize};

use super::shape::TagSpecifications;
use super::shape::nat_gateway::{NatGatewayShape, nat_gateway};
use super::shape::network_demand;
use super::shape::unsupported::{Unsupported, refuse_parameters};
use crate::{Action, ApiError, Demands, Write};

/// The kind that its tag specifications name.
const KIND: &str = "natgateway";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateNatGateway {
    subnet_id: Option<SubnetId>,
    connectivity_type: Option<String>,
    availability_mode: Option<String>,
    allocation_id: Option<AllocationId>,
    #[serde(default)]
    secondary_allocation_id: Vec<AllocationId>,
    private_ip_address: Option<Ipv4Addr>,
    #[serde(default)]
    secondary_private_ip_address: Vec<Ipv4Addr>,
    #[serde(default)]
    secondary_private_ip_address_count: u32,
    #[serde(default)]
    tag_specification: TagSpecifications,
    /// This and the next are for gateways of a whole region.
    availability_zone_address: Option<Unsupported>,
    vpc_id: Option<Unsupported>,
    #[serde(skip)]
    client_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateNatGatewayResult<'t> {
    #[serde(skip_serializing_if = "Option::is_none")]
    client_token: Option<String>,
    nat_gateway: NatGatewayShape<'t>,
}

impl Write for CreateNatGateway {
    const ACTION: Action = Action::ec2("CreateNatGateway");
    const CLIENT_TOKEN: bool = true;
    type Output<'t> = CreateNatGatewayResult<'t>;

    fn hear_client_token(&mut self, token: &str) {
        self.client_token = Some(token.to_owned());
    }

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let tags = self.tag_specification.claimed(KIND);
        demands.new_ec2::<NatGatewayKind>(Self::ACTION).request_tags(&tags);
        if let Some(id) = self.subnet_id {
            network_demand::subnet(view, demands, Self::ACTION, id);
        }
        for id in self.allocations() {
            network_demand::address(view, demands, Self::ACTION, id);
        }
        demands.tagging(Self::ACTION, KIND, &tags);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<CreateNatGatewayResult<'t>, ApiError> {
        self.tag_specification.check(&[KIND])?;
        let tags = self.tag_specification.of(KIND)?;
        let id = nat::create(tx, self.order()?)?;
        tag::put(tx, KIND, &id.to_string(), &tags)?;
        let view = tx.view();
        let nat_gateway = nat_gateway(&view, view.need::<NatGateways, _>(id)?);
        Ok(CreateNatGatewayResult { client_token: self.client_token, nat_gateway })
    }
}

impl CreateNatGateway {
    fn allocations(&self) -> Vec<AllocationId> {
        self.allocation_id.into_iter().chain(self.secondary_allocation_id.iter().copied()).collect()
    }

    fn order(&self) -> Result<NewNatGateway, ApiError> {
        match self.availability_mode.as_deref() {
            None | Some("zonal") => {}
            Some("regional") => {
                return Err(ApiError::unsupported("the value 'regional' of the parameter AvailabilityMode"));
            }
            Some(other) => return Err(ApiError::invalid("AvailabilityMode", other, "It is 'zonal' or 'regional'.")),
        }
        refuse_parameters!(self; availability_zone_address, vpc_id);
        let public = match self.connectivity_type.as_deref() {
            None | Some("public") => true,
            Some("private") => false,
            Some(other) => return Err(ApiError::invalid("ConnectivityType", other, "It is 'public' or 'private'.")),
        };
        let allocations = self.allocations();
        if public && self.allocation_id.is_none() {
            return Err(ApiError::missing("AllocationId"));
        }
        if !public && !allocations.is_empty() {
            return Err(ApiError::combination("A private NAT gateway takes no AllocationId."));
        }
        let (named, count) = (&self.secondary_private_ip_address, self.secondary_private_ip_address_count);
        if public && count > 0 {
            return Err(ApiError::combination("A public NAT gateway takes no SecondaryPrivateIpAddressCount."));
        }
        if count > 0 && !named.is_empty() {
            return Err(ApiError::combination(
                "SecondaryPrivateIpAddressCount and SecondaryPrivateIpAddresses cannot be used together",
            ));
        }
        Ok(NewNatGateway {
            subnet: self.subnet_id.ok_or_else(|| ApiError::missing("SubnetId"))?,
            public,
            allocations,
            private: self.private_ip_address,
            secondary: named.clone(),
            secondary_count: count,
        })
    }
}
