//! What a guest may not put on its link: raw frames, written into the port's TAP as a guest's device would.

use std::fs::File;
use std::io::{Read, Write};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use landfall_model::Mac;
use landfall_node::driver::Network;

use super::cloud::*;
use super::driver;
use super::stand::*;

/// An Ethernet frame behind virtio's header.
pub fn frame(to: Mac, from: Mac, kind: u16, payload: &[u8]) -> Vec<u8> {
    [&[0; 10][..], &to.0, &from.0, &kind.to_be_bytes(), payload].concat()
}

pub fn arp(kind: u8, sender: (Mac, Ipv4Addr), target: Ipv4Addr) -> Vec<u8> {
    let (mac, ip) = (sender.0.0, sender.1.octets());
    [&[0, 1, 8, 0, 6, 4, 0, kind][..], &mac, &ip, &[0; 6], &target.octets()].concat()
}

fn udp(from: (Ipv4Addr, u16), to: (Ipv4Addr, u16)) -> Vec<u8> {
    fragment(from, to, 0)
}

/// The same, further on in a packet by that many times eight bytes.
fn fragment(from: (Ipv4Addr, u16), to: (Ipv4Addr, u16), offset: u8) -> Vec<u8> {
    let mut ip = vec![0x45, 0, 0, 32, 0, 0, 0, offset, 64, 17, 0, 0];
    ip.extend(from.0.octets());
    ip.extend(to.0.octets());
    let sum: u32 = ip.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    let sum = !(u16::try_from(sum & 0xffff).unwrap() + u16::try_from(sum >> 16).unwrap());
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
    ip.extend(from.1.to_be_bytes());
    ip.extend(to.1.to_be_bytes());
    ip.extend([0, 12, 0, 0]);
    ip.extend(b"ping");
    ip
}

