//! Policies of resources and endpoints, compiled once a change: those of keys, secrets, roles and endpoints.
//!
//! What was compiled is kept by its text and by whom that names. A policy says what these say and nothing else, so none can be
//! out of date: whoever takes the name of somebody who is gone has another id, and isn't meant.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use landfall_cloud::identity::speaking;
use landfall_model::{Arn, TrustPolicy, UniqueId};
use landfall_policy::{Malformed, Policy};

/// The most bytes of text that is kept, for all together.
const MOST_BYTES: usize = 16 << 20;

/// Compiled policies by their texts.
#[derive(Debug, Default)]
pub struct Documents(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// One text may name others than it did: whoever it names is kept beside what was compiled.
    compiled: HashMap<Box<str>, Vec<(Named, Arc<Policy>)>>,
    bytes: usize,
}

/// Who the users and roles are that a text names.
type Named = BTreeMap<Arn, UniqueId>;

impl Documents {
    /// The policy of that text, which means whom it names by their names.
    pub fn read(&self, document: &str) -> Result<Arc<Policy>, Malformed> {
        self.find(document, &Named::new())
    }

    /// The policy of a resource, which means whom it named when it was written.
    pub fn read_bound(&self, policy: &TrustPolicy) -> Result<Arc<Policy>, Malformed> {
        self.find(&policy.document, &policy.named)
    }

    fn find(&self, document: &str, named: &Named) -> Result<Arc<Policy>, Malformed> {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_text = |kept: &[(Named, Arc<Policy>)]| Some(kept.iter().find(|(of, _)| of == named)?.1.clone());
        if let Some(policy) = lock().compiled.get(document).and_then(|kept| of_text(kept)) {
            return Ok(policy);
        }
        let policy = Policy::parse(document)?;
        let policy = Arc::new(if named.is_empty() { policy } else { speaking::bound(&policy, named) });
        let mut kept = lock();
        if kept.bytes + document.len() > MOST_BYTES {
            *kept = Kept::default();
        }
        let of_text = kept.compiled.entry(document.into()).or_default();
        of_text.push((named.clone(), policy.clone()));
        kept.bytes += document.len();
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
    fn one_text_that_names_others_is_another_policy() {
        let documents = Documents::default();
        let arn = "arn:aws:iam::111122223333:user/bob";
        let document = document("kms:Encrypt").replace("\"*\",\"Action", &format!("{{\"AWS\":\"{arn}\"}},\"Action"));
        let bob = |id: &str| TrustPolicy {
            document: document.clone(),
            named: [(arn.parse().unwrap(), id.parse().unwrap())].into(),
        };
        let (first, second) = (bob("AIDAFIRST"), bob("AIDASECOND"));
        let read = |policy: &TrustPolicy| documents.read_bound(policy).unwrap();
        assert!(Arc::ptr_eq(&read(&first), &read(&first)));
        assert!(!Arc::ptr_eq(&read(&first), &read(&second)));
        let meant: Vec<_> = read(&first).principals().cloned().collect();
        assert_eq!(meant, [landfall_policy::PrincipalName::Id("AIDAFIRST".into())]);
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
