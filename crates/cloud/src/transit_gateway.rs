//! Transit gateways: routers that VPCs and VPNs are attached to.
//!
//! A gateway has route tables of its own ([`crate::transit_table`]). Each attachment ([`crate::transit_attachment`]) is
//! associated with at most one of them, by which what comes from it is routed, and propagates its blocks to any number,
//! which thereby learn the way to it. What a table says in the end is compiled here by [`routes_of`], a pure function, for
//! whoever forwards packets and whoever reasons about them.

use std::collections::BTreeMap;

use landfall_model::{
    AttachedResource, Cidr, LinkState, TransitGateway, TransitGatewayAttachment, TransitGatewayAttachmentId,
    TransitGatewayId, TransitGatewayOptions, TransitGatewayRouteTable, TransitGatewayRouteTableId,
};

use crate::fault::{Fault, QuotaKind};
use crate::tx::Tx;
use crate::value::{Cloud, TransitGateways, TransitTables};
use crate::view::View;
use crate::{transit_table, vpc};

/// Blocks of a gateway. Source: the guide on transit gateways, "Quotas".
const CIDRS: usize = 5;
/// The smallest blocks that a gateway takes as its own. Source: the EC2 API Reference on CreateTransitGateway.
const LONGEST_PREFIX_V4: u8 = 24;
const LONGEST_PREFIX_V6: u8 = 64;

/// What is to change of a gateway; `None` leaves it as it is.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// Its description.
    pub description: Option<String>,
    /// `AmazonSideAsn`.
    pub asn: Option<u64>,
    /// `AutoAcceptSharedAttachments`.
    pub auto_accept: Option<bool>,
    /// `DefaultRouteTableAssociation`.
    pub default_association: Option<bool>,
    /// `AssociationDefaultRouteTableId`.
    pub association_table: Option<TransitGatewayRouteTableId>,
    /// `DefaultRouteTablePropagation`.
    pub default_propagation: Option<bool>,
    /// `PropagationDefaultRouteTableId`.
    pub propagation_table: Option<TransitGatewayRouteTableId>,
    /// `VpnEcmpSupport`.
    pub vpn_ecmp: Option<bool>,
    /// `DnsSupport`.
    pub dns: Option<bool>,
    /// `SecurityGroupReferencingSupport`.
    pub group_references: Option<bool>,
    /// `AddTransitGatewayCidrBlocks`.
    pub add: Vec<Cidr>,
    /// `RemoveTransitGatewayCidrBlocks`.
    pub remove: Vec<Cidr>,
}

/// Makes a gateway, and its default route table unless it is to have none.
pub fn create(
    tx: &mut Tx<'_, '_>,
    description: String,
    mut options: TransitGatewayOptions,
) -> Result<TransitGatewayId, Fault> {
    let (live, limit) = (tx.view().all::<TransitGateways, _>(), tx.quotas().transit_gateways);
    check_count(
        live.filter(|row| row.state.is_live()).count(),
        limit,
        "TransitGatewayLimitExceeded",
        "transit gateways",
    )?;
    check_asn(options.asn)?;
    let cidrs = std::mem::take(&mut options.cidrs);
    add_cidrs(&mut options.cidrs, &cidrs)?;
    let id: TransitGatewayId = tx.new_id();
    let (scope, now, number) = (tx.scope(), tx.now(), vpc::free_number(tx));
    let has_default = options.default_association || options.default_propagation;
    let table = if has_default { Some(transit_table::put(tx, id)) } else { None };
    tx.put::<TransitGateways>(TransitGateway {
        scope,
        id,
        number,
        description,
        association_table: table.filter(|_| options.default_association),
        propagation_table: table.filter(|_| options.default_propagation),
        options,
        state: LinkState::Pending,
        created_at: now,
        expires_at: None,
    });
    Ok(id)
}

