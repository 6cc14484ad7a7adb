//! Who an agent says it is: a secret token, made once and kept where only its owner can read it.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use aws_lc_rs::{digest, rand};

use crate::crash::crash_point;

/// The identity of a host's agent.
#[derive(Clone, PartialEq, Eq)]
pub struct HostIdentity {
    token: String,
}

const FILE: &str = "host-token";
const TOKEN_BYTES: usize = 32;

impl HostIdentity {
    /// The identity that is kept in that folder; a new one, readable by its owner alone, if there is none.
    pub fn ensure(folder: &Path) -> io::Result<Self> {
        let bytes = ensure_secret(folder, FILE, || {
            let mut bytes = [0; TOKEN_BYTES];
            rand::fill(&mut bytes).map_err(|_| io::Error::other("the system gives no randomness"))?;
            Ok(hex(&bytes).into_bytes())
        })?;
        let token = String::from_utf8(bytes).unwrap_or_default().trim().to_owned();
        if token.len() < TOKEN_BYTES {
            let what = format!("{} holds no token", folder.join(FILE).display());
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        Ok(Self { token })
    }

    /// The token, for the agent's first words.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// SHA-256 of the token in hexadecimal: what the control plane keeps.
    pub fn token_sha256(&self) -> String {
        hex(digest::digest(&digest::SHA256, self.token.as_bytes()).as_ref())
    }
}

/// Never shows the token.
impl std::fmt::Debug for HostIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HostIdentity(…)")
    }
}

/// What a file of that folder holds; where there is none it is made, readable by its owner alone. It is there whole or not
/// at all, and the first of two who make it wins.
pub fn ensure_secret(folder: &Path, name: &str, make: impl FnOnce() -> io::Result<Vec<u8>>) -> io::Result<Vec<u8>> {
    let path = folder.join(name);
    let read = || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        fs::File::open(&path)?.take(4096).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    match read() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        other => {
            clear_aside(folder, name)?;
            return other;
        }
    }
    fs::create_dir_all(folder)?;
    let bytes = make()?;
    // Written aside and linked into place.
    clear_aside(folder, name)?;
    let aside = folder.join(format!(".{name}.{}", std::process::id()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside)?;
    let written = file.write_all(&bytes).and_then(|()| file.sync_all());
    crash_point!("identity:link");
    let linked = written.and_then(|()| fs::hard_link(&aside, &path));
    crash_point!("identity:linked");
    clear_aside(folder, name)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => read(),
    }
}

/// Removes what was written and not yet linked into place, also by a process that was killed meanwhile.
fn clear_aside(folder: &Path, name: &str) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(&format!(".{name}.")) {
            match fs::remove_file(entry.path()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn an_identity_is_made_once_and_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("agent");
        let first = HostIdentity::ensure(&inner).unwrap();
        assert_eq!(HostIdentity::ensure(&inner).unwrap(), first);
        assert_eq!(first.token().len(), 64);
        assert_eq!(fs::metadata(inner.join(FILE)).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(&inner).unwrap().count(), 1, "nothing else is left in the folder");
        assert!(!format!("{first:?}").contains(first.token()));
        assert_ne!(HostIdentity::ensure(&folder.path().join("other")).unwrap(), first);
        fs::write(inner.join(FILE), "").unwrap();
        assert!(HostIdentity::ensure(&inner).is_err(), "a damaged identity isn't replaced in silence");
    }
}
