//! Random networks, and what must come of every packet in them.
//!
//! [`Topology::random`] makes a cloud from a seed: VPCs with subnets, route tables, groups, ACLs, gateways, peerings and a
//! transit gateway, IPv4 and IPv6, with machines in them. The same seed makes the same one. Its [`probes`](Topology::probes)
//! say who sends what to whom, each with the verdict of [`landfall_cloud::reach`]. A test that has real ports in namespaces
//! takes `plan::from_scratch(&topology.cloud, host, revision)` for each of its hosts, sends the probes' packets and compares.
//!
//! What such a test must know: a machine's ports are its interfaces, each of which stands for itself; those of
//! [`Machine::forwards`] forward what isn't theirs out of the port that it came in by, all others don't; whoever is asked
//! answers (TCP and UDP from the port that was asked, ICMP its echoes); the internet has the addresses of [`OUTSIDE`]. What
//! begins on the internet is sent from there.
//!
//! Few seeds have VPNs, because a real one takes a second to come up: each has an [`Office`] at its other end, from which the
//! probes of [`Source::Vpn`] are sent.
//!
//! Left out, because it needs more than packets: endpoints, what is under way from one state to another.

mod build;
mod link;
mod office;
mod rule;

use std::collections::BTreeSet;
use std::net::IpAddr;

use landfall_cloud::reach::{Assumptions, Code, Forwarding, Packet, Source, Verdict, reach};
use landfall_cloud::{Cloud, Entropy, Tx, View};
use landfall_model::{AccountId, HostId, InstanceId, InterfaceId, Region, Scope, Timestamp, VpcId};
use landfall_state::{Engine, MemoryLog};

use crate::dice::Dice;
use build::Builder;
pub use office::Office;

/// The addresses of the internet, as far as probes go (RFC 5737, RFC 3849).
pub const OUTSIDE: [IpAddr; 2] = [
    IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 9)),
    IpAddr::V6(std::net::Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 9)),
];
/// The ports that rules and probes are about.
const PORTS: [u16; 3] = [80, 443, 8080];
/// How many probes come from offices or go to them, where there are any.
const OF_OFFICES: usize = 40;
/// The port that every probe of TCP or UDP comes from is this and its number.
const FIRST_PORT: u16 = 20_000;

/// What a flow's hash chooses between: subnets of an attachment in appliance mode, and addresses of a NAT gateway.
type Choice = (usize, usize);

/// A random network.
pub struct Topology {
    /// What it was made from.
    pub seed: u64,
    /// The value.
    pub cloud: Cloud,
    /// The hosts that its machines are on, the first of which has all where there is one.
    pub hosts: Vec<HostId>,
    /// The machines.
    pub machines: Vec<Machine>,
    /// The other sides of its VPNs.
    pub offices: Vec<Office>,
    /// What is to be sent, and what must come of it.
    pub probes: Vec<Probe>,
}

/// An interface that has a machine.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The interface.
    pub interface: InterfaceId,
    /// Its instance.
    pub instance: InstanceId,
    /// The host that it is on.
    pub host: HostId,
    /// The network.
    pub vpc: VpcId,
    /// Its addresses, of both families.
    pub addresses: Vec<IpAddr>,
    /// Whether it forwards what isn't its own.
    pub forwards: bool,
}

/// A packet to be sent, and what must come of it.
#[derive(Clone, Debug)]
pub struct Probe {
    /// Where it is sent.
    pub from: Source,
    /// What.
    pub packet: Packet,
    /// What must come of it.
    pub verdict: Verdict,
}

impl Probe {
    /// Whether the first packet arrives, whatever becomes of the answer.
    pub fn arrives(&self) -> bool {
        self.verdict.arrival.is_ok()
    }

    /// Whether a connection comes about: the packet arrives and its answer comes back.
    pub fn is_reached(&self) -> bool {
        self.verdict.is_reached()
    }

    /// A line that says what it is and why, for whoever must find out who is right.
    pub fn describe(&self) -> String {
        let way: Vec<_> = self.verdict.forward.iter().map(|hop| hop.component.id()).collect();
        let back: Vec<_> = self.verdict.back.iter().map(|hop| hop.component.id()).collect();
        let end = match self.verdict.stop() {
            Some(stop) => format!("{} at {}", stop.code.name(), stop.component.id()),
            None => "reached".to_owned(),
        };
        format!("{:?} from {:?}: {end}; there {}; back {}", self.packet, self.from, way.join(" "), back.join(" "))
    }
}

/// How large a network may be.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// VPCs, at most; at least one.
    pub vpcs: u64,
    /// Subnets of each, at most; at least one.
    pub subnets: u64,
    /// Hosts that machines are spread over.
    pub hosts: u8,
    /// Probes, at most.
    pub probes: usize,
}

impl Default for Size {
    /// Large enough for everything to meet everything, small enough for a thousand of them.
    fn default() -> Self {
        Self { vpcs: 3, subnets: 3, hosts: 1, probes: 120 }
    }
}

impl Topology {
    /// The network of a seed, on one host.
    pub fn random(seed: u64) -> Self {
        Self::of_size(seed, Size::default())
    }

