//! strongSwan's configuration as a tree: the text of its files and the messages of its control protocol say the same.
//!
//! A message is a sequence of elements, each with a type byte: a section begins and ends, a key has a value, a list begins,
//! has items and ends. Names have a length of one byte, values of two. Source: strongSwan's README of libvici.

use std::fmt;
use std::io;

/// A section: keys in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section(pub Vec<(String, Item)>);

/// What a key has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A value.
    Value(String),
    /// Several.
    List(Vec<String>),
    /// Keys of its own.
    Section(Section),
}

const SECTION_START: u8 = 1;
const SECTION_END: u8 = 2;
const KEY_VALUE: u8 = 3;
const LIST_START: u8 = 4;
const LIST_ITEM: u8 = 5;
const LIST_END: u8 = 6;
/// How deep a message may be: what is said of tunnels has four levels.
const DEPTH: usize = 16;

impl Section {
    /// Adds a value.
    pub fn value(mut self, key: &str, value: impl ToString) -> Self {
        self.0.push((key.to_owned(), Item::Value(value.to_string())));
        self
    }

    /// Adds a list.
    pub fn list<T: ToString>(mut self, key: &str, values: impl IntoIterator<Item = T>) -> Self {
        let values = values.into_iter().map(|value| value.to_string()).collect();
        self.0.push((key.to_owned(), Item::List(values)));
        self
    }

    /// Adds a section.
    pub fn section(mut self, key: &str, section: Section) -> Self {
        self.0.push((key.to_owned(), Item::Section(section)));
        self
    }

    /// The value of a key.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.0.iter().find_map(|(name, item)| match item {
            Item::Value(value) if name == key => Some(value.as_str()),
            _ => None,
        })
    }

    /// The sections in it, with their names.
    pub fn sections(&self) -> impl Iterator<Item = (&str, &Section)> {
        self.0.iter().filter_map(|(name, item)| match item {
            Item::Section(section) => Some((name.as_str(), section)),
            _ => None,
        })
    }

    /// The message that says this.
    pub fn encode(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.encode_into(&mut bytes)?;
        Ok(bytes)
    }

    fn encode_into(&self, bytes: &mut Vec<u8>) -> io::Result<()> {
        for (key, item) in &self.0 {
            match item {
                Item::Value(value) => {
                    bytes.push(KEY_VALUE);
                    put_name(bytes, key)?;
                    put_value(bytes, value)?;
                }
                Item::List(values) => {
                    bytes.push(LIST_START);
                    put_name(bytes, key)?;
                    for value in values {
                        bytes.push(LIST_ITEM);
                        put_value(bytes, value)?;
                    }
                    bytes.push(LIST_END);
                }
                Item::Section(section) => {
                    bytes.push(SECTION_START);
                    put_name(bytes, key)?;
                    section.encode_into(bytes)?;
                    bytes.push(SECTION_END);
                }
            }
        }
        Ok(())
    }

    /// What a message says. An element of a type that isn't known ends it with an error.
    pub fn decode(bytes: &[u8]) -> io::Result<Self> {
        let mut reader = Reader(bytes);
        let section = reader.section(0)?;
        if reader.0.is_empty() { Ok(section) } else { Err(malformed()) }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        let indent = "  ".repeat(depth);
        for (key, item) in &self.0 {
            match item {
                Item::Value(value) => writeln!(f, "{indent}{key} = {value}")?,
                Item::List(values) => writeln!(f, "{indent}{key} = {}", values.join(", "))?,
                Item::Section(section) => {
                    writeln!(f, "{indent}{key} {{")?;
                    section.write(f, depth + 1)?;
                    writeln!(f, "{indent}}}")?;
                }
            }
        }
        Ok(())
    }
}

/// As in strongSwan's files.
impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}

fn put_name(bytes: &mut Vec<u8>, name: &str) -> io::Result<()> {
    bytes.push(u8::try_from(name.len()).map_err(io::Error::other)?);
    bytes.extend(name.as_bytes());
    Ok(())
}

