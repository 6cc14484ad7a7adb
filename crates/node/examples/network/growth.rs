//! What one more interface, rule or member takes on hosts that have few and many, in turns.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Instant;

use landfall_model::plan::{HostPlan, PeerPlan, Piece, PieceKey};
use landfall_model::{Cidr, IpProtocol, Ipv4Cidr};
use landfall_node::driver::Network;
use landfall_node::network::{HostNetwork, NetworkConfig};

use crate::plans::{MEASURED, MEMBERS, add_port, group_id, networks, rule, set_group};
use crate::stand::run;
use crate::{Outcome, median};

const ROUNDS: u32 = 15;
/// Interfaces and networks of each host. All are compared with the first.
const HOSTS: [(u32, u32); 4] = [(10, 1), (1000, 1), (4000, 1), (1000, 100)];
const STEPS: [&str; 6] = ["interface +", "interface -", "rule +", "rule -", "member +", "member -"];

/// A host among others on one machine.
struct Host {
    config: NetworkConfig,
    network: HostNetwork,
    plan: HostPlan,
    ports: u32,
    count: u32,
    /// What each step took, by round.
    steps: [Vec<f64>; STEPS.len()],
}

pub fn measure() -> Outcome<()> {
    let mut hosts = Vec::new();
    for (number, (ports, count)) in (0u8..).zip(HOSTS) {
        let mut config = NetworkConfig::new(PathBuf::from(format!("/run/landfall-{number}")));
        config.prefix = format!("l{number}");
        config.pool = Ipv4Cidr::new(Ipv4Addr::new(198, 18 + number, 0, 0), 16).ok_or("no pool")?;
        let plan = plan(ports, count, number)?;
        let begin = Instant::now();
        let network = HostNetwork::new(config.clone());
        network.apply(&plan)?;
        let all = begin.elapsed().as_secs_f64() * 1e3;
        let rules = rules_alone(&config, &plan, count)?;
        println!("{ports} interfaces in {count} networks from nothing: {all:.0} ms, their rules alone {rules:.0} ms");
        let mut host = Host { config, network, plan, ports, count, steps: Default::default() };
        // Another driver loaded the rules, which this one notices where it looks at all of them.
        host.network.apply(&host.plan)?;
        host.round(0, false)?;
        hosts.push(host);
    }
    for round in 1..=ROUNDS {
        hosts.iter_mut().try_for_each(|host| host.round(round, true))?;
    }
    println!("\nmilliseconds, medians of {ROUNDS}, and in how many times the first host's");
    println!("{:<34}{}", "", STEPS.map(|step| format!("{step:>18}")).concat());
    for host in &hosts {
        let mut line = format!("{:<34}", format!("{} interfaces in {} networks", host.ports, host.count));
        for (own, first) in host.steps.iter().zip(&hosts[0].steps) {
            let ratios: Vec<_> = own.iter().zip(first).map(|(own, first)| own / first).collect();
            line += &format!("{:>10.2} ({:>4.2})", median(own), median(&ratios));
        }
        println!("{line}");
    }
    println!(
        "interface: one comes or goes; rule: of the group that all are in; member: one joins or leaves that group"
    );
    hosts.iter().try_for_each(|host| host.network.apply(&HostPlan::default()).map_err(Into::into))
}

/// All ports are let in by reference to the group that they are in. Two more are in another one.
fn plan(ports: u32, count: u32, host: u8) -> Outcome<HostPlan> {
    let mut plan = networks(count)?;
    set_group(&mut plan, MEMBERS, vec![rule(IpProtocol::TCP, 80, 90, PeerPlan::Group(group_id(MEMBERS)))]);
    for number in 1..=ports {
        add_port(&mut plan, number, 1 + number % count, &[MEMBERS]);
    }
    add_port(&mut plan, ports + 1, 1, &[MEASURED]);
    add_port(&mut plan, ports + 2, 1, &[MEMBERS, MEASURED]);
    for piece in plan.pieces.values_mut() {
        own_pool(piece, host);
    }
    Ok(plan)
}

fn own_pool(piece: &mut Piece, host: u8) {
    if let Piece::Port(port) = piece {
        for pair in &mut port.public {
            let [a, b, c, d] = pair.public.octets();
            pair.public = Ipv4Addr::new(a, b + host, c, d);
        }
    }
}

impl Host {
    fn round(&mut self, round: u32, counts: bool) -> Outcome<()> {
        let (ports, count) = (self.ports, self.count);
        let mut times = Vec::new();
        let come = add_port(&mut self.plan, ports + 100 + round, 1 + (ports + round) % count, &[MEMBERS]);
        if let Some(piece) = self.plan.pieces.get_mut(&come) {
            let [_, host, ..] = self.config.pool.first().octets();
            own_pool(piece, host - 18);
        }
        times.push(self.timed(come)?);
        self.plan.pieces.remove(&come);
        times.push(self.timed(come)?);
        let block = Cidr::V4(Ipv4Cidr::new([192, 168, u8::try_from(round)?, 0].into(), 24).ok_or("no block")?);
        let members = rule(IpProtocol::TCP, 80, 90, PeerPlan::Group(group_id(MEMBERS)));
        let more = rule(IpProtocol::TCP, 443, 443, PeerPlan::Cidr(block));
        for rules in [vec![members.clone(), more], vec![members]] {
            set_group(&mut self.plan, MEMBERS, rules);
            times.push(self.timed(PieceKey::Group(group_id(MEMBERS)))?);
        }
        for groups in [vec![MEMBERS, MEASURED], vec![MEASURED]] {
            let joining = add_port(&mut self.plan, ports + 1, 1, &groups);
            times.push(self.timed(joining)?);
        }
        if counts {
            self.steps.iter_mut().zip(times).for_each(|(step, time)| step.push(time));
        }
        Ok(())
    }

    /// What it takes to follow the plan, which differs from the one before by that piece.
    fn timed(&mut self, changed: PieceKey) -> Outcome<f64> {
        self.plan.revision += 1;
        let begin = Instant::now();
        self.network.follow(&self.plan, &[changed].into())?;
        Ok(begin.elapsed().as_secs_f64() * 1e3)
    }
}

/// The rules of all networks, loaded where there are none: by a driver that knows nothing, less what it takes to look at
/// all that is there.
fn rules_alone(config: &NetworkConfig, plan: &HostPlan, count: u32) -> Outcome<f64> {
    let timed = |network: &HostNetwork| {
        let begin = Instant::now();
        network.apply(plan)?;
        Outcome::Ok(begin.elapsed().as_secs_f64() * 1e3)
    };
    let again = HostNetwork::new(config.clone());
    again.apply(plan)?;
    let look = timed(&again)?;
    for number in 1..=count {
        run("ip", &format!("netns exec {}-{number} nft flush ruleset", config.prefix))?;
    }
    Ok(timed(&HostNetwork::new(config.clone()))? - look)
}
