//! ec2:DisassociateNatGatewayAddress. Takes elastic addresses, but not the primary one, from a public NAT gateway.

use landfall_cloud::value::NatGateways;
use landfall_cloud::{Tx, View, nat};
use landfall_model::{AddressAssociationId, AllocationKind, NatGatewayId};
use serde::Deserialize;

use super::shape::nat_gateway::{NatAddresses, nat_addresses};
use super::shape::network_demand;
use super::shape::unsupported::{Unsupported, refuse_parameters};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DisassociateNatGatewayAddress {
    nat_gateway_id: NatGatewayId,
    association_id: Vec<AddressAssociationId>,
    /// Connections are not drained: the address is free at once.
    max_drain_duration_seconds: Option<Unsupported>,
}

impl Write for DisassociateNatGatewayAddress {
    const ACTION: Action = Action::ec2("DisassociateNatGatewayAddress");
    type Output<'t> = NatAddresses;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demands.ec2(view, Self::ACTION, self.nat_gateway_id);
        let addresses = view.find::<NatGateways, _>(self.nat_gateway_id).map_or(&[][..], |row| &row.addresses);
        for association in &self.association_id {
            let public = addresses.iter().filter_map(|address| address.public);
            match public.into_iter().find(|(_, id, _)| id == association) {
                Some((allocation, ..)) => network_demand::address(view, demands, Self::ACTION, allocation),
                None => demands.new_ec2::<AllocationKind>(Self::ACTION),
            };
        }
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<NatAddresses, ApiError> {
        refuse_parameters!(self; max_drain_duration_seconds);
        if self.association_id.is_empty() {
            return Err(ApiError::missing("AssociationIds"));
        }
        let taken = nat::disassociate(tx, self.nat_gateway_id, &self.association_id)?;
        nat_addresses(&tx.view(), self.nat_gateway_id, &taken, "disassociating")
    }
}
