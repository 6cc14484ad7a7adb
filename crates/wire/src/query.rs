//! Reading the query protocols: `Action=RunInstances&Filter.1.Name=…` to a tree.
//!
//! Parameters are decoded, sorted by the segments of their names and folded into the tree in one pass, so that
//! the cost follows the size of the body whatever indexes it names: lists stay sparse until they are read.

use std::cmp::Ordering;

use crate::limits::{MAX_DEPTH, MAX_KEY_BYTES, MAX_LIST_INDEX, MAX_PARAMETERS, MAX_VALUE_BYTES, MAX_VALUES};
use crate::tree::{DecodeError, Request, Tree};

/// One decoded parameter.
struct Parameter {
    name: String,
    value: String,
}

/// Decodes the body of a query request, in EC2's form or the others': they differ only in how lists are named,
/// which is seen when a type reads them.
///
/// # Errors
/// When it isn't one, or is larger than [`crate::limits`] allow.
pub fn decode_query(body: &[u8]) -> Result<Request, DecodeError> {
    request(parameters(body)?)
}

/// Decodes the query string of a `GET` request. The parameters of a presigned signature (`X-Amz-…`) belong to
/// [`crate::sigv4`], not to the operation, and are left out.
///
/// # Errors
/// As [`decode_query`].
pub fn decode_query_string(query: &str) -> Result<Request, DecodeError> {
    let mut parameters = parameters(query.as_bytes())?;
    parameters.retain(|parameter| !parameter.name.starts_with("X-Amz-"));
    request(parameters)
}

/// The parameters of a query whose names have no inner form, but for those of a signature.
pub(crate) fn plain_parameters(query: &str) -> Result<Vec<(String, String)>, DecodeError> {
    let mut parameters = parameters(query.as_bytes())?;
    parameters.retain(|parameter| !parameter.name.starts_with("X-Amz-"));
    Ok(parameters.into_iter().map(|parameter| (parameter.name, parameter.value)).collect())
}

fn request(mut parameters: Vec<Parameter>) -> Result<Request, DecodeError> {
    parameters.sort_by(|a, b| compare_names(&a.name, &b.name));
    if let Some(pair) = parameters.windows(2).find(|pair| pair[0].name == pair[1].name) {
        return Err(DecodeError::Duplicate(pair[0].name.clone()));
    }
    let mut budget = MAX_VALUES;
    let mut input = Tree::Map(fold(&mut parameters, 0, &mut budget)?);
    let mut leaf = |name: &str| match input.take(name) {
        Some(Tree::Text(text)) => Ok(Some(text)),
        Some(_) => Err(DecodeError::BadName(name.to_owned())),
        None => Ok(None),
    };
    let action = leaf("Action")?.filter(|action| !action.is_empty()).ok_or(DecodeError::MissingAction)?;
    let version = leaf("Version")?;
    Ok(Request { action, version, input })
}

fn parameters(body: &[u8]) -> Result<Vec<Parameter>, DecodeError> {
    let mut parameters = Vec::new();
    for pair in body.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty()) {
        if parameters.len() == MAX_PARAMETERS {
            return Err(DecodeError::TooMany);
        }
        let (name, value) = match pair.iter().position(|&byte| byte == b'=') {
            Some(at) => (&pair[..at], &pair[at + 1..]),
            None => (pair, &[][..]),
        };
        let name = decode_component(name, MAX_KEY_BYTES)?;
        check_name(&name)?;
        let value = decode_component(value, MAX_VALUE_BYTES)?;
        if !is_xml_text(&name) || !is_xml_text(&value) {
            return Err(DecodeError::BadCharacter(name));
        }
        parameters.push(Parameter { name, value });
    }
    Ok(parameters)
}

/// Whether XML has all of its characters. Source: "Extensible Markup Language (XML) 1.0", production 2.
fn is_xml_text(text: &str) -> bool {
    let is_bad = |at: char| matches!(at, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}');
    !text.contains(is_bad)
}

