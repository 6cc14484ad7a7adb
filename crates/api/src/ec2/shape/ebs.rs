//! How the key of volumes is shown.

use landfall_model::{Arn, EbsDefaults};

use crate::encryption::DefaultKey;

/// The ARN of the key under which volumes are encrypted: the service's own by its alias.
pub fn default_key(row: &EbsDefaults) -> String {
    let own = || Arn::new("kms", row.scope, DefaultKey::Ebs.alias());
    row.key.clone().unwrap_or_else(own).to_string()
}
