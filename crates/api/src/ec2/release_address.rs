//! ec2:ReleaseAddress. Gives an elastic address that stands for nothing back to the pool.

use landfall_cloud::{Tx, View, address};
use landfall_model::{AllocationId, AllocationKind};
use serde::Deserialize;

use super::shape::Done;
use super::shape::address::{claimed, named};
use super::shape::network_demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ReleaseAddress {
    allocation_id: Option<AllocationId>,
    public_ip: Option<String>,
    network_border_group: Option<String>,
}

impl Write for ReleaseAddress {
    const ACTION: Action = Action::ec2("ReleaseAddress");
    const FREES: bool = true;
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        match claimed(view, self.allocation_id, self.public_ip.as_deref()) {
            Some(id) => network_demand::address(view, demands, Self::ACTION, id),
            None => demands.new_ec2::<AllocationKind>(Self::ACTION),
        };
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        let row = named(&tx.view(), self.allocation_id, self.public_ip.as_deref())?;
        if self.network_border_group.is_some_and(|group| group != row.scope.region.name()) {
            return Err(address::no_such_address(row.public).into());
        }
        let id = row.id;
        address::release(tx, id)?;
        Ok(Done::OK)
    }
}
