//! What joins networks to the internet and to each other.

use landfall_cloud::address;
use landfall_cloud::value::{
    EgressOnlyGateways, InternetGateways, NatGateways, Peerings, PrefixLists, TransitAttachments, TransitGateways,
    TransitTables,
};
use landfall_model::{
    AttachedResource, Cidr, EgressOnlyGateway, InterfacePurpose, InternetGateway, LinkState, NatAddress, NatGateway,
    NatGatewayId, Peering, PeeringSide, PeeringState, PrefixList, PrefixListEntry, RouteTarget, SubnetId, Timestamp,
    TransitGateway, TransitGatewayAttachment, TransitGatewayAttachmentId, TransitGatewayId, TransitGatewayOptions,
    TransitGatewayRoute, TransitGatewayRouteTable, TransitGatewayRouteTableId, ZoneName,
};

use super::build::{Builder, must};

impl Builder<'_, '_, '_> {
    /// Gateways of each network, and what joins them.
    pub(super) fn link(&mut self) {
        for n in 0..self.vpcs.len() {
            self.edges(n);
        }
        for a in 0..self.vpcs.len() {
            for b in a + 1..self.vpcs.len() {
                // Twins are never peered with each other, but a third one is with both: its routes say which is meant.
                let are_twins = self.vpcs[a].is_twin && self.vpcs[b].is_twin;
                let many = if self.vpcs[a].is_twin || self.vpcs[b].is_twin { 900 } else { 600 };
                if !are_twins && self.dice.chance(many) {
                    self.peering(a, b);
                }
            }
        }
        if self.vpcs.len() > 1 && self.dice.chance(600) {
            self.transit_gateway();
        }
    }

    fn edges(&mut self, n: usize) {
        let (scope, vpc) = (self.tx.scope(), self.vpcs[n].id);
        if self.dice.chance(700) {
            let id = self.tx.new_id();
            self.tx.put::<InternetGateways>(InternetGateway { scope, id, vpc: Some(vpc) });
            self.vpcs[n].internet = Some(RouteTarget::InternetGateway(id));
            self.public_addresses(n);
        }
        if self.vpcs[n].ipv6.is_some() && self.dice.chance(400) {
            let id = self.tx.new_id();
            self.tx.put::<EgressOnlyGateways>(EgressOnlyGateway { scope, id, vpc });
            self.vpcs[n].egress_only = Some(RouteTarget::EgressOnly(id));
        }
        if self.vpcs[n].internet.is_some() && self.dice.chance(500) {
            self.nat_gateway(n, true);
        }
        if self.dice.chance(200) {
            self.nat_gateway(n, false);
        }
    }

    fn nat_gateway(&mut self, n: usize, public: bool) {
        let Some(place) = self.dice.pick(&self.vpcs[n].subnets).copied() else { return };
        let id: NatGatewayId = self.tx.new_id();
        let further = u32::from(self.dice.chance(300));
        let interface = self.service(place, InterfacePurpose::NatGateway(id), further);
        let Some(own) = self.tx.interfaces.by_id(&interface).next().map(|row| row.addresses.clone()) else { return };
        self.nat_addresses = self.nat_addresses.max(own.len());
        let mut addresses = Vec::new();
        for private in own {
            let elastic = public.then(|| {
                let allocation = must(address::allocate(self.tx, None));
                let association = must(address::associate(self.tx, allocation, interface, Some(private), false));
                let key = self.tx.scope().key(allocation);
                let number = self.tx.addresses.get(&key).map(|row| row.public);
                number.map(|number| (allocation, association, number))
            });
            addresses.push(NatAddress { private, public: elastic.flatten() });
        }
        let scope = self.tx.scope();
        self.tx.put::<NatGateways>(NatGateway {
            scope,
            id,
            vpc: self.vpcs[n].id,
            subnet: place.id,
            public,
            addresses,
            interface,
            state: LinkState::Available,
            failure: None,
            created_at: Timestamp(1),
            deleted_at: None,
            expires_at: None,
            host: self.hosts.first().copied(),
            lacked: Default::default(),
        });
        self.vpcs[n].nats.push(RouteTarget::NatGateway(id));
    }

    fn peering(&mut self, a: usize, b: usize) {
        let scope = self.tx.scope();
        let id = self.tx.new_id();
        let is_used = self.dice.chance(850);
        let side = |vpc| PeeringSide { scope, vpc, dns: false };
        self.tx.put::<Peerings>(Peering {
            scope,
            id,
            requester: side(self.vpcs[a].id),
            accepter: side(self.vpcs[b].id),
            state: if is_used { PeeringState::Active } else { PeeringState::PendingAcceptance },
            message: String::new(),
            created_at: Timestamp(1),
            expires_at: None,
            ended: None,
        });
        self.peerings.push((id, a, b));
        if self.vpcs[a].list.is_none() && self.dice.chance(300) {
            let list = self.tx.new_id();
            let entries = self.vpcs[b].subnets.iter().map(|place| Cidr::V4(place.block));
            let entries = entries.map(|cidr| PrefixListEntry { cidr, description: None }).collect();
            let (name, versions) = (format!("of-{b}"), vec![entries]);
            self.tx.put::<PrefixLists>(PrefixList {
                scope,
                id: list,
                name,
                ipv6: false,
                max_entries: 10,
                versions,
                oldest: 1,
                last_change: landfall_model::ListChange::Created,
            });
            self.vpcs[a].list = Some(list);
        }
    }

    fn transit_gateway(&mut self) {
        let scope = self.tx.scope();
        let id: TransitGatewayId = self.tx.new_id();
        let tables: Vec<TransitGatewayRouteTableId> = (0..self.dice.between(1, 2)).map(|_| self.tx.new_id()).collect();
        self.tx.put::<TransitGateways>(TransitGateway {
            scope,
            id,
            // Numbers of VPCs are below 2^24 too; a clash would need the same random number.
            number: 0xfe_dcba,
            description: String::new(),
            options: TransitGatewayOptions {
                asn: 64512,
                auto_accept: false,
                default_association: true,
                default_propagation: true,
                vpn_ecmp: true,
                dns: true,
                group_references: false,
                cidrs: vec![],
            },
            association_table: tables.first().copied(),
            propagation_table: tables.first().copied(),
            state: LinkState::Available,
            created_at: Timestamp(1),
            expires_at: None,
        });
        self.transit = Some(id);
        self.transit_tables.clone_from(&tables);
        let mut attachments = Vec::new();
        for n in 0..self.vpcs.len() {
            if !self.vpcs[n].is_twin && self.dice.chance(850) {
                attachments.push(self.attach(n, id, &tables));
            }
        }
        for table in tables {
            let routes = self.transit_routes(&attachments);
            self.tx.put::<TransitTables>(TransitGatewayRouteTable {
                scope,
                id: table,
                gateway: id,
                routes,
                state: LinkState::Available,
                created_at: Timestamp(1),
                expires_at: None,
            });
        }
    }

    fn attach(
        &mut self,
        n: usize,
        gateway: TransitGatewayId,
        tables: &[TransitGatewayRouteTableId],
    ) -> TransitGatewayAttachmentId {
        let scope = self.tx.scope();
        let id = self.tx.new_id();
        // One subnet in each zone, except that a zone may be left out.
        let mut subnets: Vec<(ZoneName, SubnetId)> = Vec::new();
        for place in &self.vpcs[n].subnets {
            let has_zone = subnets.iter().any(|(zone, _)| *zone == place.zone);
            if !has_zone && (subnets.is_empty() || self.dice.chance(850)) {
                subnets.push((place.zone, place.id));
            }
        }
        let propagations = tables.iter().copied().filter(|_| self.dice.chance(750)).collect();
        let association = self.dice.pick(tables).copied().filter(|_| self.dice.chance(950));
        // One at most, so that what a flow's hash chooses can be looked at for itself.
        let appliance_mode = self.appliance.is_none() && subnets.len() > 1 && self.dice.chance(300);
        if appliance_mode {
            self.appliance = Some(subnets.len());
        }
        let resource = AttachedResource::Vpc {
            vpc: self.vpcs[n].id,
            subnets: subnets.into_iter().map(|(_, id)| id).collect(),
            dns: true,
            ipv6: self.vpcs[n].ipv6.is_some() && self.dice.chance(800),
            appliance_mode,
            group_references: false,
        };
        self.tx.put::<TransitAttachments>(TransitGatewayAttachment {
            scope,
            id,
            gateway,
            gateway_scope: scope,
            resource,
            association,
            propagations,
            state: LinkState::Available,
            awaits_acceptance: false,
            created_at: Timestamp(1),
            expires_at: None,
        });
        self.vpcs[n].is_attached = true;
        id
    }

    /// Routes that somebody made: to a network, to a part of one, to the rest; some of them drop.
    fn transit_routes(&mut self, attachments: &[TransitGatewayAttachmentId]) -> Vec<TransitGatewayRoute> {
        let mut routes: Vec<TransitGatewayRoute> = Vec::new();
        for n in 0..self.vpcs.len() {
            if self.dice.chance(300) {
                let places: Vec<_> = self.vpcs[n].subnets.iter().map(|place| place.block).collect();
                let part = self.dice.pick(&places).copied().filter(|_| self.dice.chance(500));
                let destination = Cidr::V4(part.unwrap_or(self.vpcs[n].block));
                let attachment = self.dice.pick(attachments).copied().filter(|_| self.dice.chance(700));
                if !routes.iter().any(|route| route.destination == destination) {
                    routes.push(TransitGatewayRoute { destination, attachment });
                }
            }
        }
        if self.dice.chance(300) {
            let attachment = self.dice.pick(attachments).copied();
            routes.push(TransitGatewayRoute { destination: Cidr::V4(landfall_model::Ipv4Cidr::ALL), attachment });
        }
        routes
    }
}
