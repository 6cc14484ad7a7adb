//! What a policy may say. Source: the API Reference of Data Lifecycle Manager, and the EBS User Guide on custom policies.

use std::collections::BTreeSet;

use landfall_model::Timestamp;
use landfall_model::lifecycle::{
    CreateRule, DeprecateRule, Details, Parameters, PolicyTag, PolicyType, RetainRule, Schedule, ShareRule, Span,
    TargetKind,
};

use super::cron::Cron;
use super::schedule::{minutes_of, named};
use crate::fault::Fault;

const DESCRIPTION_CHARS: usize = 500;
const NAME_CHARS: usize = 120;
const SCHEDULES: usize = 4;
const TARGET_TAGS: usize = 50;
const TAGS: usize = 45;
const INTERVALS: [u32; 8] = [1, 2, 3, 4, 6, 8, 12, 24];
const COUNT: u32 = 1_000;
const ACCOUNTS: usize = 1_000;
/// "The maximum is 100 years", and of deprecation ten.
const RETAINED_DAYS: u64 = 36_500;
const DEPRECATED_DAYS: u64 = 3_650;
/// "The schedule interval must be between 1 hour and 1 year."
const YEAR_MS: i64 = 366 * 86_400_000;
/// The values that are told when a backup is made.
const VARIABLES: [&str; 2] = ["$(instance-id)", "$(timestamp)"];

fn refuse<T>(message: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Refused(message.into()))
}

/// A policy's description.
pub fn description(text: &str) -> Result<(), Fault> {
    if !is_plain(text, DESCRIPTION_CHARS) {
        return refuse(format!(
            "The description has 1 to {DESCRIPTION_CHARS} letters, digits, spaces, hyphens and underscores."
        ));
    }
    Ok(())
}

fn is_plain(text: &str, most: usize) -> bool {
    let is_one = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '_' | '-');
    !text.is_empty() && text.len() <= most && text.chars().all(is_one)
}

/// All that a policy says.
pub fn details(details: &Details, now: Timestamp) -> Result<(), Fault> {
    if details.resource_types.len() != 1 {
        return refuse("ResourceTypes has one resource type.");
    }
    if details.policy_type == PolicyType::Images && details.target() != TargetKind::Instance {
        return refuse("A policy of the type IMAGE_MANAGEMENT targets resources of the type INSTANCE.");
    }
    if details.target_tags.is_empty() || details.target_tags.len() > TARGET_TAGS {
        return refuse(format!("TargetTags has 1 to {TARGET_TAGS} tags."));
    }
    tags("TargetTags", &details.target_tags)?;
    parameters(details, details.parameters.as_ref())?;
    if details.schedules.is_empty() || details.schedules.len() > SCHEDULES {
        return refuse(format!("Schedules has 1 to {SCHEDULES} schedules."));
    }
    let names: BTreeSet<_> = details.schedules.iter().map(|schedule| &schedule.name).collect();
    if names.len() != details.schedules.len() {
        return refuse("The names of a policy's schedules differ.");
    }
    details.schedules.iter().try_for_each(|one| schedule(details, one, now))
}

fn parameters(details: &Details, parameters: Option<&Parameters>) -> Result<(), Fault> {
    let Some(parameters) = parameters else { return Ok(()) };
    let is_set = details.policy_type == PolicyType::Snapshots && details.target() == TargetKind::Instance;
    if !is_set && (parameters.exclude_boot_volume.is_some() || !parameters.exclude_data_volume_tags.is_empty()) {
        return refuse("ExcludeBootVolume and ExcludeDataVolumeTags are for snapshots of instances.");
    }
    if details.policy_type != PolicyType::Images && parameters.no_reboot.is_some() {
        return refuse("NoReboot is for policies of the type IMAGE_MANAGEMENT.");
    }
    if parameters.exclude_data_volume_tags.len() > TARGET_TAGS {
        return refuse(format!("ExcludeDataVolumeTags has at most {TARGET_TAGS} tags."));
    }
    tags("ExcludeDataVolumeTags", &parameters.exclude_data_volume_tags)
}

fn schedule(details: &Details, schedule: &Schedule, now: Timestamp) -> Result<(), Fault> {
    if !is_plain(&schedule.name, NAME_CHARS) {
        return refuse(format!(
            "The name of a schedule has 1 to {NAME_CHARS} letters, digits, spaces, hyphens and underscores."
        ));
    }
    create_rule(&schedule.create_rule, now)?;
    retain_rule(&schedule.retain_rule)?;
    for (name, list) in [("TagsToAdd", &schedule.tags_to_add), ("VariableTags", &schedule.variable_tags)] {
        if list.len() > TAGS {
            return refuse(format!("{name} has at most {TAGS} tags."));
        }
        tags(name, list)?;
    }
    // A backup has the tags of both, and the service's own besides.
    if schedule.tags_to_add.len() + schedule.variable_tags.len() > TAGS {
        return refuse(format!("TagsToAdd and VariableTags have at most {TAGS} tags together."));
    }
    if !schedule.variable_tags.is_empty() && details.target() != TargetKind::Instance {
        return refuse("VariableTags are for policies that target resources of the type INSTANCE.");
    }
    if schedule.variable_tags.iter().any(|tag| !VARIABLES.contains(&tag.value.as_str())) {
        return refuse(format!("The values of VariableTags are {}.", VARIABLES.join(" and ")));
    }
    share_rules(details, &schedule.share_rules)?;
    schedule.deprecate_rule.as_ref().map_or(Ok(()), |rule| deprecate_rule(details, &schedule.retain_rule, rule))
}

