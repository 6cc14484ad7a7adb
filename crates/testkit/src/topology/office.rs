//! VPNs of a random network, and the offices at their other ends.

use std::net::Ipv4Addr;

use landfall_cloud::value::{CustomerGateways, TransitAttachments, VpnConnections, VpnGateways};
use landfall_model::{
    AttachedResource, Cidr, CustomerGateway, CustomerGatewayId, Ipv4Cidr, LinkState, RouteTarget, Timestamp,
    TransitGatewayAttachment, TransitGatewayId, TunnelOptions, VpnConnection, VpnConnectionId, VpnGateway,
    VpnGatewayId, VpnSide, VpnTunnel,
};

use super::build::{Builder, v4_block};

/// One of so many seeds has VPNs: two pairs of strongSwan take about a second.
const EVERY: u64 = 10;
/// Which of them; one that `make test` tries too.
const FIRST: u64 = 4;
/// The offices' number as BGP, which isn't spoken, would know it.
const ASN: u64 = 65_000;

/// The other side of a VPN.
#[derive(Clone, Debug)]
pub struct Office {
    /// The VPN.
    pub vpn: VpnConnectionId,
    /// Its address outside.
    pub address: Ipv4Addr,
    /// What is behind it.
    pub block: Ipv4Cidr,
    /// A machine of it.
    pub desk: Ipv4Addr,
    /// The network's side of the tunnel that it uses.
    pub outside: Ipv4Addr,
    /// Whether it calls.
    pub is_up: bool,
}

/// Whether the network of a seed has VPNs.
pub(super) fn has_offices(seed: u64) -> bool {
    seed % EVERY == FIRST
}

impl Builder<'_, '_, '_> {
    /// One or two VPNs, each of a network's own gateway or of the transit gateway. Of two one may be down.
    pub(super) fn offices(&mut self) {
        for k in 0..self.dice.between(1, 2) as u8 {
            let id: VpnConnectionId = self.tx.new_id();
            let is_up = k == 0 || self.dice.chance(700);
            // One that is down may be the second way to the same office.
            let is_second_way = !is_up && self.dice.chance(700);
            let site = if is_second_way { 0 } else { k };
            let block = v4_block(Ipv4Addr::new(192, 168, site, 0), 24);
            let office = Office {
                vpn: id,
                address: Ipv4Addr::new(203, 0, 113, 100 + k),
                block,
                desk: Ipv4Addr::new(192, 168, site, 9),
                outside: Ipv4Addr::new(198, 18, 255, 10 + 2 * k),
                is_up,
            };
            let side = match self.transit.filter(|_| !is_second_way && self.dice.chance(500)) {
                Some(gateway) => VpnSide::Transit(gateway, self.attach_office(gateway, id)),
                None => VpnSide::Gateway(self.vpn_gateway()),
            };
            self.connection(k, &office, side);
            self.offices.push(office);
        }
    }

    fn connection(&mut self, k: u8, office: &Office, gateway: VpnSide) {
        let (scope, customer): (_, CustomerGatewayId) = (self.tx.scope(), self.tx.new_id());
        self.tx.put::<CustomerGateways>(CustomerGateway {
            scope,
            id: customer,
            address: office.address,
            asn: ASN,
            device_name: None,
            state: LinkState::Available,
            expires_at: None,
        });
        let tunnel = |outside: Ipv4Addr, inside: u8, up| VpnTunnel {
            key_version: 1,
            outside,
            inside: v4_block(Ipv4Addr::new(169, 254, inside, 0), 30),
            key: String::new(),
            options: TunnelOptions::default(),
            up,
            since: Timestamp(1),
            message: String::new(),
        };
        let [a, b, c, d] = office.outside.octets();
        let second = Ipv4Addr::new(a, b, c, d + 1);
        self.tx.put::<VpnConnections>(VpnConnection {
            scope,
            id: office.vpn,
            customer_gateway: customer,
            gateway,
            static_routes_only: true,
            local: Ipv4Cidr::ALL,
            remote: Ipv4Cidr::ALL,
            routes: vec![Cidr::V4(office.block)],
            tunnels: vec![tunnel(office.outside, 20 + k, office.is_up), tunnel(second, 40 + k, false)],
            state: LinkState::Available,
            created_at: Timestamp(1),
            expires_at: None,
            host: self.hosts.first().copied(),
            // Numbers of VPCs are below 2^24 too; a clash would need the same random number.
            number: 0xfe_dcb0 + u32::from(k),
        });
    }

    /// The VPN gateway of some network.
    fn vpn_gateway(&mut self) -> VpnGatewayId {
        let n = self.dice.below(self.vpcs.len() as u64) as usize;
        if let Some(RouteTarget::VpnGateway(id)) = self.vpcs[n].vpn {
            return id;
        }
        let (scope, id) = (self.tx.scope(), self.tx.new_id());
        self.tx.put::<VpnGateways>(VpnGateway {
            scope,
            id,
            asn: 64512,
            zone: None,
            vpc: Some(self.vpcs[n].id),
            detached: None,
            state: LinkState::Available,
            expires_at: None,
        });
        self.vpcs[n].vpn = Some(RouteTarget::VpnGateway(id));
        id
    }

    fn attach_office(
        &mut self,
        gateway: TransitGatewayId,
        vpn: VpnConnectionId,
    ) -> landfall_model::TransitGatewayAttachmentId {
        let (scope, id) = (self.tx.scope(), self.tx.new_id());
        let tables = self.transit_tables.clone();
        let propagations = tables.iter().copied().filter(|_| self.dice.chance(900)).collect();
        self.tx.put::<TransitAttachments>(TransitGatewayAttachment {
            scope,
            id,
            gateway,
            gateway_scope: scope,
            resource: AttachedResource::Vpn(vpn),
            association: self.dice.pick(&tables).copied(),
            propagations,
            state: LinkState::Available,
            awaits_acceptance: false,
            created_at: Timestamp(1),
            expires_at: None,
        });
        id
    }
}
