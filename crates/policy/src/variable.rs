//! Policy variables: `${aws:username}`, `${aws:PrincipalTag/team, 'none'}`, and the escapes `${*}`, `${?}`, `${$}`.
//!
//! A value that comes from a variable is always text: a `*` in a tag's value is a star, never a wildcard, so that
//! nobody widens a policy by naming himself cleverly. A variable without a value (absent, null, or of several values)
//! and without a default equals nothing and is like nothing, as AWS documents: positive tests fail, negated ones hold.

use crate::context::Context;
use crate::pattern::{Pattern, Token};
use std::borrow::Cow;

/// How the text of a value is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    /// `${…}` is a variable: not in documents of version 2008-10-17, where it is text.
    pub variables: bool,
    /// `*` and `?` are wildcards.
    pub wildcards: bool,
    /// Letters are compared without case.
    pub fold: bool,
}

/// A value of a policy that text is matched against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TextMatcher {
    /// Nothing in it depends on the request.
    Fixed(Pattern),
    /// It has variables: it becomes a pattern with each request.
    Template(Box<[Part]>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Text(Box<str>),
    One,
    Many,
    Variable { key: Box<str>, default: Option<Box<str>> },
}

/// A `${…}` that is not a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadVariable;

impl TextMatcher {
    pub(crate) fn parse(text: &str, reading: Reading) -> Result<Self, BadVariable> {
        let folded = if reading.fold { Cow::Owned(text.to_lowercase()) } else { Cow::Borrowed(text) };
        let parts = parts(&folded, reading)?;
        if parts.iter().any(|part| matches!(part, Part::Variable { .. })) {
            return Ok(Self::Template(parts.into()));
        }
        Ok(Self::Fixed(Pattern::compile(parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(Token::Text(text)),
            Part::One => Some(Token::One),
            Part::Many => Some(Token::Many),
            Part::Variable { .. } => None,
        }))))
    }

    /// Whether `text` (in lower case where the reading folds) fits.
    pub(crate) fn matches(&self, text: &str, context: &Context, fold: bool) -> bool {
        match self {
            Self::Fixed(pattern) => pattern.matches(text),
            Self::Template(parts) => resolve(parts, context, fold).is_some_and(|pattern| pattern.matches(text)),
        }
    }

    /// Calls `f` with each key that a variable of this value needs and that has no default.
    pub(crate) fn for_each_key<'a>(&'a self, f: &mut dyn FnMut(&'a str)) {
        if let Self::Template(parts) = self {
            for part in parts {
                if let Part::Variable { key, default: None } = part {
                    f(key);
                }
            }
        }
    }
}

/// Splits at `separator`, which inside of a variable is part of its key. At most `limit` pieces.
pub(crate) fn split_outside(text: &str, separator: char, limit: usize, variables: bool) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while let Some(found) = text[at..].find([separator, '$']) {
        let here = at + found;
        let rest = &text[here..];
        if variables && rest.starts_with("${") {
            at = rest.find('}').map_or(text.len(), |end| here + end + 1);
        } else {
            at = here + 1;
            if rest.starts_with(separator) {
                if pieces.len() + 1 == limit {
                    break;
                }
                pieces.push(&text[start..here]);
                start = at;
            }
        }
    }
    pieces.push(&text[start..]);
    pieces
}

fn resolve(parts: &[Part], context: &Context, fold: bool) -> Option<Pattern> {
    let mut values = Vec::with_capacity(parts.len());
    for part in parts {
        values.push(match part {
            Part::Variable { key, default } => {
                let value = context.single(key).filter(|value| !value.is_empty()).or(default.as_deref())?;
                if fold { Cow::Owned(value.to_lowercase()) } else { Cow::Borrowed(value) }
            }
            Part::Text(text) => Cow::Borrowed(&**text),
            Part::One | Part::Many => Cow::Borrowed(""),
        });
    }
    Some(Pattern::compile(parts.iter().zip(&values).map(|(part, value)| match part {
        Part::One => Token::One,
        Part::Many => Token::Many,
        Part::Text(_) | Part::Variable { .. } => Token::Text(value),
    })))
}

