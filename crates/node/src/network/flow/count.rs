//! What was counted, as `nft` lists it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::ops::{Add, AddAssign};

use serde::Deserialize;

use super::table::{FLOWS, TURNS};

/// Which flow: all of one direction between two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tuple {
    /// The sender.
    pub source: IpAddr,
    /// The receiver.
    pub destination: IpAddr,
    /// IANA's number of the protocol.
    pub protocol: u8,
    /// The sender's port; 0 for protocols without.
    pub source_port: u16,
    /// The receiver's.
    pub destination_port: u16,
}

impl Tuple {
    /// The answers to it.
    pub fn reversed(self) -> Self {
        Self {
            source: self.destination,
            destination: self.source,
            protocol: self.protocol,
            source_port: self.destination_port,
            destination_port: self.source_port,
        }
    }
}

/// A flow at a port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The port's name, or the number of its link where that is gone.
    pub link: String,
    /// Whether the port's guest sends it.
    pub outwards: bool,
    /// Which.
    pub tuple: Tuple,
}

/// How much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Amount {
    /// Packets.
    pub packets: u64,
    /// Bytes of their IP headers and what follows.
    pub bytes: u64,
}

impl Amount {
    /// What is left of it without another.
    pub fn without(self, other: Self) -> Self {
        let packets = self.packets.saturating_sub(other.packets);
        let bytes = if packets == 0 { 0 } else { self.bytes.saturating_sub(other.bytes) };
        Self { packets, bytes }
    }

    /// Whether it is nothing.
    pub fn is_none(self) -> bool {
        self.packets == 0
    }
}

impl Add for Amount {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { packets: self.packets + other.packets, bytes: self.bytes + other.bytes }
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// What became of a flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// What came before the rules.
    pub offered: Amount,
    /// What they let through.
    pub accepted: Amount,
}

/// What was counted in one half.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The flows.
    pub flows: BTreeMap<Key, Tally>,
    /// The flags of TCP that were seen in a flow, as records show them.
    pub flags: BTreeMap<Tuple, u8>,
    /// The ports some of whose flows found no room.
    pub skipped: BTreeSet<String>,
    /// What NAT gateways translated.
    pub translated: BTreeMap<Translated, Amount>,
}

/// One direction of a flow that a NAT gateway translates.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Translated {
    /// What the gateway's interface is called.
    pub link: String,
    /// Whether these are answers.
    pub is_reply: bool,
    /// The flow as it was begun, before it was translated.
    pub tuple: Tuple,
    /// The port that the gateway has for it; 0 for protocols without.
    pub port: u16,
}

/// What the interface of an endpoint is called.
pub fn face(address: IpAddr) -> String {
    format!("@{address}")
}

/// A table as it is listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// When the windows began that weren't forgotten yet, in seconds, each with its half; the newest goes on.
    pub windows: BTreeSet<(i64, u32)>,
    /// What was counted, by half.
    pub halves: [Counts; 2],
    /// The sets that there are.
    pub sets: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Whole {
    nftables: Vec<Object>,
}

#[derive(Deserialize)]
struct Object {
    set: Option<Set>,
}

#[derive(Deserialize)]
struct Set {
    name: String,
    #[serde(default)]
    elem: Vec<Element>,
}

/// An element is its value, or an object with the value and more about it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Element {
    Counted { elem: Counted },
    Plain(Value),
}

