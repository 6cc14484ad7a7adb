//! ec2:DescribeTags. Lists tags of resources of all kinds.

use std::collections::BTreeMap;

use landfall_cloud::value::Tags;
use serde::{Deserialize, Serialize};

use super::shape::resource::Resource;
use crate::filter::{FilterNames, one};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeTags {
    #[serde(default)]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeTagsResult<'v> {
    tag_set: Vec<TagDescription<'v>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TagDescription<'v> {
    key: &'v str,
    resource_id: &'v str,
    resource_type: &'v str,
    value: &'v str,
}

impl Read for DescribeTags {
    const ACTION: Action = Action::ec2("DescribeTags");
    const PAGE_LIMIT: usize = 1000;
    const PAGE_LEAST: usize = 5;
    const FILTERS: FilterNames =
        FilterNames { known: &["key", "resource-id", "resource-type", "tag:<key>", "value"], refused: &[] };
    type Output<'v> = DescribeTagsResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeTagsResult<'v>, ApiError> {
        let selection = self.filter.select(Self::FILTERS)?;
        // Tags of other services' resources are in the same table.
        let rows = look.view.all::<Tags, String>().filter(|row| Resource::parse(&row.resource).is_ok());
        let each = rows.flat_map(|row| row.tags.iter().map(move |(key, value)| (row, key, value)));
        let matching = each.filter(|(row, key, value)| {
            // `tag:<key>` is about this very tag, not about any that its resource has.
            let this = BTreeMap::from([((*key).clone(), (*value).clone())]);
            selection.matches(Some(&this), |name| match name {
                "key" => one((*key).clone()),
                "resource-id" => one(row.resource.clone()),
                "resource-type" => one(row.kind.clone()),
                _ => one((*value).clone()),
            })
        });
        // No id has a character before the blank, so this orders as the rows come.
        let page = look.page.take(matching, |(row, key, _)| format!("{} {key}", row.resource))?;
        let tag_set = page.into_iter().map(|(row, key, value)| TagDescription {
            key,
            resource_id: &row.resource,
            resource_type: &row.kind,
            value,
        });
        Ok(DescribeTagsResult { tag_set: tag_set.collect() })
    }
}
