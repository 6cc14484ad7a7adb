//! cloudtrail:LookupEvents. Looks management events of the last 90 days up, the newest first: all of the region, or those
//! of which one attribute has a value. A page costs itself, whatever there is.

use std::cmp::Ordering;
use std::fmt;
use std::num::ParseIntError;
use std::ops::Bound;
use std::str::FromStr;

use landfall_state::BulkRecord;
use landfall_wire::Time;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::audit::{self, Resource};
use crate::ec2::shape::unsupported::{Unsupported, refuse_parameters};
use crate::{Action, ApiError, Look, Read};

/// How far back events are shown. Source: the CloudTrail User Guide, "Working with CloudTrail event history".
const SHOWN_MS: i64 = 90 * 86_400_000;
/// By how much a record may be written later than its event's time says.
const LATE_MS: i64 = 10_000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct LookupEvents {
    #[serde(default)]
    lookup_attributes: Vec<LookupAttribute>,
    start_time: Option<Time>,
    end_time: Option<Time>,
    event_category: Option<Unsupported>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct LookupAttribute {
    attribute_key: AttributeKey,
    attribute_value: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum AttributeKey {
    EventId,
    EventName,
    ReadOnly,
    Username,
    ResourceType,
    ResourceName,
    EventSource,
    AccessKeyId,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct LookupEventsResponse {
    events: Vec<Event>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    #[serde(skip)]
    number: u64,
    event_id: String,
    event_name: String,
    read_only: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_key_id: Option<String>,
    event_time: Time,
    event_source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    resources: Vec<ResourceShape>,
    cloud_trail_event: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ResourceShape {
    resource_type: String,
    resource_name: String,
}

impl Read for LookupEvents {
    const ACTION: Action = Action::cloudtrail("LookupEvents");
    const PAGE_LIMIT: usize = 50;
    type Output<'v> = LookupEventsResponse;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<LookupEventsResponse, ApiError> {
        refuse_parameters!(self; event_category);
        if self.lookup_attributes.len() > 1 {
            let message = "You can only have one lookup attribute.";
            return Err(ApiError::new("InvalidLookupAttributesException", message));
        }
        let now = look.view.now().as_millis();
        let end = self.end_time.map_or(i64::MAX - LATE_MS, |time| time.0.saturating_add(999));
        let start = self.start_time.map_or(i64::MIN, |time| time.0).max(now - SHOWN_MS);
        if self.start_time.is_some_and(|start| start.0 > end) {
            let message = "The start time must be before the end time.";
            return Err(ApiError::new("InvalidTimeRangeException", message));
        }
        look.page.bound(Self::PAGE_LIMIT);
        let before = match look.page.start::<Newest>()? {
            Bound::Excluded(after) | Bound::Included(after) => after.0,
            Bound::Unbounded => u64::MAX,
        };
        let wanted = Wanted::new(self.lookup_attributes.into_iter().next(), start, end);
        let events = wanted.find(look, before, Self::PAGE_LIMIT + 1)?;
        Ok(LookupEventsResponse { events: look.page.take(events, |event| Newest(event.number))? })
    }
}

/// What is looked for.
struct Wanted {
    attribute: Option<LookupAttribute>,
    start_ms: i64,
    end_ms: i64,
}

impl Wanted {
    fn new(attribute: Option<LookupAttribute>, start_ms: i64, end_ms: i64) -> Self {
        Self { attribute, start_ms, end_ms }
    }

    /// Events before a number, newest first, as many as are wanted.
    fn find(&self, look: &Look<'_, '_>, mut before: u64, limit: usize) -> Result<Vec<Event>, ApiError> {
        let scope = look.view.scope();
        let (mut start_ms, mut until_ms) = (self.start_ms, self.end_ms.saturating_add(LATE_MS));
        let attribute = match &self.attribute {
            None => None,
            // An id tells the time.
            Some(LookupAttribute { attribute_key: AttributeKey::EventId, attribute_value }) => {
                let Some(at) = audit::time_of(attribute_value) else { return Ok(Vec::new()) };
                (start_ms, until_ms) = (start_ms.max(at), until_ms.min(at + LATE_MS));
                None
            }
            Some(LookupAttribute { attribute_key, attribute_value }) => {
                Some((attribute_key.name(), attribute_value.as_str()))
            }
        };
        let account = scope.account.to_string();
        let key = audit::key(&account, scope.region, attribute);
        let mut found = Vec::new();
        while found.len() < limit {
            let records = look.engine.find_bulk(audit::STREAM, key, before, until_ms).map_err(|error| {
                tracing::error!(%error, "events can't be looked up");
                ApiError::internal()
            })?;
            let Some(oldest) = records.last() else { break };
            before = oldest.number;
            let is_over = records.iter().all(|record| record.time_ms < start_ms);
            let events = records.iter().filter(|record| self.may_be(record)).filter_map(Event::read);
            let here = events.filter(|(event, json)| {
                json["recipientAccountId"] == *account
                    && json["eventCategory"] != "Data"
                    && json["awsRegion"] == scope.region.name()
                    && (self.start_ms..=self.end_ms).contains(&event.event_time.0)
                    && self.is_it(event)
            });
            found.extend(here.map(|(event, _)| event));
            if is_over {
                break;
            }
        }
        found.truncate(limit);
        Ok(found)
    }

    /// Whether a record may be wanted, before it is read.
    fn may_be(&self, record: &BulkRecord) -> bool {
        match &self.attribute {
            Some(LookupAttribute { attribute_key: AttributeKey::EventId, attribute_value }) => {
                record.record.contains(attribute_value.as_str())
            }
            _ => true,
        }
    }

    fn is_it(&self, event: &Event) -> bool {
        let Some(LookupAttribute { attribute_key, attribute_value: value }) = &self.attribute else { return true };
        match attribute_key {
            AttributeKey::EventId => event.event_id == *value,
            AttributeKey::EventName => event.event_name == *value,
            AttributeKey::ReadOnly => event.read_only == *value,
            AttributeKey::Username => event.username.as_ref() == Some(value),
            AttributeKey::ResourceType => event.resources.iter().any(|resource| resource.resource_type == *value),
            AttributeKey::ResourceName => event.resources.iter().any(|resource| resource.resource_name == *value),
            AttributeKey::EventSource => event.event_source == *value,
            AttributeKey::AccessKeyId => event.access_key_id.as_ref() == Some(value),
        }
    }
}

impl AttributeKey {
    fn name(self) -> &'static str {
        match self {
            Self::EventId => "EventId",
            Self::EventName => "EventName",
            Self::ReadOnly => "ReadOnly",
            Self::Username => "Username",
            Self::ResourceType => "ResourceType",
            Self::ResourceName => "ResourceName",
            Self::EventSource => "EventSource",
            Self::AccessKeyId => "AccessKeyId",
        }
    }
}

impl Event {
    /// The event of a record; none of what isn't one.
    fn read(record: &BulkRecord) -> Option<(Self, Value)> {
        let json: Value = serde_json::from_str(&record.record).ok()?;
        let text = |name: &str| json[name].as_str().map(str::to_owned);
        let is_read = json["readOnly"].as_bool()?;
        let source = text("eventSource")?;
        let service = source.split('.').next().unwrap_or_default();
        let parts = ["requestParameters", "responseElements"].map(|part| json[part].to_string());
        let tells_none = is_read && json["responseElements"].is_null();
        let named = if tells_none { Vec::new() } else { audit::resources(service, &[&parts[0], &parts[1]]) };
        let shape = |Resource { kind, name }| ResourceShape { resource_type: kind.into(), resource_name: name };
        let mut resources: Vec<_> = named.into_iter().map(shape).collect();
        // Those whose owners were asked, which are found by their ARNs whatever the call did.
        for owned in json["resources"].as_array().into_iter().flatten() {
            let (Some(kind), Some(arn)) = (owned["type"].as_str(), owned["ARN"].as_str()) else { continue };
            if !resources.iter().any(|known| known.resource_type == kind && known.resource_name == arn) {
                resources.push(ResourceShape { resource_type: kind.into(), resource_name: arn.into() });
            }
        }
        let event = Self {
            number: record.number,
            event_id: text("eventID")?,
            event_name: text("eventName")?,
            read_only: if is_read { "true" } else { "false" },
            access_key_id: json["userIdentity"]["accessKeyId"].as_str().map(str::to_owned),
            event_time: Time::parse(json["eventTime"].as_str()?).ok()?,
            username: audit::user_name_of(&json["userIdentity"]).map(str::to_owned),
            resources,
            event_source: source,
            cloud_trail_event: record.record.clone(),
        };
        Some((event, json))
    }
}

/// The number of a record, as the key of pages: larger ones come first.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Newest(u64);

impl PartialOrd for Newest {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(other.0.cmp(&self.0))
    }
}

impl fmt::Display for Newest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Newest {
    type Err = ParseIntError;
    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        text.parse().map(Self)
    }
}
