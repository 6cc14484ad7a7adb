//! Secrets in rows are sealed with the root key, which is kept apart from the log.
//!
//! A row holds a [`Sealed`] text where it would hold a secret, so that neither the log nor a backup of it gives
//! any away. Each text is bound to a context (say `user/AIDA…/secret`): moved to another row it doesn't open.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, RandomizedNonceKey, UnboundKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::crash::crash_point;

pub(crate) const KEY_BYTES: usize = 32;
/// The text's version: AES-256-GCM with a random nonce, the context as associated data.
const VERSION: &str = "v1";

/// The version of texts that are handed out: AES-256-GCM with a key of its own for each, made from a random salt.
const ISSUED: &str = "v2";
const SALT_BYTES: usize = 32;

/// Why something was not sealed, or did not open.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The key's file could not be read or made.
    #[error("the root key's file {path}")]
    File {
        /// Its path.
        path: String,
        /// What went wrong.
        #[source]
        error: io::Error,
    },
    /// Others can read the key's file.
    #[error("the root key's file {path} can be read by others (mode {mode:o}): it must be 0600")]
    Exposed {
        /// Its path.
        path: String,
        /// Its mode.
        mode: u32,
    },
    /// The file holds neither 32 bytes nor a locked key.
    #[error("the root key's file {path} holds neither {KEY_BYTES} bytes nor a locked key")]
    BadKey {
        /// Its path.
        path: String,
    },
    /// The key is locked, and no passphrase is given.
    #[error("the root key {path} is locked by a passphrase, and none is given")]
    Locked {
        /// Its path.
        path: String,
    },
    /// A passphrase is given, and the key isn't locked.
    #[error("a passphrase is given, and the root key {path} isn't locked by any")]
    NotLocked {
        /// Its path.
        path: String,
    },
    /// It is another passphrase, or the file was changed.
    #[error("the passphrase doesn't open the root key {path}: it is another one, or the file was changed")]
    WrongPassphrase {
        /// Its path.
        path: String,
    },
    /// The text is not a sealed one of a version that we know.
    #[error("not a sealed text of a known version")]
    Malformed,
    /// The text was sealed with another key or for another context, or was changed.
    #[error("the sealed text does not open with this key in this context")]
    Refused,
}

/// A secret as it is stored: text `v1.nonce.ciphertext`, both base64.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(String);

/// The text as it is stored.
impl fmt::Display for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for Sealed {
    type Err = SealError;
    fn from_str(text: &str) -> Result<Self, SealError> {
        parse(text).map(|_| Self(text.to_owned())).ok_or(SealError::Malformed)
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(…)")
    }
}

/// The key that seals.
pub struct RootKey {
    key: RandomizedNonceKey,
    derivation: hmac::Key,
    fingerprint: String,
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RootKey({})", self.fingerprint)
    }
}