/// Changes a gateway. What is attached already stays associated as it is.
pub fn modify(tx: &mut Tx<'_, '_>, id: TransitGatewayId, change: Change) -> Result<(), Fault> {
    let before = need_available(&tx.view(), id)?.clone();
    let mut row = before.clone();
    if let Some(asn) = change.asn.filter(|asn| *asn != row.options.asn) {
        check_asn(asn)?;
        let is_vpn = |row: &TransitGatewayAttachment| matches!(row.resource, AttachedResource::Vpn(_));
        if tx.transit_attachments.by_gateway(&id).any(|row| is_vpn(row) && row.state.is_live()) {
            return Err(Fault::WrongState(format!("{id} has VPN attachments; its AmazonSideAsn cannot be modified.")));
        }
        row.options.asn = asn;
    }
    row.options.cidrs.retain(|block| !change.remove.contains(block));
    add_cidrs(&mut row.options.cidrs, &change.add)?;
    row.options.auto_accept = change.auto_accept.unwrap_or(row.options.auto_accept);
    row.options.vpn_ecmp = change.vpn_ecmp.unwrap_or(row.options.vpn_ecmp);
    row.options.dns = change.dns.unwrap_or(row.options.dns);
    row.options.group_references = change.group_references.unwrap_or(row.options.group_references);
    row.description = change.description.unwrap_or(row.description);
    row.options.default_association = change.default_association.unwrap_or(row.options.default_association);
    row.options.default_propagation = change.default_propagation.unwrap_or(row.options.default_propagation);
    row.association_table = default_table(
        tx,
        &row,
        Asked {
            name: "AssociationDefaultRouteTableId",
            is_on: row.options.default_association,
            table: change.association_table,
            now: row.association_table,
            other: row.propagation_table,
        },
    )?;
    row.propagation_table = default_table(
        tx,
        &row,
        Asked {
            name: "PropagationDefaultRouteTableId",
            is_on: row.options.default_propagation,
            table: change.propagation_table,
            now: row.propagation_table,
            other: row.association_table,
        },
    )?;
    if row == before {
        return Ok(());
    }
    row.state = LinkState::Modifying;
    tx.put::<TransitGateways>(row);
    Ok(())
}

/// What was asked of one of a gateway's two default tables.
struct Asked {
    name: &'static str,
    is_on: bool,
    table: Option<TransitGatewayRouteTableId>,
    now: Option<TransitGatewayRouteTableId>,
    other: Option<TransitGatewayRouteTableId>,
}

/// The default table that a gateway is to have: the one that was named, the one that it has, that of the other default,
/// or a new one.
fn default_table(
    tx: &mut Tx<'_, '_>,
    row: &TransitGateway,
    asked: Asked,
) -> Result<Option<TransitGatewayRouteTableId>, Fault> {
    match (asked.is_on, asked.table) {
        (false, None) => Ok(None),
        (false, Some(_)) => {
            Err(Fault::Combination(format!("{} needs the default to be enabled on {}.", asked.name, row.id)))
        }
        (true, Some(table)) => {
            let found = transit_table::need_available(&tx.view(), table)?;
            if found.gateway != row.id {
                let why = format!("{table} is not a route table of {}.", row.id);
                return Err(Fault::Invalid { name: asked.name, value: table.to_string(), why });
            }
            Ok(Some(table))
        }
        (true, None) => Ok(Some(match asked.now.or(asked.other) {
            Some(table) => table,
            None => transit_table::put(tx, row.id),
        })),
    }
}

