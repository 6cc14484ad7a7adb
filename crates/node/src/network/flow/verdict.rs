//! Whose rules refused a flow.
//!
//! The counters tell that packets didn't get through, not where they ended: a packet from one port to another meets the
//! rules of both. AWS writes it down at the sender as accepted if the sender's own rules let it out, and at the receiver
//! as rejected. So the rules of the two are asked here, as a plain list, the way the plan has them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use landfall_model::plan::{AclRulePlan, GroupRulePlan, HostPlan, PeerPlan, Piece, PortPlan, SubnetPlan};
use landfall_model::{Cidr, InterfaceId, IpProtocol, PortRange, RuleDirection, VpcId};

use super::super::group::{self, Members};
use super::super::scope::connected;
use super::count::{Amount, Counts, Translated, Tuple};
use super::table::gateway_address;

/// A flow at a port of this host: what became of it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// The port.
    pub port: InterfaceId,
    /// Whether its guest sends it.
    pub outwards: bool,
    /// Which.
    pub tuple: Tuple,
    /// What the port's own rules let through.
    pub accepted: Amount,
    /// What they didn't.
    pub rejected: Amount,
    /// The flags of TCP that were seen, as records show them.
    pub flags: u8,
}

/// The part of a plan that tells the rules of a network's ports.
pub fn rules_of(plan: &HostPlan, vpc: VpcId) -> HostPlan {
    let mut known = connected(plan, vpc);
    known.insert(vpc);
    let is_told = |piece: &Piece| match piece {
        Piece::Port(port) => known.contains(&port.vpc),
        Piece::Group(group) => group.vpc == vpc,
        Piece::Subnet(subnet) => subnet.vpc == vpc,
        Piece::Peering(peering) => peering.vpcs.contains(&vpc),
        _ => false,
    };
    let pieces = plan.pieces.iter().filter(|(_, piece)| is_told(piece)).map(|(key, piece)| (*key, piece.clone()));
    HostPlan { pieces: pieces.collect(), ..HostPlan::default() }
}

/// What became of all that was counted. `names` has the ports by what the counters call them, `before` the rules as they
/// were when the window began: what didn't get through was refused by those or by the ones of its end.
pub fn judge(plan: &HostPlan, before: &HostPlan, counts: &Counts, names: &BTreeMap<String, InterfaceId>) -> Vec<Flow> {
    let [mut now, mut before] = [plan, before].map(|plan| Rules { plan, members: BTreeMap::new() });
    let mut refuse = |port: InterfaceId, outwards: bool, tuple: &Tuple, answers: bool| {
        now.refuse(port, outwards, tuple, answers)
            || before.refuse(port, outwards, tuple, answers)
            // What isn't tracked ends with the rule that let it through, also where it was answered until then.
            || (answers && before.let_through(port, outwards, tuple) && now.refuse(port, outwards, tuple, false))
    };
    let mut senders: BTreeMap<Tuple, Vec<InterfaceId>> = BTreeMap::new();
    let mut heard: BTreeSet<(InterfaceId, bool, Tuple)> = BTreeSet::new();
    for (key, tally) in &counts.flows {
        let Some(port) = names.get(&key.link) else { continue };
        if key.outwards {
            senders.entry(key.tuple).or_default().push(*port);
        }
        if !tally.accepted.is_none() {
            heard.insert((*port, key.outwards, key.tuple));
        }
    }
    let mut flows = Vec::with_capacity(counts.flows.len());
    for (key, tally) in &counts.flows {
        let Some(&id) = names.get(&key.link) else { continue };
        let mut flow = Flow {
            port: id,
            outwards: key.outwards,
            tuple: key.tuple,
            accepted: tally.offered,
            rejected: Amount::default(),
            flags: counts.flags.get(&key.tuple).copied().unwrap_or_default(),
        };
        let missing = tally.offered.without(tally.accepted);
        if !missing.is_none() {
            // An answer to what was let through isn't asked about by groups.
            let answers = |port| heard.contains(&(port, !key.outwards, key.tuple.reversed()));
            let sender = senders.get(&key.tuple).into_iter().flatten().find(|port| **port != id);
            let asked = |port| heard.contains(&(port, false, key.tuple.reversed()));
            let mut held_back = |port: InterfaceId| refuse(port, true, &key.tuple, asked(port));
            if !key.outwards && sender.copied().is_some_and(&mut held_back) {
                // It never came this far.
                flow.accepted = tally.accepted;
            } else if refuse(id, key.outwards, &key.tuple, answers(id))
                // What came and was let in by nobody: what belongs to no connection, for one.
                || (!key.outwards && tally.accepted.is_none())
            {
                (flow.accepted, flow.rejected) = (tally.accepted, missing);
            }
        } else if tally.offered.packets < tally.accepted.packets {
            // They were under way between the two counters when the halves changed.
            flow.accepted = tally.accepted;
        }
        if !flow.accepted.is_none() || !flow.rejected.is_none() {
            flows.push(flow);
        }
    }
    for (key, amount) in &counts.translated {
        if let Some(own) = names.get(&key.link).and_then(|id| plan.port(*id)) {
            flows.extend(at_gateway(own, key, *amount));
        }
    }
    flows
}

