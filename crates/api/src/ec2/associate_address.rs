//! ec2:AssociateAddress. Makes an elastic address stand for a private address of an instance or interface.

use std::net::Ipv4Addr;

use landfall_cloud::value::Instances;
use landfall_cloud::{Fault, Tx, View, address};
use landfall_model::{AddressAssociationId, AllocationId, InstanceId, InterfaceId};
use serde::{Deserialize, Serialize};

use super::shape::address::{claimed, named};
use super::shape::change::demand_each;
use super::shape::network_demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AssociateAddress {
    allocation_id: Option<AllocationId>,
    public_ip: Option<String>,
    instance_id: Option<InstanceId>,
    network_interface_id: Option<InterfaceId>,
    private_ip_address: Option<Ipv4Addr>,
    /// In a VPC an address moves unless that is forbidden.
    allow_reassociation: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AssociateAddressResult {
    r#return: bool,
    association_id: AddressAssociationId,
}

impl Write for AssociateAddress {
    const ACTION: Action = Action::ec2("AssociateAddress");
    type Output<'t> = AssociateAddressResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        match claimed(view, self.allocation_id, self.public_ip.as_deref()) {
            Some(id) => network_demand::address(view, demands, Self::ACTION, id),
            None => demands.new_ec2::<landfall_model::AllocationKind>(Self::ACTION),
        };
        demand_each(view, demands, Self::ACTION, self.instance_id.as_slice());
        let primary = self.instance_id.and_then(|id| view.primary_interface(id)).map(|row| row.id);
        if let Some(id) = self.network_interface_id.or(primary) {
            network_demand::interface(view, demands, Self::ACTION, id);
        }
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<AssociateAddressResult, ApiError> {
        let view = tx.view();
        let id = named(&view, self.allocation_id, self.public_ip.as_deref())?.id;
        let interface = view.tenants_interface(self.interface(&view)?)?.id;
        let moves = self.allow_reassociation.unwrap_or(true);
        let association_id = address::associate(tx, id, interface, self.private_ip_address, moves)?;
        Ok(AssociateAddressResult { r#return: true, association_id })
    }
}

impl AssociateAddress {
    /// The interface that is asked for: itself, or the only one of an instance.
    fn interface(&self, view: &View<'_>) -> Result<InterfaceId, ApiError> {
        let instance = match (self.instance_id, self.network_interface_id) {
            (None, Some(interface)) => return Ok(interface),
            (Some(instance), None) => instance,
            (None, None) => {
                return Err(ApiError::new(
                    "MissingParameter",
                    "Either instance ID or network interface id must be specified",
                ));
            }
            (Some(_), Some(_)) => {
                return Err(ApiError::combination(
                    "You may specify an instance ID or a network interface ID, but not both in the same call",
                ));
            }
        };
        let row = view.need::<Instances, _>(instance)?;
        if row.status.state.is_over() {
            let (id, state) = (instance.to_string(), row.status.state);
            return Err(Fault::State { id, state, wants: "running or stopped" }.into());
        }
        match view.interfaces_of(instance).next() {
            Some(_) => Ok(view.only_interface(instance)?.id),
            None => Err(ApiError::new(
                "InvalidInstanceID",
                format!("There is no interface attached to instance '{instance}'."),
            )),
        }
    }
}