/// Deletes a gateway that nothing is attached to, and its route tables with it.
pub fn delete(tx: &mut Tx<'_, '_>, id: TransitGatewayId) -> Result<(), Fault> {
    let row = tx.view().need::<TransitGateways, _>(id)?;
    if !row.state.is_live() {
        return Err(invalid_state(id));
    }
    let key = row.key();
    for (kind, words) in [("vpc", "VPC Attachments"), ("vpn", "VPN Attachments")] {
        let is_left = |row: &&TransitGatewayAttachment| {
            row.resource.kind() == kind && row.state != LinkState::Deleted && row.state != LinkState::Failed
        };
        let left: Vec<_> =
            tx.transit_attachments.by_gateway(&id).filter(is_left).map(|row| row.id.to_string()).collect();
        if !left.is_empty() {
            return Err(Fault::WrongState(format!("{id} has non-deleted {words}: {}.", left.join(", "))));
        }
    }
    let tables: Vec<_> = tx.transit_tables.by_gateway(&id).map(TransitGatewayRouteTable::key).collect();
    for table in tables {
        tx.update::<TransitTables, _>(&table, |row| {
            if row.state.is_live() {
                row.state = LinkState::Deleting;
                row.routes.clear();
            }
        });
    }
    tx.update::<TransitGateways, _>(&key, |row| {
        row.state = LinkState::Deleting;
        row.association_table = None;
        row.propagation_table = None;
    });
    Ok(())
}

/// A gateway that can be attached to and changed.
pub fn need_available<'v>(view: &View<'v>, id: TransitGatewayId) -> Result<&'v TransitGateway, Fault> {
    let row = view.need::<TransitGateways, _>(id)?;
    match row.state {
        LinkState::Available | LinkState::Modifying => Ok(row),
        _ => Err(invalid_state(id)),
    }
}

/// That there is room for one more.
pub(crate) fn check_count(count: usize, limit: u32, code: &'static str, noun: &'static str) -> Result<(), Fault> {
    if count < limit as usize {
        return Ok(());
    }
    Err(Fault::Quota(QuotaKind::Of(code, noun), u64::from(limit)))
}

/// That something isn't in a state in which that can be done to it.
pub(crate) fn invalid_state(id: impl std::fmt::Display) -> Fault {
    Fault::WrongState(format!("{id} is in invalid state"))
}

/// Numbers that BGP keeps for private use. Source: the EC2 API Reference on CreateTransitGateway.
pub(crate) fn check_asn(asn: u64) -> Result<(), Fault> {
    if matches!(asn, 64_512..=65_534 | 4_200_000_000..=4_294_967_294) {
        return Ok(());
    }
    let why = "The range is 64512 to 65534 for 16-bit ASNs and 4200000000 to 4294967294 for 32-bit ASNs.".into();
    Err(Fault::Invalid { name: "AmazonSideAsn", value: asn.to_string(), why })
}

fn add_cidrs(cidrs: &mut Vec<Cidr>, more: &[Cidr]) -> Result<(), Fault> {
    for block in more {
        let invalid =
            |why: &str| Fault::Invalid { name: "TransitGatewayCidrBlocks", value: block.to_string(), why: why.into() };
        let is_small = match block {
            Cidr::V4(block) => block.prefix() > LONGEST_PREFIX_V4,
            Cidr::V6(block) => block.prefix() > LONGEST_PREFIX_V6,
        };
        if is_small {
            return Err(invalid("It must be a size /24 CIDR block or larger for IPv4, or /64 or larger for IPv6."));
        }
        if matches!(block, Cidr::V4(block) if block.first().is_link_local()) {
            return Err(invalid("Blocks of 169.254.0.0/16 are reserved."));
        }
        if cidrs.iter().any(|other| other.overlaps(*block)) {
            return Err(invalid("It overlaps another block of the transit gateway."));
        }
        cidrs.push(*block);
    }
    if cidrs.len() > CIDRS {
        let kind = QuotaKind::Of("TransitGatewayCidrBlockLimitExceeded", "CIDR blocks of a transit gateway");
        return Err(Fault::Quota(kind, CIDRS as u64));
    }
    Ok(())
}

/// How a table came by a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteKind {
    /// Somebody wrote it.
    Static,
    /// It follows from an attachment that propagates to the table.
    Propagated,
}

impl RouteKind {
    /// Its name at the API.
    pub fn name(self) -> &'static str {
        match self {
            RouteKind::Static => "static",
            RouteKind::Propagated => "propagated",
        }
    }
}

