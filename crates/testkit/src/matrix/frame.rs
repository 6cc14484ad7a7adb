//! Packets as bytes: built from what a verdict is about, and read back.
//!
//! Each carries in its payload which probe it belongs to, and whether it is the question or the answer; translation leaves
//! that as it is. Checksums are right, because the kernel's connection tracking passes over packets whose aren't.

use std::net::IpAddr;

use landfall_cloud::reach::{Header, Packet};
use landfall_model::Mac;

/// The header that a TAP's frames have before them (`IFF_VNET_HDR`): nothing is left for the receiver to do.
const OFFLOAD: usize = 10;
const ETHERNET: usize = 14;
const MAGIC: [u8; 4] = *b"LFmx";
const HOPS: u8 = 64;
const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;

/// What a payload says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Token {
    /// Which probe.
    pub probe: u32,
    /// Whether it is the answer.
    pub answer: bool,
}

/// A frame with that packet, from one hardware address to another.
pub fn build(packet: Packet, token: Token, from: Mac, to: Mac) -> Vec<u8> {
    let mut message = message(packet, token);
    let pseudo = pseudo(packet, message.len());
    if let Some(at) = checksum_place(packet.protocol) {
        let seed = if packet.protocol == ICMP { 0 } else { sum(&pseudo, 0) };
        let mut value = finish(sum(&message, seed));
        if value == 0 && packet.protocol == UDP {
            value = u16::MAX;
        }
        message[at..at + 2].copy_from_slice(&value.to_be_bytes());
    }
    let mut frame = vec![0; OFFLOAD];
    frame.extend(to.0);
    frame.extend(from.0);
    match (packet.source, packet.destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            frame.extend([0x08, 0x00]);
            let mut header = vec![0x45, 0];
            header.extend(u16::try_from(20 + message.len()).unwrap_or(u16::MAX).to_be_bytes());
            header.extend((token.probe as u16).to_be_bytes());
            header.extend([0x40, 0, HOPS, packet.protocol, 0, 0]);
            header.extend(source.octets());
            header.extend(destination.octets());
            let value = finish(sum(&header, 0)).to_be_bytes();
            header[10..12].copy_from_slice(&value);
            frame.extend(header);
        }
        (source, destination) => {
            frame.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
            frame.extend(u16::try_from(message.len()).unwrap_or(u16::MAX).to_be_bytes());
            frame.extend([packet.protocol, HOPS]);
            frame.extend(octets(source));
            frame.extend(octets(destination));
        }
    }
    frame.extend(message);
    frame
}

/// The packet of a frame, and what its payload says; `None` for what isn't one of ours.
pub fn read(frame: &[u8]) -> Option<(Packet, Token)> {
    let ip = frame.get(OFFLOAD + ETHERNET..)?;
    let (protocol, source, destination, message) = match frame.get(OFFLOAD + 12..OFFLOAD + ETHERNET)? {
        [0x08, 0x00] => {
            let header = usize::from(ip.first()? & 15) * 4;
            let source: [u8; 4] = ip.get(12..16)?.try_into().ok()?;
            let destination: [u8; 4] = ip.get(16..20)?.try_into().ok()?;
            (*ip.get(9)?, IpAddr::from(source), IpAddr::from(destination), ip.get(header..)?)
        }
        [0x86, 0xdd] => {
            let source: [u8; 16] = ip.get(8..24)?.try_into().ok()?;
            let destination: [u8; 16] = ip.get(24..40)?.try_into().ok()?;
            (*ip.get(6)?, IpAddr::from(source), IpAddr::from(destination), ip.get(40..)?)
        }
        _ => return None,
    };
    let port = |at: usize| Some(u16::from_be_bytes(message.get(at..at + 2)?.try_into().ok()?));
    let header = match protocol {
        TCP | UDP => Header::Ports { source: port(0)?, destination: port(2)? },
        ICMP | ICMPV6 => Header::Icmp { kind: *message.first()?, code: *message.get(1)? },
        _ => Header::Other,
    };
    // An error of ICMP quotes the packet that it is about: it isn't the packet.
    if matches!(header, Header::Icmp { kind, .. } if (protocol == ICMP && matches!(kind, 3 | 5 | 11 | 12)) || kind < 5 && protocol == ICMPV6)
    {
        return None;
    }
    let at = message.windows(MAGIC.len()).position(|window| window == MAGIC)?;
    let rest = message.get(at + MAGIC.len()..)?;
    let probe = u32::from_be_bytes(rest.first_chunk::<4>().copied()?);
    let token = Token { probe, answer: *rest.get(4)? != 0 };
    Some((Packet { protocol, source, destination, header }, token))
}

fn message(packet: Packet, token: Token) -> Vec<u8> {
    let mut message = Vec::new();
    match packet.header {
        Header::Ports { source, destination } => {
            message.extend(source.to_be_bytes());
            message.extend(destination.to_be_bytes());
            if packet.protocol == TCP {
                // A flow's first packet, and the first of those that answer it.
                let flags = if token.answer { 0x12 } else { 0x02 };
                let acknowledged = if token.answer { 2u32 } else { 0 };
                message.extend(1u32.to_be_bytes());
                message.extend(acknowledged.to_be_bytes());
                message.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
            } else {
                message.extend(17u16.to_be_bytes());
                message.extend([0, 0]);
            }
        }
        Header::Icmp { kind, code } => {
            message.extend([kind, code, 0, 0]);
            message.extend((token.probe as u16).to_be_bytes());
            message.extend(1u16.to_be_bytes());
        }
        Header::Other => {}
    }
    // A first packet of TCP has no data as a rule; ours has, and nobody minds.
    message.extend(MAGIC);
    message.extend(token.probe.to_be_bytes());
    message.push(u8::from(token.answer));
    message
}

fn checksum_place(protocol: u8) -> Option<usize> {
    match protocol {
        TCP => Some(16),
        UDP => Some(6),
        ICMP | ICMPV6 => Some(2),
        _ => None,
    }
}

fn pseudo(packet: Packet, length: usize) -> Vec<u8> {
    let mut bytes = octets(packet.source);
    bytes.extend(octets(packet.destination));
    bytes.extend(u32::try_from(length).unwrap_or(0).to_be_bytes());
    bytes.extend([0, 0, 0, packet.protocol]);
    bytes
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

fn sum(bytes: &[u8], seed: u32) -> u32 {
    bytes.chunks(2).fold(seed, |sum, pair| {
        let low = pair.get(1).copied().unwrap_or(0);
        sum + u32::from(u16::from_be_bytes([pair[0], low]))
    })
}

fn finish(mut sum: u32) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_read_back() {
        let (a, b) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        let (c, d) = ("fd00::1".parse().unwrap(), "fd00::2".parse().unwrap());
        let token = Token { probe: 70_000, answer: false };
        let other = Packet { protocol: 47, source: a, destination: b, header: Header::Other };
        for packet in [Packet::tcp(a, 5, b, 6), Packet::udp(c, 5, d, 6), Packet::echo(a, b), Packet::echo(c, d), other]
        {
            assert_eq!(read(&build(packet, token, Mac([2; 6]), Mac([4; 6]))), Some((packet, token)));
        }
    }
}
