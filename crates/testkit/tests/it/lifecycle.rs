//! Lifecycle policies over weeks: how many backups there are, which of them go, with whom they are shared, and that a control
//! plane that was down or ended in the middle changes nothing of it.

use std::collections::BTreeMap;
use std::time::Duration;

use landfall_cloud::lifecycle::{self, PolicyChange};
use landfall_cloud::{Entropy, Tx, View};
use landfall_model::lifecycle::{Details, POLICY_TAG, SCHEDULE_TAG};
use landfall_model::{
    Arn, LifecyclePolicy, LifecyclePolicyId, LifecycleState, OwnImage, Snapshot, SnapshotState, Timestamp,
};
use landfall_testkit::client::{Client, list, params, text};
use landfall_testkit::world::{Mode, World, WorldOptions, images};
use serde_json::{Value, json};

const HOUR: Duration = Duration::from_secs(3_600);
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"dlm.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const ALL: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"*"}]}"#;

/// A cloud with an instance and a volume that are to be backed up, and a role that may.
struct Place {
    world: World,
    client: Client,
}

impl Place {
    fn new(seed: u64) -> Self {
        let options = WorldOptions { mode: Mode::Settled, hosts: 1, accounts: 2, ..WorldOptions::default() };
        let world = World::new(seed, options);
        let client = world.clients()[0].clone();
        let mut place = Self { world, client };
        place.allow(ALL);
        place
    }

    fn allow(&mut self, policy: &str) {
        let escaped = |text: &str| {
            let bytes = text.bytes().map(|byte| format!("%{byte:02X}"));
            bytes.collect::<String>()
        };
        let (trust, policy) = (escaped(TRUST), escaped(policy));
        let create = format!("Action=CreateRole&Version=2010-05-08&RoleName=dlm&AssumeRolePolicyDocument={trust}");
        self.world.post(&self.client, "iam", &create);
        let put =
            format!("Action=PutRolePolicy&Version=2010-05-08&RoleName=dlm&PolicyName=backups&PolicyDocument={policy}");
        assert!(self.world.post(&self.client, "iam", &put));
    }

    fn call(&mut self, action: &str, pairs: &[(&str, &str)]) -> landfall_wire::Tree {
        let client = self.client.clone();
        self.world.call(&client, action, &params(pairs.iter().copied())).unwrap()
    }

    fn tag(&mut self, id: &str, key: &str, value: &str) {
        self.call("CreateTags", &[("ResourceId.1", id), ("Tag.1.Key", key), ("Tag.1.Value", value)]);
    }

    /// A volume with the target's tag.
    fn volume(&mut self) -> String {
        let zone = format!("{}a", self.client.region);
        let made = self.call("CreateVolume", &[("AvailabilityZone", &zone), ("Size", "1")]);
        let id = text(&made, "volumeId").unwrap().to_owned();
        self.tag(&id, "backup", "yes");
        id
    }

    fn instance(&mut self) -> String {
        let image = images()[0].to_string();
        let order = [("ImageId", image.as_str()), ("InstanceType", "t3.micro"), ("MinCount", "1"), ("MaxCount", "1")];
        let made = self.call("RunInstances", &order);
        let id = text(&list(&made, "instancesSet")[0], "instanceId").unwrap().to_owned();
        self.tag(&id, "backup", "yes");
        id
    }

    fn change<T>(&mut self, change: impl FnOnce(&mut Tx<'_, '_>) -> T) -> T {
        let (scope, now) = (self.world.scopes()[0], self.world.now());
        let engine = self.world.plane().unwrap().engine.clone();
        let (mut entropy, mut made) = (Entropy::seeded(now.0.cast_unsigned()), None);
        let pending = engine.commit(|head| {
            head.transact(now.0, None, |tx| {
                made = Some(change(&mut Tx::new(tx, scope, &mut entropy)));
                Ok::<_, std::convert::Infallible>(())
            })
            .unwrap();
        });
        pending.wait().unwrap();
        self.world.follow(&engine);
        made.unwrap()
    }

