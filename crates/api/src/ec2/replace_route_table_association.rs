//! ec2:ReplaceRouteTableAssociation. Moves an association to another table, and so makes another one a VPC's main table.

use landfall_cloud::{Tx, View, route_table};
use landfall_model::{RouteTableAssociationId, RouteTableId};
use serde::{Deserialize, Serialize};

use super::shape::network_demand;
use super::shape::route_table::AssociationState;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ReplaceRouteTableAssociation {
    association_id: RouteTableAssociationId,
    route_table_id: RouteTableId,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplaceRouteTableAssociationResult {
    new_association_id: RouteTableAssociationId,
    association_state: AssociationState,
}

impl Write for ReplaceRouteTableAssociation {
    const ACTION: Action = Action::ec2("ReplaceRouteTableAssociation");
    type Output<'t> = ReplaceRouteTableAssociationResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        network_demand::association(view, demands, Self::ACTION, self.association_id);
        network_demand::route_table(view, demands, Self::ACTION, self.route_table_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<ReplaceRouteTableAssociationResult, ApiError> {
        let new_association_id = route_table::reassociate(tx, self.association_id, self.route_table_id)?;
        Ok(ReplaceRouteTableAssociationResult { new_association_id, association_state: AssociationState::ASSOCIATED })
    }
}
