//! What every log driver must do, as one suite: a driver's test calls [`check_log`].
//!
//! It panics, like a test, at the first thing that is not so.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Batch, BulkEntry, BulkRecord, Cursor, Log, LogError, LoggedCommit, Position, Retention};
use crate::change::{Change, Commit};
use crate::value::Value;

/// A place that keeps a log: opening it again after the log was dropped is what a restart is.
pub trait LogPlace {
    /// Opens the log there.
    fn open(&self) -> Box<dyn Log>;
}

impl<F: Fn() -> Box<dyn Log>> LogPlace for F {
    fn open(&self) -> Box<dyn Log> {
        self()
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Note {
    id: String,
    text: String,
}

crate::value! {
    struct Notes {
        notes: NoteTable = "note" v3 { row: Note, key: String = |note| note.id.clone() },
    }
}

/// Runs the whole suite; `place` gives a new, empty place each time.
pub fn check_log<P: LogPlace>(place: impl Fn() -> P) {
    begins_empty(&place());
    keeps_what_it_was_told(&place());
    gives_history_with_before_and_after(&place());
    refuses_old_epochs(&place());
    refuses_gaps(&place());
    keeps_cursors(&place());
    keeps_bulk_records(&place());
    finds_bulk_records_by_their_keys(&place());
    finds_bulk_records_whose_clock_went_back(&place());
    writes_records_with_their_commits(&place());
    compacts_history_but_no_state(&place());
    agrees_with_a_model(&place());
}

fn begins_empty(place: &impl LogPlace) {
    let mut log = place.open();
    let first = log.take().expect("take");
    assert_eq!(state(&mut *log), (BTreeMap::new(), Position::default()));
    assert_eq!(log.tail(0, 9).expect("tail"), []);
    assert!(log.take().expect("take") > first, "each taking has a new epoch");
}

fn keeps_what_it_was_told(place: &impl LogPlace) {
    let mut writer = Writer::open(place);
    writer.append(&[
        &[("a", Some("1")), ("b", Some("2"))],
        &[("a", Some("3"))],
        &[("b", None), ("ü\"'\n", Some("x\u{0}y"))],
    ]);
    let expected = BTreeMap::from([("a".to_owned(), "3".to_owned()), ("ü\"'\n".to_owned(), "x\u{0}y".to_owned())]);
    for _ in 0..2 {
        let (rows, position) = state(&mut *writer.log);
        assert_eq!(rows, expected);
        assert_eq!(position, Position { revision: 3, time_ms: 3_000, floor: 0 });
        drop(writer);
        writer = Writer::open(place);
    }
    writer.append(&[&[("c", Some("4"))]]);
    assert_eq!(writer.log.position().expect("position").revision, 4);
}

fn gives_history_with_before_and_after(place: &impl LogPlace) {
    let mut writer = Writer::open(place);
    writer.append(&[&[("a", Some("1")), ("b", Some("1"))], &[("a", Some("2"))]]);
    writer.append(&[&[("a", None)], &[("a", Some("3"))]]);
    let history = writer.log.tail(0, 100).expect("tail");
    assert_eq!(
        history.iter().map(short).collect::<Vec<_>>(),
        [
            "1 at 1000 Some(\"{\\\"n\\\":1}\"): a - > 1, b - > 1",
            "2 at 2000 None: a 1 > 2",
            "3 at 3000 Some(\"{\\\"n\\\":3}\"): a 2 > -",
            "4 at 4000 None: a - > 3"
        ]
    );
    assert_eq!(writer.log.tail(1, 2).expect("tail"), history[1..3]);
    assert_eq!(writer.log.tail(4, 2).expect("tail"), []);
    let body = history[0].changes[0].after.as_ref().expect("a body");
    assert_eq!((body.version, body.json.as_str()), (3, r#"{"id":"a","text":"1"}"#));
}

fn refuses_old_epochs(place: &impl LogPlace) {
    let mut writer = Writer::open(place);
    writer.append(&[&[("a", Some("1"))]]);
    let old = writer.epoch;
    writer.epoch = writer.log.take().expect("take");
    let batch = writer.batch(&[&[("a", Some("2"))]]);
    assert!(matches!(writer.log.append(old, &batch), Err(LogError::Fenced { ours, .. }) if ours == old));
    assert!(matches!(writer.log.compact(old, 1), Err(LogError::Fenced { .. })));
    assert_eq!(writer.log.position().expect("position").revision, 1);
    writer.log.append(writer.epoch, &batch).expect("the new epoch writes");
}

fn refuses_gaps(place: &impl LogPlace) {
    let mut writer = Writer::open(place);
    writer.append(&[&[("a", Some("1"))]]);
    for wrong in [0, 2] {
        writer.model.revision = wrong;
        let batch = writer.batch(&[&[("a", Some("2"))]]);
        assert!(matches!(writer.log.append(writer.epoch, &batch), Err(LogError::Conflict { last: 1, .. })));
    }
    assert_eq!(writer.log.position().expect("position").revision, 1);
}

fn keeps_cursors(place: &impl LogPlace) {
    let mut writer = Writer::open(place);
    let cursor = |name: &str, revision, retention| Cursor { name: name.to_owned(), revision, retention };
    let moved = Batch {
        cursors: vec![
            cursor("audit", 1, Retention::Held),
            cursor("events", 5, Retention::Bounded),
            cursor("gone", 2, Retention::Held),
            cursor("audit", 7, Retention::Held),
        ],
        ..Batch::default()
    };
    writer.log.append(writer.epoch, &moved).expect("append");
    let forget = Batch { forgotten_cursors: vec!["gone".to_owned()], ..Batch::default() };
    writer.log.append(writer.epoch, &forget).expect("append");
    drop(writer);
    let cursors = place.open().cursors().expect("cursors");
    assert_eq!(cursors, [cursor("audit", 7, Retention::Held), cursor("events", 5, Retention::Bounded)]);
}

fn entry(stream: &str, time_ms: i64, record: &str, keys: &[u64]) -> BulkEntry {
    BulkEntry { stream: Arc::from(stream), time_ms, record: record.into(), keys: keys.to_vec() }
}

fn keeps_bulk_records(place: &impl LogPlace) {
    let mut writer = Writer::open(place);
    let records = |stream: &str, texts: &[&str]| Batch {
        bulk: texts.iter().map(|text| entry(stream, 9, text, &[])).collect(),
        ..Batch::default()
    };
    writer.log.append(writer.epoch, &records("reads", &["a", "b", "c"])).expect("append");
    writer.log.append(writer.epoch, &records("flows", &["x"])).expect("append");
    assert!(writer.log.append(writer.epoch, &records("no; such", &["x"])).is_err());
    let last = writer.log.bulk("reads", 0, 9).expect("bulk").pop().expect("a record").number;
    writer.log.trim_bulk("reads", last).expect("trim");
    drop(writer);
    let mut writer = Writer::open(place);
    writer.log.append(writer.epoch, &records("reads", &["d", "e"])).expect("append");
    let read = |log: &mut dyn Log, stream: &str, after, limit| log.bulk(stream, after, limit).expect("bulk");
    let texts = |records: &[BulkRecord]| records.iter().map(|record| record.record.clone()).collect::<Vec<_>>();
    let both = read(&mut *writer.log, "reads", 0, 9);
    assert_eq!(texts(&both), ["d", "e"]);
    assert!(both[0].number > last && both[1].number > both[0].number, "numbers are never used again");
    assert_eq!(read(&mut *writer.log, "reads", both[0].number, 9), both[1..]);
    assert_eq!(read(&mut *writer.log, "reads", 0, 1), both[..1]);
    assert_eq!(texts(&read(&mut *writer.log, "flows", 0, 9)), ["x"]);
    assert_eq!(read(&mut *writer.log, "never", 0, 9), []);
}

fn finds_bulk_records_by_their_keys(place: &impl LogPlace) {
    const APPENDS: u64 = 40;
    let mut writer = Writer::open(place);
    for number in 0..APPENDS {
        let time_ms = 1_000 * number.cast_signed();
        let bulk =
            (0..3).map(|place| entry("reads", time_ms, &format!("{number}.{place}"), &[7, number % 4])).collect();
        writer.log.append(writer.epoch, &Batch { bulk, ..Batch::default() }).expect("append");
    }
    let mut all = |key: u64, until_ms: i64| {
        let (mut found, mut before) = (Vec::new(), u64::MAX);
        loop {
            let more = writer.log.find_bulk("reads", key, before, until_ms).expect("find");
            let Some(last) = more.last() else { return found };
            assert!(last.number < before);
            before = last.number;
            found.extend(more.into_iter().map(|record| record.record));
        }
    };
    let expected = |wanted: &dyn Fn(u64) -> bool| {
        let numbers = (0..APPENDS).rev().filter(|number| wanted(*number));
        numbers.flat_map(|number| (0..3).rev().map(move |place| format!("{number}.{place}"))).collect::<Vec<_>>()
    };
    assert_eq!(all(7, i64::MAX), expected(&|_| true));
    assert_eq!(all(2, i64::MAX), expected(&|number| number % 4 == 2));
    assert_eq!(all(2, 9_500), expected(&|number| number % 4 == 2 && number <= 9));
    assert_eq!((all(7, -1), all(9, i64::MAX)), (Vec::new(), Vec::new()));
    let half = writer.log.bulk("reads", 0, 60).expect("bulk").pop().expect("a record").number;
    writer.log.trim_bulk("reads", half).expect("trim");
    let first = writer.log.bulk("reads", 0, 1).expect("bulk").pop().expect("a record").record;
    assert_eq!(first, "20.0");
    assert_eq!(writer.log.find_bulk("reads", 1, u64::MAX, 20_000).expect("find"), [], "what is trimmed has no keys");
}

fn finds_bulk_records_whose_clock_went_back(place: &impl LogPlace) {
    let mut writer = Writer::open(place);
    // As the clock goes: on, some seconds back, and on again.
    let times = [1_000, 2_000, 3_000, 500, 600, 700, 2_500, 4_000];
    for (number, time_ms) in times.into_iter().enumerate() {
        let bulk = vec![entry("reads", time_ms, &number.to_string(), &[1])];
        writer.log.append(writer.epoch, &Batch { bulk, ..Batch::default() }).expect("append");
    }
    let kept = writer.log.bulk("reads", 0, 99).expect("bulk");
    assert!(kept.is_sorted_by_key(|record| record.time_ms), "{kept:?}");
    let mut until = |until_ms: i64| {
        let (mut found, mut before) = (Vec::new(), u64::MAX);
        while let Some(last) = {
            let more = writer.log.find_bulk("reads", 1, before, until_ms).expect("find");
            let last = more.last().map(|record| record.number);
            found.extend(more.into_iter().map(|record| record.record));
            last
        } {
            before = last;
        }
        let number = writer.log.bulk_until("reads", until_ms).expect("until");
        (found, number)
    };
    let (found, number) = until(2_000);
    assert_eq!(found, ["1", "0"], "those that came before, and no others");
    assert!(number >= kept[1].number && number < kept[2].number);
    assert_eq!(until(3_500).0, ["6", "5", "4", "3", "2", "1", "0"]);
    assert_eq!(until(i64::MAX).0.len(), times.len());
}

fn writes_records_with_their_commits(place: &impl LogPlace) {
    let mut writer = Writer::open(place);
    let mut batch = writer.batch(&[&[("a", Some("1"))], &[("b", Some("1"))]]);
    for (commit, time_ms) in batch.commits.iter_mut().zip([5, 3]) {
        let records = Arc::from([entry("reads", time_ms, &format!("of {}", commit.revision), &[1])]);
        *commit = Arc::new(Commit { records, ..(**commit).clone() });
    }
    batch.bulk.push(entry("reads", 4, "alone", &[1]));
    assert!(matches!(writer.log.append(writer.epoch + 1, &batch), Err(LogError::Fenced { .. })));
    assert_eq!(writer.log.bulk("reads", 0, 9).expect("bulk"), [], "what is refused writes no record");
    writer.log.append(writer.epoch, &batch).expect("append");
    let found = writer.log.find_bulk("reads", 1, u64::MAX, i64::MAX).expect("find");
    let texts: Vec<_> = found.iter().map(|record| record.record.as_str()).collect();
    assert_eq!(texts, ["of 1", "alone", "of 2"], "newest first");
    assert_eq!(writer.log.tail(0, 9).expect("tail").len(), 2);
}

fn compacts_history_but_no_state(place: &impl LogPlace) {
    let mut writer = Writer::open(place);
    writer.append(&[&[("a", Some("1")), ("b", Some("1"))], &[("a", Some("2"))], &[("b", None)], &[("a", Some("3"))]]);
    writer.append(&[&[("a", None)], &[("a", Some("4")), ("c", Some("1"))]]);
    let (before, _) = state(&mut *writer.log);
    let history = writer.log.tail(3, 9).expect("tail");
    for floor in [2, 3, 3, 1] {
        writer.log.compact(writer.epoch, floor).expect("compact");
    }
    assert_eq!(writer.log.tail(3, 9).expect("tail"), history, "what was before outlives compaction");
    assert!(matches!(writer.log.tail(2, 9), Err(LogError::Compacted { floor: 3 })));
    writer.log.compact(writer.epoch, 99).expect("compact");
    assert_eq!(writer.log.tail(6, 9).expect("tail"), []);
    drop(writer);
    let mut writer = Writer::open(place);
    assert_eq!(state(&mut *writer.log), (before, Position { revision: 6, time_ms: 6_000, floor: 6 }));
    writer.append(&[&[("c", Some("2"))]]);
    assert_eq!(short(&writer.log.tail(6, 9).expect("tail")[0]), "7 at 7000 Some(\"{\\\"n\\\":7}\"): c 1 > 2");
}

/// Long and random, with compaction and reopening on the way.
fn agrees_with_a_model(place: &impl LogPlace) {
    let mut writer = Writer::open(place);
    let mut random = 0x2545_f491_u64;
    let mut draw = |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    for round in 0..300 {
        let (id, text) = (format!("row{}", draw(12)), format!("{round}"));
        let present = writer.model.rows.contains_key(&id);
        let text = if present && draw(3) == 0 { None } else { Some(text.as_str()) };
        writer.append(&[&[(id.as_str(), text)]]);
        if draw(10) == 0 {
            let floor = writer.model.revision - draw(writer.model.revision.min(20));
            writer.log.compact(writer.epoch, floor).expect("compact");
        }
        if draw(20) == 0 {
            let model = std::mem::take(&mut writer.model);
            drop(writer);
            writer = Writer::open(place);
            let (rows, position) = state(&mut *writer.log);
            assert_eq!((&rows, position.revision), (&model.rows, model.revision));
            let mut replayed = model.rows_at(position.floor);
            for commit in writer.log.tail(position.floor, 1_000).expect("tail") {
                for change in commit.changes {
                    let (before, after) = (text_of(change.before.as_ref()), text_of(change.after.as_ref()));
                    let held = match after {
                        Some(after) => replayed.insert(change.id, after),
                        None => replayed.remove(&change.id),
                    };
                    assert_eq!(held, before, "what was before is what the commit before left");
                }
            }
            assert_eq!(replayed, rows);
            writer.model = model;
        }
    }
}

#[derive(Default)]
struct Model {
    value: Notes,
    rows: BTreeMap<String, String>,
    past: Vec<BTreeMap<String, String>>,
    revision: u64,
}

impl Model {
    fn rows_at(&self, revision: u64) -> BTreeMap<String, String> {
        let at = usize::try_from(revision).expect("small");
        at.checked_sub(1).map(|at| self.past[at].clone()).unwrap_or_default()
    }
}

struct Writer {
    log: Box<dyn Log>,
    epoch: u64,
    model: Model,
}

type Edit<'a> = (&'a str, Option<&'a str>);

impl Writer {
    fn open(place: &impl LogPlace) -> Self {
        let mut log = place.open();
        let epoch = log.take().expect("take");
        let mut model = Model::default();
        let position = log.load(&mut |row| {
            let change = Notes::decode(row.kind, Some(row.id), None, Some((row.version, row.body))).expect("decode");
            model.value.apply(&change);
            Ok(())
        });
        model.revision = position.expect("load").revision;
        Self { log, epoch, model }
    }

    /// One commit for each group of edits.
    fn batch(&mut self, groups: &[&[Edit<'_>]]) -> Batch {
        let mut batch = Batch::default();
        for edits in groups {
            let model = &mut self.model;
            model.revision += 1;
            let changes: Vec<Change> = edits
                .iter()
                .map(|(id, text)| {
                    let id = (*id).to_owned();
                    let after = text.map(|text| Arc::new(Note { id: id.clone(), text: text.to_owned() }));
                    let change = Change::new::<NoteTable>(id.clone(), model.value.notes.get_arc(&id), after);
                    model.value.apply(&change);
                    match text {
                        Some(text) => model.rows.insert(id, (*text).to_owned()),
                        None => model.rows.remove(&id),
                    };
                    change
                })
                .collect();
            model.past.push(model.rows.clone());
            let (revision, time_ms) = (model.revision, model.revision.cast_signed() * 1_000);
            let note = (revision % 2 == 1).then(|| Arc::from(format!("{{\"n\":{revision}}}")));
            let records = Arc::default();
            batch.commits.push(Arc::new(Commit { revision, time_ms, note, records, changes: changes.into() }));
        }
        batch
    }

    fn append(&mut self, groups: &[&[Edit<'_>]]) {
        let batch = self.batch(groups);
        self.log.append(self.epoch, &batch).expect("append");
    }
}

fn state(log: &mut dyn Log) -> (BTreeMap<String, String>, Position) {
    let mut rows = BTreeMap::new();
    let position = log.load(&mut |row| {
        assert_eq!((row.kind, row.version), ("note", 3));
        let note: Note = serde_json::from_str(row.body).expect("a note");
        assert_eq!(note.id, row.id);
        assert!(rows.insert(note.id, note.text).is_none(), "each row is handed over once");
        Ok(())
    });
    (rows, position.expect("load"))
}

fn text_of(body: Option<&crate::change::Body>) -> Option<String> {
    body.map(|body| serde_json::from_str::<Note>(&body.json).expect("a note").text)
}

fn short(commit: &LoggedCommit) -> String {
    let side = |body: &Option<crate::change::Body>| text_of(body.as_ref()).unwrap_or_else(|| "-".to_owned());
    let changes: Vec<String> = commit
        .changes
        .iter()
        .map(|change| format!("{} {} > {}", change.id, side(&change.before), side(&change.after)))
        .collect();
    format!("{} at {} {:?}: {}", commit.revision, commit.time_ms, commit.note, changes.join(", "))
}
