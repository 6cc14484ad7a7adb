//! The walk of a packet from hop to hop: out of an interface, through a subnet's ACL and routes, into an interface.
//!
//! What filters and gateways remember of a flow is kept from the packet to its answer, so that the answer is judged as
//! they judge it: groups know flows by interface, NAT gateways by translation, ACLs know nothing.

use std::collections::BTreeSet;

use landfall_model::{
    EgressOnlyGatewayId, InstanceState, InterfaceId, InterfacePurpose, NatGatewayId, NetworkInterface, RouteTarget,
    RuleDirection, Subnet, SubnetId, Vpc, VpcId,
};

use super::End;
use super::filter::{acl_rule, group_rule, has_rules};
use super::route::{holds, interface_at, look_up, table_of};
use super::{Assumptions, Forwarding};
use crate::value::Cloud;
use landfall_model::reachability::{Code, Component, Decision, Hop, Packet, RouteSeen, Stop};

/// Hops after which a packet goes in circles.
const MAX_STEPS: usize = 64;

/// A walk, with what is remembered of its flow.
pub(super) struct Walk<'c> {
    pub(super) cloud: &'c Cloud,
    pub(super) assumptions: &'c Assumptions,
    pub(super) hops: Vec<Hop>,
    /// Whether this is the way back.
    pub(super) answering: bool,
    /// Packets that an interface's groups let pass because they answer what they let pass before.
    tracked: BTreeSet<(InterfaceId, Packet)>,
    /// What NAT gateways turn answers back into: the answer as it comes, and as it goes on.
    pub(super) translated: Vec<(NatGatewayId, Packet, Packet)>,
    /// Answers that gateways for outgoing IPv6 let in.
    pub(super) outgoing: BTreeSet<(EgressOnlyGatewayId, Packet)>,
}

/// A packet under way.
#[derive(Clone, Copy)]
pub(super) struct Flight<'c> {
    pub(super) packet: Packet,
    /// Whose interface it came from, as far as that is still known.
    pub(super) sender: Option<&'c NetworkInterface>,
    /// Whether it came into this network by peering or VPN, whose packets a NAT gateway doesn't take.
    pub(super) is_foreign: bool,
    /// Whether a transit gateway handed it over to this network, and nobody there has taken it yet. It leaves again only by an
    /// interface or a NAT gateway that sends it on: gateways take nothing in the name of the network's interfaces that isn't
    /// from them (`GATEWAY_REJECTS_SPOOFED_TRAFFIC`), and a peering leads from nowhere else ("VPC peering limitations").
    pub(super) is_passing: bool,
}

