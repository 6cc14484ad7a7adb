//! Records of flows, as AWS writes them. Source: "Flow log records" in the Amazon VPC User Guide.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use landfall_model::plan::{FlowLogPlan, HostPlan, NatGatewayPlan, Place, PortLocation, PortPlan, RouteTargetPlan};
use landfall_model::{Cidr, FlowLogResource, FlowLogTraffic, InterfaceId};

use super::count::Amount;
use super::verdict::Flow;

/// A span of time that records are about, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// When it began.
    pub start_s: i64,
    /// When it ended.
    pub end_s: i64,
}

/// The ports of this host whose traffic a flow log records.
pub fn ports<'p>(plan: &'p HostPlan, log: &FlowLogPlan) -> impl Iterator<Item = &'p PortPlan> {
    let resource = log.resource;
    plan.ports().filter(move |port| {
        (matches!(port.location, PortLocation::Here(_)) || gateway(plan, port).is_some() || is_face(plan, port))
            && match resource {
                FlowLogResource::Vpc(id) => port.vpc == id,
                FlowLogResource::Subnet(id) => port.subnet == id,
                FlowLogResource::Interface(id) => port.id == id,
            }
    })
}

/// The NAT gateway on this host whose interface a port is.
pub fn gateway<'p>(plan: &'p HostPlan, port: &PortPlan) -> Option<&'p NatGatewayPlan> {
    if port.location != PortLocation::Service {
        return None;
    }
    plan.nat_gateways().find(|gateway| gateway.interface == port.id && gateway.place == Place::Here)
}

/// Whether a port is an interface of an endpoint, which each host that has its network answers for.
pub fn is_face(plan: &HostPlan, port: &PortPlan) -> bool {
    port.location == PortLocation::Service && plan.endpoints().any(|endpoint| endpoint.interfaces.contains(&port.id))
}

/// What became of a network's traffic in a window.
pub struct Traffic<'f> {
    /// The flows.
    pub flows: &'f [Flow],
    /// The ports that had more than could be counted.
    pub skipped: &'f BTreeSet<InterfaceId>,
    /// Whether another host has the network, or may let something into it. Then that one answers for its endpoints too, and
    /// nobody knows of one that was silent here that it was.
    pub is_spread: bool,
}

/// The lines of a flow log for a window: the names of the fields, what each port's flows came to, and which ports had
/// none or more than could be counted.
pub fn lines(plan: &HostPlan, log: &FlowLogPlan, traffic: &Traffic<'_>, window: Window) -> Vec<String> {
    let mut lines = vec![log.fields.join(" ")];
    let mut by_port: BTreeMap<InterfaceId, Vec<&Flow>> = BTreeMap::new();
    for flow in traffic.flows {
        by_port.entry(flow.port).or_default().push(flow);
    }
    for port in ports(plan, log) {
        let mut writer = Writer { plan, log, port, window };
        let flows = by_port.remove(&port.id).unwrap_or_default();
        for flow in &flows {
            for (verdict, amount) in [(true, flow.accepted), (false, flow.rejected)] {
                let is_wanted = match log.traffic {
                    FlowLogTraffic::All => true,
                    FlowLogTraffic::Accept => verdict,
                    FlowLogTraffic::Reject => !verdict,
                };
                if is_wanted && !amount.is_none() {
                    lines.push(writer.line(&Line::Flow { flow, accepted: verdict, amount }));
                }
            }
        }
        if traffic.skipped.contains(&port.id) {
            lines.push(writer.line(&Line::Without("SKIPDATA")));
        } else if flows.is_empty() && !(traffic.is_spread && is_face(plan, port)) {
            lines.push(writer.line(&Line::Without("NODATA")));
        }
    }
    lines
}

/// What a line is about.
enum Line<'f> {
    Flow { flow: &'f Flow, accepted: bool, amount: Amount },
    Without(&'static str),
}

struct Writer<'p> {
    plan: &'p HostPlan,
    log: &'p FlowLogPlan,
    port: &'p PortPlan,
    window: Window,
}

