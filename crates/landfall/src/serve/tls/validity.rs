//! When a certificate is good: the two dates in it, read out of its DER form.
//!
//! Only certificates of the operator's own are read, and only to say and to know when they end: whether one is to be
//! believed is for those who connect to decide.

use landfall_wire::Time;

/// A day.
pub const DAY_MS: i64 = 24 * 3_600_000;

/// When a certificate is good, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// From then on.
    pub from_ms: i64,
    /// Until then.
    pub until_ms: i64,
}

const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// The version of a certificate's form, which the first one lacks.
const VERSION: u8 = 0xa0;

impl Validity {
    /// Reads that of a certificate (RFC 5280, 4.1): behind its version, number, algorithm and issuer.
    pub fn read(der: &[u8]) -> Option<Self> {
        let (certificate, _) = element(der, SEQUENCE)?;
        let (mut rest, _) = element(certificate, SEQUENCE)?;
        if rest.first() == Some(&VERSION) {
            rest = any(rest)?.2;
        }
        for _ in ["number", "algorithm", "issuer"] {
            rest = any(rest)?.2;
        }
        let (dates, _) = element(rest, SEQUENCE)?;
        let (tag, from, rest) = any(dates)?;
        let (last_tag, until, _) = any(rest)?;
        Some(Self { from_ms: moment(tag, from)?, until_ms: moment(last_tag, until)? })
    }

    /// Whether it is good then.
    pub fn covers(self, at_ms: i64) -> bool {
        (self.from_ms..self.until_ms).contains(&at_ms)
    }

    /// The day on which it ends, such as `2027-02-20`.
    pub fn last_day(self) -> String {
        Time(self.until_ms).to_string()[..10].to_owned()
    }
}

fn element(input: &[u8], wanted: u8) -> Option<(&[u8], &[u8])> {
    any(input).filter(|(tag, _, _)| *tag == wanted).map(|(_, content, rest)| (content, rest))
}

/// The tag and content of the first element, and what is behind it.
fn any(input: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let [tag, length, rest @ ..] = input else { return None };
    let (length, rest) = if length & 0x80 == 0 {
        (usize::from(*length), rest)
    } else {
        let (digits, rest) =
            rest.split_at_checked(usize::from(length & 0x7f)).filter(|(digits, _)| digits.len() <= 4)?;
        (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

/// `YYMMDDhhmmssZ`, where 50 and above are of the last century, or the same with four digits of the year.
fn moment(tag: u8, text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok().filter(|text| text.is_ascii())?;
    let (year, rest) = match tag {
        UTC_TIME => {
            let (year, rest) = text.split_at_checked(2)?;
            (if year < "50" { format!("20{year}") } else { format!("19{year}") }, rest)
        }
        GENERALIZED_TIME => text.split_at_checked(4).map(|(year, rest)| (year.to_owned(), rest))?,
        _ => return None,
    };
    if rest.len() != 11 {
        return None;
    }
    let part = |at: usize| &rest[at..at + 2];
    let iso = format!("{year}-{}-{}T{}:{}:{}{}", part(0), part(2), part(4), part(6), part(8), &rest[10..]);
    Time::parse(&iso).ok().map(|time| time.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_both_forms() {
        let read = |tag, text: &str| moment(tag, text.as_bytes()).map(|ms| Time(ms).to_string());
        assert_eq!(read(UTC_TIME, "261122100000Z").as_deref(), Some("2026-11-22T10:00:00.000Z"));
        assert_eq!(read(UTC_TIME, "991231235959Z").as_deref(), Some("1999-12-31T23:59:59.000Z"));
        assert_eq!(read(GENERALIZED_TIME, "20511122100000Z").as_deref(), Some("2051-11-22T10:00:00.000Z"));
        for bad in ["", "26", "2611221000", "2611221000000", "26112210000zZ", "26é12210000Z"] {
            assert_eq!(read(UTC_TIME, bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_dates() {
        for bad in
            [&b""[..], b"0", b"0\x84\xff\xff\xff\xff", b"0\x03\x30\x01\x00", b"0\x80", b"0\x85\x01\x01\x01\x01\x01"]
        {
            assert_eq!(Validity::read(bad), None, "{bad:?}");
        }
    }
}
