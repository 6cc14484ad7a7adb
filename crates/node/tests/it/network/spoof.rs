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

/// What has come out of a TAP, without virtio's header.
fn frames(tap: &File) -> Vec<Vec<u8>> {
    let (mut found, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(length) = (&*tap).read(&mut buffer) {
        found.push(buffer[10..length].to_vec());
    }
    found
}

/// What comes out of a TAP before something that comes for certain, and was sent after all else. Packets of one port stay
/// in their order, so nothing is waited for that won't come.
fn frames_before(tap: &File, last: impl Fn(&[u8]) -> bool) -> Vec<Vec<u8>> {
    let (end, mut found) = (Instant::now() + COMES, Vec::new());
    loop {
        found.extend(frames(tap));
        if let Some(at) = found.iter().position(|frame| last(frame)) {
            found.remove(at);
            return found;
        }
        assert!(Instant::now() < end, "what comes for certain didn't: {found:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The ports that the first packets of all, and the last one of each attempt, go to.
const FIRST: u16 = 4998;
const LAST: u16 = 4999;

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
        // What the victim gets before an honest packet that is sent after that; of IPv4 alone, or all.
        let honest = |port: u16| ipv4(&udp((own, 9), (other, port)));
        let is_to = |frame: &[u8], port: u16| frame[12..14] == [8, 0] && frame[36..38] == port.to_be_bytes();
        let all_after = |frame: &[u8]| {
            let _ = (&bad).write(frame);
            (&bad).write_all(&honest(LAST)).unwrap();
            frames_before(&victim, |frame| is_to(frame, LAST))
        };
        // Links that were just opened lose what comes before the kernel has noticed.
        until("the first packet", || {
            (&bad).write_all(&honest(FIRST)).unwrap();
            frames(&victim).iter().any(|frame| is_to(frame, FIRST))
        });
        all_after(&[]);
        let send = |frame: &[u8]| all_after(frame).into_iter().filter(|frame| frame[12..14] == [8, 0]).count();

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

        let all = Mac([0xff; 6]);
        // Asked after each: it is answered for certain, from another address than those that are asked for.
        let service = Ipv4Addr::new(10, 1, 1, 1);
        let asked = frame(all, mac(1), 0x0806, &arp(1, (mac(1), own), service));
        let answers = |request: &[u8]| {
            let _ = (&bad).write(request);
            (&bad).write_all(&asked).unwrap();
            let is_last = |frame: &[u8]| {
                frame[12..14] == [8, 6] && frame[28..32] == service.octets() && frame[38..42] == own.octets()
            };
            frames_before(&bad, is_last).into_iter().filter(|frame| frame[12..14] == [8, 6]).count()
        };
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
        let forger = "fe80::400:ff:fe00:1".parse::<std::net::Ipv6Addr>().unwrap().octets();
        for kind in [134u8, 136] {
            let mut packet = vec![0x60, 0, 0, 0, 0, 16, 58, 255];
            packet.extend(forger);
            packet.extend("ff02::1".parse::<std::net::Ipv6Addr>().unwrap().octets());
            packet.extend([kind, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0]);
            let _ = (&bad).write(&frame(Mac([0x33, 0x33, 0, 0, 0, 1]), mac(1), 0x86dd, &packet));
        }
        let reached = all_after(&[]);
        let forged = reached.iter().find(|frame| frame.windows(16).any(|bytes| bytes == forger));
        assert_eq!(forged, None, "IPv6 reaches nobody");

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
