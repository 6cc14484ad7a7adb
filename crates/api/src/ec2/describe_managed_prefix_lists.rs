//! ec2:DescribeManagedPrefixLists. Lists prefix lists: the account's and the region's own.

use landfall_cloud::{Fault, View};
use landfall_model::{PrefixList, PrefixListId};
use serde::{Deserialize, Serialize};

use super::shape::prefix_list::{PrefixListShape, owner};
use crate::filter::{FilterNames, Values, one, shown};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeManagedPrefixLists {
    #[serde(default)]
    prefix_list_id: Vec<PrefixListId>,
    #[serde(default)]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeManagedPrefixListsResult<'v> {
    prefix_list_set: Vec<PrefixListShape<'v>>,
}

impl Read for DescribeManagedPrefixLists {
    const ACTION: Action = Action::ec2("DescribeManagedPrefixLists");
    const FILTERS: FilterNames =
        FilterNames { known: &["owner-id", "prefix-list-id", "prefix-list-name", "tag-key"], refused: &[] };
    const PAGE_LIMIT: usize = 100;
    type Output<'v> = DescribeManagedPrefixListsResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeManagedPrefixListsResult<'v>, ApiError> {
        let view = look.view;
        let selection = self.filter.select(Self::FILTERS)?;
        let own = view.own_prefix_lists();
        let rows = named(&view, own.chain(view.region_prefix_lists()).collect(), &self.prefix_list_id)?;
        let matching = rows.into_iter().filter(|row| {
            selection.is_empty() || selection.matches(view.tags(&row.id.to_string()), |name| field(row, name))
        });
        let page = look.page.take(matching, |row| row.id)?;
        let prefix_list_set = page.into_iter().map(|row| PrefixListShape::of(&view, row)).collect();
        Ok(DescribeManagedPrefixListsResult { prefix_list_set })
    }
}

/// Those of the lists that are named, or all where none is, by id.
pub fn named<'v>(
    view: &View<'v>,
    mut rows: Vec<&'v PrefixList>,
    ids: &[PrefixListId],
) -> Result<Vec<&'v PrefixList>, ApiError> {
    let absent: Vec<_> = ids.iter().copied().filter(|id| view.prefix_list(*id).is_err()).collect();
    if !absent.is_empty() {
        return Err(Fault::none_of(&absent).into());
    }
    rows.retain(|row| ids.is_empty() || ids.contains(&row.id));
    rows.sort_unstable_by_key(|row| row.id);
    Ok(rows)
}

fn field<'v>(row: &'v PrefixList, name: &str) -> Values<'v> {
    match name {
        "owner-id" => one(owner(row)),
        "prefix-list-id" => shown(row.id),
        "prefix-list-name" => one(row.name.as_str()),
        _ => Values::new(),
    }
}