    fn policy(&mut self, details: Value) -> LifecyclePolicyId {
        let details: Details = serde_json::from_value(details).unwrap();
        let account = self.world.scopes()[0].account;
        let asked = PolicyChange {
            role: Some(Arn::iam(account, "role/dlm")),
            description: Some("backups".into()),
            is_enabled: Some(true),
            details: Some(details),
        };
        self.change(|tx| lifecycle::create(tx, asked, &BTreeMap::new())).unwrap()
    }

    fn update(&mut self, id: LifecyclePolicyId, asked: PolicyChange) {
        self.change(|tx| lifecycle::update(tx, id, asked)).unwrap();
    }

    fn row(&self, id: LifecyclePolicyId) -> LifecyclePolicy {
        let view = View::new(self.world.mirror().cloud(), self.world.scopes()[0], self.world.now());
        lifecycle::find(&view, id).unwrap().clone()
    }

    /// Lets time pass, with a look at policies twice an hour.
    fn pass(&mut self, hours: u64) {
        for _ in 0..hours * 2 {
            self.world.pass(HOUR / 2);
            self.world.look_after_policies();
        }
    }

    /// The snapshots that a policy made, the oldest first.
    fn snapshots(&self) -> Vec<Snapshot> {
        let cloud = self.world.mirror().cloud();
        let mut rows: Vec<_> = cloud.snapshots.by_scope(&self.world.scopes()[0]).cloned().collect();
        rows.sort_by_key(|row| (row.started_at, row.id));
        rows
    }

    fn images(&self) -> Vec<OwnImage> {
        let mut rows: Vec<_> = self.world.mirror().cloud().own_images.iter().cloned().collect();
        rows.sort_by_key(|row| row.created_at);
        rows
    }

    fn tags(&self, id: &str) -> BTreeMap<String, String> {
        let view = View::new(self.world.mirror().cloud(), self.world.scopes()[0], self.world.now());
        view.tags(id).cloned().unwrap_or_default()
    }
}

fn daily(retain: Value, more: Value) -> Value {
    let mut schedule = json!({
        "Name": "daily", "CopyTags": true,
        "CreateRule": {"Interval": 24, "IntervalUnit": "HOURS", "Times": ["12:00"]},
        "RetainRule": retain,
    });
    for (name, value) in more.as_object().unwrap() {
        schedule[name] = value.clone();
    }
    json!({
        "PolicyType": "EBS_SNAPSHOT_MANAGEMENT", "ResourceTypes": ["VOLUME"], "ResourceLocations": ["CLOUD"],
        "TargetTags": [{"Key": "backup", "Value": "yes"}], "Schedules": [schedule], "PolicyLanguage": "STANDARD",
    })
}

fn starts(rows: &[Snapshot]) -> Vec<Timestamp> {
    rows.iter().map(|row| row.started_at).collect()
}

#[test]
fn three_weeks_of_days_leave_the_last_five_which_are_shared_for_two_days() {
    let mut place = Place::new(1);
    let volume = place.volume();
    place.tag(&volume, "Name", "data");
    let other = place.world.scopes()[1].account;
    let share = json!([{"TargetAccounts": [other], "UnshareInterval": 2, "UnshareIntervalUnit": "DAYS"}]);
    let added = json!([{"Key": "made", "Value": "daily"}]);
    let id = place.policy(daily(json!({"Count": 5}), json!({"ShareRules": share, "TagsToAdd": added})));
    let mut all = Vec::new();
    for day in 0..21 {
        if day % 4 == 1 {
            place.world.crash_plane();
        }
        place.pass(24);
        let rows = place.snapshots();
        all.extend(rows.last().map(|row| row.id));
        assert_eq!(rows.len(), (day + 1).min(5), "day {day}: {:?}", starts(&rows));
        assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), all[all.len().saturating_sub(5)..], "day {day}");
        let shared: Vec<_> = rows.iter().rev().map(|row| row.shared_with.contains(&other)).collect();
        let wanted = [true, true, false, false, false];
        assert_eq!(shared, wanted[..shared.len()], "day {day}");
    }
    all.dedup();
    assert_eq!(all.len(), 21, "a snapshot each day");
    let rows = place.snapshots();
    for pair in rows.windows(2) {
        let apart = pair[1].started_at.since(pair[0].started_at);
        assert!(apart >= 23 * HOUR && apart <= 25 * HOUR, "{apart:?}");
    }
    let row = rows.last().unwrap();
    assert_eq!(row.description, format!("Created for policy: {id} schedule: daily"));
    let tags = place.tags(&row.id.to_string());
    for (key, value) in
        [("backup", "yes"), ("Name", "data"), ("made", "daily"), ("dlm:managed", "true"), (SCHEDULE_TAG, "daily")]
    {
        assert_eq!(tags.get(key).map(String::as_str), Some(value), "{tags:?}");
    }
    assert_eq!(tags.get(POLICY_TAG), Some(&id.to_string()));
    // It is nobody's to take such a tag off.
    let client = place.client.clone();
    let delete = [("ResourceId.1", row.id.to_string()), ("Tag.1.Key", POLICY_TAG.to_owned())];
    let _ = place.world.call(&client, "DeleteTags", &params(delete));
    assert!(place.tags(&row.id.to_string()).contains_key(POLICY_TAG));
}

