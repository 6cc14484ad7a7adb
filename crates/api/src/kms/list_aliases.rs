//! kms:ListAliases. Lists this account's aliases. Those of services are there before the keys that they will point at.

use std::collections::BTreeMap;

use landfall_cloud::kms::alias;
use landfall_model::{Arn, KmsAlias, KmsKeyId};
use landfall_wire::Time;
use serde::{Deserialize, Serialize};

use super::shape::key::own;
use super::shape::time;
use crate::encryption::DefaultKey;
use crate::{Action, ApiError, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListAliases {
    key_id: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListAliasesResponse<'v> {
    aliases: Vec<AliasListEntry<'v>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AliasListEntry<'v> {
    alias_name: &'v str,
    alias_arn: Arn,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_key_id: Option<KmsKeyId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    creation_date: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_updated_date: Option<Time>,
}

impl Read for ListAliases {
    const ACTION: Action = Action::kms("ListAliases");
    const PAGE_LIMIT: usize = 100;
    type Output<'v> = ListAliasesResponse<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<ListAliasesResponse<'v>, ApiError> {
        look.page.bound(50);
        let view = look.view;
        let shape = |row: &'v KmsAlias| AliasListEntry {
            alias_name: &row.name,
            alias_arn: row.arn(),
            target_key_id: Some(row.target),
            creation_date: Some(time(row.created_at)),
            last_updated_date: Some(time(row.updated_at)),
        };
        let mut found: BTreeMap<&str, AliasListEntry<'v>> = match &self.key_id {
            Some(key) => alias::of_key(&view, own(&view, key)?).map(|row| (row.name.as_str(), shape(row))).collect(),
            None => alias::all(&view).map(|row| (row.name.as_str(), shape(row))).collect(),
        };
        if self.key_id.is_none() {
            for name in DefaultKey::ALL.map(DefaultKey::alias) {
                found.entry(name).or_insert_with(|| AliasListEntry {
                    alias_name: name,
                    alias_arn: Arn::new("kms", view.scope(), name),
                    target_key_id: None,
                    creation_date: None,
                    last_updated_date: None,
                });
            }
        }
        let aliases = look.page.take(found.into_values(), |entry| entry.alias_name.to_owned())?;
        Ok(ListAliasesResponse { aliases })
    }
}
