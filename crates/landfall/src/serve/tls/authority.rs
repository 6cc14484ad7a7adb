//! The authority that vouches for this cloud's endpoint: made at the first start, and known to nobody but those who were
//! given its certificate.
//!
//! Its key lies with the other keys and is the one thing kept: certificates of the endpoint are made anew at each start and
//! live in memory alone. Its own certificate is public, and follows from the key but for its dates, so that one that was
//! lost or comes to its end is written again and vouches for the same.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use landfall_node::agent::ensure_secret;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PublicKeyData as _, SanType,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;

use super::names::Names;
use super::validity::{DAY_MS, Validity};

/// How long the authority's certificate is good for.
const AUTHORITY_DAYS: i64 = 3_652;
/// How long before its end it is made anew: those who have only the old one have that long to take the new one.
const AUTHORITY_RENEWED_DAYS: i64 = 365;
/// How long a certificate of the endpoint is good for. Clients refuse those of more than 398 days.
const LEAF_DAYS: i64 = 90;
/// How far a client's clock may be behind ours.
const EARLIER_DAYS: i64 = 1;

/// An authority, and its certificate.
pub struct Authority {
    key: KeyPair,
    certificate: CertificateDer<'static>,
}

/// A certificate as the endpoint shows it.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// It, and its key.
    pub certified: Arc<CertifiedKey>,
    /// When it is good.
    pub validity: Validity,
}

impl Authority {
    /// The authority whose key lies in that folder, with its certificate written at that path.
    pub fn ensure(keys: &Path, certificate: &Path, now_ms: i64) -> Result<Self> {
        let made = ensure_secret(keys, "authority.key", || {
            KeyPair::generate().map(|key| key.serialize_der()).map_err(std::io::Error::other)
        });
        let path = keys.join("authority.key");
        let der = made.with_context(|| format!("reading {}", path.display()))?;
        let key = KeyPair::try_from(der).with_context(|| format!("{} holds no key", path.display()))?;
        let kept = CertificateDer::from_pem_file(certificate).ok().filter(|kept| is_good(kept, &key, now_ms));
        if let Some(kept) = kept {
            return Ok(Self { certificate: kept, key });
        }
        let authority = Self::with(key, now_ms)?;
        write_public(certificate, &authority.pem())?;
        Ok(authority)
    }

    /// An authority that goes with this process.
    pub fn volatile(now_ms: i64) -> Result<Self> {
        Self::with(KeyPair::generate().context("making a key")?, now_ms)
    }

    fn with(key: KeyPair, now_ms: i64) -> Result<Self> {
        let mut params = params(&key);
        date(&mut params, now_ms, AUTHORITY_DAYS);
        let certificate = params.self_signed(&key).context("making the authority's certificate")?;
        Ok(Self { certificate: certificate.der().clone(), key })
    }

    /// A certificate for those names, with a key of its own.
    pub fn issue(&self, names: &Names, now_ms: i64) -> Result<Leaf> {
        let issuer_params = params(&self.key);
        let key = KeyPair::generate().context("making a key")?;
        let mut leaf = CertificateParams::default();
        leaf.distinguished_name = named("Landfall endpoint");
        for name in &names.dns {
            let name = name.as_str().try_into().with_context(|| format!("{name} is no name of a server"))?;
            leaf.subject_alt_names.push(SanType::DnsName(name));
        }
        leaf.subject_alt_names.extend(names.addresses.iter().copied().map(SanType::IpAddress));
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        leaf.use_authority_key_identifier_extension = true;
        date(&mut leaf, now_ms, LEAF_DAYS);
        let issuer = Issuer::from_params(&issuer_params, &self.key);
        let made: Certificate = leaf.signed_by(&key, &issuer).context("making the endpoint's certificate")?;
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Leaf::new(vec![made.der().clone()], private)
    }

    /// Its certificate, as clients take it.
    pub fn pem(&self) -> String {
        let text = STANDARD.encode(&self.certificate);
        let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
    }

    /// SHA-256 of its certificate, by which people compare two.
    pub fn sha256(&self) -> String {
        digest(&SHA256, &self.certificate).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// When its certificate is good.
    pub fn validity(&self) -> Option<Validity> {
        Validity::read(&self.certificate)
    }
}

impl Leaf {
    /// A chain of certificates whose first belongs to that key.
    pub fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Self> {
        let first = chain.first().context("there is no certificate")?;
        let validity = Validity::read(first).context("the certificate's dates can't be read")?;
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let certified =
            CertifiedKey::from_der(chain, key, &provider).context("certificate and key don't go together")?;
        Ok(Self { certified: Arc::new(certified), validity })
    }
}

/// What is the same of the authority's certificate each time that it is made.
fn params(key: &KeyPair) -> CertificateParams {
    let mut params = CertificateParams::default();
    // Two clouds' authorities are told apart by their names, too.
    let hash = digest(&SHA256, &key.subject_public_key_info());
    let short: String = hash.as_ref()[..4].iter().map(|byte| format!("{byte:02x}")).collect();
    params.distinguished_name = named(&format!("Landfall authority {short}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn named(name: &str) -> DistinguishedName {
    let mut named = DistinguishedName::new();
    named.push(DnType::CommonName, name);
    named
}

/// Has a certificate be good from yesterday on, for so many days.
fn date(params: &mut CertificateParams, now_ms: i64, days: i64) {
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let at = |ms: i64| epoch + Duration::from_millis(ms.max(0).unsigned_abs());
    params.not_before = at(now_ms - EARLIER_DAYS * DAY_MS);
    params.not_after = at(now_ms + days * DAY_MS);
}

/// Whether a certificate was made for that key and is good for long.
fn is_good(certificate: &[u8], key: &KeyPair, now_ms: i64) -> bool {
    let public = key.subject_public_key_info();
    let is_its = certificate.windows(public.len()).any(|window| window == public);
    let until = now_ms + AUTHORITY_RENEWED_DAYS * DAY_MS;
    is_its && Validity::read(certificate).is_some_and(|validity| validity.covers(now_ms) && validity.covers(until))
}

/// Writes a file that everybody may read, whole or not at all.
pub fn write_public(path: &Path, text: &str) -> Result<()> {
    let write = || -> std::io::Result<()> {
        let aside = path.with_extension(format!("{}.new", std::process::id()));
        let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(&aside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&aside, path)
    };
    write().with_context(|| format!("writing {}", path.display()))
}