/// A route as it holds: one a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableRoute {
    /// Where to.
    pub destination: Cidr,
    /// The attachment that the route names; none for one that drops by intent.
    pub attachment: Option<TransitGatewayAttachmentId>,
    /// How the table came by it.
    pub kind: RouteKind,
    /// Whether its attachment is there to take packets; otherwise they are dropped.
    pub is_active: bool,
}

impl TableRoute {
    /// By which attachment packets go; `None` drops them.
    pub fn via(&self) -> Option<TransitGatewayAttachmentId> {
        self.attachment.filter(|_| self.is_active)
    }
}

/// The routes of a table as they hold, by destination: of several to the same one, a static route wins, then the
/// attachment that is oldest, VPCs before VPNs. The longest prefix of those that hold a packet's address decides.
/// Source: the VPC guide on transit gateways, "Route evaluation order".
pub fn routes_of(cloud: &Cloud, table: TransitGatewayRouteTableId) -> Vec<TableRoute> {
    let mut routes: BTreeMap<Cidr, TableRoute> = BTreeMap::new();
    let Some(row) = cloud.transit_tables.by_id(&table).next().filter(|row| row.state.is_live()) else {
        return Vec::new();
    };
    for route in &row.routes {
        let is_active = route.attachment.is_some_and(|id| {
            cloud.transit_attachments.by_id(&id).any(|row| row.state.is_live() && !row.awaits_acceptance)
        });
        let (destination, attachment) = (route.destination, route.attachment);
        routes.insert(destination, TableRoute { destination, attachment, kind: RouteKind::Static, is_active });
    }
    let propagates = |row: &&TransitGatewayAttachment| row.propagations.contains(&table) && row.state.is_live();
    let mut learnt: Vec<_> = cloud.transit_attachments.by_table(&table).filter(propagates).collect();
    learnt.sort_by_key(|row| (row.resource.kind(), row.created_at, row.id));
    for row in learnt {
        for destination in blocks_of(cloud, &row.resource) {
            let (attachment, kind) = (Some(row.id), RouteKind::Propagated);
            routes.entry(destination).or_insert(TableRoute { destination, attachment, kind, is_active: true });
        }
    }
    routes.into_values().collect()
}

/// The blocks that are reached through an attachment, as it propagates them.
fn blocks_of(cloud: &Cloud, resource: &AttachedResource) -> Vec<Cidr> {
    match resource {
        AttachedResource::Vpc { vpc, ipv6, .. } => {
            let Some(vpc) = cloud.vpcs.by_id(vpc).next() else { return Vec::new() };
            let v4 = vpc.cidrs.iter().map(|(_, block)| Cidr::V4(*block));
            let v6 = vpc.ipv6.iter().filter(|_| *ipv6).map(|(_, block)| Cidr::V6(*block));
            v4.chain(v6).collect()
        }
        AttachedResource::Vpn(id) => {
            cloud.vpn_connections.by_id(id).next().map(|row| row.routes.clone()).unwrap_or_default()
        }
    }
}

impl<'a> View<'a> {
    /// The attachments of a gateway of this scope that count against limits and refuse its deletion.
    pub fn live_attachments(&self, gateway: TransitGatewayId) -> impl Iterator<Item = &'a TransitGatewayAttachment> {
        let rows = self.tables().transit_attachments.by_gateway(&gateway);
        rows.filter(|row| row.state.is_live())
    }

    /// The attachments that are associated with a route table of this scope or propagate to it.
    pub fn tied_attachments(
        &self,
        table: TransitGatewayRouteTableId,
    ) -> impl Iterator<Item = &'a TransitGatewayAttachment> {
        self.tables().transit_attachments.by_table(&table)
    }

    /// The routes of a route table of this scope as they hold.
    pub fn transit_routes(&self, table: TransitGatewayRouteTableId) -> Vec<TableRoute> {
        routes_of(self.tables(), table)
    }
}
