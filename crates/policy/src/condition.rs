//! The `Condition` element: one operator on one key with its values.
//!
//! AWS's rules ("Condition operators", "Set operations for multivalued context keys"), as they are implemented here:
//! - conditions of a statement are joined by and; the values of a positive operator by or, those of a negated one by
//!   nor;
//! - without the key, a positive operator is false, a negated one and one with `IfExists` true;
//! - `ForAllValues` holds when there is nothing to test (no key, no values, only empty ones), `ForAnyValue` doesn't;
//! - AWS does not define several values under an operator without a set qualifier. Here a positive operator then
//!   needs one value that fits, a negated one no value that does.

use crate::context::Context;
use crate::date::{parse_decimal, parse_instant};
use crate::malformed::Malformed;
use crate::statement::ArnMatcher;
use crate::variable::{Reading, TextMatcher};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ipnet::IpNet;
use std::cmp::Ordering;
use std::net::IpAddr;

/// A compiled condition.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    /// In lower case.
    key: Box<str>,
    quantifier: Quantifier,
    negated: bool,
    if_exists: bool,
    test: Test,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quantifier {
    Plain,
    ForAllValues,
    ForAnyValue,
}

/// What a request's value is compared with. Each holds if any of the values does; `negated` is applied outside.
#[derive(Clone, Debug)]
enum Test {
    Text {
        values: Box<[TextMatcher]>,
        fold: bool,
    },
    Arn(Box<[ArnMatcher]>),
    Number(Relation, Box<[i128]>),
    Date(Relation, Box<[i128]>),
    Bool(Box<[bool]>),
    Binary(Box<[Vec<u8>]>),
    Ip(Box<[IpNet]>),
    /// The key is to be absent (true) or present (false).
    Null(Box<[bool]>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Condition {
    /// Compiles `operator` (as the document writes it, with its qualifiers) on `key` and `values`.
    pub(crate) fn parse(operator: &str, key: &str, values: &[String], variables: bool) -> Result<Self, Malformed> {
        let (quantifier, rest) = match operator.split_once(':') {
            Some(("ForAllValues", rest)) => (Quantifier::ForAllValues, rest),
            Some(("ForAnyValue", rest)) => (Quantifier::ForAnyValue, rest),
            Some(_) => return Err(Malformed::Syntax("unknown set qualifier of a condition operator")),
            None => (Quantifier::Plain, operator),
        };
        let (name, if_exists) = match rest.strip_suffix("IfExists") {
            Some(name) => (name, true),
            None => (rest, false),
        };
        if key.is_empty() {
            return Err(Malformed::Syntax("a condition without a key"));
        }
        let (negated, test) = parse_test(name, values, variables)?;
        if matches!(test, Test::Null(_)) && (if_exists || quantifier != Quantifier::Plain) {
            return Err(Malformed::Syntax("Null takes no qualifier"));
        }
        Ok(Self { key: key.to_ascii_lowercase().into(), quantifier, negated, if_exists, test })
    }

    /// Whether the request fulfils it.
    pub(crate) fn holds(&self, context: &Context) -> bool {
        let values = context.values_of_lower(&self.key).unwrap_or_default();
        if let Test::Null(wanted) = &self.test {
            return wanted.contains(&values.is_empty());
        }
        if values.is_empty() {
            return match self.quantifier {
                _ if self.if_exists => true,
                Quantifier::ForAllValues => true,
                Quantifier::ForAnyValue => false,
                Quantifier::Plain => self.negated,
            };
        }
        let fits = |value: &String| self.test.fits(value, context);
        match self.quantifier {
            Quantifier::Plain => values.iter().any(fits) != self.negated,
            Quantifier::ForAnyValue => values.iter().any(|value| fits(value) != self.negated),
            Quantifier::ForAllValues => {
                values.iter().all(String::is_empty) || values.iter().all(|value| fits(value) != self.negated)
            }
        }
    }

    /// Calls `f` with each key whose absence may change the outcome.
    pub(crate) fn for_each_key<'a>(&'a self, f: &mut dyn FnMut(&'a str)) {
        f(&self.key);
        match &self.test {
            Test::Text { values, .. } => values.iter().for_each(|value| value.for_each_key(f)),
            Test::Arn(values) => values.iter().for_each(|value| value.for_each_key(f)),
            _ => {}
        }
    }
}

impl Test {
    fn fits(&self, value: &str, context: &Context) -> bool {
        match self {
            Self::Text { values, fold: false } => values.iter().any(|want| want.matches(value, context, false)),
            Self::Text { values, fold: true } => {
                let value = value.to_lowercase();
                values.iter().any(|want| want.matches(&value, context, true))
            }
            Self::Arn(values) => values.iter().any(|want| want.matches(value, context)),
            Self::Number(relation, values) => relation.any(parse_decimal(value), values),
            Self::Date(relation, values) => relation.any(parse_instant(value), values),
            Self::Bool(values) => parse_bool(value).is_some_and(|value| values.contains(&value)),
            Self::Binary(values) => BASE64.decode(value).is_ok_and(|value| values.contains(&value)),
            // An address in IPv6 clothes must not slip past a rule on IPv4 ones.
            Self::Ip(values) => value
                .parse::<IpAddr>()
                .is_ok_and(|address| values.iter().any(|network| network.contains(&address.to_canonical()))),
            Self::Null(_) => false,
        }
    }
}

impl Relation {
    fn any(self, value: Option<i128>, wanted: &[i128]) -> bool {
        let Some(value) = value else { return false };
        wanted.iter().any(|want| match value.cmp(want) {
            Ordering::Less => matches!(self, Self::Less | Self::LessOrEqual),
            Ordering::Equal => matches!(self, Self::Equal | Self::LessOrEqual | Self::GreaterOrEqual),
            Ordering::Greater => matches!(self, Self::Greater | Self::GreaterOrEqual),
        })
    }
}

/// Whether there is such an operator: its name is a matter of grammar, its values are not.
pub(crate) fn check_operator(operator: &str) -> Result<(), Malformed> {
    Condition::parse(operator, "any", &[], false).map(|_| ())
}

/// The operators' names, whether they are negated, and what they compare.
fn parse_test(name: &str, values: &[String], variables: bool) -> Result<(bool, Test), Malformed> {
    let text = |wildcards, fold| {
        let reading = Reading { variables, wildcards, fold };
        let values = all(values, |value| TextMatcher::parse(value, reading).ok(), "a bad policy variable")?;
        Ok(Test::Text { values, fold })
    };
    let arn = || Ok(Test::Arn(all(values, |value| ArnMatcher::parse(value, variables).ok(), "a bad policy variable")?));
    let number = |relation| Ok(Test::Number(relation, all(values, parse_decimal, "a value that is no number")?));
    let date = |relation| Ok(Test::Date(relation, all(values, parse_instant, "a value that is no date")?));
    let ip = || Ok(Test::Ip(all(values, parse_network, "a value that is no address range")?));
    let truth = |values| all(values, parse_bool, "a value that is neither true nor false");
    let test: Result<Test, Malformed> = match name {
        "StringEquals" | "StringNotEquals" => text(false, false),
        "StringEqualsIgnoreCase" | "StringNotEqualsIgnoreCase" => text(false, true),
        "StringLike" | "StringNotLike" => text(true, false),
        "ArnEquals" | "ArnLike" | "ArnNotEquals" | "ArnNotLike" => arn(),
        "NumericEquals" | "NumericNotEquals" => number(Relation::Equal),
        "NumericLessThan" => number(Relation::Less),
        "NumericLessThanEquals" => number(Relation::LessOrEqual),
        "NumericGreaterThan" => number(Relation::Greater),
        "NumericGreaterThanEquals" => number(Relation::GreaterOrEqual),
        "DateEquals" | "DateNotEquals" => date(Relation::Equal),
        "DateLessThan" => date(Relation::Less),
        "DateLessThanEquals" => date(Relation::LessOrEqual),
        "DateGreaterThan" => date(Relation::Greater),
        "DateGreaterThanEquals" => date(Relation::GreaterOrEqual),
        "Bool" => Ok(Test::Bool(truth(values)?)),
        "BinaryEquals" => {
            Ok(Test::Binary(all(values, |value| BASE64.decode(value).ok(), "a value that is not base64")?))
        }
        "IpAddress" | "NotIpAddress" => ip(),
        "Null" => Ok(Test::Null(truth(values)?)),
        _ => return Err(Malformed::Syntax("unknown condition operator")),
    };
    Ok((name.contains("Not"), test?))
}

fn all<T>(values: &[String], parse: impl Fn(&str) -> Option<T>, hint: &'static str) -> Result<Box<[T]>, Malformed> {
    values.iter().map(|value| parse(value).ok_or(Malformed::Legacy(hint))).collect()
}

fn parse_bool(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") { Some(true) } else { text.eq_ignore_ascii_case("false").then_some(false) }
}

/// A range or a single address. Host bits are dropped.
fn parse_network(text: &str) -> Option<IpNet> {
    match text.parse::<IpNet>() {
        Ok(network) => Some(network.trunc()),
        Err(_) => text.parse::<IpAddr>().ok().map(IpNet::from),
    }
}

#[cfg(test)]
mod tests;
