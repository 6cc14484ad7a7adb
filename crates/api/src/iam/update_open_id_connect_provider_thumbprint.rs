//! iam:UpdateOpenIDConnectProviderThumbprint. Sets what the fingerprints of an issuer's certificates are said to be.

use landfall_cloud::identity::oidc_provider;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::Nothing;
use super::shape::demand::provider_demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateOpenIDConnectProviderThumbprint {
    #[serde(rename = "OpenIDConnectProviderArn")]
    arn: String,
    #[serde(rename = "ThumbprintList")]
    thumbprints: Vec<String>,
}

impl Write for UpdateOpenIDConnectProviderThumbprint {
    const ACTION: Action = Action::iam("UpdateOpenIDConnectProviderThumbprint");
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        provider_demand(view, demands, Self::ACTION, &self.arn);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        oidc_provider::set_thumbprints(tx, &self.arn, self.thumbprints)?;
        Ok(Nothing {})
    }
}
