//! The root account's access key: made at the first start, and kept readable only by its owner, who is the user that
//! called `sudo`.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, chown};
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

/// An access key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// Its id.
    pub access_key: String,
    /// Its secret.
    pub secret_key: String,
}

/// The user that called `sudo`, if somebody did: user and group.
pub fn sudo_user() -> Option<(u32, u32)> {
    let number = |name: &str| std::env::var(name).ok()?.parse().ok();
    Some((number("SUDO_UID")?, number("SUDO_GID")?))
}

/// Reads the key in a state folder, or makes one. What was given wins over what is there.
pub fn ensure(state: &Path, access_key: Option<&str>, secret_key: Option<&str>) -> Result<Credentials> {
    let path = state.join("credentials.json");
    clear_unfinished(&path).with_context(|| format!("clearing up beside {}", path.display()))?;
    let stored: Option<Credentials> = match fs::read_to_string(&path) {
        Ok(text) => Some(serde_json::from_str(&text).with_context(|| format!("reading {}", path.display()))?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
    };
    let made = |prefix: &str, length: usize| random_text(length).map(|text| format!("{prefix}{text}"));
    let access = match (access_key, &stored) {
        (Some(given), _) => given.to_owned(),
        (None, Some(stored)) => stored.access_key.clone(),
        // As long as AWS's own, with the prefix of long-lived keys.
        (None, None) => made("AKIA", 16)?.to_ascii_uppercase(),
    };
    let secret = match (secret_key, &stored) {
        (Some(given), _) => given.to_owned(),
        (None, Some(stored)) if stored.access_key == access => stored.secret_key.clone(),
        _ => made("", 40)?,
    };
    let credentials = Credentials { access_key: access, secret_key: secret };
    if stored.as_ref() != Some(&credentials) {
        write_private(&path, serde_json::to_string_pretty(&credentials)?.as_bytes())?;
    }
    Ok(credentials)
}

/// Writes a file that only its owner may read: the user that called `sudo`, or whoever runs this.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let temporary = path.with_extension(format!("{}.new", std::process::id()));
    let write = || -> std::io::Result<()> {
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        file.write_all(bytes)?;
        if let Some((uid, gid)) = sudo_user().filter(|_| nix::unistd::geteuid().is_root()) {
            chown(&temporary, Some(uid), Some(gid))?;
        }
        file.sync_all()?;
        crash_point("private:rename");
        fs::rename(&temporary, path)
    };
    clear_unfinished(path).with_context(|| format!("clearing up beside {}", path.display()))?;
    let result = write();
    if result.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    result.with_context(|| format!("writing {}", path.display()))
}

/// Removes what processes that were killed had not finished writing: secrets are in it.
fn clear_unfinished(path: &Path) -> std::io::Result<()> {
    let (Some(folder), Some(stem)) = (path.parent(), path.file_stem().and_then(|stem| stem.to_str())) else {
        return Ok(());
    };
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let maker = name.to_str().and_then(|name| name.strip_prefix(stem)?.strip_prefix('.')?.strip_suffix(".new"));
        if maker.is_some_and(|pid| pid.parse::<u32>().is_ok() && !Path::new("/proc").join(pid).exists()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(feature = "crash-points")]
fn crash_point(name: &str) {
    crate::crash::pass(format_args!("{name}"));
}

#[cfg(not(feature = "crash-points"))]
fn crash_point(_: &str) {}

/// Letters and digits that nobody can guess.
pub fn random_text(length: usize) -> Result<String> {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut bytes = vec![0; length];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| anyhow::anyhow!("this machine has no randomness"))?;
    Ok(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_what_is_given_wins() {
        let folder = tempfile::tempdir().unwrap();
        let first = ensure(folder.path(), None, None).unwrap();
        assert_eq!(ensure(folder.path(), None, None).unwrap(), first);
        assert!(first.access_key.starts_with("AKIA") && first.access_key.len() == 20);
        assert_eq!(first.secret_key.len(), 40);
        let given = ensure(folder.path(), Some("mine"), Some("secret")).unwrap();
        assert_eq!((given.access_key.as_str(), given.secret_key.as_str()), ("mine", "secret"));
        let cut_off = folder.path().join("credentials.4194999.new");
        fs::write(&cut_off, "secret").unwrap();
        assert_eq!(ensure(folder.path(), None, None).unwrap(), given);
        assert!(!cut_off.exists(), "what a process that was killed was writing is cleared away");
        use std::os::unix::fs::MetadataExt as _;
        assert_eq!(fs::metadata(folder.path().join("credentials.json")).unwrap().mode() & 0o777, 0o600);
    }
}
