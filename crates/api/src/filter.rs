//! Filters: patterns with `*`, `?` and `\` over the fields that an operation names.
//!
//! Values of one filter are alternatives; filters together must all match. An operation lists the names that it knows,
//! and those of AWS's that it refuses, so that a test can compare the two lists with AWS's reference.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

use crate::error::ApiError;

/// One filter of a request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Filter {
    name: String,
    #[serde(default)]
    value: Vec<String>,
}

/// The filters of a request, as they were sent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Filters(Vec<Filter>);

/// Filter names of an operation. `tag:<key>` is known where `tag-key` is, and where it is listed as such.
#[derive(Clone, Copy, Debug)]
pub struct FilterNames {
    /// Those that it acts on.
    pub known: &'static [&'static str],
    /// Those of AWS's that it refuses by name.
    pub refused: &'static [&'static str],
}

impl FilterNames {
    /// For operations without filters.
    pub const NONE: FilterNames = FilterNames { known: &[], refused: &[] };
}

/// Filters that were checked against an operation's names, with their patterns.
#[derive(Debug)]
pub struct Selection {
    filters: Vec<(Target, Vec<Pattern>)>,
}

#[derive(Debug)]
enum Target {
    Field(String),
    Tag(String),
    TagKey,
}

/// The values of a field: none, one or several.
pub type Values<'a> = Vec<Cow<'a, str>>;

/// Most filters of a request, and most values of one. Source: the EC2 API Reference on DescribeInstances.
const MAX_FILTERS: usize = 50;
const MAX_VALUES: usize = 200;

impl Filters {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes out the filters of those names, for an operation that reads their values in a way of its own.
    pub fn split(self, is_own: impl Fn(&str) -> bool) -> (Vec<(String, Vec<String>)>, Filters) {
        let (own, rest): (Vec<Filter>, Vec<Filter>) = self.0.into_iter().partition(|filter| is_own(&filter.name));
        (own.into_iter().map(|filter| (filter.name, filter.value)).collect(), Filters(rest))
    }

    /// Checks every filter's name, and reads its patterns.
    pub fn select(&self, names: FilterNames) -> Result<Selection, ApiError> {
        if self.0.len() > MAX_FILTERS {
            return Err(ApiError::new(
                "FilterLimitExceeded",
                format!("A request takes at most {MAX_FILTERS} filters."),
            ));
        }
        let mut filters = Vec::with_capacity(self.0.len());
        for filter in &self.0 {
            if filter.value.is_empty() {
                return Err(ApiError::invalid("Filter", &filter.name, "A filter needs at least one value."));
            }
            if filter.value.len() > MAX_VALUES {
                let message = format!("The filter '{}' takes at most {MAX_VALUES} values.", filter.name);
                return Err(ApiError::new("FilterLimitExceeded", message));
            }
            let patterns = filter.value.iter().map(|value| Pattern::parse(value)).collect();
            filters.push((target(&filter.name, names)?, patterns));
        }
        Ok(Selection { filters })
    }
}

fn target(name: &str, names: FilterNames) -> Result<Target, ApiError> {
    let tagged = names.known.contains(&"tag-key");
    let knows_tags = tagged || names.known.contains(&"tag:<key>");
    if let Some(key) = name.strip_prefix("tag:").filter(|_| knows_tags) {
        return Ok(Target::Tag(key.to_owned()));
    }
    let kebab = kebab_case(name);
    if kebab == "tag-key" && tagged {
        return Ok(Target::TagKey);
    }
    if names.known.contains(&kebab.as_str()) {
        return Ok(Target::Field(kebab));
    }
    if names.refused.contains(&kebab.as_str()) {
        return Err(ApiError::unsupported(format_args!("the filter '{name}'")));
    }
    Err(ApiError::new("InvalidParameterValue", format!("The filter '{name}' is invalid")))
}

/// A name as the lists have it. Two spellings are in use, `availabilityZone` and `availability-zone`; capital letters count
/// otherwise: `Name` and `Availability-zone` are no filters.
fn kebab_case(name: &str) -> String {
    let is_camel = name.starts_with(|c: char| c.is_ascii_lowercase()) && !name.contains('-');
    if !is_camel {
        return name.to_owned();
    }
    let mut result = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            result.push('-');
        }
        result.push(c.to_ascii_lowercase());
    }
    result
}

impl Selection {
    /// Whether it selects everything.
    pub fn is_empty(&self) -> bool {
        self.filters.is_empty()
    }

