//! Addresses: IPv4 and IPv6 blocks in canonical form, and hardware addresses.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text that is no block of addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("CIDR block {0} is malformed")]
pub struct MalformedCidr(pub String);

macro_rules! cidr {
    ($(#[$doc:meta])* $name:ident, $address:ty, $number:ty, $bits:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name {
            address: $address,
            prefix: u8,
        }

        impl $name {
            /// The block of that many leading bits that holds the address; `None` if there are more bits than it has.
            pub fn new(address: $address, prefix: u8) -> Option<Self> {
                (prefix <= $bits).then(|| Self { address: (<$number>::from(address) & Self::mask(prefix)).into(), prefix })
            }

            fn mask(prefix: u8) -> $number {
                <$number>::MAX.checked_shl(u32::from($bits - prefix)).unwrap_or(0)
            }

            /// The first address.
            pub fn first(self) -> $address {
                self.address
            }

            /// The last address.
            pub fn last(self) -> $address {
                (<$number>::from(self.address) | !Self::mask(self.prefix)).into()
            }

            /// How many leading bits are fixed.
            pub fn prefix(self) -> u8 {
                self.prefix
            }

            /// Whether the address lies in it.
            pub fn contains(self, address: $address) -> bool {
                <$number>::from(address) & Self::mask(self.prefix) == <$number>::from(self.address)
            }

            /// Whether the other block lies wholly in it.
            pub fn covers(self, other: Self) -> bool {
                other.prefix >= self.prefix && self.contains(other.address)
            }

            /// Whether they share an address.
            pub fn overlaps(self, other: Self) -> bool {
                self.covers(other) || other.covers(self)
            }

            /// The address that many after the first; `None` outside the block.
            pub fn nth(self, index: $number) -> Option<$address> {
                let address = <$number>::from(self.address).checked_add(index)?.into();
                self.contains(address).then_some(address)
            }

            /// Reads a block and tells whether it was written with host bits set.
            pub fn parse_loose(text: &str) -> Result<(Self, bool), MalformedCidr> {
                let malformed = || MalformedCidr(text.chars().take(64).collect());
                let (address, prefix) = text.split_once('/').ok_or_else(malformed)?;
                let address: $address = address.parse().map_err(|_| malformed())?;
                let zeros = prefix.len() > 1 && prefix.starts_with('0');
                if prefix.is_empty() || prefix.len() > 3 || zeros || !prefix.bytes().all(|b| b.is_ascii_digit()) {
                    return Err(malformed());
                }
                let prefix = prefix.parse().map_err(|_| malformed())?;
                let block = Self::new(address, prefix).ok_or_else(malformed)?;
                Ok((block, block.address != address))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}/{}", self.address, self.prefix)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = MalformedCidr;
            /// Host bits are cleared, as AWS does where it accepts them.
            fn from_str(text: &str) -> Result<Self, MalformedCidr> {
                Self::parse_loose(text).map(|(block, _)| block)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(|e| {
                    serde::de::Error::custom(format_args!("\u{1}InvalidParameterValue\u{1}{e}"))
                })
            }
        }
    };
}

cidr! {
    /// A block of IPv4 addresses, host bits clear.
    Ipv4Cidr, Ipv4Addr, u32, 32
}
cidr! {
    /// A block of IPv6 addresses, host bits clear.
    Ipv6Cidr, Ipv6Addr, u128, 128
}

impl Ipv4Cidr {
    /// Every address.
    pub const ALL: Ipv4Cidr = Ipv4Cidr { address: Ipv4Addr::UNSPECIFIED, prefix: 0 };

    /// How many addresses it has.
    pub fn size(self) -> u64 {
        1 << (32 - self.prefix)
    }
}

impl Ipv6Cidr {
    /// Every address.
    pub const ALL: Ipv6Cidr = Ipv6Cidr { address: Ipv6Addr::UNSPECIFIED, prefix: 0 };
}

/// A block of either family.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Cidr {
    /// IPv4.
    V4(Ipv4Cidr),
    /// IPv6.
    V6(Ipv6Cidr),
}

impl Cidr {
    /// The block of that many leading bits that holds the address; `None` if there are more bits than it has.
    pub fn new(address: IpAddr, prefix: u8) -> Option<Self> {
        match address {
            IpAddr::V4(address) => Ipv4Cidr::new(address, prefix).map(Cidr::V4),
            IpAddr::V6(address) => Ipv6Cidr::new(address, prefix).map(Cidr::V6),
        }
    }

    /// The block of one address.
    pub fn host(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Cidr::V4(Ipv4Cidr { address, prefix: 32 }),
            IpAddr::V6(address) => Cidr::V6(Ipv6Cidr { address, prefix: 128 }),
        }
    }

    /// The first address.
    pub fn first(self) -> IpAddr {
        match self {
            Cidr::V4(block) => IpAddr::V4(block.first()),
            Cidr::V6(block) => IpAddr::V6(block.first()),
        }
    }

    /// How many leading bits are fixed.
    pub fn prefix(self) -> u8 {
        match self {
            Cidr::V4(block) => block.prefix(),
            Cidr::V6(block) => block.prefix(),
        }
    }

    /// Whether it is of IPv6.
    pub fn is_ipv6(self) -> bool {
        matches!(self, Cidr::V6(_))
    }

    /// Whether the address lies in it.
    pub fn contains(self, address: IpAddr) -> bool {
        match (self, address) {
            (Cidr::V4(block), IpAddr::V4(address)) => block.contains(address),
            (Cidr::V6(block), IpAddr::V6(address)) => block.contains(address),
            _ => false,
        }
    }

    /// Whether the other block lies wholly in it.
    pub fn covers(self, other: Self) -> bool {
        match (self, other) {
            (Cidr::V4(block), Cidr::V4(other)) => block.covers(other),
            (Cidr::V6(block), Cidr::V6(other)) => block.covers(other),
            _ => false,
        }
    }

    /// Whether they share an address.
    pub fn overlaps(self, other: Self) -> bool {
        self.covers(other) || other.covers(self)
    }
}

