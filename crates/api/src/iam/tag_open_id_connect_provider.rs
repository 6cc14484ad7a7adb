//! iam:TagOpenIDConnectProvider. Adds tags to an identity provider, or changes those that it has.

use landfall_cloud::identity::oidc_provider;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::demand::provider_demand;
use super::shape::{Nothing, tag};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TagOpenIDConnectProvider {
    #[serde(rename = "OpenIDConnectProviderArn")]
    arn: String,
    #[serde(rename = "Tags")]
    tags: Vec<tag::Tag>,
}

impl Write for TagOpenIDConnectProvider {
    const ACTION: Action = Action::iam("TagOpenIDConnectProvider");
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        provider_demand(view, demands, Self::ACTION, &self.arn).request_tags(&tag::by_key(&self.tags));
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let arn = oidc_provider::need(&tx.view(), &self.arn)?.arn.clone();
        tag::put(tx, tag::Tagged::OidcProvider, arn.as_str(), &self.tags)?;
        Ok(Nothing {})
    }
}
