//! What a policy is to do now. Source: the EBS User Guide, "Considerations for snapshot lifecycle policies" and "Modify
//! lifecycle policies".

use std::collections::{BTreeMap, BTreeSet};

use landfall_model::lifecycle::{
    EXPIRATION_TAG, MANAGED_TAG, POLICY_TAG, PolicyTag, PolicyType, SCHEDULE_TAG, Schedule, TargetKind,
};
use landfall_model::{
    AccountId, ImageId, Instance, InstanceId, InstanceState, LifecyclePolicy, SnapshotId, SnapshotState, Timestamp,
    VolumeId, VolumeState,
};

use super::schedule::named;
use crate::tag;
use crate::value::{Instances, OwnImages, Snapshots, Volumes};
use crate::view::View;

/// How often it is looked whether a backup is whole by now, so that it can be shared, and an older one let go.
const LOOK_MS: i64 = 60_000;
/// After how long it is tried again what couldn't be let go, such as a snapshot that an image has.
const AGAIN_MS: i64 = 3_600_000;

/// Something that a policy is to do: a call in its role's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// A snapshot of a volume.
    Snapshot {
        /// Which.
        volume: VolumeId,
        /// The snapshot's description.
        description: String,
        /// The snapshot's tags.
        tags: BTreeMap<String, String>,
    },
    /// Snapshots of an instance's volumes, all as they are at one moment.
    Snapshots {
        /// Which.
        instance: InstanceId,
        /// Whether the root volume is left out.
        without_root: bool,
        /// Further volumes that are.
        without: Vec<VolumeId>,
        /// Whether each has its volume's tags.
        copies_tags: bool,
        /// Their description.
        description: String,
        /// Their tags.
        tags: BTreeMap<String, String>,
    },
    /// An image of an instance.
    Image {
        /// Which.
        instance: InstanceId,
        /// The image's name.
        name: String,
        /// Whether the guest is shut down for it.
        reboots: bool,
        /// The image's description.
        description: String,
        /// The tags of the image and of its snapshots.
        tags: BTreeMap<String, String>,
    },
    /// A snapshot goes.
    Delete(SnapshotId),
    /// An image goes, with its snapshots.
    Deregister(ImageId),
    /// A snapshot is shared.
    Share(SnapshotId, Vec<AccountId>),
    /// A snapshot isn't shared any more.
    Unshare(SnapshotId, Vec<AccountId>),
    /// An image is deprecated from a moment on.
    Deprecate(ImageId, Timestamp),
}

/// What a backup is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    Volume(VolumeId),
    Instance(InstanceId),
}

/// A snapshot or an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Backup {
    Snapshot(SnapshotId),
    Image(ImageId),
}

/// What a schedule made, and is still there.
#[derive(Clone, Debug)]
struct Made<'v> {
    at: Timestamp,
    backup: Backup,
    source: Source,
    schedule: &'v str,
    /// When it is to go, where that was told when it was made.
    expires_at: Option<Timestamp>,
    /// Whether it can be restored by now.
    progress: Progress,
}

/// How far the making of a backup is: of an image that of all of its snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// It isn't whole yet.
    Pending,
    /// It can be restored.
    Whole,
    /// It will never be whole.
    Failed,
}

