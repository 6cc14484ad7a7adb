//! What is kept for a while only: the audit's records. The oldest go first, a piece at a time, so that nobody has to wait
//! for it.

use std::time::Duration;

use landfall_api::audit::STREAM as AUDIT;
use landfall_cloud::{Cloud, trail};
use landfall_state::{BulkRecord, Engine, LogError};

use crate::trail as courier;

/// How long they are kept unless it is said otherwise: as far back as AWS shows events. Source: the CloudTrail User Guide,
/// "Working with CloudTrail event history".
pub const AUDIT_DAYS: u32 = 90;
/// For how much longer what a trail hasn't delivered is kept: time to mend it, which ends, or the log would fill the disk.
const HELD: Duration = Duration::from_secs(30 * 86_400);
/// How many go at once: more than the log keeps in a row.
const PIECE: usize = 500;
/// How often it is looked what has grown too old, and the pause between two pieces of it.
const EVERY: Duration = Duration::from_secs(3600);
const BREATH: Duration = Duration::from_millis(50);

/// Runs until the engine stops.
pub async fn run(engine: Engine<Cloud>, keep: Duration) {
    loop {
        let prune = {
            let engine = engine.clone();
            tokio::task::spawn_blocking(move || prune(&engine, keep))
        };
        let pause = match prune.await {
            Ok(Ok(true)) => BREATH,
            Ok(Ok(false)) => EVERY,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the audit's oldest records stay");
                EVERY
            }
            Err(_) => return,
        };
        tokio::time::sleep(pause).await;
    }
}

/// Takes away the oldest records, as far as they are older than that, but not more than a piece of them. Returns whether
/// there may be more.
fn prune(engine: &Engine<Cloud>, keep: Duration) -> Result<bool, LogError> {
    let keep_ms = i64::try_from(keep.as_millis()).unwrap_or(i64::MAX);
    let since = engine.now_ms().saturating_sub(keep_ms);
    let oldest = engine.bulk(AUDIT, 0, PIECE)?;
    let Some(first) = oldest.first().filter(|record| record.time_ms < since) else { return Ok(false) };
    // What a trail hasn't delivered yet is kept.
    let mut kept = (u64::MAX, String::new());
    for row in trail::active(&engine.read()) {
        let reached = courier::reached(engine, row)?;
        if reached < kept.0 {
            kept = (reached, row.arn().to_string());
        }
    }
    let held = since.saturating_sub(i64::try_from(HELD.as_millis()).unwrap_or(i64::MAX));
    let is_gone = |record: &&BulkRecord| record.time_ms < since && (record.number <= kept.0 || record.time_ms < held);
    let gone = oldest.iter().take_while(is_gone).count();
    if first.number > kept.0 {
        let trail = kept.1;
        tracing::error!(trail, given_up = gone, "old events are kept for a trail that doesn't deliver them");
    }
    let Some(last) = oldest[..gone].last() else { return Ok(false) };
    engine.trim_bulk(AUDIT, last.number)?;
    Ok(gone == PIECE)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use landfall_cloud::value::Trails;
    use landfall_cloud::{Entropy, Tx};
    use landfall_model::{Delivery, Region, Scope, Timestamp, Trail};
    use landfall_state::{BulkRefused, Clock, MemoryLog, Options};

    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

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

    #[test]
    fn the_oldest_go_piece_by_piece_and_nothing_younger() {
        let clock = Arc::new(SetClock::default());
        let options = Options { clock: clock.clone(), ..Options::default() };
        let engine = Engine::<Cloud>::open(Box::new(MemoryLog::new()), options).unwrap();
        let count = || engine.bulk(AUDIT, 0, usize::MAX).unwrap().len();
        let write = |records: usize| {
            let before = count();
            for number in 0..records {
                while engine.append_bulk(AUDIT, number.to_string()) == Err(BulkRefused::Full) {
                    std::thread::yield_now();
                }
            }
            while count() < before + records {
                std::thread::sleep(Duration::from_millis(5));
            }
        };
        write(2 * PIECE + 7);
        clock.0.fetch_add(DAY.as_millis() as i64, Ordering::Relaxed);
        write(5);
        clock.0.fetch_add(89 * DAY.as_millis() as i64 + 1, Ordering::Relaxed);
        assert!(!prune(&engine, 100 * DAY).unwrap());
        assert_eq!(count(), 2 * PIECE + 12);
        for left in [PIECE + 12, 12] {
            assert!(prune(&engine, 90 * DAY).unwrap(), "there may be more");
            assert_eq!(count(), left);
        }
        for _ in 0..2 {
            assert!(!prune(&engine, 90 * DAY).unwrap());
            assert_eq!(count(), 5);
        }
        let kept = engine.bulk(AUDIT, 0, 9).unwrap();
        assert_eq!(kept.iter().map(|record| record.record.as_str()).collect::<Vec<_>>(), ["0", "1", "2", "3", "4"]);
    }

    /// Puts a trail that has never delivered.
    fn put_trail(engine: &Engine<Cloud>) {
        let scope = Scope { account: "111122223333".parse().unwrap(), region: Region::DEFAULT };
        let row = Trail {
            scope,
            name: "stuck".into(),
            bucket: "away".into(),
            prefix: None,
            global_events: true,
            multi_region: false,
            validates: false,
            selectors: Vec::new(),
            is_logging: true,
            started_at: Some(Timestamp(0)),
            stopped_at: None,
            created_at: Timestamp(0),
            deleted_at: None,
            delivery: Delivery { is_open: true, ..Delivery::default() },
        };
        let pending = engine.commit(|head| {
            let done: Result<(), std::convert::Infallible> = head.transact(engine.now_ms(), None, |tx| {
                Tx::new(tx, scope, &mut Entropy::from_system()).put::<Trails>(row);
                Ok(())
            });
            let Ok(()) = done;
        });
        pending.wait().unwrap();
    }

    #[test]
    fn what_a_trail_hasnt_delivered_is_kept_for_a_while_longer() {
        let clock = Arc::new(SetClock(AtomicI64::new(DAY.as_millis() as i64)));
        let options = Options { clock: clock.clone(), ..Options::default() };
        let engine = Engine::<Cloud>::open(Box::new(MemoryLog::new()), options).unwrap();
        put_trail(&engine);
        engine.append_bulk(AUDIT, "one".into()).unwrap();
        while engine.bulk(AUDIT, 0, 9).unwrap().is_empty() {
            std::thread::sleep(Duration::from_millis(5));
        }
        let pass = |days: i64| {
            clock.0.fetch_add(days * DAY.as_millis() as i64, Ordering::Relaxed);
            prune(&engine, 90 * DAY).unwrap();
            engine.bulk(AUDIT, 0, 9).unwrap().len()
        };
        assert_eq!((pass(91), pass(28), pass(2)), (1, 1, 0));
    }
}
