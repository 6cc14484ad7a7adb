//! Destroys wrapping keys that nothing may be opened with any more, and collects what crashes left.
//!
//! A rule dooms a wrapping key in the transaction that forgets what it wraps. Here is looked, again and again, which are
//! doomed by what is durable; their files go, and then the rows that doomed them. A crash between the two repeats the
//! first, which does no harm. A file that no row names belongs to a key whose transaction never came to be. It is left for
//! a week, the shortest time that a deletion waits: an operator who has put an old log in place may still want the newer
//! one back, with its keys.

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
/// How many go in one transaction.
const BATCH: usize = 256;

/// Runs until the engine stops.
pub async fn run(engine: Engine<Cloud>, vault: Vault) {
    let mut round: u32 = 0;
    loop {
        if let Err(error) = destroy_doomed(&engine, &vault).await {
            tracing::error!(error = &*error, "a doomed wrapping key stays");
        }
        if round.is_multiple_of(SWEEP_ROUNDS)
            && let Err(error) = sweep(&engine, &vault, LEFT)
        {
            tracing::warn!(error = &error as &dyn std::error::Error, "what a crash left of wrapping keys stays");
        }
        round = round.wrapping_add(1);
        tokio::time::sleep(EVERY).await;
    }
}

/// Destroys what is doomed by now, a batch of it.
pub async fn destroy_doomed(
    engine: &Engine<Cloud>,
    vault: &Vault,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let names: Vec<String> = engine.read().doomed_keys.iter().take(BATCH).map(|row| row.name.clone()).collect();
    if names.is_empty() {
        return Ok(());
    }
    for name in &names {
        vault.wrapping().destroy(name)?;
    }
    let now = engine.now_ms();
    let pending = engine.commit_essential(|head| {
        let done: Result<(), std::convert::Infallible> = head.transact(now, None, |tx| {
            names.iter().for_each(|name| {
                tx.delete::<DoomedKeys>(name);
            });
            Ok(())
        });
        let Ok(()) = done;
    });
    Ok(pending.await?)
}

/// Destroys files of that age that no row names.
pub fn sweep(engine: &Engine<Cloud>, vault: &Vault, age: Duration) -> Result<(), WrappingError> {
    let names = vault.wrapping().older_than(age)?;
    let cloud = engine.read();
    for name in names {
        if cloud.kms_keys.by_wrapping(&name).next().is_none() {
            tracing::info!(name, "a wrapping key that nothing names is destroyed");
            vault.wrapping().destroy(&name)?;
        }
    }
    Ok(())
}
