//! Encryption under KMS keys for other services: Parameter Store, Secrets Manager, volumes.
//!
//! A service acts for its caller: whoever reads a secret must be allowed `kms:Decrypt` on its key, with the service in
//! `kms:ViaService` and `aws:CalledVia` and the encryption context to look at, as AWS has it. So an operation
//!
//! 1. demands it in `demands` ([`demand_use`] to encrypt, [`demand_decrypt`] to decrypt), like anything else,
//! 2. names its service's own key in [`Call::default_key`](crate::Call::default_key) where it may have to be made (a
//!    [`DefaultKey`] is made on first use, before the effect),
//! 3. encrypts in its `effect` with [`encrypt`] (sealing takes the system's randomness, so never in a transaction), or
//!    decrypts with [`decrypt`], in a `Read`'s `run` too.
//!
//! Ciphertexts name their keys, may be kept in rows as they are (in base64), and open under any later version of the
//! key's material. Plaintexts may be of any length, unlike those of KMS's own Encrypt.

use std::collections::BTreeMap;

use landfall_cloud::kms::{KeyRef, alias, key, policy};
use landfall_cloud::value::KmsAliases;
use landfall_cloud::{Tx, View};
use landfall_model::kms::{Ciphertext, KeyOrigin, KeySpec, KeyUsage, SealedMaterial};
use landfall_model::{Arn, Scope};

use crate::Demands;
use crate::demand::Demand;
use crate::error::ApiError;
use crate::home::Home;
use crate::kms::crypto::{material, symmetric};
use crate::kms::shape::demand::{on_key_of, set_context};
use crate::kms::shape::key::{check_algorithm, usable};
use crate::operation::Action;
use crate::outside::Outside;
use crate::vault::Vault;

/// What binds a ciphertext to what it is for: whoever decrypts has to say the same.
pub type Context = BTreeMap<String, String>;

/// A key that AWS manages for a service, made when an account first uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultKey {
    /// Of volumes.
    Ebs,
    /// Of file systems.
    Efs,
    /// Of secrets.
    SecretsManager,
    /// Of parameters.
    Ssm,
}

impl DefaultKey {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Ebs, Self::Efs, Self::SecretsManager, Self::Ssm];

    /// Its alias.
    pub const fn alias(self) -> &'static str {
        match self {
            Self::Ebs => "alias/aws/ebs",
            Self::Efs => "alias/aws/elasticfilesystem",
            Self::SecretsManager => "alias/aws/secretsmanager",
            Self::Ssm => "alias/aws/ssm",
        }
    }

    /// The one of that alias.
    pub fn of_alias(alias: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.alias() == alias)
    }

    /// The service, as `kms:ViaService` begins.
    pub const fn via(self) -> &'static str {
        match self {
            // Volumes are EC2's.
            Self::Ebs => "ec2",
            Self::Efs => "elasticfilesystem",
            Self::SecretsManager => "secretsmanager",
            Self::Ssm => "ssm",
        }
    }

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Ebs => ("EBS", "Default key that protects my EBS volumes when no other key is defined"),
            Self::Efs => ("EFS", "Default key that protects my EFS filesystems when no other key is defined"),
            Self::SecretsManager => (
                "AWS Secrets Manager",
                "Default key that protects my Secrets Manager data when no other key is defined",
            ),
            Self::Ssm => ("SSM", "Default key that protects my SSM parameters when no other key is defined"),
        }
    }

    /// Its policy: everybody of the account, through the service.
    pub fn policy(self, scope: Scope) -> String {
        let (noun, _) = self.words();
        let (partition, account, via) = (scope.region.partition(), scope.account, via_service(self.via(), scope));
        let name = self.alias().rsplit('/').next().unwrap_or_default();
        format!(
            r#"{{
  "Version" : "2012-10-17",
  "Id" : "auto-{name}-1",
  "Statement" : [ {{
    "Sid" : "Allow access through {noun} for all principals in the account that are authorized to use {noun}",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "*"
    }},
    "Action" : [ "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant", "kms:DescribeKey" ],
    "Resource" : "*",
    "Condition" : {{
      "StringEquals" : {{
        "kms:CallerAccount" : "{account}",
        "kms:ViaService" : "{via}"
      }}
    }}
  }}, {{
    "Sid" : "Allow direct access to key metadata to the account",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "arn:{partition}:iam::{account}:root"
    }},
    "Action" : [ "kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant" ],
    "Resource" : "*"
  }} ]
}}"#
        )
    }
}

fn via_service(service: &str, scope: Scope) -> String {
    format!("{service}.{}.amazonaws.com", scope.region)
}

