//! Reading JSON bodies to a tree, with the limits that serde_json doesn't have: depth, count, no member twice.

use std::cell::{Cell, RefCell};
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::limits::{MAX_DEPTH, MAX_KEY_BYTES, MAX_VALUES};
use crate::tree::{DecodeError, Number, Request, Tree};

/// Decodes the body of a JSON request. `target` is its `X-Amz-Target`, such as `TrentService.ListKeys`. An empty
/// body is an input without members.
///
/// # Errors
/// When the target names no operation, or the body isn't a JSON object within [`crate::limits`].
pub fn decode_json(target: &str, body: &[u8]) -> Result<Request, DecodeError> {
    let (version, action) = match target.rsplit_once('.') {
        Some((version, action)) => (Some(version.to_owned()), action),
        None => (None, target),
    };
    if action.is_empty() {
        return Err(DecodeError::MissingAction);
    }
    let input = if body.is_empty() { Tree::empty() } else { object(body)? };
    Ok(Request { action: action.to_owned(), version, input })
}

pub(crate) fn object(body: &[u8]) -> Result<Tree, DecodeError> {
    let text = std::str::from_utf8(body).map_err(|_| DecodeError::NotUtf8)?;
    let budget = Budget { values: Cell::new(MAX_VALUES), refused: RefCell::new(None) };
    let mut json = serde_json::Deserializer::from_str(text);
    let read = Seed { budget: &budget, depth: 0 }.deserialize(&mut json).and_then(|tree| json.end().map(|()| tree));
    if let Some(refused) = budget.refused.take() {
        return Err(refused);
    }
    match read {
        Ok(tree @ Tree::Map(_)) => Ok(tree),
        Ok(_) => Err(DecodeError::BadJson("it is another value".to_owned())),
        Err(error) => Err(DecodeError::BadJson(error.to_string())),
    }
}

/// What may still be read, and why it stopped: serde's errors carry only text.
struct Budget {
    values: Cell<usize>,
    refused: RefCell<Option<DecodeError>>,
}

impl Budget {
    fn refuse<E: Error>(&self, why: DecodeError) -> E {
        let error = E::custom(&why);
        self.refused.replace(Some(why));
        error
    }
}

#[derive(Clone, Copy)]
struct Seed<'b> {
    budget: &'b Budget,
    depth: usize,
}

impl Seed<'_> {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            return Err(self.budget.refuse(DecodeError::TooDeep));
        }
        Ok(Self { budget: self.budget, depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Tree;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        match self.budget.values.get().checked_sub(1) {
            Some(left) => self.budget.values.set(left),
            None => return Err(self.budget.refuse(DecodeError::TooMany)),
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Number(Number::Integer(value)))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Number(i64::try_from(value).map_or(Number::Unsigned(value), Number::Integer)))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Number(Number::Float(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Tree, E> {
        Ok(Tree::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let seed = self.deeper()?;
        let mut list = Vec::new();
        while let Some(element) = access.next_element_seed(seed)? {
            list.push(element);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let seed = self.deeper()?;
        let mut members: Vec<(Box<str>, Tree)> = Vec::new();
        while let Some(name) = access.next_key::<String>()? {
            if name.len() > MAX_KEY_BYTES {
                return Err(self.budget.refuse(DecodeError::TooLong));
            }
            members.push((name.into_boxed_str(), access.next_value_seed(seed)?));
        }
        let mut names: Vec<&str> = members.iter().map(|(name, _)| &**name).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(self.budget.refuse(DecodeError::Duplicate(pair[0].to_owned())));
        }
        Ok(Tree::Map(members))
    }
}