#[test]
fn what_goes_by_age_goes_when_it_was_told_to_and_the_last_one_stays_once_its_volume_is_no_target() {
    let mut place = Place::new(2);
    let volume = place.volume();
    let id = place.policy(daily(json!({"Interval": 3, "IntervalUnit": "DAYS"}), json!({})));
    place.pass(24 * 10);
    assert_eq!(place.snapshots().len(), 3, "{:?}", starts(&place.snapshots()));
    // A longer time is that of new ones alone.
    let longer = daily(json!({"Interval": 1, "IntervalUnit": "WEEKS"}), json!({}));
    place.update(id, PolicyChange { details: serde_json::from_value(longer).ok(), ..PolicyChange::default() });
    place.pass(24 * 3);
    assert_eq!(place.snapshots().len(), 3);
    place.pass(24 * 3);
    assert_eq!(place.snapshots().len(), 6);
    place.call("DeleteTags", &[("ResourceId.1", &volume), ("Tag.1.Key", "backup")]);
    let last = place.snapshots().last().unwrap().id;
    place.pass(24 * 14);
    let left = place.snapshots();
    assert_eq!(left.iter().map(|row| row.id).collect::<Vec<_>>(), [last]);
    // One that is switched off deletes nothing, and what it made stays when it is deleted.
    place.tag(&volume, "backup", "yes");
    place.pass(24);
    let off = PolicyChange { is_enabled: Some(false), ..PolicyChange::default() };
    place.update(id, off);
    let before = place.snapshots().len();
    place.pass(24 * 14);
    assert_eq!(place.snapshots().len(), before);
    place.change(|tx| lifecycle::delete(tx, id)).unwrap();
    place.pass(24);
    assert_eq!(place.snapshots().len(), before);
}

#[test]
fn runs_that_were_missed_are_made_once_when_the_control_plane_is_back() {
    let mut place = Place::new(3);
    place.volume();
    let hourly = json!({"CreateRule": {"Interval": 1, "IntervalUnit": "HOURS", "Times": ["00:00"]}});
    let id = place.policy(daily(json!({"Count": 100}), hourly));
    place.pass(5);
    assert_eq!(place.snapshots().len(), 5, "{:?}", starts(&place.snapshots()));
    // Nobody looks for nine hours.
    place.world.pass(9 * HOUR);
    place.world.crash_plane();
    place.pass(1);
    let rows = place.snapshots();
    assert!((6..=7).contains(&rows.len()), "one for all that was missed, and that of the hour: {:?}", starts(&rows));
    let before = rows.len();
    place.pass(3);
    assert_eq!(place.snapshots().len(), before + 3);
    // A run that ends half-way goes on where it was: what it has made by then isn't made again.
    for _ in 0..4 {
        place.volume();
    }
    place.pass(1);
    let due = place.row(id).next[0].unwrap();
    let made = place.snapshots().len();
    let seen = place.row(id);
    let mut first = Vec::new();
    place.world.pass(due.since(place.world.now()));
    // As if the first two calls had been made, and then nothing.
    place.change(|tx| {
        let deeds = lifecycle::due(&tx.view(), &seen);
        assert_eq!(deeds.len(), 5);
        first.extend(deeds.into_iter().take(2));
    });
    for deed in first {
        let lifecycle::Deed::Snapshot { volume, description, tags } = deed else { panic!("no snapshot") };
        place.change(|tx| {
            let id = landfall_cloud::snapshot::create(tx, volume, &description).unwrap();
            let plain = tags.iter().filter(|(key, _)| !key.starts_with("aws:"));
            let plain = plain.map(|(key, value)| (key.clone(), value.clone())).collect();
            landfall_cloud::tag::put(tx, "snapshot", &id.to_string(), &plain).unwrap();
            let own = tags.into_iter().filter(|(key, _)| key.starts_with("aws:"));
            landfall_cloud::tag::put_own(tx, "snapshot", &id.to_string(), own);
        });
    }
    place.world.crash_plane();
    place.pass(1);
    let more = place.snapshots().len() - made;
    assert!(more == 5 || more == 10, "five volumes once, or once more in the next hour: {more}");
}

