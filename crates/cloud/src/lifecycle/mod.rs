//! Lifecycle policies: snapshots and images by schedule, kept for as long as a policy says.
//!
//! What a policy has made is told by the tags on it, and by nothing else: so whoever takes a run up after a crash finds by
//! looking what is done already. What is due is a pure function of the value ([`deeds`]); it is done by calls in the name of
//! the policy's role, and the row only says when it is to be looked at next.

mod check;
mod cron;
mod deeds;
mod schedule;

use std::collections::BTreeMap;

use landfall_model::lifecycle::{Details, RetainRule, Schedule};
use landfall_model::{Arn, LifecyclePolicy, LifecyclePolicyId, LifecycleState, Principal, Timestamp};

use crate::fault::{Fault, QuotaKind};
use crate::identity::{home, role, speaking};
use crate::tag;
use crate::tx::Tx;
use crate::value::{Cloud, LifecyclePolicies};
use crate::view::View;

pub use deeds::{Deed, due, upkeep, upkeep_at};

/// The service's name, as roles trust it.
pub const SERVICE: &str = "dlm.amazonaws.com";
/// The kind of its tags.
pub const KIND: &str = "dlm-policy";
/// Policies of an account in a region. Source: the API Reference on CreateLifecyclePolicy.
const MOST: usize = 100;
/// After how long it is tried again what couldn't be done for a moment.
const AGAIN_MS: i64 = 60_000;

/// What is asked of a policy; what isn't said stays.
#[derive(Clone, Debug, Default)]
pub struct PolicyChange {
    /// The role in whose name it acts.
    pub role: Option<Arn>,
    /// What people say of it.
    pub description: Option<String>,
    /// Whether it acts.
    pub is_enabled: Option<bool>,
    /// What it says.
    pub details: Option<Details>,
}

/// How a round of a policy ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All was done that can be.
    Done,
    /// Something is to be tried again in a moment; what was done by then isn't done again.
    Later,
    /// The role may not do it.
    Denied,
}

/// The policy of that id.
pub fn find<'v>(view: &View<'v>, id: LifecyclePolicyId) -> Option<&'v LifecyclePolicy> {
    view.find::<LifecyclePolicies, _>(id)
}

/// The account's policies in the region.
pub fn all<'v>(view: &View<'v>) -> impl Iterator<Item = &'v LifecyclePolicy> + use<'v> {
    view.all::<LifecyclePolicies, _>()
}

/// Policies of all accounts that are to be looked at by now.
pub fn awake(cloud: &Cloud, now: Timestamp, most: usize) -> Vec<LifecyclePolicy> {
    let found = cloud.lifecycle_policies.by_waking.range(..=now).take(most);
    found.filter_map(|(_, key)| cloud.lifecycle_policies.get(key).cloned()).collect()
}

/// Makes a policy.
pub fn create(
    tx: &mut Tx<'_, '_>,
    asked: PolicyChange,
    tags: &BTreeMap<String, String>,
) -> Result<LifecyclePolicyId, Fault> {
    let PolicyChange { role, description, is_enabled, details } = asked;
    let role = role.ok_or(Fault::Missing("ExecutionRoleArn"))?;
    let description = description.ok_or(Fault::Missing("Description"))?;
    let mut details = details.ok_or(Fault::Missing("PolicyDetails"))?;
    check::description(&description)?;
    schedule::complete(&mut details, tx.now());
    let (scope, id, now) = (tx.scope(), tx.new_id(), tx.now());
    check_role(&tx.view(), &role, id)?;
    check::details(&details, now)?;
    if all(&tx.view()).count() >= MOST {
        return Err(Fault::Quota(QuotaKind::Of("LimitExceededException", "lifecycle policies"), MOST as u64));
    }
    let state = if is_enabled == Some(false) { LifecycleState::Disabled } else { LifecycleState::Enabled };
    let mut row = LifecyclePolicy {
        scope,
        id,
        description,
        role,
        state,
        message: None,
        created_at: now,
        modified_at: now,
        details,
        next: Vec::new(),
        wake_at: None,
    };
    plan_anew(&mut row, now);
    // It has made nothing yet that would be looked at sooner.
    row.wake_at = row.next.iter().copied().flatten().min();
    tag::put(tx, KIND, row.arn().as_str(), tags)?;
    tx.put::<LifecyclePolicies>(row);
    Ok(id)
}

/// Changes a policy. What it makes, and of what, stays as it is.
pub fn update(tx: &mut Tx<'_, '_>, id: LifecyclePolicyId, asked: PolicyChange) -> Result<(), Fault> {
    let mut row = tx.view().need::<LifecyclePolicies, _>(id)?.clone();
    if let Some(role) = asked.role {
        check_role(&tx.view(), &role, id)?;
        row.role = role;
    }
    if let Some(description) = asked.description {
        check::description(&description)?;
        row.description = description;
    }
    let before = row.clone();
    if let Some(mut details) = asked.details {
        keep_times(&row.details, &mut details);
        schedule::complete(&mut details, tx.now());
        check::details(&details, tx.now())?;
        check_change(&row.details, &details)?;
        row.details = details;
    }
    if let Some(is_enabled) = asked.is_enabled {
        row.state = if is_enabled { LifecycleState::Enabled } else { LifecycleState::Disabled };
        row.message = None;
    }
    row.modified_at = later(tx.now(), row.modified_at);
    // Runs that were missed while it was off stay so; those of schedules that are as they were are still to come.
    let goes_on = before.state == LifecycleState::Enabled && row.state == before.state;
    plan_anew(&mut row, tx.now());
    for (at, schedule) in row.details.schedules.iter().enumerate().filter(|_| goes_on) {
        let is_same = |old: &&Schedule| old.name == schedule.name && old.create_rule == schedule.create_rule;
        if let Some(old) = before.details.schedules.iter().position(|old| is_same(&old)) {
            row.next[at] = before.next.get(old).copied().flatten();
        }
    }
    // What it has made is gone through by its next round: in here nobody else could write meanwhile.
    row.wake_at = Some(tx.now());
    tx.put::<LifecyclePolicies>(row);
    Ok(())
}

