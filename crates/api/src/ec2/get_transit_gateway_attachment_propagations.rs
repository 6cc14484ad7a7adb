//! ec2:GetTransitGatewayAttachmentPropagations. Lists the route tables that an attachment tells its blocks.

use landfall_cloud::value::TransitAttachments;
use landfall_model::{TransitGatewayAttachmentId, TransitGatewayRouteTableId};
use serde::{Deserialize, Serialize};

use crate::filter::{FilterNames, shown};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetTransitGatewayAttachmentPropagations {
    transit_gateway_attachment_id: TransitGatewayAttachmentId,
    #[serde(default)]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GetTransitGatewayAttachmentPropagationsResult {
    transit_gateway_attachment_propagations: Vec<PropagationShape>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PropagationShape {
    transit_gateway_route_table_id: TransitGatewayRouteTableId,
    state: &'static str,
}

impl Read for GetTransitGatewayAttachmentPropagations {
    const ACTION: Action = Action::ec2("GetTransitGatewayAttachmentPropagations");
    const FILTERS: FilterNames = FilterNames { known: &["transit-gateway-route-table-id"], refused: &[] };
    const PAGE_LIMIT: usize = 1000;
    const PAGE_LEAST: usize = 5;
    type Output<'v> = GetTransitGatewayAttachmentPropagationsResult;

    fn run(self, look: &mut Look<'_, '_>) -> Result<GetTransitGatewayAttachmentPropagationsResult, ApiError> {
        let selection = self.filter.select(Self::FILTERS)?;
        let row = look.view.need::<TransitAttachments, _>(self.transit_gateway_attachment_id)?;
        let mut tables = row.propagations.clone();
        tables.retain(|id| selection.matches(None, |_| shown(id)));
        tables.sort_unstable();
        let page = look.page.take(tables, |id| *id)?;
        let shapes =
            page.into_iter().map(|id| PropagationShape { transit_gateway_route_table_id: id, state: "enabled" });
        Ok(GetTransitGatewayAttachmentPropagationsResult { transit_gateway_attachment_propagations: shapes.collect() })
    }
}
