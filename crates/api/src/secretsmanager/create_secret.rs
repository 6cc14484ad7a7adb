//! secretsmanager:CreateSecret. Makes a secret, with a first version if it is given a value.

use landfall_cloud::secret::{self, version};
use landfall_cloud::{Tx, View, tag};
use landfall_model::{Arn, Secret};
use landfall_wire::Blob;
use serde::{Deserialize, Serialize};

use super::shape::plain::{Plain, demand_open, demand_read, demand_seal};
use super::shape::{DEFAULT_KEY, demand, token};
use crate::encryption::DefaultKey;
use crate::home::Home;
use crate::tagging::{self, Tag};
use crate::unsupported::Unsupported;
use crate::{Action, ApiError, Call, Demands, Outside};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateSecret {
    name: String,
    client_request_token: Option<String>,
    description: Option<String>,
    kms_key_id: Option<String>,
    secret_binary: Option<Blob>,
    secret_string: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    add_replica_regions: Vec<Unsupported>,
    /// Without effect: there are no replicas to overwrite.
    #[serde(default, rename = "ForceOverwriteReplicaSecret")]
    _force_overwrite_replica_secret: bool,
    #[serde(rename = "Type")]
    partner_type: Option<Unsupported>,
}

/// What is to be made.
pub enum Made {
    /// A secret with those characters at its ARN's end, and its first version.
    New(String, Option<version::NewVersion>),
    /// Nothing: the same request was made before.
    Again,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateSecretResult {
    #[serde(rename = "ARN")]
    arn: Arn,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<String>,
}

impl Call for CreateSecret {
    const ACTION: Action = Action::secretsmanager("CreateSecret");
    type Made = Made;
    type Output<'t> = CreateSecretResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let tags = tagging::by_key(&self.tags);
        let own = demands.resource(Self::ACTION, Secret::arn_of(view.scope(), &self.name, "??????"));
        own.request_tags(&tags).with("secretsmanager:Name", &self.name);
        if let Some(description) = &self.description {
            own.with("secretsmanager:Description", description);
        }
        if let Some(key) = &self.kms_key_id {
            own.with("secretsmanager:KmsKeyId", key);
        }
        if !tags.is_empty() {
            demand(view, demands, Action::secretsmanager("TagResource"), &self.name).request_tags(&tags);
        }
        if self.has_value() {
            let arn = Secret::arn_of(view.scope(), &self.name, "??????");
            let id = self.client_request_token.as_deref().unwrap_or_default();
            let home = Home::own(view);
            demand_seal(&home, demands, self.key(), &arn, id);
            if let Some(key) = self.key() {
                demand_read(&home, demands, key, &arn, id);
            }
            // One that is there is compared with.
            let before = secret::find(view, &self.name);
            if let Some((row, version)) = before.and_then(|row| Some((row, version::find(view, &row.name, id)?))) {
                demand_open(&home, demands, row, version);
            }
        }
    }

    fn default_key(&self, _: &View<'_>) -> Option<DefaultKey> {
        let is_own = self.key().is_none_or(|key| key == DEFAULT_KEY);
        let has_value = self.check().is_ok_and(|plain| plain.is_some());
        (is_own && has_value).then_some(DefaultKey::SecretsManager)
    }

    async fn effect(&self, outside: &Outside, view: View<'_>) -> Result<Made, ApiError> {
        let plain = self.check()?;
        let token = token(self.client_request_token.as_deref())?;
        let (home, asker) = (Home::own(&view), view.scope().account);
        let before = secret::find(&view, &self.name).filter(|row| row.deletion.is_none());
        if let Some(row) = before
            && let Some(plain) = &plain
            && let Some(version) = version::find(&view, &row.name, token)
        {
            let same = Plain::open(outside, asker, &home, row, version)? == *plain;
            return if same { Ok(Made::Again) } else { Err(version::taken(row, token).into()) };
        }
        secret::check_free(&view, &self.name)?;
        let suffix = outside.vault.make(secret::SUFFIX_CHARS)?;
        let arn = Secret::arn_of(view.scope(), &self.name, &suffix);
        let version = plain.map(|plain| plain.seal(outside, asker, &home, self.key(), (&arn, token))).transpose()?;
        Ok(Made::New(suffix, version))
    }

    fn run(self, made: Made, tx: &mut Tx<'_, '_>) -> Result<CreateSecretResult, ApiError> {
        let Made::New(suffix, version) = made else {
            let row = secret::need_alive(&tx.view(), &self.name)?.clone();
            let version_id = self.client_request_token;
            return Ok(CreateSecretResult { arn: row.arn(), name: row.name, version_id });
        };
        let tags = tagging::distinct(&self.tags, "InvalidParameterException")?;
        let kms_key = self.key().map(str::to_owned);
        let row = secret::create(tx, &self.name, suffix, self.description, kms_key)?;
        tag::put(tx, "secret", &secret::tag_id(&self.name), &tags)?;
        let version_id = version.as_ref().map(|version| version.id.clone());
        if let Some(version) = version {
            version::add(tx, &row, version)?;
        }
        Ok(CreateSecretResult { arn: row.arn(), name: row.name, version_id })
    }
}

impl CreateSecret {
    /// Checks what can be checked of the request alone, and gives its value.
    fn check(&self) -> Result<Option<Plain>, ApiError> {
        if self.partner_type.is_some() {
            return Err(ApiError::unsupported("the parameter Type"));
        }
        if !self.add_replica_regions.is_empty() {
            return Err(ApiError::unsupported("the parameter AddReplicaRegions"));
        }
        secret::check_name(&self.name)?;
        secret::check_description(self.description.as_deref().unwrap_or_default())?;
        token(self.client_request_token.as_deref())?;
        Plain::of(self.secret_string.as_ref(), self.secret_binary.as_ref())
    }

    fn has_value(&self) -> bool {
        self.secret_string.is_some() || self.secret_binary.is_some()
    }

    fn key(&self) -> Option<&str> {
        self.kms_key_id.as_deref().filter(|key| !key.is_empty())
    }
}