/// Deletes a policy. What it made stays, and belongs to nobody but the account.
pub fn delete(tx: &mut Tx<'_, '_>, id: LifecyclePolicyId) -> Result<(), Fault> {
    let row = tx.view().need::<LifecyclePolicies, _>(id)?.clone();
    tag::forget(tx, row.arn().as_str());
    tx.delete::<LifecyclePolicies>(&row.key());
    Ok(())
}

/// Writes how a round ended that was decided on at that moment, and when its backups are to be looked at next
/// ([`upkeep_at`]). A policy that was changed meanwhile goes by what it says now.
pub fn conclude(
    tx: &mut Tx<'_, '_>,
    seen: &LifecyclePolicy,
    decided_at: Timestamp,
    outcome: &Outcome,
    upkeep_at: Option<Timestamp>,
) {
    let Some(mut row) = find(&tx.view(), seen.id).cloned() else { return };
    if row.modified_at != seen.modified_at || row.state != LifecycleState::Enabled {
        return;
    }
    match outcome {
        Outcome::Done => {
            for at in 0..row.next.len() {
                if row.next[at].is_some_and(|next| next <= decided_at) {
                    row.next[at] = schedule::next(&row.details.schedules[at], row.id, tx.now());
                }
            }
            row.wake_at = upkeep_at.into_iter().chain(row.next.iter().copied().flatten()).min();
        }
        Outcome::Later => {
            let again_at = Timestamp(tx.now().as_millis() + AGAIN_MS);
            give_up(&mut row, again_at);
            row.wake_at = Some(again_at);
        }
        Outcome::Denied => {
            row.state = LifecycleState::Error;
            // The cause that AWS tells of it. Source: the EBS User Guide, "Monitor Data Lifecycle Manager policies using
            // EventBridge".
            row.message = Some("Role provided does not have sufficient permissions".into());
            row.wake_at = None;
        }
    }
    tx.put::<LifecyclePolicies>(row);
}

/// A moment after another: two changes are told apart by their times.
fn later(now: Timestamp, before: Timestamp) -> Timestamp {
    now.max(Timestamp(before.as_millis() + 1))
}

fn plan_anew(row: &mut LifecyclePolicy, now: Timestamp) {
    let id = row.id;
    row.next = row.details.schedules.iter().map(|schedule| schedule::next(schedule, id, now)).collect();
}

/// Where a schedule's following run is due when it is tried again, that is made instead of the one that couldn't be: so
/// a target that can't be had for long costs no other a backup.
fn give_up(row: &mut LifecyclePolicy, again_at: Timestamp) {
    let id = row.id;
    for (next, schedule) in row.next.iter_mut().zip(&row.details.schedules) {
        let following = next.and_then(|next| schedule::next(schedule, id, next));
        *next = following.filter(|following| *following <= again_at).or(*next);
    }
}

/// A schedule whose time was chosen for it keeps that as long as nobody names another.
fn keep_times(before: &Details, details: &mut Details) {
    for schedule in details.schedules.iter_mut().filter(|schedule| schedule.create_rule.times.is_empty()) {
        let old = before.schedules.iter().find(|old| old.name == schedule.name);
        if let Some(old) = old.filter(|old| old.create_rule.interval == schedule.create_rule.interval) {
            schedule.create_rule.times.clone_from(&old.create_rule.times);
        }
    }
}

fn check_change(before: &Details, after: &Details) -> Result<(), Fault> {
    if before.policy_type != after.policy_type || before.resource_types != after.resource_types {
        return Err(Fault::Refused("The policy type and the resource type of a policy can't be changed.".into()));
    }
    let by_count = |rule: &RetainRule| rule.count.is_some();
    for schedule in &after.schedules {
        let old = before.schedules.iter().find(|old| old.name == schedule.name);
        if old.is_some_and(|old| by_count(&old.retain_rule) && !by_count(&schedule.retain_rule)) {
            let message =
                format!("The retention of the schedule {} can't be changed from count to age.", schedule.name);
            return Err(Fault::Refused(message));
        }
    }
    Ok(())
}

/// That the service may take the role, which is one of the account's.
fn check_role(view: &View<'_>, arn: &Arn, policy: LifecyclePolicyId) -> Result<(), Fault> {
    if role_of(view, arn, policy).is_some() {
        return Ok(());
    }
    Err(Fault::Refused(format!(
        "The role {arn} is none that Data Lifecycle Manager can assume: it must be one of this account, and trust {SERVICE}."
    )))
}

/// The role of that ARN, if it is the account's and the service may take it for that policy.
pub fn role_of<'v>(view: &View<'v>, arn: &Arn, policy: LifecyclePolicyId) -> Option<&'v Principal> {
    let at_home = View::new(view.tables(), home(view.scope().account), view.now());
    let row = role::find(&at_home, name_of(arn)).filter(|row| row.arn() == *arn)?;
    let policy = LifecyclePolicy::arn_of(view.scope(), policy);
    speaking::admits_service_for(row, SERVICE, &policy).then_some(row)
}

/// The name in a role's ARN.
pub fn name_of(arn: &Arn) -> &str {
    arn.resource().rsplit('/').next().unwrap_or_default()
}
