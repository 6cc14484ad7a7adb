//! Lifecycle policies of Data Lifecycle Manager: what is backed up when, for how long that is kept, and with whom it is shared.
//!
//! What a policy says is kept in AWS's own form, so that it is shown as it was given.

use serde::{Deserialize, Serialize};

use crate::arn::Arn;
use crate::id::LifecyclePolicyId;
use crate::scope::{AccountId, Scope, Scoped};
use crate::time::Timestamp;

/// The tag that tells which policy made a snapshot or an image.
pub const POLICY_TAG: &str = "aws:dlm:lifecycle-policy-id";
/// The tag that tells by which of its schedules.
pub const SCHEDULE_TAG: &str = "aws:dlm:lifecycle-schedule-name";
/// The tag that tells when it is to go, where that goes by age.
pub const EXPIRATION_TAG: &str = "aws:dlm:expirationTime";
/// The tag of everything that a policy made.
pub const MANAGED_TAG: &str = "dlm:managed";

/// A lifecycle policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LifecyclePolicy {
    /// Whose and where.
    pub scope: Scope,
    /// Its id.
    pub id: LifecyclePolicyId,
    /// What people say of it.
    pub description: String,
    /// The role in whose name it acts.
    pub role: Arn,
    /// Whether it acts.
    pub state: LifecycleState,
    /// Why it doesn't, where that is for an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When somebody changed it last.
    pub modified_at: Timestamp,
    /// What it says.
    pub details: Details,
    /// When each of its schedules is to run next; no moment where never again.
    pub next: Vec<Option<Timestamp>>,
    /// When it is to be looked at next, if ever: for a run, or for what is to go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wake_at: Option<Timestamp>,
}

/// Whether a policy acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LifecycleState {
    /// It does.
    Enabled,
    /// Somebody switched it off.
    Disabled,
    /// It couldn't, and waits until somebody switches it on again.
    Error,
}

/// What a policy makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PolicyType {
    /// Snapshots.
    #[default]
    #[serde(rename = "EBS_SNAPSHOT_MANAGEMENT")]
    Snapshots,
    /// Images, with their snapshots.
    #[serde(rename = "IMAGE_MANAGEMENT")]
    Images,
}

/// What a policy makes them of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TargetKind {
    /// Of volumes, each by itself.
    Volume,
    /// Of instances, with all of their volumes at one moment.
    Instance,
}

/// What a policy says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Details {
    /// What it makes.
    pub policy_type: PolicyType,
    /// Of what: one kind.
    pub resource_types: Vec<TargetKind>,
    /// Where these are: `CLOUD`.
    pub resource_locations: Vec<String>,
    /// What has any of these tags is a target.
    pub target_tags: Vec<PolicyTag>,
    /// When, and for how long: one to four.
    pub schedules: Vec<Schedule>,
    /// What else it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Parameters>,
    /// `STANDARD`: a policy that says all of this itself.
    pub policy_language: String,
}

impl Details {
    /// What it makes backups of.
    pub fn target(&self) -> TargetKind {
        self.resource_types.first().copied().unwrap_or(TargetKind::Volume)
    }
}

/// A tag in the form of Data Lifecycle Manager.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct PolicyTag {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// What a policy says besides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Parameters {
    /// Whether snapshots of instances leave the root volume out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclude_boot_volume: Option<bool>,
    /// Whether instances go on while images are made of them, which they do unless this says no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_reboot: Option<bool>,
    /// Snapshots of instances leave out the further volumes that have any of these tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude_data_volume_tags: Vec<PolicyTag>,
}

/// A schedule of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Schedule {
    /// Its name, which is what its backups are known by.
    pub name: String,
    /// Whether backups have the tags of what they are of.
    pub copy_tags: bool,
    /// Tags that they have besides.
    #[serde(default)]
    pub tags_to_add: Vec<PolicyTag>,
    /// Tags whose values are told when they are made: `$(instance-id)` and `$(timestamp)`.
    #[serde(default)]
    pub variable_tags: Vec<PolicyTag>,
    /// When.
    pub create_rule: CreateRule,
    /// For how long they are kept.
    pub retain_rule: RetainRule,
    /// With whom they are shared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub share_rules: Vec<ShareRule>,
    /// When images are deprecated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecate_rule: Option<DeprecateRule>,
}

/// When a schedule runs: every so many hours from a time of the day on, or by an expression.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateRule {
    /// `CLOUD`, where that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Every so many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<u32>,
    /// `HOURS`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval_unit: Option<String>,
    /// `hh:mm` in UTC: one, of rules with an interval.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub times: Vec<String>,
    /// `cron(…)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cron_expression: Option<String>,
}

