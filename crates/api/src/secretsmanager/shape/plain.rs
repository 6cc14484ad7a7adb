//! A secret's value in the clear, which lives no longer than the request that it came with or goes to.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use landfall_cloud::kms::KeyRef;
use landfall_cloud::secret::SecretFault;
use landfall_cloud::secret::version::NewVersion;
use landfall_model::{AccountId, Arn, Secret, SecretVersion};
use landfall_wire::Blob;

use super::{DEFAULT_KEY, SERVICE};
use crate::encryption::{self, Context};
use crate::home::Home;
use crate::{ApiError, Demands, Outside};

/// The largest value, in bytes.
const BYTES: usize = 65_536;

/// A value: text or bytes. There is no way to print it.
#[derive(PartialEq, Eq)]
pub struct Plain {
    bytes: Vec<u8>,
    is_binary: bool,
}

impl Plain {
    /// The value of a request, where it has one.
    pub fn of(text: Option<&String>, binary: Option<&Blob>) -> Result<Option<Self>, ApiError> {
        let plain = match (text, binary) {
            (None, None) => return Ok(None),
            (Some(_), Some(_)) => {
                let message =
                    "You can't specify both a binary secret value and a string secret value in the same secret.";
                return Err(SecretFault::Invalid(message.into()).into());
            }
            (Some(text), None) => Self { bytes: text.clone().into_bytes(), is_binary: false },
            (None, Some(binary)) => Self { bytes: binary.0.clone(), is_binary: true },
        };
        let member = if plain.is_binary { "secretBinary" } else { "secretString" };
        let bound = match plain.bytes.len() {
            0 => "greater than or equal to 1",
            1..=BYTES => return Ok(Some(plain)),
            _ => "less than or equal to 65536",
        };
        let message = format!(
            "1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must have length {bound}"
        );
        Err(ApiError::new("ValidationException", message))
    }

    /// That a request has one.
    pub fn need(text: Option<&String>, binary: Option<&Blob>) -> Result<Self, ApiError> {
        let missing = || SecretFault::Request("You must provide either SecretString or SecretBinary.".into());
        Ok(Self::of(text, binary)?.ok_or_else(missing)?)
    }

    /// Encrypts it for a version of a secret with that ARN, under the key that the secret names, for whoever asks.
    pub fn seal(
        &self,
        outside: &Outside,
        asker: AccountId,
        home: &Home<'_>,
        kms_key: Option<&str>,
        (arn, id): (&Arn, &str),
    ) -> Result<NewVersion, ApiError> {
        let key = kms_key.unwrap_or(DEFAULT_KEY);
        check_key(asker, home, key)?;
        let sealed = encryption::encrypt(outside, home, "GenerateDataKey", key, &context(arn, id), &self.bytes);
        let (_, sealed) = sealed.map_err(|error| unusable(error, "EncryptionFailure", "encrypt"))?;
        Ok(NewVersion {
            id: id.to_owned(),
            value: STANDARD.encode(sealed),
            is_binary: self.is_binary,
            kms_key: kms_key.map(str::to_owned),
            stages: Default::default(),
        })
    }

    /// Decrypts the value of a version, for whoever asks.
    pub fn open(
        outside: &Outside,
        asker: AccountId,
        home: &Home<'_>,
        row: &Secret,
        version: &SecretVersion,
    ) -> Result<Self, ApiError> {
        let sealed = STANDARD.decode(&version.value).map_err(|_| ApiError::internal())?;
        check_key(asker, home, &key_of(&sealed))?;
        let opened = encryption::decrypt(outside, home, &sealed, &context(&row.arn(), &version.id));
        let (_, bytes) = opened.map_err(|error| unusable(error, "DecryptionFailure", "decrypt"))?;
        Ok(Self { bytes, is_binary: version.is_binary })
    }

    /// The two members of an answer, of which one is there.
    pub fn members(self) -> Result<(Option<String>, Option<Blob>), ApiError> {
        if self.is_binary {
            return Ok((None, Some(Blob(self.bytes))));
        }
        Ok((Some(String::from_utf8(self.bytes).map_err(|_| ApiError::internal())?), None))
    }
}

/// What a ciphertext is bound to.
fn context(arn: &Arn, id: &str) -> Context {
    Context::from([("SecretARN".to_owned(), arn.to_string()), ("SecretVersionId".to_owned(), id.to_owned())])
}

/// Demands to encrypt a version under a key. Secrets Manager encrypts by a data key of the key's.
pub fn demand_seal(home: &Home<'_>, demands: &mut Demands, kms_key: Option<&str>, arn: &Arn, id: &str) {
    let key = kms_key.unwrap_or(DEFAULT_KEY);
    // What is refused in any case, and with better words, isn't denied first.
    if check_key(demands.account(), home, key).is_ok() {
        encryption::demand_use(home, demands, "GenerateDataKey", SERVICE, key, &context(arn, id));
    }
}

/// Demands to decrypt under a key what is about to be encrypted under it, as AWS does where the key isn't the service's own.
/// Source: the Secrets Manager API Reference on CreateSecret.
pub fn demand_read(home: &Home<'_>, demands: &mut Demands, key: &str, arn: &Arn, id: &str) {
    if key != DEFAULT_KEY && check_key(demands.account(), home, key).is_ok() {
        encryption::demand_use(home, demands, "Decrypt", SERVICE, key, &context(arn, id));
    }
}

/// Demands to decrypt a version.
pub fn demand_open(home: &Home<'_>, demands: &mut Demands, row: &Secret, version: &SecretVersion) {
    let sealed = STANDARD.decode(&version.value).unwrap_or_default();
    if check_key(demands.account(), home, &key_of(&sealed)).is_ok() {
        encryption::demand_decrypt(home, demands, SERVICE, &sealed, &context(&row.arn(), &version.id));
    }
}

/// The ARN of the key of a ciphertext.
fn key_of(sealed: &[u8]) -> String {
    encryption::key_of(sealed).map(|arn| arn.to_string()).unwrap_or_default()
}

/// That whoever asks may work with a secret under that key: a key of the service's own is for its own account alone,
/// whichever of its names the secret calls it by.
fn check_key(asker: AccountId, home: &Home<'_>, key: &str) -> Result<(), ApiError> {
    if asker == home.owner() {
        return Ok(());
    }
    let reference = KeyRef::parse(key, home.scope()).ok();
    let row = reference.as_ref().and_then(|key| key.find(home.view().tables()));
    let is_own = match row {
        Some(row) => row.made_for.is_some(),
        // It is made when it is first used.
        None => reference.and_then(|key| key.alias().map(str::to_owned)).is_some_and(|name| name == DEFAULT_KEY),
    };
    if is_own {
        let message = "You can't access a secret from a different AWS account if you encrypt the secret with the default KMS service key.";
        return Err(SecretFault::Request(message.into()).into());
    }
    Ok(())
}

/// A fault of a key, in Secrets Manager's terms.
fn unusable(error: ApiError, code: &'static str, verb: &str) -> ApiError {
    if error.status >= 500 {
        return error;
    }
    let message = format!(
        "Secrets Manager can't {verb} the protected secret text using the provided KMS key. Check that the KMS key is available, enabled, and not in an invalid state. ({}: {})",
        error.code, error.message
    );
    ApiError::new(code, message)
}
