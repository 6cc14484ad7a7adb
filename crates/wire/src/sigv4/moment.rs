//! The moment of signing, in the spellings that the two date headers have.

use crate::civil::{DAY_MS, civil_from_days, days_from_civil};
use crate::time::digits;

/// Reads `20261122T100000Z`.
pub(super) fn parse_basic(text: &str) -> Option<i64> {
    let &[y0, y1, y2, y3, m0, m1, d0, d1, b'T', h0, h1, n0, n1, s0, s1, b'Z'] = text.as_bytes() else { return None };
    let days = days_from_civil(digits(&[y0, y1, y2, y3])?, digits(&[m0, m1])?, digits(&[d0, d1])?)?;
    let (hour, minute, second) = (digits(&[h0, h1])?, digits(&[n0, n1])?, digits(&[s0, s1])?);
    let exists = hour < 24 && minute < 60 && second < 60;
    exists.then_some(days * DAY_MS + hour * 3_600_000 + minute * 60_000 + second * 1_000)
}

/// Writes `20261122T100000Z`.
pub(super) fn format_basic(ms: i64) -> String {
    let (year, month, day) = civil_from_days(ms.div_euclid(DAY_MS));
    let in_day_s = ms.rem_euclid(DAY_MS) / 1_000;
    let (hour, minute, second) = (in_day_s / 3_600, in_day_s / 60 % 60, in_day_s % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// Reads what a `Date` header may hold: the same, or the form of RFC 1123 that HTTP has.
pub(super) fn parse_date_header(text: &str) -> Option<i64> {
    if text.len() > 40 {
        return None;
    }
    parse_basic(text).or_else(|| {
        let moment = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
        Some(moment.as_millisecond())
    })
}