impl FromStr for Cidr {
    type Err = MalformedCidr;
    fn from_str(text: &str) -> Result<Self, MalformedCidr> {
        if text.contains(':') { text.parse().map(Cidr::V6) } else { text.parse().map(Cidr::V4) }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cidr::V4(block) => block.fmt(f),
            Cidr::V6(block) => block.fmt(f),
        }
    }
}

impl fmt::Debug for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A hardware address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(pub [u8; 6]);

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no hardware address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no hardware address: {0:?}")]
pub struct MalformedMac(String);

impl FromStr for Mac {
    type Err = MalformedMac;
    fn from_str(text: &str) -> Result<Self, MalformedMac> {
        let malformed = || MalformedMac(text.chars().take(64).collect());
        let mut bytes = [0; 6];
        let mut parts = text.split(':');
        for byte in &mut bytes {
            let is_byte = |part: &&str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_hexdigit());
            let part = parts.next().filter(is_byte).ok_or_else(malformed)?;
            *byte = u8::from_str_radix(part, 16).map_err(|_| malformed())?;
        }
        if parts.next().is_some() { Err(malformed()) } else { Ok(Mac(bytes)) }
    }
}

impl Serialize for Mac {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = *b"00:00:00:00:00:00";
        for (index, byte) in self.0.iter().enumerate() {
            text[3 * index] = b"0123456789abcdef"[usize::from(byte >> 4)];
            text[3 * index + 1] = b"0123456789abcdef"[usize::from(byte & 15)];
        }
        serializer.serialize_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl<'de> Deserialize<'de> for Mac {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Whether an address is one of the open internet.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Source: the IANA IPv4 Special-Purpose Address Registry.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127 | 224..=255, ..)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    );
    !special
}

/// Source: the IANA IPv6 Special-Purpose Address Registry. Only what is given out is open.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let is_given = segments[0] & 0xe000 == 0x2000;
    let special = matches!(segments, [0x2001, 0..=0x01ff | 0x0db8, ..] | [0x2002 | 0x3fff, ..]);
    is_given && !special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_canonical() {
        let (block, loose) = Ipv4Cidr::parse_loose("10.1.2.3/16").unwrap();
        assert_eq!((block.to_string().as_str(), loose), ("10.1.0.0/16", true));
        assert_eq!(block.last(), Ipv4Addr::new(10, 1, 255, 255));
        assert_eq!(block.size(), 65536);
        assert_eq!("0.0.0.0/0".parse(), Ok(Ipv4Cidr::ALL));
        for bad in [
            "",
            "10.0.0.0",
            "10.0.0.0/33",
            "10.0.0.0/+8",
            "10.0.0.0/016",
            "10.0.0.0/00",
            "10.0.0/8",
            "10.0.0.0/",
            "::/0",
        ] {
            assert!(bad.parse::<Ipv4Cidr>().is_err(), "{bad}");
        }
    }

    #[test]
    fn blocks_cover_and_overlap() {
        let parse = |text: &str| text.parse::<Ipv4Cidr>().unwrap();
        assert!(parse("10.0.0.0/8").covers(parse("10.1.0.0/16")));
        assert!(!parse("10.1.0.0/16").covers(parse("10.0.0.0/8")));
        assert!(parse("10.1.0.0/16").overlaps(parse("10.0.0.0/8")));
        assert!(!parse("10.1.0.0/16").overlaps(parse("10.2.0.0/16")));
        assert_eq!(parse("10.0.0.0/30").nth(3), Some(Ipv4Addr::new(10, 0, 0, 3)));
        assert_eq!(parse("10.0.0.0/30").nth(4), None);
    }

    #[test]
    fn macs_read_back() {
        let mac = Mac([2, 0, 0xab, 0, 0, 1]);
        assert_eq!(mac.to_string().parse(), Ok(mac));
        assert_eq!(serde_json::to_string(&mac).unwrap(), format!("\"{mac}\""));
        for bad in ["02:00:00:00:00", "02:00:00:00:00:+1", "02:00:00:00:00:0g"] {
            assert!(bad.parse::<Mac>().is_err(), "{bad}");
        }
    }

    #[test]
    fn only_the_open_internet_is_public() {
        for open in ["140.82.112.3", "8.8.8.8", "172.32.0.1", "2606:4700::1111", "2a00:1450::8a"] {
            assert!(is_public(open.parse().unwrap()), "{open}");
        }
        for closed in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "ff02::1",
            "2001:db8::1",
            "2002:7f00:1::",
        ] {
            assert!(!is_public(closed.parse().unwrap()), "{closed}");
        }
    }
}
