//! ec2:DescribeVpcPeeringConnections. Lists the peerings of which the account has a side, ended ones too for a while.

use landfall_cloud::{Fault, View};
use landfall_model::{Peering, PeeringId, PeeringSide, PeeringState};
use serde::{Deserialize, Serialize};

use super::shape::peering::{PeeringShape, peering};
use super::shape::time;
use crate::filter::{FilterNames, Values, many, one, shown};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeVpcPeeringConnections {
    #[serde(default)]
    vpc_peering_connection_id: Vec<PeeringId>,
    #[serde(default)]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeVpcPeeringConnectionsResult<'v> {
    vpc_peering_connection_set: Vec<PeeringShape<'v>>,
}

impl Read for DescribeVpcPeeringConnections {
    const ACTION: Action = Action::ec2("DescribeVpcPeeringConnections");
    const FILTERS: FilterNames = FilterNames {
        known: &[
            "accepter-vpc-info.cidr-block",
            "accepter-vpc-info.owner-id",
            "accepter-vpc-info.vpc-id",
            "expiration-time",
            "requester-vpc-info.cidr-block",
            "requester-vpc-info.owner-id",
            "requester-vpc-info.vpc-id",
            "status-code",
            "status-message",
            "tag-key",
            "vpc-peering-connection-id",
        ],
        refused: &[],
    };
    const PAGE_LIMIT: usize = 1000;
    const PAGE_LEAST: usize = 5;
    type Output<'v> = DescribeVpcPeeringConnectionsResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeVpcPeeringConnectionsResult<'v>, ApiError> {
        let (view, ids) = (look.view, &self.vpc_peering_connection_id);
        let selection = self.filter.select(Self::FILTERS)?;
        let missing: Vec<_> = ids.iter().copied().filter(|id| view.peering(*id).is_none()).collect();
        if !missing.is_empty() {
            return Err(Fault::none_of(&missing).into());
        }
        let is_named = |row: &&Peering| ids.is_empty() || ids.contains(&row.id);
        let matches =
            |row: &&'v Peering| selection.matches(view.tags(&row.id.to_string()), |name| field(&view, row, name));
        let rows = view.peerings().into_iter().filter(is_named).filter(matches);
        let rows = look.page.take(rows, |row| row.id)?;
        let shapes = rows.into_iter().map(|row| peering(&view, row));
        Ok(DescribeVpcPeeringConnectionsResult { vpc_peering_connection_set: shapes.collect() })
    }
}

fn field<'v>(view: &View<'v>, row: &'v Peering, name: &str) -> Values<'v> {
    if let Some(name) = name.strip_prefix("accepter-vpc-info.") {
        return side_field(view, &row.accepter, name);
    }
    if let Some(name) = name.strip_prefix("requester-vpc-info.") {
        return side_field(view, &row.requester, name);
    }
    match name {
        "expiration-time" if row.state == PeeringState::PendingAcceptance => many(row.expires_at.map(time)),
        "status-code" => one(row.state.name()),
        "status-message" => one(row.message.as_str()),
        "vpc-peering-connection-id" => shown(row.id),
        _ => Vec::new(),
    }
}

/// A side's blocks are no secret to the other: it must know them to route to them.
fn side_field<'v>(view: &View<'v>, side: &PeeringSide, name: &str) -> Values<'v> {
    match name {
        "cidr-block" => {
            view.peered_vpc(side).map_or_else(Vec::new, |vpc| many(vpc.cidrs.iter().map(|(_, block)| *block)))
        }
        "owner-id" => shown(side.scope.account),
        "vpc-id" => shown(side.vpc),
        _ => Vec::new(),
    }
}
