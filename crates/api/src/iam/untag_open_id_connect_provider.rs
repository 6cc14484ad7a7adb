//! iam:UntagOpenIDConnectProvider. Removes tags of an identity provider.

use landfall_cloud::identity::oidc_provider;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::demand::provider_demand;
use super::shape::{Nothing, tag};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UntagOpenIDConnectProvider {
    #[serde(rename = "OpenIDConnectProviderArn")]
    arn: String,
    #[serde(rename = "TagKeys")]
    tag_keys: Vec<String>,
}

impl Write for UntagOpenIDConnectProvider {
    const ACTION: Action = Action::iam("UntagOpenIDConnectProvider");
    const FREES: bool = true;
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let demand = provider_demand(view, demands, Self::ACTION, &self.arn);
        demand.context.set_many("aws:TagKeys", self.tag_keys.iter().map(String::as_str));
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let arn = oidc_provider::need(&tx.view(), &self.arn)?.arn.clone();
        tag::remove(tx, tag::Tagged::OidcProvider, arn.as_str(), &self.tag_keys)?;
        Ok(Nothing {})
    }
}
