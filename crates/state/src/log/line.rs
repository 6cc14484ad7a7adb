//! The text of a record that waits to be written.

use std::cell::RefCell;
use std::fmt;
use std::ops::Deref;

use bytes::{Bytes, BytesMut};

/// The size of a block, in bytes.
const BLOCK: usize = 64 << 10;

thread_local! {
    static OPEN: RefCell<BytesMut> = RefCell::new(BytesMut::new());
}

/// A text that many are made of in a second and that waits a moment, on its way to another thread.
///
/// Texts lie one behind the other in a thread's block, which goes when the last of them does. With room of its own, each
/// would be written into memory that has left the processor's caches since it was used last, and freed by a thread that
/// didn't take it: in a small call's time both can be measured.
#[derive(Clone, PartialEq, Eq)]
pub struct Line(Bytes);

impl From<&str> for Line {
    fn from(text: &str) -> Self {
        OPEN.with_borrow_mut(|block| {
            if block.capacity() < text.len() {
                *block = BytesMut::with_capacity(BLOCK.max(text.len()));
            }
            block.extend_from_slice(text.as_bytes());
            Self(block.split().freeze())
        })
    }
}

impl Deref for Line {
    type Target = str;

    fn deref(&self) -> &str {
        // It was a text when it was put in.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_all_lengths_stay_as_they_were() {
        let text = |length: usize| "é1-".repeat(length);
        let lengths = [0, 1, 300, BLOCK / 4, 2, BLOCK, 7, BLOCK / 5, 1_000];
        let lines: Vec<Line> = lengths.iter().map(|length| text(*length).as_str().into()).collect();
        std::thread::spawn(move || {
            for (line, length) in lines.iter().zip(lengths) {
                assert_eq!(**line, text(length));
            }
        })
        .join()
        .unwrap();
    }
}
