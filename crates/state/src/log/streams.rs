//! Bulk streams in SQLite: records that are only appended, by the handful in a row, and what they are found by.
//!
//! A row of `bulk_<stream>` holds the records of one append, a line each, so that a thousand records a second cost a few
//! rows. `bulk_keys` names the rows of each key, newest last, so that a page of what has a key costs the page, whatever
//! the stream's size. A record's number is its row's with its place there: `number << 8 | place`.
//!
//! ```sql
//! SELECT number, time_ms, records FROM bulk_events ORDER BY number DESC LIMIT 9;
//! ```

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::{BulkEntry, BulkRecord};

/// Bits of a record's number that say its place in the row.
const PLACE_BITS: u32 = 8;
/// Records of a row, at most.
const ROW_RECORDS: usize = 1 << PLACE_BITS;

/// The rows of all keys.
pub(super) const SCHEMA: &str = "
    CREATE TABLE bulk_keys (key INTEGER NOT NULL, stream TEXT NOT NULL, number INTEGER NOT NULL,
                            PRIMARY KEY (key, stream, number)) WITHOUT ROWID;
";

/// Makes the tables of a log of schema 1, which had one record in a row and no keys, those of schema 2.
pub(super) fn upgrade(tx: &Transaction<'_>) -> rusqlite::Result<()> {
    tx.execute_batch(SCHEMA)?;
    let names = tx
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND substr(name, 1, 5) = 'bulk_' AND name <> 'bulk_keys'")?
        .query_map([], |row| row.get::<_, String>(0))?
        .collect::<Result<Vec<_>, _>>()?;
    for name in names {
        tx.execute_batch(&format!(
            "ALTER TABLE {name} RENAME COLUMN record TO records;
             ALTER TABLE {name} ADD COLUMN count INTEGER NOT NULL DEFAULT 1;
             ALTER TABLE {name} ADD COLUMN keys BLOB;"
        ))?;
    }
    Ok(())
}

/// Makes a stream's table, if it isn't there.
pub(super) fn create(tx: &Transaction<'_>, stream: &str) -> rusqlite::Result<()> {
    // Numbers must not be used again after a trim: hence AUTOINCREMENT.
    tx.execute_batch(&format!(
        "CREATE TABLE IF NOT EXISTS bulk_{stream}
         (number INTEGER PRIMARY KEY AUTOINCREMENT, time_ms INTEGER NOT NULL, records TEXT NOT NULL,
          count INTEGER NOT NULL, keys BLOB)"
    ))
}

