//! iam:ListOpenIDConnectProviderTags. Lists the tags of an identity provider.

use landfall_cloud::View;
use landfall_cloud::identity::oidc_provider;
use serde::Deserialize;

use super::shape::demand::provider_demand;
use super::shape::tag::{self, TagList};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListOpenIDConnectProviderTags {
    #[serde(rename = "OpenIDConnectProviderArn")]
    arn: String,
}

impl Read for ListOpenIDConnectProviderTags {
    const ACTION: Action = Action::iam("ListOpenIDConnectProviderTags");
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = TagList<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        provider_demand(view, demands, Self::ACTION, &self.arn);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<TagList<'v>, ApiError> {
        let arn = oidc_provider::need(&look.view, &self.arn)?.arn.as_str();
        tag::list(look, arn)
    }
}
