//! landfall:GetUsage. What an account, or all of them, consumed in a period, by the names and in the units of AWS's bills.

use std::fmt;
use std::str::FromStr;

use landfall_cloud::metering::{self, Item};
use landfall_cloud::{View, account};
use landfall_model::{AccountId, Region, Timestamp};
use landfall_wire::Time;
use serde::{Deserialize, Serialize};

use super::{check_operator, demand_account};
use crate::{Action, ApiError, Demands, Look, Read, usage};

/// The longest period: usage is kept a little longer.
const LONGEST_MS: i64 = 366 * 86_400_000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetUsage {
    /// Of all accounts without.
    account_id: Option<AccountId>,
    start_time: Time,
    /// Now without.
    end_time: Option<Time>,
    /// Whether each resource is told by itself.
    #[serde(default)]
    by_resource: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetUsageResponse {
    usage_records: Vec<UsageShape>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct UsageShape {
    account_id: AccountId,
    region: Region,
    #[serde(skip_serializing_if = "String::is_empty")]
    resource_id: String,
    usage_type: &'static str,
    unit: &'static str,
    /// A decimal with nine digits behind the point.
    quantity: String,
}

impl Read for GetUsage {
    const ACTION: Action = Action::landfall("GetUsage");
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = GetUsageResponse;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_account(view, demands, Self::ACTION, self.account_id);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GetUsageResponse, ApiError> {
        check_operator(&look.view)?;
        if let Some(id) = self.account_id {
            account::need(&look.view, id)?;
        }
        let now = look.view.now();
        let from = Timestamp(self.start_time.0);
        let to = self.end_time.map_or(now, |time| Timestamp(time.0)).min(now);
        if from > to || to.0.saturating_sub(from.0) > LONGEST_MS {
            let message = "The period must end after it begins, and have at most 366 days.";
            return Err(ApiError::new("InvalidParameterValue", message));
        }
        look.page.bound(Self::PAGE_LIMIT);
        let readings = usage::readings(look.engine, self.account_id, (from, to)).map_err(|error| {
            tracing::error!(%error, "usage can't be read");
            ApiError::internal()
        })?;
        let sums = metering::usage(readings, (from, to), self.by_resource);
        let rows = look.page.take(sums, |(item, _)| Place(item.clone()))?;
        let shape = |(item, quantity): (Item, u128)| UsageShape {
            account_id: item.account,
            region: item.region,
            resource_id: item.resource,
            usage_type: item.usage.name(),
            unit: item.usage.unit().0,
            quantity: metering::quantity(quantity),
        };
        Ok(GetUsageResponse { usage_records: rows.into_iter().map(shape).collect() })
    }
}

/// The key of pages.
#[derive(PartialEq, PartialOrd)]
struct Place(Item);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Item { account, region, resource, usage } = &self.0;
        write!(f, "{account}/{}/{resource}/{}", region.name(), usage.name())
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.splitn(4, '/');
        let mut next = || parts.next().ok_or(());
        let account = next()?.parse().map_err(|_| ())?;
        let region = next()?.parse().map_err(|_| ())?;
        let resource = next()?.to_owned();
        let usage = metering::UsageType::of_name(next()?).ok_or(())?;
        Ok(Self(Item { account, region, resource, usage }))
    }
}
