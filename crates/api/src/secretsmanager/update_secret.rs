//! secretsmanager:UpdateSecret. Changes what a secret is for, the key that encrypts it, or its value, by a further version.

use std::collections::BTreeSet;

use landfall_cloud::secret::{self, version};
use landfall_cloud::value::SecretVersions;
use landfall_cloud::{Tx, View};
use landfall_model::{Arn, Secret, SecretVersion};
use landfall_wire::Blob;
use serde::{Deserialize, Serialize};

use super::shape::plain::{Plain, demand_open, demand_seal};
use super::shape::{DEFAULT_KEY, at_home, demand, home, token};
use crate::encryption::DefaultKey;
use crate::home::Home;
use crate::unsupported::Unsupported;
use crate::{Action, ApiError, Call, Demands, Outside};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct UpdateSecret {
    secret_id: String,
    client_request_token: Option<String>,
    description: Option<String>,
    kms_key_id: Option<String>,
    secret_binary: Option<Blob>,
    secret_string: Option<String>,
    #[serde(rename = "Type")]
    partner_type: Option<Unsupported>,
}

/// What is to be kept.
pub struct Made {
    version: Option<version::NewVersion>,
    /// Versions under the new key.
    moved: Vec<version::NewVersion>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateSecretResult {
    #[serde(rename = "ARN")]
    arn: Arn,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<String>,
}

impl Call for UpdateSecret {
    const ACTION: Action = Action::secretsmanager("UpdateSecret");
    type Made = Made;
    type Output<'t> = UpdateSecretResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let own = demand(view, demands, Self::ACTION, &self.secret_id);
        if let Some(description) = &self.description {
            own.with("secretsmanager:Description", description);
        }
        if let Some(key) = &self.kms_key_id {
            own.with("secretsmanager:KmsKeyId", key);
        }
        let home = home(view, &self.secret_id);
        let Some(row) = secret::find(home.view(), &self.secret_id) else { return };
        let arn = row.arn();
        for version in self.moved(&home, row) {
            demand_open(&home, demands, row, version);
            demand_seal(&home, demands, self.key(row), &arn, &version.id);
        }
        if self.has_value() {
            let id = self.client_request_token.as_deref().unwrap_or_default();
            demand_seal(&home, demands, self.key(row), &arn, id);
        }
    }

    fn default_key(&self, view: &View<'_>) -> Option<DefaultKey> {
        let row = secret::need_alive(view, &self.secret_id).ok()?;
        let is_needed =
            self.key(row).is_none_or(|key| key == DEFAULT_KEY) && token(self.client_request_token.as_deref()).is_ok();
        is_needed.then_some(DefaultKey::SecretsManager)
    }

    async fn effect(&self, outside: &Outside, view: View<'_>) -> Result<Made, ApiError> {
        if self.partner_type.is_some() {
            return Err(ApiError::unsupported("the parameter Type"));
        }
        secret::check_description(self.description.as_deref().unwrap_or_default())?;
        let token = token(self.client_request_token.as_deref())?;
        let plain = Plain::of(self.secret_string.as_ref(), self.secret_binary.as_ref())?;
        let home = home(&view, &self.secret_id);
        let (row, asker) = (secret::need_alive(home.view(), &self.secret_id)?, view.scope().account);
        let (key, arn) = (self.key(row), row.arn());
        if plain.is_some() && version::find(home.view(), &row.name, token).is_some() {
            return Err(version::taken(row, token).into());
        }
        let mut version = plain.map(|plain| plain.seal(outside, asker, &home, key, (&arn, token))).transpose()?;
        if let Some(version) = &mut version {
            version.stages = BTreeSet::from([version::CURRENT.to_owned()]);
        }
        let again = |old: &SecretVersion| {
            Plain::open(outside, asker, &home, row, old)?.seal(outside, asker, &home, key, (&arn, &old.id))
        };
        let moved = self.moved(&home, row).map(again).collect::<Result<_, _>>()?;
        Ok(Made { version, moved })
    }

    fn run(self, made: Made, tx: &mut Tx<'_, '_>) -> Result<UpdateSecretResult, ApiError> {
        let mut tx = at_home(tx, &self.secret_id);
        let row = secret::need_alive(&tx.view(), &self.secret_id)?.clone();
        let kms_key = self.key(&row).map(str::to_owned);
        secret::update(&mut tx, &row, |row| {
            if let Some(description) = self.description {
                row.description = Some(description).filter(|text| !text.is_empty());
            }
            row.kms_key = kms_key;
        });
        for new in made.moved {
            let key = tx.scope().key(SecretVersion::id_of(&row.name, &new.id));
            if tx.secret_versions.contains(&key) {
                tx.update::<SecretVersions, _>(&key, |old| (old.value, old.kms_key) = (new.value, new.kms_key));
            }
        }
        let version_id = made.version.as_ref().map(|version| version.id.clone());
        if let Some(version) = made.version {
            version::add(&mut tx, &row, version)?;
        }
        Ok(UpdateSecretResult { arn: row.arn(), name: row.name, version_id })
    }
}

impl UpdateSecret {
    fn has_value(&self) -> bool {
        self.secret_string.is_some() || self.secret_binary.is_some()
    }

    /// The key from now on. An empty one is the service's own.
    fn key<'a>(&'a self, row: &'a Secret) -> Option<&'a str> {
        match self.kms_key_id.as_deref() {
            None => row.kms_key.as_deref(),
            Some("") => None,
            Some(key) => Some(key),
        }
    }

    /// The versions that go over to another key: those that count, did, or will.
    fn moved<'v>(&self, home: &Home<'v>, row: &Secret) -> impl Iterator<Item = &'v SecretVersion> + use<'v> {
        let moves = self.key(row) != row.kms_key.as_deref();
        let stages = [version::CURRENT, version::PREVIOUS, version::PENDING];
        let counts = move |version: &&SecretVersion| stages.iter().any(|stage| version.stages.contains(*stage));
        version::all(home.view(), &row.name).filter(move |version| moves && counts(version))
    }
}