/// The backups that are due now. One that is there since it became due isn't made once more: so a run that broke off goes on
/// where it was.
pub fn due(view: &View<'_>, row: &LifecyclePolicy) -> Vec<Deed> {
    let now = view.now();
    let mut runs: BTreeMap<Timestamp, Vec<&Schedule>> = BTreeMap::new();
    for (schedule, next) in row.details.schedules.iter().zip(&row.next) {
        if let Some(next) = next.filter(|next| *next <= now) {
            runs.entry(next).or_default().push(schedule);
        }
    }
    if runs.is_empty() {
        return Vec::new();
    }
    let made = made(view, row);
    let mut deeds = Vec::new();
    for (since, mut schedules) in runs {
        schedules.sort_by_key(|schedule| std::cmp::Reverse(kept_ms(schedule, since)));
        let run = Run { view, row, schedules };
        let own = made.iter().filter(|made| made.schedule == run.first().name && made.at >= since);
        let done: BTreeSet<Source> = own.map(|made| made.source).collect();
        match row.details.target() {
            TargetKind::Volume => {
                let rows = view.all::<Volumes, _>().filter(|volume| volume.state == VolumeState::Present);
                let targets = rows.map(|volume| volume.id).filter(|id| is_target(view, row, &id.to_string()));
                deeds.extend(targets.filter(|id| !done.contains(&Source::Volume(*id))).map(|volume| Deed::Snapshot {
                    volume,
                    description: run.description(),
                    tags: run.tags(Some(&volume.to_string()), None),
                }));
            }
            TargetKind::Instance => {
                let rows = view.all::<Instances, _>().filter(|machine| is_there(machine));
                let targets = rows.filter(|machine| is_target(view, row, &machine.id.to_string()));
                deeds.extend(targets.filter_map(|machine| match row.details.policy_type {
                    PolicyType::Images => run.image(machine, &done),
                    PolicyType::Snapshots => run.snapshots(machine, &done),
                }));
            }
        }
    }
    deeds
}

/// For about how long a schedule keeps what it makes at that moment.
fn kept_ms(schedule: &Schedule, at: Timestamp) -> i64 {
    let rule = &schedule.retain_rule;
    match (rule.span(), rule.count, named(&schedule.create_rule, at)) {
        (Some(span), ..) => span.after(at).as_millis().saturating_sub(at.as_millis()),
        (None, Some(count), Some(next)) => i64::from(count).saturating_mul(next.as_millis() - at.as_millis()),
        _ => 0,
    }
}

fn is_there(machine: &Instance) -> bool {
    matches!(machine.status.state, InstanceState::Running | InstanceState::Stopped)
}

/// Whether something has any of the policy's target tags.
fn is_target(view: &View<'_>, row: &LifecyclePolicy, id: &str) -> bool {
    has_any(view, id, &row.details.target_tags)
}

fn has_any(view: &View<'_>, id: &str, wanted: &[PolicyTag]) -> bool {
    let Some(tags) = view.tags(id) else { return false };
    wanted.iter().any(|wanted| tags.get(&wanted.key) == Some(&wanted.value))
}

/// Schedules that are due at one moment. They make one backup of each target, which is that of the schedule that keeps it
/// longest, with the tags of all. Source: the EBS User Guide, "Create Amazon Data Lifecycle Manager custom policy".
struct Run<'r, 'v> {
    view: &'r View<'v>,
    row: &'r LifecyclePolicy,
    /// The one that keeps longest comes first.
    schedules: Vec<&'r Schedule>,
}

impl Run<'_, '_> {
    fn first(&self) -> &Schedule {
        self.schedules[0]
    }

    fn copies_tags(&self) -> bool {
        self.schedules.iter().any(|schedule| schedule.copy_tags)
    }

    fn image(&self, machine: &Instance, done: &BTreeSet<Source>) -> Option<Deed> {
        if done.contains(&Source::Instance(machine.id)) {
            return None;
        }
        let id = machine.id.to_string();
        // Names of images have no colons.
        let stamp = self.view.now().to_string().replace('T', "-").replace(':', ".").replace('Z', "");
        let parameters = self.row.details.parameters.as_ref();
        Some(Deed::Image {
            instance: machine.id,
            name: format!("{}_{stamp}_{id}", self.row.id),
            reboots: parameters.and_then(|parameters| parameters.no_reboot) == Some(false),
            description: self.description(),
            tags: self.tags(Some(&id), Some(machine.id)),
        })
    }

