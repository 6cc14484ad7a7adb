//! Policies of keys: the only documents that count without anybody's own, and without which nobody's own count.

use landfall_model::{Scope, TrustPolicy};
use landfall_policy::{DocumentKind, Policy};

use super::fault::KmsFault;
use crate::identity::role;
use crate::value::Cloud;

/// The most bytes of a policy. Source: the KMS Developer Guide, "Resource quotas".
const MOST_BYTES: usize = 32_768;

/// The policy of a key for which none is given: the account's own policies decide.
pub fn default(scope: Scope) -> String {
    let (partition, account) = (scope.region.partition(), scope.account);
    format!(
        r#"{{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {{
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "arn:{partition}:iam::{account}:root"
    }},
    "Action" : "kms:*",
    "Resource" : "*"
  }} ]
}}"#
    )
}

/// Reads a policy, with those whom it names. They must be there: a name that nobody has yet would mean whoever takes it
/// first.
pub fn read(cloud: &Cloud, document: &str) -> Result<TrustPolicy, KmsFault> {
    if document.len() > MOST_BYTES {
        let message = format!("The policy has more than {MOST_BYTES} bytes.");
        return Err(KmsFault::Limit(message));
    }
    let policy = Policy::parse_as(DocumentKind::Resource, document)
        .map_err(|malformed| KmsFault::Policy(format!("Policy contains a statement with an error: {malformed}")))?;
    let invalid = |_| KmsFault::Policy("Policy contains a statement with one or more invalid principals.".into());
    let named = role::named(cloud, &policy).map_err(invalid)?;
    Ok(TrustPolicy { document: document.into(), named })
}
