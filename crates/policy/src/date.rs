//! Instants and decimal numbers as conditions write them.

/// An instant, in nanoseconds since 1970. The W3C profile of ISO 8601 (a year and month, a day, or a time with
/// minutes, seconds or a fraction; UTC where no zone is given), or seconds since 1970. Digits alone are seconds,
/// as AWS reads them, although the profile would have four of them be a year.
pub(crate) fn parse_instant(text: &str) -> Option<i128> {
    let text = text.trim();
    if !text.contains(['-', 'T', 't']) || text.starts_with('-') {
        return text.parse::<i64>().ok().map(|seconds| i128::from(seconds) * NANOS);
    }
    let (day, time) = match text.split_once(['T', 't']) {
        Some((day, time)) => (day, Some(time)),
        None => (text, None),
    };
    let mut fields = day.splitn(3, '-');
    let year = digits(fields.next()?, 4)?;
    let month = fields.next().map_or(Some(1), |field| digits(field, 2))?;
    let day = fields.next().map_or(Some(1), |field| digits(field, 2))?;
    let date = jiff::civil::Date::new(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?).ok()?;
    let days = (date - jiff::civil::date(1970, 1, 1)).get_days();
    Some(i128::from(days) * 86_400 * NANOS + time.map_or(Some(0), parse_time)?)
}

/// `hh:mm[:ss[.fraction]][Z|±hh:mm]` in nanoseconds since midnight UTC.
fn parse_time(text: &str) -> Option<i128> {
    let (clock, offset_s) = match text.find(['Z', 'z', '+', '-']) {
        None => (text, 0),
        Some(at) if text[at..].eq_ignore_ascii_case("z") => (&text[..at], 0),
        Some(at) => {
            let (hours, minutes) = text.get(at + 1..)?.split_once(':')?;
            let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
            let seconds = i128::from(hours * 3600 + minutes * 60);
            if hours > 23 || minutes > 59 {
                return None;
            }
            (&text[..at], if text.as_bytes()[at] == b'-' { -seconds } else { seconds })
        }
    };
    let mut fields = clock.splitn(3, ':');
    let hours = digits(fields.next()?, 2)?;
    let minutes = digits(fields.next()?, 2)?;
    let (seconds, nanos) = match fields.next() {
        None => (0, 0),
        Some(field) => match field.split_once('.') {
            None => (digits(field, 2)?, 0),
            Some((seconds, fraction)) => {
                let nanos = format!("{fraction:0<9}");
                (digits(seconds, 2)?, digits(&nanos, 9)?)
            }
        },
    };
    if hours > 23 || minutes > 59 || seconds > 59 {
        return None;
    }
    Some((i128::from(hours * 3600 + minutes * 60 + seconds) - offset_s) * NANOS + i128::from(nanos))
}

/// A decimal number, times 10^15. Exact, so that equal texts of one number are equal and large ones are not rounded.
pub(crate) fn parse_decimal(text: &str) -> Option<i128> {
    let text = text.trim();
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || whole.len() > 20 || fraction.len() > 15 || !plain(whole) || !plain(fraction)
    {
        return None;
    }
    let scaled = format!("{whole}{fraction:0<15}").parse::<i128>().ok()?;
    Some(if negative { -scaled } else { scaled })
}

const NANOS: i128 = 1_000_000_000;

fn digits(text: &str, count: usize) -> Option<i64> {
    (text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants() {
        for (text, seconds) in [
            ("0", 0),
            ("1700000000", 1_700_000_000),
            ("-5", -5),
            ("1970-01-02", 86_400),
            ("1970-02", 31 * 86_400),
            ("2020-04-01T00:00:00Z", 1_585_699_200),
            ("2020-04-01t00:00z", 1_585_699_200),
            ("2020-04-01T02:00:00+02:00", 1_585_699_200),
            ("2020-03-31T22:30:00-01:30", 1_585_699_200),
            ("2020-04-01T00:00:00", 1_585_699_200),
            ("2015-10-16T12:00:00.000Z", 1_444_996_800),
        ] {
            assert_eq!(parse_instant(text), Some(seconds * NANOS), "{text}");
        }
        assert_eq!(parse_instant("1970-01-01T00:00:00.5Z"), Some(NANOS / 2));
        for text in [
            "",
            "b",
            "2020-13-01",
            "2020-02-30",
            "2020-01-01T25:00Z",
            "2020-01-01T1:00Z",
            "20-1-1",
            "T",
            "2020-01-01T00:00+99:00",
        ] {
            assert_eq!(parse_instant(text), None, "{text}");
        }
    }

    #[test]
    fn decimals() {
        assert_eq!(parse_decimal("10"), parse_decimal("10.00"));
        assert_eq!(parse_decimal("-0"), parse_decimal("0"));
        assert!(parse_decimal("9007199254740993") > parse_decimal("9007199254740992"));
        assert!(parse_decimal("-1.5") < parse_decimal("-1.25"));
        assert_eq!(parse_decimal(".5"), parse_decimal("0.5"));
        for text in ["", ".", "1e3", "x", "1.2.3", "--1", "NaN"] {
            assert_eq!(parse_decimal(text), None, "{text}");
        }
    }
}