    fn snapshots(&self, machine: &Instance, done: &BTreeSet<Source>) -> Option<Deed> {
        let parameters = self.row.details.parameters.clone().unwrap_or_default();
        let without_root = parameters.exclude_boot_volume == Some(true);
        let volumes = self.view.volumes_of(machine);
        let is_root = |id: VolumeId| {
            let found = volumes.iter().find(|volume| volume.id == id);
            let attachment = found.and_then(|volume| volume.attachment.as_ref());
            attachment.is_some_and(|attachment| attachment.device == machine.spec.root_device)
        };
        let further = volumes.iter().map(|volume| volume.id).filter(|id| !is_root(*id));
        let excluded = |id: &VolumeId| has_any(self.view, &id.to_string(), &parameters.exclude_data_volume_tags);
        let without: Vec<_> = further.filter(excluded).collect();
        let is_out = |id: VolumeId| without.contains(&id) || (without_root && is_root(id));
        let included: Vec<_> = volumes.iter().map(|volume| volume.id).filter(|id| !is_out(*id)).collect();
        // Where all are left out, there is nothing to make.
        if included.is_empty() || included.iter().any(|id| done.contains(&Source::Volume(*id))) {
            return None;
        }
        let tags = self.tags(None, Some(machine.id));
        // The call copies all tags or none, and refuses one too many: rather snapshots without them than none.
        let copies_tags = self.copies_tags() && included.iter().all(|id| self.has_room(&tags, *id));
        Some(Deed::Snapshots {
            instance: machine.id,
            without_root,
            without,
            copies_tags,
            description: self.description(),
            tags,
        })
    }

    /// Whether a snapshot may have a volume's tags beside those.
    fn has_room(&self, tags: &BTreeMap<String, String>, volume: VolumeId) -> bool {
        let volume = volume.to_string();
        let copied = self.view.tags(&volume).into_iter().flat_map(|tags| tags.keys());
        let keys: BTreeSet<&String> = tags.keys().chain(copied).filter(|key| !key.starts_with("aws:")).collect();
        keys.len() <= tag::LIMIT
    }

    fn description(&self) -> String {
        format!("Created for policy: {} schedule: {}", self.row.id, self.first().name)
    }

    /// The tags of a backup: the service's own, those that the schedules add, and those of what it is of, where these
    /// are copied. What comes first holds, and is there where there is no room for all.
    fn tags(&self, source: Option<&str>, instance: Option<InstanceId>) -> BTreeMap<String, String> {
        let mut offered: Vec<(String, String)> = Vec::new();
        for schedule in &self.schedules {
            offered.extend(schedule.variable_tags.iter().map(|tag| {
                let value = match (tag.value.as_str(), instance) {
                    ("$(instance-id)", Some(id)) => id.to_string(),
                    _ => self.view.now().to_string(),
                };
                (tag.key.clone(), value)
            }));
            offered.extend(schedule.tags_to_add.iter().map(|tag| (tag.key.clone(), tag.value.clone())));
        }
        let copied = source.filter(|_| self.copies_tags()).and_then(|source| self.view.tags(source));
        let copied = copied.into_iter().flatten().filter(|(key, _)| !key.starts_with("aws:"));
        offered.extend(copied.map(|(key, value)| (key.clone(), value.clone())));
        let mut tags = self.own_tags();
        add_tags(&mut tags, offered);
        tags
    }

    /// The tags by which the service knows a backup.
    fn own_tags(&self) -> BTreeMap<String, String> {
        let mut tags = BTreeMap::new();
        tags.insert(MANAGED_TAG.into(), "true".into());
        tags.insert(POLICY_TAG.into(), self.row.id.to_string());
        tags.insert(SCHEDULE_TAG.into(), self.first().name.clone());
        if let Some(span) = self.first().retain_rule.span() {
            tags.insert(EXPIRATION_TAG.into(), span.after(self.view.now()).to_string());
        }
        tags
    }
}

/// Adds those tags whose keys aren't there yet, as many as a resource may have.
fn add_tags(tags: &mut BTreeMap<String, String>, offered: Vec<(String, String)>) {
    // Those of the cloud's own aren't counted.
    let most = tag::LIMIT + tags.keys().filter(|key| key.starts_with("aws:")).count();
    for (key, value) in offered {
        if tags.len() < most {
            tags.entry(key).or_insert(value);
        }
    }
}

