//! Tokens of identity providers: JSON Web Tokens (RFC 7519) with a signature of a key that the issuer publishes. Pure: the
//! keys and the time come in.
//!
//! The algorithms are a list, and each takes keys of its own kind alone: a token that chooses `none`, or an HMAC over what
//! everybody can read, proves nothing.

use aws_lc_rs::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

use super::labels::Labels;

/// The longest token. Source: the STS API Reference on AssumeRoleWithWebIdentity.
const TOKEN_BYTES: usize = 20_000;
/// How far an issuer's clock may be ahead of ours, in seconds.
const SKEW_S: i64 = 300;
/// The longest subject.
const SUBJECT_CHARS: usize = 255;
/// The fewest and most bytes of an RSA key's modulus.
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;

/// What is wrong with a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is no token, or lacks what one must have.
    #[error("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")]
    Malformed,
    /// Its algorithm isn't on the list.
    #[error("Unsupported signature algorithm in token: {0}")]
    Algorithm(String),
    /// No key of the issuer's made the signature.
    #[error("The ID Token's signature could not be verified with the keys of its issuer")]
    Signature,
    /// It is for somebody else.
    #[error("Incorrect token audience")]
    Audience,
    /// Its time is over.
    #[error("Token expired: current date/time {now} must be before the expiration date/time {until}")]
    Expired {
        /// Now, in seconds.
        now: i64,
        /// When it ended.
        until: i64,
    },
    /// What it says of the session's tags can't be read.
    #[error("The tags or the source identity in the token are malformed")]
    Tags,
    /// Its time has not come.
    #[error("The token was issued in the future")]
    Early,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

/// What a token claims, before anything is believed.
#[derive(Debug)]
pub struct Claimed<'t> {
    /// How it is signed.
    pub algorithm: Algorithm,
    /// The name of the key.
    pub kid: Option<String>,
    /// Who says so.
    pub issuer: String,
    claims: serde_json::Map<String, Value>,
    signed: &'t str,
    signature: Vec<u8>,
}

/// The algorithms that are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// The same with SHA-384.
    Rs384,
    /// The same with SHA-512.
    Rs512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
}

impl Algorithm {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            "ES512" => Self::Es512,
            _ => return None,
        })
    }

    /// The curve of its keys, and the bytes of a coordinate; nothing for RSA.
    fn curve(self) -> Option<(&'static str, usize)> {
        match self {
            Self::Es256 => Some(("P-256", 32)),
            Self::Es384 => Some(("P-384", 48)),
            Self::Es512 => Some(("P-521", 66)),
            Self::Rs256 | Self::Rs384 | Self::Rs512 => None,
        }
    }
}

/// A key as issuers publish it (RFC 7517). What isn't known of one is passed over.
#[derive(Clone, Debug, Deserialize)]
pub struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    n: Option<String>,
    e: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// A set of keys as it is published. Keys of kinds that aren't known don't spoil the others.
pub fn read_keys(body: &[u8]) -> Option<Vec<Jwk>> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<Value>,
    }
    let set: Set = serde_json::from_slice(body).ok()?;
    Some(set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect())
}

impl Jwk {
    /// Whether it may be meant by a token.
    pub fn fits(&self, token: &Claimed<'_>) -> bool {
        let named = token.kid.is_none() || self.kid == token.kid;
        let purpose = self.purpose.as_deref().is_none_or(|purpose| purpose == "sig");
        let algorithm = self.alg.as_deref().is_none_or(|name| Algorithm::parse(name) == Some(token.algorithm));
        named && purpose && algorithm
    }

    /// Whether it made the token's signature.
    fn made(&self, token: &Claimed<'_>) -> bool {
        let decode = |text: &Option<String>| URL_SAFE_NO_PAD.decode(text.as_deref()?.trim_end_matches('=')).ok();
        let message = token.signed.as_bytes();
        let Some((curve, bytes)) = token.algorithm.curve() else {
            let (Some(n), Some(e)) = (decode(&self.n), decode(&self.e)) else { return false };
            let n = n.get(n.iter().take_while(|byte| **byte == 0).count()..).unwrap_or_default();
            if self.kty != "RSA" || !MODULUS_BYTES.contains(&n.len()) {
                return false;
            }
            let parameters = match token.algorithm {
                Algorithm::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
                Algorithm::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
                _ => &signature::RSA_PKCS1_2048_8192_SHA256,
            };
            return RsaPublicKeyComponents { n, e: &e }.verify(parameters, message, &token.signature).is_ok();
        };
        let (Some(x), Some(y)) = (decode(&self.x), decode(&self.y)) else { return false };
        if self.kty != "EC" || self.crv.as_deref() != Some(curve) || x.len() != bytes || y.len() != bytes {
            return false;
        }
        let point: Vec<u8> = [&[4], x.as_slice(), &y].concat();
        let algorithm: &'static dyn signature::VerificationAlgorithm = match token.algorithm {
            Algorithm::Es384 => &signature::ECDSA_P384_SHA384_FIXED,
            Algorithm::Es512 => &signature::ECDSA_P521_SHA512_FIXED,
            _ => &signature::ECDSA_P256_SHA256_FIXED,
        };
        UnparsedPublicKey::new(algorithm, point).verify(message, &token.signature).is_ok()
    }
}