/// For how long backups are kept: so many of each target, or for a span.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RetainRule {
    /// So many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// So long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<u32>,
    /// The unit of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval_unit: Option<SpanUnit>,
}

impl RetainRule {
    /// The span, where it is one.
    pub fn span(&self) -> Option<Span> {
        Some(Span { length: self.interval?, unit: self.interval_unit? })
    }
}

/// With whom snapshots are shared, and for how long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ShareRule {
    /// The accounts.
    pub target_accounts: Vec<AccountId>,
    /// So long; for good where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unshare_interval: Option<u32>,
    /// The unit of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unshare_interval_unit: Option<SpanUnit>,
}

impl ShareRule {
    /// For how long.
    pub fn span(&self) -> Option<Span> {
        Some(Span { length: self.unshare_interval?, unit: self.unshare_interval_unit? })
    }
}

/// When images are deprecated: the oldest so many of those that are kept, or each after a span.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeprecateRule {
    /// So many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// After so long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<u32>,
    /// The unit of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval_unit: Option<SpanUnit>,
}

impl DeprecateRule {
    /// The span, where it is one.
    pub fn span(&self) -> Option<Span> {
        Some(Span { length: self.interval?, unit: self.interval_unit? })
    }
}

/// A unit of spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SpanUnit {
    /// Days.
    Days,
    /// Weeks.
    Weeks,
    /// Months of the calendar.
    Months,
    /// Years of the calendar.
    Years,
}

/// A span by the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// So many.
    pub length: u32,
    /// Of these.
    pub unit: SpanUnit,
}

impl Span {
    /// The moment that long after another, in UTC: a month after the 31st is the next month's last day.
    pub fn after(self, at: Timestamp) -> Timestamp {
        let length = i64::from(self.length);
        let span = match self.unit {
            SpanUnit::Days => jiff::Span::new().try_days(length),
            SpanUnit::Weeks => jiff::Span::new().try_weeks(length),
            SpanUnit::Months => jiff::Span::new().try_months(length),
            SpanUnit::Years => jiff::Span::new().try_years(length),
        };
        let moment = jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let begun = jiff::tz::Offset::UTC.to_datetime(moment);
        let ended = span.and_then(|span| begun.checked_add(span));
        let ended = ended.and_then(|ended| jiff::tz::Offset::UTC.to_timestamp(ended));
        Timestamp(ended.map_or(i64::MAX, jiff::Timestamp::as_millisecond))
    }

    /// About how many days it is, to be compared with others.
    pub fn days(self) -> u64 {
        let of_one = match self.unit {
            SpanUnit::Days => 1,
            SpanUnit::Weeks => 7,
            SpanUnit::Months => 30,
            SpanUnit::Years => 365,
        };
        u64::from(self.length) * of_one
    }
}

impl LifecyclePolicy {
    /// The row's key.
    pub fn key(&self) -> Scoped<LifecyclePolicyId> {
        self.scope.key(self.id)
    }

    /// Its ARN.
    pub fn arn(&self) -> Arn {
        Self::arn_of(self.scope, self.id)
    }

    /// The ARN of a policy.
    pub fn arn_of(scope: Scope, id: LifecyclePolicyId) -> Arn {
        Arn::new("dlm", scope, format_args!("policy/{id}"))
    }

    /// When it is to be looked at next; never while it doesn't act.
    pub fn wakes_at(&self) -> Option<Timestamp> {
        self.wake_at.filter(|_| self.state == LifecycleState::Enabled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_go_by_the_calendar() {
        let after = |length, unit, at: &str| Span { length, unit }.after(at.parse().unwrap()).to_string();
        let at = "2027-01-31T10:00:00.000Z";
        assert_eq!(after(2, SpanUnit::Days, at), "2027-02-02T10:00:00.000Z");
        assert_eq!(after(2, SpanUnit::Weeks, at), "2027-02-14T10:00:00.000Z");
        assert_eq!(after(1, SpanUnit::Months, at), "2027-02-28T10:00:00.000Z");
        assert_eq!(after(1, SpanUnit::Years, at), "2028-01-31T10:00:00.000Z");
        assert_eq!(after(100, SpanUnit::Years, at), "2127-01-31T10:00:00.000Z");
        let (months, days) = (Span { length: 4, unit: SpanUnit::Months }, Span { length: 120, unit: SpanUnit::Days });
        assert_eq!(months.days(), days.days());
    }
}
