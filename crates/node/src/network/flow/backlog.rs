//! Records that couldn't be written: they wait, and are tried again.
//!
//! A disk that is full, or that isn't mounted, is mended after a while. What waits is kept in memory, as much as there is
//! room for; of what doesn't fit, the oldest goes. An agent that ends takes it along.

use std::collections::{BTreeSet, VecDeque};

use landfall_model::FlowLogId;
use landfall_model::plan::FlowLogPlan;

use super::deliver::DeliveryError;
use super::record::Window;

/// How much waits at most, in bytes.
const MOST_BYTES: usize = 32 << 20;

/// Lines for a window, with the flow log as it was then.
#[derive(Clone, Debug)]
struct Waiting {
    log: FlowLogPlan,
    window: Window,
    lines: Vec<String>,
}

impl Waiting {
    fn bytes(&self) -> usize {
        self.lines.iter().map(String::len).sum()
    }
}

/// What waits, the oldest first.
#[derive(Debug, Default)]
pub struct Backlog {
    waiting: VecDeque<Waiting>,
    bytes: usize,
}

impl Backlog {
    /// Keeps lines that couldn't be written. Returns how many windows had to go for it.
    pub fn keep(&mut self, log: &FlowLogPlan, window: Window, lines: Vec<String>) -> usize {
        let waiting = Waiting { log: log.clone(), window, lines };
        self.bytes += waiting.bytes();
        self.waiting.push_back(waiting);
        let mut gone = 0;
        while self.bytes > MOST_BYTES
            && let Some(oldest) = self.waiting.pop_front()
        {
            self.bytes -= oldest.bytes();
            gone += 1;
        }
        gone
    }

    /// Tries what waits once more, each flow log's until one of its windows fails. What no flow log asks for any more is
    /// forgotten. Returns the flow logs of which nothing waits now.
    pub fn try_again<T>(
        &mut self,
        is_wanted: impl Fn(FlowLogId) -> bool,
        deliver: impl Fn(&FlowLogPlan, Window, &[String]) -> Result<T, DeliveryError>,
    ) -> BTreeSet<FlowLogId> {
        let (mut tried, mut failed) = (BTreeSet::new(), BTreeSet::new());
        let waiting = std::mem::take(&mut self.waiting);
        for one in waiting.into_iter().filter(|one| is_wanted(one.log.id)) {
            tried.insert(one.log.id);
            if failed.contains(&one.log.id) || deliver(&one.log, one.window, &one.lines).is_err() {
                failed.insert(one.log.id);
                self.waiting.push_back(one);
            }
        }
        self.bytes = self.waiting.iter().map(Waiting::bytes).sum();
        tried.difference(&failed).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::io;

    use landfall_model::{AccountId, Region, VpcId};
    use landfall_model::{FlowLogResource, FlowLogTraffic};

    use super::*;

    fn log(number: u128) -> FlowLogPlan {
        FlowLogPlan {
            id: FlowLogId::from_random(number),
            account: AccountId::new(1).unwrap(),
            region: Region::DEFAULT,
            vpc: VpcId::from_random(1),
            resource: FlowLogResource::Vpc(VpcId::from_random(1)),
            traffic: FlowLogTraffic::All,
            destination: "arn:aws:s3:::flows".into(),
            fields: vec![],
            interval_s: 60,
            hive_partitions: false,
            hourly_partitions: false,
            permission: landfall_model::plan::BucketPermission::Granted,
        }
    }

    fn window(start_s: i64) -> Window {
        Window { start_s, end_s: start_s + 60 }
    }

    #[test]
    fn what_waits_is_written_in_order_once_it_can_be() {
        let mut backlog = Backlog::default();
        let (one, other) = (log(1), log(2));
        for (log, start_s) in [(&one, 0), (&other, 0), (&one, 60)] {
            assert_eq!(backlog.keep(log, window(start_s), vec!["line".into()]), 0);
        }
        let written = RefCell::new(Vec::new());
        let full = || DeliveryError::Write(io::Error::from(io::ErrorKind::StorageFull));
        let done = backlog.try_again(
            |_| true,
            |log, window, _| {
                written.borrow_mut().push((log.id, window.start_s));
                if log.id == one.id { Err(full()) } else { Ok(()) }
            },
        );
        assert_eq!(done, [other.id].into());
        assert_eq!(written.take(), [(one.id, 0), (other.id, 0)], "the first failure of one is enough");
        let done = backlog.try_again(
            |_| true,
            |log, window, _| {
                written.borrow_mut().push((log.id, window.start_s));
                Ok::<_, DeliveryError>(())
            },
        );
        assert_eq!((done, written.take()), ([one.id].into(), vec![(one.id, 0), (one.id, 60)]));
        assert!(backlog.waiting.is_empty() && backlog.bytes == 0);
    }

    #[test]
    fn what_has_no_room_or_no_flow_log_goes() {
        let mut backlog = Backlog::default();
        let big = || vec!["x".repeat(MOST_BYTES / 2)];
        assert_eq!([0, 60, 120].map(|start_s| backlog.keep(&log(1), window(start_s), big())), [0, 0, 1]);
        let done = backlog.try_again(|_| false, |_, _, _| -> Result<(), _> { unreachable!("nobody wants it") });
        assert!(done.is_empty() && backlog.waiting.is_empty() && backlog.bytes == 0);
    }
}
