//! When a schedule runs.
//!
//! AWS begins "within a one-hour window" of the time that is named, so that not all begin at once. Here the moment within the
//! hour follows from the policy's id: it is another for each policy, and always the same of one.

use std::time::Duration;

use landfall_model::lifecycle::{CreateRule, Details, Schedule};
use landfall_model::{LifecyclePolicyId, Timestamp};

use super::cron::Cron;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// The next run after a moment; none if there is no more.
pub fn next(schedule: &Schedule, id: LifecyclePolicyId, after: Timestamp) -> Option<Timestamp> {
    let offset = offset(id);
    Some(named(&schedule.create_rule, after - offset)? + offset)
}

/// How long after the time that is named a policy begins, in whole seconds of less than an hour.
pub fn offset(id: LifecyclePolicyId) -> Duration {
    Duration::from_secs(u64::try_from(id.bits() % 3_600).unwrap_or(0))
}

/// The next time that a rule names after a moment.
pub fn named(rule: &CreateRule, after: Timestamp) -> Option<Timestamp> {
    if let Some(expression) = &rule.cron_expression {
        return Cron::parse(expression).ok()?.after(after);
    }
    // Every interval divides a day, so that its times are the same each day.
    let period = i64::from(rule.interval?) * HOUR_MS;
    let first = minutes_of(rule.times.first()?)? * 60_000;
    let passed = (after.as_millis() - first).div_euclid(period);
    Some(Timestamp(first + (passed + 1) * period))
}

/// Chooses the time of a schedule that names none: that at which it is said.
pub fn complete(details: &mut Details, now: Timestamp) {
    let minutes = now.as_millis().rem_euclid(DAY_MS) / 60_000;
    for schedule in &mut details.schedules {
        let rule = &mut schedule.create_rule;
        if rule.interval.is_some() && rule.times.is_empty() {
            rule.times.push(format!("{:02}:{:02}", minutes / 60, minutes % 60));
        }
    }
}

/// The minutes of a day at `hh:mm`.
pub fn minutes_of(text: &str) -> Option<i64> {
    let is_number = |part: &&str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    let (hours, minutes) = text.split_once(':').filter(|(hours, minutes)| is_number(hours) && is_number(minutes))?;
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every(interval: u32, time: &str) -> CreateRule {
        CreateRule { interval: Some(interval), times: vec![time.into()], ..CreateRule::default() }
    }

    #[test]
    fn intervals_go_from_a_time_of_the_day_on() {
        let named = |rule: &CreateRule, at: &str| named(rule, at.parse().unwrap()).unwrap().to_string();
        assert_eq!(named(&every(24, "09:30"), "2026-11-22T09:29:59Z"), "2026-11-22T09:30:00.000Z");
        assert_eq!(named(&every(24, "09:30"), "2026-11-22T09:30:00Z"), "2026-11-23T09:30:00.000Z");
        assert_eq!(named(&every(8, "22:00"), "2026-11-22T22:00:00Z"), "2026-11-23T06:00:00.000Z");
        assert_eq!(named(&every(1, "00:15"), "2026-11-22T10:00:00Z"), "2026-11-22T10:15:00.000Z");
        assert_eq!(minutes_of("24:00"), None);
        assert_eq!(minutes_of("+1:00"), None);
        assert_eq!(minutes_of("09:5"), None);
    }

    #[test]
    fn a_policy_begins_at_its_own_moment_of_the_hour() {
        let id: LifecyclePolicyId = "policy-0000000000000000f".parse().unwrap();
        assert_eq!(offset(id), Duration::from_secs(15));
        let schedule = Schedule {
            name: "daily".into(),
            copy_tags: false,
            tags_to_add: Vec::new(),
            variable_tags: Vec::new(),
            create_rule: every(24, "09:30"),
            retain_rule: Default::default(),
            share_rules: Vec::new(),
            deprecate_rule: None,
        };
        // It hasn't begun yet at the time that is named.
        let next = |at: &str| next(&schedule, id, at.parse().unwrap()).unwrap().to_string();
        assert_eq!(next("2026-11-22T09:30:05Z"), "2026-11-22T09:30:15.000Z");
        assert_eq!(next("2026-11-22T09:30:15Z"), "2026-11-23T09:30:15.000Z");
    }
}
