//! Rules in the kernel's language: expressions that load a field into a register, compare it, and decide.
//!
//! What a field rests on (the kind of frame, of packet and of message) is asked first, once, as `nft` does it.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::attributes::Attributes;
use super::element::verdict;

/// The first register; it is as wide as an address of IPv6.
const REGISTER: u32 = 1;
/// Its second and third quarter, for keys of several fields.
const QUARTERS: [u32; 2] = [9, 10];

const LINK_HEADER: u32 = 0;
const NETWORK_HEADER: u32 = 1;
const TRANSPORT_HEADER: u32 = 2;

const META_MARK: u32 = 3;
const META_LINK_TYPE: u32 = 8;
const META_FAMILY: u32 = 15;
const META_PROTOCOL: u32 = 16;
const CT_MARK: u32 = 3;

const ETHERNET: [u8; 2] = 1u16.to_ne_bytes();
const IPV4: u8 = 2;
const IPV6: u8 = 10;
const ICMP: u8 = 1;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;
const FRAGMENT: u8 = 44;

const EQUAL: u32 = 0;
const DIFFERS: u32 = 1;
const GREATER: u32 = 4;

/// A set that one rule has for itself.
pub struct Anonymous {
    /// Its number within the transaction.
    pub id: u32,
    /// What `nft` calls its type.
    pub datatype: u32,
    /// The length of an element, in bytes.
    pub length: u32,
    /// Its elements.
    pub elements: Vec<Vec<u8>>,
}

/// A rule's expressions, and the sets that it has for itself, numbered after `sets`; `None` where a word isn't known here.
pub fn compile(family: &str, rule: &str, sets: u32) -> Option<(Attributes, Vec<Anonymous>)> {
    let words: Vec<_> = rule.split(' ').collect();
    let mut compiler = Compiler { family, sets, ..Compiler::default() };
    let mut rest = words.as_slice();
    while !rest.is_empty() {
        rest = compiler.statement(rest)?;
    }
    Some((compiler.expressions, compiler.anonymous))
}

#[derive(Default)]
struct Compiler<'t> {
    family: &'t str,
    expressions: Attributes,
    anonymous: Vec<Anonymous>,
    sets: u32,
    is_ethernet: bool,
    network: Option<Network>,
    transport: Option<u8>,
}

/// What a packet is known to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Network {
    Arp,
    V4,
    V6,
}

/// Where a value is found, and how one is written.
#[derive(Clone, Copy)]
struct Field {
    base: u32,
    offset: u32,
    form: Form,
}

/// How a value is written.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    Mac,
    V4,
    V6,
    /// A number or a name of one byte.
    Byte,
    /// A number of two bytes.
    Short,
    /// A kind of frame.
    Frame,
    /// So many bytes of whatever is there.
    Raw(u32),
}

impl Form {
    fn length(self) -> u32 {
        match self {
            Self::Mac => 6,
            Self::V4 => 4,
            Self::V6 => 16,
            Self::Byte => 1,
            Self::Short | Self::Frame => 2,
            Self::Raw(length) => length,
        }
    }

    /// What `nft` calls it, where there are sets of it.
    fn datatype(self) -> Option<u32> {
        match self {
            Self::V4 => Some(7),
            Self::V6 => Some(8),
            Self::Raw(_) => Some(4),
            _ => None,
        }
    }

    fn bytes(self, text: &str) -> Option<Vec<u8>> {
        Some(match self {
            Self::Mac => {
                let bytes: Vec<u8> =
                    text.split(':').map(|byte| u8::from_str_radix(byte, 16).ok()).collect::<Option<_>>()?;
                bytes.try_into().ok().map(|mac: [u8; 6]| mac.to_vec())?
            }
            Self::V4 => text.parse::<Ipv4Addr>().ok()?.octets().to_vec(),
            Self::V6 => text.parse::<Ipv6Addr>().ok()?.octets().to_vec(),
            Self::Byte => vec![named(text).or_else(|| text.parse().ok())?],
            Self::Short => text.parse::<u16>().ok()?.to_be_bytes().to_vec(),
            Self::Frame => frame(text)?.to_be_bytes().to_vec(),
            Self::Raw(length) => {
                let number = u128::from_str_radix(text.strip_prefix("0x")?, 16).ok()?.to_be_bytes();
                number.get(16usize.checked_sub(usize::try_from(length).ok()?)?..)?.to_vec()
            }
        })
    }
}

/// Protocols, and types of ICMP, that rules name.
fn named(text: &str) -> Option<u8> {
    Some(match text {
        "icmp" => ICMP,
        "udp" => UDP,
        "icmpv6" | "ipv6-icmp" => ICMPV6,
        "redirect" => 5,
        "nd-router-solicit" => 133,
        "nd-neighbor-solicit" => 135,
        _ => return None,
    })
}

