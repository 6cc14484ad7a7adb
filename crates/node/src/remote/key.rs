//! The key that a machine proves itself by: made once, kept where only its owner can read it.

use std::io;
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::Ed25519KeyPair;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;

use crate::agent::identity::{ensure_secret, hex};

/// A private key with its public half.
#[derive(Clone)]
pub struct Key {
    certified: Arc<CertifiedKey>,
    sha256: String,
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Its file can't be read or written.
    #[error("{0}")]
    File(#[from] io::Error),
    /// What the file holds is no key.
    #[error("{0} holds no key: {1}")]
    Damaged(String, String),
}

impl Key {
    /// The key that is kept in that folder under that name; a new one, readable by its owner alone, if there is none.
    pub fn ensure(folder: &Path, name: &str) -> Result<Self, KeyError> {
        let bytes = ensure_secret(folder, name, || {
            let made = Ed25519KeyPair::generate().and_then(|pair| pair.to_pkcs8());
            let made = made.map_err(|_| io::Error::other("the system gives no randomness"))?;
            Ok(made.as_ref().to_vec())
        })?;
        let damaged = |why: &str| KeyError::Damaged(folder.join(name).display().to_string(), why.to_owned());
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(bytes));
        let signing = super::tls::provider().key_provider.load_private_key(private);
        let signing = signing.map_err(|error| damaged(&error.to_string()))?;
        let public = signing.public_key().ok_or_else(|| damaged("it has no public half"))?.into_owned();
        let sha256 = public_sha256(public.as_ref());
        let certified = CertifiedKey::new(vec![CertificateDer::from(public.as_ref().to_vec())], signing);
        Ok(Self { certified: Arc::new(certified), sha256 })
    }

    /// SHA-256 of its public half in hexadecimal: what others know it by.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// As TLS takes it.
    pub(super) fn certified(&self) -> Arc<CertifiedKey> {
        self.certified.clone()
    }
}

/// Never shows the private half.
impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({})", self.sha256)
    }
}

/// SHA-256 of a public key in its DER form, in hexadecimal.
pub(super) fn public_sha256(der: &[u8]) -> String {
    hex(digest(&SHA256, der).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let first = Key::ensure(folder.path(), "host-key").unwrap();
        assert_eq!(first.sha256().len(), 64);
        assert_eq!(Key::ensure(folder.path(), "host-key").unwrap().sha256(), first.sha256());
        let mode = std::fs::metadata(folder.path().join("host-key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_ne!(Key::ensure(folder.path(), "other").unwrap().sha256(), first.sha256());
        std::fs::write(folder.path().join("other"), "nothing").unwrap();
        assert!(Key::ensure(folder.path(), "other").is_err(), "a damaged key isn't replaced in silence");
    }
}
