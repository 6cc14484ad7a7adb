//! Resources of any kind, as the operations on tags name them: which kinds there are, and whether one is there.

use landfall_cloud::value::{
    Addresses, CustomerGateways, DhcpOptionsTable, EgressOnlyGateways, Endpoints, FlowLogs, ImportImages,
    ImportSnapshots, InsightsAnalyses, InsightsPaths, Instances, Interfaces, InternetGateways, KeyPairs,
    LaunchTemplates, NatGateways, NetworkAcls, PrefixLists, RouteTables, SecurityGroupRules, SecurityGroups, Snapshots,
    Subnets, TransitAttachments, TransitGateways, TransitTables, Volumes, Vpcs, VpnConnections, VpnGateways,
};
use landfall_cloud::{Fault, View};
use landfall_model::id::{Id, Kind};
use landfall_model::{
    AllocationId, Arn, CustomerGatewayId, DhcpOptionsId, EgressOnlyGatewayId, EndpointId, FlowLogId, ImageId,
    ImportImageTaskId, ImportSnapshotTaskId, InsightsAnalysisId, InsightsPathId, InstanceId, InterfaceId,
    InternetGatewayId, KeyPairId, LaunchTemplateId, NatGatewayId, NetworkAclId, PeeringId, PrefixListId, RouteTableId,
    SecurityGroupId, SecurityGroupRuleId, SnapshotId, SubnetId, TransitGatewayAttachmentId, TransitGatewayId,
    TransitGatewayRouteTableId, VolumeId, VpcId, VpnConnectionId, VpnGatewayId,
};

use crate::{Action, ApiError, Demands};

/// A resource that can have tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// An elastic address.
    Address(AllocationId),
    /// A customer gateway.
    CustomerGateway(CustomerGatewayId),
    /// A set of DHCP options.
    DhcpOptions(DhcpOptionsId),
    /// A flow log.
    FlowLog(FlowLogId),
    /// An endpoint.
    Endpoint(EndpointId),
    /// A way out for IPv6.
    EgressOnlyGateway(EgressOnlyGatewayId),
    /// An image.
    Image(ImageId),
    /// An import of an image.
    ImportImage(ImportImageTaskId),
    /// An import of a snapshot.
    ImportSnapshot(ImportSnapshotTaskId),
    /// An analysis of reachability.
    InsightsAnalysis(InsightsAnalysisId),
    /// A path whose reachability is analysed.
    InsightsPath(InsightsPathId),
    /// An instance.
    Instance(InstanceId),
    /// A network interface.
    Interface(InterfaceId),
    /// An internet gateway.
    InternetGateway(InternetGatewayId),
    /// A key pair.
    KeyPair(KeyPairId),
    /// A launch template.
    LaunchTemplate(LaunchTemplateId),
    /// A NAT gateway.
    NatGateway(NatGatewayId),
    /// A network ACL.
    NetworkAcl(NetworkAclId),
    /// A peering of VPCs.
    Peering(PeeringId),
    /// A prefix list.
    PrefixList(PrefixListId),
    /// A route table.
    RouteTable(RouteTableId),
    /// A security group.
    SecurityGroup(SecurityGroupId),
    /// A rule of one.
    SecurityGroupRule(SecurityGroupRuleId),
    /// A snapshot.
    Snapshot(SnapshotId),
    /// A subnet.
    Subnet(SubnetId),
    /// A transit gateway.
    TransitGateway(TransitGatewayId),
    /// An attachment of one.
    TransitAttachment(TransitGatewayAttachmentId),
    /// A route table of one.
    TransitTable(TransitGatewayRouteTableId),
    /// A volume.
    Volume(VolumeId),
    /// A VPC.
    Vpc(VpcId),
    /// A VPN.
    VpnConnection(VpnConnectionId),
    /// A VPN gateway.
    VpnGateway(VpnGatewayId),
}

/// Does the same with the id of whatever kind a resource is.
macro_rules! each {
    ($resource:expr, $id:ident => $result:expr) => {
        match $resource {
            Resource::Address($id) => $result,
            Resource::CustomerGateway($id) => $result,
            Resource::DhcpOptions($id) => $result,
            Resource::FlowLog($id) => $result,
            Resource::Endpoint($id) => $result,
            Resource::EgressOnlyGateway($id) => $result,
            Resource::Image($id) => $result,
            Resource::InsightsAnalysis($id) => $result,
            Resource::InsightsPath($id) => $result,
            Resource::Instance($id) => $result,
            Resource::Interface($id) => $result,
            Resource::InternetGateway($id) => $result,
            Resource::KeyPair($id) => $result,
            Resource::ImportImage($id) => $result,
            Resource::ImportSnapshot($id) => $result,
            Resource::LaunchTemplate($id) => $result,
            Resource::NatGateway($id) => $result,
            Resource::NetworkAcl($id) => $result,
            Resource::Peering($id) => $result,
            Resource::PrefixList($id) => $result,
            Resource::RouteTable($id) => $result,
            Resource::SecurityGroup($id) => $result,
            Resource::SecurityGroupRule($id) => $result,
            Resource::Snapshot($id) => $result,
            Resource::Subnet($id) => $result,
            Resource::TransitAttachment($id) => $result,
            Resource::TransitGateway($id) => $result,
            Resource::TransitTable($id) => $result,
            Resource::Volume($id) => $result,
            Resource::Vpc($id) => $result,
            Resource::VpnConnection($id) => $result,
            Resource::VpnGateway($id) => $result,
        }
    };
}

