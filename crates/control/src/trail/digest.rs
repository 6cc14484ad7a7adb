//! Digests: which files were delivered in an hour, signed, each chained to the one before it.
//!
//! Source of their form: the CloudTrail User Guide, "CloudTrail digest file structure". The signature, which a storage
//! service keeps as metadata of the object, is in a file beside it.

use std::fmt::Write as _;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use landfall_api::Vault;
use landfall_model::{ChainedDigest, DeliveredFile, DigestKey, Region, Timestamp, Trail};
use serde::{Deserialize, Serialize};

use super::file;

/// What the file of a digest's signature ends in.
pub const METADATA: &str = landfall_api::s3::METADATA;
/// The algorithm of all signatures.
pub(super) const ALGORITHM: &str = "SHA256withRSA";
/// How long a key signs.
const KEY_MS: i64 = 3 * 365 * 86_400_000;

/// Why there is no digest.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A key can't be made, opened or used.
    #[error("the key of digests: {0}")]
    Key(String),
    /// A file can't be written.
    #[error("writing a digest")]
    Write(#[from] std::io::Error),
}

impl Error {
    /// What GetTrailStatus says of it.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Key(_) => "InternalError",
            Self::Write(error) => file::code(error),
        }
    }
}

/// A digest.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Digest {
    /// Whose trail it is.
    pub aws_account_id: String,
    /// When its time begins.
    pub digest_start_time: String,
    /// When it ends.
    pub digest_end_time: String,
    /// Where it is.
    #[serde(rename = "digestS3Bucket")]
    pub bucket: String,
    /// Its place there.
    #[serde(rename = "digestS3Object")]
    pub object: String,
    /// The key that it is signed with.
    pub digest_public_key_fingerprint: String,
    /// How.
    pub digest_signature_algorithm: String,
    /// The time of the last event of its files.
    pub newest_event_time: Option<String>,
    /// The time of the first.
    pub oldest_event_time: Option<String>,
    /// Where the one before it is; none before the first.
    #[serde(rename = "previousDigestS3Bucket")]
    pub previous_bucket: Option<String>,
    /// Its place there.
    #[serde(rename = "previousDigestS3Object")]
    pub previous_object: Option<String>,
    /// The hash of what it holds.
    pub previous_digest_hash_value: Option<String>,
    /// How that was made.
    pub previous_digest_hash_algorithm: Option<String>,
    /// Its signature.
    pub previous_digest_signature: Option<String>,
    /// The files.
    pub log_files: Vec<DigestedFile>,
}

/// A file in a digest.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DigestedFile {
    /// Where it is.
    #[serde(rename = "s3Bucket")]
    pub bucket: String,
    /// Its place there.
    #[serde(rename = "s3Object")]
    pub object: String,
    /// The hash of what it holds.
    pub hash_value: String,
    /// How that was made.
    pub hash_algorithm: String,
    /// The time of its last event.
    pub newest_event_time: String,
    /// The time of its first.
    pub oldest_event_time: String,
}

/// What the file beside a digest says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Metadata {
    /// The signature, in hexadecimal digits.
    pub signature: String,
    /// How it was made.
    pub signature_algorithm: String,
}

/// A digest that was made.
pub(super) struct Made {
    pub(super) text: String,
    pub(super) metadata: String,
    pub(super) chained: ChainedDigest,
}

/// A key that signs.
pub(super) struct SigningKey {
    pair: RsaKeyPair,
    fingerprint: String,
}

impl SigningKey {
    /// Opens the private part.
    pub(super) fn open(vault: &Vault, row: &DigestKey) -> Result<Self, Error> {
        let text = vault.open(&context(&row.fingerprint), &row.private).map_err(Error::Key)?;
        let der = STANDARD.decode(text).map_err(|error| Error::Key(error.to_string()))?;
        let pair = RsaKeyPair::from_pkcs8(&der).map_err(|error| Error::Key(error.to_string()))?;
        Ok(Self { pair, fingerprint: row.fingerprint.clone() })
    }

    fn sign(&self, text: &str) -> Result<String, Error> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let signed = self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature);
        signed.map_err(|_| Error::Key("it doesn't sign".into()))?;
        Ok(hex(&signature))
    }
}

