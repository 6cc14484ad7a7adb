//! Managed prefix lists: their versions, what refers to them, and the two that the provider keeps in every region.
//!
//! **The region's own lists** are those of `s3` and `dynamodb`, which gateway endpoints lead to. Their blocks are parts of
//! `Settings::service_pool`, by default 198.19.0.0/16, the half of the benchmarking range (RFC 2544) that the default pool
//! of public addresses leaves. That range is nobody's on the internet; AWS refuses it to VPCs as a further block ("VPC
//! CIDR blocks", Amazon VPC User Guide), so that a VPC's own addresses don't hide the services; and it isn't a part of the
//! public pool, so that an operator who names real public addresses changes no list, and no elastic address is ever taken
//! for a service. Their ids follow from their names, as AWS's own are the same for everybody in a region.

use landfall_model::prefix_list::PROVIDED;
use landfall_model::{
    AccountId, Cidr, Ipv4Cidr, ListChange, PrefixList, PrefixListEntry, PrefixListId, Region, RuleDirection, Scope,
};

use crate::fault::{Fault, QuotaKind};
use crate::tx::Tx;
use crate::value::PrefixLists;
use crate::view::View;
use crate::{route, security_group, tag};

/// The most entries that a list may be made for. This and the next: "Amazon VPC quotas", customer-managed prefix lists.
pub const MAX_ENTRIES: u32 = 1000;
/// Versions that are kept; the oldest goes when one more is made.
const MAX_VERSIONS: usize = 1000;
/// Entries that are kept over all versions but the last, so that a change of a long list stays cheap.
const MAX_KEPT: usize = 20_000;
const MAX_NAME: usize = 255;
/// The services with lists of the region's own, each with the place of its block in the pool.
const SERVICES: [(&str, u32); 2] = [("s3", 0), ("dynamodb", 1)];
/// The size of their blocks.
const SERVICE_PREFIX: u8 = 24;

/// What a new list is to be.
#[derive(Clone, Debug)]
pub struct NewPrefixList {
    /// Its name.
    pub name: String,
    /// Whether its entries are of IPv6.
    pub ipv6: bool,
    /// How many entries it may have.
    pub max_entries: u32,
    /// Its entries.
    pub entries: Vec<PrefixListEntry>,
}

/// What is to change about a list.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// The version that the caller takes for the last one.
    pub version: Option<u64>,
    /// Another name.
    pub name: Option<String>,
    /// Another size.
    pub max_entries: Option<u32>,
    /// Entries to add.
    pub add: Vec<PrefixListEntry>,
    /// Entries to remove.
    pub remove: Vec<Cidr>,
}

/// Makes a list.
pub fn create(tx: &mut Tx<'_, '_>, new: NewPrefixList) -> Result<PrefixListId, Fault> {
    let limit = tx.quotas().prefix_lists;
    if tx.view().own_prefix_lists().count() >= limit as usize {
        return Err(Fault::Quota(QuotaKind::PrefixLists, u64::from(limit)));
    }
    check_name(&new.name)?;
    check_size(new.max_entries)?;
    let mut entries = Vec::with_capacity(new.entries.len());
    add(&mut entries, new.entries, new.ipv6)?;
    check_count(&entries, new.max_entries)?;
    let (scope, id) = (tx.scope(), tx.new_id());
    tx.put::<PrefixLists>(PrefixList {
        scope,
        id,
        name: new.name,
        ipv6: new.ipv6,
        max_entries: new.max_entries,
        versions: vec![entries],
        oldest: 1,
        last_change: ListChange::Created,
    });
    Ok(id)
}

/// Changes a list. Other entries make a new version; another name or size doesn't.
pub fn modify(tx: &mut Tx<'_, '_>, id: PrefixListId, change: Change) -> Result<(), Fault> {
    let mut row = own(&tx.view(), id)?.clone();
    check_version(&row, change.version)?;
    let changes_entries = !change.add.is_empty() || !change.remove.is_empty();
    if changes_entries && change.version.is_none() {
        return Err(Fault::Missing("CurrentVersion"));
    }
    if changes_entries && change.max_entries.is_some() {
        return Err(Fault::Combination(
            "You cannot modify the entries of a prefix list and modify the size of a prefix list at the same time."
                .into(),
        ));
    }
    if let Some(name) = change.name {
        check_name(&name)?;
        row.name = name;
    }
    if changes_entries {
        let mut entries = row.entries().to_vec();
        for cidr in change.remove {
            let index = entries.iter().position(|entry| entry.cidr == cidr);
            let absent =
                || Fault::Entries(format!("The entry {cidr} is not in the prefix list, so it can't be removed."));
            entries.remove(index.ok_or_else(absent)?);
        }
        add(&mut entries, change.add, row.ipv6)?;
        check_count(&entries, row.max_entries)?;
        push(&mut row, entries);
    }
    row.last_change = ListChange::Modified;
    let resized = change.max_entries.filter(|size| *size != row.max_entries);
    if let Some(size) = resized {
        check_size(size)?;
        check_count(row.entries(), size)?;
        row.max_entries = size;
    }
    tx.put::<PrefixLists>(row);
    if resized.is_some() { check_references(&tx.view(), id) } else { Ok(()) }
}