impl Resource {
    /// Reads an id of any kind.
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        let prefix = text.rsplit_once('-').map_or(text, |(prefix, _)| prefix);
        let malformed = |error: landfall_model::id::MalformedId| ApiError::new(error.code, error.to_string());
        Ok(match prefix {
            "eipalloc" => Self::Address(text.parse().map_err(malformed)?),
            "cgw" => Self::CustomerGateway(text.parse().map_err(malformed)?),
            "dopt" => Self::DhcpOptions(text.parse().map_err(malformed)?),
            "fl" => Self::FlowLog(text.parse().map_err(malformed)?),
            "vpce" => Self::Endpoint(text.parse().map_err(malformed)?),
            "eigw" => Self::EgressOnlyGateway(text.parse().map_err(malformed)?),
            "ami" => Self::Image(text.parse().map_err(malformed)?),
            "nia" => Self::InsightsAnalysis(text.parse().map_err(malformed)?),
            "nip" => Self::InsightsPath(text.parse().map_err(malformed)?),
            "i" => Self::Instance(text.parse().map_err(malformed)?),
            "eni" => Self::Interface(text.parse().map_err(malformed)?),
            "igw" => Self::InternetGateway(text.parse().map_err(malformed)?),
            "key" => Self::KeyPair(text.parse().map_err(malformed)?),
            "import-ami" => Self::ImportImage(text.parse().map_err(malformed)?),
            "import-snap" => Self::ImportSnapshot(text.parse().map_err(malformed)?),
            "lt" => Self::LaunchTemplate(text.parse().map_err(malformed)?),
            "nat" => Self::NatGateway(text.parse().map_err(malformed)?),
            "acl" => Self::NetworkAcl(text.parse().map_err(malformed)?),
            "pcx" => Self::Peering(text.parse().map_err(malformed)?),
            "pl" => Self::PrefixList(text.parse().map_err(malformed)?),
            "rtb" => Self::RouteTable(text.parse().map_err(malformed)?),
            "sg" => Self::SecurityGroup(text.parse().map_err(malformed)?),
            "sgr" => Self::SecurityGroupRule(text.parse().map_err(malformed)?),
            "snap" => Self::Snapshot(text.parse().map_err(malformed)?),
            "subnet" => Self::Subnet(text.parse().map_err(malformed)?),
            "tgw-attach" => Self::TransitAttachment(text.parse().map_err(malformed)?),
            "tgw" => Self::TransitGateway(text.parse().map_err(malformed)?),
            "tgw-rtb" => Self::TransitTable(text.parse().map_err(malformed)?),
            "vol" => Self::Volume(text.parse().map_err(malformed)?),
            "vpc" => Self::Vpc(text.parse().map_err(malformed)?),
            "vpn" => Self::VpnConnection(text.parse().map_err(malformed)?),
            "vgw" => Self::VpnGateway(text.parse().map_err(malformed)?),
            _ => {
                let shown: String = text.chars().take(128).collect();
                return Err(ApiError::new("InvalidID", format!("The ID '{shown}' is not valid")));
            }
        })
    }

    /// Its kind, as tags name it.
    pub fn kind(self) -> &'static str {
        fn kind<K: Kind>(_: Id<K>) -> &'static str {
            K::RESOURCE
        }
        each!(self, id => kind(id))
    }

    /// Its id.
    pub fn id(self) -> String {
        each!(self, id => id.to_string())
    }

    /// Whether the caller has it, or sees it where it is the provider's.
    fn is_there(self, view: &View<'_>) -> bool {
        match self {
            Self::Address(id) => view.find::<Addresses, _>(id).is_some(),
            Self::CustomerGateway(id) => view.find::<CustomerGateways, _>(id).is_some(),
            Self::DhcpOptions(id) => view.find::<DhcpOptionsTable, _>(id).is_some(),
            Self::FlowLog(id) => view.find::<FlowLogs, _>(id).is_some(),
            Self::Endpoint(id) => view.find::<Endpoints, _>(id).is_some(),
            Self::EgressOnlyGateway(id) => view.find::<EgressOnlyGateways, _>(id).is_some(),
            Self::Image(id) => view.find_image(id).is_some(),
            Self::InsightsAnalysis(id) => view.find::<InsightsAnalyses, _>(id).is_some(),
            Self::InsightsPath(id) => view.find::<InsightsPaths, _>(id).is_some(),
            Self::Instance(id) => view.find::<Instances, _>(id).is_some(),
            Self::Interface(id) => view.find::<Interfaces, _>(id).is_some(),
            Self::InternetGateway(id) => view.find::<InternetGateways, _>(id).is_some(),
            Self::KeyPair(id) => view.find::<KeyPairs, _>(id).is_some(),
            Self::ImportImage(id) => view.find::<ImportImages, _>(id).is_some(),
            Self::ImportSnapshot(id) => view.find::<ImportSnapshots, _>(id).is_some(),
            Self::LaunchTemplate(id) => view.find::<LaunchTemplates, _>(id).is_some(),
            Self::NatGateway(id) => view.find::<NatGateways, _>(id).is_some(),
            Self::NetworkAcl(id) => view.find::<NetworkAcls, _>(id).is_some(),
            Self::Peering(id) => view.peering(id).is_some(),
            // The region's own can't be given tags.
            Self::PrefixList(id) => view.find::<PrefixLists, _>(id).is_some_and(|row| !row.is_provided()),
            Self::RouteTable(id) => view.find::<RouteTables, _>(id).is_some(),
            Self::SecurityGroup(id) => view.find::<SecurityGroups, _>(id).is_some(),
            Self::SecurityGroupRule(id) => view.find::<SecurityGroupRules, _>(id).is_some(),
            Self::Snapshot(id) => view.find::<Snapshots, _>(id).is_some(),
            Self::Subnet(id) => view.find::<Subnets, _>(id).is_some(),
            Self::TransitAttachment(id) => view.find::<TransitAttachments, _>(id).is_some(),
            Self::TransitGateway(id) => view.find::<TransitGateways, _>(id).is_some(),
            Self::TransitTable(id) => view.find::<TransitTables, _>(id).is_some(),
            Self::Volume(id) => view.find::<Volumes, _>(id).is_some(),
            Self::Vpc(id) => view.find::<Vpcs, _>(id).is_some(),
            Self::VpnConnection(id) => view.find::<VpnConnections, _>(id).is_some(),
            Self::VpnGateway(id) => view.find::<VpnGateways, _>(id).is_some(),
        }
    }

    fn no_such(self) -> Fault {
        each!(self, id => Fault::no_such(id))
    }

    fn arn(self, view: &View<'_>) -> Arn {
        let scope = view.scope();
        match self {
            Self::Image(id) => Arn::ec2_public(scope, id),
            Self::Snapshot(id) => Arn::ec2_public(scope, id),
            // A key pair's ARN ends in its name.
            Self::KeyPair(id) => match view.find::<KeyPairs, _>(id) {
                Some(row) => Arn::new("ec2", scope, format_args!("key-pair/{}", row.name)),
                None => Arn::ec2(scope, id),
            },
            other => each!(other, id => Arn::ec2(scope, id)),
        }
    }
}

