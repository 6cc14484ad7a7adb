//! Who is who: the plan indexed by what a packet shows.

use std::collections::HashMap;
use std::net::IpAddr;

use landfall_model::delivery::RoleCredentials;
use landfall_model::{InstanceId, InterfaceId};

use super::plan::{InstanceService, NetworkService, PortService, ServicePlan};

/// The plan that is served, and the ways into it. Immutable; a new plan makes a new one.
#[derive(Debug, Default)]
pub struct Directory {
    plan: ServicePlan,
    by_address: HashMap<(u32, IpAddr), Place>,
    by_port: HashMap<InterfaceId, Place>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    instance: InstanceId,
    port: usize,
}

/// A guest that asks, by one of its ports.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// The network that it asks in.
    pub network: &'a NetworkService,
    /// Which instance.
    pub id: InstanceId,
    /// What is known of it.
    pub instance: &'a InstanceService,
    /// The port that it asks by.
    pub port: &'a PortService,
    /// The credentials of its role, where they are there.
    pub credentials: Option<&'a RoleCredentials>,
}

impl Directory {
    /// Indexes a plan.
    pub fn new(plan: ServicePlan) -> Self {
        let mut by_address = HashMap::new();
        let mut by_port = HashMap::new();
        for (&instance, service) in &plan.instances {
            for (port, served) in service.ports.iter().enumerate() {
                let place = Place { instance, port };
                by_port.insert(served.id, place);
                by_address.extend(served.all_addresses().map(|address| ((served.network, address), place)));
            }
        }
        Self { plan, by_address, by_port }
    }

    /// The plan itself.
    pub fn plan(&self) -> &ServicePlan {
        &self.plan
    }

    /// What is served in that network.
    pub fn network(&self, number: u32) -> Option<&NetworkService> {
        self.plan.networks.get(&number)
    }

    /// The guest that has that address in that network.
    pub fn caller(&self, network: u32, source: impl Into<IpAddr>) -> Option<Caller<'_>> {
        self.at(*self.by_address.get(&(network, source.into()))?)
    }

    /// The guest that has that port.
    pub fn port(&self, id: InterfaceId) -> Option<Caller<'_>> {
        self.at(*self.by_port.get(&id)?)
    }

    fn at(&self, place: Place) -> Option<Caller<'_>> {
        let instance = self.plan.instances.get(&place.instance)?;
        let port = instance.ports.get(place.port)?;
        Some(Caller {
            network: self.plan.networks.get(&port.network)?,
            id: place.instance,
            instance,
            port,
            credentials: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::super::{plan::derive, sample};
    use super::*;

    #[test]
    fn a_guest_is_known_by_each_of_its_addresses_and_only_in_its_network() {
        let directory = Directory::new(derive(&sample::host_plan(), "lf", 1500));
        for last in [5, 6] {
            let caller = directory.caller(7, Ipv4Addr::new(10, 0, 1, last)).unwrap();
            assert_eq!((caller.id, caller.port.id), (sample::instance_id(), sample::interface_id()));
        }
        assert!(directory.caller(8, sample::ADDRESS).is_none());
        assert!(directory.caller(7, Ipv4Addr::new(10, 0, 1, 77)).is_none(), "a guest of another host");
        assert!(directory.port(sample::interface_id()).is_some());
        assert!(directory.port(InterfaceId::from_random(1)).is_none());
    }
}