/// Makes a version's entries those of a new one.
pub fn restore(tx: &mut Tx<'_, '_>, id: PrefixListId, previous: u64, current: u64) -> Result<(), Fault> {
    let mut row = own(&tx.view(), id)?.clone();
    check_version(&row, Some(current))?;
    let entries = at_version(&row, previous)?.to_vec();
    check_count(&entries, row.max_entries)?;
    push(&mut row, entries);
    row.last_change = ListChange::Restored;
    tx.put::<PrefixLists>(row);
    Ok(())
}

/// Deletes a list that nothing refers to; the list as it was.
pub fn delete(tx: &mut Tx<'_, '_>, id: PrefixListId) -> Result<PrefixList, Fault> {
    let row = own(&tx.view(), id)?.clone();
    if !associations(&tx.view(), id).is_empty() {
        return Err(Fault::InUse {
            what: format!("The prefix list '{id}' is referenced by resources and cannot be deleted."),
        });
    }
    tx.delete::<PrefixLists>(&row.key());
    tag::forget(tx, &id.to_string());
    Ok(row)
}

/// The entries that a list had in a version.
pub fn at_version(row: &PrefixList, version: u64) -> Result<&[PrefixListEntry], Fault> {
    let index = version.checked_sub(row.oldest).and_then(|index| usize::try_from(index).ok());
    let entries = index.and_then(|index| row.versions.get(index)).map(Vec::as_slice);
    entries.ok_or_else(|| Fault::Invalid {
        name: "version",
        value: version.to_string(),
        why: format!("The prefix list has no such version; it has {} to {}.", row.oldest, row.version()),
    })
}

/// What of the scope's refers to a list: ids of security groups and route tables, in order.
pub fn associations(view: &View<'_>, id: PrefixListId) -> Vec<String> {
    let rules = view.own(view.tables().security_group_rules.by_prefix_list(&id), |rule| rule.scope);
    let tables = view.own(view.tables().route_tables.by_prefix_list(&id), |table| table.scope);
    let ids: std::collections::BTreeSet<String> =
        rules.map(|rule| rule.group.to_string()).chain(tables.map(|table| table.id.to_string())).collect();
    ids.into_iter().collect()
}

/// Makes the region's own lists where they aren't there yet.
pub(crate) fn ensure_region(tx: &mut Tx<'_, '_>, region: Region) {
    let pool = tx.provider().service_pool;
    let scope = provider(region);
    for (service, place) in SERVICES {
        let name = format!("{PROVIDED}.{region}.{service}");
        let Some(id) = region_id(&name) else { continue };
        let block = pool.nth(place << (32 - SERVICE_PREFIX)).and_then(|first| Ipv4Cidr::new(first, SERVICE_PREFIX));
        if tx.prefix_lists.contains(&scope.key(id)) {
            continue;
        }
        let entries: Vec<_> =
            block.map(|block| PrefixListEntry { cidr: Cidr::V4(block), description: None }).into_iter().collect();
        tx.put::<PrefixLists>(PrefixList {
            scope,
            id,
            name,
            ipv6: false,
            max_entries: 1,
            versions: vec![entries],
            oldest: 1,
            last_change: ListChange::Created,
        });
    }
}

/// Whether the region's own lists are still to be made.
pub(crate) fn lacks_region(view: &View<'_>) -> bool {
    view.region_prefix_lists().next().is_none()
}

fn provider(region: Region) -> Scope {
    Scope { account: AccountId::PROVIDER, region }
}

/// The id of a list of the region's own: short, as AWS's are, and made of the name alone (FNV-1a).
fn region_id(name: &str) -> Option<PrefixListId> {
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!("pl-{hash:08x}").parse().ok()
}

/// The caller's list: that of somebody else is seen at most.
fn own<'v>(view: &View<'v>, id: PrefixListId) -> Result<&'v PrefixList, Fault> {
    let row = view.prefix_list(id)?;
    if !row.is_provided() {
        return Ok(row);
    }
    Err(Fault::NotPermitted(format!("The prefix list '{id}' is managed by AWS and can't be changed.")))
}

