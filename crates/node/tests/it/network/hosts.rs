//! One network over several hosts: each is a namespace with a driver of its own, and a wire between them.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};

use landfall_model::plan::*;
use landfall_model::*;
use landfall_node::driver::Network;
use landfall_node::network::{HostNetwork, NetworkConfig, Underlay, namespace};

use super::cloud::*;
use super::stand::*;
use super::uplink;

pub const PORT: u16 = 4789;

/// A host with its own plan.
pub struct Host {
    pub name: &'static str,
    pub address: Ipv4Addr,
    pub network: HostNetwork,
    pub cloud: Cloud,
}

impl Host {
    /// The first or the second one.
    fn new(number: u8) -> Self {
        let name = ["host-1", "host-2"][usize::from(number) - 1];
        let address = Ipv4Addr::new(10, 9, 0, number);
        let mut config = NetworkConfig::new(format!("/run/{name}").into());
        config.prefix = format!("lf{number}");
        config.underlay = Some(Underlay { address, port: PORT });
        config.mtu = 1450;
        Host { name, address, network: HostNetwork::new(config), cloud: Cloud::new() }
    }

    /// The same where the outside routes public addresses to the hosts.
    pub fn routed(&mut self) {
        let config = NetworkConfig { masquerade: false, uplink: Some("out0".into()), ..self.network.config().clone() };
        self.network = HostNetwork::new(config);
    }

    pub fn apply(&self) {
        let applied = namespace::within(self.name, || Ok(self.network.apply(&self.cloud.0)));
        applied.unwrap().unwrap();
    }

    pub fn place(&self) -> (HostId, Ipv4Addr) {
        (HostId::from_random(u128::from(u32::from(self.address))), self.address)
    }
}

/// Two hosts on a wire, both with all groups and the ports of both: the first port is the first one's, and so on.
pub fn hosts(edit: impl Fn(&mut Cloud)) -> [Host; 2] {
    let mut hosts = [Host::new(1), Host::new(2)];
    for host in &hosts {
        namespace::ensure(host.name).unwrap();
        run("ip", &format!("-n {} link set lo up", host.name));
    }
    run("ip", "link add wire netns host-1 type veth peer name wire netns host-2");
    for host in &hosts {
        run("ip", &format!("-n {} addr add {}/24 dev wire", host.name, host.address));
        run("ip", &format!("-n {} link set wire up", host.name));
    }
    let places = [hosts[0].place(), hosts[1].place()];
    for (index, host) in hosts.iter_mut().enumerate() {
        edit(&mut host.cloud);
        let (other, address) = places[1 - index];
        host.cloud.edit_port(2 - index as u32, |port| port.location = PortLocation::Remote { host: other, address });
    }
    hosts
}

#[test]
fn a_network_spans_hosts() {
    on_own_machine("hosts::a_network_spans_hosts", || {
        let mut hosts = hosts(|cloud| {
            let web = vec![rule("tcp", (80, 80), PeerPlan::Group(group_id(1)))];
            cloud.group(1, 1, vec![], vec![anything()]).group(2, 1, web, vec![anything()]);
            cloud.port(1, 1, &[1], None).port(2, 2, &[2], None);
        });
        hosts.iter().for_each(Host::apply);
        let a = Guest::start(&hosts[0].network, &hosts[0].cloud, 1);
        let b = Guest::start(&hosts[1].network, &hosts[1].cloud, 2);
        let _listeners = [a.listen(80), b.listen(80), b.listen(81)];
        assert!(a.reaches(b.address, 80), "a member of the group, on the other host");
        assert!(a.connect(b.address, 81).is_err(), "a port that no rule has");
        assert!(b.connect(a.address, 80).is_err(), "a group without rules lets nothing in");
        let carried = run("ip", "-n lf1-1 -s -o link show vx0");
        assert!(carried.contains("mtu 1450"), "{carried}");
        let entries = run("bridge", "-n lf1-1 fdb show dev vx0");
        assert!(
            entries.contains("dst 10.9.0.2") && !entries.contains("00:00:00:00:00:00"),
            "nothing is flooded: {entries}"
        );

        // From an address that is no host of the plan, word for word what the other host would send.
        run("ip", "-n host-2 addr add 10.9.0.66/24 dev wire");
        let server = namespace::within(&b.name, || UdpSocket::bind("0.0.0.0:80")).unwrap();
        drop(server);
        let listener = namespace::within(&a.name, || UdpSocket::bind("0.0.0.0:53")).unwrap();
        hosts[0].cloud.group(1, 1, vec![anything()], vec![anything()]);
        hosts[0].apply();
        let packet = encapsulated(b.address, a.address, 1);
        for (from, known) in [("10.9.0.66:0", false), ("10.9.0.2:0", true)] {
            let socket = namespace::within("host-2", || UdpSocket::bind(from)).unwrap();
            let send = || _ = socket.send_to(&packet, (hosts[0].address, PORT)).unwrap();
            if known {
                arrives(&listener, send);
            } else {
                listener.set_read_timeout(Some(LOST)).unwrap();
                send();
                assert!(listener.recv_from(&mut [0; 9]).is_err(), "{from} is no host of the plan");
            }
        }

        // The second guest moves: its host has nothing of the network any more.
        drop(b);
        hosts[0].cloud.edit_port(2, |port| port.location = PortLocation::Here(InstanceId::from_random(2)));
        hosts[1].cloud = Cloud(HostPlan { incarnation: 1, revision: 2, ..HostPlan::default() });
        hosts.iter().for_each(Host::apply);
        let b = Guest::start(&hosts[0].network, &hosts[0].cloud, 2);
        let _listener = b.listen(80);
        assert!(a.reaches(b.address, 80), "on the same host now");
        let links = run("ip", "-n lf1-1 -o link");
        assert!(!links.contains("vx0"), "no other host, no overlay: {links}");
        assert!(!std::path::Path::new("/run/netns/lf2-1").exists());
    });
}

