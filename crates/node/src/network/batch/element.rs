//! Sets and their elements, as the kernel has them: keys of fields, each filled up to four bytes where there are several.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::attributes::Attributes;

const INTERVAL: u32 = 4;
const MAP: u32 = 8;
const TIMEOUT: u32 = 0x10;
const EVALUATED: u32 = 0x20;
const CONCATENATED: u32 = 0x80;

/// Of an element: a range has ended before it.
const INTERVAL_END: u32 = 1;

/// What `nft` notes of how a value is written.
const HOST_ORDER: u32 = 1;
/// The same: the most significant byte first.
pub const BIG_ENDIAN: u32 = 2;

/// What stands for a verdict among types of data.
const VERDICTS: u32 = 0xffff_ff00;

/// A field of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Link,
    V4,
    V6,
    Protocol,
    Service,
    Mark,
    /// A type of ICMP.
    Icmp,
    /// The same of IPv6.
    IcmpV6,
}

impl Field {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "ifname" => Self::Link,
            "ipv4_addr" => Self::V4,
            "ipv6_addr" => Self::V6,
            "inet_proto" => Self::Protocol,
            "inet_service" => Self::Service,
            "mark" => Self::Mark,
            "icmp_type" => Self::Icmp,
            "icmpv6_type" => Self::IcmpV6,
            _ => return None,
        })
    }

    /// The number that `nft` has for the type.
    fn datatype(self) -> u32 {
        match self {
            Self::V4 => 7,
            Self::V6 => 8,
            Self::Protocol => 12,
            Self::Service => 13,
            Self::Icmp => 14,
            Self::Mark => 19,
            Self::IcmpV6 => 29,
            Self::Link => 41,
        }
    }

    fn length(self) -> usize {
        match self {
            Self::Protocol | Self::Icmp | Self::IcmpV6 => 1,
            Self::Service => 2,
            Self::V4 | Self::Mark => 4,
            Self::V6 | Self::Link => 16,
        }
    }

    fn order(self) -> u32 {
        if matches!(self, Self::Link | Self::Mark) { HOST_ORDER } else { BIG_ENDIAN }
    }

    /// A value's bytes.
    fn bytes(self, text: &str) -> Option<Vec<u8>> {
        Some(match self {
            Self::Link => {
                let mut name = text.strip_prefix('"')?.strip_suffix('"')?.as_bytes().to_vec();
                // A star at the end stands for any.
                if name.len() > 15 || name.contains(&b'*') {
                    return None;
                }
                name.resize(16, 0);
                name
            }
            Self::V4 => text.parse::<Ipv4Addr>().ok()?.octets().to_vec(),
            Self::V6 => text.parse::<Ipv6Addr>().ok()?.octets().to_vec(),
            Self::Protocol => vec![text.parse().ok()?],
            Self::Icmp => vec![match text {
                "destination-unreachable" => 3,
                "source-quench" => 4,
                "time-exceeded" => 11,
                "parameter-problem" => 12,
                _ => return None,
            }],
            Self::IcmpV6 => vec![match text {
                "destination-unreachable" => 1,
                "packet-too-big" => 2,
                "time-exceeded" => 3,
                "parameter-problem" => 4,
                "nd-router-solicit" => 133,
                "nd-router-advert" => 134,
                "nd-neighbor-solicit" => 135,
                "nd-neighbor-advert" => 136,
                "nd-redirect" => 137,
                _ => return None,
            }],
            Self::Service => text.parse::<u16>().ok()?.to_be_bytes().to_vec(),
            Self::Mark => u32::from_str_radix(text.strip_prefix("0x")?, 16).ok()?.to_ne_bytes().to_vec(),
        })
    }

    /// The first and the last of a range, which may be one value or a block.
    fn range(self, text: &str) -> Option<[Vec<u8>; 2]> {
        if let Some((first, last)) = text.split_once('-').filter(|_| self != Self::Link) {
            return Some([self.bytes(first)?, self.bytes(last)?]);
        }
        if let Some((address, prefix)) = text.split_once('/').filter(|_| matches!(self, Self::V4 | Self::V6)) {
            let (address, prefix) = (address.parse::<IpAddr>().ok()?, prefix.parse().ok()?);
            let last = match address {
                IpAddr::V4(address) => {
                    (address.to_bits() | u32::MAX.checked_shr(prefix).unwrap_or(0)).to_be_bytes().to_vec()
                }
                IpAddr::V6(address) => {
                    (address.to_bits() | u128::MAX.checked_shr(prefix).unwrap_or(0)).to_be_bytes().to_vec()
                }
            };
            return Some([self.bytes(text.split_once('/')?.0)?, last]);
        }
        let only = self.bytes(text)?;
        Some([only.clone(), only])
    }
}

