//! ssm:DescribeParameters. Lists parameters without their values.

use landfall_cloud::View;
use landfall_cloud::parameter;
use landfall_cloud::value::Parameters;
use landfall_model::{Parameter, ParameterVersion, parameter_key};
use landfall_wire::Time;
use serde::{Deserialize, Serialize};

use super::shape::filter::{self, ParameterStringFilter, ParametersFilter, PolicyShape, Use, exact_names, policies};
use super::shape::time;
use crate::{Action, ApiError, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeParameters {
    #[serde(default)]
    filters: Vec<ParametersFilter>,
    #[serde(default)]
    parameter_filters: Vec<ParameterStringFilter>,
    #[serde(default)]
    shared: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeParametersResult<'v> {
    parameters: Vec<MetadataShape<'v>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct MetadataShape<'v> {
    name: &'v str,
    #[serde(rename = "ARN")]
    arn: String,
    #[serde(rename = "Type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<&'v str>,
    last_modified_date: Time,
    last_modified_user: &'v str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'v str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_pattern: Option<&'v str>,
    version: u64,
    tier: &'static str,
    policies: Vec<PolicyShape<'v>>,
    data_type: &'v str,
}

impl Read for DescribeParameters {
    const ACTION: Action = Action::ssm("DescribeParameters");
    const PAGE_LIMIT: usize = 50;
    type Output<'v> = DescribeParametersResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeParametersResult<'v>, ApiError> {
        let view = look.view;
        if self.shared {
            return Err(ApiError::unsupported("the value 'true' of the parameter Shared"));
        }
        if !self.filters.is_empty() && !self.parameter_filters.is_empty() {
            let message = "You can use either Filters or ParameterFilters in a single request.";
            return Err(ApiError::new("ValidationException", message));
        }
        let old = self.filters.into_iter().map(ParameterStringFilter::from);
        let filters = filter::parse(old.chain(self.parameter_filters).collect(), Use::Describe)?;
        look.page.bound(Self::PAGE_LIMIT);
        let candidates: Box<dyn Iterator<Item = &Parameter>> = match exact_names(&filters) {
            Some(names) => Box::new(named(&view, names).into_iter()),
            None => Box::new(view.from::<Parameters, String>(look.page.start()?)),
        };
        let rows = candidates.filter_map(|row| Some((row, parameter::newest(&view, row)?)));
        let rows = rows.filter(|(row, version)| filter::matches(&view, &filters, row, version));
        let rows = look.page.take(rows, |(row, _)| parameter_key(&row.name).to_owned())?;
        Ok(DescribeParametersResult {
            parameters: rows.into_iter().map(|(row, version)| shape(row, version)).collect(),
        })
    }
}

/// The parameters of those names, in the order of their keys.
fn named<'v>(view: &View<'v>, names: &[String]) -> Vec<&'v Parameter> {
    let mut rows: Vec<_> = names.iter().filter_map(|name| parameter::find(view, name)).collect();
    rows.sort_by(|a, b| parameter_key(&a.name).cmp(parameter_key(&b.name)));
    rows.dedup_by(|a, b| a.name == b.name);
    rows
}

fn shape<'v>(row: &'v Parameter, version: &'v ParameterVersion) -> MetadataShape<'v> {
    MetadataShape {
        name: &row.name,
        arn: parameter::arn(row.scope, &row.name).to_string(),
        kind: row.kind.name(),
        key_id: version.kms_key.as_deref(),
        last_modified_date: time(version.modified_at),
        last_modified_user: &version.modified_by,
        description: version.description.as_deref(),
        allowed_pattern: version.allowed_pattern.as_deref(),
        version: version.number,
        tier: version.tier.name(),
        policies: policies(version),
        data_type: &version.data_type,
    }
}
