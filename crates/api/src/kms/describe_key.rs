//! kms:DescribeKey. Shows a key. By a service's own alias it makes the key that isn't there yet, as AWS does.

use landfall_cloud::kms::KeyRef;
use landfall_cloud::{Tx, View};
use serde::{Deserialize, Serialize};

use super::shape::demand::on_key;
use super::shape::grant_token::{GrantTokens, check_tokens};
use super::shape::key::any;
use super::shape::metadata::{KeyMetadata, metadata};
use crate::encryption::DefaultKey;
use crate::{Action, ApiError, Call, Demands, Outside};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeKey {
    key_id: String,
    #[serde(default)]
    grant_tokens: GrantTokens,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeKeyResponse<'t> {
    key_metadata: KeyMetadata<'t>,
}

impl Call for DescribeKey {
    const ACTION: Action = Action::kms("DescribeKey");
    type Made = ();
    type Output<'t> = DescribeKeyResponse<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        on_key(view, demands, Self::ACTION, &self.key_id);
    }

    fn default_key(&self, view: &View<'_>) -> Option<DefaultKey> {
        let reference = KeyRef::parse(&self.key_id, view.scope()).ok()?;
        DefaultKey::of_alias(reference.alias()?).filter(|_| reference.scope() == view.scope())
    }

    async fn effect(&self, _: &Outside, view: View<'_>) -> Result<(), ApiError> {
        check_tokens(&view, &self.grant_tokens)
    }

    fn run<'t>(self, (): (), tx: &'t mut Tx<'_, '_>) -> Result<DescribeKeyResponse<'t>, ApiError> {
        Ok(DescribeKeyResponse { key_metadata: metadata(any(&tx.view(), &self.key_id)?) })
    }
}
