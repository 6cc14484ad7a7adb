//! Hosts and what lies between them: who is let in, what an underlay that isn't there costs, and IPv6 from outside that
//! enters at another host than its receiver's.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;

use landfall_model::plan::*;
use landfall_model::*;
use landfall_node::driver::Network;
use landfall_node::network::{HostNetwork, NetworkConfig, namespace, underlay};

use super::cloud::*;
use super::hosts::{Host, PORT, encapsulated, hosts};
use super::stand::*;
use super::vpn::vpn_plan;

#[test]
fn a_network_lives_on_where_there_is_no_underlay() {
    on_own_machine("underlay::a_network_lives_on_where_there_is_no_underlay", || {
        let mut cloud = Cloud::new();
        cloud.group(1, 1, vec![anything()], vec![anything()]);
        cloud.port(1, 1, &[1], None).port(2, 2, &[1], None).port(3, 2, &[1], None);
        let (host, address) = (HostId::from_random(9), [10, 9, 0, 9].into());
        cloud.edit_port(3, |port| port.location = PortLocation::Remote { host, address });
        let network = HostNetwork::new(NetworkConfig::new("/run/landfall".into()));
        network.apply(&cloud.0).unwrap();
        let a = Guest::start(&network, &cloud, 1);
        let b = Guest::start(&network, &cloud, 2);
        let _listener = b.listen(80);
        assert!(a.reaches(b.address, 80), "what is here is connected");
        assert!(!run("nft", "list tables").contains("underlay"));
    });
}

#[test]
fn the_filter_is_there_as_long_as_other_hosts_are() {
    on_own_machine("underlay::the_filter_is_there_as_long_as_other_hosts_are", || {
        let mut hosts = hosts(|cloud| {
            cloud.group(1, 1, vec![anything()], vec![anything()]);
            cloud.port(1, 1, &[1], None).port(2, 2, &[1], None);
        });
        hosts.iter().for_each(Host::apply);
        let tables = |host: &Host| run("ip", &format!("netns exec {} nft list ruleset", host.name));
        let table = underlay::table("landfall_lf1");
        let before = tables(&hosts[0]);
        assert!(before.contains(&table) && before.contains("10.9.0.2"), "{before}");
        hosts[0].cloud = Cloud(HostPlan { incarnation: 1, revision: 2, ..HostPlan::default() });
        hosts[0].apply();
        assert!(!tables(&hosts[0]).contains(&table), "nobody is left to keep out");
        let inside = namespace::within(hosts[1].name, || underlay::mtu(hosts[1].address));
        assert_eq!(inside.unwrap(), 1450);
    });
}

/// A VPN that ends on a host of that address, and the route of the first subnet to what is behind it.
fn vpn_elsewhere(cloud: &mut Cloud, (host, address): (HostId, Ipv4Addr)) {
    let vpn = VpnPlan { place: Place::Remote { host, address }, ..vpn_plan() };
    let (gateway, _) = vpn.gateway.unwrap();
    cloud.0.pieces.insert(PieceKey::Vpn(vpn.id), Piece::Vpn(vpn));
    cloud.edit_subnet(1, |subnet| {
        let target = RouteTargetPlan::VpnGateway(gateway);
        subnet.routes.push(RoutePlan { destination: cidr("10.9.0.0/16"), target });
    });
}

#[test]
fn a_vpn_alone_on_another_host_lets_nobody_else_in() {
    on_own_machine("underlay::a_vpn_alone_on_another_host_lets_nobody_else_in", || {
        let mut hosts = hosts(|cloud| {
            cloud.group(1, 1, vec![anything()], vec![anything()]);
            cloud.port(1, 1, &[1], None).port(2, 2, &[1], None);
        });
        // All that is elsewhere is the VPN.
        hosts[0].cloud.0.pieces.remove(&PieceKey::Port(port_id(2)));
        let other = hosts[1].place();
        vpn_elsewhere(&mut hosts[0].cloud, other);
        hosts[0].apply();
        assert!(run("ip", "-n lf1-1 -o link").contains("vx0"), "the way to the VPN");
        let a = Guest::start(&hosts[0].network, &hosts[0].cloud, 1);
        let listener = namespace::within(&a.name, || UdpSocket::bind("0.0.0.0:53")).unwrap();
        run("ip", "-n host-2 addr add 10.9.0.66/24 dev wire");
        let packet = encapsulated([10, 1, 2, 12].into(), a.address, 1);
        let sender = |from: &str| namespace::within("host-2", || UdpSocket::bind(from)).unwrap();
        let (stranger, host) = (sender("10.9.0.66:0"), sender("10.9.0.2:0"));
        let send = |socket: &UdpSocket| _ = socket.send_to(&packet, (hosts[0].address, PORT)).unwrap();
        arrives(&listener, || send(&host));
        while listener.set_nonblocking(true).is_ok() && listener.recv_from(&mut [0; 9]).is_ok() {}
        listener.set_nonblocking(false).unwrap();
        listener.set_read_timeout(Some(LOST)).unwrap();
        send(&stranger);
        assert!(listener.recv_from(&mut [0; 9]).is_err(), "it is no host of the plan");
    });
}

