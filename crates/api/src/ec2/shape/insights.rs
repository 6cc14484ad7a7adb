//! Analyses of reachability as answers show them: paths, components, explanations.

use std::net::IpAddr;

use landfall_cloud::View;
use landfall_model::plan::AclRulePlan;
use landfall_model::reachability::{Component, Decision, Header, Hop, Packet, RouteSeen, Stop, TransitRouteSeen};
use landfall_model::{
    Arn, InsightsAnalysis, InsightsAnalysisId, InsightsPath, InsightsPathId, PathFilter, Peer, PortRange, RouteTarget,
    RuleDirection, SecurityGroupId, SecurityGroupRule,
};
use landfall_wire::Time;
use serde::Serialize;

use super::{Tag, tag_set, time};

/// A path.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PathShape<'v> {
    network_insights_path_id: InsightsPathId,
    network_insights_path_arn: Arn,
    created_date: Time,
    source: &'v str,
    source_arn: Arn,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<&'v str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_arn: Option<Arn>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_ip: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_ip: Option<IpAddr>,
    protocol: &'v str,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'v>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filter_at_source: Option<FilterShape>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filter_at_destination: Option<FilterShape>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FilterShape {
    #[serde(skip_serializing_if = "Option::is_none")]
    source_address: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_port_range: Option<FilterPorts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_address: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_port_range: Option<FilterPorts>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FilterPorts {
    from_port: u16,
    to_port: u16,
}

fn filter(row: &PathFilter) -> FilterShape {
    let ports = |(from_port, to_port)| FilterPorts { from_port, to_port };
    FilterShape {
        source_address: row.source,
        source_port_range: row.source_ports.map(ports),
        destination_address: row.destination,
        destination_port_range: row.destination_ports.map(ports),
    }
}

/// A path as answers show it.
pub fn path<'v>(view: &View<'v>, row: &'v InsightsPath) -> PathShape<'v> {
    let arn = |id: &str| {
        let kind = landfall_cloud::insights::End::parse(id).map_or("", |end| end.component().kind());
        Arn::new("ec2", row.scope, format_args!("{kind}/{id}"))
    };
    PathShape {
        network_insights_path_id: row.id,
        network_insights_path_arn: Arn::ec2(row.scope, row.id),
        created_date: time(row.created_at),
        source: &row.source,
        source_arn: arn(&row.source),
        destination: row.destination.as_deref(),
        destination_arn: row.destination.as_deref().map(arn),
        source_ip: row.source_ip,
        destination_ip: row.destination_ip,
        protocol: &row.protocol,
        destination_port: row.destination_port,
        tag_set: tag_set(view, &row.id.to_string()),
        filter_at_source: row.at_source.as_ref().map(filter),
        filter_at_destination: row.at_destination.as_ref().map(filter),
    }
}

/// An analysis.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AnalysisShape<'v> {
    network_insights_analysis_id: InsightsAnalysisId,
    network_insights_analysis_arn: Arn,
    network_insights_path_id: InsightsPathId,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    filter_in_arn_set: &'v [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    filter_out_arn_set: &'v [String],
    start_date: Time,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    network_path_found: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    forward_path_component_set: Vec<HopShape<'v>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    return_path_component_set: Vec<HopShape<'v>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    explanation_set: Vec<ExplanationShape<'v>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'v>>>,
}

/// An analysis as answers show it: while it runs, without what it finds.
pub fn analysis<'v>(view: &View<'v>, row: &'v InsightsAnalysis) -> AnalysisShape<'v> {
    let hops = |hops: &'v [Hop]| {
        let shown = hops.iter().filter(|_| row.shown()).zip(1..);
        shown.map(|(hop, number)| shape(view, hop, number)).collect()
    };
    let explanations = row.explanations.iter().filter(|_| row.shown());
    AnalysisShape {
        network_insights_analysis_id: row.id,
        network_insights_analysis_arn: Arn::ec2(row.scope, row.id),
        network_insights_path_id: row.path,
        filter_in_arn_set: &row.filter_in,
        filter_out_arn_set: &row.filter_out,
        start_date: time(row.started_at),
        status: row.state.name(),
        network_path_found: row.shown().then_some(row.found),
        forward_path_component_set: hops(&row.forward),
        return_path_component_set: hops(&row.back),
        explanation_set: explanations.map(|stop| explanation(view, stop)).collect(),
        tag_set: tag_set(view, &row.id.to_string()),
    }
}

#[derive(Serialize)]
struct ComponentShape<'v> {
    id: String,
    arn: Arn,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'v str>,
}

fn component<'v>(view: &View<'v>, component: Component) -> ComponentShape<'v> {
    let id = component.id();
    let arn = Arn::new("ec2", view.scope(), format_args!("{}/{id}", component.kind()));
    let name = view.tags(&id).and_then(|tags| tags.get("Name")).map(String::as_str);
    ComponentShape { id, arn, name }
}

