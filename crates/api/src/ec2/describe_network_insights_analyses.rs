//! ec2:DescribeNetworkInsightsAnalyses. Lists analyses of reachability with what they found: the components on the way
//! there and back, and what keeps the destination from being reached.

use landfall_cloud::View;
use landfall_cloud::value::{InsightsAnalyses, InsightsPaths};
use landfall_model::{InsightsAnalysis, InsightsAnalysisId, InsightsPathId};
use landfall_wire::Time;
use serde::{Deserialize, Serialize};

use super::shape::insights::{AnalysisShape, analysis};
use super::shape::listing::named;
use crate::filter::{FilterNames, Values, many, one};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeNetworkInsightsAnalyses {
    #[serde(default)]
    network_insights_analysis_id: Vec<InsightsAnalysisId>,
    network_insights_path_id: Option<InsightsPathId>,
    analysis_start_time: Option<Time>,
    analysis_end_time: Option<Time>,
    #[serde(default)]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeNetworkInsightsAnalysesResult<'v> {
    network_insights_analysis_set: Vec<AnalysisShape<'v>>,
}

impl Read for DescribeNetworkInsightsAnalyses {
    const ACTION: Action = Action::ec2("DescribeNetworkInsightsAnalyses");
    const FILTERS: FilterNames = FilterNames { known: &["path-found", "status", "tag-key"], refused: &[] };
    const PAGE_LIMIT: usize = 100;
    type Output<'v> = DescribeNetworkInsightsAnalysesResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeNetworkInsightsAnalysesResult<'v>, ApiError> {
        let view = look.view;
        let selection = self.filter.select(Self::FILTERS)?;
        if let Some(path) = self.network_insights_path_id {
            view.need::<InsightsPaths, _>(path)?;
        }
        let rows: Vec<&InsightsAnalysis> = match self.network_insights_analysis_id.as_slice() {
            [] => view.all::<InsightsAnalyses, InsightsAnalysisId>().collect(),
            ids => named::<InsightsAnalyses, _>(&view, ids)?,
        };
        // It is analysed in an instant: it ends when it begins.
        let (from, to) = (self.analysis_start_time, self.analysis_end_time);
        let wanted = rows.into_iter().filter(|row| {
            self.network_insights_path_id.is_none_or(|path| row.path == path)
                && from.is_none_or(|from| row.started_at.as_millis() >= from.0)
                && to.is_none_or(|to| row.started_at.as_millis() <= to.0)
                && selection.matches(view.tags(&row.id.to_string()), |name| field(&view, row, name))
        });
        let rows = look.page.take(wanted, |row| row.id)?;
        let network_insights_analysis_set = rows.into_iter().map(|row| analysis(&view, row)).collect();
        Ok(DescribeNetworkInsightsAnalysesResult { network_insights_analysis_set })
    }
}

fn field<'v>(_: &View<'v>, row: &'v InsightsAnalysis, name: &str) -> Values<'v> {
    match name {
        "path-found" => many(row.shown().then_some(row.found)),
        _ => one(row.state.name()),
    }
}
