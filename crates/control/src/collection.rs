//! Takes from the chunk store what no snapshot has any more. What must stay is said by the value at one moment
//! (`landfall_cloud::chunk_store`); why that is safe beside hosts that write is argued in `landfall-chunks`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use landfall_chunks::{Collected, Domain, Error, Objects, Root, Session, Store, View, collect};
use landfall_cloud::{Cloud, chunk_store};
use landfall_model::AccountId;
use landfall_state::Engine;

/// How often it is looked whether something can go.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// At how many looks everybody's part is collected, whether or not something is known to have gone: the first, and once
/// an hour.
const LOOKS: u64 = 60;

/// Runs until it is ended.
pub async fn run(engine: Engine<Cloud>, objects: Arc<dyn Objects>) {
    let mut before = Moments::new();
    for look in 0_u64.. {
        tokio::time::sleep(LOOK_EVERY).await;
        let (engine, objects) = (engine.clone(), objects.clone());
        let known = std::mem::take(&mut before);
        // One that can't be collected keeps no other one waiting, and is tried again in the next round.
        let round = tokio::task::spawn_blocking(move || {
            let now = moments(&engine);
            let all = look.is_multiple_of(LOOKS);
            let due = now.iter().filter(|(domain, now)| all || known.get(domain).is_some_and(|it| has_less(it, now)));
            collect_those(&engine, &objects, due.map(|(domain, _)| *domain));
            now
        });
        match round.await {
            Ok(now) => before = now,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the chunk store isn't collected");
            }
        }
    }
}

/// What stays of each account's part.
type Moments = BTreeMap<AccountId, chunk_store::Moment>;

fn moments(engine: &Engine<Cloud>) -> Moments {
    let cloud = engine.read();
    cloud.chunk_domains.iter().map(|row| (row.account, chunk_store::moment(&cloud, row.account))).collect()
}

/// Whether something that was to stay needs to no more.
fn has_less(before: &chunk_store::Moment, now: &chunk_store::Moment) -> bool {
    // A session that ends as it should leaves a root.
    let ended = before.open.difference(&now.open).count();
    let new = now.roots.difference(&before.roots).count();
    before.roots.difference(&now.roots).next().is_some() || ended > new
}

/// Collects every account's part.
pub fn collect_all(engine: &Engine<Cloud>, objects: &Arc<dyn Objects>) {
    collect_those(engine, objects, moments(engine).into_keys());
}

fn collect_those(engine: &Engine<Cloud>, objects: &Arc<dyn Objects>, domains: impl Iterator<Item = AccountId>) {
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn what_goes_is_noticed_and_what_becomes_whole_is_not() {
        let moment = |roots: &[&str], open: &[u64]| chunk_store::Moment {
            roots: roots.iter().map(|root| (*root).to_owned()).collect(),
            open: open.iter().copied().collect::<BTreeSet<_>>(),
            next: 9,
        };
        let before = moment(&["one", "two"], &[3]);
        assert!(!has_less(&before, &before));
        assert!(!has_less(&before, &moment(&["one", "two", "three"], &[])), "it was made");
        assert!(!has_less(&before, &moment(&["one", "two"], &[3, 4])));
        assert!(has_less(&before, &moment(&["one"], &[3])), "a snapshot was deleted");
        assert!(has_less(&before, &moment(&["one", "two"], &[])), "one was deleted that was being made");
    }
}
