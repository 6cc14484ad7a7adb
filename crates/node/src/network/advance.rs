//! From one layout of a namespace to another, where the first is known to hold: only what differs is asked of the kernel,
//! which otherwise tells thousands of links, addresses, neighbours and routes for one that is new.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;

use landfall_model::Cidr;
use rtnetlink::packet_route::RouteNetlinkMessage as Message;

use super::layout::{
    self, Hop, Layout, Link, Route, address_message, ensure_link, families, has_ipv6, neighbour_message, rule,
};
use super::netlink::Netlink;

/// The numbers of links, by name.
pub type Indexes = BTreeMap<String, u32>;

impl Layout {
    /// Whether this layout is that one with more and less in it. A link that stays and is to be another, and an address
    /// that goes from one that stays, may take with them what nobody asked to go.
    pub fn is_advance_of(&self, before: &Layout) -> bool {
        let links_stay = self.links.iter().all(|(name, link)| before.links.get(name).is_none_or(|old| old == link));
        let mut gone = before.addresses.difference(&self.addresses);
        let is_alike = self.marked_answers == before.marked_answers;
        is_alike && links_stay && gone.all(|(link, _)| !self.links.contains_key(link))
    }

    /// Whether what leads from one part of it to another leads from this as well: whatever the two don't have alike is
    /// here as it is in the first.
    pub fn fits(&self, before: &Layout, after: &Layout) -> bool {
        fits(&self.links, &before.links, &after.links)
            && fits(&self.neighbours, &before.neighbours, &after.neighbours)
            && fits(&self.routes, &before.routes, &after.routes)
            && before.addresses.difference(&after.addresses).all(|gone| self.addresses.contains(gone))
            && after.addresses.difference(&before.addresses).all(|come| !self.addresses.contains(come))
            && before.rules.difference(&after.rules).all(|gone| self.rules.contains(gone))
            && after.rules.difference(&before.rules).all(|come| !self.rules.contains(come))
    }

    /// Takes on what two parts of it don't have alike.
    pub fn take(&mut self, before: &Layout, after: &Layout) {
        take(&mut self.links, &before.links, &after.links);
        take(&mut self.neighbours, &before.neighbours, &after.neighbours);
        take(&mut self.routes, &before.routes, &after.routes);
        before.addresses.difference(&after.addresses).for_each(|gone| _ = self.addresses.remove(gone));
        self.addresses.extend(after.addresses.difference(&before.addresses).cloned());
        before.rules.difference(&after.rules).for_each(|gone| _ = self.rules.remove(gone));
        self.rules.extend(after.rules.difference(&before.rules));
    }

    /// Makes the calling thread's namespace so, where it is as in `before` but for links that have gone since.
    pub fn advance(&self, netlink: &mut Netlink, before: &Layout, indexes: &Indexes) -> io::Result<()> {
        let index = |name: &String| {
            indexes.get(name).copied().ok_or_else(|| io::Error::other(format!("there is no link {name}")))
        };
        for (name, (mac, mtu)) in self.links.iter().filter(|(name, _)| !before.links.contains_key(*name)) {
            let fresh = Link { index: index(name)?, up: false, mac: None, mtu: 0 };
            ensure_link(netlink, &fresh, *mac, *mtu)?;
        }
        let speaks = |address: &IpAddr| address.is_ipv4() || has_ipv6();
        for (link, address) in self.addresses.difference(&before.addresses).filter(|(_, address)| speaks(address)) {
            netlink.put(Message::NewAddress(address_message(index(link)?, *address)))?;
        }
        self.advance_neighbours(netlink, before, speaks, index)?;
        self.advance_routes(netlink, before, speaks, index)?;
        for family in families() {
            for mark in self.rules.difference(&before.rules) {
                netlink.create(Message::NewRule(rule(family, *mark)))?;
            }
            for mark in before.rules.difference(&self.rules) {
                netlink.change(Message::DelRule(rule(family, *mark)))?;
            }
        }
        Ok(())
    }

