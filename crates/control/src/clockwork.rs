//! What is due by time: one task that sleeps until the next row is due, and lets what has expired go.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use landfall_api::Settle;
use landfall_cloud::{Cloud, Entropy, Tx, expiry};
use landfall_state::Engine;

use crate::agents::NOWHERE;

/// The longest sleep: rows that become due sooner may appear meanwhile.
const LONGEST: Duration = Duration::from_secs(1);

/// Runs until the engine stops.
pub async fn run(engine: Engine<Cloud>, settle: Option<Arc<dyn Settle>>) {
    let entropy = Mutex::new(Entropy::from_system());
    loop {
        let now = engine.now_ms();
        let due = landfall_state::Value::next_due(&**engine.read());
        let wait = due.map_or(LONGEST, |at| Duration::from_millis(u64::try_from(at - now).unwrap_or(0)).min(LONGEST));
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
            continue;
        }
        if let Err(refused) = expire_due(&engine, &entropy, settle.as_deref(), now).await {
            tracing::warn!(%refused, "what is due waits");
            tokio::time::sleep(LONGEST).await;
        }
    }
}

/// Lets go what is due by now: a batch of it, in one transaction.
pub async fn expire_due(
    engine: &Engine<Cloud>,
    entropy: &Mutex<Entropy>,
    settle: Option<&dyn Settle>,
    now: i64,
) -> Result<(), landfall_state::Refused> {
    let pending = engine.commit_essential(|head| {
        let done: Result<bool, std::convert::Infallible> = head.transact(now, None, |tx| {
            let mut entropy = entropy.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(expiry::expire(&mut Tx::new(tx, NOWHERE, &mut entropy)))
        });
        let Ok(_more) = done;
        if let Some(settle) = settle {
            settle.settle(head);
        }
    });
    pending.await
}
