//! The root account's access key: made at the first start, and kept readable only by its owner, who is the user that
//! called `sudo`. A cloud that is started for another account has another key: the file knows whose each is.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, chown};
use std::path::Path;

use anyhow::{Context as _, Result};
use landfall_model::AccountId;
use serde::{Deserialize, Serialize};

/// An access key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// Its id.
    pub access_key: String,
    /// Its secret.
    pub secret_key: String,
}

/// What the file holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    /// The key of the account that the cloud was last started for.
    #[serde(flatten)]
    current: Credentials,
    /// That account; none in a file of a version that didn't write it.
    #[serde(default)]
    account: Option<AccountId>,
    /// Keys of accounts that it was started for before.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    others: BTreeMap<AccountId, Credentials>,
}

impl Kept {
    /// The key of an account, and those of all others. Whose the key of a file is that doesn't say so, `owner` knows of it;
    /// otherwise it is this account's.
    fn of(
        self,
        account: AccountId,
        owner: impl FnOnce(&str) -> Option<AccountId>,
    ) -> (Option<Credentials>, BTreeMap<AccountId, Credentials>) {
        let Self { current, account: whose, mut others } = self;
        let whose = whose.or_else(|| owner(&current.access_key)).unwrap_or(account);
        others.insert(whose, current);
        (others.remove(&account), others)
    }
}

/// The user that called `sudo`, if somebody did: user and group.
pub fn sudo_user() -> Option<(u32, u32)> {
    let number = |name: &str| std::env::var(name).ok()?.parse().ok();
    Some((number("SUDO_UID")?, number("SUDO_GID")?))
}

/// Reads an account's key in a state folder, or makes one. What was given wins over what is there. `owner` says whose a key
/// is in the state.
pub fn ensure(
    state: &Path,
    account: AccountId,
    (access_key, secret_key): (Option<&str>, Option<&str>),
    owner: impl FnOnce(&str) -> Option<AccountId>,
) -> Result<Credentials> {
    let path = state.join("credentials.json");
    clear_unfinished(&path).with_context(|| format!("clearing up beside {}", path.display()))?;
    let kept: Option<Kept> = match fs::read_to_string(&path) {
        Ok(text) => Some(serde_json::from_str(&text).with_context(|| format!("reading {}", path.display()))?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
    };
    let (stored, others) = kept.clone().map(|kept| kept.of(account, owner)).unwrap_or_default();
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
    let now = Kept { current: credentials.clone(), account: Some(account), others };
    if kept.as_ref() != Some(&now) {
        write_private(&path, serde_json::to_string_pretty(&now)?.as_bytes())?;
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
        let account = AccountId::new(7).unwrap();
        let ensure = |access, secret| ensure(folder.path(), account, (access, secret), |_| None).unwrap();
        let first = ensure(None, None);
        assert_eq!(ensure(None, None), first);
        assert!(first.access_key.starts_with("AKIA") && first.access_key.len() == 20);
        assert_eq!(first.secret_key.len(), 40);
        let given = ensure(Some("mine"), Some("secret"));
        assert_eq!((given.access_key.as_str(), given.secret_key.as_str()), ("mine", "secret"));
        let cut_off = folder.path().join("credentials.4194999.new");
        fs::write(&cut_off, "secret").unwrap();
        assert_eq!(ensure(None, None), given);
        assert!(!cut_off.exists(), "what a process that was killed was writing is cleared away");
        use std::os::unix::fs::MetadataExt as _;
        assert_eq!(fs::metadata(folder.path().join("credentials.json")).unwrap().mode() & 0o777, 0o600);
    }
    #[test]
    fn each_account_has_a_key_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (AccountId::new(1).unwrap(), AccountId::new(2).unwrap());
        let ensure = |account| ensure(folder.path(), account, (None, None), |_| None).unwrap();
        let first = ensure(one);
        let second = ensure(two);
        assert!(first.access_key != second.access_key && first.secret_key != second.secret_key);
        assert_eq!((ensure(one), ensure(two), ensure(one)), (first.clone(), second, first.clone()));
        // Whoever reads the file as it was before finds the key of the account that the cloud was last started for.
        let text = fs::read_to_string(folder.path().join("credentials.json")).unwrap();
        assert_eq!(serde_json::from_str::<Credentials>(&text).unwrap(), first);
    }

    #[test]
    fn a_key_from_before_is_whose_the_state_says() {
        let (one, two) = (AccountId::new(1).unwrap(), AccountId::new(2).unwrap());
        let before = Credentials { access_key: "AKIAOLD".into(), secret_key: "old".into() };
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("credentials.json"), serde_json::to_string(&before).unwrap()).unwrap();
        let owner = |key: &str| (key == "AKIAOLD").then_some(one);
        assert_ne!(ensure(folder.path(), two, (None, None), owner).unwrap(), before);
        assert_eq!(ensure(folder.path(), one, (None, None), |_| None).unwrap(), before);
    }
}
