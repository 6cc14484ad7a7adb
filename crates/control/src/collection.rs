//! Takes from the chunk store what no snapshot has any more. What must stay is said by the value at one moment
//! (`landfall_cloud::chunk_store`); why that is safe beside hosts that write is argued in `landfall-chunks`.

use std::sync::Arc;
use std::time::Duration;

use landfall_chunks::{Collected, Domain, Error, Objects, Root, Session, Store, View, collect};
use landfall_cloud::{Cloud, chunk_store};
use landfall_model::AccountId;
use landfall_state::Engine;

/// How often it is done.
const EVERY: Duration = Duration::from_secs(3600);

/// Runs until it is ended.
pub async fn run(engine: Engine<Cloud>, objects: Arc<dyn Objects>) {
    loop {
        tokio::time::sleep(EVERY).await;
        let (engine, objects) = (engine.clone(), objects.clone());
        // One that can't be collected keeps no other one waiting, and is tried again in the next round.
        let round = tokio::task::spawn_blocking(move || collect_all(&engine, &objects)).await;
        if let Err(error) = round {
            tracing::error!(error = &error as &dyn std::error::Error, "the chunk store isn't collected");
        }
    }
}

/// Collects every account's part.
pub fn collect_all(engine: &Engine<Cloud>, objects: &Arc<dyn Objects>) {
    let domains: Vec<AccountId> = engine.read().chunk_domains.iter().map(|row| row.account).collect();
    for domain in domains {
        // Read anew for each: a moment may be old, but what is newer is collected sooner.
        let moment = chunk_store::moment(&engine.read(), domain);
        match collect_one(objects, domain, &moment) {
            Ok(done) if done.deleted_objects > 0 => {
                tracing::info!(%domain, objects = done.deleted_objects, bytes = done.deleted_bytes, "chunks collected");
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%domain, %error, "an account's chunks aren't collected"),
        }
    }
}

/// Collects an account's part, as of that moment.
pub fn collect_one(
    objects: &Arc<dyn Objects>,
    domain: AccountId,
    moment: &chunk_store::Moment,
) -> Result<Collected, Error> {
    let name: Domain = domain.to_string().parse()?;
    // A root that can't be read ends it: what hangs below would look as if nobody had it.
    let roots = moment.roots.iter().map(|root| root.parse::<Root>()).collect::<Result<_, _>>()?;
    let open = moment.open.iter().map(|session| Session(*session)).collect();
    collect(&Store::without_keys(objects.clone(), name), &View { roots, open, next: Session(moment.next) })
}
