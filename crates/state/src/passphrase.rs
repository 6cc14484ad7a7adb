//! The root key locked by a passphrase: its file then holds the key sealed by what Argon2id (RFC 9106) makes of that.
//!
//! The file is one line of text: a name, the costs and the salt, and the sealed key; what stands before the sealed key is
//! authenticated with it. Locking, unlocking and another passphrase change the file and never the key, so that nothing has
//! to be sealed anew. The new file is whole and synced before it takes the old one's place, and only then is the old one
//! overwritten: at each moment one of both is there.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::crash::crash_point;
use crate::seal::{KEY_BYTES, RootKey, SealError, Sealed, clear_unfinished, create_whole};

/// What the file of a locked key begins with.
const NAME: &str = "landfall-root-key-1";
/// The most bytes of a file.
const MOST_FILE_BYTES: usize = 1024;
/// The most bytes of a passphrase.
const MOST_BYTES: usize = 4096;
const SALT_BYTES: usize = 16;
/// The costs of a new lock. Source: RFC 9106, 4, the second recommended option, on one lane.
const MEMORY_KIB: u32 = 65_536;
const PASSES: u32 = 3;
/// The most that a file may ask for: whoever can write it must not be able to take all memory.
const MOST_MEMORY_KIB: u32 = 1 << 20;
const MOST_PASSES: u32 = 64;

/// A passphrase. It is overwritten when it is let go.
pub struct Passphrase(Vec<u8>);

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

impl Drop for Passphrase {
    fn drop(&mut self) {
        self.0.fill(0);
        std::hint::black_box(&self.0);
    }
}

impl Passphrase {
    /// The first and only line of what was read; its end doesn't belong to it. `None` where it is empty or too long.
    pub fn new(mut bytes: Vec<u8>) -> Option<Self> {
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
            if bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
        }
        let passphrase = Self(bytes);
        ((1..=MOST_BYTES).contains(&passphrase.0.len()) && !passphrase.0.contains(&b'\n')).then_some(passphrase)
    }

    /// Its bytes: for whoever hands it on.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether two are the same.
    pub fn is(&self, other: &Self) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

/// The root key's file, as far as it is told without the passphrase.
pub enum KeyFile {
    /// The key as it is.
    Plain([u8; KEY_BYTES]),
    /// The key sealed by a passphrase.
    Locked(Lock),
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if matches!(self, Self::Plain(_)) { "KeyFile(plain)" } else { "KeyFile(locked)" })
    }
}

/// A root key that is sealed by a passphrase.
#[derive(Debug)]
pub struct Lock {
    memory_kib: u32,
    passes: u32,
    salt: [u8; SALT_BYTES],
    sealed: Sealed,
}

impl KeyFile {
    /// Reads what a file holds; `None` where that is no root key.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        if let Ok(plain) = <[u8; KEY_BYTES]>::try_from(bytes) {
            return Some(Self::Plain(plain));
        }
        if bytes.len() > MOST_FILE_BYTES {
            return None;
        }
        let line = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
        let (head, sealed) = line.rsplit_once('$')?;
        let rest = head.strip_prefix(NAME)?.strip_prefix("$argon2id$m=")?;
        let (memory, rest) = rest.split_once(",t=")?;
        let (passes, salt) = rest.split_once(",p=1$")?;
        let lock = Lock {
            memory_kib: memory.parse().ok().filter(|memory| (8..=MOST_MEMORY_KIB).contains(memory))?,
            passes: passes.parse().ok().filter(|passes| (1..=MOST_PASSES).contains(passes))?,
            salt: STANDARD_NO_PAD.decode(salt).ok()?.try_into().ok()?,
            sealed: sealed.parse().ok()?,
        };
        // One spelling only: what is authenticated is made anew from what was read.
        (lock.head() == head).then_some(Self::Locked(lock))
    }

    /// Reads a file, which must belong to nobody else's eyes.
    fn load(path: &Path) -> Result<Self, SealError> {
        let shown = || path.display().to_string();
        let failed = |error| SealError::File { path: shown(), error };
        let file = File::open(path).map_err(failed)?;
        let mode = file.metadata().map_err(failed)?.mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(SealError::Exposed { path: shown(), mode });
        }
        let mut bytes = Vec::new();
        let most = u64::try_from(MOST_FILE_BYTES).unwrap_or(u64::MAX) + 1;
        file.take(most).read_to_end(&mut bytes).map_err(failed)?;
        Self::parse(&bytes).ok_or_else(|| SealError::BadKey { path: shown() })
    }

    /// The key, opened by a passphrase where it is locked.
    fn open(&self, path: &Path, passphrase: Option<&Passphrase>) -> Result<[u8; KEY_BYTES], SealError> {
        match (self, passphrase) {
            (Self::Plain(bytes), None) => Ok(*bytes),
            (Self::Plain(_), Some(_)) => Err(SealError::NotLocked { path: path.display().to_string() }),
            (Self::Locked(_), None) => Err(SealError::Locked { path: path.display().to_string() }),
            (Self::Locked(lock), Some(passphrase)) => {
                lock.open(passphrase).ok_or_else(|| SealError::WrongPassphrase { path: path.display().to_string() })
            }
        }
    }
}

