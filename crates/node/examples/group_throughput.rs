//! What a thousand rules cost: TCP between two ports of one network, through a group with a thousand rules and through
//! one that allows everything, in turns. Needs root, nft and unshare; all of it happens in namespaces of its own.
//!
//! The ports are pairs of links here instead of TAPs, so that nothing but the kernel is on the way.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use landfall_model::plan::*;
use landfall_model::{
    Cidr, InstanceId, InterfaceId, IpProtocol, Ipv4Cidr, Mac, PortRange, SecurityGroupId, SubnetId, VpcId,
};
use landfall_node::driver::Network;
use landfall_node::network::{HostNetwork, NetworkConfig, namespace};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const ROUNDS: usize = 16;
const ROUND: Duration = Duration::from_millis(600);
/// Between a change of rules and the measurement.
const SETTLE: Duration = Duration::from_millis(100);

fn main() -> Outcome<()> {
    if std::env::var_os("LANDFALL_OWN_MACHINE").is_none() {
        let status = Command::new("unshare")
            .args(["-n", "-m", "--propagation", "private"])
            .arg(std::env::current_exe()?)
            .env("LANDFALL_OWN_MACHINE", "1")
            .status()?;
        return if status.success() { Ok(()) } else { Err(format!("unshare: {status}").into()) };
    }
    run("mount", "-t tmpfs none /run")?;
    let network = HostNetwork::new(NetworkConfig::new(PathBuf::from("/run/landfall")));
    let plans = [plan(&one_rule())?, plan(&thousand_rules()?)?];
    network.apply(&plans[0])?;
    for number in [1u32, 2] {
        let (guest, port) = (format!("guest-{number}"), format!("lf{number:012x}"));
        namespace::ensure(&guest)?;
        run("ip", &format!("-n lf-1 link del {port}"))?;
        run("ip", &format!("-n lf-1 link add {port} type veth peer name eth0 netns {guest}"))?;
        for step in [
            format!("link set eth0 address 06:00:00:00:00:0{number} up"),
            format!("addr add 10.1.1.1{number}/24 dev eth0"),
        ] {
            run("ip", &format!("-n {guest} {step}"))?;
        }
    }
    let listener = namespace::within("guest-2", || TcpListener::bind("0.0.0.0:7000"))?;
    let (mut bytes, mut calls) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for round in 0..ROUNDS {
        // In turns, and each as often first.
        for index in [round % 2, 1 - round % 2] {
            network.apply(&plans[index])?;
            std::thread::sleep(SETTLE);
            bytes[index].push(throughput(&listener)?);
            calls[index].push(connections(&listener)?);
        }
    }
    network.apply(&HostPlan::default())?;
    for (what, unit, rounds) in [("throughput", "MB/s", &mut bytes), ("new connections", "a second", &mut calls)] {
        let mut ratios: Vec<f64> = rounds[0].iter().zip(&rounds[1]).map(|(one, thousand)| thousand / one).collect();
        let [one, thousand] = rounds.each_mut().map(|values| median(values));
        let ratio = median(&mut ratios);
        let (low, high) = (ratios[ROUNDS / 4], ratios[ROUNDS * 3 / 4]);
        println!("{what}: one rule {one:.0} {unit}, 1,000 rules {thousand:.0} {unit}, ratio {ratio:.3}");
        println!("    of {ROUNDS} pairs of rounds; half of them between {low:.3} and {high:.3}");
    }
    Ok(())
}

fn run(program: &str, arguments: &str) -> Outcome<()> {
    let status = Command::new(program).args(arguments.split_whitespace()).status()?;
    if status.success() { Ok(()) } else { Err(format!("{program} {arguments}: {status}").into()) }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn server() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::new(10, 1, 1, 12), 7000))
}

/// Megabytes a second through one connection.
fn throughput(listener: &TcpListener) -> Outcome<f64> {
    let mut sender = namespace::within("guest-1", || TcpStream::connect_timeout(&server(), Duration::from_secs(2)))?;
    let (mut receiver, _) = listener.accept()?;
    let writer = std::thread::spawn(move || {
        let (block, until) = (vec![0; 128 << 10], Instant::now() + ROUND);
        while Instant::now() < until && sender.write_all(&block).is_ok() {}
    });
    let (mut block, mut total, begin) = (vec![0; 256 << 10], 0usize, Instant::now());
    while let Ok(length @ 1..) = receiver.read(&mut block) {
        total += length;
    }
    let seconds = begin.elapsed().as_secs_f64();
    writer.join().map_err(|_| "the sender ended")?;
    #[expect(clippy::cast_precision_loss, reason = "a rate for a person to read")]
    Ok(total as f64 / 1e6 / seconds)
}

