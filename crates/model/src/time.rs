//! Points in time, in milliseconds since 1970 in UTC, as the log and the wire carry them.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The time since an earlier moment; zero if that is later.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The calendar month that it is in, in UTC: when it begins, and when the next one does.
    pub fn month(self) -> (Timestamp, Timestamp) {
        let moment = jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let first = jiff::tz::Offset::UTC.to_datetime(moment).date().first_of_month();
        let begin = |date: jiff::civil::Date| {
            let moment = jiff::tz::Offset::UTC.to_timestamp(date.at(0, 0, 0, 0));
            Timestamp(moment.map_or(i64::MAX, jiff::Timestamp::as_millisecond))
        };
        let next = first.last_of_month().tomorrow();
        (begin(first), next.map_or(Timestamp(i64::MAX), begin))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Timestamp;
    fn add(self, span: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Timestamp;
    fn sub(self, span: Duration) -> Timestamp {
        Timestamp(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

/// ISO 8601 with milliseconds, as in `2026-11-22T10:00:00.000Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        write!(f, "{}", moment.strftime("%Y-%m-%dT%H:%M:%S.%3fZ"))
    }
}

/// A text that is no point in time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no time of ISO 8601: {0:?}")]
pub struct MalformedTime(String);

/// ISO 8601 with an offset from UTC or `Z`.
impl std::str::FromStr for Timestamp {
    type Err = MalformedTime;
    fn from_str(text: &str) -> Result<Self, MalformedTime> {
        let moment: jiff::Timestamp = text.parse().map_err(|_| MalformedTime(text.chars().take(64).collect()))?;
        Ok(Timestamp(moment.as_millisecond()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_written_as_aws_writes_it() {
        assert_eq!(Timestamp(1_795_341_600_000).to_string(), "2026-11-22T10:00:00.000Z");
        assert_eq!(Timestamp(5).to_string(), "1970-01-01T00:00:00.005Z");
        assert_eq!("2026-11-22T11:00:00+01:00".parse(), Ok(Timestamp(1_795_341_600_000)));
        assert!("2026-11-22".parse::<Timestamp>().is_err());
    }
}