    /// The network of a seed and a size.
    pub fn of_size(seed: u64, size: Size) -> Self {
        let scope = Scope { account: AccountId::PROVIDER, region: Region::DEFAULT };
        let mut dice = Dice::new(seed);
        let mut entropy = Entropy::seeded(dice.seed());
        let (cloud, (hosts, choices, offices), machines) = transact(|tx| {
            let mut tx = Tx::new(tx, scope, &mut entropy);
            let mut builder = Builder::new(&mut tx, &mut dice, size, office::has_offices(seed));
            builder.build();
            let choices = (builder.appliance.unwrap_or(1), builder.nat_addresses);
            ((builder.hosts, choices, builder.offices), builder.machines)
        });
        let mut topology = Self { seed, cloud, hosts, machines, offices, probes: Vec::new() };
        topology.machines.iter_mut().for_each(|machine| {
            let row = topology.cloud.interfaces.by_id(&machine.interface).next();
            machine.addresses = row.into_iter().flat_map(|row| row.all_addresses()).collect();
        });
        topology.probes = topology.choose_probes(&mut dice, size.probes, choices);
        topology
    }

    /// What must come of a packet.
    pub fn verdict(&self, from: Source, packet: Packet) -> Verdict {
        self.verdict_by(from, packet, (0, 0))
    }

    /// The same if what a flow's hash chooses is that: the subnet that an attachment in appliance mode takes it in by, and the
    /// address that a NAT gateway translates it to.
    fn verdict_by(&self, from: Source, packet: Packet, choice: Choice) -> Verdict {
        let forwards = self.machines.iter().filter(|machine| machine.forwards).map(|machine| machine.interface);
        let forwarding = Forwarding::These(forwards.collect::<BTreeSet<_>>());
        reach(
            &self.cloud,
            from,
            packet,
            &Assumptions { forwarding, tunnels_up: false, appliance: choice.0, nat_address: choice.1 },
        )
    }

    fn choose_probes(&self, dice: &mut Dice, most: usize, (subnets, addresses): Choice) -> Vec<Probe> {
        let mut pairs = Vec::new();
        for machine in &self.machines {
            let source = Source::Interface(machine.interface);
            for own in &machine.addresses {
                let others = self.machines.iter().filter(|other| other.interface != machine.interface);
                let inside = others.flat_map(|other| other.addresses.iter().copied());
                // Two networks may have one address; nobody sends to itself by the wire.
                let all = inside.chain(self.public()).chain(OUTSIDE).filter(|to| to != own);
                pairs.extend(all.filter(|to| to.is_ipv4() == own.is_ipv4()).map(|to| (source, *own, to)));
            }
        }
        let reachable = self.public().into_iter().chain(self.machines.iter().flat_map(|m| m.addresses.iter().copied()));
        for to in reachable.collect::<BTreeSet<_>>() {
            // To a private address nothing comes from the internet, nor is there a way to send it.
            if to.is_ipv6() || self.public().contains(&to) {
                pairs.push((Source::Internet, OUTSIDE[usize::from(to.is_ipv6())], to));
            }
        }
        let mut of_offices = self.pairs_of_offices();
        let mut probes = Vec::new();
        while probes.len() < most && !pairs.is_empty() {
            let pairs = if probes.len() < OF_OFFICES && !of_offices.is_empty() { &mut of_offices } else { &mut pairs };
            let (from, source, to) = pairs.swap_remove(dice.below(pairs.len() as u64) as usize);
            let port = FIRST_PORT + probes.len() as u16;
            let asked = dice.pick(&PORTS).copied().unwrap_or(80);
            let packet = match dice.below(6) {
                0 => Packet::echo(source, to),
                1 => Packet::udp(source, port, to, asked),
                _ => Packet::tcp(source, port, to, asked),
            };
            let verdict = self.verdict(from, packet);
            // Whatever the flow's hash chooses, the same must come of it: nobody can say which it is.
            let outcome = |verdict: &Verdict| (verdict.arrival.clone().ok(), verdict.is_reached());
            let mut choices = (0..subnets).flat_map(|subnet| (0..addresses).map(move |address| (subnet, address)));
            let is_sure = choices.all(|choice| outcome(&self.verdict_by(from, packet, choice)) == outcome(&verdict));
            if !is_sure {
                continue;
            }
            // Of those that have no way at all a few are enough.
            let is_lost = verdict.stop().is_some_and(|stop| stop.code == Code::NoRoute);
            if !is_lost || dice.chance(300) {
                probes.push(Probe { from, packet, verdict });
            }
        }
        probes
    }

