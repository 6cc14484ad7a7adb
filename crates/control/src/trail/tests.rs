//! Deliveries that are cut off, folders that are full or gone, clocks that go back; and what a reader of the folder finds.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use flate2::read::GzDecoder;
use landfall_cloud::trail::TrailChange;
use landfall_cloud::value::{self, Trails};
use landfall_model::{BucketAccounts, Scope, Settings};
use landfall_state::log::faulty::FaultyLog;
use landfall_state::{BulkEntry, Clock, Log, MemoryLog, Options, RootKey};

use super::verify::{Report, verify};
use super::*;

/// 2026-11-22T10:00:00Z.
const NOW_MS: i64 = 1_795_341_600_000;
const HOUR_MS: i64 = 3_600_000;

#[derive(Default)]
struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn wall_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    fn boot_ms(&self) -> i64 {
        self.wall_ms()
    }
}

struct Place {
    courier: Courier,
    clock: Arc<SetClock>,
    folder: tempfile::TempDir,
}

fn trail_row(validates: bool) -> Trail {
    let scope = Scope { account: "111122223333".parse().unwrap(), region: Region::DEFAULT };
    let is_open = true;
    let digested_until = validates.then_some(Timestamp(NOW_MS));
    Trail {
        scope,
        name: "all".into(),
        bucket: "trails".into(),
        prefix: Some("here".into()),
        global_events: true,
        multi_region: false,
        validates,
        selectors: Vec::new(),
        is_logging: true,
        deleted_at: None,
        started_at: Some(Timestamp(NOW_MS)),
        stopped_at: None,
        created_at: Timestamp(NOW_MS),
        delivery: Delivery { is_open, digested_until, ..Delivery::default() },
    }
}

impl Place {
    fn new(validates: bool) -> Self {
        Self::over(validates, Box::new(MemoryLog::new()))
    }

    fn over(validates: bool, log: Box<dyn Log>) -> Self {
        let clock = Arc::new(SetClock(AtomicI64::new(NOW_MS)));
        let options = Options { clock: clock.clone(), ..Options::default() };
        let engine = Engine::<Cloud>::open(log, options).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let away = folder.path().join("away");
        let buckets = BTreeMap::from([("trails".to_owned(), folder.path().to_owned()), ("away".to_owned(), away)]);
        let courier = Courier::new(engine, Vault::new(RootKey::from_bytes(&[7; 32])), buckets);
        let place = Self { courier, clock, folder };
        place.give(BucketAccounts::All);
        place.put(trail_row(validates));
        place
    }

    /// Says whose the buckets are.
    fn give(&self, accounts: BucketAccounts) {
        let names = ["trails", "away"].map(str::to_owned);
        let bucket_accounts = names.iter().map(|name| (name.clone(), accounts.clone())).collect();
        let settings = Settings { buckets: names.into(), bucket_accounts, ..value::default_settings() };
        self.courier.commit(|tx| tx.put::<value::SettingsTable>(settings)).unwrap();
    }

    fn put(&self, row: Trail) {
        self.courier.commit(|tx| tx.put::<Trails>(row)).unwrap();
    }

    fn row(&self) -> Trail {
        self.courier.engine.read().trails.iter().next().unwrap().clone()
    }

    fn event(&self, name: &str, account: &str, region: &str) {
        let time_ms = self.courier.engine.now_ms();
        let time = &Timestamp(time_ms).to_string()[..19];
        let record = format!(
            r#"{{"eventTime":"{time}Z","eventSource":"ec2.amazonaws.com","eventName":"{name}","awsRegion":"{region}","readOnly":false,"recipientAccountId":"{account}"}}"#
        );
        let entry = BulkEntry { stream: STREAM.into(), time_ms, record: record.as_str().into(), keys: Vec::new() };
        self.courier.engine.append_entry(entry).unwrap();
    }

    /// What the trail's owner asks of it.
    fn ask<T>(&self, ask: impl FnOnce(&mut Tx<'_, '_>) -> T) -> T {
        self.courier.commit(|tx| ask(&mut tx.scoped(trail_row(true).scope))).unwrap()
    }

    fn own(&self, name: &str) {
        self.event(name, "111122223333", "us-east-1");
    }

    fn pass(&self, ms: i64) {
        self.clock.0.fetch_add(ms, Ordering::Relaxed);
    }

