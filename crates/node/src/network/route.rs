//! Route tables, compiled to disjoint ranges of destinations and the mark of the target that each leads to.
//!
//! What has no range keeps the mark 0 and is looked up in the main table, which knows the addresses within the network and
//! drops all else.

use landfall_model::plan::{RoutePlan, RouteTargetPlan, SubnetPlan, VpcPlan};
use landfall_model::{Cidr, Ipv6Cidr};

use super::family::Family;
use super::span::{Span, union};
use super::target::{Mark, NEVER, NEVER_V6, Targets};

/// A compiled table of one family.
pub type Compiled = Vec<(Span<u128>, Mark)>;

/// The destinations of a family that routes lead to something other than the network itself, each with the mark of what.
/// A network's own blocks are local unless a route to just such a block, or to a part of one, says otherwise; within the
/// subnet that the routes are of, nothing is routed.
pub fn compile(
    vpc: &VpcPlan,
    subnet: Option<&SubnetPlan>,
    routes: &[RoutePlan],
    targets: &Targets<'_>,
    family: Family,
) -> Compiled {
    let local = vpc.cidrs.iter().map(|block| Cidr::V4(*block)).chain(vpc.ipv6.iter().map(|block| Cidr::V6(*block)));
    let mut wanted: Vec<(Cidr, RouteTargetPlan)> = routes.iter().map(|r| (r.destination, r.target)).collect();
    for block in local {
        if !routes.iter().any(|route| route.destination == block) {
            wanted.push((block, RouteTargetPlan::Local));
        }
    }
    let mut spans: Vec<(Span<u128>, Option<Mark>)> = Vec::new();
    for (destination, target) in wanted {
        let Some(span) = family.span(destination) else { continue };
        let within = vpc.cidrs.iter().any(|block| overlaps(family, Cidr::V4(*block), span))
            || vpc.ipv6.iter().any(|block| overlaps(family, Cidr::V6(*block), span));
        let mark = match target {
            RouteTargetPlan::Local => None,
            // The main table drops what it doesn't know, so outside the network nothing needs to be said.
            RouteTargetPlan::Blackhole if !within => None,
            target => match targets.mark(target) {
                None if within => targets.mark(RouteTargetPlan::Blackhole),
                mark => mark,
            },
        };
        spans.push((span, mark));
    }
    let own = subnet.into_iter().flat_map(|subnet| [Some(Cidr::V4(subnet.cidr)), subnet.ipv6.map(Cidr::V6)]);
    let own = own.flatten().filter_map(|block| family.span(block));
    flatten(spans, &union(never(family).into_iter().chain(own).collect()))
}

fn overlaps(family: Family, block: Cidr, span: Span<u128>) -> bool {
    family.span(block).is_some_and(|block| block.first <= span.last && span.first <= block.last)
}

/// Where no route leads, whatever it says.
fn never(family: Family) -> Vec<Span<u128>> {
    match family {
        Family::V4 => union(NEVER.iter().map(|&(first, last)| Span::new(first.into(), last.into())).collect()),
        Family::V6 => {
            let blocks = NEVER_V6.iter().filter_map(|&(first, prefix)| Ipv6Cidr::new(first, prefix));
            union(blocks.filter_map(|block| family.span(Cidr::V6(block))).collect())
        }
    }
}

/// Nested blocks made disjoint: the smallest that an address lies in decides. One sweep over their borders.
pub fn flatten(mut blocks: Vec<(Span<u128>, Option<Mark>)>, never: &[Span<u128>]) -> Compiled {
    // The nesting is a stack: a larger block is opened before a smaller one that begins at the same address.
    blocks.sort_by_key(|(span, _)| (span.first, std::cmp::Reverse(span.last)));
    let mut compiled = Compiled::new();
    let mut open: Vec<(Span<u128>, Option<Mark>)> = Vec::new();
    let mut at = 0u128;
    let mut say = |span: Span<u128>, mark: Option<Mark>| {
        if let (Some(mark), true) = (mark, span.first <= span.last) {
            add(&mut compiled, span, mark, never);
        }
    };
    for (span, mark) in blocks {
        while let Some((outer, outer_mark)) = open.last().copied().filter(|(outer, _)| outer.last < span.first) {
            if at <= outer.last {
                say(Span::new(at, outer.last), outer_mark);
                at = outer.last.saturating_add(1);
            }
            open.pop();
        }
        if let Some((_, outer_mark)) = open.last()
            && at < span.first
        {
            say(Span::new(at, span.first - 1), *outer_mark);
        }
        at = span.first;
        open.push((span, mark));
    }
    while let Some((outer, mark)) = open.pop() {
        if at <= outer.last {
            say(Span::new(at, outer.last), mark);
            let Some(next) = outer.last.checked_add(1) else { break };
            at = next;
        }
    }
    compiled
}

/// Adds a span less what no route leads to, and joins it with the one before where both say the same.
fn add(compiled: &mut Compiled, span: Span<u128>, mark: Mark, never: &[Span<u128>]) {
    let mut first = span.first;
    for barred in never.iter().filter(|barred| barred.first <= span.last && span.first <= barred.last) {
        if first < barred.first {
            join(compiled, Span::new(first, barred.first - 1), mark);
        }
        match barred.last.checked_add(1) {
            Some(next) => first = next,
            None => return,
        }
    }
    if first <= span.last {
        join(compiled, Span::new(first, span.last), mark);
    }
}

fn join(compiled: &mut Compiled, span: Span<u128>, mark: Mark) {
    match compiled.last_mut() {
        Some((before, same)) if *same == mark && before.last.checked_add(1) == Some(span.first) => {
            before.last = span.last;
        }
        _ => compiled.push((span, mark)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever the nesting, the longest prefix that holds an address decides.
        #[test]
        fn the_longest_prefix_decides(
            blocks in proptest::collection::vec((any::<u32>(), 0u8..=32, proptest::option::of(1u32..5)), 0..12),
            probes in proptest::collection::vec(any::<u32>(), 16),
        ) {
            let mut known = std::collections::BTreeMap::new();
            for (address, prefix, mark) in blocks {
                let block = landfall_model::Ipv4Cidr::new((address & 0x3fff_ffff).into(), prefix).unwrap();
                known.insert(block, mark);
            }
            let spans = known.iter().map(|(b, mark)| (Family::V4.span(Cidr::V4(*b)).unwrap(), *mark)).collect();
            let compiled = flatten(spans, &never(Family::V4));
            prop_assert!(compiled.windows(2).all(|pair| pair[0].0.last < pair[1].0.first));
            let borders = known.keys().flat_map(|block| [u32::from(block.first()), u32::from(block.last())]);
            for probe in probes.into_iter().map(|probe| probe & 0x3fff_ffff).chain(borders) {
                let found = compiled.iter().find(|(span, _)| span.contains(probe.into())).map(|(_, mark)| *mark);
                let longest = known.iter().filter(|(b, _)| b.contains(probe.into())).max_by_key(|(b, _)| b.prefix());
                let barred = NEVER.iter().any(|(first, last)| (*first..=*last).contains(&probe));
                let expected = longest.and_then(|(_, mark)| *mark).filter(|_| !barred);
                prop_assert_eq!(found, expected);
            }
        }
    }
}
