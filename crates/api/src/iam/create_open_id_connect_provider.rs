//! iam:CreateOpenIDConnectProvider. Takes an issuer's tokens for proof of who somebody is.

use landfall_cloud::identity::oidc_provider;
use landfall_cloud::{Tx, View};
use landfall_model::{Arn, OidcProvider};
use serde::{Deserialize, Serialize};

use super::shape::demand::provider_demand;
use super::shape::tag;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateOpenIDConnectProvider {
    url: String,
    #[serde(default, rename = "ClientIDList")]
    client_ids: Vec<String>,
    #[serde(default)]
    thumbprint_list: Vec<String>,
    #[serde(default)]
    tags: Vec<tag::Tag>,
}

#[derive(Serialize)]
pub struct CreateOpenIDConnectProviderResult<'t> {
    #[serde(rename = "OpenIDConnectProviderArn")]
    arn: Arn,
    #[serde(rename = "Tags", skip_serializing_if = "Vec::is_empty")]
    tags: Vec<tag::TagShape<'t>>,
}

impl Write for CreateOpenIDConnectProvider {
    const ACTION: Action = Action::iam("CreateOpenIDConnectProvider");
    type Output<'t> = CreateOpenIDConnectProviderResult<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let name = self.url.split_once("://").map_or(&*self.url, |(_, name)| name).trim_end_matches('/');
        let arn = OidcProvider::arn_of(demands.account(), name);
        provider_demand(view, demands, Self::ACTION, arn.as_str()).request_tags(&tag::by_key(&self.tags));
        tag::demand_on_new(demands, "TagOpenIDConnectProvider", &self.tags);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<CreateOpenIDConnectProviderResult<'t>, ApiError> {
        let arn = oidc_provider::create(tx, &self.url, self.client_ids, self.thumbprint_list)?;
        tag::put(tx, tag::Tagged::OidcProvider, arn.as_str(), &self.tags)?;
        let tags = tag::tags(&tx.view(), arn.as_str());
        Ok(CreateOpenIDConnectProviderResult { arn, tags })
    }
}
