//! What the control plane owes the chunk store (`landfall-chunks`, decision 0026): numbers for sessions, the roots that
//! must stay, and both of one moment.
//!
//! A session is the task of a snapshot that is being made: it is open exactly as long as the row says so, and ends in the
//! transaction that records the root, or the failure, or deletes the row. What an open session builds on, and what a volume
//! is made of, stands in that snapshot's or volume's own row, so it is a root whatever becomes of the snapshot that it came
//! from. Nothing is to be kept in step.
//!
//! Looks across accounts: a copy or a volume of a shared snapshot has roots of its owner's domain.

use std::collections::BTreeSet;

use landfall_model::{AccountId, ChunkDomain, ChunkRoot, Snapshot};

use crate::tx::Tx;
use crate::value::{ChunkDomains, Cloud};

/// Where an incarnation's sessions begin: a restored value has forgotten some of those that were given before.
const INCARNATION_BITS: u32 = 40;

/// Begins a session in an account's domain; whoever calls puts it into a row in the same transaction.
pub(crate) fn begin_session(tx: &mut Tx<'_, '_>, account: AccountId) -> u64 {
    let least = least_session(tx);
    let session = tx.chunk_domains.get(&account).map_or(least, |row| row.next_session.max(least));
    tx.put::<ChunkDomains>(ChunkDomain { account, next_session: session + 1 });
    session
}

fn least_session(cloud: &Cloud) -> u64 {
    cloud.provider().incarnation << INCARNATION_BITS
}

/// What there is to say of a domain at the moment of a value: what a collection needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Every root that must stay.
    pub roots: BTreeSet<String>,
    /// Sessions that may still end with a root.
    pub open: BTreeSet<u64>,
    /// The first session that hasn't begun.
    pub next: u64,
}

/// What there is to say of an account's domain.
pub fn moment(cloud: &Cloud, domain: AccountId) -> Moment {
    let snapshots = cloud.snapshots.by_domain(&domain).flat_map(roots_of);
    let volumes = cloud.volumes.by_domain(&domain).filter_map(|row| row.chunks.as_ref());
    let roots = snapshots.chain(volumes).filter(|root| root.domain == domain).map(|root| root.root.clone());
    let open = cloud.snapshots.by_domain(&domain).filter(|row| row.scope.account == domain);
    let open = open.filter_map(|row| row.task().map(|task| task.session));
    let next = cloud.chunk_domains.get(&domain).map_or(0, |row| row.next_session);
    Moment { roots: roots.collect(), open: open.collect(), next: next.max(least_session(cloud)) }
}

/// The domains in which a snapshot has roots, or an open session: for the index.
pub(crate) fn domains_of(row: &Snapshot) -> BTreeSet<AccountId> {
    let own = row.task().map(|_| row.scope.account);
    roots_of(row).map(|root| root.domain).chain(own).collect()
}

fn roots_of(row: &Snapshot) -> impl Iterator<Item = &ChunkRoot> {
    let contents = row.contents().and_then(|contents| contents.root());
    contents.into_iter().chain(row.task().and_then(|task| task.base.as_ref()))
}