#[test]
fn schedules_that_are_due_together_make_one_backup_which_is_kept_as_the_longer_one_says() {
    let mut place = Place::new(7);
    place.volume();
    // It begins on a Sunday.
    let mut details = daily(json!({"Count": 3}), json!({"TagsToAdd": [{"Key": "day", "Value": "yes"}]}));
    let mut weekly = details["Schedules"][0].clone();
    weekly["Name"] = json!("weekly");
    weekly["CreateRule"] = json!({"CronExpression": "cron(0 12 ? * SUN *)"});
    weekly["TagsToAdd"] = json!([{"Key": "week", "Value": "yes"}]);
    details["Schedules"] = json!([details["Schedules"][0], weekly]);
    place.policy(details);
    place.pass(24 * 15);
    let rows = place.snapshots();
    let of = |name: &str| {
        let is_its = |row: &&Snapshot| place.tags(&row.id.to_string()).get(SCHEDULE_TAG).is_some_and(|it| it == name);
        rows.iter().filter(is_its).collect::<Vec<_>>()
    };
    assert_eq!((of("weekly").len(), of("daily").len()), (3, 3), "{:?}", starts(&rows));
    for row in of("weekly") {
        let tags = place.tags(&row.id.to_string());
        assert!(tags.contains_key("day") && tags.contains_key("week"), "{tags:?}");
    }
}

