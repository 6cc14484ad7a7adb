//! What a guest may not put on its link: raw frames, written into the port's TAP as a guest's device would.

use std::fs::File;
use std::io::{Read, Write};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use landfall_model::Mac;
use landfall_model::plan::{Piece, PieceKey};
use landfall_node::driver::Network;
use landfall_node::network::HostNetwork;

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

pub fn udp(from: (Ipv4Addr, u16), to: (Ipv4Addr, u16)) -> Vec<u8> {
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
pub fn frames(tap: &File) -> Vec<Vec<u8>> {
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

/// Two ports in one network: who lies, and whom it is told.
struct Scene {
    cloud: Cloud,
    network: HostNetwork,
    bad: File,
    victim: File,
}

const GATEWAY: Mac = Mac([2, 0, 0, 0, 0, 1]);
const OWN: Ipv4Addr = Ipv4Addr::new(10, 1, 1, 11);
const OTHER: Ipv4Addr = Ipv4Addr::new(10, 1, 1, 12);
const FREE: Ipv4Addr = Ipv4Addr::new(10, 1, 1, 77);
const ROUTER: Ipv4Addr = Ipv4Addr::new(10, 1, 1, 1);
const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);
const ALL: Mac = Mac([0xff; 6]);

fn ipv4(payload: &[u8]) -> Vec<u8> {
    frame(GATEWAY, mac(1), 0x0800, payload)
}

fn is_to(frame: &[u8], port: u16) -> bool {
    frame[12..14] == [8, 0] && frame[36..38] == port.to_be_bytes()
}

impl Scene {
    fn new() -> Self {
        let mut cloud = Cloud::new();
        cloud.group(1, 1, vec![anything()], vec![anything(), rule("-1", (-1, -1), from("::/0"))]);
        cloud.port(1, 1, &[1], None).port(2, 1, &[1], None);
        let network = driver();
        network.apply(&cloud.0).unwrap();
        let [bad, victim] = [1, 2].map(|number| File::from(network.open(port_id(number)).unwrap().tap.unwrap()));
        let scene = Self { cloud, network, bad, victim };
        // Links that were just opened lose what comes before the kernel has noticed.
        until("the first packet", || {
            (&scene.bad).write_all(&ipv4(&udp((OWN, 9), (OTHER, FIRST)))).unwrap();
            frames(&scene.victim).iter().any(|frame| is_to(frame, FIRST))
        });
        scene.all_after(&[]);
        scene
    }

    /// What the victim gets of a frame: whatever comes before an honest packet that is sent after it.
    fn all_after(&self, frame: &[u8]) -> Vec<Vec<u8>> {
        let _ = (&self.bad).write(frame);
        (&self.bad).write_all(&ipv4(&udp((OWN, 9), (OTHER, LAST)))).unwrap();
        frames_before(&self.victim, |frame| is_to(frame, LAST))
    }

    /// How many packets of IPv4 the victim gets of a frame.
    fn send(&self, frame: &[u8]) -> usize {
        self.all_after(frame).into_iter().filter(|frame| frame[12..14] == [8, 0]).count()
    }

    /// How often a request is answered by ARP. The one that is made after it is answered for certain.
    fn answers(&self, request: &[u8]) -> usize {
        let _ = (&self.bad).write(request);
        (&self.bad).write_all(&frame(ALL, mac(1), 0x0806, &arp(1, (mac(1), OWN), ROUTER))).unwrap();
        let is_answer = |frame: &[u8]| frame[12..14] == [8, 6];
        let is_last =
            |frame: &[u8]| is_answer(frame) && frame[28..32] == ROUTER.octets() && frame[38..42] == OWN.octets();
        frames_before(&self.bad, is_last).into_iter().filter(|frame| is_answer(frame)).count()
    }
}

#[test]
fn nobody_speaks_as_another() {
    on_own_machine("spoof::nobody_speaks_as_another", || {
        let mut scene = Scene::new();
        let send = |frame: &[u8]| scene.send(frame);
        assert_eq!(send(&ipv4(&udp((OWN, 9), (OTHER, 9)))), 1, "as itself");
        assert_eq!(send(&frame(GATEWAY, mac(2), 0x0800, &udp((OWN, 9), (OTHER, 9)))), 0, "hardware address");
        assert_eq!(send(&ipv4(&udp((FREE, 9), (OTHER, 9)))), 0, "a free address");
        assert_eq!(send(&ipv4(&udp((ROUTER, 9), (OTHER, 9)))), 0, "the gateway");
        assert_eq!(send(&ipv4(&udp((METADATA, 80), (OTHER, 9)))), 0, "the metadata service");
        assert_eq!(send(&ipv4(&udp((OWN, 67), (OTHER, 68)))), 0, "a DHCP server");
        let drops = || {
            let rules = run("ip", "netns exec lf-1 nft list chain netdev landfall_ports_1 lf000000000001");
            let last = rules.lines().rfind(|line| line.contains("counter packets")).unwrap();
            last.split_whitespace().nth(2).unwrap().parse::<u64>().unwrap()
        };
        let before = drops();
        send(&ipv4(&fragment((OWN, 9), (OTHER, 9), 3)));
        assert_eq!(drops(), before, "a fragment of its own goes in, to wait for the rest");
        send(&ipv4(&fragment((FREE, 68), (OTHER, 67), 3)));
        send(&ipv4(&fragment((Ipv4Addr::UNSPECIFIED, 68), (Ipv4Addr::BROADCAST, 67), 3)));
        assert_eq!(drops(), before + 2, "forged fragments are dropped");
        for source in [FREE, OWN] {
            let tagged = [&[0, 0, 8, 0][..], &udp((source, 9), (OTHER, 9))].concat();
            assert_eq!(send(&frame(GATEWAY, mac(1), 0x8100, &tagged)), 0, "a priority tag, even of its own");
        }

        scene.cloud.edit_port(1, |port| port.source_dest_check = false);
        scene.network.apply(&scene.cloud.0).unwrap();
        let send = |frame: &[u8]| scene.send(frame);
        assert_eq!(send(&ipv4(&udp((FREE, 9), (OTHER, 9)))), 1, "a router passes on what others sent");
        let forged = frame(GATEWAY, mac(2), 0x0800, &udp((FREE, 9), (OTHER, 9)));
        assert_eq!(send(&forged), 0, "but with its own hardware address");
        assert_eq!(send(&ipv4(&udp((METADATA, 80), (OTHER, 9)))), 0, "and not as the namespace");
        assert_eq!(send(&ipv4(&udp((ROUTER, 9), (OTHER, 9)))), 0);
    });
}

#[test]
fn nobody_is_found_in_anothers_place() {
    on_own_machine("spoof::nobody_is_found_in_anothers_place", || {
        let scene = Scene::new();
        let asked = |ether: u32, sender: u32, address, target| {
            scene.answers(&frame(ALL, mac(ether), 0x0806, &arp(1, (mac(sender), address), target)))
        };
        assert_eq!(asked(1, 1, OWN, OTHER), 1, "ARP is answered by the namespace");
        assert_eq!(asked(1, 1, Ipv4Addr::UNSPECIFIED, ROUTER), 1, "a probe");
        assert_eq!(asked(1, 1, OWN, FREE), 0, "not for a free address");
        assert_eq!(asked(1, 1, OWN, OWN), 0, "nor for its own");
        assert_eq!(asked(1, 1, OTHER, FREE), 0);
        assert_eq!(asked(1, 2, OWN, OTHER), 0, "ARP with a forged sender");
        assert_eq!(asked(2, 2, OTHER, OWN), 0);
        let _ = (&scene.bad).write(&frame(mac(2), mac(1), 0x0806, &arp(2, (mac(1), OTHER), OTHER)));
        let neighbours = run("ip", "-n lf-1 neigh show 10.1.1.12");
        assert!(neighbours.contains(&mac(2).to_string()), "{neighbours}");

        // IPv6: a router advertisement, and a neighbour's, to all.
        let forger = "fe80::400:ff:fe00:1".parse::<std::net::Ipv6Addr>().unwrap().octets();
        for kind in [134u8, 136] {
            let mut packet = vec![0x60, 0, 0, 0, 0, 16, 58, 255];
            packet.extend(forger);
            packet.extend("ff02::1".parse::<std::net::Ipv6Addr>().unwrap().octets());
            packet.extend([kind, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0]);
            let _ = (&scene.bad).write(&frame(Mac([0x33, 0x33, 0, 0, 0, 1]), mac(1), 0x86dd, &packet));
        }
        let reached = scene.all_after(&[]);
        let forged = reached.iter().find(|frame| frame.windows(16).any(|bytes| bytes == forger));
        assert_eq!(forged, None, "IPv6 reaches nobody");
    });
}

/// Neighbours that the kernel remembers in a namespace, of what is no port's own.
fn neighbours(name: &str) -> usize {
    let found = run("ip", &format!("-6 -n {name} neigh show nud all"));
    found.lines().filter(|line| line.starts_with("fe80:") && !line.contains("PERMANENT")).count()
}

#[test]
fn nobody_fills_the_table_of_neighbours() {
    on_own_machine("spoof::nobody_fills_the_table_of_neighbours", || {
        let mut cloud = Cloud::new();
        cloud.group(1, 1, vec![anything()], vec![anything()]).port(1, 1, &[1], None).port(2, 1, &[1], None);
        if let Some(Piece::Vpc(vpc)) = cloud.0.pieces.get_mut(&PieceKey::Vpc(vpc_id(1))) {
            vpc.ipv6 = vec!["2001:db8:1:100::/56".parse().unwrap()];
        }
        cloud.edit_subnet(1, |subnet| subnet.ipv6 = "2001:db8:1:100::/64".parse().ok());
        for number in [1, 2] {
            cloud.edit_port(number, |port| port.ipv6 = vec![format!("2001:db8:1:100::{number}").parse().unwrap()]);
        }
        let network = driver();
        network.apply(&cloud.0).unwrap();
        let [flooder, quiet] = [1, 2].map(|number| File::from(network.open(port_id(number)).unwrap().tap.unwrap()));
        let ask = |mut tap: &File, number: u32, last: u16| {
            tap.write_all(&frame(Mac([0x33, 0x33, 0xff, 0, 0, 1]), mac(number), 0x86dd, &solicitation(number, last)))
                .unwrap();
        };
        until("the first port is heard", || {
            ask(&flooder, 1, 1);
            neighbours("lf-1") > 0
        });
        for last in 2..2000 {
            ask(&flooder, 1, last);
        }
        until("the other is still heard", || {
            ask(&quiet, 2, 1);
            run("ip", "-6 -n lf-1 neigh show nud all dev lf000000000002").contains("fe80::2:1")
        });
        let count = neighbours("lf-1");
        assert!(count < 20, "{count} neighbours");
    });
}

/// A question for the gateway, from a link-local address made of two numbers.
fn solicitation(number: u32, last: u16) -> Vec<u8> {
    let source = std::net::Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, u16::try_from(number).unwrap(), last);
    let gateway = std::net::Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
    let group = std::net::Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00, 1);
    let mut message = vec![135, 0, 0, 0, 0, 0, 0, 0];
    message.extend(gateway.octets());
    message.extend([1, 1]);
    message.extend(mac(number).0);
    let length = u16::try_from(message.len()).unwrap();
    let pseudo = [&source.octets()[..], &group.octets(), &[0, 0], &length.to_be_bytes(), &[0, 0, 0, 58]].concat();
    let words = pseudo.chunks(2).chain(message.chunks(2));
    let mut sum: u32 = words.map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    message[2..4].copy_from_slice(&(!u16::try_from(sum).unwrap()).to_be_bytes());
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend(length.to_be_bytes());
    packet.extend([58, 255]);
    packet.extend(source.octets());
    packet.extend(group.octets());
    packet.extend(message);
    packet
}