/// What is to become of the backups that are there: what is too old or too many goes, and what is to be shared is shared.
/// Backups of a schedule that isn't the policy's any more are nobody's but the account's.
pub fn upkeep(view: &View<'_>, row: &LifecyclePolicy) -> Vec<Deed> {
    let mut deeds = Vec::new();
    let mut groups: BTreeMap<(&str, Source), Vec<Made<'_>>> = BTreeMap::new();
    for one in made(view, row) {
        groups.entry((one.schedule, one.source)).or_default().push(one);
    }
    for ((name, source), mut group) in groups {
        let Some(schedule) = row.details.schedules.iter().find(|schedule| schedule.name == name) else { continue };
        group.sort_by_key(|made| std::cmp::Reverse((made.at, made.backup)));
        let is_managed = is_managed(view, row, source);
        let gone = superfluous(schedule, &group, is_managed, view.now());
        deeds.extend(gone.iter().map(|backup| match backup {
            Backup::Snapshot(id) => Deed::Delete(*id),
            Backup::Image(id) => Deed::Deregister(*id),
        }));
        let kept: Vec<_> = group.into_iter().filter(|made| !gone.contains(&made.backup)).collect();
        deeds.extend(kept.iter().filter_map(|made| sharing(view, schedule, made)));
        deeds.extend(deprecations(view, schedule, &kept));
    }
    deeds
}

/// Whether what backups are of is there, and still a target.
fn is_managed(view: &View<'_>, row: &LifecyclePolicy, source: Source) -> bool {
    match (source, row.details.target()) {
        (Source::Volume(id), TargetKind::Volume) => {
            view.find::<Volumes, _>(id).is_some() && is_target(view, row, &id.to_string())
        }
        (Source::Volume(id), TargetKind::Instance) => {
            let machine = view.find::<Volumes, _>(id).and_then(|volume| volume.attachment.as_ref());
            machine.is_some_and(|attachment| is_target(view, row, &attachment.instance.to_string()))
        }
        (Source::Instance(id), _) => {
            let machine = view.find::<Instances, _>(id);
            machine.is_some_and(|machine| !machine.status.state.is_over()) && is_target(view, row, &id.to_string())
        }
    }
}