impl RootKey {
    /// The key in this file, which is made (mode 0600, synced) if it doesn't exist. A file that exists must
    /// belong to nobody else's eyes.
    pub fn ensure(path: &Path) -> Result<Self, SealError> {
        let failed = |error| SealError::File { path: path.display().to_string(), error };
        clear_unfinished(path).map_err(failed)?;
        match Self::load(path) {
            Err(SealError::File { error, .. }) if error.kind() == io::ErrorKind::NotFound => {}
            loaded => return loaded,
        }
        let mut bytes = [0; KEY_BYTES];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| failed(io::Error::other("no randomness")))?;
        create_whole(path, &bytes).map_err(failed)?;
        Self::load(path)
    }

    /// The key in this file, which must exist: for a log that holds sealed texts already.
    pub fn load(path: &Path) -> Result<Self, SealError> {
        Self::open_file(path, None)
    }

    /// A key from given bytes: for tests and for a cloud that lives in memory.
    pub fn from_bytes(bytes: &[u8; KEY_BYTES]) -> Self {
        let key = RandomizedNonceKey::new(&AES_256_GCM, bytes).expect("AES-256 takes any 32 bytes");
        let print = digest(&SHA256, &[b"landfall root key ".as_slice(), bytes].concat());
        let derivation = hmac::Key::new(hmac::HMAC_SHA256, bytes);
        Self { key, derivation, fingerprint: URL_SAFE_NO_PAD.encode(&print.as_ref()[..12]) }
    }

    /// A key of its own for one purpose, such as authenticating page tokens: always the same for the same root key.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let tag = hmac::sign(&self.derivation, format!("landfall derived key {purpose}").as_bytes());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(tag.as_ref());
        bytes
    }

    /// Tells keys apart without giving any away: stored in a row, it shows at start that the key is the right one.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Seals a secret for a context.
    ///
    /// # Panics
    /// If the system has no randomness, or the secret is larger than AES-GCM allows (64 GiB).
    pub fn seal(&self, context: &str, plaintext: &[u8]) -> Sealed {
        let mut buffer = plaintext.to_vec();
        let nonce = self
            .key
            .seal_in_place_append_tag(Aad::from(context), &mut buffer)
            .expect("sealing fails only without randomness");
        let nonce = URL_SAFE_NO_PAD.encode(nonce.as_ref());
        Sealed(format!("{VERSION}.{nonce}.{}", URL_SAFE_NO_PAD.encode(buffer)))
    }

    /// Opens what was sealed for this context.
    pub fn open(&self, context: &str, sealed: &Sealed) -> Result<Vec<u8>, SealError> {
        let (nonce, mut buffer) = parse(&sealed.0).ok_or(SealError::Malformed)?;
        let nonce = Nonce::assume_unique_for_key(nonce);
        let opened = self.key.open_in_place(nonce, Aad::from(context), &mut buffer);
        let length = opened.map_err(|_| SealError::Refused)?.len();
        buffer.truncate(length);
        Ok(buffer)
    }
}

/// Texts that are handed out, not kept in rows: a session's token, the details of a denied call. How many there are is up to
/// whoever asks for them, and one key takes only so many random nonces (NIST SP 800-38D, 8.3): so each has a key of its own, by
/// a salt, of a family of its own for each purpose, and none touches the key that seals what is kept.
impl RootKey {
    /// Seals a text for a purpose and a context.
    ///
    /// # Panics
    /// If the system has no randomness.
    pub fn issue(&self, purpose: &str, context: &str, plaintext: &[u8]) -> String {
        let mut salt = [0; SALT_BYTES];
        aws_lc_rs::rand::fill(&mut salt).expect("sealing fails only without randomness");
        let mut buffer = plaintext.to_vec();
        let key = self.issuing(purpose, &salt);
        let sealed = key.seal_in_place_append_tag(first_nonce(), Aad::from(context), &mut buffer);
        sealed.expect("a text is shorter than AES-GCM allows");
        format!("{ISSUED}.{}.{}", URL_SAFE_NO_PAD.encode(salt), URL_SAFE_NO_PAD.encode(buffer))
    }

    /// Opens what was issued for that purpose and context, whoever brings it.
    pub fn redeem(&self, purpose: &str, context: &str, text: &str) -> Result<Vec<u8>, SealError> {
        let parts = || {
            let (salt, ciphertext) = text.strip_prefix(ISSUED)?.strip_prefix('.')?.split_once('.')?;
            let salt: [u8; SALT_BYTES] = URL_SAFE_NO_PAD.decode(salt).ok()?.try_into().ok()?;
            Some((salt, URL_SAFE_NO_PAD.decode(ciphertext).ok()?))
        };
        let (salt, mut buffer) = parts().ok_or(SealError::Malformed)?;
        let opened = self.issuing(purpose, &salt).open_in_place(first_nonce(), Aad::from(context), &mut buffer);
        let length = opened.map_err(|_| SealError::Refused)?.len();
        buffer.truncate(length);
        Ok(buffer)
    }

    /// The key of one text.
    fn issuing(&self, purpose: &str, salt: &[u8; SALT_BYTES]) -> LessSafeKey {
        let family = hmac::Key::new(hmac::HMAC_SHA256, &self.derive(&format!("issued texts: {purpose}")));
        let bytes = hmac::sign(&family, salt);
        LessSafeKey::new(UnboundKey::new(&AES_256_GCM, bytes.as_ref()).expect("AES-256 takes any 32 bytes"))
    }
}

/// A key that seals one text needs but one.
fn first_nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

fn parse(text: &str) -> Option<([u8; NONCE_LEN], Vec<u8>)> {
    let (nonce, ciphertext) = text.strip_prefix(VERSION)?.strip_prefix('.')?.split_once('.')?;
    let nonce = URL_SAFE_NO_PAD.decode(nonce).ok()?.try_into().ok()?;
    Some((nonce, URL_SAFE_NO_PAD.decode(ciphertext).ok()?))
}