#[test]
fn a_role_that_may_not_is_an_error_until_the_policy_is_enabled_again() {
    let mut place = Place::new(4);
    place.volume();
    let id = place.policy(daily(json!({"Count": 5}), json!({})));
    place
        .allow(r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:CreateTags","Resource":"*"}]}"#);
    place.pass(24);
    let row = place.row(id);
    assert_eq!(row.state, LifecycleState::Error);
    assert_eq!(row.message.as_deref(), Some("Role provided does not have sufficient permissions"));
    assert_eq!(place.snapshots().len(), 0);
    place.allow(ALL);
    place.pass(48);
    assert_eq!(place.snapshots().len(), 0, "it waits for somebody");
    place.update(id, PolicyChange { is_enabled: Some(true), ..PolicyChange::default() });
    place.pass(48);
    assert_eq!(place.row(id).state, LifecycleState::Enabled);
    assert_eq!(place.snapshots().len(), 2);
    // Each call is on record, as the role's, and as the service's.
    let engine = place.world.plane().unwrap().engine.clone();
    let scope = place.world.scopes()[0];
    let key = landfall_api::audit::key(&scope.account.to_string(), scope.region, Some(("EventName", "CreateSnapshot")));
    let records = records(&engine, key, 3);
    assert_eq!(records.len(), 3, "one that was refused, and two");
    for record in &records {
        assert_eq!(record["userIdentity"]["invokedBy"], "dlm.amazonaws.com");
        assert_eq!(record["sourceIPAddress"], "dlm.amazonaws.com");
        assert_eq!(record["userIdentity"]["sessionContext"]["sessionIssuer"]["userName"], "dlm");
    }
    assert_eq!(records.iter().filter(|record| record["errorCode"] == "Client.UnauthorizedOperation").count(), 1);
    let key = landfall_api::audit::key(&scope.account.to_string(), scope.region, Some(("EventName", "AssumeRole")));
    let taken = self::records(&engine, key, 3);
    assert!(taken.len() >= 3 && taken.iter().all(|it| it["userIdentity"]["invokedBy"] == "dlm.amazonaws.com"));
    // A role that is no more is as one that may not.
    for call in ["DeleteRolePolicy&PolicyName=backups", "DeleteRole"] {
        let client = place.client.clone();
        assert!(place.world.post(&client, "iam", &format!("Action={call}&Version=2010-05-08&RoleName=dlm")));
    }
    place.pass(24);
    assert_eq!((place.row(id).state, place.snapshots().len()), (LifecycleState::Error, 2));
}

#[test]
fn instances_have_all_their_volumes_taken_but_those_that_are_left_out() {
    let mut place = Place::new(5);
    let instance = place.instance();
    let (kept, scratch) = (place.volume(), place.volume());
    for (volume, device) in [(&kept, "/dev/sdf"), (&scratch, "/dev/sdg")] {
        place.call("DeleteTags", &[("ResourceId.1", volume), ("Tag.1.Key", "backup")]);
        place.call("AttachVolume", &[("VolumeId", volume), ("InstanceId", &instance), ("Device", device)]);
    }
    place.tag(&scratch, "scratch", "yes");
    let variable = json!([{"Key": "of", "Value": "$(instance-id)"}, {"Key": "at", "Value": "$(timestamp)"}]);
    let mut details = daily(json!({"Count": 2}), json!({"VariableTags": variable}));
    details["ResourceTypes"] = json!(["INSTANCE"]);
    details["Parameters"] = json!({"ExcludeDataVolumeTags": [{"Key": "scratch", "Value": "yes"}]});
    let id = place.policy(details.clone());
    place.pass(24 * 4);
    let rows = place.snapshots();
    assert_eq!(rows.len(), 4, "two sets of two");
    assert!(rows.iter().all(|row| row.volume.unwrap().to_string() != scratch));
    assert!(rows.iter().all(|row| matches!(row.state, SnapshotState::Completed { .. })));
    let tags = place.tags(&rows[3].id.to_string());
    assert_eq!(tags.get("of"), Some(&instance));
    assert!(tags.get("at").unwrap().parse::<Timestamp>().is_ok());
    // Without the root volume only the other one is left.
    details["Parameters"]["ExcludeBootVolume"] = json!(true);
    place.update(id, PolicyChange { details: serde_json::from_value(details).ok(), ..PolicyChange::default() });
    place.pass(24);
    let rows = place.snapshots();
    assert_eq!(rows.last().unwrap().volume.unwrap().to_string(), kept);
}

#[test]
fn images_are_made_deprecated_and_let_go_with_their_snapshots() {
    let mut place = Place::new(6);
    let instance = place.instance();
    let mut details = daily(json!({"Count": 3}), json!({"DeprecateRule": {"Count": 1}}));
    details["PolicyType"] = json!("IMAGE_MANAGEMENT");
    details["ResourceTypes"] = json!(["INSTANCE"]);
    let id = place.policy(details);
    place.pass(24 * 7);
    let images = place.images();
    assert_eq!(images.len(), 3);
    assert_eq!(images.iter().map(|row| row.deprecate_at.is_some()).collect::<Vec<_>>(), [true, false, false]);
    assert_eq!(place.snapshots().len(), 3, "those of images that are gone are gone");
    assert!(images.iter().all(|row| row.source_instance.unwrap().to_string() == instance));
    assert!(images.iter().all(|row| row.name.starts_with(&id.to_string())));
    let tags = place.tags(&images[2].id.to_string());
    assert_eq!(tags.get("backup").map(String::as_str), Some("yes"), "the instance's own");
    // Of an instance that is gone nothing is let go any more.
    place.call("TerminateInstances", &[("InstanceId.1", &instance)]);
    place.pass(24 * 3);
    assert_eq!(place.images().len(), 3);
}

/// The records that are found by a key, once there are so many: those of refusals are written a moment later.
fn records(engine: &landfall_state::Engine<landfall_cloud::Cloud>, key: u64, count: usize) -> Vec<Value> {
    for _ in 0..100 {
        let found = engine.find_bulk(landfall_api::audit::STREAM, key, u64::MAX, i64::MAX).unwrap();
        if found.len() >= count {
            return found.iter().map(|found| serde_json::from_str(&found.record).unwrap()).collect();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("fewer than {count} records");
}
