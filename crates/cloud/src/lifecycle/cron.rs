//! Expressions of cron in AWS's form: `cron(minutes hours day-of-month month day-of-week year)`, in UTC. Source: the
//! EventBridge User Guide, "Cron expressions reference".
//!
//! A day goes by its place in the month or by its place in the week, never both: one of the two fields is `?`.

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime};
use landfall_model::Timestamp;

/// The years that an expression can name.
const YEARS: std::ops::RangeInclusive<i16> = 1970..=2199;
const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// An expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    minutes: BTreeSet<i16>,
    hours: BTreeSet<i16>,
    days: Days,
    months: BTreeSet<i16>,
    years: BTreeSet<i16>,
}

/// Which days.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Days {
    /// By their places in the month, each with whether the weekday nearest to it is meant.
    OfMonth(BTreeSet<(DayOfMonth, bool)>),
    /// By their places in the week.
    OfWeek(BTreeSet<DayOfWeek>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum DayOfMonth {
    The(i16),
    Last,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum DayOfWeek {
    /// Each of that number, where Sunday is 1.
    Every(i16),
    /// The month's last.
    Last(i16),
    /// The month's so many-th.
    Nth(i16, i16),
}

impl Cron {
    /// Reads `cron(…)`; where it can't be read, why.
    pub fn parse(text: &str) -> Result<Self, String> {
        let inner = text.strip_prefix("cron(").and_then(|rest| rest.strip_suffix(')'));
        let inner = inner.ok_or("it has the form cron(minutes hours day-of-month month day-of-week year)")?;
        let fields: Vec<_> = inner.split_ascii_whitespace().collect();
        let [minutes, hours, of_month, months, of_week, years] = fields[..] else {
            return Err(format!("it has {} fields, not 6", fields.len()));
        };
        let days = match (of_month, of_week) {
            ("?", "?") => return Err("one of its days is given".into()),
            ("?", of_week) => Days::OfWeek(list(of_week, days_of_week)?),
            (of_month, "?") => Days::OfMonth(list(of_month, days_of_month)?),
            _ => return Err("one of its day-of-month and day-of-week is ?".into()),
        };
        Ok(Self {
            minutes: list(minutes, |part| range(part, 0..=59, &[]))?,
            hours: list(hours, |part| range(part, 0..=23, &[]))?,
            days,
            months: list(months, |part| range(part, 1..=12, &MONTHS))?,
            years: list(years, |part| range(part, YEARS, &[]))?,
        })
    }

    /// How many minutes of an hour it names.
    pub fn minutes(&self) -> usize {
        self.minutes.len()
    }

    /// The first moment after another; none if there is no more.
    pub fn after(&self, at: Timestamp) -> Option<Timestamp> {
        let moment = jiff::Timestamp::from_millisecond(at.as_millis()).ok()?;
        let begun = jiff::tz::Offset::UTC.to_datetime(moment);
        let mut date = begun.date();
        while date.year() <= *self.years.last()? {
            if !self.years.contains(&date.year()) {
                date = Date::new(date.year().checked_add(1)?, 1, 1).ok()?;
                continue;
            }
            if !self.months.contains(&i16::from(date.month())) {
                date = date.last_of_month().tomorrow().ok()?;
                continue;
            }
            if self.has(date)
                && let Some(found) = self.times(date).find(|found| *found > begun)
            {
                let found = jiff::tz::Offset::UTC.to_timestamp(found).ok()?;
                return Some(Timestamp(found.as_millisecond()));
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    /// The times of a day that it names, in order.
    fn times(&self, date: Date) -> impl Iterator<Item = DateTime> {
        self.hours.iter().flat_map(move |hour| {
            self.minutes.iter().filter_map(move |minute| {
                let (hour, minute) = (i8::try_from(*hour).ok()?, i8::try_from(*minute).ok()?);
                Some(date.at(hour, minute, 0, 0))
            })
        })
    }

    fn has(&self, date: Date) -> bool {
        match &self.days {
            Days::OfMonth(days) => days.iter().any(|(day, is_near)| {
                let last = i16::from(date.days_in_month());
                let wanted = match day {
                    DayOfMonth::The(day) if *day > last => return false,
                    DayOfMonth::The(day) => *day,
                    DayOfMonth::Last => last,
                };
                let wanted = if *is_near { nearest_weekday(date, wanted) } else { wanted };
                i16::from(date.day()) == wanted
            }),
            Days::OfWeek(days) => {
                let (weekday, day) = (i16::from(date.weekday().to_sunday_one_offset()), i16::from(date.day()));
                days.iter().any(|wanted| match wanted {
                    DayOfWeek::Every(wanted) => weekday == *wanted,
                    DayOfWeek::Last(wanted) => weekday == *wanted && day + 7 > i16::from(date.days_in_month()),
                    DayOfWeek::Nth(wanted, nth) => weekday == *wanted && (day - 1) / 7 + 1 == *nth,
                })
            }
        }
    }
}

/// The day from Monday to Friday that is nearest to one of the month's, within the month.
fn nearest_weekday(month: Date, day: i16) -> i16 {
    let of = |day: i16| Date::new(month.year(), month.month(), i8::try_from(day).ok()?).ok();
    let Some(date) = of(day) else { return day };
    match date.weekday().to_sunday_one_offset() {
        7 if day == 1 => 3,
        7 => day - 1,
        1 if day == i16::from(date.days_in_month()) => day - 2,
        1 => day + 1,
        _ => day,
    }
}

/// A field: parts with commas between them.
fn list<T: Ord>(field: &str, part: impl Fn(&str) -> Result<Vec<T>, String>) -> Result<BTreeSet<T>, String> {
    let parts = field.split(',').map(part).collect::<Result<Vec<_>, _>>()?;
    Ok(parts.into_iter().flatten().collect())
}

/// `*`, a number or name, a range of them, each perhaps with a step.
fn range(part: &str, all: std::ops::RangeInclusive<i16>, names: &[&str]) -> Result<Vec<i16>, String> {
    let wrong = || format!("{part} isn't within {} and {}", all.start(), all.end());
    let (range, step) = match part.split_once('/') {
        None => (part, None),
        Some((range, step)) => {
            let step: usize = step.parse().map_err(|_| wrong())?;
            (range, Some(step).filter(|step| *step > 0).map(Some).ok_or_else(wrong)?)
        }
    };
    let one = |text: &str| {
        let named = names.iter().position(|name| name.eq_ignore_ascii_case(text)).and_then(|at| i16::try_from(at).ok());
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = named.map(|at| at + all.start()).or_else(|| text.parse().ok().filter(|_| is_number));
        number.filter(|number| all.contains(number)).ok_or_else(wrong)
    };
    let (first, last) = match (range, range.split_once('-')) {
        ("*", _) => (*all.start(), *all.end()),
        (_, Some((first, last))) => (one(first)?, one(last)?),
        // With a step it goes on to the end.
        (first, None) if step.is_some() => (one(first)?, *all.end()),
        (only, None) => (one(only)?, one(only)?),
    };
    if first > last {
        return Err(wrong());
    }
    Ok((first..=last).step_by(step.unwrap_or(1)).collect())
}

fn days_of_month(part: &str) -> Result<Vec<(DayOfMonth, bool)>, String> {
    let (day, is_near) = part.strip_suffix('W').map_or((part, false), |day| (day, true));
    if day == "L" {
        return Ok(vec![(DayOfMonth::Last, is_near)]);
    }
    let days = range(day, 1..=31, &[])?;
    if is_near && (days.len() != 1 || day.contains(['*', '/', '-'])) {
        return Err(format!("{part} names the weekday that is nearest to more than one day"));
    }
    Ok(days.into_iter().map(|day| (DayOfMonth::The(day), is_near)).collect())
}

fn days_of_week(part: &str) -> Result<Vec<DayOfWeek>, String> {
    let one = |text: &str| match range(text, 1..=7, &WEEKDAYS)?[..] {
        [day] if !text.contains(['*', '/', '-']) => Ok(day),
        _ => Err(format!("{part} is no day of the week")),
    };
    if let Some((day, nth)) = part.split_once('#') {
        let nth = nth.parse().ok().filter(|nth| (1..=5).contains(nth));
        return Ok(vec![DayOfWeek::Nth(one(day)?, nth.ok_or_else(|| format!("{part}: the number is 1 to 5"))?)]);
    }
    match part.strip_suffix('L') {
        // By itself it is the week's last day.
        Some("") => Ok(vec![DayOfWeek::Every(7)]),
        Some(day) => Ok(vec![DayOfWeek::Last(one(day)?)]),
        None => Ok(range(part, 1..=7, &WEEKDAYS)?.into_iter().map(DayOfWeek::Every).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first moments after Sunday, the 22nd of November 2026, ten o'clock.
    fn moments(text: &str, count: usize) -> Vec<String> {
        let cron = Cron::parse(text).unwrap();
        let mut at: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let mut found = Vec::new();
        while found.len() < count
            && let Some(next) = cron.after(at)
        {
            found.push(next.to_string()[..16].to_owned());
            at = next;
        }
        found
    }

    #[test]
    fn moments_follow_each_field() {
        for (text, wanted) in [
            ("cron(0 10 * * ? *)", ["2026-11-23T10:00", "2026-11-24T10:00", "2026-11-25T10:00"]),
            ("cron(15 12 * * ? *)", ["2026-11-22T12:15", "2026-11-23T12:15", "2026-11-24T12:15"]),
            ("cron(0 18 ? * MON-FRI *)", ["2026-11-23T18:00", "2026-11-24T18:00", "2026-11-25T18:00"]),
            ("cron(0 8 1 * ? *)", ["2026-12-01T08:00", "2027-01-01T08:00", "2027-02-01T08:00"]),
            ("cron(0/30 20-21 ? * 1 *)", ["2026-11-22T20:00", "2026-11-22T20:30", "2026-11-22T21:00"]),
            ("cron(5 0,12 L * ? *)", ["2026-11-30T00:05", "2026-11-30T12:05", "2026-12-31T00:05"]),
            ("cron(0 0 ? * 6L *)", ["2026-11-27T00:00", "2026-12-25T00:00", "2027-01-29T00:00"]),
            ("cron(0 0 ? * FRI#2 *)", ["2026-12-11T00:00", "2027-01-08T00:00", "2027-02-12T00:00"]),
            // The 1st of May 2027 is a Saturday, and so is that of January 2028.
            ("cron(0 0 1W 1,5 ? 2027-2028)", ["2027-01-01T00:00", "2027-05-03T00:00", "2028-01-03T00:00"]),
            ("cron(0 0 31 * ? *)", ["2026-12-31T00:00", "2027-01-31T00:00", "2027-03-31T00:00"]),
            ("cron(0 0 ? FEB L *)", ["2027-02-06T00:00", "2027-02-13T00:00", "2027-02-20T00:00"]),
            ("cron(0 0 29 2 ? *)", ["2028-02-29T00:00", "2032-02-29T00:00", "2036-02-29T00:00"]),
        ] {
            assert_eq!(moments(text, 3), wanted, "{text}");
        }
        assert_eq!(moments("cron(0 0 1 1 ? 2027)", 3), ["2027-01-01T00:00"], "there are no more");
        assert_eq!(moments("cron(0 0 30 2 ? *)", 1), [""; 0], "there is none");
        assert_eq!(moments("cron(0 0 LW * ? 2027)", 2), ["2027-01-29T00:00", "2027-02-26T00:00"]);
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for text in [
            "0 10 * * ? *",
            "cron(0 10 * * ?)",
            "cron(0 10 * * * *)",
            "cron(0 10 ? * ? *)",
            "cron(60 10 * * ? *)",
            "cron(0 24 * * ? *)",
            "cron(0 10 0 * ? *)",
            "cron(0 10 ? * 8 *)",
            "cron(0 10 * 13 ? *)",
            "cron(0 10 * * ? 2200)",
            "cron(0/0 10 * * ? *)",
            "cron(0 12-10 * * ? *)",
            "cron(+5 10 * * ? *)",
            "cron(0 10 1-5W * ? *)",
            "cron(0 10 ? * 2#6 *)",
            "cron(0 10 ? * MON#* *)",
            "cron(, 10 * * ? *)",
            "cron(0 10 * DEZ ? *)",
        ] {
            assert!(Cron::parse(text).is_err(), "{text}");
        }
    }
}
