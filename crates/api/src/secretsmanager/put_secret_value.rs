//! secretsmanager:PutSecretValue. Makes a further version of a secret, which counts unless other stages are asked for.

use std::collections::BTreeSet;

use landfall_cloud::secret::{self, version};
use landfall_cloud::{Tx, View};
use landfall_model::Arn;
use landfall_wire::Blob;
use serde::{Deserialize, Serialize};

use super::shape::plain::{Plain, demand_open, demand_seal};
use super::shape::{DEFAULT_KEY, at_home, demand, home, token};
use crate::encryption::DefaultKey;
use crate::unsupported::{Unsupported, refuse_parameters};
use crate::{Action, ApiError, Call, Demands, Outside};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct PutSecretValue {
    secret_id: String,
    client_request_token: Option<String>,
    secret_binary: Option<Blob>,
    secret_string: Option<String>,
    version_stages: Option<BTreeSet<String>>,
    rotation_token: Option<Unsupported>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PutSecretValueResult {
    #[serde(rename = "ARN")]
    arn: Arn,
    name: String,
    version_id: String,
    version_stages: Vec<String>,
}

impl Call for PutSecretValue {
    const ACTION: Action = Action::secretsmanager("PutSecretValue");
    /// The version; none where the same request made it before.
    type Made = Option<version::NewVersion>;
    type Output<'t> = PutSecretValueResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, &self.secret_id);
        let home = home(view, &self.secret_id);
        let id = self.client_request_token.as_deref().unwrap_or_default();
        if let Some(row) = secret::find(home.view(), &self.secret_id) {
            demand_seal(&home, demands, row.kms_key.as_deref(), &row.arn(), id);
            if let Some(version) = version::find(home.view(), &row.name, id) {
                demand_open(&home, demands, row, version);
            }
        }
    }

    fn default_key(&self, view: &View<'_>) -> Option<DefaultKey> {
        let row = secret::need_alive(view, &self.secret_id).ok()?;
        let is_needed = row.kms_key.as_deref().is_none_or(|key| key == DEFAULT_KEY);
        is_needed.then_some(DefaultKey::SecretsManager)
    }

    async fn effect(&self, outside: &Outside, view: View<'_>) -> Result<Self::Made, ApiError> {
        refuse_parameters!(self; rotation_token);
        let token = token(self.client_request_token.as_deref())?;
        let plain = Plain::need(self.secret_string.as_ref(), self.secret_binary.as_ref())?;
        let home = home(&view, &self.secret_id);
        let (row, asker) = (secret::need_alive(home.view(), &self.secret_id)?, view.scope().account);
        if let Some(version) = version::find(home.view(), &row.name, token) {
            let same = Plain::open(outside, asker, &home, row, version)? == plain;
            return if same { Ok(None) } else { Err(version::taken(row, token).into()) };
        }
        let mut version = plain.seal(outside, asker, &home, row.kms_key.as_deref(), (&row.arn(), token))?;
        let current = || BTreeSet::from([version::CURRENT.to_owned()]);
        version.stages = self.version_stages.clone().unwrap_or_else(current);
        if version.stages.is_empty() {
            let message = "VersionStages has one staging label at least.";
            return Err(secret::SecretFault::Invalid(message.into()).into());
        }
        Ok(Some(version))
    }

    fn run(self, made: Self::Made, tx: &mut Tx<'_, '_>) -> Result<PutSecretValueResult, ApiError> {
        let mut tx = at_home(tx, &self.secret_id);
        let row = secret::need_alive(&tx.view(), &self.secret_id)?.clone();
        let version_id = self.client_request_token.unwrap_or_default();
        if let Some(version) = made {
            version::add(&mut tx, &row, version)?;
        }
        let view = tx.view();
        let stages = version::find(&view, &row.name, &version_id).map(|version| version.stages.iter().cloned());
        let version_stages = stages.into_iter().flatten().collect();
        Ok(PutSecretValueResult { arn: row.arn(), name: row.name, version_id, version_stages })
    }
}