/// A component of a path, with what decided there.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HopShape<'v> {
    sequence_number: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    acl_rule: Option<AclRuleShape>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attached_to: Option<ComponentShape<'v>>,
    component: ComponentShape<'v>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outbound_header: Option<HeaderShape>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inbound_header: Option<HeaderShape>,
    #[serde(skip_serializing_if = "Option::is_none")]
    route_table_route: Option<RouteShape<'v>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    security_group_rule: Option<GroupRuleShape>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subnet: Option<ComponentShape<'v>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vpc: Option<ComponentShape<'v>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transit_gateway: Option<ComponentShape<'v>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transit_gateway_route_table_route: Option<TransitRouteShape<'v>>,
}

fn shape<'v>(view: &View<'v>, hop: &'v Hop, sequence_number: u32) -> HopShape<'v> {
    let decided = decision(&hop.decision);
    let is_change = hop.inbound != hop.outbound;
    let transit = hop.attached_to.filter(|to| matches!(to, Component::TransitGateway(_)));
    HopShape {
        sequence_number,
        acl_rule: decided.acl_rule,
        attached_to: hop.attached_to.map(|to| component(view, to)),
        component: component(view, hop.component),
        outbound_header: (is_change || sequence_number == 1).then(|| header(hop.outbound)),
        inbound_header: (is_change || sequence_number > 1).then(|| header(hop.inbound)),
        route_table_route: decided.route,
        security_group_rule: decided.group_rule,
        subnet: hop.subnet.map(|id| component(view, Component::Subnet(id))),
        vpc: hop.vpc.map(|id| component(view, Component::Vpc(id))),
        transit_gateway: transit.map(|id| component(view, id)),
        transit_gateway_route_table_route: decided.transit_route,
    }
}

/// What decided, in the member that its kind has.
#[derive(Default)]
struct Decided<'v> {
    acl_rule: Option<AclRuleShape>,
    route: Option<RouteShape<'v>>,
    group_rule: Option<GroupRuleShape>,
    transit_route: Option<TransitRouteShape<'v>>,
}

fn decision(decision: &Decision) -> Decided<'_> {
    match decision {
        Decision::None | Decision::Tracked | Decision::Acl(_, None) => Decided::default(),
        Decision::Acl(direction, Some(rule)) => {
            Decided { acl_rule: Some(acl_rule(*direction, rule)), ..Decided::default() }
        }
        Decision::Group(rule) => Decided { group_rule: Some(group_rule(rule)), ..Decided::default() },
        Decision::Route(seen) => Decided { route: Some(route(seen)), ..Decided::default() },
        Decision::TransitRoute(seen) => Decided { transit_route: Some(transit_route(seen)), ..Decided::default() },
    }
}

#[derive(Serialize)]
struct Ports {
    from: i32,
    to: i32,
}

