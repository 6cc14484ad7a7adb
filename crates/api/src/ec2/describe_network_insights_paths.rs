//! ec2:DescribeNetworkInsightsPaths. Lists the paths whose reachability can be analysed.

use landfall_cloud::View;
use landfall_cloud::value::InsightsPaths;
use landfall_model::{InsightsPath, InsightsPathId, PathFilter};
use serde::{Deserialize, Serialize};

use super::shape::insights::{PathShape, path};
use super::shape::listing::listing;
use crate::filter::{FilterNames, Values, many, maybe, one};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeNetworkInsightsPaths {
    #[serde(default)]
    network_insights_path_id: Vec<InsightsPathId>,
    #[serde(default)]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeNetworkInsightsPathsResult<'v> {
    network_insights_path_set: Vec<PathShape<'v>>,
}

impl Read for DescribeNetworkInsightsPaths {
    const ACTION: Action = Action::ec2("DescribeNetworkInsightsPaths");
    const FILTERS: FilterNames = FilterNames {
        known: &[
            "destination",
            "filter-at-destination.destination-address",
            "filter-at-destination.destination-port-range",
            "filter-at-destination.source-address",
            "filter-at-destination.source-port-range",
            "filter-at-source.destination-address",
            "filter-at-source.destination-port-range",
            "filter-at-source.source-address",
            "filter-at-source.source-port-range",
            "protocol",
            "source",
            "tag-key",
        ],
        refused: &[],
    };
    const PAGE_LIMIT: usize = 100;
    type Output<'v> = DescribeNetworkInsightsPathsResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeNetworkInsightsPathsResult<'v>, ApiError> {
        let view = look.view;
        let ids = &self.network_insights_path_id;
        let rows = listing::<InsightsPaths, _>(look, ids, &self.filter, Self::FILTERS, field)?;
        let network_insights_path_set = rows.into_iter().map(|row| path(&view, row)).collect();
        Ok(DescribeNetworkInsightsPathsResult { network_insights_path_set })
    }
}

fn field<'v>(_: &View<'v>, row: &'v InsightsPath, name: &str) -> Values<'v> {
    match name {
        "destination" => maybe(row.destination.as_deref()),
        "protocol" => one(row.protocol.as_str()),
        "source" => one(row.source.as_str()),
        other => match other.split_once('.') {
            Some(("filter-at-source", part)) => row.at_source.as_ref().map_or_else(Vec::new, |at| of_filter(at, part)),
            Some((_, part)) => row.at_destination.as_ref().map_or_else(Vec::new, |at| of_filter(at, part)),
            None => Vec::new(),
        },
    }
}

fn of_filter<'v>(filter: &PathFilter, part: &str) -> Values<'v> {
    let ports = |range: Option<(u16, u16)>| many(range.map(|(from, to)| format!("{from}-{to}")));
    match part {
        "source-address" => many(filter.source),
        "destination-address" => many(filter.destination),
        "source-port-range" => ports(filter.source_ports),
        _ => ports(filter.destination_ports),
    }
}