impl Lock {
    /// Seals a key by a passphrase.
    fn new(key: &[u8; KEY_BYTES], passphrase: &Passphrase) -> io::Result<Self> {
        let mut salt = [0; SALT_BYTES];
        aws_lc_rs::rand::fill(&mut salt).map_err(|_| io::Error::other("no randomness"))?;
        let head = head(MEMORY_KIB, PASSES, &salt);
        let sealer = derive(passphrase, &salt, MEMORY_KIB, PASSES).ok_or_else(|| io::Error::other("no memory"))?;
        Ok(Self { memory_kib: MEMORY_KIB, passes: PASSES, salt, sealed: sealer.seal(&head, key) })
    }

    /// The key; `None` where it is another passphrase, or the file was changed.
    pub fn open(&self, passphrase: &Passphrase) -> Option<[u8; KEY_BYTES]> {
        let opener = derive(passphrase, &self.salt, self.memory_kib, self.passes)?;
        opener.open(&self.head(), &self.sealed).ok()?.try_into().ok()
    }

    fn head(&self) -> String {
        head(self.memory_kib, self.passes, &self.salt)
    }

    /// The memory that it takes to open it, in KiB.
    pub fn memory_kib(&self) -> u32 {
        self.memory_kib
    }

    /// What its file holds.
    pub fn to_line(&self) -> String {
        format!("{}${}\n", self.head(), self.sealed)
    }
}

fn head(memory_kib: u32, passes: u32, salt: &[u8; SALT_BYTES]) -> String {
    format!("{NAME}$argon2id$m={memory_kib},t={passes},p=1${}", STANDARD_NO_PAD.encode(salt))
}

fn derive(passphrase: &Passphrase, salt: &[u8; SALT_BYTES], memory_kib: u32, passes: u32) -> Option<RootKey> {
    let params = Params::new(memory_kib, passes, 1, Some(KEY_BYTES)).ok()?;
    let mut made = [0; KEY_BYTES];
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon.hash_password_into(&passphrase.0, salt, &mut made).ok()?;
    let key = RootKey::from_bytes(&made);
    made.fill(0);
    Some(key)
}

impl RootKey {
    /// Whether the key in that file is locked by a passphrase.
    pub fn is_locked(path: &Path) -> Result<bool, SealError> {
        Ok(matches!(KeyFile::load(path)?, KeyFile::Locked(_)))
    }

    /// The key in that file, which must exist: locked by that passphrase, or by none.
    pub fn open_file(path: &Path, passphrase: Option<&Passphrase>) -> Result<Self, SealError> {
        clear_unfinished(path).map_err(|error| SealError::File { path: path.display().to_string(), error })?;
        Ok(Self::from_bytes(&KeyFile::load(path)?.open(path, passphrase)?))
    }

    /// The key in that file, which is made if it doesn't exist, locked by that passphrase.
    pub fn ensure_locked(path: &Path, passphrase: &Passphrase) -> Result<Self, SealError> {
        let failed = |error| SealError::File { path: path.display().to_string(), error };
        if !path.exists() {
            clear_unfinished(path).map_err(failed)?;
            let mut key = [0; KEY_BYTES];
            aws_lc_rs::rand::fill(&mut key).map_err(|_| failed(io::Error::other("no randomness")))?;
            let lock = Lock::new(&key, passphrase).map_err(failed)?;
            key.fill(0);
            create_whole(path, lock.to_line().as_bytes()).map_err(failed)?;
        }
        Self::open_file(path, Some(passphrase))
    }

    /// Locks the key in a file by another passphrase, or by none. The key stays the same.
    pub fn relock(path: &Path, from: Option<&Passphrase>, to: Option<&Passphrase>) -> Result<(), SealError> {
        let failed = |error| SealError::File { path: path.display().to_string(), error };
        clear_unfinished(path).map_err(failed)?;
        let mut key = KeyFile::load(path)?.open(path, from)?;
        let made = match to {
            Some(passphrase) => Lock::new(&key, passphrase).map(|lock| lock.to_line().into_bytes()),
            None => Ok(key.to_vec()),
        };
        key.fill(0);
        made.and_then(|bytes| replace(path, bytes)).map_err(failed)
    }
}