/// What a NAT gateway's interface takes in of a flow, and what it sends on of it: on its inner side with the other ends, on
/// its outer side in its own name. Source: "Traffic through a NAT gateway" among AWS's examples of records.
fn at_gateway(own: &PortPlan, key: &Translated, amount: Amount) -> Vec<Flow> {
    let address = gateway_address(&key.link).or_else(|| own.addresses.first().copied());
    let Some(address) = address.map(IpAddr::V4) else { return Vec::new() };
    let inner = key.tuple;
    let outer = Tuple { source: address, source_port: key.port, ..inner };
    let [(came, came_in), (went, went_out)] = match key.is_reply {
        false => [(inner, false), (outer, true)],
        true => [(outer.reversed(), false), (inner.reversed(), true)],
    };
    let flow = |(tuple, outwards): (Tuple, bool)| Flow {
        port: own.id,
        outwards,
        tuple,
        accepted: amount,
        rejected: Amount::default(),
        flags: 0,
    };
    vec![flow((came, came_in)), flow((went, went_out))]
}

/// The rules of a plan's ports.
struct Rules<'p> {
    plan: &'p HostPlan,
    members: BTreeMap<VpcId, Members>,
}

impl Rules<'_> {
    /// Whether a port's own rules refuse a flow, which is said to answer another or not.
    fn refuse(&mut self, port: InterfaceId, outwards: bool, tuple: &Tuple, answers: bool) -> bool {
        let Some(port) = self.plan.port(port) else { return false };
        let direction = if outwards { RuleDirection::Egress } else { RuleDirection::Ingress };
        let peer = if outwards { tuple.destination } else { tuple.source };
        let subnet = self.plan.subnet(port.subnet);
        if subnet.is_some_and(|subnet| acl_refuses(subnet, direction, peer, tuple)) {
            return true;
        }
        !answers && self.groups_refuse(port, direction, peer, tuple)
    }

    /// Whether the rules of a port that there was let a flow through by themselves, whatever it may answer.
    fn let_through(&mut self, port: InterfaceId, outwards: bool, tuple: &Tuple) -> bool {
        self.plan.port(port).is_some() && !self.refuse(port, outwards, tuple, false)
    }

    fn groups_refuse(&mut self, port: &PortPlan, direction: RuleDirection, peer: IpAddr, tuple: &Tuple) -> bool {
        let plan = self.plan;
        let members = self.members.entry(port.vpc).or_insert_with(|| group::members(plan, port.vpc));
        let groups = port.groups.iter().filter_map(|id| plan.group(*id));
        let mut rules = groups.flat_map(|group| match direction {
            RuleDirection::Ingress => &group.ingress,
            RuleDirection::Egress => &group.egress,
        });
        let allows = |rule: &GroupRulePlan| {
            let knows = match &rule.peer {
                PeerPlan::Cidr(cidr) => cidr.contains(peer),
                PeerPlan::Group(id) => members.get(id).is_some_and(|members| members.contains(&peer)),
            };
            knows && is_meant(rule.protocol, rule.ports, tuple)
        };
        !rules.any(allows)
    }
}

/// What stays within the subnet isn't asked about.
fn acl_refuses(subnet: &SubnetPlan, direction: RuleDirection, peer: IpAddr, tuple: &Tuple) -> bool {
    let own = [Some(Cidr::V4(subnet.cidr)), subnet.ipv6.map(Cidr::V6)];
    if own.into_iter().flatten().any(|block| block.contains(peer)) {
        return false;
    }
    let rules = match direction {
        RuleDirection::Ingress => &subnet.acl_ingress,
        RuleDirection::Egress => &subnet.acl_egress,
    };
    let meant = |rule: &&AclRulePlan| rule.cidr.contains(peer) && is_meant(rule.protocol, rule.ports, tuple);
    let first = rules.iter().filter(meant).min_by_key(|rule| rule.number);
    first.is_none_or(|rule| !rule.allow)
}

/// Whether a rule is about a flow, as far as its counters tell: types of ICMP aren't counted apart.
fn is_meant(protocol: IpProtocol, ports: PortRange, tuple: &Tuple) -> bool {
    let IpProtocol::Number(number) = protocol else { return true };
    let port = i32::from(tuple.destination_port);
    number == tuple.protocol
        && (!protocol.has_ports() || ports == PortRange::ANY || (ports.from <= port && port <= ports.to))
}
