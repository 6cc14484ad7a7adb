//! Frames as a guest could write them, honest and forged, down to the last checksum: a packet that the machine would drop
//! for a wrong sum would show nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use landfall_model::Mac;

pub const IPV4: u16 = 0x0800;
pub const ARP: u16 = 0x0806;
pub const IPV6: u16 = 0x86dd;

pub const ICMP: u8 = 1;
pub const TCP: u8 = 6;
pub const UDP: u8 = 17;
pub const ROUTING: u8 = 43;
pub const FRAGMENT: u8 = 44;
pub const ICMPV6: u8 = 58;
pub const OPTIONS: u8 = 60;

/// An extension header of IPv6: its kind, and all of it but its first byte, which says what comes next.
pub type Header = (u8, Vec<u8>);

/// An Ethernet frame.
pub fn ethernet(to: Mac, from: Mac, kind: u16, payload: &[u8]) -> Vec<u8> {
    [&to.0[..], &from.0, &kind.to_be_bytes(), payload].concat()
}

/// The Internet checksum.
fn checksum(parts: &[&[u8]]) -> [u8; 2] {
    let bytes = parts.concat();
    let words = bytes.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], *pair.get(1).unwrap_or(&0)])));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    (!u16::try_from(sum).unwrap()).to_be_bytes()
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().into(),
        IpAddr::V6(address) => address.octets().into(),
    }
}

/// Fills in the checksum of what stands behind an IP header.
pub fn sealed(from: IpAddr, to: IpAddr, protocol: u8, mut segment: Vec<u8>) -> Vec<u8> {
    let at = match protocol {
        ICMP | ICMPV6 => 2,
        TCP => 16,
        UDP => 6,
        _ => return segment,
    };
    segment[at..at + 2].fill(0);
    let length = u32::try_from(segment.len()).unwrap().to_be_bytes();
    let pseudo = [octets(from), octets(to), length.to_vec(), vec![0, 0, 0, protocol]].concat();
    let pseudo = if protocol == ICMP { &[][..] } else { &pseudo };
    let sum = checksum(&[pseudo, &segment]);
    // A sum of zero would mean none.
    segment[at..at + 2].copy_from_slice(if protocol == UDP && sum == [0, 0] { &[0xff, 0xff] } else { &sum });
    segment
}

/// An IPv4 packet around a payload that is complete. `fragment` has the flags and the offset.
pub fn ipv4_raw(from: Ipv4Addr, to: Ipv4Addr, protocol: u8, fragment: u16, options: &[u8], payload: &[u8]) -> Vec<u8> {
    let header = 20 + options.len();
    let mut ip = vec![0x40 | u8::try_from(header / 4).unwrap(), 0];
    ip.extend(u16::try_from(header + payload.len()).unwrap().to_be_bytes());
    ip.extend([0x4c, 0x46]);
    ip.extend(fragment.to_be_bytes());
    ip.extend([64, protocol, 0, 0]);
    ip.extend(from.octets());
    ip.extend(to.octets());
    ip.extend(options);
    let sum = checksum(&[&ip]);
    ip[10..12].copy_from_slice(&sum);
    [&ip, payload].concat()
}

/// An IPv4 packet.
pub fn ipv4(from: Ipv4Addr, to: Ipv4Addr, protocol: u8, segment: Vec<u8>) -> Vec<u8> {
    ipv4_raw(from, to, protocol, 0, &[], &sealed(from.into(), to.into(), protocol, segment))
}

/// An IPv6 packet around a payload that is complete.
pub fn ipv6_raw(from: Ipv6Addr, to: Ipv6Addr, next: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
    [&[0x60, 0, 0, 0][..], &length, &[next, 255], &from.octets(), &to.octets(), payload].concat()
}

/// An IPv6 packet.
pub fn ipv6(from: Ipv6Addr, to: Ipv6Addr, protocol: u8, segment: Vec<u8>) -> Vec<u8> {
    ipv6_raw(from, to, protocol, &sealed(from.into(), to.into(), protocol, segment))
}

/// An IPv6 packet with extension headers before what it carries: their kinds, and each without its first byte, which says
/// what comes next.
pub fn ipv6_behind(from: Ipv6Addr, to: Ipv6Addr, headers: &[Header], protocol: u8, segment: Vec<u8>) -> Vec<u8> {
    let mut payload = sealed(from.into(), to.into(), protocol, segment);
    let mut next = protocol;
    for (kind, rest) in headers.iter().rev() {
        payload = [&[next][..], rest, &payload].concat();
        next = *kind;
    }
    ipv6_raw(from, to, next, &payload)
}