fn push(row: &mut PrefixList, entries: Vec<PrefixListEntry>) {
    row.versions.push(entries);
    let mut kept: usize = row.versions.iter().rev().skip(1).map(Vec::len).sum();
    while row.versions.len() > MAX_VERSIONS || (kept > MAX_KEPT && row.versions.len() > 1) {
        kept -= row.versions.remove(0).len();
        row.oldest += 1;
    }
}

fn add(entries: &mut Vec<PrefixListEntry>, new: Vec<PrefixListEntry>, ipv6: bool) -> Result<(), Fault> {
    for entry in new {
        if matches!(entry.cidr, Cidr::V6(_)) != ipv6 {
            let why = format!("The prefix list is of {}.", if ipv6 { "IPv6" } else { "IPv4" });
            return Err(Fault::Invalid { name: "cidr", value: entry.cidr.to_string(), why });
        }
        if entry.description.as_ref().is_some_and(|text| text.chars().count() > MAX_NAME) {
            let why = format!("A description has up to {MAX_NAME} characters.");
            return Err(Fault::Invalid { name: "description", value: entry.cidr.to_string(), why });
        }
        if entries.iter().any(|other| other.cidr == entry.cidr) {
            return Err(Fault::Entries(format!("The entry {} is in the prefix list already.", entry.cidr)));
        }
        entries.push(entry);
    }
    entries.sort_by_key(|entry| entry.cidr);
    Ok(())
}

fn check_name(name: &str) -> Result<(), Fault> {
    let why = if name.is_empty() || name.chars().count() > MAX_NAME {
        format!("A name has 1 to {MAX_NAME} characters.")
    } else if name.starts_with(PROVIDED) {
        format!("The name can't start with {PROVIDED}.")
    } else {
        return Ok(());
    };
    Err(Fault::Invalid { name: "prefixListName", value: name.chars().take(MAX_NAME).collect(), why })
}

fn check_size(size: u32) -> Result<(), Fault> {
    if (1..=MAX_ENTRIES).contains(&size) {
        return Ok(());
    }
    let why = format!("A prefix list is made for 1 to {MAX_ENTRIES} entries.");
    Err(Fault::Invalid { name: "maxEntries", value: size.to_string(), why })
}

fn check_count(entries: &[PrefixListEntry], max: u32) -> Result<(), Fault> {
    if entries.len() > max as usize { Err(Fault::TooManyEntries(max)) } else { Ok(()) }
}

fn check_version(row: &PrefixList, version: Option<u64>) -> Result<(), Fault> {
    if version.is_some_and(|version| version != row.version()) { Err(Fault::StaleVersion) } else { Ok(()) }
}

/// That the groups and route tables that refer to a list have room for it.
fn check_references(view: &View<'_>, id: PrefixListId) -> Result<(), Fault> {
    for rule in view.own(view.tables().security_group_rules.by_prefix_list(&id), |rule| rule.scope) {
        for direction in [RuleDirection::Ingress, RuleDirection::Egress] {
            security_group::check_room(view, rule.group, direction)?;
        }
    }
    for table in view.own(view.tables().route_tables.by_prefix_list(&id), |table| table.scope) {
        route::check_room(view, table)?;
    }
    Ok(())
}

impl<'a> View<'a> {
    /// The list of that id: one of the caller's or of the region's own.
    pub fn prefix_list(&self, id: PrefixListId) -> Result<&'a PrefixList, Fault> {
        let (own, region) = (self.scope(), provider(self.scope().region));
        let mut found = self.tables().prefix_lists.by_id(&id);
        found
            .find(|row| row.scope == own || (row.scope == region && row.is_provided()))
            .ok_or_else(|| Fault::no_such(id))
    }

    /// The lists that the scope's account made, by id.
    pub fn own_prefix_lists(&self) -> impl Iterator<Item = &'a PrefixList> + use<'a> {
        self.all::<PrefixLists, PrefixListId>().filter(|row| !row.is_provided())
    }

    /// The lists of the region's own, by id. The provider may be the account of a simulation too, and have others.
    pub fn region_prefix_lists(&self) -> impl Iterator<Item = &'a PrefixList> + use<'a> {
        let provider = View::new(self.tables(), provider(self.scope().region), self.now());
        provider.all::<PrefixLists, PrefixListId>().filter(|row| row.is_provided())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_regions_lists_have_ids_of_their_own() {
        let mut ids: Vec<_> = Region::all()
            .flat_map(|region| {
                SERVICES.map(|(service, _)| region_id(&format!("{PROVIDED}.{region}.{service}")).unwrap())
            })
            .collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count);
    }
}