impl Writer<'_> {
    fn line(&mut self, line: &Line<'_>) -> String {
        let fields = self.log.fields.iter().map(|field| {
            let value = match line {
                Line::Flow { flow, accepted, amount } => self.of_flow(field, flow, *accepted, *amount),
                Line::Without(_) => None,
            };
            value.or_else(|| self.of_port(field, line)).unwrap_or_else(|| "-".to_owned())
        });
        fields.collect::<Vec<_>>().join(" ")
    }

    /// What a field says of a flow.
    fn of_flow(&self, field: &str, flow: &Flow, accepted: bool, amount: Amount) -> Option<String> {
        let Flow { tuple, outwards, .. } = flow;
        let own = |address: IpAddr| match address {
            // The port is shown by its primary address, whichever of its own it speaks with.
            IpAddr::V4(v4) if !self.port.addresses.is_empty() => {
                IpAddr::V4(self.port.addresses.first().copied().unwrap_or(v4))
            }
            other => other,
        };
        Some(match field {
            "srcaddr" if *outwards => own(tuple.source).to_string(),
            "dstaddr" if !*outwards => own(tuple.destination).to_string(),
            "srcaddr" | "pkt-srcaddr" => tuple.source.to_string(),
            "dstaddr" | "pkt-dstaddr" => tuple.destination.to_string(),
            "srcport" => tuple.source_port.to_string(),
            "dstport" => tuple.destination_port.to_string(),
            "protocol" => tuple.protocol.to_string(),
            "packets" => amount.packets.to_string(),
            "bytes" => amount.bytes.to_string(),
            "action" => if accepted { "ACCEPT" } else { "REJECT" }.to_owned(),
            "tcp-flags" => flow.flags.to_string(),
            "type" => if tuple.source.is_ipv6() { "IPv6" } else { "IPv4" }.to_owned(),
            "flow-direction" => if *outwards { "egress" } else { "ingress" }.to_owned(),
            "traffic-path" if *outwards => self.path(tuple.destination)?.to_owned(),
            _ => return None,
        })
    }

    /// What a field says of the port, whatever it sent or received. What isn't known, or is nothing that Landfall has, is
    /// a dash, as AWS writes it: containers, local zones, addresses of AWS's services, why AWS's own rules rejected.
    fn of_port(&self, field: &str, line: &Line<'_>) -> Option<String> {
        let instance = match self.port.location {
            PortLocation::Here(instance) => Some(instance),
            PortLocation::Remote { .. } | PortLocation::Service => None,
        };
        Some(match field {
            "version" => version(&self.log.fields).to_string(),
            "account-id" => self.log.account.to_string(),
            "interface-id" => self.port.id.to_string(),
            "vpc-id" => self.port.vpc.to_string(),
            "subnet-id" => self.port.subnet.to_string(),
            "instance-id" => instance?.to_string(),
            "region" => self.log.region.to_string(),
            "az-id" => match instance {
                Some(instance) => self.plan.instance(instance)?.zone.zone_id(),
                None => self.plan.subnet(self.port.subnet)?.zone?.zone_id(),
            },
            "start" => self.window.start_s.to_string(),
            "end" => self.window.end_s.to_string(),
            "log-status" => match line {
                Line::Flow { .. } => "OK".to_owned(),
                Line::Without(status) => (*status).to_owned(),
            },
            _ => return None,
        })
    }

    /// The number of the way by which a packet leaves, as the field `traffic-path` has it.
    fn path(&self, to: IpAddr) -> Option<&'static str> {
        const SAME_VPC: &str = "1";
        const VPN_GATEWAY: &str = "3";
        const PEERING: &str = "4";
        const INTERNET_GATEWAY: &str = "8";
        let vpc = self.plan.vpc(self.port.vpc)?;
        let blocks =
            vpc.cidrs.iter().map(|block| Cidr::V4(*block)).chain(vpc.ipv6.iter().map(|block| Cidr::V6(*block)));
        let local = blocks.map(|block| (block, RouteTargetPlan::Local));
        let subnet = self.plan.subnet(self.port.subnet)?;
        let made = subnet.routes.iter().map(|route| (route.destination, route.target));
        let all = local.chain(made).filter(|(block, _)| block.contains(to));
        // Of two that are as long, the later one is the table's own.
        let (_, target) = all.max_by_key(|(block, _)| block.prefix())?;
        match target {
            RouteTargetPlan::Local | RouteTargetPlan::Interface(_) | RouteTargetPlan::NatGateway(_) => Some(SAME_VPC),
            RouteTargetPlan::InternetGateway | RouteTargetPlan::EgressOnly => Some(INTERNET_GATEWAY),
            RouteTargetPlan::VpnGateway(_) => Some(VPN_GATEWAY),
            RouteTargetPlan::Peering(_) => Some(PEERING),
            RouteTargetPlan::TransitGateway(_) | RouteTargetPlan::Blackhole | RouteTargetPlan::Absent => None,
        }
    }
}

/// The version of a format: the highest that one of its fields came with.
fn version(fields: &[String]) -> u8 {
    let of_field = |field: &String| match field.as_str() {
        "vpc-id" | "subnet-id" | "instance-id" | "tcp-flags" | "type" | "pkt-srcaddr" | "pkt-dstaddr" => 3,
        "region" | "az-id" | "sublocation-type" | "sublocation-id" => 4,
        "pkt-src-aws-service" | "pkt-dst-aws-service" | "flow-direction" | "traffic-path" => 5,
        "reject-reason" => 8,
        other if other.starts_with("ecs-") => 7,
        _ => 2,
    };
    fields.iter().map(of_field).max().unwrap_or(2)
}
