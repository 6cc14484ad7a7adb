//! Whether a packet arrives and its answer comes back, reasoned from the resources alone.
//!
//! This is what AWS documents of each resource, put together hop by hop: groups, ACLs, routes, gateways. It knows nothing
//! of how hosts do it, neither their plans nor their rules, so that each can convict the other: the tests that send real
//! packets compare what arrived with what [`reach`] says, and the reachability analyses of the API show the same verdict.
//!
//! A walk is of one packet with all its fields; the way back is walked with the packet that answers it. Groups remember
//! flows per interface, NAT gateways and gateways for outgoing IPv6 remember theirs, ACLs remember nothing.
//!
//! Not looked at: what a router's own system does to what it forwards, load, MTU, and what the region serves at link-local
//! addresses and at a network's base + 2.

mod filter;
mod gateway;
mod route;
#[cfg(test)]
mod tests;
mod transit;
mod walk;

use std::collections::BTreeSet;

use landfall_model::{EndpointId, InterfaceId, VpcId, VpnConnectionId};

pub use landfall_model::reachability::*;

use crate::value::Cloud;
use walk::{Flight, Step, Walk};

/// Where a packet begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// At an interface's instance.
    Interface(InterfaceId),
    /// On the internet.
    Internet,
    /// Behind the other side of a VPN.
    Vpn(VpnConnectionId),
}

/// Where a packet arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// At an interface that has its address.
    Interface(InterfaceId),
    /// At a gateway endpoint of a network.
    Endpoint(EndpointId, VpcId),
    /// Behind the other side of a VPN.
    Vpn(VpnConnectionId),
    /// On the internet.
    Internet,
}

/// What is taken for granted of what the value doesn't say.
#[derive(Clone, Debug)]
pub struct Assumptions {
    /// Whose instances forward what isn't theirs, where the interface's check is off.
    pub forwarding: Forwarding,
    /// Whether VPNs' tunnels are taken for up, whatever was seen of them.
    pub tunnels_up: bool,
    /// Which of its subnets an attachment in appliance mode takes the flow in by: AWS chooses by a hash that nobody knows.
    pub appliance: usize,
    /// Which of its addresses a NAT gateway translates the flow to: by a hash too.
    pub nat_address: usize,
}

/// Whose instances forward what isn't theirs.
#[derive(Clone, Debug)]
pub enum Forwarding {
    /// Those of all interfaces.
    All,
    /// Those of these.
    These(BTreeSet<InterfaceId>),
}

impl Default for Assumptions {
    /// As AWS's analysis has it: an interface whose check is off is a router's.
    fn default() -> Self {
        Self { forwarding: Forwarding::All, tunnels_up: false, appliance: 0, nat_address: 0 }
    }
}

/// What was found of a packet and its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// What the packet passes.
    pub forward: Vec<Hop>,
    /// Where it arrives, or why it doesn't.
    pub arrival: Result<End, Box<Stop>>,
    /// What the answer passes; nothing where the packet doesn't arrive or asks for no answer.
    pub back: Vec<Hop>,
    /// Whether the answer comes back; `None` where there is none.
    pub answer: Option<Result<(), Box<Stop>>>,
}

impl Verdict {
    /// Whether the packet arrives and what answers it comes back.
    pub fn is_reached(&self) -> bool {
        self.arrival.is_ok() && !matches!(self.answer, Some(Err(_)))
    }

    /// What keeps it from being reached: on the way there, or on the way back.
    pub fn stop(&self) -> Option<&Stop> {
        let stop = self.arrival.as_ref().err().or(self.answer.as_ref().and_then(|answer| answer.as_ref().err()));
        stop.map(|stop| &**stop)
    }
}

/// Whether the first packet of a flow arrives, and its answer comes back.
pub fn reach(cloud: &Cloud, source: Source, packet: Packet, assumptions: &Assumptions) -> Verdict {
    let mut walk = Walk::new(cloud, assumptions);
    let arrival = begin(&mut walk, source, packet);
    let forward = std::mem::take(&mut walk.hops);
    let (end, arrived) = match arrival {
        Ok(arrived) => arrived,
        Err(stop) => return Verdict { forward, arrival: Err(stop), back: Vec::new(), answer: None },
    };
    let answer = arrived.answer().map(|answer| {
        walk.answering = true;
        let (home, last) = come_back(&mut walk, end, answer)?;
        let is_home = match (home, source) {
            (End::Interface(there), Source::Interface(here)) => there == here,
            (End::Internet, Source::Internet) => true,
            (End::Vpn(there), Source::Vpn(here)) => there == here,
            _ => false,
        };
        // Whoever asked knows an answer by its addresses: one that comes from another is none.
        if is_home && Some(last) == packet.answer() {
            return Ok(());
        }
        let component = walk.hops.last().map(|hop| hop.component);
        let component = component.or(forward.last().map(|hop| hop.component));
        let lost = Component::Vpc(VpcId::MIN);
        Err(walk::stop(Code::NoDestination, component.unwrap_or(lost), None, last))
    });
    Verdict { forward, arrival: Ok(end), back: walk.hops, answer }
}

fn begin<'c>(walk: &mut Walk<'c>, source: Source, packet: Packet) -> Result<(End, Packet), Box<Stop>> {
    let mut flight = Flight { packet, sender: None, is_foreign: false, is_passing: false };
    let step = match source {
        Source::Interface(id) => {
            let Some(interface) = walk.cloud.interfaces.by_id(&id).next() else {
                return Err(walk::stop(Code::NoDestination, Component::Interface(id), None, packet));
            };
            flight.sender = Some(interface);
            Step::Leave(interface)
        }
        Source::Internet => match walk.outside(&mut flight)? {
            // Nobody here has the address.
            Step::Done(_) => {
                let nowhere = Component::Vpc(VpcId::MIN);
                return Err(walk::stop(Code::NoPrivateForPublic, nowhere, None, packet));
            }
            step => step,
        },
        Source::Vpn(id) => walk.leave_vpn(id, &mut flight)?,
    };
    walk.run(step, flight)
}

/// The way of an answer from where the packet arrived.
fn come_back<'c>(walk: &mut Walk<'c>, end: End, answer: Packet) -> Result<(End, Packet), Box<Stop>> {
    let mut flight = Flight { packet: answer, sender: None, is_foreign: false, is_passing: false };
    let nobody = |component| walk::stop(Code::NoDestination, component, None, answer);
    let step = match end {
        End::Interface(id) => {
            let interface = walk.cloud.interfaces.by_id(&id).next();
            flight.sender = interface;
            Step::Leave(interface.ok_or_else(|| nobody(Component::Interface(id)))?)
        }
        End::Internet => Step::Outside,
        End::Vpn(id) => walk.leave_vpn(id, &mut flight)?,
        End::Endpoint(id, vpc) => {
            let there = route::interface_at(walk.cloud, vpc, answer.destination);
            Step::Enter(there.ok_or_else(|| nobody(Component::Endpoint(id)))?, None)
        }
    };
    walk.run(step, flight)
}