/// Writes records, of which those of a stream stand together. Calls `ensure` with each stream first.
pub(super) fn append(
    tx: &Transaction<'_>,
    records: &[&BulkEntry],
    mut ensure: impl FnMut(&Arc<str>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    for of_stream in records.chunk_by(|a, b| a.stream == b.stream) {
        let stream = &of_stream[0].stream;
        ensure(stream)?;
        for row in of_stream.chunks(ROW_RECORDS) {
            append_row(tx, stream, row)?;
        }
    }
    Ok(())
}

fn append_row(tx: &Transaction<'_>, stream: &str, row: &[&BulkEntry]) -> rusqlite::Result<()> {
    let mut lines = String::with_capacity(row.iter().map(|entry| entry.record.len() + 1).sum());
    for (place, entry) in row.iter().enumerate() {
        if place > 0 {
            lines.push('\n');
        }
        lines.push_str(&entry.record);
    }
    let mut keys: Vec<i64> = row.iter().flat_map(|entry| &entry.keys).map(|key| key.cast_signed()).collect();
    keys.sort_unstable();
    keys.dedup();
    let packed: Vec<u8> = keys.iter().flat_map(|key| key.to_le_bytes()).collect();
    // Times never go back, whatever the clocks of those did who made the records: they are found by halving.
    let last = format!("SELECT time_ms FROM bulk_{stream} ORDER BY number DESC LIMIT 1");
    let last: Option<i64> = tx.prepare_cached(&last)?.query_row([], |row| row.get(0)).optional()?;
    let time_ms = row.iter().map(|entry| entry.time_ms).chain(last).max().unwrap_or(0);
    let sql = format!("INSERT INTO bulk_{stream} (time_ms, records, count, keys) VALUES (?1, ?2, ?3, ?4)");
    tx.prepare_cached(&sql)?.execute(params![time_ms, lines, i64::try_from(row.len()).unwrap_or(0), packed])?;
    let number = tx.last_insert_rowid();
    let mut insert = tx.prepare_cached("INSERT INTO bulk_keys VALUES (?1, ?2, ?3)")?;
    for key in keys {
        insert.execute(params![key, stream, number])?;
    }
    Ok(())
}

/// Up to `limit` records after number `after`.
pub(super) fn read(
    connection: &Connection,
    stream: &str,
    after: u64,
    limit: usize,
) -> rusqlite::Result<Vec<BulkRecord>> {
    let sql = format!("SELECT number, time_ms, records, count FROM bulk_{stream} WHERE number >= ?1 ORDER BY number");
    let mut select = connection.prepare_cached(&sql)?;
    let mut rows = select.query([(after >> PLACE_BITS).cast_signed()])?;
    let mut found = Vec::new();
    while found.len() < limit
        && let Some(row) = rows.next()?
    {
        found.extend(records(row)?.into_iter().filter(|record| record.number > after));
    }
    found.truncate(limit);
    Ok(found)
}

/// The records of the newest row before number `before` that has the key, newest first.
pub(super) fn find(
    connection: &Connection,
    stream: &str,
    key: u64,
    before: u64,
    until_ms: i64,
) -> rusqlite::Result<Vec<BulkRecord>> {
    let Some(newest) = newest_until(connection, stream, until_ms)? else { return Ok(Vec::new()) };
    // Records before the one in its own row may still be asked for.
    let last = before.saturating_sub(1) >> PLACE_BITS;
    let mut numbers = connection.prepare_cached(
        "SELECT number FROM bulk_keys WHERE key = ?1 AND stream = ?2 AND number <= ?3 ORDER BY number DESC",
    )?;
    let mut numbers = numbers.query(params![key.cast_signed(), stream, last.min(newest).cast_signed()])?;
    let sql = format!("SELECT number, time_ms, records, count FROM bulk_{stream} WHERE number = ?1");
    let mut select = connection.prepare_cached(&sql)?;
    while let Some(row) = numbers.next()? {
        let number: i64 = row.get(0)?;
        let Some(all) = select.query_row([number], records).optional()? else { continue };
        let found: Vec<_> = all.into_iter().rev().filter(|record| record.number < before).collect();
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

/// The number of the last record in the rows that were written by then.
pub(super) fn until(connection: &Connection, stream: &str, until_ms: i64) -> rusqlite::Result<u64> {
    let newest = newest_until(connection, stream, until_ms)?.unwrap_or(0);
    Ok(if newest == 0 { 0 } else { newest << PLACE_BITS | (ROW_RECORDS as u64 - 1) })
}

/// The number of the newest row that was written by then: times grow with numbers, so halving finds it.
fn newest_until(connection: &Connection, stream: &str, until_ms: i64) -> rusqlite::Result<Option<u64>> {
    let bounds = format!("SELECT min(number), max(number) FROM bulk_{stream}");
    let bounds = connection.prepare_cached(&bounds)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (Some(mut low), Some(mut high)) = bounds else { return Ok(None) };
    let sql = format!("SELECT time_ms FROM bulk_{stream} WHERE number >= ?1 ORDER BY number LIMIT 1");
    let mut select = connection.prepare_cached(&sql)?;
    let mut time_at = |number: i64| select.query_row([number], |row| row.get::<_, i64>(0));
    if time_at(high)? <= until_ms {
        return Ok(Some(high.cast_unsigned()));
    }
    while low < high {
        let middle = low + (high - low) / 2;
        if time_at(middle)? <= until_ms {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(Some((low - 1).max(0).cast_unsigned()))
}

/// Forgets rows of which all records have numbers up to `until`, and their keys.
pub(super) fn trim(tx: &Transaction<'_>, stream: &str, until: u64) -> rusqlite::Result<()> {
    let (last, place) = ((until >> PLACE_BITS).cast_signed(), until & (ROW_RECORDS as u64 - 1));
    let whole = "number < ?1 OR (number = ?1 AND count <= ?2 + 1)";
    let bound = params![last, place.cast_signed()];
    let mut select = tx.prepare_cached(&format!("SELECT number, keys FROM bulk_{stream} WHERE {whole}"))?;
    let mut rows = select.query(bound)?;
    let mut delete = tx.prepare_cached("DELETE FROM bulk_keys WHERE key = ?1 AND stream = ?2 AND number = ?3")?;
    while let Some(row) = rows.next()? {
        let (number, keys): (i64, Option<Vec<u8>>) = (row.get(0)?, row.get(1)?);
        for key in keys.iter().flat_map(|keys| keys.as_chunks::<8>().0) {
            delete.execute(params![i64::from_le_bytes(*key), stream, number])?;
        }
    }
    drop(rows);
    tx.execute(&format!("DELETE FROM bulk_{stream} WHERE {whole}"), bound)?;
    Ok(())
}

fn records(row: &Row<'_>) -> rusqlite::Result<Vec<BulkRecord>> {
    let (number, time_ms): (i64, i64) = (row.get(0)?, row.get(1)?);
    let lines = row.get_ref(2)?.as_str()?;
    let count: u16 = row.get(3)?;
    let first = number.cast_unsigned() << PLACE_BITS;
    // A row of one holds it as it is, whatever is in it.
    let lines = lines.splitn(usize::from(count.max(1)), '\n');
    let record =
        |(place, line): (usize, &str)| BulkRecord { number: first | place as u64, time_ms, record: line.to_owned() };
    Ok(lines.enumerate().map(record).collect())
}
