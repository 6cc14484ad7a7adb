//! kms:CreateKey. Makes a key. Its material is sealed, and the wrapping key that seals it durable, before the key is.

use landfall_cloud::kms::{KmsFault, key, policy};
use landfall_cloud::{Tx, View};
use landfall_model::Arn;
use landfall_model::kms::{KeyOrigin, KeySpec, KeyUsage, SealedMaterial, SpecFamily};
use serde::{Deserialize, Serialize};

use super::crypto::material;
use super::shape::metadata::{KeyMetadata, metadata};
use super::shape::tag::{self, Tag};
use crate::authorise::locks_out;
use crate::unsupported::{Unsupported, refuse_parameters};
use crate::{Action, ApiError, Call, Caller, Demands, Outside};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateKey {
    policy: Option<String>,
    #[serde(default)]
    description: String,
    key_usage: Option<KeyUsage>,
    customer_master_key_spec: Option<KeySpec>,
    key_spec: Option<KeySpec>,
    origin: Option<KeyOrigin>,
    custom_key_store_id: Option<Unsupported>,
    #[serde(default)]
    bypass_policy_lockout_safety_check: bool,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    multi_region: bool,
    xks_key_id: Option<Unsupported>,
    #[serde(skip)]
    caller: Option<Caller>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateKeyResponse<'t> {
    key_metadata: KeyMetadata<'t>,
}

/// Sealed material with the public half, where there is one; none for a key whose owner will bring it.
pub type Made = Option<(SealedMaterial, Option<Vec<u8>>)>;

impl Call for CreateKey {
    const ACTION: Action = Action::kms("CreateKey");
    type Made = Made;
    type Output<'t> = CreateKeyResponse<'t>;

    fn hear_caller(&mut self, caller: &Caller) {
        self.caller = Some(caller.clone());
    }

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let (account, tags) = (view.scope().account, tag::by_key(&self.tags));
        let demand = demands.anything(Self::ACTION).with("kms:CallerAccount", account);
        demand
            .with("kms:BypassPolicyLockoutSafetyCheck", self.bypass_policy_lockout_safety_check)
            .with("kms:KeySpec", self.spec())
            .with("kms:KeyOrigin", if self.origin() == KeyOrigin::External { "EXTERNAL" } else { "AWS_KMS" })
            .with("kms:MultiRegion", self.multi_region)
            .request_tags(&tags);
        if let Ok(usage) = self.usage() {
            demand.with("kms:KeyUsage", usage);
        }
        if !tags.is_empty() {
            let arn = Arn::new("kms", view.scope(), "key/*");
            let demand = demands.resource(Action::kms("TagResource"), arn);
            demand.with("kms:CallerAccount", account).request_tags(&tags);
        }
    }

    async fn effect(&self, outside: &Outside, view: View<'_>) -> Result<Made, ApiError> {
        refuse_parameters!(self; custom_key_store_id, xks_key_id);
        if self.multi_region {
            return Err(ApiError::unsupported("multi-Region keys"));
        }
        self.usage()?;
        key::check_description(&self.description)?;
        let document = self.document(&view);
        policy::read(view.tables(), &document)?;
        let caller = self.caller.as_ref().ok_or_else(ApiError::internal)?;
        if !self.bypass_policy_lockout_safety_check {
            locks_out(caller, &view, &document)?;
        }
        match self.origin() {
            KeyOrigin::AwsKms => material::make_sealed(&outside.vault, self.spec()).await.map(Some),
            KeyOrigin::External => Ok(None),
        }
    }

    fn run<'t>(self, made: Made, tx: &'t mut Tx<'_, '_>) -> Result<CreateKeyResponse<'t>, ApiError> {
        let (material, public_key) = made.unzip();
        let public_key = public_key.flatten();
        let (spec, usage, origin) = (self.spec(), self.usage()?, self.origin());
        let document = self.document(&tx.view());
        let policy = policy::read(tx, &document)?;
        let description = self.description;
        let new = key::NewKey { description, spec, usage, origin, made_for: None, policy, material, public_key };
        let id = key::create(tx, new)?;
        tag::put(tx, id, &self.tags)?;
        let row = tx.view().find::<landfall_cloud::value::KmsKeys, _>(id).ok_or_else(ApiError::internal)?;
        Ok(CreateKeyResponse { key_metadata: metadata(row) })
    }
}

impl CreateKey {
    fn spec(&self) -> KeySpec {
        self.key_spec.or(self.customer_master_key_spec).unwrap_or(KeySpec::SymmetricDefault)
    }

    fn origin(&self) -> KeyOrigin {
        self.origin.unwrap_or(KeyOrigin::AwsKms)
    }

    fn document(&self, view: &View<'_>) -> String {
        self.policy.clone().unwrap_or_else(|| policy::default(view.scope()))
    }

    /// What the key is for, if that goes with what it is made of.
    fn usage(&self) -> Result<KeyUsage, KmsFault> {
        let spec = self.spec();
        if let (Some(old), Some(new)) = (self.customer_master_key_spec, self.key_spec)
            && old != new
        {
            let message = "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.";
            return Err(KmsFault::Validation(message.into()));
        }
        let usage = self.key_usage.or(match spec.family() {
            SpecFamily::Symmetric => Some(KeyUsage::EncryptDecrypt),
            SpecFamily::Hmac | SpecFamily::Rsa | SpecFamily::Ecc => None,
        });
        let unsaid = "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.";
        let usage = usage.ok_or_else(|| KmsFault::Validation(unsaid.into()))?;
        if !spec.allows(usage) {
            return Err(KmsFault::Validation(format!("KeyUsage {usage} is not compatible with KeySpec {spec}")));
        }
        Ok(usage)
    }
}
