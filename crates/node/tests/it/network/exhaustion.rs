//! What runs out, and what goes on all the same: ports of a NAT gateway, connections of a network.

use std::fs::{self, File};
use std::io::Write;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use landfall_model::plan::{NatGatewayPlan, Piece, PieceKey, Place, PortLocation, RouteTargetPlan};
use landfall_model::{NatGatewayId, Timestamp};
use landfall_node::driver::Network;
use landfall_node::network::inside::GATEWAY_MAC;
use landfall_node::network::{Allowance, HostNetwork, namespace};

use super::cloud::*;
use super::spoof::{frame, frames, udp};
use super::stand::*;
use super::{driver, uplink};

fn open(network: &HostNetwork, number: u32) -> File {
    File::from(network.open(port_id(number)).unwrap().tap.unwrap())
}

fn send(mut tap: &File, number: u32, packet: &[u8]) {
    // The kernel may have no room just now.
    while tap.write_all(&frame(GATEWAY_MAC, mac(number), 0x0800, packet)).is_err() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Whether a datagram to that port comes out of a TAP, sent until it does.
fn comes(tap: &File, port: u16, send: impl Fn()) -> bool {
    let end = Instant::now() + COMES;
    while Instant::now() < end {
        send();
        let begun = Instant::now();
        while begun.elapsed() < LOST {
            let is_it = |frame: &Vec<u8>| frame.get(36..38) == Some(&port.to_be_bytes()[..]);
            if frames(tap).iter().any(is_it) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
    false
}

fn connections(place: &str) -> u64 {
    let text = namespace::within(place, || fs::read_to_string("/proc/sys/net/netfilter/nf_conntrack_count"));
    text.unwrap().trim().parse().unwrap()
}

#[test]
fn a_nat_gateway_that_lacks_ports_says_how_often() {
    on_own_machine("exhaustion::a_nat_gateway_that_lacks_ports_says_how_often", || {
        let id = NatGatewayId::from_random(7);
        let mut cloud = Cloud::new();
        cloud.group(1, 1, vec![], vec![anything()]).port(1, 1, &[1], None).port(2, 1, &[1], None).port(3, 2, &[], None);
        cloud.edit_port(3, |port| port.location = PortLocation::Service);
        cloud.edit_subnet(1, |subnet| subnet.routes[0].target = RouteTargetPlan::NatGateway(id));
        let private = cloud.0.port(port_id(3)).unwrap().addresses[0];
        let plan = NatGatewayPlan {
            id,
            vpc: vpc_id(1),
            subnet: subnet_id(2),
            interface: port_id(3),
            addresses: vec![(private, Some([198, 18, 0, 30].into()))],
            place: Place::Here,
        };
        cloud.0.pieces.insert(PieceKey::NatGateway(id), Piece::NatGateway(plan));
        uplink();
        let mut config = driver().config().clone();
        config.allowance = Allowance { live: 10_000_000, opened: 10_000_000 };
        let network = HostNetwork::new(config);
        network.apply(&cloud.0).unwrap();
        let taps = [1, 2].map(|number| open(&network, number));
        let own = [1u8, 2].map(|number| Ipv4Addr::new(10, 1, 1, 10 + number));
        let far = Ipv4Addr::new(8, 8, 8, 8);
        let lacked = |at: i64| network.lacked_ports(&cloud.0, Timestamp(at * 1000)).map(|all| all[&id]);
        assert_eq!(lacked(0), Some(0));
        // Links take a moment to run.
        until("the guests' links", || {
            send(&taps[0], 1, &udp((own[0], 999), (far, 53)));
            send(&taps[1], 2, &udp((own[1], 999), (far, 53)));
            connections("lf-1") >= 2
        });
        // However long it takes to open them all.
        let setting = "/proc/sys/net/netfilter/nf_conntrack_udp_timeout";
        namespace::within("lf-1", || fs::write(setting, "3600")).unwrap();
        for number in 0..62_000u32 {
            let which = number as usize % 2;
            let port = 1024 + (number / 2) as u16;
            send(&taps[which], which as u32 + 1, &udp((own[which], port), (far, 53)));
        }
        assert_eq!(lacked(30), None, "counters are read once a minute");
        let found = lacked(60).unwrap();
        assert!((1000..8000).contains(&found), "{found} of 62,000 flows to one destination had no port");
        // Another destination has its own.
        let before = lacked(120).unwrap();
        for port in 1024..3024 {
            send(&taps[0], 1, &udp((own[0], port), (Ipv4Addr::new(8, 8, 4, 4), 53)));
        }
        assert_eq!(lacked(180), Some(before));
    });
}

#[test]
fn guests_together_dont_fill_their_networks_table() {
    on_own_machine("exhaustion::guests_together_dont_fill_their_networks_table", || {
        const BAD: u32 = 9;
        let allowance = Allowance { live: 2560, opened: 100_000 };
        let mut cloud = Cloud::new();
        let all = || vec![anything()];
        cloud.group(1, 1, all(), all()).group(2, 2, all(), all());
        for number in 1..=BAD + 2 {
            cloud.port(number, 1, &[1], None);
        }
        cloud.port(BAD + 3, 3, &[2], None).port(BAD + 4, 3, &[2], None);
        let mut config = driver().config().clone();
        config.allowance = allowance;
        let network = HostNetwork::new(config);
        network.apply(&cloud.0).unwrap();
        let taps: Vec<_> = (1..=BAD + 4).map(|number| open(&network, number)).collect();
        let tap = |number: u32| &taps[number as usize - 1];
        let own = |number: u32| Ipv4Addr::new(10, 1, 1, 10 + number as u8);
        let ask = |from: u32, to: u32, port: u16| {
            move |taps: &[File]| send(&taps[from as usize - 1], from, &udp((own(from), port), (own(to), port)))
        };
        let (honest, neighbour) = (BAD + 1, BAD + 2);
        let before = ask(honest, neighbour, 700);
        assert!(comes(tap(neighbour), 700, || before(&taps)), "a flow from before");
        for number in 1..=BAD {
            assert!(comes(tap(neighbour), 800, || ask(number, neighbour, 800)(&taps)), "a flow of {number}");
        }
        for port in 1024..5024 {
            for number in 1..=BAD {
                ask(number, neighbour, port)(&taps);
            }
            frames(tap(neighbour));
        }
        let full = connections("lf-1");
        let table = u64::from(allowance.live) * 8;
        assert!(full > table / 2, "the flood comes through at all: {full}");
        assert!(full < table * 7 / 8, "{full} connections, where {table} stand for the table");
        assert!(comes(tap(neighbour), 700, || before(&taps)), "the flow from before goes on");
        assert!(comes(tap(neighbour), 701, || ask(honest, neighbour, 701)(&taps)), "who took no part opens another");
        assert!(comes(tap(BAD + 4), 700, || ask(BAD + 3, BAD + 4, 700)(&taps)), "another network");
    });
}