impl Ports {
    fn of(range: PortRange) -> Option<Self> {
        (range != PortRange::ANY).then_some(Ports { from: range.from, to: range.to })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AclRuleShape {
    cidr: String,
    egress: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    port_range: Option<Ports>,
    protocol: String,
    rule_action: &'static str,
    rule_number: u16,
}

fn acl_rule(direction: RuleDirection, rule: &AclRulePlan) -> AclRuleShape {
    AclRuleShape {
        cidr: rule.cidr.to_string(),
        egress: direction == RuleDirection::Egress,
        port_range: Ports::of(rule.ports),
        protocol: match rule.protocol {
            landfall_model::IpProtocol::All => "all".into(),
            landfall_model::IpProtocol::Number(number) => number.to_string(),
        },
        rule_action: if rule.allow { "allow" } else { "deny" },
        rule_number: rule.number,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GroupRuleShape {
    #[serde(skip_serializing_if = "Option::is_none")]
    cidr: Option<String>,
    direction: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    security_group_id: Option<SecurityGroupId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port_range: Option<Ports>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix_list_id: Option<String>,
    protocol: String,
}

fn group_rule(rule: &SecurityGroupRule) -> GroupRuleShape {
    let (mut cidr, mut group, mut list) = (None, None, None);
    match &rule.peer {
        Peer::Cidr(block) => cidr = Some(block.to_string()),
        Peer::Group(id) => group = Some(*id),
        Peer::PrefixList(id) => list = Some(id.to_string()),
    }
    GroupRuleShape {
        cidr,
        direction: direction(rule.direction),
        security_group_id: group,
        port_range: Ports::of(rule.ports),
        prefix_list_id: list,
        protocol: match rule.protocol {
            landfall_model::IpProtocol::All => "all".into(),
            other => other.to_string(),
        },
    }
}

fn direction(direction: RuleDirection) -> &'static str {
    match direction {
        RuleDirection::Ingress => "ingress",
        RuleDirection::Egress => "egress",
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RouteShape<'v> {
    destination_cidr: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_prefix_list_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    egress_only_internet_gateway_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nat_gateway_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network_interface_id: Option<String>,
    origin: &'v str,
    #[serde(skip_serializing_if = "Option::is_none")]
    transit_gateway_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vpc_peering_connection_id: Option<String>,
}

fn route(seen: &RouteSeen) -> RouteShape<'_> {
    let mut shape = RouteShape {
        destination_cidr: seen.destination.to_string(),
        destination_prefix_list_id: seen.prefix_list.map(|id| id.to_string()),
        egress_only_internet_gateway_id: None,
        gateway_id: None,
        nat_gateway_id: None,
        network_interface_id: None,
        origin: &seen.origin,
        transit_gateway_id: None,
        vpc_peering_connection_id: None,
    };
    match seen.target {
        RouteTarget::InternetGateway(id) => shape.gateway_id = Some(id.to_string()),
        RouteTarget::VpnGateway(id) => shape.gateway_id = Some(id.to_string()),
        RouteTarget::Endpoint(id) => shape.gateway_id = Some(id.to_string()),
        RouteTarget::Local => shape.gateway_id = Some("local".into()),
        RouteTarget::Interface(id) => shape.network_interface_id = Some(id.to_string()),
        RouteTarget::NatGateway(id) => shape.nat_gateway_id = Some(id.to_string()),
        RouteTarget::EgressOnly(id) => shape.egress_only_internet_gateway_id = Some(id.to_string()),
        RouteTarget::Peering(id) => shape.vpc_peering_connection_id = Some(id.to_string()),
        RouteTarget::TransitGateway(id) => shape.transit_gateway_id = Some(id.to_string()),
    }
    shape
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TransitRouteShape<'v> {
    destination_cidr: String,
    state: &'static str,
    route_origin: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    attachment_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_id: Option<&'v str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_type: Option<&'v str>,
}

fn transit_route(seen: &TransitRouteSeen) -> TransitRouteShape<'_> {
    TransitRouteShape {
        destination_cidr: seen.destination.to_string(),
        state: if seen.attachment.is_some() { "active" } else { "blackhole" },
        route_origin: if seen.propagated { "propagated" } else { "static" },
        attachment_id: seen.attachment.map(|id| id.to_string()),
        resource_id: seen.resource.as_ref().map(|(_, id)| id.as_str()),
        resource_type: seen.resource.as_ref().map(|(kind, _)| kind.as_str()),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HeaderShape {
    destination_address_set: [String; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_port_range_set: Option<[Ports; 1]>,
    protocol: String,
    source_address_set: [String; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    source_port_range_set: Option<[Ports; 1]>,
}

fn header(packet: Packet) -> HeaderShape {
    let ports = match packet.header {
        Header::Ports { source, destination } => Some((source, destination)),
        Header::Icmp { .. } | Header::Other => None,
    };
    let one = |port: u16| [Ports { from: port.into(), to: port.into() }];
    HeaderShape {
        destination_address_set: [block(packet.destination)],
        destination_port_range_set: ports.map(|(_, destination)| one(destination)),
        protocol: packet.protocol.to_string(),
        source_address_set: [block(packet.source)],
        source_port_range_set: ports.map(|(source, _)| one(source)),
    }
}

/// An address as a block of itself, as AWS writes them.
fn block(address: IpAddr) -> String {
    format!("{address}/{}", if address.is_ipv4() { 32 } else { 128 })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExplanationShape<'v> {
    #[serde(skip_serializing_if = "Option::is_none")]
    acl: Option<ComponentShape<'v>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acl_rule: Option<AclRuleShape>,
    component: ComponentShape<'v>,
    #[serde(skip_serializing_if = "Option::is_none")]
    direction: Option<&'static str>,
    explanation_code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    route_table_route: Option<RouteShape<'v>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    route_table: Option<ComponentShape<'v>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    security_group: Option<ComponentShape<'v>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subnet: Option<ComponentShape<'v>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transit_gateway_route_table: Option<ComponentShape<'v>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transit_gateway_route_table_route: Option<TransitRouteShape<'v>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vpc: Option<ComponentShape<'v>>,
}

fn explanation<'v>(view: &View<'v>, stop: &'v Stop) -> ExplanationShape<'v> {
    let decided = decision(&stop.decision);
    let of = |is: fn(&Component) -> bool| Some(stop.component).filter(is).map(|it| component(view, it));
    ExplanationShape {
        acl: of(|it| matches!(it, Component::NetworkAcl(_))),
        acl_rule: decided.acl_rule,
        component: component(view, stop.component),
        direction: stop.direction.map(direction),
        explanation_code: stop.code.name(),
        route_table_route: decided.route,
        route_table: of(|it| matches!(it, Component::RouteTable(_))),
        security_group: of(|it| matches!(it, Component::SecurityGroup(_))),
        subnet: stop.subnet.map(|id| component(view, Component::Subnet(id))),
        transit_gateway_route_table: of(|it| matches!(it, Component::TransitTable(_))),
        transit_gateway_route_table_route: decided.transit_route,
        vpc: stop.vpc.map(|id| component(view, Component::Vpc(id))),
    }
}