/// Puts a file in the place of another, and overwrites that once nobody needs it any more.
fn replace(path: &Path, mut bytes: Vec<u8>) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut old = OpenOptions::new().write(true).open(path)?;
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(format!(".new-{}", std::process::id()));
    let fresh = folder.join(name);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    // Whoever starts the server must still be able to read it, whoever changes it.
    let owner = old.metadata()?;
    std::os::unix::fs::fchown(&file, Some(owner.uid()), Some(owner.gid()))?;
    let written = file.write_all(&bytes).and_then(|()| file.sync_all());
    bytes.fill(0);
    written?;
    crash_point!("root-key:rename");
    fs::rename(&fresh, path)?;
    File::open(folder)?.sync_all()?;
    crash_point!("root-key:renamed");
    let length = usize::try_from(owner.len()).unwrap_or(0).min(MOST_FILE_BYTES);
    old.write_all(&vec![0; length])?;
    old.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::new(text.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn a_passphrase_is_one_line() {
        assert!(passphrase("open sesame\n").is(&passphrase("open sesame")));
        assert!(passphrase("open sesame\r\n").is(&passphrase("open sesame")));
        assert!(!passphrase("open sesame ").is(&passphrase("open sesame")));
        let long = "a".repeat(MOST_BYTES + 1);
        for bad in ["", "\n", "two\nlines\n", long.as_str()] {
            assert!(Passphrase::new(bad.as_bytes().to_vec()).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn a_key_is_locked_relocked_and_unlocked_and_stays_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root.key");
        let sealed = RootKey::ensure(&path).unwrap().seal("c", b"secret");
        let plain = fs::read(&path).unwrap();
        let opens = |key: Result<RootKey, SealError>| assert_eq!(key.unwrap().open("c", &sealed).unwrap(), b"secret");
        let (one, two) = (passphrase("one"), passphrase("two"));
        assert!(matches!(RootKey::open_file(&path, Some(&one)), Err(SealError::NotLocked { .. })));
        RootKey::relock(&path, None, Some(&one)).unwrap();
        assert!(RootKey::is_locked(&path).unwrap());
        let text = fs::read(&path).unwrap();
        assert!(!text.windows(plain.len()).any(|part| part == plain));
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        opens(RootKey::open_file(&path, Some(&one)));
        assert!(matches!(RootKey::open_file(&path, Some(&two)), Err(SealError::WrongPassphrase { .. })));
        assert!(matches!(RootKey::open_file(&path, None), Err(SealError::Locked { .. })));
        assert!(matches!(RootKey::ensure(&path), Err(SealError::Locked { .. })));
        assert!(matches!(RootKey::relock(&path, Some(&two), None), Err(SealError::WrongPassphrase { .. })));
        assert_eq!(fs::read(&path).unwrap(), text);
        RootKey::relock(&path, Some(&one), Some(&two)).unwrap();
        opens(RootKey::ensure_locked(&path, &two));
        RootKey::relock(&path, Some(&two), None).unwrap();
        assert_eq!(fs::read(&path).unwrap(), plain);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_new_key_is_locked_from_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root.key");
        let sealed = RootKey::ensure_locked(&path, &passphrase("one")).unwrap().seal("c", b"secret");
        assert!(RootKey::is_locked(&path).unwrap());
        let again = RootKey::ensure_locked(&path, &passphrase("one")).unwrap();
        assert_eq!(again.open("c", &sealed).unwrap(), b"secret");
        assert!(RootKey::ensure_locked(&path, &passphrase("two")).is_err());
    }

    #[test]
    fn a_file_that_was_changed_anywhere_opens_nothing() {
        let cheap = |passphrase: &Passphrase| {
            let (salt, memory_kib, passes) = ([7; SALT_BYTES], 8, 1);
            let sealer = derive(passphrase, &salt, memory_kib, passes).unwrap();
            let sealed = sealer.seal(&head(memory_kib, passes, &salt), &[9; KEY_BYTES]);
            Lock { memory_kib, passes, salt, sealed }.to_line().into_bytes()
        };
        let one = passphrase("one");
        let line = cheap(&one);
        let Some(KeyFile::Locked(lock)) = KeyFile::parse(&line) else { panic!("it is a locked key") };
        assert_eq!(lock.open(&one), Some([9; KEY_BYTES]));
        for at in 0..line.len() {
            for flip in [1, 4, 32] {
                let mut changed = line.clone();
                changed[at] ^= flip;
                if let Some(KeyFile::Locked(lock)) = KeyFile::parse(&changed) {
                    // Costs that a change has raised beyond reason aren't paid here.
                    assert!(lock.memory_kib > 1024 || lock.open(&one).is_none(), "changed at {at}");
                }
            }
            assert!(
                KeyFile::parse(&line[..at]).is_none_or(|file| matches!(file, KeyFile::Plain(_))),
                "cut off at {at}"
            );
        }
    }

    #[test]
    fn a_file_may_not_ask_for_all_memory() {
        let salt = STANDARD_NO_PAD.encode([7; SALT_BYTES]);
        let sealed = RootKey::from_bytes(&[1; 32]).seal("c", &[9; KEY_BYTES]);
        let file = |memory: &str, passes: &str| {
            KeyFile::parse(format!("{NAME}$argon2id$m={memory},t={passes},p=1${salt}${sealed}\n").as_bytes())
        };
        assert!(file("65536", "3").is_some());
        for (memory, passes) in [
            ("4294967295", "3"),
            ("1048577", "3"),
            ("7", "3"),
            ("65536", "0"),
            ("65536", "65"),
            ("065536", "3"),
            ("+65536", "3"),
        ] {
            assert!(file(memory, passes).is_none(), "{memory} {passes}");
        }
    }
}
