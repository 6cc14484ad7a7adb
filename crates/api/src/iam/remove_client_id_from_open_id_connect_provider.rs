//! iam:RemoveClientIDFromOpenIDConnectProvider. Takes an issuer's tokens for somebody no more.

use landfall_cloud::identity::oidc_provider;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::Nothing;
use super::shape::demand::provider_demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoveClientIDFromOpenIDConnectProvider {
    #[serde(rename = "OpenIDConnectProviderArn")]
    arn: String,
    #[serde(rename = "ClientID")]
    client_id: String,
}

impl Write for RemoveClientIDFromOpenIDConnectProvider {
    const ACTION: Action = Action::iam("RemoveClientIDFromOpenIDConnectProvider");
    const FREES: bool = true;
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        provider_demand(view, demands, Self::ACTION, &self.arn);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        oidc_provider::remove_client(tx, &self.arn, &self.client_id)?;
        Ok(Nothing {})
    }
}
