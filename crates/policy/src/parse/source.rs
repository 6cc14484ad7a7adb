//! The outermost level of a document, and where its statements stand in it.

use crate::json::Json;
use crate::malformed::Malformed;
use crate::statement::{Position, Span};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The document's own elements. Serde refuses unknown ones and those that occur twice.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<'a> {
    #[serde(rename = "Version")]
    version: Option<String>,
    #[serde(rename = "Id")]
    id: Option<String>,
    #[serde(rename = "Statement", borrow)]
    statement: &'a RawValue,
}

/// A document cut into statements.
pub(super) struct Source {
    pub version: Option<String>,
    pub id: Option<String>,
    pub statements: Vec<Located>,
}

/// A statement and its place.
pub(super) struct Located {
    pub json: Json,
    pub span: Span,
}

impl Source {
    pub(super) fn read(document: &str) -> Result<Self, Malformed> {
        const NOT_JSON: Malformed = Malformed::Syntax("not JSON, an unknown or repeated element, or no Statement");
        // Serde reads an array as a struct's fields in their order; a policy is an object.
        if !document.trim_start().starts_with('{') {
            return Err(NOT_JSON);
        }
        let outer: Document<'_> = serde_json::from_str(document).map_err(|_| NOT_JSON)?;
        let raw = outer.statement.get();
        let pieces: Vec<&RawValue> =
            if raw.starts_with('[') { serde_json::from_str(raw).map_err(|_| NOT_JSON)? } else { vec![outer.statement] };
        if pieces.is_empty() {
            return Err(Malformed::Syntax("no statements"));
        }
        let mut lines = Lines::new(document);
        let mut statements = Vec::with_capacity(pieces.len());
        for piece in pieces {
            let json = serde_json::from_str(piece.get()).map_err(|_| NOT_JSON)?;
            statements.push(Located { json, span: lines.span(piece.get()) });
        }
        Ok(Self { version: outer.version, id: outer.id, statements })
    }
}

/// Turns slices of a document, in their order, into lines and columns in one pass over it.
struct Lines<'a> {
    document: &'a str,
    offset: usize,
    at: Position,
}

impl<'a> Lines<'a> {
    fn new(document: &'a str) -> Self {
        Self { document, offset: 0, at: Position { line: 1, column: 1 } }
    }

    fn span(&mut self, part: &str) -> Span {
        let offset = part.as_ptr() as usize - self.document.as_ptr() as usize;
        Span { start: self.advance(offset), end: self.advance(offset + part.len()) }
    }

    fn advance(&mut self, offset: usize) -> Position {
        for c in self.document[self.offset..offset].chars() {
            if c == '\n' {
                self.at = Position { line: self.at.line + 1, column: 1 };
            } else {
                self.at.column += 1;
            }
        }
        self.offset = offset;
        self.at
    }
}
