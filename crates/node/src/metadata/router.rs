//! Router advertisements (RFC 4861): what makes a guest send everything to its port's gateway, and ask for its addresses.
//!
//! Each port is a link of its own, with the guest and the router on it and nobody else. So the subnet's block is told as
//! not on the link and not to make addresses from: the guest sends to the router what it sends to its neighbours, and has
//! the addresses that DHCPv6 gives it, which are those that may pass.

use std::net::Ipv6Addr;
use std::time::Duration;

use landfall_model::Mac;

use super::directory::Caller;

/// The gateway's address on every port.
pub const GATEWAY: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
/// Who hears advertisements.
pub const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// Who hears solicitations.
pub const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);
/// The type of a solicitation.
pub const SOLICITATION: u8 = 133;
/// How far a packet of neighbour discovery has come: nowhere. What came from elsewhere has less.
pub const HOP_LIMIT: u8 = 255;

const ADVERTISEMENT: u8 = 134;
/// For how long a guest may believe an advertisement, in seconds: the most that there is, so that guests keep their way
/// out for as long as may be while nobody advertises.
const LIFETIME_SECONDS: u16 = 9000;
const MANAGED: u8 = 0x80;
const OTHER: u8 = 0x40;
const GUEST_HOP_LIMIT: u8 = 64;

const SOURCE_ADDRESS: u8 = 1;
const PREFIX: u8 = 3;
const MTU: u8 = 5;

/// Whether a packet with that source and hop limit is a solicitation that has to be answered (RFC 4861, section 6.1.1).
/// The kernel has looked at its checksum.
pub fn is_solicitation(packet: &[u8], source: Ipv6Addr, hops: u8) -> bool {
    let Some((head, mut options)) = packet.split_first_chunk::<8>() else { return false };
    if hops != HOP_LIMIT || head[..2] != [SOLICITATION, 0] {
        return false;
    }
    while let [kind, units, ..] = *options {
        let Some((_, rest)) = options.split_at_checked(usize::from(units) * 8).filter(|_| units > 0) else {
            return false;
        };
        if kind == SOURCE_ADDRESS && source.is_unspecified() {
            return false;
        }
        options = rest;
    }
    options.is_empty()
}

/// What the caller's port is told; the kernel writes the checksum. Nothing where it has no IPv6 address.
pub fn advertisement(caller: &Caller<'_>, gateway: Mac) -> Option<Vec<u8>> {
    let port = caller.port;
    if port.ipv6.is_empty() {
        return None;
    }
    let mut bytes = vec![ADVERTISEMENT, 0, 0, 0, GUEST_HOP_LIMIT, MANAGED | OTHER];
    bytes.extend(LIFETIME_SECONDS.to_be_bytes());
    // How long a neighbour counts as reachable, and when to ask again: as the guest likes.
    bytes.extend([0; 8]);
    bytes.extend([SOURCE_ADDRESS, 1]);
    bytes.extend(gateway.0);
    bytes.extend([MTU, 1, 0, 0]);
    bytes.extend(u32::from(port.mtu).to_be_bytes());
    if let Some(block) = port.subnet_ipv6 {
        // Neither on the link nor to make addresses from.
        bytes.extend([PREFIX, 4, block.prefix(), 0]);
        bytes.extend([u32::from(LIFETIME_SECONDS).to_be_bytes(); 2].concat());
        bytes.extend([0; 4]);
        bytes.extend(block.first().octets());
    }
    Some(bytes)
}

/// How long after the `count`-th unasked advertisement the next one follows. The first few come soon, for guests that
/// were up before; after that about every ten minutes, each port at a time of its own.
pub fn pause_after(count: u32, seed: u128) -> Duration {
    const SOON: u32 = 3;
    let spread = (seed ^ (seed >> 32)) % 200;
    match count {
        0..SOON => Duration::from_secs(16),
        _ => Duration::from_secs(500 + u64::try_from(spread).unwrap_or(0)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::directory::Directory;
    use super::super::plan::derive;
    use super::super::sample;
    use super::*;

    const SOURCE: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 9);

    fn advertised(directory: &Directory) -> Option<Vec<u8>> {
        advertisement(&directory.port(sample::interface_id()).unwrap(), Mac([2, 0, 0, 0, 0, 1]))
    }

    #[test]
    fn an_advertisement_to_the_byte() {
        let directory = Directory::new(derive(&sample::host_plan(), "lf", 1450));
        let bytes = advertised(&directory).unwrap();
        let expected: Vec<u8> = [
            &[134, 0, 0, 0, 64, 0xc0, 0x23, 0x28][..],
            &[0; 8],
            &[1, 1, 2, 0, 0, 0, 0, 1],
            &[5, 1, 0, 0, 0, 0, 5, 0xaa],
            &[3, 4, 64, 0, 0, 0, 0x23, 0x28, 0, 0, 0x23, 0x28, 0, 0, 0, 0],
            &sample::SUBNET_IPV6.parse::<landfall_model::Ipv6Cidr>().unwrap().first().octets(),
        ]
        .concat();
        assert_eq!(bytes, expected);
    }

    #[test]
    fn a_port_without_ipv6_is_told_nothing() {
        let mut plan = derive(&sample::host_plan(), "lf", 1450);
        plan.instances.values_mut().for_each(|instance| instance.ports[0].ipv6.clear());
        assert_eq!(advertised(&Directory::new(plan)), None);
    }

    #[test]
    fn only_a_solicitation_from_the_link_counts() {
        let bare = [133, 0, 0, 0, 0, 0, 0, 0];
        let with = [&bare[..], &[1, 1, 2, 0, 0, 0, 0, 9]].concat();
        for (packet, source, hops, expected) in [
            (&bare[..], SOURCE, 255, true),
            (&bare, Ipv6Addr::UNSPECIFIED, 255, true),
            (&with, SOURCE, 255, true),
            (&with, Ipv6Addr::UNSPECIFIED, 255, false),
            (&bare, SOURCE, 254, false),
            (&bare[..7], SOURCE, 255, false),
            (&with[..15], SOURCE, 255, false),
            (&[134, 0, 0, 0, 0, 0, 0, 0], SOURCE, 255, false),
            (&[133, 1, 0, 0, 0, 0, 0, 0], SOURCE, 255, false),
            (&[133, 0, 0, 0, 0, 0, 0, 0, 1, 0], SOURCE, 255, false),
            (&[133, 0, 0, 0, 0, 0, 0, 0, 9], SOURCE, 255, false),
        ] {
            assert_eq!(is_solicitation(packet, source, hops), expected, "{packet:?} {source} {hops}");
        }
    }

    #[test]
    fn unasked_advertisements_come_soon_and_then_seldom() {
        assert_eq!(pause_after(0, 7), Duration::from_secs(16));
        for seed in [0, 7, u128::MAX] {
            let pause = pause_after(9, seed).as_secs();
            assert!((500..700).contains(&pause), "{pause}");
        }
    }

    proptest! {
        #[test]
        fn no_packet_brings_the_parser_down(bytes in prop::collection::vec(any::<u8>(), 0..200), hops in any::<u8>()) {
            let _ = is_solicitation(&bytes, SOURCE, hops);
            let _ = is_solicitation(&[&[133, 0, 0, 0, 0, 0, 0, 0][..], &bytes].concat(), SOURCE, 255);
        }
    }
}
