//! A document's text in which principals are called otherwise than when it was written.
//!
//! Only what stands in a `Principal` or `NotPrincipal` is renamed, however it is escaped there: the same ARN in a condition
//! compares with the names that callers have, and has to stay what it was.

use std::borrow::Cow;

/// What is open around a place in a document: a list, or an object with the key that was read last.
enum Open {
    List,
    Object(String),
}

/// The document with the names for which `rename` has another one. All else stays as it was, to the byte. A document that is
/// no JSON stays as it is.
pub fn rename_principals(document: &str, rename: impl Fn(&str) -> Option<String>) -> Cow<'_, str> {
    let bytes = document.as_bytes();
    let (mut open, mut out, mut copied, mut at) = (Vec::new(), String::new(), 0, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'{' => open.push(Open::Object(String::new())),
            b'[' => open.push(Open::List),
            b'}' | b']' => drop(open.pop()),
            b'"' => {
                let end = end_of_string(bytes, at);
                let Ok(text) = serde_json::from_str::<String>(&document[at..end]) else { return document.into() };
                let is_key = document[end..].trim_start().starts_with(':');
                if is_key {
                    if let Some(Open::Object(key)) = open.last_mut() {
                        *key = text;
                    }
                } else if is_principal(&open)
                    && let Some(name) = rename(&text)
                {
                    out.push_str(&document[copied..at]);
                    out.push_str(&serde_json::Value::String(name).to_string());
                    copied = end;
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    if copied == 0 {
        return document.into();
    }
    out.push_str(&document[copied..]);
    out.into()
}

/// Whether a value at that place says whom a statement is about.
fn is_principal(open: &[Open]) -> bool {
    let [Open::Object(element), rest @ ..] = open else { return false };
    let statement = match rest {
        [Open::List, statement @ ..] => statement,
        statement => statement,
    };
    let is_principal = |key: &str| key == "Principal" || key == "NotPrincipal";
    element == "Statement" && matches!(statement, [Open::Object(key), ..] if is_principal(key))
}

/// Behind the closing quotation mark of the string that begins at `at`.
fn end_of_string(bytes: &[u8], at: usize) -> usize {
    let mut end = at + 1;
    while end < bytes.len() && bytes[end] != b'"' {
        end += if bytes[end] == b'\\' { 2 } else { 1 };
    }
    (end + 1).min(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renamed(document: &str) -> Cow<'_, str> {
        rename_principals(document, |name| (name == "arn:aws:iam::1:user/bob").then(|| "AIDABOB".to_owned()))
    }

    #[test]
    fn principals_are_renamed_however_they_are_spelt_and_nothing_else() {
        let bob = r#""arn:aws:iam::1:user/bob""#;
        let escaped = r#""arn:aws:iam::1:user\/b\u006fb""#;
        for name in [bob, escaped] {
            for (before, after) in [
                (
                    "{\n \"Statement\" : {\"Principal\": {\"AWS\" : NAME}, \"Condition\": {\"ArnEquals\": {\"aws:PrincipalArn\": NAME}}}}",
                    1,
                ),
                (r#"{"Statement":[{"Sid":NAME},{"NotPrincipal":{"AWS":["x",NAME,NAME]}}]}"#, 2),
                (r#"{"Statement":[{"Princip\u0061l":{"AWS":NAME}}]}"#, 1),
                (r#"{"Id":NAME,"Principal":NAME,"Statement":[{"Resource":{"Principal":NAME}}]}"#, 0),
            ] {
                let document = before.replace("NAME", name);
                let found = renamed(&document);
                assert_eq!(found.matches("\"AIDABOB\"").count(), after, "{found}");
                assert_eq!(found.replace("\"AIDABOB\"", name), document);
            }
        }
    }

    #[test]
    fn what_is_no_json_stays_as_it_is() {
        for text in ["", "\"", "{\"Statement\":[{\"Principal\":\"arn", "}]", "{\"\\", "\"\\ud800\""] {
            assert_eq!(renamed(text), text);
        }
    }
}
