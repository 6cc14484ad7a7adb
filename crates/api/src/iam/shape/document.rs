//! Policy documents in answers: IAM sends them percent-encoded (RFC 3986).

use serde::{Serialize, Serializer};

/// A document, encoded when it is written.
pub struct Document<T>(pub T);

impl<T: AsRef<str>> Serialize for Document<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&encode(self.0.as_ref()))
    }
}

fn encode(document: &str) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(document.len() * 2);
    for byte in document.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a string doesn't fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn everything_but_the_unreserved_is_encoded() {
        assert_eq!(super::encode("{\"a\": \"é~\"}\n"), "%7B%22a%22%3A%20%22%C3%A9~%22%7D%0A");
    }
}
