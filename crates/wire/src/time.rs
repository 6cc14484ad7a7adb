//! Moments, which each protocol spells in its own way.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::civil::{DAY_MS, civil_from_days, days_from_civil};

/// The newtype name under which the JSON serializer recognises a [`Time`].
pub(crate) const TIME: &str = "$wire:time";

/// The first and last moment that ISO 8601 spells with four digits of year.
const MIN_MS: i64 = -62_167_219_200_000;
const MAX_MS: i64 = 253_402_300_799_999;
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Milliseconds since 1970-01-01T00:00:00Z. EC2 and S3 write it as `2026-11-22T10:00:00.000Z`, the services of the query
/// protocol without the fraction, JSON as seconds since the epoch; either is read anywhere. Moments outside the years 0 to 9999 are written as the
/// nearest moment inside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Time(pub i64);

/// Text that is no moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("It must be a timestamp such as 2026-11-22T10:00:00Z")]
pub struct TimeError;

impl Time {
    /// The 24 characters of ISO 8601 with milliseconds.
    pub(crate) fn to_iso(self) -> [u8; 24] {
        let clamped = self.0.clamp(MIN_MS, MAX_MS);
        let (year, month, day) = civil_from_days(clamped.div_euclid(DAY_MS));
        let in_day = clamped.rem_euclid(DAY_MS);
        let mut out = *b"0000-00-00T00:00:00.000Z";
        put_digits(&mut out[0..4], year);
        put_digits(&mut out[5..7], month);
        put_digits(&mut out[8..10], day);
        put_digits(&mut out[11..13], in_day / 3_600_000);
        put_digits(&mut out[14..16], in_day / 60_000 % 60);
        put_digits(&mut out[17..19], in_day / 1_000 % 60);
        put_digits(&mut out[20..23], in_day % 1_000);
        out
    }

    /// Such as `Nov 22, 2026, 10:00:00 AM`: how records of the audit tell moments within an answer.
    pub(crate) fn in_words(self) -> String {
        let clamped = self.0.clamp(MIN_MS, MAX_MS);
        let (year, month, day) = civil_from_days(clamped.div_euclid(DAY_MS));
        let in_day = clamped.rem_euclid(DAY_MS) / 1_000;
        let (hour, minute, second) = (in_day / 3_600, in_day / 60 % 60, in_day % 60);
        let half = if hour < 12 { "AM" } else { "PM" };
        let month = usize::try_from(month - 1).ok().and_then(|at| MONTHS.get(at)).unwrap_or(&"Jan");
        format!("{month} {day}, {year}, {}:{minute:02}:{second:02} {half}", (hour + 11) % 12 + 1)
    }

    /// Such as `Sun, 22 Nov 2026 10:00:00 GMT`: how headers of HTTP tell moments. Source: RFC 9110, 5.6.7.
    pub fn to_http(self) -> String {
        const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
        let clamped = self.0.clamp(MIN_MS, MAX_MS);
        let days = clamped.div_euclid(DAY_MS);
        let (year, month, day) = civil_from_days(days);
        let in_day = clamped.rem_euclid(DAY_MS) / 1_000;
        let (hour, minute, second) = (in_day / 3_600, in_day / 60 % 60, in_day % 60);
        let weekday = usize::try_from(days.rem_euclid(7)).ok().and_then(|at| DAYS.get(at)).unwrap_or(&"Thu");
        let month = usize::try_from(month - 1).ok().and_then(|at| MONTHS.get(at)).unwrap_or(&"Jan");
        format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
    }

    /// Reads ISO 8601 with any fraction and offset.
    ///
    /// # Errors
    /// When it is none, or the offset is missing.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        if let Some(time) = parse_plain(text.as_bytes()) {
            return Ok(time);
        }
        if text.len() > 64 {
            return Err(TimeError);
        }
        let moment: jiff::Timestamp = text.parse().map_err(|_| TimeError)?;
        Ok(Self(moment.as_millisecond()))
    }

    /// The moment that many seconds after the epoch, to the millisecond.
    ///
    /// # Errors
    /// When it isn't finite, or too far away to be meant.
    pub fn from_epoch_seconds(seconds: f64) -> Result<Self, TimeError> {
        let ms = (seconds * 1_000.0).round();
        #[expect(clippy::cast_precision_loss, reason = "both bounds are far below 2^53")]
        let in_range = ms >= MIN_MS as f64 && ms <= MAX_MS as f64;
        #[expect(clippy::cast_possible_truncation, reason = "it is within the bounds")]
        if in_range { Ok(Self(ms as i64)) } else { Err(TimeError) }
    }
}

