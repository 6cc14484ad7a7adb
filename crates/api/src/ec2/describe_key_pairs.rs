//! ec2:DescribeKeyPairs. Lists key pairs, with their public halves where asked for.

use landfall_cloud::View;
use landfall_cloud::value::KeyPairs;
use landfall_model::{KeyKind, KeyPair, KeyPairId};
use landfall_wire::Time;
use serde::{Deserialize, Serialize};

use super::shape::{Tag, tag_set, time};
use crate::filter::{FilterNames, Selection, one, shown};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeKeyPairs {
    #[serde(default)]
    key_name: Vec<String>,
    #[serde(default)]
    key_pair_id: Vec<KeyPairId>,
    #[serde(default)]
    filter: Filters,
    #[serde(default)]
    include_public_key: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeKeyPairsResult<'v> {
    key_set: Vec<KeyPairInfo<'v>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KeyPairInfo<'v> {
    key_pair_id: KeyPairId,
    key_fingerprint: &'v str,
    key_name: &'v str,
    key_type: KeyKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'v>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key: Option<&'v str>,
    create_time: Time,
}

impl Read for DescribeKeyPairs {
    const ACTION: Action = Action::ec2("DescribeKeyPairs");
    const FILTERS: FilterNames =
        FilterNames { known: &["fingerprint", "key-name", "key-pair-id", "tag-key"], refused: &[] };
    type Output<'v> = DescribeKeyPairsResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeKeyPairsResult<'v>, ApiError> {
        let view = look.view;
        let selection = self.filter.select(Self::FILTERS)?;
        let rows = self.named(&view)?;
        let matching = rows.into_iter().filter(|row| matches(&view, &selection, row));
        let key_set = matching.map(|row| KeyPairInfo {
            key_pair_id: row.id,
            key_fingerprint: &row.fingerprint,
            key_name: &row.name,
            key_type: row.kind,
            tag_set: tag_set(&view, &row.id.to_string()),
            public_key: self.include_public_key.then_some(row.public_key.as_str()),
            create_time: time(row.created_at),
        });
        Ok(DescribeKeyPairsResult { key_set: key_set.collect() })
    }
}

impl DescribeKeyPairs {
    /// The rows that are asked for by name or id: all of them, or an error where one isn't there; everything if none is.
    fn named<'v>(&self, view: &View<'v>) -> Result<Vec<&'v KeyPair>, ApiError> {
        if self.key_name.is_empty() && self.key_pair_id.is_empty() {
            return Ok(view.all::<KeyPairs, _>().collect());
        }
        let mut rows = Vec::new();
        for name in &self.key_name {
            let message = || format!("The key pair '{name}' does not exist");
            rows.push(view.key_pair(name).ok_or_else(|| ApiError::not_found("InvalidKeyPair.NotFound", message()))?);
        }
        for id in &self.key_pair_id {
            rows.push(view.need::<KeyPairs, _>(*id)?);
        }
        Ok(rows)
    }
}

fn matches(view: &View<'_>, selection: &Selection, row: &KeyPair) -> bool {
    selection.is_empty()
        || selection.matches(view.tags(&row.id.to_string()), |name| match name {
            "fingerprint" => one(row.fingerprint.as_str()),
            "key-name" => one(row.name.as_str()),
            "key-pair-id" => shown(row.id),
            _ => Vec::new(),
        })
}