/// Reads ids of any kinds, and that each is there: all, or an error that names the missing ones of the first kind that
/// misses any.
pub fn need_all(view: &View<'_>, ids: &[String]) -> Result<Vec<Resource>, ApiError> {
    let resources: Vec<Resource> = ids.iter().map(|id| Resource::parse(id)).collect::<Result<_, _>>()?;
    let absent: Vec<Resource> = resources.iter().copied().filter(|resource| !resource.is_there(view)).collect();
    let Some(first) = absent.first() else { return Ok(resources) };
    let mut fault = first.no_such();
    if let Fault::NoSuch { id, .. } = &mut fault {
        let same: Vec<_> = absent.iter().filter(|other| other.kind() == first.kind()).map(|other| other.id()).collect();
        *id = same.join(", ");
    }
    Err(fault.into())
}

/// The demands on each resource, with the tags that the request names.
pub fn demand_all(
    view: &View<'_>,
    demands: &mut Demands,
    action: Action,
    ids: &[String],
    tags: &std::collections::BTreeMap<String, String>,
) {
    for id in ids {
        let demand = match Resource::parse(id) {
            Ok(resource) => demands.resource(action, resource.arn(view)),
            Err(_) => demands.anything(action),
        };
        demand.request_tags(tags);
        if let Some(tags) = view.tags(id) {
            demand.resource_tags(tags);
        }
    }
    if ids.is_empty() {
        demands.anything(action);
    }
}

/// Resources of one call. Source: the EC2 API Reference on CreateTags.
const MAX_RESOURCES: usize = 1000;

/// That a call names resources, and not too many.
pub fn check_count(ids: &[String]) -> Result<(), ApiError> {
    match ids.len() {
        0 => Err(ApiError::missing("ResourceId")),
        count if count > MAX_RESOURCES => Err(ApiError::new(
            "InvalidParameterValue",
            format!("A request names at most {MAX_RESOURCES} resources, not {count}."),
        )),
        _ => Ok(()),
    }
}