#[test]
fn a_nat_gateway_and_a_router_on_another_host_take_what_is_for_them() {
    on_own_machine("hosts::a_nat_gateway_and_a_router_on_another_host_take_what_is_for_them", || {
        let gateway = NatGatewayId::from_random(7);
        let mut hosts = hosts(|cloud| {
            cloud.group(1, 1, vec![anything()], vec![anything()]);
            cloud.port(1, 1, &[1], None).port(2, 2, &[1], None).port(3, 2, &[], None);
            cloud.edit_port(2, |port| port.source_dest_check = false);
            cloud.edit_port(3, |port| port.location = PortLocation::Service);
            cloud.edit_subnet(1, |subnet| {
                let to = |text, target| RoutePlan { destination: cidr(text), target };
                subnet.routes = vec![
                    to("0.0.0.0/0", RouteTargetPlan::NatGateway(gateway)),
                    to("192.168.7.0/24", RouteTargetPlan::Interface(port_id(2))),
                ];
            });
        });
        let (host, address) = hosts[1].place();
        for (index, place) in [Place::Remote { host, address }, Place::Here].into_iter().enumerate() {
            let private = hosts[index].cloud.0.port(port_id(3)).unwrap().addresses[0];
            let plan = NatGatewayPlan {
                id: gateway,
                vpc: vpc_id(1),
                subnet: subnet_id(2),
                interface: port_id(3),
                addresses: vec![(private, Some([198, 18, 0, 30].into()))],
                place,
            };
            hosts[index].cloud.0.pieces.insert(PieceKey::NatGateway(gateway), Piece::NatGateway(plan));
        }
        namespace::within("host-2", || {
            uplink();
            Ok(())
        })
        .unwrap();
        hosts.iter().for_each(Host::apply);
        let a = Guest::start(&hosts[0].network, &hosts[0].cloud, 1);
        let b = Guest::start(&hosts[1].network, &hosts[1].cloud, 2);
        let internet = namespace::within("internet", || std::net::TcpListener::bind("0.0.0.0:80")).unwrap();
        assert!(a.reaches([8, 8, 8, 8], 80), "out by the gateway on the other host");
        assert_eq!(peer(&internet), Ipv4Addr::new(203, 0, 113, 1), "as the machine, whose pool isn't known outside");
        let plan = &hosts[1].cloud.0;
        let lacking = namespace::within("host-2", || hosts[1].network.lacking(plan, plan.vpc(vpc_id(1)).unwrap()));
        assert_eq!(lacking.unwrap(), [(gateway, 0)].into(), "no port was lacking");

        run("ip", &format!("-n {} addr add 192.168.7.7/32 dev lo", b.name));
        let listener = namespace::within(&b.name, || std::net::TcpListener::bind("192.168.7.7:80")).unwrap();
        assert!(a.reaches([192, 168, 7, 7], 80), "by the router on the other host");
        assert_eq!(IpAddr::V4(peer(&listener)), IpAddr::V4(a.address));
        hosts[1].cloud.edit_port(2, |port| port.source_dest_check = true);
        hosts[1].apply();
        assert!(a.connect([192, 168, 7, 7], 80).is_err(), "its check is on again");
    });
}

