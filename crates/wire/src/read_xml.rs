//! Reading XML to a tree: bodies of REST-XML, and answers of the query protocols on the client's side.
//!
//! quick-xml finds the tags; what is made of them is bounded here. Entities of a document's own, and with them
//! their expansion, don't exist: a document type is refused.

use quick_xml::Reader;
use quick_xml::events::Event;

use crate::limits::{MAX_DEPTH, MAX_KEY_BYTES, MAX_VALUES};
use crate::tree::Tree;

/// A body that isn't XML, or more of it than is read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadXmlError {
    /// Not well-formed.
    #[error("the body is not well-formed XML: {0}")]
    Malformed(String),
    /// A document type, which could define entities.
    #[error("a document type is not allowed")]
    DocumentType,
    /// Deeper than [`crate::limits::MAX_DEPTH`].
    #[error("the body is nested too deeply")]
    TooDeep,
    /// More elements than [`crate::limits::MAX_VALUES`].
    #[error("the body has too many elements")]
    TooMany,
}

/// An element that is still open.
struct Open {
    name: Box<str>,
    text: String,
    children: Vec<(Box<str>, Tree)>,
}

/// Reads a document to a map of one member: its root's name and content.
///
/// An element without children is text. Children that share a name become one list under it; an element whose
/// children are all called `item` or `member` is that list. Attributes and name spaces are not kept.
///
/// # Errors
/// When it isn't well-formed, or exceeds [`crate::limits`].
pub fn read_xml(body: &[u8]) -> Result<Tree, ReadXmlError> {
    let text = std::str::from_utf8(body).map_err(|error| ReadXmlError::Malformed(error.to_string()))?;
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Open> = Vec::new();
    let mut root = None;
    let mut count = 0_usize;
    loop {
        match reader.read_event().map_err(|error| ReadXmlError::Malformed(error.to_string()))? {
            Event::Start(tag) => {
                count += 1;
                begin(&mut open, tag.local_name().as_ref(), count, root.is_some())?;
            }
            Event::Empty(tag) => {
                count += 1;
                begin(&mut open, tag.local_name().as_ref(), count, root.is_some())?;
                finish(&mut open, &mut root)?;
            }
            Event::End(_) => finish(&mut open, &mut root)?,
            Event::Text(text) => append(&mut open, &text)?,
            Event::CData(text) => append(&mut open, &text)?,
            Event::GeneralRef(name) => {
                let character = match name.resolve_char_ref() {
                    Ok(Some(character)) => character,
                    Ok(None) => predefined(&name)?,
                    Err(error) => return Err(ReadXmlError::Malformed(error.to_string())),
                };
                append(&mut open, character.encode_utf8(&mut [0; 4]))?;
            }
            Event::DocType(_) => return Err(ReadXmlError::DocumentType),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof => break,
        }
    }
    match root {
        Some(root) if open.is_empty() => Ok(Tree::Map(vec![root])),
        _ => Err(ReadXmlError::Malformed("it ends before its root does".to_owned())),
    }
}

fn predefined(name: &str) -> Result<char, ReadXmlError> {
    match name {
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        _ => Err(ReadXmlError::Malformed(format!("the entity {name} is not defined"))),
    }
}

fn begin(open: &mut Vec<Open>, name: &str, count: usize, done: bool) -> Result<(), ReadXmlError> {
    if done {
        return Err(ReadXmlError::Malformed("it has a second root".to_owned()));
    }
    if count > MAX_VALUES {
        return Err(ReadXmlError::TooMany);
    }
    if open.len() == MAX_DEPTH {
        return Err(ReadXmlError::TooDeep);
    }
    if name.len() > MAX_KEY_BYTES {
        return Err(ReadXmlError::Malformed("the name of an element is too long".to_owned()));
    }
    open.push(Open { name: name.into(), text: String::new(), children: Vec::new() });
    Ok(())
}

fn append(open: &mut [Open], text: &str) -> Result<(), ReadXmlError> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return Err(ReadXmlError::Malformed("it has text outside its root".to_owned())),
    }
    Ok(())
}

fn finish(open: &mut Vec<Open>, root: &mut Option<(Box<str>, Tree)>) -> Result<(), ReadXmlError> {
    let closed = open.pop().ok_or_else(|| ReadXmlError::Malformed("a tag closes that was not open".to_owned()))?;
    let value = if closed.children.is_empty() { Tree::Text(closed.text) } else { content(closed.children) };
    match open.last_mut() {
        Some(parent) => parent.children.push((closed.name, value)),
        None => *root = Some((closed.name, value)),
    }
    Ok(())
}

/// The value of an element from its children, in time that follows their number.
fn content(mut children: Vec<(Box<str>, Tree)>) -> Tree {
    let all_called = |wanted: &str| children.iter().all(|(name, _)| &**name == wanted);
    if all_called("item") || all_called("member") {
        return Tree::List(children.into_iter().map(|(_, value)| value).collect());
    }
    // A stable sort keeps the order of the elements of a flat list.
    children.sort_by(|a, b| a.0.cmp(&b.0));
    let mut members: Vec<(Box<str>, Vec<Tree>)> = Vec::new();
    for (name, value) in children {
        match members.last_mut() {
            Some((last, values)) if *last == name => values.push(value),
            _ => members.push((name, vec![value])),
        }
    }
    let sole = |mut values: Vec<Tree>| if values.len() == 1 { values.remove(0) } else { Tree::List(values) };
    Tree::Map(members.into_iter().map(|(name, values)| (name, sole(values))).collect())
}
