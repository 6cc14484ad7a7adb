//! Moves gateways away from hosts that don't answer, or that are being emptied.
//!
//! A host counts as lost once its lease has lapsed. Leases are in memory: a control plane that has just started, or that
//! was itself held up, waits as long as a lease lasts before it takes anybody's silence for more than its own.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use landfall_cloud::{Cloud, Entropy, Tx, relocation};
use landfall_model::HostId;
use landfall_state::{Engine, Refused};

use crate::Agents;
use crate::agents::{LEASE, NOWHERE};

/// How often it is looked.
const PAUSE: Duration = Duration::from_secs(1);
/// How late a look may be before the control plane takes itself for held up.
const HELD_UP: Duration = Duration::from_secs(5);
/// What moves in one transaction, at most.
const AT_ONCE: usize = 100;

/// Runs until the engine stops.
pub async fn run(engine: Engine<Cloud>, agents: Arc<Agents>) {
    let entropy = Mutex::new(Entropy::from_system());
    let (mut since, mut looked) = (Instant::now(), Instant::now());
    loop {
        tokio::time::sleep(PAUSE).await;
        if looked.elapsed() > PAUSE + HELD_UP {
            since = Instant::now();
        }
        looked = Instant::now();
        let cloud = engine.read();
        let lost = lost(cloud.hosts.iter().map(|row| row.id), |host| agents.silence(host), since.elapsed());
        drop(cloud);
        if relocation::next_moves(&engine.read(), &lost, 1).is_empty() {
            continue;
        }
        match move_on(&engine, &entropy, &lost).await {
            Ok(()) => {
                tracing::info!(hosts = lost.len(), "gateways moved away from hosts that are lost or being emptied")
            }
            Err(refused) => tracing::warn!(%refused, "what is to move waits"),
        }
    }
}

/// The hosts whose lease has lapsed. `listened` is for how long this process could have heard them.
fn lost(
    hosts: impl Iterator<Item = HostId>,
    silence: impl Fn(HostId) -> Option<Duration>,
    listened: Duration,
) -> BTreeSet<HostId> {
    let lapsed = |host: &HostId| silence(*host).unwrap_or(listened).min(listened) > LEASE;
    hosts.filter(lapsed).collect()
}

/// Moves what is to move, as the newest value has it.
pub async fn move_on(engine: &Engine<Cloud>, entropy: &Mutex<Entropy>, lost: &BTreeSet<HostId>) -> Result<(), Refused> {
    let now = engine.now_ms();
    let pending = engine.commit_essential(|head| {
        let done: Result<(), std::convert::Infallible> = head.transact(now, None, |tx| {
            let mut entropy = entropy.lock().unwrap_or_else(PoisonError::into_inner);
            let mut tx = Tx::new(tx, NOWHERE, &mut entropy);
            for order in relocation::next_moves(&tx, lost, AT_ONCE) {
                relocation::apply(&mut tx, &order);
            }
            Ok(())
        });
        let Ok(()) = done;
    });
    pending.await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_counts_from_when_it_could_have_been_heard() {
        let host = crate::seed::id_from("host");
        let seconds = Duration::from_secs;
        for (silence, listened, is_lost) in [
            (None, seconds(1), false),
            (None, LEASE + seconds(1), true),
            (Some(seconds(1)), seconds(100), false),
            (Some(LEASE + seconds(1)), seconds(100), true),
            // It was this process that was held up.
            (Some(seconds(100)), seconds(1), false),
        ] {
            assert_eq!(
                !lost([host].into_iter(), |_| silence, listened).is_empty(),
                is_lost,
                "{silence:?} {listened:?}"
            );
        }
    }
}
