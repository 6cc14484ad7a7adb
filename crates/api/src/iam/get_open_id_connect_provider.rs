//! iam:GetOpenIDConnectProvider. Shows an issuer whose tokens the account takes.

use landfall_cloud::View;
use landfall_cloud::identity::oidc_provider;
use landfall_wire::Time;
use serde::{Deserialize, Serialize};

use super::shape::demand::provider_demand;
use super::shape::tag::{TagShape, tags};
use super::shape::time;
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GetOpenIDConnectProvider {
    #[serde(rename = "OpenIDConnectProviderArn")]
    arn: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetOpenIDConnectProviderResult<'v> {
    url: &'v str,
    #[serde(rename = "ClientIDList")]
    client_ids: &'v [String],
    thumbprint_list: &'v [String],
    create_date: Time,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<TagShape<'v>>,
}

impl Read for GetOpenIDConnectProvider {
    const ACTION: Action = Action::iam("GetOpenIDConnectProvider");
    type Output<'v> = GetOpenIDConnectProviderResult<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        provider_demand(view, demands, Self::ACTION, &self.arn);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GetOpenIDConnectProviderResult<'v>, ApiError> {
        let row = oidc_provider::need(&look.view, &self.arn)?;
        Ok(GetOpenIDConnectProviderResult {
            url: row.name(),
            client_ids: &row.client_ids,
            thumbprint_list: &row.thumbprints,
            create_date: time(row.created_at),
            tags: tags(&look.view, row.arn.as_str()),
        })
    }
}
