//! A set of DHCP options as answers show it.

use landfall_cloud::View;
use landfall_model::{AccountId, DhcpOptions, DhcpOptionsId};
use serde::Serialize;

use super::attribute::ValueOut;
use super::{Tag, tag_set};

/// A set.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DhcpOptionsShape<'v> {
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

/// That set.
pub fn dhcp_options<'v>(view: &View<'v>, row: &'v DhcpOptions) -> DhcpOptionsShape<'v> {
    DhcpOptionsShape {
        dhcp_options_id: row.id,
        owner_id: row.scope.account,
        dhcp_configuration_set: row.options.iter().map(|(key, values)| configuration(key, values)).collect(),
        tag_set: tag_set(view, &row.id.to_string()),
    }
}

fn configuration<'v>(key: &'v str, values: &'v [String]) -> DhcpConfiguration<'v> {
    DhcpConfiguration { key, value_set: values.iter().map(|value| ValueOut { value: value.as_str() }).collect() }
}
