//! What clients were told: the record by which it is shown that no acknowledged request is lost.
//!
//! A request that was answered with success is done, now and after every crash. One that was refused is not. One that
//! got no answer, or an error of the server's, is either, and then stays either for the rest of the run.

use std::collections::BTreeMap;

use landfall_cloud::Cloud;
use landfall_cloud::power::PowerOrder;
use landfall_model::plan::Power;
use landfall_model::{AllocationId, InstanceId, InstanceState, KeyPairId, SecurityGroupId, SecurityGroupRuleId};
use landfall_state::Table;

use crate::mirror::Mirror;

/// What is known of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// It was done.
    Yes,
    /// It was not.
    No,
    /// One of both.
    Maybe,
}

impl Known {
    /// What an answer says.
    pub fn of<T>(answer: &Result<T, crate::Refusal>) -> Self {
        match answer {
            Ok(_) => Known::Yes,
            Err(refusal) if refusal.is_unknown() => Known::Maybe,
            Err(_) => Known::No,
        }
    }
}

/// The record.
#[derive(Default)]
pub struct Acknowledged {
    instances: BTreeMap<InstanceId, Orders>,
    /// Resources by id: whether they are there.
    resources: BTreeMap<String, Known>,
    /// Values of tags by resource and key; nothing where it is either.
    tags: BTreeMap<(String, String), Option<String>>,
}

/// What was asked of an instance.
#[derive(Debug)]
struct Orders {
    boots: (u64, u64),
    reboots: (u64, u64),
    terminated: Known,
    /// The boot under which a stop was acknowledged.
    stopped: Option<u64>,
}

/// An instance as it was when something was asked of it.
pub type Before = (InstanceId, InstanceState, u64);

impl Acknowledged {
    /// An instance was launched.
    pub fn launched(&mut self, id: InstanceId) {
        let new = Orders { boots: (1, 1), reboots: (0, 0), terminated: Known::No, stopped: None };
        self.instances.entry(id).or_insert(new);
    }

    /// An instance turned out to have been launched earlier, by a request that got no answer: what was asked of it since
    /// wasn't recorded, so that all that is known is that it is there.
    pub fn launched_earlier(&mut self, id: InstanceId) {
        let any = Orders { boots: (1, u64::MAX), reboots: (0, u64::MAX), terminated: Known::Maybe, stopped: None };
        self.instances.entry(id).or_insert(any);
    }

    /// Something was asked of the power of instances that were as said.
    pub fn ordered(&mut self, order: PowerOrder, all: &[Before], known: Known) {
        for (id, state, boot) in all {
            let Some(orders) = self.instances.get_mut(id).filter(|_| known != Known::No) else { continue };
            let sure = known == Known::Yes;
            let count = |range: &mut (u64, u64)| {
                range.0 += u64::from(sure);
                range.1 = range.1.saturating_add(1);
            };
            match order {
                PowerOrder::Start if *state == InstanceState::Stopped => {
                    count(&mut orders.boots);
                    orders.stopped = None;
                }
                PowerOrder::Reboot if *state == InstanceState::Running => count(&mut orders.reboots),
                PowerOrder::Stop { .. } if sure => orders.stopped = Some(*boot),
                PowerOrder::Terminate { .. } if orders.terminated != Known::Yes => orders.terminated = known,
                _ => {}
            }
        }
    }

    /// A resource was made.
    pub fn made(&mut self, id: &str) {
        self.resources.insert(id.to_owned(), Known::Yes);
    }

    /// A resource was deleted, or may have been.
    pub fn deleted(&mut self, id: &str, known: Known) {
        let presence = match known {
            Known::Yes => Known::No,
            Known::Maybe => Known::Maybe,
            Known::No => return,
        };
        if let Some(now) = self.resources.get_mut(id) {
            *now = presence;
        }
    }

    /// A tag was given, or may have been.
    pub fn tagged(&mut self, resource: &str, key: &str, value: &str, known: Known) {
        let key = (resource.to_owned(), key.to_owned());
        match known {
            Known::Yes => drop(self.tags.insert(key, Some(value.to_owned()))),
            Known::Maybe => drop(self.tags.insert(key, None)),
            Known::No => {}
        }
    }

    /// A tag was taken away, or may have been.
    pub fn untagged(&mut self, resource: &str, key: &str, known: Known) {
        if known != Known::No {
            self.tags.remove(&(resource.to_owned(), key.to_owned()));
        }
    }

