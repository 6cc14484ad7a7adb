//! iam:DeleteOpenIDConnectProvider. Takes an issuer's tokens no more.

use landfall_cloud::identity::oidc_provider;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::Nothing;
use super::shape::demand::provider_demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteOpenIDConnectProvider {
    #[serde(rename = "OpenIDConnectProviderArn")]
    arn: String,
}

impl Write for DeleteOpenIDConnectProvider {
    const ACTION: Action = Action::iam("DeleteOpenIDConnectProvider");
    const FREES: bool = true;
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        provider_demand(view, demands, Self::ACTION, &self.arn);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        oidc_provider::delete(tx, &self.arn)?;
        Ok(Nothing {})
    }
}
