//! ec2:DescribeDhcpOptions. Lists sets of DHCP options.

use landfall_cloud::value::DhcpOptionsTable;
use landfall_model::{DhcpOptions, DhcpOptionsId};
use serde::{Deserialize, Serialize};

use super::shape::dhcp_options::{DhcpOptionsShape, dhcp_options};
use super::shape::listing::listing;
use crate::filter::{FilterNames, Values, many, shown};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeDhcpOptions {
    #[serde(default)]
    dhcp_options_id: Vec<DhcpOptionsId>,
    #[serde(default)]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeDhcpOptionsResult<'v> {
    dhcp_options_set: Vec<DhcpOptionsShape<'v>>,
}

impl Read for DescribeDhcpOptions {
    const ACTION: Action = Action::ec2("DescribeDhcpOptions");
    const FILTERS: FilterNames =
        FilterNames { known: &["dhcp-options-id", "key", "owner-id", "tag-key", "value"], refused: &[] };
    const PAGE_LIMIT: usize = 1000;
    const PAGE_LEAST: usize = 5;
    type Output<'v> = DescribeDhcpOptionsResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeDhcpOptionsResult<'v>, ApiError> {
        let (view, ids) = (look.view, &self.dhcp_options_id);
        let rows =
            listing::<DhcpOptionsTable, _>(look, ids, &self.filter, Self::FILTERS, |_, row, name| field(row, name))?;
        Ok(DescribeDhcpOptionsResult {
            dhcp_options_set: rows.into_iter().map(|row| dhcp_options(&view, row)).collect(),
        })
    }
}

fn field<'v>(row: &'v DhcpOptions, name: &str) -> Values<'v> {
    match name {
        "dhcp-options-id" => shown(row.id),
        "key" => row.options.iter().map(|(key, _)| key.as_str().into()).collect(),
        "owner-id" => shown(row.scope.account),
        "value" => many(row.options.iter().flat_map(|(_, values)| values)),
        _ => Vec::new(),
    }
}