    /// Checks that everything is as clients were told.
    pub fn check(&self, mirror: &Mirror) {
        let cloud = mirror.cloud();
        for (id, orders) in &self.instances {
            match cloud.instances.by_id(id).next() {
                Some(row) => orders.check(row),
                None => assert!(mirror.expired().contains(id), "{id} was launched and is lost"),
            }
        }
        for (id, known) in &self.resources {
            let is_there = exists(cloud, id);
            assert!(*known != Known::Yes || is_there, "{id} was made and is lost");
            assert!(*known != Known::No || !is_there, "{id} was deleted and is back");
        }
        for ((resource, key), value) in &self.tags {
            let row = cloud.tags.iter().find(|row| row.resource == *resource);
            if let Some(value) = value.as_ref().filter(|_| exists(cloud, resource)) {
                let now = row.and_then(|row| row.tags.get(key));
                assert_eq!(now, Some(value), "the tag {key} of {resource} is lost");
            }
        }
    }
}

impl Orders {
    fn check(&self, row: &landfall_model::Instance) {
        let id = row.id;
        let within = |range: (u64, u64), value: u64| (range.0..=range.1).contains(&value);
        assert!(within(self.boots, row.spec.boot), "starts of {id} are lost: {} of {:?}", row.spec.boot, self.boots);
        assert!(within(self.reboots, row.spec.reboots), "reboots of {id}: {} of {:?}", row.spec.reboots, self.reboots);
        let is_users = row.status.reason.as_ref().is_some_and(|reason| reason.code == "Client.UserInitiatedShutdown");
        match self.terminated {
            Known::Yes => assert_eq!(row.spec.power, Power::Gone, "{id} was terminated and is back"),
            Known::No => assert!(row.spec.power != Power::Gone || !is_users, "{id} was terminated by nobody: {row:?}"),
            Known::Maybe => {}
        }
        if self.stopped == Some(row.spec.boot) {
            assert_ne!(row.spec.power, Power::On, "the stop of {id} is lost");
        }
    }
}

/// Whether a resource of that id is there, whosever it is.
pub fn exists(cloud: &Cloud, id: &str) -> bool {
    fn any<T: Table>(table: &T, is_it: impl Fn(&T::Row) -> bool) -> bool {
        table.rows().iter().any(is_it)
    }
    if let Ok(id) = id.parse::<InstanceId>() {
        return cloud.instances.by_id(&id).next().is_some();
    }
    if let Ok(id) = id.parse::<SecurityGroupId>() {
        return cloud.security_groups.by_id(&id).next().is_some();
    }
    if let Ok(id) = id.parse::<SecurityGroupRuleId>() {
        return any(&cloud.security_group_rules, |row| row.id == id);
    }
    if let Ok(id) = id.parse::<AllocationId>() {
        return any(&cloud.addresses, |row| row.id == id);
    }
    if let Ok(id) = id.parse::<KeyPairId>() {
        return any(&cloud.key_pairs, |row| row.id == id);
    }
    if let Ok(id) = id.parse::<landfall_model::VolumeId>() {
        return cloud.volumes.by_id(&id).next().is_some();
    }
    if let Ok(id) = id.parse::<landfall_model::SnapshotId>() {
        return cloud.snapshots.by_id(&id).next().is_some();
    }
    if let Ok(id) = id.parse::<landfall_model::InterfaceId>() {
        return cloud.interfaces.by_id(&id).next().is_some();
    }
    if let Ok(id) = id.parse::<landfall_model::VpcId>() {
        return cloud.vpcs.by_id(&id).next().is_some();
    }
    if let Ok(id) = id.parse::<landfall_model::SubnetId>() {
        return cloud.subnets.by_id(&id).next().is_some();
    }
    if let Ok(id) = id.parse::<landfall_model::InternetGatewayId>() {
        return any(&cloud.internet_gateways, |row| row.id == id);
    }
    if let Ok(id) = id.parse::<landfall_model::RouteTableId>() {
        return any(&cloud.route_tables, |row| row.id == id);
    }
    if let Ok(id) = id.parse::<landfall_model::NetworkAclId>() {
        return any(&cloud.network_acls, |row| row.id == id);
    }
    if let Ok(id) = id.parse::<landfall_model::DhcpOptionsId>() {
        return any(&cloud.dhcp_options, |row| row.id == id);
    }
    false
}
