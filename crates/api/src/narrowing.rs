//! Managed policies that narrow sessions, compiled once a change: what was compiled is kept with the very row that it was
//! made from, and is good as long as the value still has that.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use landfall_cloud::Cloud;
use landfall_cloud::identity::managed_policy::{self, Managed};
use landfall_model::{AccountId, Arn, ManagedPolicy};
use landfall_policy::{DocumentKind, Policy};

use crate::session::Session;

/// Policies that are kept compiled.
const CACHED: usize = 4096;

/// Compiled policies by account and ARN.
#[derive(Debug, Default)]
pub struct Narrowing(Mutex<HashMap<(AccountId, Arn), Kept>>);

#[derive(Debug)]
struct Kept {
    /// The row; none for what comes with every cloud and never changes.
    row: Option<Arc<ManagedPolicy>>,
    policy: Policy,
}

impl Narrowing {
    /// The managed policies that limit a session, as they read today. One that is gone allows nothing.
    pub fn of<'s>(&self, cloud: &Cloud, session: &'s Session) -> Vec<(&'s str, Policy)> {
        let arns = session.managed.iter();
        arns.filter_map(|arn| Some((arn.as_str(), self.policy(cloud, session.account, arn)?))).collect()
    }

    fn policy(&self, cloud: &Cloud, account: AccountId, arn: &Arn) -> Option<Policy> {
        let managed = managed_policy::of_account(cloud, account, arn)?;
        let row = match managed {
            Managed::Own(row) => Some(cloud.managed_policies.get_arc(&row.id)?),
            Managed::Provided(_) => None,
        };
        let key = (account, arn.clone());
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = |kept: &&Kept| kept.row.as_ref().map(Arc::as_ptr) == row.as_ref().map(Arc::as_ptr);
        if let Some(kept) = all.get(&key).filter(is_same) {
            return Some(kept.policy.clone());
        }
        let policy = Policy::parse_as(DocumentKind::Managed, managed.document()).ok()?;
        if all.len() >= CACHED {
            all.clear();
        }
        all.insert(key, Kept { row, policy: policy.clone() });
        Some(policy)
    }
}