#[derive(Deserialize)]
struct Counted {
    val: Value,
    #[serde(default)]
    counter: Amount,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Value {
    Fields { concat: Vec<Field> },
    Single(Field),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Field {
    Number(u64),
    Text(String),
}

impl Field {
    fn number<T: TryFrom<u64>>(&self) -> Option<T> {
        let number = match self {
            Field::Number(number) => *number,
            Field::Text(text) => text.parse().ok()?,
        };
        T::try_from(number).ok()
    }

    fn address(&self) -> Option<IpAddr> {
        match self {
            Field::Text(text) => text.parse().ok(),
            Field::Number(_) => None,
        }
    }

    /// A protocol, which may be told by name.
    fn protocol(&self) -> Option<u8> {
        match self {
            Field::Text(text) => match text.as_str() {
                "icmp" => Some(1),
                "igmp" => Some(2),
                "gre" => Some(47),
                "esp" => Some(50),
                "ah" => Some(51),
                "ipv6-icmp" | "icmpv6" => Some(58),
                "sctp" => Some(132),
                _ => self.number(),
            },
            Field::Number(_) => self.number(),
        }
    }

    fn name(&self) -> String {
        match self {
            Field::Number(number) => number.to_string(),
            Field::Text(text) => text.clone(),
        }
    }
}

/// Reads a listing in JSON. What isn't understood is passed over: newer tools say more.
pub fn parse(json: &[u8]) -> serde_json::Result<Listing> {
    let whole: Whole = serde_json::from_slice(json)?;
    let mut listing = Listing::default();
    for set in whole.nftables.into_iter().filter_map(|object| object.set) {
        listing.sets.insert(set.name.clone());
        let words: Vec<_> = set.name.split('_').collect();
        let half = |text: &str| text.parse::<usize>().ok().filter(|half| *half < 2);
        match words.as_slice() {
            ["window"] => {
                let fields = set.elem.iter().map(value);
                listing.windows.extend(fields.filter_map(|value| match value {
                    Value::Fields { concat } => {
                        Some((concat.first()?.number::<u32>()?.into(), concat.get(1)?.number()?))
                    }
                    Value::Single(_) => None,
                }));
            }
            ["skipped", index] => {
                let Some(half) = half(index) else { continue };
                listing.halves[half].skipped.extend(set.elem.iter().filter_map(|element| match value(element) {
                    Value::Single(name) => Some(name.name()),
                    Value::Fields { .. } => None,
                }));
            }
            [flag, _, index] if flag.starts_with("flag") => {
                let (Some(half), Ok(flag)) = (half(index), flag["flag".len()..].parse::<u8>()) else { continue };
                for tuple in set.elem.iter().filter_map(|element| ports_tuple(value(element), 0, 6)) {
                    *listing.halves[half].flags.entry(tuple).or_default() |= flag;
                }
            }
            ["translated", turn, link, class, index] => {
                let Some(half) = half(index) else { continue };
                take_translated(&mut listing.halves[half], (turn, link, class), &set.elem);
            }
            [stage, direction, "face", class, index] => {
                let Some(half) = half(index) else { continue };
                take_faces(&mut listing.halves[half], (stage, direction, class), &set.elem);
            }
            [stage, direction, _, class, index] => {
                let Some(half) = half(index) else { continue };
                take(&mut listing.halves[half], (stage, direction, class), &set.elem);
            }
            _ => {}
        }
    }
    Ok(listing)
}

fn value(element: &Element) -> &Value {
    match element {
        Element::Counted { elem } => &elem.val,
        Element::Plain(value) => value,
    }
}

/// A flow of a protocol with ports whose fields begin at that place.
fn ports_tuple(value: &Value, first: usize, protocol: u8) -> Option<Tuple> {
    let Value::Fields { concat } = value else { return None };
    Some(Tuple {
        source: concat.get(first)?.address()?,
        destination: concat.get(first + 1)?.address()?,
        protocol,
        source_port: concat.get(first + 2)?.number()?,
        destination_port: concat.get(first + 3)?.number()?,
    })
}

fn other_tuple(value: &Value, first: usize) -> Option<Tuple> {
    let Value::Fields { concat } = value else { return None };
    Some(Tuple {
        source: concat.get(first)?.address()?,
        destination: concat.get(first + 1)?.address()?,
        protocol: concat.get(first + 2)?.protocol()?,
        source_port: 0,
        destination_port: 0,
    })
}

fn take(counts: &mut Counts, (stage, direction, class): (&str, &str, &str), elements: &[Element]) {
    for element in elements {
        let Element::Counted { elem } = element else { continue };
        let Value::Fields { concat } = &elem.val else { continue };
        let (Some(tuple), Some(link)) = (tuple_of(class, &elem.val, 1), concat.first()) else { continue };
        counts.add(stage, Key { link: link.name(), outwards: direction == "out", tuple }, elem.counter);
    }
}

/// A flow of a class of protocols whose fields begin at that place.
fn tuple_of(class: &str, value: &Value, first: usize) -> Option<Tuple> {
    match class {
        "tcp" => ports_tuple(value, first, 6),
        "udp" => ports_tuple(value, first, 17),
        _ => other_tuple(value, first),
    }
}

/// What endpoints' interfaces were told and said; which of them it is, its address says.
fn take_faces(counts: &mut Counts, (stage, direction, class): (&str, &str, &str), elements: &[Element]) {
    let is_full = is_full(elements);
    for element in elements {
        let Element::Counted { elem } = element else { continue };
        let Some(tuple) = tuple_of(class, &elem.val, 0) else { continue };
        let outwards = direction == "out";
        let link = face(if outwards { tuple.source } else { tuple.destination });
        if is_full {
            counts.skipped.insert(link.clone());
        }
        counts.add(stage, Key { link, outwards, tuple }, elem.counter);
    }
}

fn take_translated(counts: &mut Counts, (turn, link, class): (&str, &str, &str), elements: &[Element]) {
    if is_full(elements) {
        counts.skipped.insert(link.to_owned());
    }
    for element in elements {
        let Element::Counted { elem } = element else { continue };
        let Value::Fields { concat } = &elem.val else { continue };
        let Some(tuple) = tuple_of(class, &elem.val, 0) else { continue };
        let port = concat.get(4).and_then(Field::number).unwrap_or_default();
        let key = Translated { link: link.to_owned(), is_reply: turn == TURNS[1], tuple, port };
        *counts.translated.entry(key).or_default() += elem.counter;
    }
}

/// Whether there may have been more than a set has room for.
fn is_full(elements: &[Element]) -> bool {
    elements.len() >= FLOWS as usize
}

impl Counts {
    fn add(&mut self, stage: &str, key: Key, amount: Amount) {
        let tally = self.flows.entry(key).or_default();
        match stage {
            "offered" => tally.offered += amount,
            _ => tally.accepted += amount,
        }
    }
}
