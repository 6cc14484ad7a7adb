//! A VPC peering connection as answers show it, and the demands of calls on one.

use landfall_cloud::View;
use landfall_model::{
    AccountId, Arn, Ipv4Cidr, Ipv6Cidr, Peering, PeeringId, PeeringSide, PeeringState, Region, VpcId,
};
use landfall_wire::Time;
use serde::Serialize;

use super::vpc::primary_block;
use super::{Tag, tag_set, time};
use crate::demand::{Demand, Demands};
use crate::operation::Action;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PeeringShape<'v> {
    accepter_vpc_info: SideShape,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_time: Option<Time>,
    requester_vpc_info: SideShape,
    status: Status<'v>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'v>>>,
    vpc_peering_connection_id: PeeringId,
}

#[derive(Serialize)]
struct Status<'v> {
    code: &'static str,
    message: &'v str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SideShape {
    #[serde(skip_serializing_if = "Option::is_none")]
    cidr_block: Option<Ipv4Cidr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cidr_block_set: Option<Vec<Block>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ipv6_cidr_block_set: Option<Vec<Ipv6Block>>,
    owner_id: AccountId,
    #[serde(skip_serializing_if = "Option::is_none")]
    peering_options: Option<SideOptions>,
    vpc_id: VpcId,
    region: Region,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Block {
    cidr_block: Ipv4Cidr,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ipv6Block {
    ipv6_cidr_block: Ipv6Cidr,
}

/// What a side lets the other do. The last two are of EC2-Classic, which is no more.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SideOptions {
    allow_dns_resolution_from_remote_vpc: bool,
    allow_egress_from_local_classic_link_to_remote_vpc: bool,
    allow_egress_from_local_vpc_to_remote_classic_link: bool,
}

impl SideOptions {
    /// Those options.
    pub fn new(dns: bool) -> Self {
        Self {
            allow_dns_resolution_from_remote_vpc: dns,
            allow_egress_from_local_classic_link_to_remote_vpc: false,
            allow_egress_from_local_vpc_to_remote_classic_link: false,
        }
    }
}

/// The peering as one of its sides sees it. The requester's blocks are shown from the request on, the accepter's once it
/// is accepted.
pub fn peering<'v>(view: &View<'v>, row: &'v Peering) -> PeeringShape<'v> {
    let is_open = matches!(row.state, PeeringState::InitiatingRequest | PeeringState::PendingAcceptance);
    let is_accepted = matches!(row.state, PeeringState::Provisioning | PeeringState::Active);
    PeeringShape {
        accepter_vpc_info: side(view, &row.accepter, is_accepted),
        expiration_time: row.expires_at.filter(|_| is_open).map(time),
        requester_vpc_info: side(view, &row.requester, is_open || is_accepted),
        status: Status { code: row.state.name(), message: &row.message },
        tag_set: tag_set(view, &row.id.to_string()),
        vpc_peering_connection_id: row.id,
    }
}

fn side(view: &View<'_>, side: &PeeringSide, is_told: bool) -> SideShape {
    let vpc = view.peered_vpc(side).filter(|_| is_told);
    let blocks = |vpc: &landfall_model::Vpc| vpc.cidrs.iter().map(|(_, block)| Block { cidr_block: *block }).collect();
    let ipv6 = |vpc: &landfall_model::Vpc| -> Vec<_> {
        vpc.ipv6.iter().map(|(_, block)| Ipv6Block { ipv6_cidr_block: *block }).collect()
    };
    SideShape {
        cidr_block: vpc.map(primary_block),
        cidr_block_set: vpc.map(blocks),
        ipv6_cidr_block_set: vpc.map(ipv6).filter(|blocks| !blocks.is_empty()),
        owner_id: side.scope.account,
        peering_options: is_told.then(|| SideOptions::new(side.dns)),
        vpc_id: side.vpc,
        region: side.scope.region,
    }
}

/// The demand of an action on a peering.
pub fn demand<'d>(view: &View<'_>, demands: &'d mut Demands, action: Action, id: PeeringId) -> &'d mut Demand {
    let demand = demands.ec2(view, action, id).with("ec2:VpcPeeringConnectionID", id);
    if let Some(row) = view.peering(id) {
        demand.with("ec2:AccepterVpc", Arn::ec2(row.accepter.scope, row.accepter.vpc));
        demand.with("ec2:RequesterVpc", Arn::ec2(row.requester.scope, row.requester.vpc));
    }
    demand
}