fn create_rule(rule: &CreateRule, now: Timestamp) -> Result<(), Fault> {
    let Some(expression) = &rule.cron_expression else {
        if !rule.interval.is_some_and(|interval| INTERVALS.contains(&interval)) {
            return refuse("CreateRule has a CronExpression, or an Interval of 1, 2, 3, 4, 6, 8, 12 or 24.");
        }
        if rule.interval_unit.as_deref() != Some("HOURS") {
            return refuse("IntervalUnit of CreateRule is HOURS.");
        }
        if rule.times.len() != 1 || rule.times.iter().any(|time| minutes_of(time).is_none()) {
            return refuse("Times has one time in the form hh:mm.");
        }
        return Ok(());
    };
    if rule.interval.is_some() || rule.interval_unit.is_some() || !rule.times.is_empty() {
        return refuse("CronExpression can't be specified together with Interval, IntervalUnit or Times.");
    }
    let cron = Cron::parse(expression).or_else(|why| refuse(format!("{expression} is no cron expression: {why}.")))?;
    if cron.minutes() > 1 {
        return refuse(format!("{expression} names more than one minute; the interval is an hour at least."));
    }
    let Some(first) = named(rule, now) else { return refuse(format!("{expression} names no moment to come.")) };
    let second = named(rule, first);
    if first.as_millis() - now.as_millis() > YEAR_MS
        || second.is_some_and(|second| second.as_millis() - first.as_millis() > YEAR_MS)
    {
        return refuse(format!("The interval of {expression} is more than a year."));
    }
    Ok(())
}

/// A span that has both or neither of its parts, and isn't longer than that.
fn span(name: &str, parts: (Option<u32>, bool), span: Option<Span>, most_days: u64) -> Result<(), Fault> {
    if parts.0.is_some() != parts.1 {
        return refuse(format!("{name} has an interval together with its unit."));
    }
    if span.is_some_and(|span| span.length == 0 || span.days() > most_days) {
        return refuse(format!("The interval of {name} is between 1 and {} years.", most_days / 365));
    }
    Ok(())
}

fn retain_rule(rule: &RetainRule) -> Result<(), Fault> {
    span("RetainRule", (rule.interval, rule.interval_unit.is_some()), rule.span(), RETAINED_DAYS)?;
    match (rule.count, rule.interval) {
        (Some(count), None) if (1..=COUNT).contains(&count) => Ok(()),
        (None, Some(_)) => Ok(()),
        (Some(_), None) => refuse(format!("Count of RetainRule is between 1 and {COUNT}.")),
        _ => refuse("RetainRule has either a Count, or an Interval and an IntervalUnit."),
    }
}

fn share_rules(details: &Details, rules: &[ShareRule]) -> Result<(), Fault> {
    if rules.is_empty() {
        return Ok(());
    }
    if details.policy_type != PolicyType::Snapshots || rules.len() > 1 {
        return refuse("ShareRules has at most one rule, and is for policies of the type EBS_SNAPSHOT_MANAGEMENT.");
    }
    for rule in rules {
        if rule.target_accounts.is_empty() || rule.target_accounts.len() > ACCOUNTS {
            return refuse(format!("TargetAccounts has 1 to {ACCOUNTS} accounts."));
        }
        let parts = (rule.unshare_interval, rule.unshare_interval_unit.is_some());
        span("ShareRules", parts, rule.span(), RETAINED_DAYS)?;
    }
    Ok(())
}

fn deprecate_rule(details: &Details, kept: &RetainRule, rule: &DeprecateRule) -> Result<(), Fault> {
    if details.policy_type != PolicyType::Images {
        return refuse("DeprecateRule is for policies of the type IMAGE_MANAGEMENT.");
    }
    span("DeprecateRule", (rule.interval, rule.interval_unit.is_some()), rule.span(), DEPRECATED_DAYS)?;
    let is_within = match (kept.count, kept.span(), rule.count, rule.span()) {
        (Some(kept), _, Some(count), None) => (1..=kept).contains(&count),
        (None, Some(kept), None, Some(span)) => span.days() <= kept.days(),
        _ => return refuse("DeprecateRule has a Count where RetainRule has one, and an Interval where that has one."),
    };
    if is_within { Ok(()) } else { refuse("Images are deprecated within the time that they are kept.") }
}

/// Source: the EC2 User Guide on tags, "Tag restrictions".
fn tags(name: &str, list: &[PolicyTag]) -> Result<(), Fault> {
    let keys: BTreeSet<_> = list.iter().map(|tag| &tag.key).collect();
    // A target may have one of several values.
    if keys.len() != list.len() && !matches!(name, "TargetTags" | "ExcludeDataVolumeTags") {
        return refuse(format!("A key stands twice in {name}."));
    }
    for PolicyTag { key, value } in list {
        let is_own = key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:"));
        if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
            return refuse(format!("A tag of {name} has a key of 1 to 128 characters, and a value of at most 256."));
        }
        if is_own && name != "TargetTags" {
            return refuse(format!("The key {key} in {name} begins with 'aws:', which is reserved."));
        }
    }
    Ok(())
}