    /// The files of events, by their places.
    fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        collect(self.folder.path(), self.folder.path(), &mut found);
        found.retain(|object| object.contains("/CloudTrail/"));
        found.sort();
        found
    }

    /// The names of all events that were delivered.
    fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for object in self.files() {
            let mut text = String::new();
            GzDecoder::new(fs::File::open(self.folder.path().join(object)).unwrap()).read_to_string(&mut text).unwrap();
            let json: serde_json::Value = serde_json::from_str(&text).unwrap();
            names.extend(
                json["Records"].as_array().unwrap().iter().map(|r| r["eventName"].as_str().unwrap().to_owned()),
            );
        }
        names.sort();
        names
    }

    fn verify(&self) -> Report {
        let rows = self.courier.engine.read();
        let keys = rows.digest_keys.iter().map(|row| (row.fingerprint.clone(), row.public.clone())).collect();
        verify(self.folder.path(), &keys).unwrap()
    }

    /// A delivered hour: two files, a digest.
    fn hour(&self, name: &str) {
        for part in ["a", "b"] {
            self.own(&format!("{name}{part}"));
            self.courier.deliver();
            self.pass(HOUR_MS / 2);
        }
        self.courier.deliver();
    }
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, found);
        } else {
            found.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
        }
    }
}

#[test]
fn what_is_the_trails_is_delivered_once_under_aws_names() {
    let place = Place::new(false);
    place.own("one");
    place.event("theirs", "444455556666", "us-east-1");
    place.event("elsewhere", "111122223333", "eu-central-1");
    for _ in 0..3 {
        assert!(!place.courier.deliver());
    }
    assert_eq!(place.names(), ["one"]);
    place.own("two");
    place.courier.deliver();
    assert_eq!(place.names(), ["one", "two"]);
    let file = place.files().remove(0);
    let begin =
        "here/AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/22/111122223333_CloudTrail_us-east-1_20261122T1005Z_";
    assert!(file.starts_with(begin) && file.ends_with(".json.gz"), "{file}");
    let delivery = place.row().delivery;
    assert_eq!((delivery.delivered_at, delivery.error), (Some(Timestamp(NOW_MS)), None));
}

#[test]
fn who_is_killed_between_the_file_and_the_row_repeats_the_file_in_its_place() {
    let place = Place::new(false);
    place.own("one");
    place.courier.deliver();
    let before = place.row();
    place.own("two");
    place.courier.deliver();
    // The file of the second delivery is there, and the row never heard of it.
    place.put(before);
    place.own("three");
    place.courier.deliver();
    assert_eq!(place.names(), ["one", "three", "two"]);
    assert_eq!(place.files().len(), 2);
}

#[test]
fn a_folder_that_is_gone_is_told_and_waited_for() {
    let place = Place::new(true);
    let away = place.folder.path().with_extension("away");
    fs::rename(place.folder.path(), &away).unwrap();
    place.own("one");
    place.courier.deliver();
    let row = place.row();
    assert_eq!((row.delivery.error.as_deref(), row.delivery.done), (Some("NoSuchBucket"), None));
    fs::rename(&away, place.folder.path()).unwrap();
    place.own("two");
    place.courier.deliver();
    assert_eq!(place.names(), ["one", "two"]);
    assert_eq!(place.row().delivery.error, None);
}

#[test]
fn a_digest_that_cant_be_written_is_told_and_made_up_for() {
    let place = Place::new(true);
    place.own("one");
    place.courier.deliver();
    let away = place.folder.path().with_extension("away");
    fs::rename(place.folder.path(), &away).unwrap();
    place.pass(HOUR_MS);
    place.courier.deliver();
    let told = |place: &Place| (place.row().delivery.error, place.row().delivery.digest_error);
    assert_eq!(told(&place), (None, Some("NoSuchBucket".into())));
    fs::rename(&away, place.folder.path()).unwrap();
    place.courier.deliver();
    assert_eq!(told(&place), (None, None));
    let report = place.verify();
    assert_eq!((report.digests, report.files, report.wrong.len()), (1, 1, 0), "{report:?}");
}

#[test]
fn a_trail_that_stops_delivers_what_came_before_and_ends() {
    let place = Place::new(true);
    place.own("before");
    place.pass(2_000);
    let mut row = place.row();
    row.is_logging = false;
    row.stopped_at = Some(Timestamp(NOW_MS + 1_000));
    place.put(row);
    place.own("after");
    place.courier.deliver();
    // What waits to be written may still be from before.
    assert!(place.row().delivery.is_open);
    place.pass(10_000);
    place.courier.deliver();
    assert_eq!(place.names(), ["before"]);
    assert!(!place.row().delivery.is_open);
    assert_eq!(place.verify().wrong, [""; 0]);
    assert_eq!(place.verify().digests, 1);
}

