//! iam:ListOpenIDConnectProviders. Lists the issuers whose tokens the account takes.

use landfall_cloud::identity::oidc_provider;
use landfall_model::Arn;
use serde::{Deserialize, Serialize};

use crate::{Action, ApiError, Look, Read};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListOpenIDConnectProviders {}

#[derive(Serialize)]
pub struct ListOpenIDConnectProvidersResult<'v> {
    #[serde(rename = "OpenIDConnectProviderList")]
    list: Vec<Entry<'v>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry<'v> {
    arn: &'v Arn,
}

impl Read for ListOpenIDConnectProviders {
    const ACTION: Action = Action::iam("ListOpenIDConnectProviders");
    type Output<'v> = ListOpenIDConnectProvidersResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<ListOpenIDConnectProvidersResult<'v>, ApiError> {
        let list = oidc_provider::all(&look.view).map(|row| Entry { arn: &row.arn }).collect();
        Ok(ListOpenIDConnectProvidersResult { list })
    }
}
