//! The edges of a network: the internet, NAT, peering, VPN, gateway endpoints.
//!
//! Looks across accounts: whoever has a public address is reached at it, and a peering's other side may be another
//! account's.

use std::net::{IpAddr, Ipv4Addr};

use landfall_model::{
    EdgeGateway, EgressOnlyGatewayId, EndpointId, EndpointKind, InterfacePurpose, InternetGatewayId, Ipv4Cidr,
    LinkState, NatGatewayId, NetworkInterface, PeeringId, RuleDirection, Vpc, VpcId, VpnConnection, VpnConnectionId,
    VpnGatewayId, VpnSide,
};

use super::End;
use super::route::{blocks, interface_at, length, look_up};
use super::walk::{Flight, Step, Turn, Walk, at_interface, stop};
use landfall_model::reachability::{Code, Component, Decision, Header, Hop, ICMP, Packet, Stop, TCP, UDP};

/// Addresses that are private (RFC 1918).
const PRIVATE: [(Ipv4Addr, u8); 3] =
    [(Ipv4Addr::new(10, 0, 0, 0), 8), (Ipv4Addr::new(172, 16, 0, 0), 12), (Ipv4Addr::new(192, 168, 0, 0), 16)];
/// Addresses that providers share out to their customers (RFC 6598).
const SHARED: (Ipv4Addr, u8) = (Ipv4Addr::new(100, 64, 0, 0), 10);

fn is_in(address: IpAddr, (first, prefix): (Ipv4Addr, u8)) -> bool {
    match address {
        IpAddr::V4(address) => Ipv4Cidr::new(first, prefix).is_some_and(|cidr| cidr.contains(address)),
        IpAddr::V6(_) => false,
    }
}

fn is_private(address: IpAddr) -> bool {
    PRIVATE.iter().any(|block| is_in(address, *block))
}

