//! How long the agent waits for what. All in one place, so that a simulation and a test can set them.

use std::time::Duration;

/// How long the agent waits for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    /// How long a guest that is to stop may take before its plug is pulled. AWS gives a few minutes at most.
    pub stop: Duration,
    /// The same for one that is to go. Its disks go too, so it is only a courtesy to what it serves.
    pub terminate: Duration,
    /// How long one that is to go is kept for what is still read of its disks for snapshots.
    pub read_out: Duration,
    /// After how long the power button is pressed again: a press is lost while the guest's system isn't up.
    pub press_again: Duration,
    /// How often a start, a volume or the network is tried before it has failed.
    pub attempts: u32,
    /// The pause after the first failure; it doubles with each.
    pub backoff_first: Duration,
    /// The longest pause between two attempts.
    pub backoff_most: Duration,
    /// How long the effect of a step that succeeded is waited for before the step is repeated.
    pub effect: Duration,
    /// How often all guests are inspected when nothing is going on.
    pub inspect: Duration,
    /// How often they are while one of them is expected to change.
    pub inspect_quickly: Duration,
    /// How often it is asked which guests were heard, while one hasn't been.
    pub listen: Duration,
    /// For how long after it was first seen running a silent guest is listened for at that pace.
    pub listen_for: Duration,
    /// How often the volumes, and what is unknown, are inspected.
    pub inspect_volumes: Duration,
    /// How often the network is applied again, which repairs what somebody else undid.
    pub repair: Duration,
    /// How often it is reported how far a snapshot is.
    pub progress: Duration,
    /// How often everything is reported, changed or not.
    pub report_all: Duration,
    /// How long the control plane may hold a poll.
    pub poll: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            stop: Duration::from_secs(60),
            terminate: Duration::from_secs(10),
            read_out: Duration::from_secs(3600),
            press_again: Duration::from_secs(5),
            attempts: 6,
            backoff_first: Duration::from_millis(200),
            backoff_most: Duration::from_secs(10),
            effect: Duration::from_secs(1),
            inspect: Duration::from_secs(5),
            inspect_quickly: Duration::from_millis(150),
            listen: Duration::from_millis(200),
            listen_for: Duration::from_secs(300),
            inspect_volumes: Duration::from_secs(60),
            repair: Duration::from_secs(60),
            progress: Duration::from_secs(5),
            report_all: Duration::from_secs(60),
            poll: Duration::from_secs(10),
        }
    }
}

impl Timing {
    /// The pause after so many failures in a row.
    pub fn backoff(&self, failures: u32) -> Duration {
        self.backoff_first.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(self.backoff_most)
    }
}
