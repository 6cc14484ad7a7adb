//! Destroys wrapping keys that nothing may be opened with any more, and collects what crashes left.
//!
//! A rule dooms a wrapping key in the transaction that forgets what it wraps. Here is looked, again and again, which are
//! doomed by what is durable; their files go, and then the rows that doomed them. A crash between the two repeats the
//! first, which does no harm. A file that no row names belongs to a key whose transaction never came to be. It is left for
//! a week, the shortest time that a deletion waits: an operator who has put an old log in place may still want the newer
//! one back, with its keys.

use std::collections::BTreeSet;
use std::time::Duration;

use landfall_api::Vault;
use landfall_cloud::Cloud;
use landfall_cloud::value::DoomedKeys;
use landfall_state::{Engine, WrappingError};

/// How often it is looked what is doomed.
const EVERY: Duration = Duration::from_secs(1);
/// How often it is looked what was left, in rounds.
const SWEEP_ROUNDS: u32 = 3600;
/// How old what was left must be.
const LEFT: Duration = Duration::from_secs(7 * 86_400);
/// How often those are tried again whose files can't be destroyed, in rounds.
const STUCK_ROUNDS: u32 = 60;
/// How many go in one transaction.
const BATCH: usize = 256;

/// Runs until the engine stops.
pub async fn run(engine: Engine<Cloud>, vault: Vault) {
    let mut round: u32 = 0;
    let mut stuck = BTreeSet::new();
    loop {
        if round.is_multiple_of(STUCK_ROUNDS) {
            stuck.clear();
        }
        if let Err(error) = destroy_doomed(&engine, &vault, &mut stuck).await {
            tracing::error!(error = &*error, "doomed wrapping keys stay");
        }
        if round.is_multiple_of(SWEEP_ROUNDS) {
            let (engine, vault) = (engine.clone(), vault.clone());
            if let Ok(Err(error)) = tokio::task::spawn_blocking(move || sweep(&engine, &vault, LEFT)).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "what a crash left of wrapping keys stays");
            }
        }
        round = round.wrapping_add(1);
        tokio::time::sleep(EVERY).await;
    }
}

/// Destroys what is doomed by now, a batch of it. Those whose files can't be destroyed are left out from then on, and keep
/// no other one waiting.
pub async fn destroy_doomed(
    engine: &Engine<Cloud>,
    vault: &Vault,
    stuck: &mut BTreeSet<String>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let doomed = engine.read();
    let names = doomed.doomed_keys.iter().map(|row| &row.name).filter(|name| !stuck.contains(*name));
    let names: Vec<String> = names.take(BATCH).cloned().collect();
    drop(doomed);
    if names.is_empty() {
        return Ok(());
    }
    let vault = vault.clone();
    let destroy = move |name: String| match vault.wrapping().destroy(&name) {
        Ok(()) => Ok(name),
        Err(error) => Err((name, error)),
    };
    let done = tokio::task::spawn_blocking(move || names.into_iter().map(destroy).collect::<Vec<_>>()).await?;
    let mut gone = Vec::new();
    for done in done {
        match done {
            Ok(name) => gone.push(name),
            Err((name, error)) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a doomed wrapping key can't be destroyed");
                stuck.insert(name);
            }
        }
    }
    if gone.is_empty() {
        return Ok(());
    }
    let now = engine.now_ms();
    let pending = engine.commit_essential(|head| {
        let done: Result<(), std::convert::Infallible> = head.transact(now, None, |tx| {
            gone.iter().for_each(|name| {
                tx.delete::<DoomedKeys>(name);
            });
            Ok(())
        });
        let Ok(()) = done;
    });
    Ok(pending.await?)
}

/// Destroys files that no row names, and that are that old. One that can't be destroyed keeps no other one waiting; the last
/// such failure is told.
pub fn sweep(engine: &Engine<Cloud>, vault: &Vault, age: Duration) -> Result<(), WrappingError> {
    let names = vault.wrapping().older_than(age)?;
    let cloud = engine.read();
    let mut failed = Ok(());
    for name in names {
        if cloud.kms_keys.by_wrapping(&name).next().is_none() {
            tracing::info!(name, "a wrapping key that nothing names is destroyed");
            if let Err(error) = vault.wrapping().destroy(&name) {
                failed = Err(error);
            }
        }
    }
    failed
}

#[cfg(test)]
mod tests {
    use landfall_model::{DoomedKey, Timestamp};
    use landfall_state::{MemoryLog, Options, RootKey, WrappingKeys};

    use super::*;

    #[tokio::test]
    async fn a_file_that_cant_be_destroyed_keeps_no_other_waiting() {
        let engine = Engine::<Cloud>::open(Box::new(MemoryLog::new()), Options::default()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let root = RootKey::from_bytes(&[7; 32]);
        let keys = WrappingKeys::in_folder(folder.path().to_owned());
        let mut names: Vec<String> = (0..3).map(|_| keys.make(&root).unwrap()).collect();
        names.sort();
        // A folder in its place can't be overwritten, whoever tries.
        let stuck_path = folder.path().join(&names[0]);
        std::fs::remove_file(&stuck_path).unwrap();
        std::fs::create_dir(&stuck_path).unwrap();
        let vault = Vault::with_wrapping(root, keys);
        let pending = engine.commit(|head| {
            let done: Result<(), std::convert::Infallible> = head.transact(1, None, |tx| {
                for name in &names {
                    tx.put::<DoomedKeys>(DoomedKey { name: name.clone(), since: Timestamp(1) });
                }
                Ok(())
            });
            let Ok(()) = done;
        });
        pending.await.unwrap();
        let left = || engine.read().doomed_keys.iter().map(|row| row.name.clone()).collect::<Vec<_>>();
        let mut stuck = BTreeSet::new();
        for _ in 0..2 {
            destroy_doomed(&engine, &vault, &mut stuck).await.unwrap();
            assert_eq!(left(), names[..1]);
        }
        assert!(!folder.path().join(&names[2]).exists());
        std::fs::remove_dir(&stuck_path).unwrap();
        stuck.clear();
        destroy_doomed(&engine, &vault, &mut stuck).await.unwrap();
        assert_eq!(left(), [""; 0]);
    }
}
