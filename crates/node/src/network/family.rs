//! The two families of addresses, as sets and expressions of the packet filter name them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use landfall_model::Cidr;

use super::span::{Show, Span};

/// IPv4 or IPv6. Addresses of both are numbers; those of IPv4 small ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// Both.
    pub const BOTH: [Family; 2] = [Family::V4, Family::V6];

    /// How expressions name it.
    pub fn tag(self) -> &'static str {
        match self {
            Family::V4 => "ip",
            Family::V6 => "ip6",
        }
    }

    /// How types and `meta nfproto` name it.
    pub fn protocol(self) -> &'static str {
        match self {
            Family::V4 => "ipv4",
            Family::V6 => "ipv6",
        }
    }

    /// All of its addresses.
    pub fn everything(self) -> Span<u128> {
        match self {
            Family::V4 => Span::new(0, u128::from(u32::MAX)),
            Family::V6 => Span::new(0, u128::MAX),
        }
    }

    /// Which one an address is of.
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv6() { Family::V6 } else { Family::V4 }
    }

    /// The addresses of a block; `None` where it is of the other family.
    pub fn span(self, cidr: Cidr) -> Option<Span<u128>> {
        match (self, cidr) {
            (Family::V4, Cidr::V4(block)) => {
                Some(Span::new(u32::from(block.first()).into(), u32::from(block.last()).into()))
            }
            (Family::V6, Cidr::V6(block)) => Some(Span::new(block.first().into(), block.last().into())),
            _ => None,
        }
    }

    /// Addresses as `nft` writes them.
    pub fn show(self, span: Span<u128>) -> String {
        match self {
            // What was made from IPv4 addresses fits into their size.
            Family::V4 => {
                let address = |number: u128| Ipv4Addr::from(u32::try_from(number).unwrap_or(u32::MAX));
                Show(Span::new(address(span.first), address(span.last))).to_string()
            }
            Family::V6 => Show(Span::new(Ipv6Addr::from(span.first), Ipv6Addr::from(span.last))).to_string(),
        }
    }
}