    /// From each office to each machine, as itself and in a machine's name; and from each machine to each office.
    fn pairs_of_offices(&self) -> Vec<(Source, IpAddr, IpAddr)> {
        let mut pairs = Vec::new();
        let v4 = |machine: &Machine| machine.addresses.iter().copied().filter(IpAddr::is_ipv4).collect::<Vec<_>>();
        let all: Vec<IpAddr> = self.machines.iter().flat_map(v4).collect();
        for office in &self.offices {
            let desk = IpAddr::V4(office.desk);
            for machine in &self.machines {
                pairs.extend(v4(machine).into_iter().map(|own| (Source::Interface(machine.interface), own, desk)));
            }
            if office.is_up {
                let from = Source::Vpn(office.vpn);
                pairs.extend(all.iter().map(|to| (from, desk, *to)));
                let others = all.iter().zip(all.iter().skip(1)).filter(|(a, b)| a != b);
                pairs.extend(others.map(|(source, to)| (from, *source, *to)));
            }
        }
        pairs
    }

    /// Whether a network is peered with two that have the same block.
    pub fn has_namesakes(&self) -> bool {
        self.cloud.vpcs.iter().any(|row| {
            let mut blocks = Vec::new();
            for peering in self.cloud.peerings.by_vpc(&row.id) {
                let Some(side) = peering.across(row.id) else { continue };
                for other in self.cloud.vpcs.by_id(&side.vpc) {
                    blocks.extend(other.cidrs.iter().map(|(_, block)| *block));
                }
            }
            blocks.len() > blocks.iter().collect::<BTreeSet<_>>().len()
        })
    }

    /// Whether a NAT gateway has several addresses.
    pub fn has_wide_nat(&self) -> bool {
        self.cloud.nat_gateways.iter().any(|row| row.addresses.len() > 1)
    }

    /// The public addresses that stand for machines.
    fn public(&self) -> BTreeSet<IpAddr> {
        let scope = Scope { account: AccountId::PROVIDER, region: Region::DEFAULT };
        let view = View::new(&self.cloud, scope, Timestamp(1));
        let rows = self.machines.iter().filter_map(|machine| self.cloud.interfaces.by_id(&machine.interface).next());
        let all = rows.flat_map(|row| row.addresses.iter().filter_map(move |private| view.public_of(row, *private)));
        all.map(IpAddr::V4).collect()
    }
}

/// Makes a value in one transaction.
fn transact<A, B>(run: impl FnOnce(&mut landfall_state::Tx<'_, Cloud>) -> (A, B)) -> (Cloud, A, B) {
    let options = landfall_state::Options::default();
    let engine: Engine<Cloud> = match Engine::open(Box::new(MemoryLog::new()), options) {
        Ok(engine) => engine,
        Err(error) => panic!("an empty log in memory can't be opened: {error}"),
    };
    let mut made = None;
    let pending = engine.commit(|head| {
        let done: Result<(A, B), std::convert::Infallible> = head.transact(1, None, |tx| Ok(run(tx)));
        let Ok(done) = done;
        made = Some(done);
    });
    let written = pending.wait();
    match (written, made) {
        (Ok(()), Some((a, b))) => (Cloud::clone(&engine.read()), a, b),
        _ => panic!("memory has taken no commit"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_makes_one_network() {
        let (one, two) = (Topology::random(7), Topology::random(7));
        let describe = |topology: &Topology| topology.probes.iter().map(Probe::describe).collect::<Vec<_>>();
        assert_eq!(describe(&one), describe(&two));
        assert_ne!(describe(&one), describe(&Topology::random(8)));
    }

    #[test]
    fn networks_are_worth_probing() {
        let (mut reached, mut all, mut codes) = (0, 0, std::collections::BTreeMap::new());
        for seed in 0..200 {
            for probe in Topology::random(seed).probes {
                all += 1;
                reached += usize::from(probe.is_reached());
                if let Some(stop) = probe.verdict.stop() {
                    *codes.entry(stop.code.name()).or_insert(0) += 1;
                }
            }
        }
        println!("{reached} of {all} reached; {codes:#?}");
        assert!((15..=85).contains(&(100 * reached / all)), "{reached} of {all}");
        for code in [
            "BAD_STATE_ROUTE",
            "ENI_SG_RULES_MISMATCH",
            "ENI_SOURCE_DEST_CHECK_RESTRICTION",
            "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS",
            "NGW_SOURCE_ADDRESS_REASSIGN",
            "NO_POSSIBLE_DESTINATION",
            "NO_ROUTE_TO_DESTINATION",
            "SG_HAS_NO_RULES",
            "SUBNET_ACL_RESTRICTION",
            "TGW_ROUTE_AZ_RESTRICTION",
            "TGW_RTB_BAD_STATE_ROUTE",
            "TGW_RTB_NO_ROUTE_TO_TGW_ATTACHMENT",
        ] {
            assert!(codes.contains_key(code), "{code} never comes up: {codes:?}");
        }
    }

    #[test]
    fn every_host_has_a_plan() {
        let size = Size { hosts: 3, ..Size::default() };
        for seed in 0..20 {
            let topology = Topology::of_size(seed, size);
            for host in &topology.hosts {
                let plan = landfall_cloud::plan::from_scratch(&topology.cloud, *host, 1);
                let here = topology.machines.iter().filter(|machine| machine.host == *host);
                for machine in here {
                    assert!(plan.port(machine.interface).is_some(), "seed {seed}: {machine:?}");
                }
            }
        }
    }
}
