//! Ranges of addresses and ports, made disjoint.
//!
//! The kernel refuses a set whose elements overlap, and the whole transaction with it, yet tenants' rules overlap as they
//! like. So rules are first made into areas (addresses by ports) that share no point. Cutting them all into one disjoint
//! set can need the square of their number: five hundred hosts with every port against five hundred ports for everyone.
//! Then they become several sets, one for each length of prefix: blocks of one length are equal or disjoint, so there are
//! never more elements than rules. A packet that any of the sets has is allowed, which is what a list of rules means.

use std::collections::BTreeMap;
use std::fmt;

/// What lies between two numbers, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span<T> {
    /// The first.
    pub first: T,
    /// The last.
    pub last: T,
}

impl<T: Copy + Ord> Span<T> {
    /// The span between two numbers.
    pub fn new(first: T, last: T) -> Self {
        Self { first, last }
    }

    /// Whether the number lies in it.
    #[cfg(test)]
    pub fn contains(self, number: T) -> bool {
        self.first <= number && number <= self.last
    }
}

/// A span as `nft` writes it.
pub struct Show<T>(pub Span<T>);

impl<T: fmt::Display + PartialEq> fmt::Display for Show<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.first == self.0.last {
            write!(f, "{}", self.0.first)
        } else {
            write!(f, "{}-{}", self.0.first, self.0.last)
        }
    }
}

/// A number that has a next one, up to its greatest.
pub trait Step: Copy + Ord {
    /// The number after it.
    fn next(self) -> Option<Self>;
}

macro_rules! step {
    ($($number:ty),*) => {$(
        impl Step for $number {
            fn next(self) -> Option<Self> {
                self.checked_add(1)
            }
        }
    )*};
}
step!(u16, u32, u128);

/// Some addresses, each with some keys: ports, ICMP types and codes, or protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Area {
    /// The addresses, those of IPv4 as small numbers.
    pub addresses: Span<u128>,
    /// The keys.
    pub keys: Span<u16>,
}

/// Which of several sets, so that each keeps its name whatever becomes of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Label {
    /// The only one.
    Whole,
    /// That of blocks whose addresses differ in so many bits.
    Blocks(u32),
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Label::Whole => f.write_str("all"),
            Label::Blocks(bits) => write!(f, "{bits}"),
        }
    }
}

/// The same numbers in the fewest spans, in order.
pub fn union<T: Step>(mut spans: Vec<Span<T>>) -> Vec<Span<T>> {
    spans.sort_unstable();
    let mut merged: Vec<Span<T>> = Vec::with_capacity(spans.len());
    for span in spans {
        match merged.last_mut() {
            Some(before) if before.last.next().is_none_or(|next| span.first <= next) => {
                before.last = before.last.max(span.last);
            }
            _ => merged.push(span),
        }
    }
    merged
}

/// The spans less one of them.
pub fn without(spans: Vec<Span<u128>>, hole: Option<Span<u128>>) -> Vec<Span<u128>> {
    let Some(hole) = hole else { return spans };
    let cut = |span: Span<u128>| {
        if span.last < hole.first || hole.last < span.first {
            return [Some(span), None];
        }
        let before =
            hole.first.checked_sub(1).filter(|last| span.first <= *last).map(|last| Span::new(span.first, last));
        let after =
            hole.last.checked_add(1).filter(|first| *first <= span.last).map(|first| Span::new(first, span.last));
        [before, after]
    };
    spans.into_iter().flat_map(cut).flatten().collect()
}

/// Sets of areas, disjoint within each set, that together hold exactly the points of the given areas. One set where that
/// doesn't cost many elements, otherwise one for each size of block. The areas' addresses must be those of CIDR blocks.
pub fn layers(areas: &[Area]) -> BTreeMap<Label, Vec<Area>> {
    if areas.is_empty() {
        return BTreeMap::new();
    }
    if let Some(layer) = sweep(areas, 2 * areas.len() + 16) {
        return BTreeMap::from([(Label::Whole, layer)]);
    }
    let mut sizes: BTreeMap<u128, BTreeMap<Span<u128>, Vec<Span<u16>>>> = BTreeMap::new();
    for area in areas {
        let size = area.addresses.last - area.addresses.first;
        sizes.entry(size).or_default().entry(area.addresses).or_default().push(area.keys);
    }
    let layer = |blocks: BTreeMap<Span<u128>, Vec<Span<u16>>>| {
        let rows = blocks.into_iter();
        rows.flat_map(|(addresses, keys)| union(keys).into_iter().map(move |keys| Area { addresses, keys })).collect()
    };
    sizes.into_iter().map(|(size, blocks)| (Label::Blocks(128 - size.leading_zeros()), layer(blocks))).collect()
}

