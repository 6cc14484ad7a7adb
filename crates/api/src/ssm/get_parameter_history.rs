//! ssm:GetParameterHistory. Lists the versions of a parameter, from the oldest, with their values.

use landfall_cloud::View;
use landfall_cloud::parameter::{self, ParameterFault, Reference};
use landfall_wire::Time;
use serde::{Deserialize, Serialize};

use super::shape::filter::{PolicyShape, policies};
use super::shape::{demand, demand_open, time, value};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetParameterHistory {
    name: String,
    #[serde(default)]
    with_decryption: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetParameterHistoryResult<'v> {
    parameters: Vec<HistoryShape<'v>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct HistoryShape<'v> {
    name: &'v str,
    #[serde(rename = "Type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<&'v str>,
    last_modified_date: Time,
    last_modified_user: &'v str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'v str>,
    value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_pattern: Option<&'v str>,
    version: u64,
    labels: &'v [String],
    tier: &'static str,
    policies: Vec<PolicyShape<'v>>,
    data_type: &'v str,
}

impl Read for GetParameterHistory {
    const ACTION: Action = Action::ssm("GetParameterHistory");
    const PAGE_LIMIT: usize = 50;
    type Output<'v> = GetParameterHistoryResult<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let name = Reference::parse(&self.name).map_or_else(|_| self.name.clone(), |reference| reference.name);
        demand(view, demands, Self::ACTION, &name);
        if let Some(row) = parameter::find(view, &name).filter(|_| self.with_decryption) {
            parameter::versions(view, &name).for_each(|version| demand_open(view, demands, row, version));
        }
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GetParameterHistoryResult<'v>, ApiError> {
        let (view, outside) = (look.view, look.outside);
        let reference = Reference::parse(&self.name)?;
        let here = (Some(view.scope().account), Some(view.scope().region));
        let found =
            parameter::find(&view, &reference.name).filter(|_| reference.owner.is_none_or(|owner| owner == here));
        let row = found.ok_or(ParameterFault::NoSuch(reference.name))?;
        look.page.bound(Self::PAGE_LIMIT);
        let versions = look.page.take(parameter::versions(&view, &row.name), |version| version.number)?;
        let shape = |version: &'v landfall_model::ParameterVersion| {
            Ok(HistoryShape {
                name: &row.name,
                kind: row.kind.name(),
                key_id: version.kms_key.as_deref(),
                last_modified_date: time(version.modified_at),
                last_modified_user: &version.modified_by,
                description: version.description.as_deref(),
                value: value(outside, &view, row, version, self.with_decryption)?,
                allowed_pattern: version.allowed_pattern.as_deref(),
                version: version.number,
                labels: &version.labels,
                tier: version.tier.name(),
                policies: policies(version),
                data_type: &version.data_type,
            })
        };
        let parameters = versions.into_iter().map(shape).collect::<Result<_, ApiError>>()?;
        Ok(GetParameterHistoryResult { parameters })
    }
}