/// What is next for a packet.
#[derive(Clone, Copy)]
pub(super) enum Step<'c> {
    /// It leaves an interface.
    Leave(&'c NetworkInterface),
    /// It is in a subnet, to be routed by the subnet's table.
    Route(SubnetId),
    /// It comes to an interface, from a subnet of the same network or from beyond it.
    Enter(&'c NetworkInterface, Option<SubnetId>),
    /// It is on the internet.
    Outside,
    /// It is there.
    Done(End),
}

impl<'c> Walk<'c> {
    pub(super) fn new(cloud: &'c Cloud, assumptions: &'c Assumptions) -> Self {
        Self {
            cloud,
            assumptions,
            hops: Vec::new(),
            answering: false,
            tracked: BTreeSet::new(),
            translated: Vec::new(),
            outgoing: BTreeSet::new(),
        }
    }

    /// Walks to the end: where the packet arrives, and as what.
    pub(super) fn run(&mut self, mut step: Step<'c>, mut flight: Flight<'c>) -> Result<(End, Packet), Box<Stop>> {
        for _ in 0..MAX_STEPS {
            step = match step {
                Step::Leave(interface) => self.leave(interface, &mut flight)?,
                Step::Route(subnet) => self.route(subnet, &mut flight)?,
                Step::Enter(interface, from) => self.enter(interface, from, &mut flight)?,
                Step::Outside => self.outside(&mut flight)?,
                Step::Done(end) => return Ok((end, flight.packet)),
            };
        }
        let component = self.hops.last().map_or(Component::Vpc(VpcId::MIN), |hop| hop.component);
        Err(stop(Code::NoRoute, component, None, flight.packet))
    }

    fn leave(&mut self, interface: &'c NetworkInterface, flight: &mut Flight<'c>) -> Result<Step<'c>, Box<Stop>> {
        self.check_works(interface, flight.packet)?;
        self.note_interface(interface, flight.packet, true);
        let is_own = interface.all_addresses().any(|address| address == flight.packet.source);
        if interface.source_dest_check && !is_own {
            let mut stop = at_interface(Code::SourceDestCheck, interface, flight.packet);
            stop.direction = Some(RuleDirection::Egress);
            return Err(stop);
        }
        let receiver = self.receiver(interface, flight.packet);
        self.pass_groups(interface, RuleDirection::Egress, flight.packet, receiver)?;
        Ok(Step::Route(interface.subnet))
    }

    fn route(&mut self, id: SubnetId, flight: &mut Flight<'c>) -> Result<Step<'c>, Box<Stop>> {
        let packet = flight.packet;
        let Some((subnet, vpc)) = self.place(id) else {
            return Err(stop(Code::NoRoute, Component::Subnet(id), None, packet));
        };
        // Within a subnet nothing is routed: the answer to ARP leads straight there.
        if holds(subnet, packet.destination) {
            let there = interface_at(self.cloud, vpc.id, packet.destination);
            let nobody = || in_subnet(Code::NoDestination, Component::Subnet(id), subnet, packet);
            return Ok(Step::Enter(there.ok_or_else(nobody)?, Some(id)));
        }
        let Some(table) = table_of(self.cloud, subnet) else {
            return Err(in_subnet(Code::NoRoute, Component::Subnet(id), subnet, packet));
        };
        let component = Component::RouteTable(table.id);
        let Some(route) = look_up(self.cloud, vpc, table, packet.destination) else {
            return Err(in_subnet(Code::NoRoute, component, subnet, packet));
        };
        self.follow(component, vpc, Some(subnet), &route, flight)
    }

    /// Follows a route of a network's table, from a subnet or from a gateway that has a table of its own.
    pub(super) fn follow(
        &mut self,
        table: Component,
        vpc: &'c Vpc,
        from: Option<&'c Subnet>,
        route: &RouteSeen,
        flight: &mut Flight<'c>,
    ) -> Result<Step<'c>, Box<Stop>> {
        let packet = flight.packet;
        let turn = Turn { table, vpc, from, route };
        let from_id = from.map(|row| row.id);
        match route.target {
            RouteTarget::Local => {
                let there = interface_at(self.cloud, vpc.id, packet.destination);
                let there = there.ok_or_else(|| turn.stop(Code::NoDestination, packet))?;
                self.turn(&turn, Some(there.subnet), packet)?;
                Ok(Step::Enter(there, from_id))
            }
            RouteTarget::Interface(id) => {
                let router = self.cloud.interfaces.by_id(&id).find(|row| row.vpc == vpc.id && row.attachment.is_some());
                let router = router.ok_or_else(|| turn.stop(Code::BadStateRoute, packet))?;
                self.turn(&turn, Some(router.subnet), packet)?;
                Ok(Step::Enter(router, from_id))
            }
            RouteTarget::InternetGateway(id) => self.pass_internet_gateway(id, &turn, flight),
            RouteTarget::EgressOnly(id) => self.pass_egress_only(id, &turn, flight),
            RouteTarget::NatGateway(id) => self.pass_nat(id, &turn, flight),
            RouteTarget::Peering(id) => self.pass_peering(id, &turn, flight),
            RouteTarget::TransitGateway(id) => self.pass_transit(id, &turn, flight),
            RouteTarget::VpnGateway(id) => self.pass_vpn_gateway(id, &turn, flight),
            RouteTarget::Endpoint(id) => self.pass_endpoint(id, &turn, flight),
        }
    }

    fn enter(
        &mut self,
        interface: &'c NetworkInterface,
        from: Option<SubnetId>,
        flight: &mut Flight<'c>,
    ) -> Result<Step<'c>, Box<Stop>> {
        let packet = flight.packet;
        if from != Some(interface.subnet) {
            self.pass_acl(interface.subnet, RuleDirection::Ingress, packet)?;
        }
        match interface.purpose {
            InterfacePurpose::Instance | InterfacePurpose::Endpoint(_) | InterfacePurpose::MountTarget(_) => {}
            InterfacePurpose::NatGateway(id) => return self.answer_by_nat(id, interface, flight),
            InterfacePurpose::TransitGateway(_) => return Err(at_interface(Code::NoDestination, interface, packet)),
        }
        self.pass_groups(interface, RuleDirection::Ingress, packet, flight.sender)?;
        self.check_works(interface, packet)?;
        flight.is_passing = false;
        self.note_interface(interface, packet, false);
        if interface.all_addresses().any(|address| address == packet.destination) {
            return Ok(Step::Done(End::Interface(interface.id)));
        }
        if interface.source_dest_check {
            let mut stop = at_interface(Code::SourceDestCheck, interface, packet);
            stop.direction = Some(RuleDirection::Ingress);
            return Err(stop);
        }
        let forwards = match &self.assumptions.forwarding {
            Forwarding::All => true,
            Forwarding::These(these) => these.contains(&interface.id),
        };
        if !forwards {
            return Err(at_interface(Code::NoDestination, interface, packet));
        }
        // Whoever gets it from the router sees an address, and no longer whose interface that is.
        flight.sender = None;
        Ok(Step::Leave(interface))
    }

    /// The interface that a packet goes to, as far as the sender's groups can know: in its own network, or in one that
    /// is peered, by their own routes.
    fn receiver(&self, interface: &NetworkInterface, packet: Packet) -> Option<&'c NetworkInterface> {
        let (subnet, vpc) = self.place(interface.subnet)?;
        if holds(subnet, packet.destination) {
            return interface_at(self.cloud, vpc.id, packet.destination);
        }
        match look_up(self.cloud, vpc, table_of(self.cloud, subnet)?, packet.destination)?.target {
            RouteTarget::Local => interface_at(self.cloud, vpc.id, packet.destination),
            RouteTarget::Peering(id) => {
                let other = self.cloud.peerings.by_id(&id).next()?.across(vpc.id)?;
                interface_at(self.cloud, other.vpc, packet.destination)
            }
            _ => None,
        }
    }

    /// Lets a packet through an interface's groups, or not. What answers a packet that they let through passes.
    fn pass_groups(
        &mut self,
        interface: &'c NetworkInterface,
        direction: RuleDirection,
        packet: Packet,
        other: Option<&NetworkInterface>,
    ) -> Result<(), Box<Stop>> {
        let first = interface.groups.first().copied();
        let decision = if self.tracked.contains(&(interface.id, packet)) {
            Decision::Tracked
        } else if let Some(rule) = group_rule(self.cloud, interface, direction, packet, other) {
            Decision::Group(rule.clone())
        } else {
            let code = match has_rules(self.cloud, interface, direction) {
                true => Code::GroupRules,
                false => Code::GroupWithoutRules,
            };
            let mut stop = at_interface(code, interface, packet);
            stop.component = first.map_or(stop.component, Component::SecurityGroup);
            stop.direction = Some(direction);
            return Err(stop);
        };
        if let Some(answer) = packet.answer() {
            self.tracked.insert((interface.id, answer));
        }
        let group = match &decision {
            Decision::Group(rule) => Some(rule.group),
            _ => first,
        };
        if let Some(group) = group {
            self.note(Component::SecurityGroup(group), Some(interface.vpc), None, packet, decision);
        }
        Ok(())
    }

    /// Lets a packet through a subnet's ACL, or not.
    pub(super) fn pass_acl(&mut self, id: SubnetId, direction: RuleDirection, packet: Packet) -> Result<(), Box<Stop>> {
        let (acl, rule) = acl_rule(self.cloud, id, direction, packet);
        let component = acl.map_or(Component::Subnet(id), |acl| Component::NetworkAcl(acl.id));
        let vpc = self.place(id).map(|(_, vpc)| vpc.id);
        let decision = Decision::Acl(direction, rule.cloned());
        if rule.is_some_and(|rule| rule.allow) {
            self.note(component, vpc, Some(id), packet, decision);
            return Ok(());
        }
        let direction = Some(direction);
        Err(Box::new(Stop { code: Code::Acl, component, vpc, subnet: Some(id), direction, packet, decision }))
    }

    /// Takes a route: out of the subnet by its ACL, unless it leads to the same one, and on.
    pub(super) fn turn(&mut self, turn: &Turn<'c, '_>, to: Option<SubnetId>, packet: Packet) -> Result<(), Box<Stop>> {
        if let Some(from) = turn.from.filter(|from| Some(from.id) != to) {
            self.pass_acl(from.id, RuleDirection::Egress, packet)?;
        }
        let subnet = turn.from.map(|row| row.id);
        self.note(turn.table, Some(turn.vpc.id), subnet, packet, Decision::Route(turn.route.clone()));
        Ok(())
    }

    /// Writes down a hop that changes nothing about the packet.
    pub(super) fn note(
        &mut self,
        component: Component,
        vpc: Option<VpcId>,
        subnet: Option<SubnetId>,
        packet: Packet,
        decision: Decision,
    ) {
        self.hops.push(Hop { component, attached_to: None, vpc, subnet, inbound: packet, outbound: packet, decision });
    }

    /// Writes down an interface and its instance, in the order in which a packet passes them.
    fn note_interface(&mut self, interface: &NetworkInterface, packet: Packet, is_leaving: bool) {
        let instance = interface.instance().map(Component::Instance);
        let (vpc, subnet) = (Some(interface.vpc), Some(interface.subnet));
        let mut both = [instance, Some(Component::Interface(interface.id))];
        if !is_leaving {
            both.reverse();
        }
        for component in both.into_iter().flatten() {
            self.note(component, vpc, subnet, packet, Decision::None);
            if let (Component::Interface(_), Some(hop)) = (component, self.hops.last_mut()) {
                hop.attached_to = instance;
            }
        }
    }

    /// That an interface is attached to an instance that runs.
    fn check_works(&self, interface: &NetworkInterface, packet: Packet) -> Result<(), Box<Stop>> {
        if interface.purpose != InterfacePurpose::Instance {
            return Ok(());
        }
        let Some(id) = interface.instance() else {
            return Err(at_interface(Code::BadStateAttachment, interface, packet));
        };
        let runs = |state| matches!(state, InstanceState::Pending | InstanceState::Running);
        if self.cloud.instances.by_id(&id).any(|row| runs(row.status.state)) {
            return Ok(());
        }
        let mut stop = at_interface(Code::BadState, interface, packet);
        stop.component = Component::Instance(id);
        Err(stop)
    }

    /// A subnet and its network.
    pub(super) fn place(&self, id: SubnetId) -> Option<(&'c Subnet, &'c Vpc)> {
        let subnet = self.cloud.subnets.by_id(&id).next()?;
        Some((subnet, self.cloud.vpcs.by_id(&subnet.vpc).next()?))
    }
}