/// Undoes percent-encoding, with `+` as a space.
pub(crate) fn decode_component(encoded: &[u8], max_bytes: usize) -> Result<String, DecodeError> {
    let mut decoded = Vec::with_capacity(encoded.len().min(max_bytes));
    let mut rest = encoded;
    while let [first, after @ ..] = rest {
        let (byte, next) = match (first, after) {
            (b'%', [high, low, next @ ..]) => match (hex_digit(*high), hex_digit(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, next),
                _ => return Err(DecodeError::BadEscape),
            },
            (b'%', _) => return Err(DecodeError::BadEscape),
            (b'+', next) => (b' ', next),
            (byte, next) => (*byte, next),
        };
        if decoded.len() == max_bytes {
            return Err(DecodeError::TooLong);
        }
        decoded.push(byte);
        rest = next;
    }
    String::from_utf8(decoded).map_err(|_| DecodeError::NotUtf8)
}

/// The value of a hexadecimal digit.
pub(crate) fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

fn check_name(name: &str) -> Result<(), DecodeError> {
    for (depth, segment) in name.split('.').enumerate() {
        if depth == MAX_DEPTH {
            return Err(DecodeError::TooDeep);
        }
        if segment.is_empty() {
            return Err(DecodeError::BadName(name.to_owned()));
        }
        let fits = segment.parse::<u32>().is_ok_and(|index| index <= MAX_LIST_INDEX);
        if depth > 0 && is_index(segment) && !fits {
            return Err(DecodeError::IndexTooLarge(name.to_owned()));
        }
    }
    Ok(())
}

/// Whether a segment is an index: decimal, with no leading zero, so that no two segments are the same index.
fn is_index(segment: &str) -> bool {
    segment.bytes().all(|byte| byte.is_ascii_digit()) && (segment.len() == 1 || !segment.starts_with('0'))
}

/// Orders names by their segments: indexes by value before names by their bytes, so that what belongs together
/// stands together.
fn compare_names(a: &str, b: &str) -> Ordering {
    let key = |segment: &str| {
        let index = is_index(segment);
        (!index, if index { segment.len() } else { 0 })
    };
    let (mut left, mut right) = (a.split('.'), b.split('.'));
    loop {
        match (left.next(), right.next()) {
            (Some(left), Some(right)) if left == right => {}
            (Some(left), Some(right)) => return key(left).cmp(&key(right)).then_with(|| left.cmp(right)),
            (left, right) => return left.is_some().cmp(&right.is_some()),
        }
    }
}

/// Folds sorted parameters, which agree in their names up to `offset`, into the members that follow there, while
/// the budget of values lasts: one deep name makes many.
fn fold(parameters: &mut [Parameter], offset: usize, budget: &mut usize) -> Result<Vec<(Box<str>, Tree)>, DecodeError> {
    let mut members = Vec::new();
    let mut rest = parameters;
    while !rest.is_empty() {
        *budget = budget.checked_sub(1).ok_or(DecodeError::TooMany)?;
        let name = &rest[0].name;
        let segment = name[offset..].split('.').next().unwrap_or_default();
        let end = offset + segment.len();
        let same = |other: &Parameter| {
            other.name.as_bytes().get(end).is_none_or(|&byte| byte == b'.')
                && other.name.as_bytes()[offset..].starts_with(&name.as_bytes()[offset..end])
        };
        let count = rest.iter().take_while(|other| same(other)).count();
        let segment: Box<str> = segment.into();
        let is_leaf = name.len() == end;
        let (group, others) = rest.split_at_mut(count);
        let value = if !is_leaf {
            branch(fold(group, end + 1, budget)?)
        } else if count == 1 {
            Tree::Text(std::mem::take(&mut group[0].value))
        } else {
            return Err(DecodeError::Conflict(group[0].name.clone()));
        };
        members.push((segment, value));
        rest = others;
    }
    Ok(members)
}

/// A list where every name is an index, a structure otherwise.
fn branch(members: Vec<(Box<str>, Tree)>) -> Tree {
    if members.iter().all(|(name, _)| is_index(name)) {
        Tree::List(members.into_iter().map(|(_, value)| value).collect())
    } else {
        Tree::Map(members)
    }
}