/// What comes out of a TAP within a time, without virtio's header.
fn frames(tap: &File, time: Duration) -> Vec<Vec<u8>> {
    let (until, mut found, mut buffer) = (Instant::now() + time, Vec::new(), [0; 4096]);
    while Instant::now() < until {
        match (&*tap).read(&mut buffer) {
            Ok(length) => found.push(buffer[10..length].to_vec()),
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
    found
}

#[test]
fn nobody_speaks_as_another() {
    on_own_machine("spoof::nobody_speaks_as_another", || {
        let mut cloud = Cloud::new();
        cloud.group(1, 1, vec![anything()], vec![anything(), rule("-1", (-1, -1), from("::/0"))]);
        cloud.port(1, 1, &[1], None).port(2, 1, &[1], None);
        let network = driver();
        network.apply(&cloud.0).unwrap();
        let tap = |number| File::from(network.open(port_id(number)).unwrap().tap.unwrap());
        let (bad, victim) = (tap(1), tap(2));
        let gateway = Mac([2, 0, 0, 0, 0, 1]);
        let [own, other, free]: [Ipv4Addr; 3] = [[10, 1, 1, 11].into(), [10, 1, 1, 12].into(), [10, 1, 1, 77].into()];
        let ipv4 = |payload: &[u8]| frame(gateway, mac(1), 0x0800, payload);
        let send = |frame: &[u8]| {
            let _ = (&bad).write(frame);
            frames(&victim, LOST).into_iter().filter(|frame| frame[12..14] == [8, 0]).count()
        };
        // A namespace as new sends some frames of its own.
        frames(&victim, LOST);

        assert_eq!(send(&ipv4(&udp((own, 9), (other, 9)))), 1, "as itself");
        assert_eq!(send(&frame(gateway, mac(2), 0x0800, &udp((own, 9), (other, 9)))), 0, "hardware address");
        assert_eq!(send(&ipv4(&udp((free, 9), (other, 9)))), 0, "a free address");
        assert_eq!(send(&ipv4(&udp(([10, 1, 1, 1].into(), 9), (other, 9)))), 0, "the gateway");
        assert_eq!(send(&ipv4(&udp(([169, 254, 169, 254].into(), 80), (other, 9)))), 0, "the metadata service");
        assert_eq!(send(&ipv4(&udp((own, 67), (other, 68)))), 0, "a DHCP server");
        let drops = || {
            let rules = run("ip", "netns exec lf-1 nft list chain netdev landfall lf000000000001");
            let last = rules.lines().rfind(|line| line.contains("counter packets")).unwrap();
            last.split_whitespace().nth(2).unwrap().parse::<u64>().unwrap()
        };
        let before = drops();
        send(&ipv4(&fragment((own, 9), (other, 9), 3)));
        assert_eq!(drops(), before, "a fragment of its own goes in, to wait for the rest");
        send(&ipv4(&fragment((free, 68), (other, 67), 3)));
        send(&ipv4(&fragment((Ipv4Addr::UNSPECIFIED, 68), (Ipv4Addr::BROADCAST, 67), 3)));
        assert_eq!(drops(), before + 2, "forged fragments are dropped");
        let tagged = [&[0, 0, 8, 0][..], &udp((free, 9), (other, 9))].concat();
        assert_eq!(send(&frame(gateway, mac(1), 0x8100, &tagged)), 0, "a priority tag");
        let tagged = [&[0, 0, 8, 0][..], &udp((own, 9), (other, 9))].concat();
        assert_eq!(send(&frame(gateway, mac(1), 0x8100, &tagged)), 0, "a priority tag, even of its own");

        let answers = |request: &[u8]| {
            frames(&bad, Duration::from_millis(20));
            let _ = (&bad).write(request);
            frames(&bad, LOST).into_iter().filter(|frame| frame[12..14] == [8, 6]).count()
        };
        let all = Mac([0xff; 6]);
        assert_eq!(
            answers(&frame(all, mac(1), 0x0806, &arp(1, (mac(1), own), other))),
            1,
            "ARP is answered by the namespace"
        );
        assert_eq!(
            answers(&frame(all, mac(1), 0x0806, &arp(1, (mac(1), Ipv4Addr::UNSPECIFIED), [10, 1, 1, 1].into()))),
            1,
            "a probe"
        );
        assert_eq!(answers(&frame(all, mac(1), 0x0806, &arp(1, (mac(1), own), free))), 0, "not for a free address");
        assert_eq!(answers(&frame(all, mac(1), 0x0806, &arp(1, (mac(1), own), own))), 0, "nor for its own");
        assert_eq!(answers(&frame(all, mac(1), 0x0806, &arp(1, (mac(1), other), free))), 0);
        assert_eq!(answers(&frame(all, mac(1), 0x0806, &arp(1, (mac(2), own), other))), 0, "ARP with a forged sender");
        assert_eq!(answers(&frame(all, mac(2), 0x0806, &arp(1, (mac(2), other), own))), 0);
        let _ = (&bad).write(&frame(mac(2), mac(1), 0x0806, &arp(2, (mac(1), other), other)));
        let neighbours = run("ip", "-n lf-1 neigh show 10.1.1.12");
        assert!(neighbours.contains(&mac(2).to_string()), "{neighbours}");

        // IPv6: a router advertisement, and a neighbour's, to all.
        for kind in [134u8, 136] {
            let mut packet = vec![0x60, 0, 0, 0, 0, 16, 58, 255];
            packet.extend("fe80::400:ff:fe00:1".parse::<std::net::Ipv6Addr>().unwrap().octets());
            packet.extend("ff02::1".parse::<std::net::Ipv6Addr>().unwrap().octets());
            packet.extend([kind, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0]);
            let _ = (&bad).write(&frame(Mac([0x33, 0x33, 0, 0, 0, 1]), mac(1), 0x86dd, &packet));
        }
        assert_eq!(frames(&victim, LOST), Vec::<Vec<u8>>::new(), "IPv6 reaches nobody");

        cloud.edit_port(1, |port| port.source_dest_check = false);
        network.apply(&cloud.0).unwrap();
        assert_eq!(send(&ipv4(&udp((free, 9), (other, 9)))), 1, "a router passes on what others sent");
        assert_eq!(
            send(&frame(gateway, mac(2), 0x0800, &udp((free, 9), (other, 9)))),
            0,
            "but with its own hardware address"
        );
        assert_eq!(send(&ipv4(&udp(([169, 254, 169, 254].into(), 80), (other, 9)))), 0, "and not as the namespace");
        assert_eq!(send(&ipv4(&udp(([10, 1, 1, 1].into(), 9), (other, 9)))), 0);
    });
}