/// Makes the file with all its bytes or not at all: a crash in between must not leave half a key.
pub(crate) fn create_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder)?;
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(format!(".new-{}", std::process::id()));
    let fresh = folder.join(name);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    // Of two processes that make a key at once, the first to link wins; both then read the same.
    crash_point!("root-key:link");
    let linked = match fs::hard_link(&fresh, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    };
    crash_point!("root-key:linked");
    fs::remove_file(&fresh)?;
    linked?;
    File::open(folder)?.sync_all()
}

/// Removes keys that a process had not put in place when it was killed: a key must not lie about under other names.
pub(crate) fn clear_unfinished(path: &Path) -> io::Result<()> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Ok(());
    };
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let other = entry.file_name();
        let maker =
            other.to_str().and_then(|other| other.strip_prefix(name)?.strip_prefix(".new-")?.parse::<u32>().ok());
        if maker.is_some_and(|pid| pid == std::process::id() || !Path::new("/proc").join(pid.to_string()).exists()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn a_secret_opens_only_in_its_context_and_unchanged() {
        let key = RootKey::from_bytes(&[7; 32]);
        let sealed = key.seal("user/a", b"hunter2");
        assert_eq!(key.open("user/a", &sealed).unwrap(), b"hunter2");
        assert!(matches!(key.open("user/b", &sealed), Err(SealError::Refused)));
        assert!(matches!(RootKey::from_bytes(&[8; 32]).open("user/a", &sealed), Err(SealError::Refused)));
        assert_ne!(sealed, key.seal("user/a", b"hunter2"), "nonces are never used twice");
        assert!(!serde_json::to_string(&sealed).unwrap().contains("hunter2"));
        assert!(matches!(key.open("user/a", &Sealed("v2.AAAA.AAAA".to_owned())), Err(SealError::Malformed)));
        for at in 0..sealed.0.len() {
            let mut bytes = sealed.0.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = Sealed(String::from_utf8(bytes).unwrap());
            assert!(key.open("user/a", &changed).is_err(), "changed at {at}");
        }
    }

    #[test]
    fn what_is_handed_out_has_a_key_of_its_own_each_time() {
        let key = RootKey::from_bytes(&[7; 32]);
        let issued = key.issue("tokens", "session", b"hunter2");
        assert_eq!(key.redeem("tokens", "session", &issued).unwrap(), b"hunter2");
        assert_ne!(issued, key.issue("tokens", "session", b"hunter2"));
        assert!(key.redeem("messages", "session", &issued).is_err(), "another purpose's");
        assert!(key.redeem("tokens", "other", &issued).is_err(), "another context's");
        assert!(RootKey::from_bytes(&[8; 32]).redeem("tokens", "session", &issued).is_err());
        // Neither kind is taken for the other.
        assert!(issued.parse::<Sealed>().is_err());
        assert!(key.redeem("tokens", "session", &key.seal("session", b"hunter2").to_string()).is_err());
        for at in 0..issued.len() {
            let mut bytes = issued.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            assert!(key.redeem("tokens", "session", std::str::from_utf8(&bytes).unwrap()).is_err(), "changed at {at}");
        }
    }

    #[test]
    fn the_key_file_is_made_once_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/root");
        assert!(RootKey::load(&path).is_err());
        let sealed = RootKey::ensure(&path).unwrap().seal("c", b"secret");
        assert_eq!(RootKey::ensure(&path).unwrap().open("c", &sealed).unwrap(), b"secret");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path().join("keys")).unwrap().count(), 1);
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
        assert!(matches!(RootKey::ensure(&path), Err(SealError::Exposed { mode: 0o644, .. })));
        // No process has so great a number: this one was killed before it put its key in place.
        let cut_off = path.with_file_name(format!("{}.new-4194999", path.file_name().unwrap().display()));
        fs::write(&cut_off, [1; KEY_BYTES]).unwrap();
        let _ = RootKey::ensure(&path);
        assert!(!cut_off.exists());
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        fs::write(&path, b"short").unwrap();
        assert!(matches!(RootKey::ensure(&path), Err(SealError::BadKey { .. })));
    }
}