/// What of a group, the newest first, is to go. What was told an end goes then: of what isn't a target any more all but
/// the newest. Of all others so many of a target stay that are whole, and what is newer than these: what isn't whole yet
/// may never be, and until it is the last good one stays. What failed counts for nothing, and is its owner's to delete.
fn superfluous(schedule: &Schedule, group: &[Made<'_>], is_managed: bool, now: Timestamp) -> Vec<Backup> {
    let (by_age, by_count): (Vec<_>, Vec<_>) = group.iter().partition(|made| made.expires_at.is_some());
    let last = usize::from(!is_managed && by_count.is_empty());
    let over = by_age.iter().skip(last).filter(|made| made.expires_at.is_some_and(|at| at <= now));
    let mut gone: Vec<_> = over.map(|made| made.backup).collect();
    if let Some(count) = schedule.retain_rule.count.filter(|_| is_managed) {
        let mut whole = 0;
        for made in by_count.iter().filter(|made| made.progress != Progress::Failed) {
            if whole >= count {
                gone.push(made.backup);
            }
            whole += u32::from(made.progress == Progress::Whole);
        }
    }
    gone
}

/// Until when a snapshot of that moment is shared; nothing where it is so for good.
fn shared_until(schedule: &Schedule, at: Timestamp) -> Option<Timestamp> {
    schedule.share_rules.first()?.span().map(|span| span.after(at))
}

fn sharing(view: &View<'_>, schedule: &Schedule, made: &Made<'_>) -> Option<Deed> {
    let rule = schedule.share_rules.first()?;
    let Backup::Snapshot(id) = made.backup else { return None };
    let snapshot = view.find::<Snapshots, _>(id)?;
    let is_over = shared_until(schedule, made.at).is_some_and(|until| until <= view.now());
    let has = |account: &&AccountId| snapshot.shared_with.contains(account);
    let accounts = rule.target_accounts.iter().filter(|account| **account != view.scope().account);
    if is_over {
        let accounts: Vec<_> = accounts.filter(has).copied().collect();
        return (!accounts.is_empty()).then_some(Deed::Unshare(id, accounts));
    }
    let accounts: Vec<_> = accounts.filter(|account| !has(account)).copied().collect();
    let is_whole = matches!(snapshot.state, SnapshotState::Completed { .. });
    (is_whole && !accounts.is_empty()).then_some(Deed::Share(id, accounts))
}

fn deprecations(view: &View<'_>, schedule: &Schedule, kept: &[Made<'_>]) -> Vec<Deed> {
    let Some(rule) = &schedule.deprecate_rule else { return Vec::new() };
    // The moment of the call is a little later than this one.
    let soon = Timestamp(view.now().as_millis() + LOOK_MS);
    let mut newer = 0;
    let images = kept.iter().filter(|made| made.progress != Progress::Failed).filter_map(|made| {
        // One that isn't whole yet takes nobody's place.
        let rank = newer;
        newer += usize::from(made.progress == Progress::Whole);
        let Backup::Image(id) = made.backup else { return None };
        view.find::<OwnImages, _>(id).filter(|image| image.deprecate_at.is_none())?;
        let at = match (rule.span(), rule.count, schedule.retain_rule.count) {
            (Some(span), ..) => Some(span.after(made.at).max(soon)),
            // The oldest of those that are kept, once there are so many.
            (None, Some(count), Some(kept)) => (rank + count as usize >= kept as usize).then_some(soon),
            _ => None,
        };
        at.map(|at| Deed::Deprecate(id, at))
    });
    images.collect()
}

/// When the backups of a policy are to be looked at next, if ever; when its schedules run isn't told by this.
pub fn upkeep_at(view: &View<'_>, row: &LifecyclePolicy) -> Option<Timestamp> {
    let now = view.now();
    let ahead = |at: Timestamp| if at > now { at } else { Timestamp(now.as_millis() + AGAIN_MS) };
    let mut moments: Vec<Timestamp> = Vec::new();
    for one in made(view, row) {
        let schedule = row.details.schedules.iter().find(|schedule| schedule.name == one.schedule);
        let Some(schedule) = schedule else { continue };
        moments.extend(one.expires_at.map(ahead));
        // Once it is whole, it is shared, and an older one goes.
        let is_awaited = !schedule.share_rules.is_empty() || schedule.retain_rule.count.is_some();
        if is_awaited && one.progress == Progress::Pending {
            moments.push(Timestamp(now.as_millis() + LOOK_MS));
        }
        let Backup::Snapshot(id) = one.backup else { continue };
        if schedule.share_rules.is_empty() {
            continue;
        }
        let is_shared = view.find::<Snapshots, _>(id).is_some_and(|row| !row.shared_with.is_empty());
        moments.extend(shared_until(schedule, one.at).filter(|until| is_shared || *until > now).map(ahead));
    }
    moments.into_iter().min()
}

/// What a policy made, as the tags on it tell.
fn made<'v>(view: &View<'v>, row: &LifecyclePolicy) -> Vec<Made<'v>> {
    let scope = view.scope();
    let tagged = view.tables().tags.by_lifecycle(&row.id.to_string()).filter(|tags| tags.scope == scope);
    let found = tagged.filter_map(|tags| {
        let schedule = tags.tags.get(SCHEDULE_TAG)?.as_str();
        let expires_at = tags.tags.get(EXPIRATION_TAG).and_then(|at| at.parse().ok());
        match (tags.kind.as_str(), row.details.policy_type) {
            ("snapshot", PolicyType::Snapshots) => {
                let snapshot = view.find::<Snapshots, _>(tags.resource.parse::<SnapshotId>().ok()?)?;
                let progress = progress(view, [snapshot.id]);
                let (at, source) = (snapshot.started_at, Source::Volume(snapshot.volume?));
                Some(Made { at, backup: Backup::Snapshot(snapshot.id), source, schedule, expires_at, progress })
            }
            ("image", PolicyType::Images) => {
                let image = view.find::<OwnImages, _>(tags.resource.parse::<ImageId>().ok()?)?;
                let progress = progress(view, image.snapshots());
                let (at, source) = (image.created_at, Source::Instance(image.source_instance?));
                Some(Made { at, backup: Backup::Image(image.id), source, schedule, expires_at, progress })
            }
            // The snapshots of an image go with it.
            _ => None,
        }
    });
    found.collect()
}

