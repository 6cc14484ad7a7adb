//! TLS at the endpoint: which certificate is shown, and that it is never one that has ended.
//!
//! A cloud has an authority of its own, whose certificate its clients are given (`landfall env`, `/_landfall/ca.pem`); or
//! the operator gives a certificate that clients trust already. Within networks the authority's is shown always: nobody
//! else would vouch for the names there. Versions 1.2 and 1.3, HTTP/1.1 alone, no certificates of clients: who calls is
//! proved by the signature of each request.

mod authority;
mod names;
mod validity;

use std::net::IpAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use landfall_model::Region;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

use authority::Leaf;
pub use authority::{Authority, write_public};
use names::{Names, reached_at};
use validity::DAY_MS;

/// How long before its end a certificate of the own authority is replaced.
const RENEWED_MS: i64 = 30 * DAY_MS;
/// How often it is looked whether something is due.
const LOOK: Duration = Duration::from_secs(10);

/// The files of a certificate that is given: a chain and its key, both PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The certificate, and those that vouch for it.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// What certificates are for.
#[derive(Clone, Debug)]
pub struct Place {
    /// Where the endpoint listens.
    pub listen: IpAddr,
    /// Names that it is given.
    pub host_names: Vec<String>,
    /// The region.
    pub region: Region,
}

/// The certificates of an endpoint.
pub struct Certificates {
    authority: Authority,
    place: Place,
    own: Arc<Shown>,
    names: Mutex<Names>,
    given: Option<Given>,
}

struct Given {
    files: Files,
    shown: Arc<Shown>,
    /// The files as they were when they were read last, whether that went well or not.
    seen: Mutex<Stamp>,
}

/// What is known of files without reading them.
type Stamp = [Option<(u64, i64, i64, u64)>; 2];

/// The certificate that is shown to who connects now.
#[derive(Debug)]
struct Shown(RwLock<Leaf>);

impl Shown {
    fn new(leaf: Leaf) -> Arc<Self> {
        Arc::new(Self(RwLock::new(leaf)))
    }

    fn leaf(&self) -> Leaf {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn replace(&self, leaf: Leaf) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = leaf;
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).certified.clone())
    }
}

impl Certificates {
    /// Those of an authority, or the one that is given, for a place.
    pub fn new(authority: Authority, place: Place, files: Option<Files>, now_ms: i64) -> Result<Self> {
        let names = place.names();
        let own = Shown::new(authority.issue(&names, now_ms)?);
        let given = files.map(|files| {
            let seen = Mutex::new(files.stamp());
            files.read().map(|leaf| Given { files, shown: Shown::new(leaf), seen })
        });
        Ok(Self { authority, place, own, names: Mutex::new(names), given: given.transpose()? })
    }

    /// What takes connections from outside.
    pub fn outside(&self) -> Result<TlsAcceptor> {
        acceptor(self.given.as_ref().map_or(&self.own, |given| &given.shown))
    }

    /// What takes connections within networks.
    pub fn inside(&self) -> Result<TlsAcceptor> {
        acceptor(&self.own)
    }

    /// The authority's certificate, for clients to trust.
    pub fn authority_pem(&self) -> String {
        self.authority.pem()
    }

    /// Does what is due: a certificate that is to end is replaced, and so is one for names that have changed, or whose files
    /// have. Where that fails the old one is shown on.
    pub fn refresh(&self, now_ms: i64) -> Result<()> {
        let wanted = self.place.names();
        let validity = self.own.leaf().validity;
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if *names != wanted || !validity.covers(now_ms) || !validity.covers(now_ms + RENEWED_MS) {
            self.own.replace(self.authority.issue(&wanted, now_ms)?);
            *names = wanted;
            tracing::info!("the endpoint shows a new certificate of its own authority");
        }
        let Some(given) = &self.given else { return Ok(()) };
        let mut seen = given.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = given.files.stamp();
        if *seen != stamp {
            // Also what can't be read is read once only: the next look is at the next change.
            *seen = stamp;
            given.shown.replace(given.files.read()?);
            tracing::info!(file = %given.files.certificate.display(), "the endpoint shows the certificate of its changed file");
        }
        Ok(())
    }

    /// Looks for ever whether something is due.
    pub async fn keep(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK).await;
            if let Err(error) = self.refresh(now_ms()) {
                tracing::error!(error = format!("{error:#}"), "the endpoint shows its old certificate");
            }
        }
    }

    /// What `landfall doctor` says of them.
    pub fn describe(&self) -> serde_json::Value {
        let shown = self.given.as_ref().map_or(&self.own, |given| &given.shown).leaf();
        let authority = self.authority.validity();
        serde_json::json!({
            "file": self.given.as_ref().map(|given| given.files.certificate.display().to_string()),
            "until_ms": shown.validity.until_ms,
            "last_day": shown.validity.last_day(),
            "authority_sha256": self.authority.sha256(),
            "authority_last_day": authority.map(validity::Validity::last_day),
        })
    }
}

impl Place {
    fn names(&self) -> Names {
        let machine = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_default();
        Names::of(&reached_at(self.listen), &machine, &self.host_names, self.region)
    }
}

impl Files {
    fn read(&self) -> Result<Leaf> {
        let path = self.certificate.display();
        let chain: Vec<_> = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect)
            .with_context(|| format!("reading the certificate {path}"))?;
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .with_context(|| format!("reading the certificate's key {}", self.key.display()))?;
        Leaf::new(chain, key).with_context(|| format!("the certificate {path}"))
    }

    fn stamp(&self) -> Stamp {
        let stamp = |path: &Path| {
            let file = std::fs::metadata(path).ok()?;
            Some((file.ino(), file.mtime(), file.mtime_nsec(), file.size()))
        };
        [&self.certificate, &self.key].map(|path| stamp(path))
    }
}

fn acceptor(shown: &Arc<Shown>) -> Result<TlsAcceptor> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = builder.with_no_client_auth().with_cert_resolver(shown.clone());
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Now, in milliseconds since 1970.
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