fn parts(mut text: &str, reading: Reading) -> Result<Vec<Part>, BadVariable> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    while let Some(next) = text.chars().next() {
        let part = match next {
            '*' if reading.wildcards => Part::Many,
            '?' if reading.wildcards => Part::One,
            '$' if reading.variables && text.starts_with("${") => {
                let (part, rest) = variable(text)?;
                text = rest;
                match part {
                    Part::Text(escaped) => literal.push_str(&escaped),
                    part => {
                        flush(&mut literal, &mut parts);
                        parts.push(part);
                    }
                }
                continue;
            }
            other => {
                literal.push(other);
                text = &text[other.len_utf8()..];
                continue;
            }
        };
        flush(&mut literal, &mut parts);
        parts.push(part);
        text = &text[1..];
    }
    flush(&mut literal, &mut parts);
    Ok(parts)
}

fn flush(literal: &mut String, parts: &mut Vec<Part>) {
    if !literal.is_empty() {
        parts.push(Part::Text(std::mem::take(literal).into()));
    }
}

/// Reads one `${…}` at the start of `text`; gives it and what follows.
fn variable(text: &str) -> Result<(Part, &str), BadVariable> {
    let inner = text.strip_prefix("${").ok_or(BadVariable)?;
    let end = inner.find(['}', ',']).ok_or(BadVariable)?;
    let name = inner[..end].trim();
    if inner.as_bytes()[end] == b'}' {
        let rest = &inner[end + 1..];
        return match name {
            "*" | "?" | "$" => Ok((Part::Text(name.into()), rest)),
            _ => Ok((Part::Variable { key: key(name)?, default: None }, rest)),
        };
    }
    let quoted = inner[end + 1..].trim_start().strip_prefix('\'').ok_or(BadVariable)?;
    let close = quoted.find('\'').ok_or(BadVariable)?;
    let rest = quoted[close + 1..].trim_start().strip_prefix('}').ok_or(BadVariable)?;
    Ok((Part::Variable { key: key(name)?, default: Some(quoted[..close].into()) }, rest))
}

/// A condition key always names its service, and a tag's key takes only what a tag's key may have.
fn key(name: &str) -> Result<Box<str>, BadVariable> {
    let allowed = |c: char| c.is_alphanumeric() || " _.:/=+-@".contains(c);
    match name.split_once(':') {
        Some((service, rest)) if !service.is_empty() && !rest.is_empty() && name.chars().all(allowed) => {
            Ok(name.to_ascii_lowercase().into())
        }
        _ => Err(BadVariable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIKE: Reading = Reading { variables: true, wildcards: true, fold: false };

    fn fits(value: &str, text: &str, context: &Context) -> bool {
        TextMatcher::parse(value, LIKE).expect("valid").matches(text, context, false)
    }

    #[test]
    fn variables_defaults_and_escapes() {
        let context = Context::new().with("aws:username", "jo*e").with_many("aws:TagKeys", ["a", "b"]);
        for (value, text, expected) in [
            ("home/${aws:username}/*", "home/jo*e/x", true),
            ("home/${aws:username}/*", "home/joanne/x", false),
            ("home/${AWS:UserName}", "home/jo*e", true),
            ("${aws:PrincipalTag/team}", "", false),
            ("${aws:PrincipalTag/team, 'company-wide'}", "company-wide", true),
            ("${aws:PrincipalTag/team,'a*'}", "ab", false),
            ("${aws:username, 'x'}", "jo*e", true),
            ("${aws:TagKeys}", "a", false),
            ("a${*}b", "a*b", true),
            ("a${*}b", "axb", false),
            ("a${?}b${$}{x}", "a?b${x}", true),
            ("$x$", "$x$", true),
        ] {
            assert_eq!(fits(value, text, &context), expected, "{value} on {text}");
        }
    }

    #[test]
    fn bad_variables_are_refused() {
        for value in ["${", "${}", "${aws:username", "${username}", "${a:b, c}", "${a:b, 'c}", "${a:${b:c}}", "${:x}"] {
            assert_eq!(TextMatcher::parse(value, LIKE), Err(BadVariable), "{value}");
        }
        let old = Reading { variables: false, ..LIKE };
        let literal = TextMatcher::parse("${aws:username", old).expect("text");
        assert!(literal.matches("${aws:username", &Context::new(), false));
    }

    #[test]
    fn a_separator_in_a_variable_does_not_split() {
        assert_eq!(split_outside("a:${b:c}:d:e", ':', 3, true), ["a", "${b:c}", "d:e"]);
        assert_eq!(split_outside("a:${b:c}", ':', 6, false), ["a", "${b", "c}"]);
        assert_eq!(split_outside("$:x", ':', 6, true), ["$", "x"]);
    }
}