fn progress(view: &View<'_>, snapshots: impl IntoIterator<Item = SnapshotId>) -> Progress {
    let mut progress = Progress::Whole;
    for row in snapshots.into_iter().filter_map(|id| view.find::<Snapshots, _>(id)) {
        match row.state {
            SnapshotState::Failed(_) => return Progress::Failed,
            SnapshotState::Pending(_) => progress = Progress::Pending,
            SnapshotState::Completed { .. } => {}
        }
    }
    progress
}

#[cfg(test)]
mod tests {
    use landfall_model::lifecycle::RetainRule;

    use super::*;

    fn of_count(count: u32) -> Schedule {
        Schedule {
            name: "daily".into(),
            copy_tags: false,
            tags_to_add: Vec::new(),
            variable_tags: Vec::new(),
            create_rule: Default::default(),
            retain_rule: RetainRule { count: Some(count), ..RetainRule::default() },
            share_rules: Vec::new(),
            deprecate_rule: None,
        }
    }

    fn snapshot(rank: usize) -> Backup {
        Backup::Snapshot(format!("snap-{rank:017x}").parse().unwrap())
    }

    /// Which of such backups go, the newest being the first.
    fn gone(count: u32, group: &[Progress]) -> Vec<usize> {
        let made = group.iter().enumerate().map(|(rank, progress)| Made {
            at: Timestamp(1_000 - i64::try_from(rank).unwrap()),
            backup: snapshot(rank),
            source: Source::Volume("vol-0123456789abcdef0".parse().unwrap()),
            schedule: "daily",
            expires_at: None,
            progress: *progress,
        });
        let gone = superfluous(&of_count(count), &made.collect::<Vec<_>>(), true, Timestamp(2_000));
        (0..group.len()).filter(|rank| gone.contains(&snapshot(*rank))).collect()
    }

    #[test]
    fn only_what_is_whole_takes_the_place_of_an_older_one() {
        use Progress::{Failed, Pending, Whole};
        assert_eq!(gone(1, &[Whole, Whole]), [1]);
        assert!(gone(1, &[Pending, Whole]).is_empty(), "the last good one");
        assert_eq!(gone(1, &[Pending, Whole, Whole]), [2]);
        assert!(gone(1, &[Failed, Whole]).is_empty());
        assert_eq!(gone(2, &[Pending, Whole, Failed, Whole, Whole, Failed]), [4], "what failed is its owner's");
        assert_eq!(gone(1, &[Whole, Pending]), [1]);
    }

    #[test]
    fn copied_tags_come_where_there_is_room() {
        let mut tags = BTreeMap::from([(POLICY_TAG.to_owned(), "p".to_owned()), (MANAGED_TAG.into(), "true".into())]);
        let mut offered = vec![("made".to_owned(), "daily".to_owned()), (MANAGED_TAG.to_owned(), "no".to_owned())];
        offered.extend((0..tag::LIMIT).map(|at| (format!("copied-{at:02}"), String::new())));
        offered.push(("made".into(), "no".into()));
        add_tags(&mut tags, offered);
        assert_eq!(tags.len(), tag::LIMIT + 1);
        assert_eq!((tags["made"].as_str(), tags[MANAGED_TAG].as_str()), ("daily", "true"));
        assert!(tags.contains_key("copied-47") && !tags.contains_key("copied-48"));
    }
}
