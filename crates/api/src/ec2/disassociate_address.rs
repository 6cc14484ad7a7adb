//! ec2:DisassociateAddress. Ends what an elastic address stands for; one that stands for nothing stays so.

use landfall_cloud::value::Addresses;
use landfall_cloud::{Tx, View, address};
use landfall_model::{AddressAssociationId, AllocationKind};
use serde::Deserialize;

use super::shape::Done;
use super::shape::address::{claimed, named};
use super::shape::network_demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DisassociateAddress {
    association_id: Option<AddressAssociationId>,
    public_ip: Option<String>,
}

impl Write for DisassociateAddress {
    const ACTION: Action = Action::ec2("DisassociateAddress");
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let by_association = self.association_id.and_then(|id| Some(view.elastic_by_association(id).ok()?.id));
        let id = by_association.or_else(|| claimed(view, None, self.public_ip.as_deref()));
        let Some(id) = id else {
            demands.new_ec2::<AllocationKind>(Self::ACTION);
            return;
        };
        network_demand::address(view, demands, Self::ACTION, id);
        let row = view.find::<Addresses, _>(id);
        if let Some(association) = row.and_then(|row| row.association.as_ref()) {
            network_demand::interface(view, demands, Self::ACTION, association.interface);
        }
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        let view = tx.view();
        let id = match (self.association_id, self.public_ip.as_deref()) {
            (Some(id), None) => view.elastic_by_association(id)?.id,
            (None, Some(public)) => named(&view, None, Some(public))?.id,
            (None, None) => return Err(ApiError::missing("AssociationId")),
            (Some(_), Some(_)) => {
                return Err(ApiError::combination(
                    "You may specify public IP or association id, but not both in the same call",
                ));
            }
        };
        address::disassociate(tx, id)?;
        Ok(Done::OK)
    }
}