#[test]
fn a_vpn_on_another_host_is_no_matter_where_there_is_no_underlay() {
    on_own_machine("underlay::a_vpn_on_another_host_is_no_matter_where_there_is_no_underlay", || {
        let mut cloud = Cloud::new();
        cloud.group(1, 1, vec![anything()], vec![anything()]).port(1, 1, &[1], None).port(2, 2, &[1], None);
        vpn_elsewhere(&mut cloud, (HostId::from_random(9), [10, 9, 0, 9].into()));
        let network = HostNetwork::new(NetworkConfig::new("/run/landfall".into()));
        network.apply(&cloud.0).unwrap();
        let [a, b] = [1, 2].map(|number| Guest::start(&network, &cloud, number));
        let _listener = b.listen(80);
        assert!(a.reaches(b.address, 80), "what is here is connected");
    });
}

const OWN: &str = "2001:db8:0:102::12";
const OUTSIDE: &str = "2001:db8:ffff::1";

#[test]
fn ipv6_from_outside_enters_at_either_host() {
    if !Path::new("/proc/sys/net/ipv6").exists() {
        return crate::skipped("network::underlay::ipv6_from_outside_enters_at_either_host", "the kernel has no IPv6");
    }
    on_own_machine("underlay::ipv6_from_outside_enters_at_either_host", || {
        let mut hosts = hosts(|cloud| {
            let all = || vec![rule("-1", (-1, -1), from("::/0"))];
            cloud.group(1, 1, all(), all());
            cloud.port(1, 1, &[1], None).port(2, 2, &[1], None);
            if let Some(Piece::Vpc(vpc)) = cloud.0.pieces.get_mut(&PieceKey::Vpc(vpc_id(1))) {
                vpc.ipv6 = vec!["2001:db8:0:100::/56".parse().unwrap()];
                vpc.internet_gateway = true;
            }
            for (number, block) in [(1, "2001:db8:0:101::/64"), (2, "2001:db8:0:102::/64")] {
                cloud.edit_subnet(number, |subnet| {
                    subnet.ipv6 = block.parse().ok();
                    let (destination, target) = (cidr("::/0"), RouteTargetPlan::InternetGateway);
                    subnet.routes.push(RoutePlan { destination, target });
                    let all = || acl(101, true, "-1", (-1, -1), "::/0");
                    subnet.acl_ingress.push(all());
                    subnet.acl_egress.push(all());
                });
            }
            cloud.edit_port(2, |port| port.ipv6 = vec![OWN.parse().unwrap()]);
        });
        for host in &mut hosts {
            host.routed();
        }
        outside(&hosts);
        hosts.iter().for_each(Host::apply);
        let guest = Guest::start(&hosts[1].network, &hosts[1].cloud, 2);
        let address: Ipv6Addr = OWN.parse().unwrap();
        namespace::within(&guest.name, || {
            for name in ["all/disable_ipv6", "eth0/disable_ipv6", "eth0/accept_dad"] {
                std::fs::write(Path::new("/proc/sys/net/ipv6/conf").join(name), "0")?;
            }
            Ok(())
        })
        .unwrap();
        for line in [
            format!("addr add {OWN}/128 dev eth0 nodad"),
            "addr add fe80::12/64 dev eth0 nodad".into(),
            "route add default via fe80::1 dev eth0".into(),
        ] {
            run("ip", &format!("-6 -n {} {line}", guest.name));
        }
        let _listener = namespace::within(&guest.name, || TcpListener::bind((Ipv6Addr::UNSPECIFIED, 80))).unwrap();
        for number in [2, 1] {
            run("ip", &format!("-6 -n outside route replace 2001:db8:0:100::/56 via 2001:db8:{number}::2"));
            let connected =
                namespace::within("outside", || TcpStream::connect_timeout(&SocketAddr::from((address, 80)), COMES));
            assert!(connected.is_ok(), "by host {number}: {connected:?}");
        }
    });
}

/// The outside, with a wire to each host, which goes out by it.
fn outside(hosts: &[Host]) {
    namespace::ensure("outside").unwrap();
    for name in ["outside", hosts[0].name, hosts[1].name] {
        namespace::within(name, || {
            for setting in ["all/disable_ipv6", "default/disable_ipv6", "default/accept_dad"] {
                std::fs::write(Path::new("/proc/sys/net/ipv6/conf").join(setting), "0")?;
            }
            Ok(())
        })
        .unwrap();
    }
    run("ip", "-n outside link set lo up");
    run("ip", &format!("-6 -n outside addr add {OUTSIDE}/128 dev lo"));
    for (number, host) in (1..).zip(hosts) {
        let name = host.name;
        run("ip", &format!("link add out{number} netns outside type veth peer name out0 netns {name}"));
        run("ip", &format!("-6 -n outside addr add 2001:db8:{number}::1/64 dev out{number} nodad"));
        run("ip", &format!("-n outside link set out{number} up"));
        run("ip", &format!("-6 -n {name} addr add 2001:db8:{number}::2/64 dev out0 nodad"));
        run("ip", &format!("-n {name} link set out0 up"));
        run("ip", &format!("-6 -n {name} route add default via 2001:db8:{number}::1"));
    }
}