/// Demands that the caller may do that (`Encrypt`, `GenerateDataKey` …) with a key through a service. The key is called
/// as in requests of whoever is at home: by id, ARN or alias; a [`DefaultKey`] that isn't there yet counts as made.
pub fn demand_use<'d>(
    home: &Home<'_>,
    demands: &'d mut Demands,
    action: &'static str,
    service: &str,
    key: &str,
    context: &Context,
) -> &'d mut Demand {
    let via = via_service(service, home.scope());
    let demand = on_key_of(home, demands, Action::kms(action), key);
    set_context(demand, context);
    demand.via(service).with("kms:ViaService", via).with("kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT")
}

/// Demands that the caller may decrypt that ciphertext through a service.
pub fn demand_decrypt<'d>(
    home: &Home<'_>,
    demands: &'d mut Demands,
    service: &str,
    ciphertext: &[u8],
    context: &Context,
) -> &'d mut Demand {
    let key = key_of(ciphertext).map(|arn| arn.to_string()).unwrap_or_default();
    demand_use(home, demands, "Decrypt", service, &key, context)
}

/// The ARN of the key that a ciphertext was made with.
pub fn key_of(ciphertext: &[u8]) -> Option<Arn> {
    let ciphertext = Ciphertext::parse(ciphertext).ok()?;
    Some(KeyRef::Id(ciphertext.scope, ciphertext.key).arn())
}

/// Encrypts under a key, which is called as in requests, by the action that was demanded. Gives the key's ARN with the
/// ciphertext. That it was done, or why it can't be, is the audit's to tell.
pub fn encrypt(
    outside: &Outside,
    home: &Home<'_>,
    action: &'static str,
    key: &str,
    context: &Context,
    plaintext: &[u8],
) -> Result<(Arn, Vec<u8>), ApiError> {
    let sealed = (|| {
        let row = usable(home.view(), key, KeyUsage::EncryptDecrypt)?;
        check_algorithm(row, Default::default())?;
        let secret = material::open(&outside.vault, row)?;
        Ok((row.arn(), symmetric::encrypt(row, &secret, context, plaintext)?))
    })();
    outside.deeds.add_key_use(home, action, key, context, sealed.as_ref().err());
    sealed
}

/// Decrypts. Gives the key's ARN with the plaintext. The audit tells of it as of [`encrypt`].
pub fn decrypt(
    outside: &Outside,
    home: &Home<'_>,
    ciphertext: &[u8],
    context: &Context,
) -> Result<(Arn, Vec<u8>), ApiError> {
    let invalid = || ApiError::new("InvalidCiphertextException", "");
    let ciphertext = Ciphertext::parse(ciphertext).map_err(|_| invalid())?;
    let arn = KeyRef::Id(ciphertext.scope, ciphertext.key).arn();
    let opened = (|| {
        let row = usable(home.view(), arn.as_str(), KeyUsage::EncryptDecrypt)?;
        let secret = material::open(&outside.vault, row)?;
        symmetric::decrypt(&secret, ciphertext, context).map_err(|_| invalid())
    })();
    outside.deeds.add_key_use(home, "Decrypt", arn.as_str(), context, opened.as_ref().err());
    Ok((arn, opened?))
}

/// Whether an account hasn't got that key yet.
pub(crate) fn lacks(view: &View<'_>, key: DefaultKey) -> bool {
    view.find::<KmsAliases, _>(key.alias().to_owned()).is_none()
}

/// Makes that key's material, outside the transaction that makes the key.
pub(crate) fn make_default(vault: &Vault, _: DefaultKey) -> Result<SealedMaterial, ApiError> {
    Ok(material::seal(vault, material::make(KeySpec::SymmetricDefault)?)?.0)
}

/// Makes that key, unless somebody else has just done so.
pub(crate) fn put_default(tx: &mut Tx<'_, '_>, own: DefaultKey, made: SealedMaterial) -> Result<(), ApiError> {
    if !lacks(&tx.view(), own) {
        return Ok(());
    }
    let (_, description) = own.words();
    let new = key::NewKey {
        description: description.into(),
        spec: KeySpec::SymmetricDefault,
        usage: KeyUsage::EncryptDecrypt,
        origin: KeyOrigin::AwsKms,
        made_for: Some(own.via().into()),
        policy: policy::read(tx, &own.policy(tx.scope()))?,
        material: Some(made),
        public_key: None,
    };
    let id = key::create(tx, new)?;
    alias::put_own(tx, own.alias(), id);
    Ok(())
}
