//! What CloudTrail's answers share.

use std::collections::BTreeMap;

use landfall_cloud::{View, trail};
use landfall_model::{Arn, EventSelector, SelectedCalls, Timestamp, Trail};
use landfall_wire::Time;
use serde::{Deserialize, Serialize};

use crate::{Action, ApiError, Demands};

/// A trail, as it is described.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TrailShape<'v> {
    name: &'v str,
    s3_bucket_name: &'v str,
    #[serde(skip_serializing_if = "Option::is_none")]
    s3_key_prefix: Option<&'v str>,
    include_global_service_events: bool,
    is_multi_region_trail: bool,
    home_region: &'static str,
    #[serde(rename = "TrailARN")]
    trail_arn: Arn,
    log_file_validation_enabled: bool,
    has_custom_event_selectors: bool,
    has_insight_selectors: bool,
    is_organization_trail: bool,
}

impl<'v> TrailShape<'v> {
    pub fn new(row: &'v Trail) -> Self {
        Self {
            name: &row.name,
            s3_bucket_name: &row.bucket,
            s3_key_prefix: row.prefix.as_deref(),
            include_global_service_events: row.global_events,
            is_multi_region_trail: row.multi_region,
            home_region: row.scope.region.name(),
            trail_arn: row.arn(),
            log_file_validation_enabled: row.validates,
            has_custom_event_selectors: !row.selectors.is_empty(),
            has_insight_selectors: false,
            is_organization_trail: false,
        }
    }
}

/// A trail, as it is answered to who makes or changes it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ChangedTrail {
    name: String,
    s3_bucket_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    s3_key_prefix: Option<String>,
    include_global_service_events: bool,
    is_multi_region_trail: bool,
    #[serde(rename = "TrailARN")]
    trail_arn: Arn,
    log_file_validation_enabled: bool,
    is_organization_trail: bool,
}

impl ChangedTrail {
    pub fn new(row: Trail) -> Self {
        Self {
            trail_arn: row.arn(),
            name: row.name,
            s3_bucket_name: row.bucket,
            s3_key_prefix: row.prefix,
            include_global_service_events: row.global_events,
            is_multi_region_trail: row.multi_region,
            log_file_validation_enabled: row.validates,
            is_organization_trail: false,
        }
    }
}

/// An event selector, both ways.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct SelectorShape {
    read_write_type: Option<ReadWriteType>,
    include_management_events: Option<bool>,
    #[serde(default)]
    data_resources: Vec<DataResource>,
    #[serde(default)]
    exclude_management_event_sources: Vec<String>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum ReadWriteType {
    ReadOnly,
    WriteOnly,
    All,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct DataResource {
    r#type: Option<String>,
    #[serde(default)]
    values: Vec<String>,
}

/// Sources that may be left out. Source: the CloudTrail API Reference, `EventSelector`.
const EXCLUDABLE: [&str; 2] = ["kms.amazonaws.com", "rdsdata.amazonaws.com"];

impl SelectorShape {
    /// What it says; data events are refused by name.
    pub fn read(self) -> Result<EventSelector, ApiError> {
        if let Some(resource) = self.data_resources.first() {
            let kind = resource.r#type.as_deref().unwrap_or("no type");
            let count = resource.values.len();
            return Err(ApiError::unsupported(format_args!("data events ({kind}, {count} values)")));
        }
        if let Some(source) =
            self.exclude_management_event_sources.iter().find(|source| !EXCLUDABLE.contains(&&***source))
        {
            let message = format!("The value {source} is not valid for ExcludeManagementEventSources.");
            return Err(ApiError::new("InvalidEventSelectorsException", message));
        }
        let calls = match self.read_write_type {
            Some(ReadWriteType::ReadOnly) => SelectedCalls::ReadOnly,
            Some(ReadWriteType::WriteOnly) => SelectedCalls::WriteOnly,
            Some(ReadWriteType::All) | None => SelectedCalls::All,
        };
        let management = self.include_management_events.unwrap_or(true);
        Ok(EventSelector { calls, management, without: self.exclude_management_event_sources })
    }

    pub fn new(row: &EventSelector) -> Self {
        Self {
            read_write_type: Some(match row.calls {
                SelectedCalls::ReadOnly => ReadWriteType::ReadOnly,
                SelectedCalls::WriteOnly => ReadWriteType::WriteOnly,
                SelectedCalls::All => ReadWriteType::All,
            }),
            include_management_events: Some(row.management),
            data_resources: Vec::new(),
            exclude_management_event_sources: row.without.clone(),
        }
    }

    /// The selectors of a trail: all management events unless it was said.
    pub fn of(row: &Trail) -> Vec<Self> {
        let all = EventSelector { calls: SelectedCalls::All, management: true, without: Vec::new() };
        if row.selectors.is_empty() { vec![Self::new(&all)] } else { row.selectors.iter().map(Self::new).collect() }
    }
}

/// A tag, both ways.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TagShape {
    pub key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// Tags by key; one without a value has an empty one.
pub fn by_key(tags: &[TagShape]) -> BTreeMap<String, String> {
    tags.iter().map(|tag| (tag.key.clone(), tag.value.clone().unwrap_or_default())).collect()
}

/// The ARN of a trail that was named by it or by its name. One of all regions has its home region in it, wherever it is named.
pub fn arn(view: &View<'_>, named: &str) -> String {
    if named.starts_with("arn:") {
        return named.to_owned();
    }
    if let Ok(row) = trail::seen(view, named) {
        return row.arn().to_string();
    }
    here(view, named)
}

/// The ARN of a trail of that name with its home here.
pub fn here(view: &View<'_>, name: &str) -> String {
    Arn::new("cloudtrail", view.scope(), format_args!("trail/{name}")).to_string()
}

/// Demands an action on a trail.
pub fn demand<'d>(
    view: &View<'_>,
    demands: &'d mut Demands,
    action: Action,
    named: &str,
) -> &'d mut crate::demand::Demand {
    demands.resource(action, arn(view, named))
}

/// A moment that isn't always.
pub fn time(at: Option<Timestamp>) -> Option<Time> {
    at.map(|at| Time(at.as_millis()))
}

/// The same as text, as CloudTrail's older members have it.
pub fn text(at: Option<Timestamp>) -> String {
    at.map(|at| at.to_string()).unwrap_or_default()
}