/// Connections made and closed a second, one after another: each one's first packet walks the group's rules.
fn connections(listener: &TcpListener) -> Outcome<f64> {
    let listener = listener.try_clone()?;
    let count = namespace::within("guest-1", move || {
        let (mut count, until) = (0u32, Instant::now() + ROUND / 2);
        while Instant::now() < until {
            let stream = TcpStream::connect_timeout(&server(), Duration::from_secs(2))?;
            // A reset, so that ports don't run out waiting.
            socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
            drop((listener.accept()?, stream));
            count += 1;
        }
        Ok(count)
    })?;
    Ok(f64::from(count) / (ROUND / 2).as_secs_f64())
}

fn rule(protocol: IpProtocol, from: i32, to: i32, block: Ipv4Cidr) -> GroupRulePlan {
    GroupRulePlan { protocol, ports: PortRange { from, to }, peer: PeerPlan::Cidr(Cidr::V4(block)) }
}

fn one_rule() -> Vec<GroupRulePlan> {
    vec![rule(IpProtocol::All, -1, -1, Ipv4Cidr::ALL)]
}

/// Overlapping as rules of people do; the one that matters is the last.
fn thousand_rules() -> Outcome<Vec<GroupRulePlan>> {
    let mut rules = Vec::new();
    for number in 0..999i32 {
        let protocol = if number % 3 == 0 { IpProtocol::UDP } else { IpProtocol::TCP };
        let third = u8::try_from(number % 250)?;
        let prefix = [32, 28, 24, 16][usize::try_from(number % 4)?];
        let block = Ipv4Cidr::new(Ipv4Addr::new(172, 16 + third % 16, third, 7), prefix).ok_or("no block")?;
        rules.push(rule(protocol, number * 7 % 6000, number * 7 % 6000 + number % 40, block));
    }
    rules.push(rule(IpProtocol::TCP, 7000, 7000, "10.1.0.0/16".parse()?));
    Ok(rules)
}

fn plan(ingress: &[GroupRulePlan]) -> Outcome<HostPlan> {
    let (vpc, subnet, group) = (VpcId::from_random(1), SubnetId::from_random(1), SecurityGroupId::from_random(1));
    let mut plan = HostPlan { incarnation: 1, revision: 1, ..HostPlan::default() };
    let network = VpcPlan {
        ipv6: vec![],
        egress_only: false,
        internet_routes: vec![],
        vpn_routes: vec![],
        private_names: Default::default(),
        dhcp: Default::default(),
        id: vpc,
        cidrs: vec!["10.1.0.0/16".parse()?],
        number: 1,
        dns_support: true,
        dns_hostnames: true,
        internet_gateway: false,
        domain_name: "ec2.internal".into(),
        domain_name_servers: vec![],
        ntp_servers: vec![],
    };
    let all = AclRulePlan {
        number: 100,
        allow: true,
        protocol: IpProtocol::All,
        ports: PortRange::ANY,
        cidr: Cidr::V4(Ipv4Cidr::ALL),
    };
    let part = SubnetPlan {
        ipv6: None,
        id: subnet,
        vpc,
        cidr: "10.1.1.0/24".parse()?,
        routes: vec![],
        acl_ingress: vec![all.clone()],
        acl_egress: vec![all],
    };
    let rules = GroupPlan { id: group, vpc, ingress: ingress.to_vec(), egress: one_rule() };
    plan.pieces.insert(PieceKey::Vpc(vpc), Piece::Vpc(network));
    plan.pieces.insert(PieceKey::Subnet(subnet), Piece::Subnet(part));
    plan.pieces.insert(PieceKey::Group(group), Piece::Group(rules));
    for number in [1u8, 2] {
        let id = InterfaceId::from_random(number.into());
        let port = PortPlan {
            ipv6: vec![],
            id,
            vpc,
            subnet,
            mac: Mac([6, 0, 0, 0, 0, number]),
            addresses: vec![Ipv4Addr::new(10, 1, 1, 10 + number)],
            groups: vec![group],
            source_dest_check: true,
            public: vec![],
            location: PortLocation::Here(InstanceId::from_random(number.into())),
            device_index: 0,
            resource_name: None,
        };
        plan.pieces.insert(PieceKey::Port(id), Piece::Port(port));
    }
    Ok(plan)
}