/// Whom a token proves somebody to be, and what its issuer says of the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The subject.
    pub subject: String,
    /// Whom the token is for.
    pub audience: String,
    /// How the subject showed who it is.
    pub methods: Vec<String>,
    /// What the session is to be called and to carry on.
    pub labels: Labels,
}

impl<'t> Claimed<'t> {
    /// Reads a token without believing it.
    pub fn read(token: &'t str) -> Result<Self, TokenError> {
        if token.len() > TOKEN_BYTES {
            return Err(TokenError::Malformed);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(TokenError::Malformed)?;
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenError::Malformed);
        let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| TokenError::Malformed)?;
        let algorithm = Algorithm::parse(&header.alg);
        let algorithm = algorithm.ok_or_else(|| TokenError::Algorithm(header.alg.chars().take(32).collect()))?;
        // An extension that must be understood isn't.
        if header.crit.is_some() {
            return Err(TokenError::Malformed);
        }
        let claims: serde_json::Map<String, Value> =
            serde_json::from_slice(&decode(claims)?).map_err(|_| TokenError::Malformed)?;
        let issuer = claims.get("iss").and_then(Value::as_str).ok_or(TokenError::Malformed)?.to_owned();
        Ok(Self { algorithm, kid: header.kid, issuer, claims, signed, signature: decode(signature)? })
    }

    /// Whom it proves somebody to be: signed by one of these keys, for one of these clients, and good now.
    pub fn prove(&self, keys: &[Jwk], clients: &[String], now_s: i64) -> Result<Identity, TokenError> {
        if !keys.iter().filter(|key| key.fits(self)).any(|key| key.made(self)) {
            return Err(TokenError::Signature);
        }
        let number = |name: &str| self.claims.get(name).and_then(second).ok_or(TokenError::Malformed);
        let (until, issued) = (number("exp")?, number("iat")?);
        if until <= now_s {
            return Err(TokenError::Expired { now: now_s, until });
        }
        let not_before = if self.claims.contains_key("nbf") { number("nbf")? } else { issued };
        if issued > now_s + SKEW_S || not_before > now_s + SKEW_S {
            return Err(TokenError::Early);
        }
        let subject = self.claims.get("sub").and_then(Value::as_str).ok_or(TokenError::Malformed)?;
        if subject.is_empty() || subject.chars().count() > SUBJECT_CHARS {
            return Err(TokenError::Malformed);
        }
        let audience = self.audience(clients)?;
        let methods = self.claims.get("amr").map(texts).unwrap_or_default();
        let labels = Labels::read(&self.claims).ok_or(TokenError::Tags)?;
        Ok(Identity { subject: subject.to_owned(), audience, methods, labels })
    }

    /// Who of the clients it is for. Where a party is authorised by name, it is that one.
    fn audience(&self, clients: &[String]) -> Result<String, TokenError> {
        let audiences = self.claims.get("aud").map(texts).unwrap_or_default();
        let candidates = match self.claims.get("azp") {
            _ if audiences.is_empty() => return Err(TokenError::Malformed),
            Some(party) => vec![party.as_str().ok_or(TokenError::Malformed)?.to_owned()],
            None => audiences,
        };
        candidates.into_iter().find(|audience| clients.contains(audience)).ok_or(TokenError::Audience)
    }
}

/// A time in seconds (NumericDate of RFC 7519), of which some issuers write fractions. The second that it is in counts.
#[expect(clippy::cast_possible_truncation, reason = "it is within what a float says exactly")]
fn second(value: &Value) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let fraction = || value.as_f64().map(f64::floor).filter(|seconds| seconds.abs() < EXACT);
    value.as_i64().or_else(|| Some(fraction()? as i64))
}

/// One text or several.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(values) => values.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    }
}
