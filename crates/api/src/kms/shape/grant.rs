//! What is shown of a grant.

use std::borrow::Cow;
use std::collections::BTreeMap;

use landfall_cloud::View;
use landfall_cloud::kms::{KmsFault, grant};
use landfall_model::kms::{GrantConstraints, GrantOperation, KmsGrant, KmsGrantId};
use landfall_model::{Arn, KmsKeyId, Scope};
use landfall_wire::Time;
use serde::{Deserialize, Serialize};

use super::time;

/// Under which encryption contexts a grant is good, in requests and answers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Constraints {
    /// At least these pairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    encryption_context_subset: Option<BTreeMap<String, String>>,
    /// That one alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    encryption_context_equals: Option<BTreeMap<String, String>>,
}

impl Constraints {
    /// The one that there is.
    pub fn read(self) -> Result<Option<GrantConstraints>, KmsFault> {
        match (self.encryption_context_subset, self.encryption_context_equals) {
            (None, None) => Ok(None),
            (Some(pairs), None) => Ok(Some(GrantConstraints::Subset(pairs))),
            (None, Some(pairs)) => Ok(Some(GrantConstraints::Equals(pairs))),
            _ => Err(KmsFault::Validation("Only one encryption context constraint may be given.".into())),
        }
    }

    /// What conditions call it.
    pub fn kind(&self) -> Option<&'static str> {
        match (&self.encryption_context_subset, &self.encryption_context_equals) {
            (Some(_), _) => Some("EncryptionContextSubset"),
            (_, Some(_)) => Some("EncryptionContextEquals"),
            _ => None,
        }
    }
}

/// What is shown of a grant.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GrantListEntry<'v> {
    key_id: Arn,
    grant_id: &'v KmsGrantId,
    /// Empty where it has none, as AWS has it.
    name: &'v str,
    creation_date: Time,
    grantee_principal: Cow<'v, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retiring_principal: Option<Cow<'v, str>>,
    issuing_account: &'v Arn,
    operations: &'v [GrantOperation],
    #[serde(skip_serializing_if = "Option::is_none")]
    constraints: Option<Constraints>,
}

/// What is shown of a grant.
pub fn entry<'v>(view: &View<'_>, row: &'v KmsGrant) -> GrantListEntry<'v> {
    GrantListEntry {
        key_id: key_arn(row.scope, row.key),
        grant_id: &row.id,
        name: row.name.as_deref().unwrap_or_default(),
        creation_date: time(row.created_at),
        grantee_principal: grant::shown(view, &row.grantee),
        retiring_principal: row.retirer.as_ref().map(|retirer| grant::shown(view, retirer)),
        issuing_account: &row.issued_by,
        operations: &row.operations,
        constraints: row.constraints.clone().map(|constraints| match constraints {
            GrantConstraints::Subset(pairs) => {
                Constraints { encryption_context_subset: Some(pairs), encryption_context_equals: None }
            }
            GrantConstraints::Equals(pairs) => {
                Constraints { encryption_context_subset: None, encryption_context_equals: Some(pairs) }
            }
        }),
    }
}

/// The ARN of a key.
pub fn key_arn(scope: Scope, id: KmsKeyId) -> Arn {
    Arn::new("kms", scope, format_args!("key/{id}"))
}