/// A new key for a region's digests.
pub(super) fn new_key(vault: &Vault, region: Region, now: Timestamp) -> Result<DigestKey, Error> {
    let failed = |_| Error::Key("it can't be made".into());
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
    let public = pair.public_key().as_ref();
    let mut fingerprint = sha256(public);
    fingerprint.truncate(32);
    let private: Pkcs8V1Der<'_> = pair.as_der().map_err(failed)?;
    let private = vault.seal(&context(&fingerprint), &STANDARD.encode(private.as_ref()));
    let valid_until = Timestamp(now.as_millis() + KEY_MS);
    Ok(DigestKey { public: STANDARD.encode(public), fingerprint, region, private, valid_from: now, valid_until })
}

/// What private keys are sealed for.
fn context(fingerprint: &str) -> String {
    format!("digest-key/{fingerprint}")
}

/// Makes the digest of a span of time.
pub(super) fn make(
    row: &Trail,
    region: Region,
    (begin, end): (Timestamp, Timestamp),
    files: &[&DeliveredFile],
    before: Option<&ChainedDigest>,
    key: &SigningKey,
) -> Result<Made, Error> {
    let object = file::digest_object(row, region, end);
    let digested = |file: &&DeliveredFile| DigestedFile {
        bucket: file.bucket.clone(),
        object: file.object.clone(),
        hash_value: file.sha256.clone(),
        hash_algorithm: "SHA-256".into(),
        newest_event_time: second(file.newest),
        oldest_event_time: second(file.oldest),
    };
    let digest = Digest {
        aws_account_id: row.scope.account.to_string(),
        digest_start_time: second(begin),
        digest_end_time: second(end),
        bucket: row.bucket.clone(),
        object: object.clone(),
        digest_public_key_fingerprint: key.fingerprint.clone(),
        digest_signature_algorithm: ALGORITHM.into(),
        newest_event_time: files.iter().map(|file| file.newest).max().map(second),
        oldest_event_time: files.iter().map(|file| file.oldest).min().map(second),
        previous_bucket: before.map(|before| before.bucket.clone()),
        previous_object: before.map(|before| before.object.clone()),
        previous_digest_hash_value: before.map(|before| before.sha256.clone()),
        previous_digest_hash_algorithm: before.map(|_| "SHA-256".into()),
        previous_digest_signature: before.map(|before| before.signature.clone()),
        log_files: files.iter().map(digested).collect(),
    };
    let text = serde_json::to_string(&digest).map_err(|error| Error::Key(error.to_string()))?;
    let sha256 = sha256(text.as_bytes());
    let signature = key.sign(&digest.to_sign(&sha256))?;
    let metadata = Metadata { signature: signature.clone(), signature_algorithm: ALGORITHM.into() };
    let metadata = serde_json::to_string(&metadata).map_err(|error| Error::Key(error.to_string()))?;
    Ok(Made { text, metadata, chained: ChainedDigest { bucket: row.bucket.clone(), object, sha256, signature } })
}

impl Digest {
    /// What its signature is of.
    fn to_sign(&self, sha256: &str) -> String {
        let previous = self.previous_digest_signature.as_deref().unwrap_or("null");
        format!("{}\n{}/{}\n{sha256}\n{previous}", self.digest_end_time, self.bucket, self.object)
    }

    /// Whether a signature is one of that public key's, in base64, over this digest with that text.
    pub fn is_signed(&self, text: &[u8], signature: &str, public: &str) -> bool {
        let (Some(signature), Ok(public)) = (unhex(signature), STANDARD.decode(public)) else { return false };
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public);
        key.verify(self.to_sign(&sha256(text)).as_bytes(), &signature).is_ok()
    }
}

/// SHA-256 in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string never fails.
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?, 16).ok())
        .collect()
}

/// A moment to the second.
fn second(at: Timestamp) -> String {
    format!("{}Z", &at.to_string()[..19])
}

/// Reads such a moment.
pub(super) fn parse_time(text: &str) -> Option<Timestamp> {
    landfall_api::audit::parse_time(text).map(Timestamp)
}
