//! Policies of file systems: whether a document is one.

use landfall_model::TrustPolicy;
use landfall_policy::{DocumentKind, Policy};

use crate::fault::Fault;
use crate::identity::role;
use crate::value::Cloud;

/// The longest policy, in characters.
const CHARS: usize = 20_000;

/// Reads a policy that a file system can have, with those whom it names. They must be there: a name that nobody has yet would
/// mean whoever takes it first.
pub fn read(cloud: &Cloud, document: &str) -> Result<TrustPolicy, Fault> {
    let invalid = |message: String| Fault::Taken { code: "InvalidPolicyException", message };
    if document.chars().count() > CHARS {
        return Err(invalid(format!("A file system policy has at most {CHARS} characters.")));
    }
    let read = Policy::parse_as(DocumentKind::Resource, document)
        .map_err(|why| invalid(format!("The policy is malformed: {why}")))?;
    let named = role::named(cloud, &read).map_err(|_| invalid("The policy has an invalid principal.".into()))?;
    Ok(TrustPolicy { document: document.into(), named })
}
