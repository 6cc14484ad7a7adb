//! cloudtrail:ListTrails. Lists an account's trails in all regions.

use landfall_cloud::trail;
use landfall_model::Arn;
use serde::{Deserialize, Serialize};

use crate::{Action, ApiError, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListTrails {}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListTrailsResponse<'v> {
    trails: Vec<TrailInfo<'v>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TrailInfo<'v> {
    #[serde(rename = "TrailARN")]
    trail_arn: Arn,
    name: &'v str,
    home_region: &'static str,
}

impl Read for ListTrails {
    const ACTION: Action = Action::cloudtrail("ListTrails");
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = ListTrailsResponse<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<ListTrailsResponse<'v>, ApiError> {
        look.page.bound(Self::PAGE_LIMIT);
        let rows = look.page.take(trail::of_account(&look.view), |row| row.key())?;
        let info = |row: &'v landfall_model::Trail| TrailInfo {
            trail_arn: row.arn(),
            name: &row.name,
            home_region: row.scope.region.name(),
        };
        Ok(ListTrailsResponse { trails: rows.into_iter().map(info).collect() })
    }
}