    /// Whether a row matches. `values` yields a field's values by the filter's name in kebab case; `tags` the row's tags.
    pub fn matches<'a>(&self, tags: Option<&'a BTreeMap<String, String>>, values: impl Fn(&str) -> Values<'a>) -> bool {
        self.filters.iter().all(|(target, patterns)| {
            let any = |value: &str| patterns.iter().any(|pattern| pattern.matches(value));
            match target {
                Target::Tag(key) => tags.and_then(|tags| tags.get(key)).is_some_and(|value| any(value)),
                Target::TagKey => tags.is_some_and(|tags| tags.keys().any(|key| any(key))),
                Target::Field(name) => values(name).iter().any(|value| any(value)),
            }
        })
    }
}

/// A pattern of a filter's value: `*` for any run of characters, `?` for one, `\` before either for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Any,
    One,
    Char(char),
}

impl Pattern {
    /// Reads a pattern.
    pub fn parse(text: &str) -> Self {
        let mut parts = Vec::with_capacity(text.len());
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match c {
                '*' if parts.last() == Some(&Part::Any) => {}
                '*' => parts.push(Part::Any),
                '?' => parts.push(Part::One),
                '\\' => parts.push(Part::Char(chars.next().unwrap_or('\\'))),
                c => parts.push(Part::Char(c)),
            }
        }
        Self { parts }
    }

    /// Whether a value matches as a whole. Goes back only to the last `*`, so the work is bounded by the product of the
    /// two lengths and linear for one `*`.
    pub fn matches(&self, value: &str) -> bool {
        let mut rest = value.chars();
        let mut at = 0;
        let mut star: Option<(usize, std::str::Chars<'_>)> = None;
        loop {
            match self.parts.get(at) {
                Some(Part::Any) => {
                    star = Some((at + 1, rest.clone()));
                    at += 1;
                    continue;
                }
                None if rest.as_str().is_empty() => return true,
                Some(part) => {
                    let mut ahead = rest.clone();
                    match ahead.next() {
                        Some(c) if *part == Part::One || *part == Part::Char(c) => {
                            rest = ahead;
                            at += 1;
                            continue;
                        }
                        None => return false,
                        Some(_) => {}
                    }
                }
                None => {}
            }
            // Let the last `*` take one more character and try again from there.
            let Some((after, from)) = &mut star else { return false };
            if from.next().is_none() {
                return false;
            }
            at = *after;
            rest = from.clone();
        }
    }
}

/// A field with one value.
pub fn one<'a>(value: impl Into<Cow<'a, str>>) -> Values<'a> {
    vec![value.into()]
}

/// A field whose value is shown by its `Display`.
pub fn shown<'a>(value: impl ToString) -> Values<'a> {
    vec![Cow::Owned(value.to_string())]
}

/// A field that may be absent.
pub fn maybe<'a, T: Into<Cow<'a, str>>>(value: Option<T>) -> Values<'a> {
    value.map(Into::into).into_iter().collect()
}

/// A field with several values.
pub fn many<'a, T: ToString>(values: impl IntoIterator<Item = T>) -> Values<'a> {
    values.into_iter().map(|value| Cow::Owned(value.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_ec2_says() {
        for (pattern, value, matches) in [
            ("debian-12-*", "debian-12-amd64-20261101-1", true),
            ("debian-12-*", "debian-11-amd64", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a\\*c", "a*c", true),
            ("a\\*c", "abc", false),
            ("a\\\\c", "a\\c", true),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b", "xxaxxbxx", false),
            ("*ab", "aab", true),
            ("Ab", "ab", false),
            ("é?", "éx", true),
        ] {
            assert_eq!(Pattern::parse(pattern).matches(value), matches, "{pattern} {value}");
        }
    }

    #[test]
    fn a_hostile_pattern_takes_no_exponential_time() {
        let pattern = Pattern::parse(&"*a".repeat(500));
        assert!(!pattern.matches(&("a".repeat(499) + "b")));
    }

    #[test]
    fn names_are_known_refused_or_invalid() {
        const NAMES: FilterNames = FilterNames { known: &["availability-zone", "tag-key"], refused: &["outpost-arn"] };
        let filters = |name: &str| Filters(vec![Filter { name: name.into(), value: vec!["x".into()] }]);
        assert!(filters("availabilityZone").select(NAMES).is_ok());
        assert!(filters("tag:Name").select(NAMES).is_ok());
        assert_eq!(filters("outpost-arn").select(NAMES).unwrap_err().code, "UnsupportedOperation");
        for name in ["Tag-key", "AvailabilityZone", "availability-Zone", "AVAILABILITY-ZONE"] {
            assert_eq!(filters(name).select(NAMES).unwrap_err().code, "InvalidParameterValue", "{name}");
        }
        assert_eq!(filters("nonsense").select(NAMES).unwrap_err().code, "InvalidParameterValue");
        assert!(filters("tag:Name").select(FilterNames::NONE).is_err());
    }
}