impl<'c> Walk<'c> {
    pub(super) fn pass_internet_gateway(
        &mut self,
        id: InternetGatewayId,
        turn: &Turn<'c, '_>,
        flight: &mut Flight<'c>,
    ) -> Result<Step<'c>, Box<Stop>> {
        let packet = flight.packet;
        let vpc = turn.vpc;
        if !self.cloud.internet_gateways.by_vpc(&vpc.id).any(|row| row.id == id) {
            return Err(turn.stop(Code::BadStateRoute, packet));
        }
        self.turn(turn, None, packet)?;
        let end = |code| stop(code, Component::InternetGateway(id), Some(vpc.id), packet);
        if is_private(packet.destination) {
            return Err(end(Code::PrivateDestination));
        }
        if is_in(packet.destination, SHARED) {
            return Err(end(Code::SharedDestination));
        }
        if flight.is_passing {
            return Err(end(Code::Spoofed));
        }
        let sender = interface_at(self.cloud, vpc.id, packet.source);
        match packet.source {
            IpAddr::V4(private) => {
                let public = sender.and_then(|row| self.public_of(row, private));
                flight.packet.source = IpAddr::V4(public.ok_or_else(|| end(Code::NoPublicForPrivate))?);
            }
            IpAddr::V6(_) if sender.is_none() => return Err(end(Code::Spoofed)),
            IpAddr::V6(_) => {}
        }
        self.note_change(Component::InternetGateway(id), vpc.id, packet, flight.packet);
        flight.sender = None;
        Ok(Step::Outside)
    }

    pub(super) fn pass_egress_only(
        &mut self,
        id: EgressOnlyGatewayId,
        turn: &Turn<'c, '_>,
        flight: &mut Flight<'c>,
    ) -> Result<Step<'c>, Box<Stop>> {
        let packet = flight.packet;
        let vpc = turn.vpc;
        if !self.cloud.egress_only_gateways.by_vpc(&vpc.id).any(|row| row.id == id) {
            return Err(turn.stop(Code::BadStateRoute, packet));
        }
        self.turn(turn, None, packet)?;
        let end = |code| stop(code, Component::EgressOnly(id), Some(vpc.id), packet);
        if packet.source.is_ipv4() {
            return Err(end(Code::Protocol));
        }
        if flight.is_passing || interface_at(self.cloud, vpc.id, packet.source).is_none() {
            return Err(end(Code::Spoofed));
        }
        // It knows only flows that began inside: an answer to another one is none of its own.
        if self.answering {
            return Err(end(Code::NoDestination));
        }
        if let Some(answer) = packet.answer() {
            self.outgoing.insert((id, answer));
        }
        self.note_change(Component::EgressOnly(id), vpc.id, packet, packet);
        flight.sender = None;
        Ok(Step::Outside)
    }

    /// A packet on the internet: to whoever has its address here, or away.
    pub(super) fn outside(&mut self, flight: &mut Flight<'c>) -> Result<Step<'c>, Box<Stop>> {
        let packet = flight.packet;
        let owner = match packet.destination {
            IpAddr::V4(public) => self.owner_of(public),
            IpAddr::V6(address) => self.cloud.interfaces.by_ipv6(&address).next().map(|row| (row, packet.destination)),
        };
        let Some((interface, private)) = owner else { return Ok(Step::Done(End::Internet)) };
        flight.sender = None;
        flight.is_foreign = false;
        if let Some((gateway, _)) =
            self.outgoing.iter().find(|(_, answer)| *answer == packet).copied().filter(|_| self.answering)
        {
            self.note_change(Component::EgressOnly(gateway), interface.vpc, packet, packet);
            return Ok(Step::Enter(interface, None));
        }
        let gateway = self.cloud.internet_gateways.by_vpc(&interface.vpc).next();
        let nobody = || stop(Code::NoPrivateForPublic, Component::Vpc(interface.vpc), Some(interface.vpc), packet);
        let gateway = Component::InternetGateway(gateway.ok_or_else(nobody)?.id);
        let end = |code| stop(code, gateway, Some(interface.vpc), packet);
        if is_private(packet.source) {
            return Err(end(Code::PrivateSource));
        }
        if is_in(packet.source, SHARED) {
            return Err(end(Code::SharedSource));
        }
        if interface.purpose == InterfacePurpose::Instance && interface.attachment.is_none() {
            return Err(end(Code::NoPrivateForPublic));
        }
        flight.packet.destination = private;
        self.note_change(gateway, interface.vpc, packet, flight.packet);
        let edge = |edge: &EdgeGateway| matches!(edge, EdgeGateway::Internet(id) if Component::InternetGateway(*id) == gateway);
        self.by_edge(interface, edge, flight)
    }

    /// Into a network by a gateway at its edge, by the gateway's own route table where it has one.
    fn by_edge(
        &mut self,
        interface: &'c NetworkInterface,
        is_gateway: impl Fn(&EdgeGateway) -> bool,
        flight: &mut Flight<'c>,
    ) -> Result<Step<'c>, Box<Stop>> {
        let mut tables = self.cloud.route_tables.by_vpc(&interface.vpc);
        let table = tables.find(|table| table.gateways.iter().any(|(_, gateway)| is_gateway(gateway)));
        let vpc = self.cloud.vpcs.by_id(&interface.vpc).next();
        let Some((table, vpc)) = table.zip(vpc) else { return Ok(Step::Enter(interface, None)) };
        match look_up(self.cloud, vpc, table, flight.packet.destination) {
            Some(route) => self.follow(Component::RouteTable(table.id), vpc, None, &route, flight),
            None => Err(stop(Code::NoRoute, Component::RouteTable(table.id), Some(vpc.id), flight.packet)),
        }
    }

    pub(super) fn pass_nat(
        &mut self,
        id: NatGatewayId,
        turn: &Turn<'c, '_>,
        flight: &mut Flight<'c>,
    ) -> Result<Step<'c>, Box<Stop>> {
        let packet = flight.packet;
        let usable = self.cloud.nat_gateways.by_id(&id).find(|row| row.state == LinkState::Available);
        let gateway = usable.filter(|row| row.vpc == turn.vpc.id);
        let gateway = gateway.ok_or_else(|| turn.stop(Code::BadStateRoute, packet))?;
        let component = Component::NatGateway(id);
        let end = |code| stop(code, component, Some(gateway.vpc), packet);
        self.turn(turn, Some(gateway.subnet), packet)?;
        if turn.from.is_none_or(|from| from.id != gateway.subnet) {
            self.pass_acl(gateway.subnet, RuleDirection::Ingress, packet)?;
        }
        if packet.source.is_ipv6() || ![ICMP, TCP, UDP].contains(&packet.protocol) {
            return Err(end(Code::Protocol));
        }
        if flight.is_foreign {
            return Err(end(Code::NatSource));
        }
        if self.answering {
            return Err(end(Code::NatReassigns));
        }
        let chosen = self.assumptions.nat_address % gateway.addresses.len().max(1);
        let own = gateway.addresses.get(chosen).ok_or_else(|| end(Code::BadState))?.private;
        flight.packet = packet.translated(IpAddr::V4(own));
        flight.sender = None;
        flight.is_passing = false;
        if let Some((there, back)) = flight.packet.answer().zip(packet.answer()) {
            self.translated.push((id, there, back));
        }
        self.note_change(component, gateway.vpc, packet, flight.packet);
        Ok(Step::Route(gateway.subnet))
    }

    /// What comes to a NAT gateway's own address: an answer that it knows, or nothing that it takes.
    pub(super) fn answer_by_nat(
        &mut self,
        id: NatGatewayId,
        interface: &'c NetworkInterface,
        flight: &mut Flight<'c>,
    ) -> Result<Step<'c>, Box<Stop>> {
        let packet = flight.packet;
        let known = self.translated.iter().find(|(gateway, there, _)| *gateway == id && *there == packet);
        let Some((.., back)) = known.copied() else {
            let mut stop = at_interface(Code::NoDestination, interface, packet);
            stop.component = Component::NatGateway(id);
            return Err(stop);
        };
        flight.packet = back;
        flight.sender = None;
        flight.is_passing = false;
        self.note_change(Component::NatGateway(id), interface.vpc, packet, back);
        Ok(Step::Route(interface.subnet))
    }

    pub(super) fn pass_peering(
        &mut self,
        id: PeeringId,
        turn: &Turn<'c, '_>,
        flight: &mut Flight<'c>,
    ) -> Result<Step<'c>, Box<Stop>> {
        let packet = flight.packet;
        let other = self.cloud.peerings.by_id(&id).next().and_then(|row| row.across(turn.vpc.id));
        let other = other.and_then(|side| self.cloud.vpcs.by_id(&side.vpc).next());
        let other = other.ok_or_else(|| turn.stop(Code::BadStateRoute, packet))?;
        self.turn(turn, None, packet)?;
        let end = |code| stop(code, Component::Peering(id), Some(turn.vpc.id), packet);
        let holds = |vpc: &Vpc, address| blocks(vpc).any(|block| block.contains(address));
        if !holds(other, packet.destination) || !holds(turn.vpc, packet.source) {
            return Err(end(Code::PeeringAddress));
        }
        if flight.is_passing {
            return Err(end(Code::Spoofed));
        }
        self.note(Component::Peering(id), Some(turn.vpc.id), None, packet, Decision::None);
        let there = interface_at(self.cloud, other.id, packet.destination);
        flight.is_foreign = true;
        Ok(Step::Enter(there.ok_or_else(|| end(Code::NoDestination))?, None))
    }

    pub(super) fn pass_vpn_gateway(
        &mut self,
        id: VpnGatewayId,
        turn: &Turn<'c, '_>,
        flight: &mut Flight<'c>,
    ) -> Result<Step<'c>, Box<Stop>> {
        let packet = flight.packet;
        let vpc = turn.vpc;
        let is_usable = self.cloud.vpn_gateways.by_vpc(&vpc.id).any(|row| row.id == id && row.state.is_live());
        if !is_usable {
            return Err(turn.stop(Code::BadStateRoute, packet));
        }
        self.turn(turn, None, packet)?;
        let end = |code| stop(code, Component::VpnGateway(id), Some(vpc.id), packet);
        let sender = interface_at(self.cloud, vpc.id, packet.source);
        if sender.is_none_or(|row| row.purpose == InterfacePurpose::Instance && row.attachment.is_none()) {
            return Err(end(Code::VpnSource));
        }
        if flight.is_passing {
            return Err(end(Code::Spoofed));
        }
        let behind = |row: &VpnConnection| {
            row.routes.iter().filter(|cidr| cidr.contains(packet.destination)).map(|cidr| length(*cidr)).max()
        };
        let vpns = self.cloud.vpn_connections.by_gateway(&id).filter(|row| row.state == LinkState::Available);
        // Of several with the same block one whose tunnels are up takes it ("redundant Site-to-Site VPN connections").
        let is_up = |row: &VpnConnection| self.assumptions.tunnels_up || row.is_up();
        let best = vpns.filter_map(|row| behind(row).map(|length| ((length, is_up(row), row.id), row)));
        let (_, vpn) = best.max_by_key(|(rank, _)| *rank).ok_or_else(|| end(Code::NoDestination))?;
        self.note(Component::VpnGateway(id), Some(vpc.id), None, packet, Decision::None);
        self.enter_vpn(vpn, packet)
    }

    /// Into a VPN's tunnels, of which one must be up.
    pub(super) fn enter_vpn(&mut self, vpn: &'c VpnConnection, packet: Packet) -> Result<Step<'c>, Box<Stop>> {
        let end = |code| stop(code, Component::VpnConnection(vpn.id), None, packet);
        if !self.assumptions.tunnels_up && !vpn.tunnels.iter().any(|tunnel| tunnel.up) {
            return Err(end(Code::BadStateVpn));
        }
        let is_within = |cidr: Ipv4Cidr, address| matches!(address, IpAddr::V4(address) if cidr.contains(address));
        if !is_within(vpn.local, packet.source) || !is_within(vpn.remote, packet.destination) {
            return Err(end(Code::NoDestination));
        }
        self.note(Component::VpnConnection(vpn.id), None, None, packet, Decision::None);
        Ok(Step::Done(End::Vpn(vpn.id)))
    }

    /// Out of a VPN's tunnels.
    pub(super) fn leave_vpn(&mut self, id: VpnConnectionId, flight: &mut Flight<'c>) -> Result<Step<'c>, Box<Stop>> {
        let packet = flight.packet;
        let component = Component::VpnConnection(id);
        let vpn = self.cloud.vpn_connections.by_id(&id).find(|row| row.state == LinkState::Available);
        let vpn = vpn.ok_or_else(|| stop(Code::BadStateVpn, component, None, packet))?;
        if !self.assumptions.tunnels_up && !vpn.tunnels.iter().any(|tunnel| tunnel.up) {
            return Err(stop(Code::BadStateVpn, component, None, packet));
        }
        self.note(component, None, None, packet, Decision::None);
        flight.is_foreign = true;
        flight.sender = None;
        let gateway = match vpn.gateway {
            VpnSide::Gateway(gateway) => gateway,
            VpnSide::Transit(_, attachment) => return self.cross_transit(attachment, None, flight),
        };
        let end = |code, vpc| stop(code, Component::VpnGateway(gateway), vpc, packet);
        let row = self.cloud.vpn_gateways.get(&vpn.scope.key(gateway)).filter(|row| row.state.is_live());
        let vpc = row.and_then(|row| row.vpc).ok_or_else(|| end(Code::BadStateAttachment, None))?;
        // Nobody beyond the tunnels is within the network: the local route is the one to these addresses, however specific
        // what the other side says is ("Route tables and AWS Site-to-Site VPN route priority").
        let mut networks = self.cloud.vpcs.by_id(&vpc);
        if networks.any(|row| blocks(row).any(|block| block.contains(packet.source))) {
            return Err(end(Code::Spoofed, Some(vpc)));
        }
        let there = interface_at(self.cloud, vpc, packet.destination);
        let there = there.filter(|row| row.purpose != InterfacePurpose::Instance || row.attachment.is_some());
        let there = there.ok_or_else(|| end(Code::VpnDestination, Some(vpc)))?;
        self.note(Component::VpnGateway(gateway), Some(vpc), None, packet, Decision::None);
        self.by_edge(there, |edge| *edge == EdgeGateway::Vpn(gateway), flight)
    }

    pub(super) fn pass_endpoint(
        &mut self,
        id: EndpointId,
        turn: &Turn<'c, '_>,
        flight: &mut Flight<'c>,
    ) -> Result<Step<'c>, Box<Stop>> {
        let packet = flight.packet;
        let row = self.cloud.endpoints.by_vpc(&turn.vpc.id).find(|row| row.id == id);
        let row =
            row.filter(|row| row.state == LinkState::Available && matches!(row.kind, EndpointKind::Gateway { .. }));
        if row.is_none() {
            return Err(turn.stop(Code::BadStateRoute, packet));
        }
        self.turn(turn, None, packet)?;
        let end = |code| stop(code, Component::Endpoint(id), Some(turn.vpc.id), packet);
        let is_echo = packet.header == Header::Icmp { kind: 8, code: 0 };
        if packet.protocol != TCP && !is_echo {
            return Err(end(Code::EndpointProtocol));
        }
        // What another network sends is not extended through it.
        let is_foreign = flight.is_foreign || flight.is_passing;
        if is_foreign || interface_at(self.cloud, turn.vpc.id, packet.source).is_none() {
            return Err(end(Code::Spoofed));
        }
        self.note(Component::Endpoint(id), Some(turn.vpc.id), None, packet, Decision::None);
        Ok(Step::Done(End::Endpoint(id, turn.vpc.id)))
    }

    /// The public address that stands for a private one.
    fn public_of(&self, interface: &NetworkInterface, private: Ipv4Addr) -> Option<Ipv4Addr> {
        if let InterfacePurpose::NatGateway(id) = interface.purpose {
            let gateway = self.cloud.nat_gateways.by_id(&id).next()?;
            let own = gateway.addresses.iter().find(|address| address.private == private)?;
            return own.public.map(|(.., public)| public);
        }
        interface.attachment.as_ref()?;
        let stands = |row: &&landfall_model::Address| row.association.as_ref().is_some_and(|a| a.private == private);
        let elastic = self.cloud.addresses.by_interface(&interface.id).find(stands).map(|row| row.public);
        elastic.or(if private == interface.primary() { interface.public_address } else { None })
    }

    /// Who has a public address: the interface, and its private address that it stands for.
    fn owner_of(&self, public: Ipv4Addr) -> Option<(&'c NetworkInterface, IpAddr)> {
        if let Some(row) = self.cloud.interfaces.by_public(&public).next() {
            return Some((row, IpAddr::V4(row.primary())));
        }
        let association = self.cloud.addresses.by_public(&public).find_map(|row| row.association.as_ref())?;
        let row = self.cloud.interfaces.by_id(&association.interface).next()?;
        Some((row, IpAddr::V4(association.private)))
    }

    /// Writes down a gateway, with what it made of the packet.
    pub(super) fn note_change(&mut self, component: Component, vpc: VpcId, inbound: Packet, outbound: Packet) {
        let (vpc, decision) = (Some(vpc), Decision::None);
        self.hops.push(Hop { component, attached_to: None, vpc, subnet: None, inbound, outbound, decision });
    }
}