    fn advance_neighbours(
        &self,
        netlink: &mut Netlink,
        before: &Layout,
        speaks: impl Fn(&IpAddr) -> bool,
        index: impl Fn(&String) -> io::Result<u32>,
    ) -> io::Result<()> {
        let (gone, come) = compare(&before.neighbours, &self.neighbours);
        for ((link, address), mac) in come.into_iter().filter(|((_, address), _)| speaks(address)) {
            netlink.put(Message::NewNeighbour(neighbour_message(index(link)?, *address, Some(*mac))))?;
        }
        // A link took its own with it.
        let stays = |(link, address): &&(String, IpAddr)| self.links.contains_key(link) && speaks(address);
        for (link, address) in gone.into_iter().filter(stays) {
            netlink.change(Message::DelNeighbour(neighbour_message(index(link)?, *address, None)))?;
        }
        Ok(())
    }

    fn advance_routes(
        &self,
        netlink: &mut Netlink,
        before: &Layout,
        speaks: impl Fn(&IpAddr) -> bool,
        index: impl Fn(&String) -> io::Result<u32>,
    ) -> io::Result<()> {
        let (gone, come) = compare(&before.routes, &self.routes);
        let speaks = |to: Cidr| speaks(&to.first());
        for ((table, to), hop) in come.into_iter().filter(|((_, to), _)| speaks(*to)) {
            netlink.put(Message::NewRoute(Route::by(*table, *to, hop, &index)?.message()))?;
        }
        for key @ (table, to) in gone.into_iter().filter(|(_, to)| speaks(*to)) {
            let hop = &before.routes[key];
            if let Hop::Link { link, .. } = hop
                && !self.links.contains_key(link)
            {
                continue;
            }
            netlink.change(Message::DelRoute(Route::by(*table, *to, hop, &index)?.message()))?;
        }
        Ok(())
    }
}

/// What was and isn't any more, and what is new or says something else.
pub type Compared<'m, K, V> = (Vec<&'m K>, Vec<(&'m K, &'m V)>);

/// Compares what two maps have in one pass over both.
pub fn compare<'m, K: Ord, V: PartialEq>(
    before: impl IntoIterator<Item = (&'m K, &'m V)>,
    after: impl IntoIterator<Item = (&'m K, &'m V)>,
) -> Compared<'m, K, V> {
    let (mut gone, mut come) = (Vec::new(), Vec::new());
    let mut old = before.into_iter().peekable();
    for (key, value) in after {
        while let Some((passed, _)) = old.next_if(|(other, _)| *other < key) {
            gone.push(passed);
        }
        match old.next_if(|(other, _)| *other == key) {
            Some((_, same)) if same == value => {}
            _ => come.push((key, value)),
        }
    }
    gone.extend(old.map(|(key, _)| key));
    (gone, come)
}

/// Whether what two parts of a map don't have alike is in it as in the first.
fn fits<K: Ord, V: PartialEq>(whole: &BTreeMap<K, V>, before: &BTreeMap<K, V>, after: &BTreeMap<K, V>) -> bool {
    let (gone, come) = compare(before, after);
    gone.into_iter().chain(come.into_iter().map(|(key, _)| key)).all(|key| whole.get(key) == before.get(key))
}

/// Takes on what two parts of a map don't have alike.
pub fn take<K: Ord + Clone, V: PartialEq + Clone>(
    whole: &mut BTreeMap<K, V>,
    before: &BTreeMap<K, V>,
    after: &BTreeMap<K, V>,
) {
    let (gone, come) = compare(before, after);
    gone.into_iter().for_each(|key| _ = whole.remove(key));
    whole.extend(come.into_iter().map(|(key, value)| (key.clone(), value.clone())));
}

/// The number of a link of the calling thread's namespace.
pub fn index_of(name: &str) -> io::Result<u32> {
    nix::net::if_::if_nametoindex(name).map_err(|error| io::Error::other(format!("link {name}: {error}")))
}

/// The numbers of all links of the calling thread's namespace.
pub fn indexes(netlink: &mut Netlink) -> io::Result<Indexes> {
    Ok(layout::links(netlink)?.into_iter().map(|(name, link)| (name, link.index)).collect())
}
