//! Attributes of netlink messages.

/// A list of attributes.
#[derive(Default)]
pub struct Attributes(Vec<u8>);

/// Says that an attribute's value is attributes.
const NESTED: u16 = 0x8000;

impl Attributes {
    /// Those of something in a table, which the first one names.
    pub fn of(table: &str) -> Self {
        let mut attributes = Self::default();
        attributes.text(1, table);
        attributes
    }

    /// As they go over the wire.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Adds one.
    pub fn bytes_of(&mut self, kind: u16, value: &[u8]) -> &mut Self {
        // Longer ones aren't made: see the callers.
        let length = u16::try_from(4 + value.len()).unwrap_or(u16::MAX);
        self.0.extend(length.to_ne_bytes());
        self.0.extend(kind.to_ne_bytes());
        self.0.extend(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    /// Adds a number.
    pub fn number(&mut self, kind: u16, value: u32) -> &mut Self {
        self.bytes_of(kind, &value.to_be_bytes())
    }

    /// Adds a text.
    pub fn text(&mut self, kind: u16, value: &str) -> &mut Self {
        let mut bytes = value.as_bytes().to_vec();
        bytes.push(0);
        self.bytes_of(kind, &bytes)
    }

    /// Adds attributes.
    pub fn nest(&mut self, kind: u16, value: &Attributes) -> &mut Self {
        self.bytes_of(kind | NESTED, &value.0)
    }
}