/// `2026-11-22T10:00:00.000Z` with or without its fraction of three digits: what nearly everyone sends.
fn parse_plain(text: &[u8]) -> Option<Time> {
    let (moment, fraction) = match text {
        [moment @ .., b'Z'] if moment.len() == 19 => (moment, 0),
        [moment @ .., b'.', a, b, c, b'Z'] if moment.len() == 19 => (moment, digits(&[*a, *b, *c])?),
        _ => return None,
    };
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if separators.iter().any(|&(at, separator)| moment[at] != separator) {
        return None;
    }
    let days = days_from_civil(digits(&moment[0..4])?, digits(&moment[5..7])?, digits(&moment[8..10])?)?;
    let (hour, minute, second) = (digits(&moment[11..13])?, digits(&moment[14..16])?, digits(&moment[17..19])?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(Time(days * DAY_MS + hour * 3_600_000 + minute * 60_000 + second * 1_000 + fraction))
}

/// The value of a few decimal digits.
pub(crate) fn digits(text: &[u8]) -> Option<i64> {
    text.iter().try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')))
}

fn put_digits(out: &mut [u8], mut value: i64) {
    for place in out.iter_mut().rev() {
        *place = b'0' + (value % 10).unsigned_abs() as u8;
        value /= 10;
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.to_iso()).unwrap_or_default())
    }
}

impl Serialize for Time {
    /// As ISO 8601 for every serializer; that of JSON recognises the newtype and writes a number instead.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Iso([u8; 24]);
        impl Serialize for Iso {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(std::str::from_utf8(&self.0).unwrap_or_default())
            }
        }
        serializer.serialize_newtype_struct(TIME, &Iso(self.to_iso()))
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Time;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a timestamp")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Time, E> {
                Time::parse(text).map_err(E::custom)
            }

            fn visit_i64<E: serde::de::Error>(self, seconds: i64) -> Result<Time, E> {
                let ms = seconds.checked_mul(1_000).filter(|ms| (MIN_MS..=MAX_MS).contains(ms));
                ms.map(Time).ok_or_else(|| E::custom(TimeError))
            }

            fn visit_u64<E: serde::de::Error>(self, seconds: u64) -> Result<Time, E> {
                i64::try_from(seconds).map_err(|_| E::custom(TimeError)).and_then(|seconds| self.visit_i64(seconds))
            }

            fn visit_f64<E: serde::de::Error>(self, seconds: f64) -> Result<Time, E> {
                Time::from_epoch_seconds(seconds).map_err(E::custom)
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Time, D::Error> {
                inner.deserialize_any(self)
            }
        }
        deserializer.deserialize_newtype_struct(TIME, Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calendar_agrees_with_jiff() {
        for ms in [
            0,
            1,
            -1,
            951_782_400_000,
            1_763_809_200_123,
            MIN_MS,
            253_402_207_199_999,
            4_107_542_399_999,
            -62_135_596_800_001,
        ] {
            let ours = Time(ms).to_string();
            let theirs = jiff::Timestamp::from_millisecond(ms).unwrap();
            assert_eq!(ours, format!("{theirs:.3}"));
            assert_eq!(Time::parse(&ours), Ok(Time(ms)));
        }
    }

    #[test]
    fn other_spellings_are_read_and_nonsense_is_not() {
        assert_eq!(Time::parse("2026-11-22T10:00:00Z").unwrap().to_string(), "2026-11-22T10:00:00.000Z");
        assert_eq!(Time::parse("2026-11-22T12:00:00.5+02:00").unwrap().to_string(), "2026-11-22T10:00:00.500Z");
        for bad in
            ["", "2026-11-22", "2026-02-30T00:00:00Z", "2026-11-22T25:00:00Z", "yesterday", "２０２６-11-22T10:00:00Z"]
        {
            assert_eq!(Time::parse(bad), Err(TimeError), "{bad}");
        }
        assert_eq!(Time::from_epoch_seconds(f64::NAN), Err(TimeError));
        assert_eq!(Time::from_epoch_seconds(1e300), Err(TimeError));
        assert_eq!(Time::from_epoch_seconds(1.5), Ok(Time(1_500)));
    }
}
