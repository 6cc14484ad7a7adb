//! Policies of resources and endpoints, compiled once a change: those of keys, secrets, roles and endpoints.
//!
//! What was compiled is kept by its text. A policy says what its text says and nothing else, so none can be out of date:
//! where one is changed, or somebody whom it names is gone, there is another text.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use landfall_policy::{Malformed, Policy};

/// The most bytes of text that is kept, for all together.
const MOST_BYTES: usize = 16 << 20;

/// Compiled policies by their texts.
#[derive(Debug, Default)]
pub struct Documents(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    compiled: HashMap<Box<str>, Arc<Policy>>,
    bytes: usize,
}

impl Documents {
    /// The policy of that text.
    pub fn read(&self, document: &str) -> Result<Arc<Policy>, Malformed> {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(policy) = lock().compiled.get(document) {
            return Ok(policy.clone());
        }
        let policy = Arc::new(Policy::parse(document)?);
        let mut kept = lock();
        if kept.bytes + document.len() > MOST_BYTES {
            *kept = Kept::default();
        }
        if kept.compiled.insert(document.into(), policy.clone()).is_none() {
            kept.bytes += document.len();
        }
        Ok(policy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(action: &str) -> String {
        format!(r#"{{"Statement":[{{"Effect":"Allow","Principal":"*","Action":"{action}","Resource":"*"}}]}}"#)
    }

    #[test]
    fn a_text_is_compiled_once_and_another_anew() {
        let documents = Documents::default();
        let first = documents.read(&document("kms:Encrypt")).unwrap();
        assert!(Arc::ptr_eq(&first, &documents.read(&document("kms:Encrypt")).unwrap()));
        assert!(!Arc::ptr_eq(&first, &documents.read(&document("kms:Decrypt")).unwrap()));
        assert!(documents.read("{").is_err());
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let documents = Documents::default();
        for number in 0..700 {
            let padding = " ".repeat(30_000);
            documents.read(&format!("{}{padding}", document(&format!("kms:A{number}")))).unwrap();
        }
        let kept = documents.0.lock().unwrap();
        assert!(kept.bytes <= MOST_BYTES && kept.compiled.len() < 700, "{} bytes", kept.bytes);
        assert_eq!(kept.bytes, kept.compiled.keys().map(|text| text.len()).sum::<usize>());
    }
}