/// A route that is about to be taken.
pub(super) struct Turn<'c, 'r> {
    pub(super) table: Component,
    pub(super) vpc: &'c Vpc,
    pub(super) from: Option<&'c Subnet>,
    pub(super) route: &'r RouteSeen,
}

impl Turn<'_, '_> {
    /// The end at the route itself.
    pub(super) fn stop(&self, code: Code, packet: Packet) -> Box<Stop> {
        let mut stop = stop(code, self.table, Some(self.vpc.id), packet);
        stop.subnet = self.from.map(|row| row.id);
        stop.decision = Decision::Route(self.route.clone());
        stop
    }
}

/// An end that needs no more said.
pub(super) fn stop(code: Code, component: Component, vpc: Option<VpcId>, packet: Packet) -> Box<Stop> {
    Box::new(Stop { code, component, vpc, subnet: None, direction: None, packet, decision: Decision::None })
}

/// An end in a subnet.
fn in_subnet(code: Code, component: Component, subnet: &Subnet, packet: Packet) -> Box<Stop> {
    let mut stop = stop(code, component, Some(subnet.vpc), packet);
    stop.subnet = Some(subnet.id);
    stop
}

/// An end at an interface.
pub(super) fn at_interface(code: Code, interface: &NetworkInterface, packet: Packet) -> Box<Stop> {
    let mut stop = stop(code, Component::Interface(interface.id), Some(interface.vpc), packet);
    stop.subnet = Some(interface.subnet);
    stop
}
