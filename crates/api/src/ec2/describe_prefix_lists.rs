//! ec2:DescribePrefixLists. Lists the region's own prefix lists with their blocks.

use landfall_model::{Cidr, PrefixListId};
use serde::{Deserialize, Serialize};

use super::describe_managed_prefix_lists::named;
use crate::filter::{FilterNames, Values, one, shown};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribePrefixLists {
    #[serde(default)]
    prefix_list_id: Vec<PrefixListId>,
    #[serde(default)]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribePrefixListsResult<'v> {
    prefix_list_set: Vec<WithBlocks<'v>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WithBlocks<'v> {
    cidr_set: Vec<Cidr>,
    prefix_list_id: PrefixListId,
    prefix_list_name: &'v str,
}

impl Read for DescribePrefixLists {
    const ACTION: Action = Action::ec2("DescribePrefixLists");
    const FILTERS: FilterNames = FilterNames { known: &["prefix-list-id", "prefix-list-name"], refused: &[] };
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = DescribePrefixListsResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribePrefixListsResult<'v>, ApiError> {
        let view = look.view;
        let selection = self.filter.select(Self::FILTERS)?;
        let rows = named(&view, view.region_prefix_lists().collect(), &self.prefix_list_id)?;
        let matching = rows.into_iter().filter(|row| {
            selection.matches(None, |name| match name {
                "prefix-list-id" => shown(row.id),
                "prefix-list-name" => one(row.name.as_str()),
                _ => Values::new(),
            })
        });
        let page = look.page.take(matching, |row| row.id)?;
        let prefix_list_set = page.into_iter().map(|row| WithBlocks {
            cidr_set: row.entries().iter().map(|entry| entry.cidr).collect(),
            prefix_list_id: row.id,
            prefix_list_name: &row.name,
        });
        Ok(DescribePrefixListsResult { prefix_list_set: prefix_list_set.collect() })
    }
}