/// An options header of eight bytes that says nothing.
pub fn options() -> Header {
    (OPTIONS, vec![0, 1, 4, 0, 0, 0, 0])
}

/// A hop-by-hop header with a router alert.
pub fn hop_by_hop() -> Header {
    (0, vec![0, 5, 2, 0, 0, 1, 0])
}

/// A fragment header: how far on in eights of bytes, and whether more follows.
pub fn fragment(offset: u16, more: bool) -> Header {
    let place = (offset << 3 | u16::from(more)).to_be_bytes();
    (FRAGMENT, vec![0, place[0], place[1], 0, 0, 0x4c, 0x46])
}

/// A routing header of that kind which leads on to one address.
pub fn routing(kind: u8, to: Ipv6Addr) -> Header {
    (ROUTING, [&[2, kind, 1, 0, 0, 0, 0][..], &to.octets()].concat())
}

pub fn udp(ports: (u16, u16), data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(8 + data.len()).unwrap();
    [&ports.0.to_be_bytes()[..], &ports.1.to_be_bytes(), &length.to_be_bytes(), &[0, 0], data].concat()
}

/// A TCP segment with these flags.
pub fn tcp(ports: (u16, u16), flags: u8, data: &[u8]) -> Vec<u8> {
    let ports = [ports.0.to_be_bytes(), ports.1.to_be_bytes()].concat();
    [&ports[..], &[0, 0, 0, 7, 0, 0, 0, 9, 0x50, flags, 4, 0, 0, 0, 0, 0], data].concat()
}

/// An ICMP message, of either version: type, code, four bytes and what follows.
pub fn icmp(kind: u8, code: u8, rest: [u8; 4], data: &[u8]) -> Vec<u8> {
    [&[kind, code, 0, 0][..], &rest, data].concat()
}

/// The five kinds of neighbour discovery, about that address, with an option that gives a hardware address.
pub fn discovery(kind: u8, target: Ipv6Addr, mac: Mac, tag: &[u8]) -> Vec<u8> {
    let mac = [&[if kind == 135 { 1 } else { 2 }, 1][..], &mac.0].concat();
    // An option of sixteen bytes that nobody knows carries the tag.
    let mut note = [&[200, 2][..], tag].concat();
    note.resize(16, 0);
    let body = match kind {
        133 => [&mac[..], &note].concat(),
        // It offers itself for half an hour, and a prefix to make addresses from.
        134 => {
            let prefix =
                [&[3, 4, 64, 0xc0, 0, 0, 14, 16, 0, 0, 14, 16, 0, 0, 0, 0][..], &[0x20, 1, 0xd, 0xb8]].concat();
            let prefix = [&prefix[..], &[0; 12]].concat();
            return icmp(134, 0, [64, 0, 7, 8], &[&[0; 8][..], &prefix, &mac, &note].concat());
        }
        // What it redirects to, and of what.
        137 => [&target.octets()[..], &target.octets(), &mac, &note].concat(),
        _ => [&target.octets()[..], &mac, &note].concat(),
    };
    icmp(kind, 0, [if kind == 136 { 0x60 } else { 0 }, 0, 0, 0], &body)
}

pub fn arp(kind: u16, sender: (Mac, Ipv4Addr), target: (Mac, Ipv4Addr), tag: &[u8]) -> Vec<u8> {
    let head = [&[0, 1, 8, 0, 6, 4][..], &kind.to_be_bytes()].concat();
    [&head[..], &sender.0.0, &sender.1.octets(), &target.0.0, &target.1.octets(), tag].concat()
}

/// An answer of DHCP that gives an address.
pub fn dhcp_offer(client: Mac, gives: Ipv4Addr, tag: &[u8]) -> Vec<u8> {
    let mut message = vec![2, 1, 6, 0, 0, 0, 0, 7, 0, 0, 0x80, 0, 0, 0, 0, 0];
    message.extend(gives.octets());
    message.extend([0; 8]);
    message.extend(client.0);
    message.resize(236, 0);
    message.extend([99, 130, 83, 99, 53, 1, 2, 255]);
    message.extend(tag);
    udp((67, 68), &message)
}
