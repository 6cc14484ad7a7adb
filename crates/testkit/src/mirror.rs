//! A follower of the feed: the value as the commits alone make it, and every host's plan kept up from commit to commit.
//!
//! It outlives control planes. So it shows that nothing that was durable is lost or changed by a crash, that the feed
//! tells all, and that after every single commit each host's plan is what it would be made from scratch.

use std::collections::{BTreeMap, BTreeSet};

use landfall_cloud::value::{Hosts, Instances};
use landfall_cloud::{Cloud, plan};
use landfall_model::plan::HostPlan;
use landfall_model::{HostId, InstanceId, InstanceState, Origin};
use landfall_state::{Commit, Engine, Value};

use crate::dump::{difference, dump};

/// A follower.
#[derive(Default)]
pub struct Mirror {
    cloud: Cloud,
    revision: u64,
    time_ms: i64,
    plans: BTreeMap<HostId, HostPlan>,
    expired: BTreeSet<InstanceId>,
}

impl Mirror {
    /// The value as of the last commit that it has seen.
    pub fn cloud(&self) -> &Cloud {
        &self.cloud
    }

    /// The last commit that it has seen.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Instances whose tombstones went in their time.
    pub fn expired(&self) -> &BTreeSet<InstanceId> {
        &self.expired
    }

    /// Takes in what is durable. Returns whether there was anything.
    ///
    /// # Panics
    /// When something that must hold of every commit doesn't.
    pub fn catch_up(&mut self, engine: &Engine<Cloud>) -> bool {
        let mut feed = engine.feed(self.revision);
        let before = self.revision;
        loop {
            match feed.try_next() {
                Ok(Some(commit)) => self.take(&commit),
                Ok(None) => return self.revision > before,
                Err(error) => panic!("what was durable up to revision {} is lost: {error}", self.revision),
            }
        }
    }

    /// Takes in one commit.
    pub fn take(&mut self, commit: &Commit) {
        assert_eq!(commit.revision, self.revision + 1, "revisions count up by one");
        assert!(commit.time_ms >= self.time_ms, "time went back at revision {}", commit.revision);
        for change in commit.changes.iter() {
            self.cloud.apply(change);
            if let Some((Some(before), None)) = change.of::<Instances>() {
                let due = before.status.expires_at.is_some_and(|at| at.0 <= commit.time_ms);
                let over = before.status.state == InstanceState::Terminated;
                assert!(due && over, "{} was forgotten before its time: {before:?}", before.id);
                self.expired.insert(before.id);
            }
            if let Some((before, after)) = change.of::<Hosts>()
                && before.is_none()
                && let Some(host) = after
            {
                self.plans.insert(host.id, HostPlan::default());
            }
        }
        (self.revision, self.time_ms) = (commit.revision, commit.time_ms);
        for (host, kept) in &mut self.plans {
            plan::advance(kept, &self.cloud, *host, commit.revision, commit.changes.iter());
            let fresh = plan::from_scratch(&self.cloud, *host, commit.revision);
            if kept.pieces != fresh.pieces {
                let changes: Vec<_> = commit.changes.iter().map(|change| format!("{change:?}")).collect();
                let keys: BTreeSet<_> = kept.pieces.keys().chain(fresh.pieces.keys()).collect();
                for key in keys.into_iter().filter(|key| kept.pieces.get(key) != fresh.pieces.get(key)) {
                    eprintln!("kept:  {:?}\nfresh: {:?}", kept.pieces.get(key), fresh.pieces.get(key));
                }
                panic!("the plan of {host} kept from commit to commit isn't the one from scratch after {changes:#?}");
            }
        }
    }

    /// Checks that an engine has just what the commits say.
    pub fn check_same(&self, engine: &Engine<Cloud>) {
        let snapshot = engine.read();
        assert_eq!(snapshot.revision, self.revision, "the engine's revision isn't that of its feed");
        let difference = difference(&dump(&self.cloud), &dump(&snapshot));
        assert!(difference.is_empty(), "the value isn't what the commits made:\n{difference}");
        for (host, kept) in &self.plans {
            let fresh = plan::from_scratch(&snapshot, *host, snapshot.revision);
            assert_eq!(kept.pieces, fresh.pieces, "the indexes of the engine's value are not those of the rows");
            for vpc in snapshot.vpcs.iter() {
                let origin = Origin { vpc: vpc.id, endpoint: None };
                let is_there = fresh.vpc(vpc.id).is_some();
                assert_eq!(plan::has_origin(&snapshot, *host, origin), is_there, "calls from {} on {host}", vpc.id);
            }
        }
    }
}