#[test]
fn a_bucket_that_was_taken_from_an_account_gets_nothing_more_of_it() {
    let place = Place::new(false);
    place.own("first");
    place.courier.deliver();
    place.give(BucketAccounts::These(["444455556666".parse().unwrap()].into()));
    place.own("second");
    place.pass(1_000);
    place.courier.deliver();
    assert_eq!(place.names(), ["first"]);
    assert_eq!(place.row().delivery.error.as_deref(), Some("NoSuchBucket"));
    place.give(BucketAccounts::These([place.row().scope.account].into()));
    place.pass(HOUR_MS);
    place.courier.deliver();
    assert_eq!(place.names(), ["first", "second"]);
}

#[test]
fn a_clock_that_goes_back_loses_nothing() {
    let place = Place::new(true);
    place.hour("first");
    place.pass(-HOUR_MS / 4);
    place.own("again");
    place.courier.deliver();
    place.pass(2 * HOUR_MS);
    place.courier.deliver();
    assert_eq!(place.names(), ["again", "firsta", "firstb"]);
    assert_eq!(place.verify().wrong, [""; 0]);
}

#[test]
fn what_was_delivered_is_valid_and_nothing_can_be_changed_unseen() {
    let place = Place::new(true);
    for name in ["first", "second", "third"] {
        place.hour(name);
    }
    let report = place.verify();
    assert_eq!((report.digests, report.files, report.wrong.len(), report.pending.len()), (3, 6, 0, 0), "{report:?}");
    let path = |object: &str| place.folder.path().join(object);
    let mut all = Vec::new();
    collect(place.folder.path(), place.folder.path(), &mut all);
    let only_last = all
        .iter()
        .filter(|object| object.contains("Digest"))
        .max()
        .unwrap()
        .trim_end_matches(digest::METADATA)
        .to_owned();
    for object in &all {
        let kept = fs::read(path(object)).unwrap();
        let is_last = object.starts_with(&only_last);
        fs::remove_file(path(object)).unwrap();
        // That the newest digest is gone shows by its files, which are in none.
        let report = place.verify();
        assert!(
            !report.wrong.is_empty() || (is_last && !report.pending.is_empty()),
            "{object} was removed: {report:?}"
        );
        let mut altered = kept.clone();
        let middle = altered.len() / 2;
        altered[middle] ^= 1;
        fs::write(path(object), &altered).unwrap();
        assert!(!place.verify().wrong.is_empty(), "{object} was altered");
        fs::write(path(object), &kept).unwrap();
    }
    assert_eq!(place.verify().wrong, [""; 0]);
    // A record that was taken out of a file that is otherwise well.
    let object = &place.files()[0];
    let kept = fs::read(path(object)).unwrap();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(br#"{"Records":[]}"#).unwrap();
    fs::write(path(object), encoder.finish().unwrap()).unwrap();
    assert_eq!(place.verify().wrong, [format!("{object} was altered.")]);
    fs::write(path(object), &kept).unwrap();
    // A file that nobody delivered.
    let forged = object.replace("Z_", "Z_0");
    fs::write(path(&forged), &kept).unwrap();
    assert_eq!(place.verify().wrong, [format!("{forged} was never delivered: no digest names it.")]);
}

/// More than a round reads.
fn flood(place: &Place) {
    let long = "x".repeat(1 << 20);
    for _ in 0..=ROUND_BYTES >> 20 {
        place.event(&long, "444455556666", "us-east-1");
    }
    // A piece is read whole, whatever its bytes.
    for _ in 0..PIECE {
        place.event("theirs", "444455556666", "us-east-1");
    }
}

#[test]
fn one_that_fails_holds_up_no_other() {
    let place = Place::new(false);
    place.put(Trail { name: "stuck".into(), bucket: "away".into(), ..trail_row(false) });
    let stuck = || place.courier.engine.read().trails.iter().find(|row| row.name == "stuck").unwrap().clone();
    let deliver = || while place.courier.deliver() {};
    place.own("one");
    deliver();
    assert_eq!((place.names(), stuck().delivery.error.as_deref()), (vec!["one".to_owned()], Some("NoSuchBucket")));
    flood(&place);
    for name in ["two", "three"] {
        place.own(name);
        place.pass(300_000);
        deliver();
    }
    assert_eq!(place.names(), ["one", "three", "two"]);
    // It is tried more and more seldom, and has all once its folder is there.
    let tried = stuck().delivery.tried_at;
    place.pass(100_000);
    deliver();
    assert_eq!(stuck().delivery.tried_at, tried);
    fs::create_dir(place.folder.path().join("away")).unwrap();
    place.pass(600_000);
    deliver();
    assert_eq!(place.names(), ["one", "one", "three", "three", "two", "two"]);
    assert_eq!((stuck().delivery.error, stuck().delivery.failing_since), (None, None));
}

#[test]
fn what_came_before_a_stop_is_delivered_after_a_start() {
    let place = Place::new(true);
    place.own("one");
    place.courier.deliver();
    place.own("deed");
    place.pass(2_000);
    place.ask(|tx| trail::stop(tx, "all")).unwrap();
    place.pass(2_000);
    place.own("silent");
    place.pass(2_000);
    place.ask(|tx| trail::start(tx, "all")).unwrap();
    place.own("again");
    place.courier.deliver();
    assert_eq!(place.names(), ["again", "deed", "one"]);
    place.pass(HOUR_MS);
    place.own("later");
    place.courier.deliver();
    assert_eq!(place.row().delivery.silences, []);
    assert_eq!(place.names(), ["again", "deed", "later", "one"]);
    let report = place.verify();
    assert_eq!((report.digests, report.files, report.wrong.len(), report.pending.len()), (1, 3, 0, 0), "{report:?}");
}

#[test]
fn a_deleted_trail_delivers_what_came_before_and_goes() {
    let place = Place::new(true);
    place.own("deed");
    place.pass(2_000);
    place.ask(|tx| trail::delete(tx, "all")).unwrap();
    place.ask(|tx| trail::start(tx, "all")).unwrap_err();
    place.pass(2_000);
    place.own("after");
    // Another may have its name.
    place.put(Trail { started_at: None, is_logging: false, delivery: Delivery::default(), ..trail_row(true) });
    place.pass(10_000);
    place.courier.deliver();
    assert_eq!(place.names(), ["deed"]);
    assert_eq!(place.courier.engine.read().trails.len(), 1);
    assert!(!place.row().delivery.is_open);
    let report = place.verify();
    assert_eq!((report.digests, report.files, report.wrong.len()), (1, 1, 0), "{report:?}");
}

#[test]
fn a_deleted_trail_that_never_gets_through_is_given_up() {
    let place = Place::new(false);
    place.own("deed");
    fs::rename(place.folder.path(), place.folder.path().with_extension("gone")).unwrap();
    place.pass(2_000);
    place.ask(|tx| trail::delete(tx, "all")).unwrap();
    for _ in 0..8 {
        place.courier.deliver();
        assert_eq!(place.courier.engine.read().trails.len(), 1);
        place.pass(24 * HOUR_MS);
    }
    place.courier.deliver();
    assert_eq!(place.courier.engine.read().trails.len(), 0);
    fs::remove_dir_all(place.folder.path().with_extension("gone")).unwrap();
}

#[test]
fn digests_that_are_given_up_end_with_one_of_all_files() {
    let place = Place::new(true);
    let validate = |on| {
        place.ask(|tx| trail::update(tx, "all", TrailChange { validates: Some(on), ..Default::default() })).unwrap()
    };
    place.own("one");
    place.courier.deliver();
    place.own("two");
    validate(false);
    place.pass(10_000);
    place.courier.deliver();
    let report = place.verify();
    assert_eq!((report.digests, report.files, report.wrong.len()), (1, 2, 0), "{report:?}");
    // Whoever turns them off and on in between has one chain.
    validate(true);
    place.own("three");
    validate(false);
    validate(true);
    place.pass(HOUR_MS);
    place.courier.deliver();
    let report = place.verify();
    assert_eq!((report.digests, report.files, report.wrong.len()), (2, 3, 0), "{report:?}");
}

#[test]
fn a_key_that_isnt_kept_signs_nothing() {
    let mut refused = 0;
    for seed in 1..=5 {
        let log = FaultyLog::new(Box::new(MemoryLog::new()), seed, 1);
        let faults = log.faults();
        faults.healed.store(true, Ordering::Relaxed);
        let place = Place::over(true, Box::new(log));
        faults.healed.store(false, Ordering::Relaxed);
        match place.courier.signing_key(Region::DEFAULT) {
            Ok(_) => assert_eq!(place.courier.engine.read().digest_keys.len(), 1),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 0);
}

#[test]
fn no_prefix_leads_where_files_are_delivered() {
    let place = Place::new(false);
    let change = |prefix: &str| {
        let asked = TrailChange { prefix: Some(prefix.into()), ..Default::default() };
        place.ask(|tx| trail::update(tx, "all", asked))
    };
    let first = "here/AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/11/22/first.json.gz";
    for prefix in [first, "awslogs", "x/AWSLogs"] {
        assert!(change(prefix).is_err(), "{prefix}");
    }
    change("here/AWSLogs-of-mine").unwrap();
}