fn put_value(bytes: &mut Vec<u8>, value: &str) -> io::Result<()> {
    bytes.extend(u16::try_from(value.len()).map_err(io::Error::other)?.to_be_bytes());
    bytes.extend(value.as_bytes());
    Ok(())
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "strongSwan's message is malformed")
}

struct Reader<'b>(&'b [u8]);

impl Reader<'_> {
    fn take(&mut self, length: usize) -> io::Result<&[u8]> {
        let (head, rest) = self.0.split_at_checked(length).ok_or_else(malformed)?;
        self.0 = rest;
        Ok(head)
    }

    fn byte(&mut self) -> io::Result<u8> {
        Ok(self.take(1)?[0])
    }

    fn name(&mut self) -> io::Result<String> {
        let length = usize::from(self.byte()?);
        Ok(String::from_utf8_lossy(self.take(length)?).into_owned())
    }

    fn value(&mut self) -> io::Result<String> {
        let length = usize::from(u16::from_be_bytes([self.byte()?, self.byte()?]));
        Ok(String::from_utf8_lossy(self.take(length)?).into_owned())
    }

    fn section(&mut self, depth: usize) -> io::Result<Section> {
        let mut section = Section::default();
        while let Some(kind) = self.0.first().copied() {
            match kind {
                SECTION_END if depth > 0 => return Ok(section),
                SECTION_START if depth < DEPTH => {
                    self.byte()?;
                    let (key, inner) = (self.name()?, self.section(depth + 1)?);
                    if self.byte()? != SECTION_END {
                        return Err(malformed());
                    }
                    section.0.push((key, Item::Section(inner)));
                }
                KEY_VALUE => {
                    self.byte()?;
                    let (key, value) = (self.name()?, self.value()?);
                    section.0.push((key, Item::Value(value)));
                }
                LIST_START => {
                    self.byte()?;
                    let key = self.name()?;
                    let mut values = Vec::new();
                    loop {
                        match self.byte()? {
                            LIST_ITEM => values.push(self.value()?),
                            LIST_END => break,
                            _ => return Err(malformed()),
                        }
                    }
                    section.0.push((key, Item::List(values)));
                }
                _ => return Err(malformed()),
            }
        }
        if depth == 0 { Ok(section) } else { Err(malformed()) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sections() -> impl Strategy<Value = Section> {
        let word = || "[a-z0-9 =/{}]{0,12}";
        let leaf =
            prop_oneof![word().prop_map(Item::Value), proptest::collection::vec(word(), 0..4).prop_map(Item::List),];
        let item = leaf.prop_recursive(4, 24, 4, move |inner| {
            proptest::collection::vec((word(), inner), 0..4).prop_map(|keys| Item::Section(Section(keys)))
        });
        proptest::collection::vec((word(), item), 0..5).prop_map(Section)
    }

    proptest! {
        #[test]
        fn a_message_is_read_as_it_was_written(section in sections()) {
            prop_assert_eq!(Section::decode(&section.encode().unwrap()).unwrap(), section);
        }

        #[test]
        fn no_message_breaks_the_reader(bytes in proptest::collection::vec(0u8..8, 0..64)) {
            let _ = Section::decode(&bytes);
        }
    }

    #[test]
    fn a_message_has_strongswans_bytes() {
        // The example of libvici's own documentation.
        let section = Section::default().value("key1", "value1").section(
            "section1",
            Section::default()
                .section("sub-section", Section::default().value("key2", "value2"))
                .list("list1", ["item1", "item2"]),
        );
        let mut expected = vec![3, 4];
        expected.extend(b"key1\0\x06value1");
        expected.extend(b"\x01\x08section1\x01\x0bsub-section\x03\x04key2\0\x06value2\x02");
        expected.extend(b"\x04\x05list1\x05\0\x05item1\x05\0\x05item2\x06\x02");
        assert_eq!(section.encode().unwrap(), expected);
        assert_eq!(Section::decode(&[1; 200]).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
