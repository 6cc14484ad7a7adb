//! A secret in an answer, without its value.

use std::collections::BTreeMap;

use landfall_cloud::View;
use landfall_cloud::secret::{self, version};
use landfall_model::{Arn, Secret};
use landfall_wire::Time;
use serde::Serialize;

use super::time;
use crate::tagging::{self, TagShape};

/// The stages of the versions that have any, by their ids.
pub type Stages<'v> = BTreeMap<&'v str, Vec<&'v str>>;

/// What lists and descriptions say of a secret.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SecretShape<'v> {
    #[serde(rename = "ARN")]
    arn: Arn,
    name: &'v str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'v str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kms_key_id: Option<&'v str>,
    last_changed_date: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_accessed_date: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_date: Option<Time>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<TagShape<'v>>,
    /// As descriptions call them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    version_ids_to_stages: Stages<'v>,
    /// As lists call them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    secret_versions_to_stages: Stages<'v>,
    created_date: Time,
}

/// A secret in a description, which says when it goes.
pub fn described<'v>(view: &View<'v>, row: &'v Secret) -> SecretShape<'v> {
    SecretShape {
        version_ids_to_stages: stages(view, row),
        deleted_date: row.deletion.map(|deletion| time(deletion.due_at)),
        ..base(view, row)
    }
}

/// A secret in a list, which says when its deletion was asked for.
pub fn listed<'v>(view: &View<'v>, row: &'v Secret) -> SecretShape<'v> {
    SecretShape {
        secret_versions_to_stages: stages(view, row),
        deleted_date: row.deletion.map(|deletion| time(deletion.asked_at)),
        ..base(view, row)
    }
}

fn base<'v>(view: &View<'v>, row: &'v Secret) -> SecretShape<'v> {
    SecretShape {
        arn: row.arn(),
        name: &row.name,
        description: row.description.as_deref(),
        kms_key_id: row.kms_key.as_deref(),
        last_changed_date: time(row.changed_at),
        last_accessed_date: row.accessed_at.map(time),
        deleted_date: None,
        tags: tagging::shown(view, &secret::tag_id(&row.name)),
        version_ids_to_stages: Stages::new(),
        secret_versions_to_stages: Stages::new(),
        created_date: time(row.created_at),
    }
}

fn stages<'v>(view: &View<'v>, row: &Secret) -> Stages<'v> {
    let staged = version::all(view, &row.name).filter(|version| !version.stages.is_empty());
    staged.map(|version| (version.id.as_str(), version.stages.iter().map(String::as_str).collect())).collect()
}
