//! ec2:DescribeDhcpOptions. Lists sets of DHCP options.

use landfall_cloud::value::DhcpOptionsTable;
use landfall_model::{AccountId, DhcpOptions, DhcpOptionsId};
use serde::{Deserialize, Serialize};

use super::shape::attribute::ValueOut;
use super::shape::listing::listing;
use super::shape::{Tag, tag_set};
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

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DhcpOptionsShape<'v> {
    dhcp_options_id: DhcpOptionsId,
    owner_id: AccountId,
    dhcp_configuration_set: Vec<DhcpConfiguration<'v>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'v>>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DhcpConfiguration<'v> {
    key: &'v str,
    value_set: Vec<ValueOut<&'v str>>,
}

impl Read for DescribeDhcpOptions {
    const ACTION: Action = Action::ec2("DescribeDhcpOptions");
    const FILTERS: FilterNames =
        FilterNames { known: &["dhcp-options-id", "key", "owner-id", "tag-key", "value"], refused: &[] };
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = DescribeDhcpOptionsResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeDhcpOptionsResult<'v>, ApiError> {
        let (view, ids) = (look.view, &self.dhcp_options_id);
        let rows =
            listing::<DhcpOptionsTable, _>(look, ids, &self.filter, Self::FILTERS, |_, row, name| field(row, name))?;
        let shapes = rows.into_iter().map(|row| DhcpOptionsShape {
            dhcp_options_id: row.id,
            owner_id: row.scope.account,
            dhcp_configuration_set: row.options.iter().map(|(key, values)| configuration(key, values)).collect(),
            tag_set: tag_set(&view, &row.id.to_string()),
        });
        Ok(DescribeDhcpOptionsResult { dhcp_options_set: shapes.collect() })
    }
}

fn configuration<'v>(key: &'v str, values: &'v [String]) -> DhcpConfiguration<'v> {
    DhcpConfiguration { key, value_set: values.iter().map(|value| ValueOut { value: value.as_str() }).collect() }
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
