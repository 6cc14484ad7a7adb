//! What can go wrong, and whether trying again may help.

use std::fmt;

/// Why a store refused or failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Slow, out of reach or overloaded: the same call may succeed later.
    Passing,
    /// Full: it succeeds once somebody made room.
    NoSpace,
    /// Wrong credentials, a broken disk, a bucket that isn't there: a person must act.
    Lasting,
}

/// A call of a store that failed.
#[derive(Clone, Debug)]
pub struct StoreError {
    /// What was to be done.
    pub step: &'static str,
    /// To which object or folder.
    pub key: String,
    /// What the system or the store said.
    pub reason: String,
    /// Whether it may go better next time.
    pub trouble: Trouble,
}

impl StoreError {
    /// An error of the file system, sorted by its number.
    pub fn of_io(step: &'static str, key: impl Into<String>, error: &std::io::Error) -> Self {
        use nix::errno::Errno;
        let trouble = match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::ENOSPC | Errno::EDQUOT) => Trouble::NoSpace,
            Some(Errno::EINTR | Errno::EAGAIN | Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM | Errno::ESTALE) => {
                Trouble::Passing
            }
            // A folder that another machine serves, while that one or the way to it is away.
            Some(
                Errno::ETIMEDOUT
                | Errno::ENOTCONN
                | Errno::ECONNREFUSED
                | Errno::ECONNRESET
                | Errno::ECONNABORTED
                | Errno::EHOSTDOWN
                | Errno::EHOSTUNREACH
                | Errno::ENETDOWN
                | Errno::ENETUNREACH
                | Errno::EPIPE,
            ) => Trouble::Passing,
            _ => Trouble::Lasting,
        };
        Self { step, key: key.into(), reason: error.to_string(), trouble }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { step, key, reason, .. } = self;
        match self.trouble {
            Trouble::NoSpace => write!(f, "the chunk store is full ({step} {key}: {reason})"),
            _ => write!(f, "the chunk store failed: {step} {key}: {reason}"),
        }
    }
}

impl std::error::Error for StoreError {}

/// What this crate's calls fail with.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An object that an index names isn't there.
    #[error("{key} is missing from the chunk store")]
    Missing {
        /// Its key.
        key: String,
    },
    /// An object isn't what its name says.
    #[error("{key} is corrupt: {why}")]
    Corrupt {
        /// Its key.
        key: String,
        /// What didn't fit.
        why: &'static str,
    },
    /// The contents were asked for without the keys that they are named and sealed by.
    #[error("the chunk store was opened without this domain's keys")]
    NoKeys,
    /// The caller asked for what can't be.
    #[error("{0}")]
    Refused(String),
    /// A thread of ours panicked: a defect of this program.
    #[error("a worker of the chunk store ended unexpectedly")]
    WorkerLost,
}

impl Error {
    /// Whether the same call may succeed later with nobody's help. What isn't is final until a person or a repair acts.
    pub fn may_try_again(&self) -> bool {
        matches!(self, Self::Store(StoreError { trouble: Trouble::Passing, .. }))
    }

    /// Whether the store is full.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Store(StoreError { trouble: Trouble::NoSpace, .. }))
    }
}