/// Cuts the areas along their addresses' borders. `None` if that makes more than `most` of them.
fn sweep(areas: &[Area], most: usize) -> Option<Vec<Area>> {
    let mut sorted = areas.to_vec();
    sorted.sort_unstable();
    let mut borders: Vec<u128> = sorted
        .iter()
        .flat_map(|area| [Some(area.addresses.first), area.addresses.last.checked_add(1)])
        .flatten()
        .collect();
    borders.sort_unstable();
    borders.dedup();

    let mut rows: Vec<(Span<u128>, Vec<Span<u16>>)> = Vec::new();
    let mut count = 0;
    let (mut coming, mut active) = (sorted.into_iter().peekable(), Vec::<Area>::new());
    for (index, &first) in borders.iter().enumerate() {
        active.retain(|area| area.addresses.last >= first);
        while let Some(area) = coming.next_if(|area| area.addresses.first <= first) {
            active.push(area);
        }
        if active.is_empty() {
            continue;
        }
        let last = borders.get(index + 1).map_or(u128::MAX, |next| next - 1);
        let keys = union(active.iter().map(|area| area.keys).collect());
        match rows.last_mut() {
            Some((before, same)) if before.last.checked_add(1) == Some(first) && *same == keys => before.last = last,
            _ => {
                count += keys.len();
                if count > most {
                    return None;
                }
                rows.push((Span::new(first, last), keys));
            }
        }
    }
    let areas = rows.into_iter();
    Some(areas.flat_map(|(addresses, keys)| keys.into_iter().map(move |keys| Area { addresses, keys })).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn block(first: u32, prefix: u32) -> Span<u128> {
        let size = (1u64 << (32 - prefix)) - 1;
        let first = u64::from(first) & !size;
        Span::new(u128::from(first), u128::from(first + size))
    }

    fn area() -> impl Strategy<Value = Area> {
        // Few distinct values, so that areas meet, touch and nest.
        let prefix = prop_oneof![Just(0u32), Just(8), Just(16), 24u32..=32];
        let key = prop_oneof![0u16..8, 65530u16..=65535];
        (0u32..12, prefix, key.clone(), key).prop_map(|(address, prefix, a, b)| Area {
            addresses: block(address << 5 | address, prefix),
            keys: Span::new(a.min(b), a.max(b)),
        })
    }

    fn holds(areas: &[Area], address: u128, key: u16) -> bool {
        areas.iter().any(|area| area.addresses.contains(address) && area.keys.contains(key))
    }

    fn disjoint(layer: &[Area]) -> bool {
        let meet = |a: Span<u128>, b: Span<u128>| a.first <= b.last && b.first <= a.last;
        let touch = |a: Span<u16>, b: Span<u16>| a.first <= b.last && b.first <= a.last;
        layer
            .iter()
            .enumerate()
            .all(|(index, a)| layer[..index].iter().all(|b| !(meet(a.addresses, b.addresses) && touch(a.keys, b.keys))))
    }

    proptest! {
        #[test]
        fn layers_decide_as_the_list_does(
            areas in prop::collection::vec(area(), 0..60),
            points in prop::collection::vec((0u32..512, prop_oneof![0u16..10, 65528u16..=65535]), 64),
        ) {
            let layers = layers(&areas);
            for layer in layers.values() {
                prop_assert!(disjoint(layer));
            }
            let corners = areas.iter().flat_map(|area| {
                [area.addresses.first, area.addresses.last, area.addresses.last + 1]
                    .into_iter()
                    .flat_map(|address| [(address, area.keys.first), (address, area.keys.last)])
            });
            for (address, key) in points.iter().map(|&(address, key)| (u128::from(address), key)).chain(corners) {
                let held = layers.values().any(|layer| holds(layer, address, key));
                prop_assert_eq!(held, holds(&areas, address, key), "{} {}", address, key);
            }
        }

        #[test]
        fn a_union_is_short_and_exact(spans in prop::collection::vec((0u16..40, 0u16..6), 0..20)) {
            let spans: Vec<_> = spans.into_iter().map(|(first, more)| Span::new(first, first + more)).collect();
            let merged = union(spans.clone());
            for number in 0..50 {
                let held = merged.iter().any(|span| span.contains(number));
                prop_assert_eq!(held, spans.iter().any(|span| span.contains(number)));
            }
            prop_assert!(merged.windows(2).all(|pair| pair[0].last + 1 < pair[1].first));
        }
    }

    #[test]
    fn the_worst_rules_stay_as_few_as_they_are() {
        let everyone = (0..500).map(|port| Area { addresses: block(0, 0), keys: Span::new(port * 2, port * 2) });
        let hosts = (0..500).map(|host| Area { addresses: block(host * 2, 32), keys: Span::new(0, 65535) });
        let areas: Vec<_> = everyone.chain(hosts).collect();
        let layers = layers(&areas);
        assert_eq!(layers.values().map(Vec::len).sum::<usize>(), 1000);
        assert!(layers.values().all(|layer| disjoint(layer)));
    }

    #[test]
    fn rules_that_repeat_each_other_become_one() {
        let everything = Area { addresses: Span::new(0, u128::MAX), keys: Span::new(0, 65535) };
        let part = Area { addresses: Span::new(7, 7), keys: Span::new(22, 22) };
        assert_eq!(layers(&[part, everything, part]), [(Label::Whole, vec![everything])].into());
        assert!(layers(&[]).is_empty());
    }
}