fn frame(text: &str) -> Option<u16> {
    Some(match text {
        "ip" => 0x0800,
        "arp" => 0x0806,
        "ip6" => 0x86dd,
        _ => return None,
    })
}

/// A number as rules write it: in hexadecimal or decimal.
fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

fn value(bytes: &[u8]) -> Attributes {
    let mut value = Attributes::default();
    value.bytes_of(1, bytes);
    value
}

impl Compiler<'_> {
    /// Takes one statement off the words.
    fn statement<'w>(&mut self, words: &'w [&'w str]) -> Option<&'w [&'w str]> {
        match words {
            [word @ ("drop" | "accept" | "return"), rest @ ..] => {
                self.decide(word)?;
                Some(rest)
            }
            ["jump", chain, rest @ ..] => {
                self.decide(&format!("jump {chain}"))?;
                Some(rest)
            }
            ["counter", rest @ ..] => {
                self.add("counter", Attributes::default().bytes_of(1, &[0; 8]).bytes_of(2, &[0; 8]));
                Some(rest)
            }
            ["ether", "type", kind, rest @ ..] => {
                self.ask_for_frames(kind)?;
                Some(rest)
            }
            [network, side, ".", "meta", "l4proto", rest @ ..] => match (*network, *side) {
                ("ip", "saddr") => self.look_up_key(12, Form::V4, rest),
                ("ip", "daddr") => self.look_up_key(16, Form::V4, rest),
                ("ip6", "saddr") => self.look_up_key(8, Form::V6, rest),
                ("ip6", "daddr") => self.look_up_key(24, Form::V6, rest),
                _ => None,
            },
            ["ip", "frag-off", "&", mask, rest @ ..] => {
                self.need(Network::V4)?;
                self.load(NETWORK_HEADER, 6, 2, REGISTER);
                let mask = u16::try_from(number(mask)?).ok()?.to_be_bytes();
                self.mask(&mask);
                self.compare_to_zero(&[0; 2], rest)
            }
            ["frag", "frag-off", ">", "0", rest @ ..] => {
                self.need(Network::V6)?;
                self.ask_for_later_fragments();
                Some(rest)
            }
            ["meta", "nfproto", family, rest @ ..] => {
                self.need(match *family {
                    "ipv4" => Network::V4,
                    "ipv6" => Network::V6,
                    _ => return None,
                })?;
                Some(rest)
            }
            ["meta", "l4proto", ".", "th", side @ ("sport" | "dport"), set, rest @ ..] => {
                self.look_up_ports(side, set)?;
                Some(rest)
            }
            ["meta", "l4proto", rest @ ..] => {
                self.meta(META_PROTOCOL, REGISTER);
                self.compare_with(Form::Byte, rest)
            }
            ["meta", "mark", "and", mask, rest @ ..] => {
                self.meta(META_MARK, REGISTER);
                self.compare_mark(mask, rest)
            }
            ["ct", "mark", "and", mask, rest @ ..] => {
                self.add("ct", Attributes::default().number(2, CT_MARK).number(1, REGISTER));
                self.compare_mark(mask, rest)
            }
            ["add", set, "{", rest @ ..] => {
                let (field, rest) = self.field(rest)?;
                self.load(field.base, field.offset, field.form.length(), REGISTER);
                let mut update = Attributes::default();
                update.number(4, REGISTER).number(3, 0).text(1, set.strip_prefix('@')?).number(2, 0);
                self.add("dynset", &update);
                rest.strip_prefix(&["}"])
            }
            _ => {
                let (field, rest) = self.field(words)?;
                self.load(field.base, field.offset, field.form.length(), REGISTER);
                let is_next_header = words.starts_with(&["ip6", "nexthdr"]);
                if let (true, Some(protocol)) = (is_next_header, rest.first().and_then(|name| named(name))) {
                    self.transport = Some(protocol);
                }
                self.compare_with(field.form, rest)
            }
        }
    }

    /// Takes a field's name off the words, and asks for what it rests on.
    fn field<'w>(&mut self, words: &'w [&'w str]) -> Option<(Field, &'w [&'w str])> {
        let network = |offset, form| Field { base: NETWORK_HEADER, offset, form };
        let (field, rest) = match words {
            ["ether", "saddr", rest @ ..] => {
                self.need_ethernet();
                (Field { base: LINK_HEADER, offset: 6, form: Form::Mac }, rest)
            }
            ["arp", rest @ ..] => {
                self.need(Network::Arp)?;
                match rest {
                    ["htype", rest @ ..] => (network(0, Form::Short), rest),
                    ["ptype", rest @ ..] => (network(2, Form::Frame), rest),
                    ["hlen", rest @ ..] => (network(4, Form::Byte), rest),
                    ["plen", rest @ ..] => (network(5, Form::Byte), rest),
                    ["saddr", "ether", rest @ ..] => (network(8, Form::Mac), rest),
                    ["saddr", "ip", rest @ ..] => (network(14, Form::V4), rest),
                    _ => return None,
                }
            }
            ["ip", rest @ ..] => {
                self.need(Network::V4)?;
                match rest {
                    ["saddr", rest @ ..] => (network(12, Form::V4), rest),
                    ["daddr", rest @ ..] => (network(16, Form::V4), rest),
                    ["protocol", rest @ ..] => (network(9, Form::Byte), rest),
                    _ => return None,
                }
            }
            ["ip6", rest @ ..] => {
                self.need(Network::V6)?;
                match rest {
                    ["saddr", rest @ ..] => (network(8, Form::V6), rest),
                    ["daddr", rest @ ..] => (network(24, Form::V6), rest),
                    ["nexthdr", rest @ ..] => (network(6, Form::Byte), rest),
                    _ => return None,
                }
            }
            [protocol, rest @ ..] => {
                let transport = |offset, form| Field { base: TRANSPORT_HEADER, offset, form };
                match (*protocol, rest) {
                    ("udp", ["sport", rest @ ..]) => {
                        self.need_transport(UDP);
                        (transport(0, Form::Short), rest)
                    }
                    ("udp", ["dport", rest @ ..]) => {
                        self.need_transport(UDP);
                        (transport(2, Form::Short), rest)
                    }
                    ("icmp", ["type", rest @ ..]) => {
                        self.need(Network::V4)?;
                        self.need_transport(ICMP);
                        (transport(0, Form::Byte), rest)
                    }
                    ("icmpv6", ["type", rest @ ..]) => {
                        self.need(Network::V6)?;
                        self.need_transport(ICMPV6);
                        (transport(0, Form::Byte), rest)
                    }
                    ("@th,192,32", rest) => (transport(24, Form::Raw(4)), rest),
                    ("@th,256,128", rest) => (transport(32, Form::Raw(16)), rest),
                    _ => return None,
                }
            }
            [] => return None,
        };
        Some((field, rest))
    }

    fn ask_for_frames(&mut self, kind: &str) -> Option<()> {
        self.need_ethernet();
        self.load(LINK_HEADER, 12, 2, REGISTER);
        self.compare(EQUAL, &frame(kind)?.to_be_bytes());
        self.network = Some(match kind {
            "ip" => Network::V4,
            "arp" => Network::Arp,
            _ => Network::V6,
        });
        Some(())
    }

    fn need_ethernet(&mut self) {
        if !self.is_ethernet {
            self.meta(META_LINK_TYPE, REGISTER);
            self.compare(EQUAL, &ETHERNET);
            self.is_ethernet = true;
        }
    }

    /// Where frames are looked at, rules say which they mean; where packets are, it is asked here.
    fn need(&mut self, network: Network) -> Option<()> {
        match self.network {
            Some(known) => return (known == network).then_some(()),
            None if self.family != "inet" => return None,
            None => {}
        }
        self.meta(META_FAMILY, REGISTER);
        self.compare(EQUAL, &[if network == Network::V6 { IPV6 } else { IPV4 }]);
        self.network = Some(network);
        Some(())
    }

    fn need_transport(&mut self, protocol: u8) {
        if self.transport != Some(protocol) {
            self.meta(META_PROTOCOL, REGISTER);
            self.compare(EQUAL, &[protocol]);
            self.transport = Some(protocol);
        }
    }

    /// Looks an address with its protocol, and perhaps a port, up in a set.
    fn look_up_key<'w>(&mut self, offset: u32, form: Form, words: &'w [&'w str]) -> Option<&'w [&'w str]> {
        self.need(if form == Form::V6 { Network::V6 } else { Network::V4 })?;
        self.load(NETWORK_HEADER, offset, form.length(), REGISTER);
        // An address of IPv6 fills the first register.
        let [protocol, port] = if form == Form::V6 { [2, 13] } else { QUARTERS };
        self.meta(META_PROTOCOL, protocol);
        let rest = match words {
            [".", "th", side @ ("sport" | "dport"), rest @ ..] => {
                self.load(TRANSPORT_HEADER, if *side == "sport" { 0 } else { 2 }, 2, port);
                rest
            }
            rest => rest,
        };
        let [set, rest @ ..] = rest else { return None };
        self.look_up(set.strip_prefix('@')?, 0, false);
        Some(rest)
    }

    /// Looks a protocol with a port up in a set.
    fn look_up_ports(&mut self, side: &str, set: &str) -> Option<()> {
        self.meta(META_PROTOCOL, REGISTER);
        self.load(TRANSPORT_HEADER, if side == "sport" { 0 } else { 2 }, 2, QUARTERS[0]);
        self.look_up(set.strip_prefix('@')?, 0, false);
        Some(())
    }

    fn ask_for_later_fragments(&mut self) {
        let mut header = Attributes::default();
        header.number(1, REGISTER).bytes_of(2, &[FRAGMENT]).number(3, 2).number(4, 2).number(5, 0);
        self.add("exthdr", &header);
        self.mask(&0xfff8u16.to_be_bytes());
        self.compare(GREATER, &[0; 2]);
    }

    /// Compares what was loaded with what the words say: a value, a block, a set, or none of them.
    fn compare_with<'w>(&mut self, form: Form, words: &'w [&'w str]) -> Option<&'w [&'w str]> {
        let (is_other, words) = match words {
            ["!=", rest @ ..] => (true, rest),
            rest => (false, rest),
        };
        let operator = if is_other { DIFFERS } else { EQUAL };
        let [first, rest @ ..] = words else { return None };
        if let Some(set) = first.strip_prefix('@') {
            self.look_up(set, 0, is_other);
            return Some(rest);
        }
        if *first == "{" {
            let end = rest.iter().position(|word| *word == "}")?;
            let elements = rest[..end].iter().map(|word| form.bytes(word.trim_end_matches(',')));
            let elements: Vec<_> = elements.collect::<Option<_>>()?;
            match elements.as_slice() {
                [only] => self.compare(operator, only),
                _ => {
                    self.sets += 1;
                    let (id, length) = (self.sets, form.length());
                    self.anonymous.push(Anonymous { id, datatype: form.datatype()?, length, elements });
                    self.look_up(super::ANONYMOUS, id, is_other);
                }
            }
            return rest.get(end + 1..);
        }
        if let Some((address, prefix)) = first.split_once('/') {
            let (address, prefix) = (form.bytes(address)?, prefix.parse::<u32>().ok()?);
            if form != Form::V6 || prefix > 128 {
                return None;
            }
            self.mask(&(!u128::MAX.checked_shr(prefix).unwrap_or(0)).to_be_bytes());
            self.compare(operator, &address);
            return Some(rest);
        }
        self.compare(operator, &form.bytes(first)?);
        Some(rest)
    }

    /// Compares a mark's bits with a number.
    fn compare_mark<'w>(&mut self, mask: &str, words: &'w [&'w str]) -> Option<&'w [&'w str]> {
        self.mask(&number(mask)?.to_ne_bytes());
        let [operator, wanted, rest @ ..] = words else { return None };
        self.compare(operator_of(operator)?, &number(wanted)?.to_ne_bytes());
        Some(rest)
    }

    fn compare_to_zero<'w>(&mut self, zero: &[u8], words: &'w [&'w str]) -> Option<&'w [&'w str]> {
        let [operator, "0", rest @ ..] = words else { return None };
        self.compare(operator_of(operator)?, zero);
        Some(rest)
    }

    fn add(&mut self, name: &str, data: &Attributes) {
        let mut expression = Attributes::default();
        expression.text(1, name).nest(2, data);
        self.expressions.nest(1, &expression);
    }

    fn meta(&mut self, key: u32, register: u32) {
        let mut meta = Attributes::default();
        meta.number(2, key).number(1, register);
        self.add("meta", &meta);
    }

    fn load(&mut self, base: u32, offset: u32, length: u32, register: u32) {
        let mut payload = Attributes::default();
        payload.number(1, register).number(2, base).number(3, offset).number(4, length);
        self.add("payload", &payload);
    }

    fn compare(&mut self, operator: u32, to: &[u8]) {
        let mut compare = Attributes::default();
        compare.number(1, REGISTER).number(2, operator).nest(3, &value(to));
        self.add("cmp", &compare);
    }

    fn mask(&mut self, mask: &[u8]) {
        let mut bitwise = Attributes::default();
        let length = u32::try_from(mask.len()).unwrap_or(0);
        bitwise.number(1, REGISTER).number(2, REGISTER).number(3, length);
        bitwise.nest(4, &value(mask)).nest(5, &value(&vec![0; mask.len()]));
        self.add("bitwise", &bitwise);
    }

    fn look_up(&mut self, set: &str, id: u32, is_other: bool) {
        let mut lookup = Attributes::default();
        lookup.number(2, REGISTER).text(1, set).number(4, id);
        if is_other {
            lookup.number(5, 1);
        }
        self.add("lookup", &lookup);
    }

    fn decide(&mut self, word: &str) -> Option<()> {
        let mut decision = Attributes::default();
        decision.number(1, 0).nest(2, Attributes::default().nest(2, &verdict(word)?));
        self.add("immediate", &decision);
        Some(())
    }
}

fn operator_of(word: &str) -> Option<u32> {
    Some(match word {
        "==" => EQUAL,
        "!=" => DIFFERS,
        _ => return None,
    })
}