/// Public addresses are translated where their interface is, and a router elsewhere speaks in their names: straight back
/// comes the answer, or by the router where the gateway's own routes say so.
#[test]
fn what_a_router_on_another_host_sends_out_is_translated() {
    on_own_machine("hosts::what_a_router_on_another_host_sends_out_is_translated", || {
        let mut hosts = hosts(|cloud| {
            cloud.group(1, 1, vec![anything()], vec![anything()]).group(2, 1, vec![], vec![anything()]);
            cloud.port(1, 1, &[2], Some("198.18.0.11")).port(2, 2, &[1], Some("198.18.0.12"));
            cloud.edit_port(2, |port| port.source_dest_check = false);
            cloud.edit_subnet(1, |subnet| subnet.routes[0].target = RouteTargetPlan::Interface(port_id(2)));
        });
        namespace::within("host-1", || {
            uplink();
            Ok(())
        })
        .unwrap();
        run("ip", "-n internet route add 198.18.0.0/16 via 203.0.113.1");
        hosts.iter().for_each(Host::apply);
        let a = Guest::start(&hosts[0].network, &hosts[0].cloud, 1);
        let router = Guest::start(&hosts[1].network, &hosts[1].cloud, 2);
        let forwarded =
            || namespace::within(&router.name, || std::fs::read_to_string("/proc/thread-self/net/snmp")).unwrap();
        let forwarded = || forwarded().lines().nth(1).unwrap().split(' ').nth(6).unwrap().parse::<u64>().unwrap();
        namespace::within(&router.name, || std::fs::write("/proc/sys/net/ipv4/ip_forward", "1")).unwrap();
        let internet = namespace::within("internet", || std::net::TcpListener::bind("0.0.0.0:80")).unwrap();
        assert!(a.reaches([8, 8, 8, 8], 80), "out by the router on the other host");
        assert_eq!(peer(&internet), Ipv4Addr::new(203, 0, 113, 1), "as the machine that has the interface");
        let straight = forwarded();
        assert!(straight >= 2, "what went out was the router's to send on");

        // The gateway's own routes lead answers, and calls, by the router.
        for host in &mut hosts {
            let Some(Piece::Vpc(vpc)) = host.cloud.0.pieces.get_mut(&PieceKey::Vpc(vpc_id(1))) else { panic!() };
            let (destination, target) = (cidr("10.1.1.0/24"), RouteTargetPlan::Interface(port_id(2)));
            vpc.internet_routes = vec![RoutePlan { destination, target }];
            host.cloud.group(2, 1, vec![anything()], vec![anything()]);
            host.apply();
        }
        assert!(a.reaches([8, 8, 8, 8], 80), "out and back by the router");
        let listener = a.listen(81);
        let before = forwarded();
        assert!(connect(Some("internet"), [198, 18, 0, 11].into(), 81, COMES).is_ok(), "called from outside");
        assert_eq!(peer(&listener), Ipv4Addr::new(203, 0, 113, 254));
        assert!(forwarded() >= before + 2, "by the router");
    });
}

/// Each direction passes by the other network on the sender's host, which sees half of the flow.
#[test]
fn peered_networks_reach_each_other_across_hosts() {
    on_own_machine("hosts::peered_networks_reach_each_other_across_hosts", || {
        let hosts = hosts(|cloud| {
            second_block(cloud);
            cloud.group(1, 1, vec![anything()], vec![anything()]).group(2, 2, vec![anything()], vec![anything()]);
            cloud.port(1, 1, &[1], None).port(2, 3, &[2], None);
            let id = PeeringId::from_random(1);
            for (subnet, block) in [(1, "10.2.0.0/16"), (3, "10.1.0.0/16")] {
                cloud.edit_subnet(subnet, |subnet| {
                    let target = RouteTargetPlan::Peering(id);
                    subnet.routes.push(RoutePlan { destination: cidr(block), target });
                });
            }
            let plan = PeeringPlan { id, vpcs: [vpc_id(1), vpc_id(2)], dns: [false; 2] };
            cloud.0.pieces.insert(PieceKey::Peering(id), Piece::Peering(plan));
        });
        hosts.iter().for_each(Host::apply);
        let a = Guest::start(&hosts[0].network, &hosts[0].cloud, 1);
        let b = Guest::start(&hosts[1].network, &hosts[1].cloud, 2);
        let _listeners = [a.listen(80), b.listen(80)];
        assert!(a.reaches(b.address, 80), "there");
        assert!(b.reaches(a.address, 80), "and back");
        assert!(a.pings(b.address, COMES) && b.pings(a.address, COMES));
    });
}

/// Gives the second network a block of its own.
pub fn second_block(cloud: &mut Cloud) {
    let Some(Piece::Vpc(vpc)) = cloud.0.pieces.get_mut(&PieceKey::Vpc(vpc_id(2))) else { panic!() };
    vpc.cidrs = vec!["10.2.0.0/16".parse().unwrap()];
    cloud.edit_subnet(3, |subnet| subnet.cidr = "10.2.1.0/24".parse().unwrap());
}

/// A UDP packet to port 53 in a frame to the first port, in VXLAN's header for that network.
pub fn encapsulated(from: Ipv4Addr, to: Ipv4Addr, number: u32) -> Vec<u8> {
    let mut bytes = vec![8, 0, 0, 0];
    bytes.extend((number << 8).to_be_bytes());
    bytes.extend(mac(1).0);
    bytes.extend(mac(2).0);
    bytes.extend([8, 0]);
    let mut header = vec![0x45, 0, 0, 29, 0, 0, 0x40, 0, 64, 17, 0, 0];
    header.extend(from.octets());
    header.extend(to.octets());
    let sum: u32 = header.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
    header[10..12].copy_from_slice(&sum.to_be_bytes());
    bytes.extend(header);
    // No checksum, which UDP allows.
    bytes.extend([0, 99, 0, 53, 0, 9, 0, 0, b'x']);
    bytes
}
