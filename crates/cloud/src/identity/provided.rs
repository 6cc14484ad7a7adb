//! The managed policies that come with every cloud: names and ARNs are AWS's, the documents are written for the actions
//! that Landfall has or will have.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use landfall_model::{Arn, UniqueId, UniqueKind};
use serde::Deserialize;

/// A policy that comes with every cloud.
#[derive(Clone, Debug)]
pub struct Provided {
    /// Its unique id, the same in every cloud.
    pub id: UniqueId,
    /// Its name.
    pub name: String,
    /// Its path, such as `/service-role/`.
    pub path: String,
    /// What it is for.
    pub description: String,
    /// The document.
    pub document: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default = "root")]
    path: String,
    description: String,
    statements: serde_json::Value,
}

fn root() -> String {
    "/".into()
}

static ALL: LazyLock<BTreeMap<Arn, Provided>> = LazyLock::new(|| {
    // A test holds the file to this shape; an unreadable one would provide nothing.
    let written: BTreeMap<String, Written> = serde_json::from_str(include_str!("provided.json")).unwrap_or_default();
    written
        .into_iter()
        .map(|(name, written)| (Arn::provided_policy(&written.path, &name), provided(name, written)))
        .collect()
});

fn provided(name: String, written: Written) -> Provided {
    let document = serde_json::json!({ "Version": "2012-10-17", "Statement": written.statements });
    Provided {
        id: UniqueId::from_random(UniqueKind::Policy, fold(&name)),
        name,
        path: written.path,
        description: written.description,
        document: serde_json::to_string_pretty(&document).unwrap_or_default(),
    }
}

/// Bits that a name gives: FNV-1a, 128 bits wide.
fn fold(name: &str) -> u128 {
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    name.bytes().fold(BASIS, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME))
}

/// The policy of an ARN.
pub fn find(arn: &Arn) -> Option<&'static Provided> {
    ALL.get(arn)
}

/// All of them, by ARN.
pub fn all() -> impl Iterator<Item = (&'static Arn, &'static Provided)> {
    ALL.iter()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use landfall_policy::{DocumentKind, Policy};

    use super::*;

    #[test]
    fn each_is_a_policy_and_has_an_id_of_its_own() {
        assert!(serde_json::from_str::<BTreeMap<String, Written>>(include_str!("provided.json")).is_ok());
        assert!(ALL.len() >= 30);
        for (arn, policy) in all() {
            let parsed = Policy::parse_as(DocumentKind::Managed, &policy.document);
            assert!(parsed.is_ok(), "{arn}: {parsed:?}");
            assert!(policy.path.starts_with('/') && policy.path.ends_with('/'), "{arn}");
        }
        assert_eq!(all().map(|(_, policy)| &policy.id).collect::<BTreeSet<_>>().len(), ALL.len());
    }
}
