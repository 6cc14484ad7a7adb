//! A packet as routes and filters look at it.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::security_group::{IpProtocol, PortRange};

/// A packet: the first of a flow, or its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Packet {
    /// IANA's number of its protocol.
    pub protocol: u8,
    /// Who sends it, as it is seen here.
    pub source: IpAddr,
    /// Who is to get it, as it is seen here.
    pub destination: IpAddr,
    /// What the protocol's own header says.
    pub header: Header,
}

/// What filters look at beyond the addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Header {
    /// The ports of TCP or UDP.
    Ports {
        /// The sender's.
        source: u16,
        /// The receiver's.
        destination: u16,
    },
    /// ICMP's, of either family.
    Icmp {
        /// The type.
        kind: u8,
        /// The code.
        code: u8,
    },
    /// Nothing.
    Other,
}

/// The number of ICMP.
pub const ICMP: u8 = 1;
/// The number of TCP.
pub const TCP: u8 = 6;
/// The number of UDP.
pub const UDP: u8 = 17;
/// The number of ICMP for IPv6.
pub const ICMPV6: u8 = 58;

/// Requests of ICMP that have answers: protocol, type of the request, type of the answer. Sources: RFC 792, RFC 4443.
const ANSWERS: [(u8, u8, u8); 3] = [(ICMP, 8, 0), (ICMP, 13, 14), (ICMPV6, 128, 129)];

impl Packet {
    /// One of TCP.
    pub fn tcp(source: IpAddr, source_port: u16, destination: IpAddr, port: u16) -> Self {
        let header = Header::Ports { source: source_port, destination: port };
        Self { protocol: TCP, source, destination, header }
    }

    /// One of UDP.
    pub fn udp(source: IpAddr, source_port: u16, destination: IpAddr, port: u16) -> Self {
        Self { protocol: UDP, ..Self::tcp(source, source_port, destination, port) }
    }

    /// An echo request, of whichever family the addresses are.
    pub fn echo(source: IpAddr, destination: IpAddr) -> Self {
        let (protocol, kind) = if source.is_ipv4() { (ICMP, 8) } else { (ICMPV6, 128) };
        Self { protocol, source, destination, header: Header::Icmp { kind, code: 0 } }
    }

    /// What comes back for it; `None` where nothing does, as for ICMP's messages that ask nothing.
    pub fn answer(self) -> Option<Self> {
        let header = match self.header {
            Header::Ports { source, destination } => Header::Ports { source: destination, destination: source },
            Header::Icmp { kind, code } => {
                let (.., kind) =
                    ANSWERS.iter().find(|(protocol, asked, _)| (*protocol, *asked) == (self.protocol, kind))?;
                Header::Icmp { kind: *kind, code }
            }
            Header::Other => Header::Other,
        };
        Some(Self { source: self.destination, destination: self.source, header, ..self })
    }

    /// Whether it is one that a rule of that protocol and those ports, or type and code, is about.
    pub fn is_of(self, protocol: IpProtocol, ports: PortRange) -> bool {
        match protocol {
            IpProtocol::All => true,
            IpProtocol::Number(number) if number != self.protocol => false,
            IpProtocol::Number(_) => match self.header {
                Header::Ports { destination, .. } => {
                    ports == PortRange::ANY || (ports.from..=ports.to).contains(&i32::from(destination))
                }
                Header::Icmp { kind, code } => {
                    (ports.from == -1 || ports.from == i32::from(kind))
                        && (ports.from == -1 || ports.to == -1 || ports.to == i32::from(code))
                }
                Header::Other => true,
            },
        }
    }

    /// The same as a NAT gateway sends it on: from that address, and from a port that it uses.
    pub fn translated(self, source: IpAddr) -> Self {
        const FIRST_PORT: u16 = 1024;
        let header = match self.header {
            Header::Ports { source, destination } if source < FIRST_PORT => {
                Header::Ports { source: source + FIRST_PORT, destination }
            }
            header => header,
        };
        Self { source, header, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_go_the_other_way() {
        let (a, b) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        assert_eq!(Packet::tcp(a, 1, b, 2).answer(), Some(Packet::tcp(b, 2, a, 1)));
        let answer = Packet::echo(a, b).answer().unwrap();
        assert_eq!(answer.header, Header::Icmp { kind: 0, code: 0 });
        assert_eq!(answer.answer(), None);
    }

    #[test]
    fn rules_are_about_destination_ports_types_and_codes() {
        let (a, b) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        let range = |from, to| PortRange { from, to };
        for (protocol, ports, matches) in [
            (IpProtocol::All, PortRange::ANY, true),
            (IpProtocol::TCP, range(80, 90), true),
            (IpProtocol::TCP, range(81, 90), false),
            (IpProtocol::TCP, range(0, 65535), true),
            (IpProtocol::UDP, range(80, 80), false),
            (IpProtocol::Number(47), PortRange::ANY, false),
        ] {
            assert_eq!(Packet::tcp(a, 4000, b, 80).is_of(protocol, ports), matches, "{protocol} {ports:?}");
        }
        for (ports, matches) in [
            (range(-1, -1), true),
            (range(8, -1), true),
            (range(8, 0), true),
            (range(8, 1), false),
            (range(0, -1), false),
        ] {
            assert_eq!(Packet::echo(a, b).is_of(IpProtocol::ICMP, ports), matches, "{ports:?}");
        }
    }
}