/// What kind of set it is, as its head says.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    fields: Vec<Field>,
    data: Option<Data>,
    is_interval: bool,
    is_dynamic: bool,
    size: Option<u32>,
    timeout_ms: Option<u64>,
}

/// What a map leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Data {
    Verdict,
    Value(Field),
}

impl Kind {
    /// Reads a set's head; `None` for what isn't known here.
    pub fn parse(head: &[String]) -> Option<Self> {
        let mut kind =
            Self { fields: vec![], data: None, is_interval: false, is_dynamic: false, size: None, timeout_ms: None };
        for line in head {
            match line.split_once(' ')? {
                ("type", types) => {
                    let (keys, data) = types.split_once(" : ").map_or((types, None), |(keys, data)| (keys, Some(data)));
                    kind.fields = keys.split(" . ").map(Field::parse).collect::<Option<_>>()?;
                    kind.data = match data {
                        None => None,
                        Some("verdict") => Some(Data::Verdict),
                        Some(data) => Some(Data::Value(Field::parse(data)?)),
                    };
                }
                ("flags", "interval") => kind.is_interval = true,
                ("flags", "dynamic,timeout") => kind.is_dynamic = true,
                ("size", size) => kind.size = Some(size.parse().ok()?),
                ("timeout", "1h") => kind.timeout_ms = Some(3_600_000),
                _ => return None,
            }
        }
        (!kind.fields.is_empty()).then_some(kind)
    }

    /// Whether its elements are ranges of one field, which the kernel holds as the borders between them.
    pub fn has_borders(&self) -> bool {
        self.is_interval && !self.is_concatenated()
    }

    fn is_concatenated(&self) -> bool {
        self.fields.len() > 1
    }

    /// What such a set is made from. `id` is its number within the transaction.
    pub fn attributes(&self, table: &str, name: &str, id: u32) -> Option<Attributes> {
        let mut flags = if self.is_interval { INTERVAL } else { 0 };
        flags |= if self.data.is_some() { MAP } else { 0 };
        flags |= if self.is_dynamic { TIMEOUT | EVALUATED } else { 0 };
        flags |= if self.is_interval && self.is_concatenated() { CONCATENATED } else { 0 };
        let datatype = self.fields.iter().fold(0, |sum, field| sum << 6 | field.datatype());
        let mut attributes = Attributes::of(table);
        attributes.text(2, name).number(3, flags).number(4, datatype);
        attributes.number(5, u32::try_from(self.key_length()).ok()?);
        match self.data {
            None => {}
            Some(Data::Verdict) => _ = attributes.number(6, VERDICTS).number(7, 0),
            Some(Data::Value(field)) => {
                attributes.number(6, field.datatype()).number(7, u32::try_from(field.length()).ok()?);
            }
        }
        attributes.number(10, id);
        let mut description = Attributes::default();
        if let Some(size) = self.size {
            description.number(1, size);
        }
        if self.is_interval && self.is_concatenated() {
            let mut fields = Attributes::default();
            for field in &self.fields {
                fields.nest(1, Attributes::default().number(1, u32::try_from(field.length()).ok()?));
            }
            description.nest(2, &fields);
        }
        attributes.nest(9, &description);
        if let Some(timeout_ms) = self.timeout_ms {
            attributes.bytes_of(11, &timeout_ms.to_be_bytes());
        }
        let key = if self.is_concatenated() { 0 } else { self.fields.first()?.order() };
        let data = self.data.map(|data| match data {
            Data::Verdict => 0,
            Data::Value(field) => field.order(),
        });
        attributes.bytes_of(13, &userdata(key, data));
        Some(attributes)
    }

    fn key_length(&self) -> usize {
        match self.fields.as_slice() {
            [only] => only.length(),
            several => several.iter().map(|field| field.length().next_multiple_of(4)).sum(),
        }
    }

    /// An element, with what it leads to if that matters.
    pub fn element(&self, text: &str, with_data: bool) -> Option<Attributes> {
        let (key, data) = match self.data {
            Some(_) => text.split_once(" : ").map(|(key, data)| (key, Some(data)))?,
            None => (text, None),
        };
        let (mut first, mut last) = (Vec::new(), Vec::new());
        let values: Vec<_> = key.split(" . ").collect();
        if values.len() != self.fields.len() {
            return None;
        }
        for (field, value) in self.fields.iter().zip(values) {
            let [from, to] = if self.is_interval { field.range(value)? } else { [field.bytes(value)?, vec![]] };
            first.extend(from);
            last.extend(to);
            if self.is_concatenated() {
                first.resize(first.len().next_multiple_of(4), 0);
                last.resize(last.len().next_multiple_of(4), 0);
            }
        }
        let mut element = Attributes::default();
        element.nest(1, Attributes::default().bytes_of(1, &first));
        if self.is_interval {
            element.nest(10, Attributes::default().bytes_of(1, &last));
        }
        if let (Some(kind), Some(data), true) = (self.data, data, with_data) {
            let mut value = Attributes::default();
            match kind {
                Data::Verdict => _ = value.nest(2, &verdict(data)?),
                Data::Value(field) => _ = value.bytes_of(1, &field.bytes(data)?),
            }
            element.nest(2, &value);
        }
        Some(element)
    }
}

impl Kind {
    /// All elements of a set of ranges of one field, as borders: where a range begins, and where it has ended. `None` for
    /// maps, and where ranges touch: a border in common is `nft`'s affair.
    pub fn borders(&self, elements: &[&str]) -> Option<Vec<Attributes>> {
        let [field] = self.fields.as_slice() else { return None };
        if self.data.is_some() {
            return None;
        }
        let mut ranges = elements.iter().map(|text| field.range(text)).collect::<Option<Vec<_>>>()?;
        ranges.sort_unstable();
        let mut borders = Vec::new();
        // What is outside of all ranges ends where the first begins, and so it is said that it has ended at zero.
        let mut ended = Some(vec![0; field.length()]);
        for [first, last] in ranges {
            match ended.take() {
                Some(end) if end < first => borders.push(border(&end, true)),
                Some(end) if borders.is_empty() && end == first => {}
                _ => return None,
            }
            borders.push(border(&first, false));
            ended = after(last);
        }
        borders.extend(ended.map(|end| border(&end, true)));
        Some(borders)
    }
}

fn border(key: &[u8], is_end: bool) -> Attributes {
    let mut element = Attributes::default();
    element.nest(1, Attributes::default().bytes_of(1, key));
    if is_end {
        element.number(3, INTERVAL_END);
    }
    element
}

/// The next value; `None` after the last.
fn after(mut value: Vec<u8>) -> Option<Vec<u8>> {
    for byte in value.iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            return Some(value);
        }
    }
    None
}

/// What `nft` notes with a set, so that it can show it again.
pub fn userdata(key_order: u32, data_order: Option<u32>) -> Vec<u8> {
    let mut data = vec![0, 4];
    data.extend(key_order.to_ne_bytes());
    if let Some(order) = data_order {
        data.extend([1, 4]);
        data.extend(order.to_ne_bytes());
    }
    data
}

/// What becomes of a packet.
pub fn verdict(text: &str) -> Option<Attributes> {
    let (word, chain) = text.split_once(' ').map_or((text, None), |(word, chain)| (word, Some(chain)));
    let code = match (word, chain) {
        ("drop", None) => 0,
        ("accept", None) => 1,
        ("jump", Some(_)) => -3,
        ("goto", Some(_)) => -4,
        ("return", None) => -5i32,
        _ => return None,
    };
    let mut verdict = Attributes::default();
    verdict.number(1, code.cast_unsigned());
    if let Some(chain) = chain {
        verdict.text(2, chain);
    }
    Some(verdict)
}
