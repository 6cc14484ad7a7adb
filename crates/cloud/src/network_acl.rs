//! Network ACLs: stateless filters of subnets. Each has, besides its numbered entries, one last entry that denies the rest,
//! of either family; a VPC's default one lets all through before that.

use landfall_model::plan::AclRulePlan;
use landfall_model::{
    Cidr, IpProtocol, Ipv4Cidr, Ipv6Cidr, NetworkAcl, NetworkAclAssociationId, NetworkAclId, PortRange, Scope,
    SubnetId, VpcId,
};

use crate::fault::{ExistsKind, Fault, QuotaKind};
use crate::network::has_dependencies;
use crate::tag;
use crate::tx::Tx;
use crate::value::{NetworkAcls, Vpcs};
use crate::view::View;

/// Inwards or outwards.
pub use landfall_model::RuleDirection as Direction;

/// The number of the entry that denies all other IPv4, which clients see as `*`.
const LAST: u16 = 32767;
/// The same for IPv6, where the VPC has a block of it.
const LAST_IPV6: u16 = 32768;
/// The entry of a default ACL that allows all IPv4.
const OPEN: u16 = 100;
/// The same for IPv6.
const OPEN_IPV6: u16 = 101;

/// The ACL that a VPC has from the start.
pub(crate) fn open(scope: Scope, id: NetworkAclId, vpc: VpcId) -> NetworkAcl {
    let rules = vec![all(OPEN, true, V4), all(LAST, false, V4)];
    NetworkAcl { scope, id, vpc, is_default: true, ingress: rules.clone(), egress: rules, associations: vec![] }
}

const V4: Cidr = Cidr::V4(Ipv4Cidr::ALL);
const V6: Cidr = Cidr::V6(Ipv6Cidr::ALL);

fn all(number: u16, allow: bool, cidr: Cidr) -> AclRulePlan {
    AclRulePlan { number, allow, protocol: IpProtocol::All, ports: PortRange::ANY, cidr }
}

/// Makes an ACL that denies everything, and filters no subnet yet.
pub fn create(tx: &mut Tx<'_, '_>, vpc: VpcId) -> Result<NetworkAclId, Fault> {
    let has_ipv6 = !tx.view().need::<Vpcs, _>(vpc)?.ipv6.is_empty();
    let limit = tx.quotas().acls_per_vpc;
    if tx.network_acls.by_vpc.count(&vpc) >= limit as usize {
        return Err(Fault::Quota(QuotaKind::AclsPerVpc, u64::from(limit)));
    }
    let (scope, id) = (tx.scope(), tx.new_id());
    let rules = vec![all(LAST, false, V4)];
    let (ingress, associations) = (rules.clone(), vec![]);
    let mut acl = NetworkAcl { scope, id, vpc, is_default: false, ingress, egress: rules, associations };
    if has_ipv6 {
        add_ipv6(&mut acl);
    }
    tx.put::<NetworkAcls>(acl);
    Ok(id)
}

/// Deletes an ACL that filters nothing. A VPC's default one goes with it.
pub fn delete(tx: &mut Tx<'_, '_>, id: NetworkAclId) -> Result<(), Fault> {
    let row = tx.view().need::<NetworkAcls, _>(id)?;
    let key = row.key();
    if row.is_default {
        let why = "The default network ACL of a VPC can't be deleted.".to_owned();
        return Err(Fault::Invalid { name: "networkAclId", value: id.to_string(), why });
    }
    if !row.associations.is_empty() {
        return Err(has_dependencies("networkAcl", id));
    }
    tx.delete::<NetworkAcls>(&key);
    tag::forget(tx, &id.to_string());
    Ok(())
}

/// Adds an entry under a number that is free, or puts it in the place of the one that has its number.
pub fn put_entry(
    tx: &mut Tx<'_, '_>,
    id: NetworkAclId,
    direction: Direction,
    entry: AclRulePlan,
    replaces: bool,
) -> Result<(), Fault> {
    let row = tx.view().need::<NetworkAcls, _>(id)?;
    let key = row.key();
    check(&entry)?;
    let entries = if direction == Direction::Ingress { &row.ingress } else { &row.egress };
    let is_there = entries.iter().any(|other| other.number == entry.number);
    let limit = tx.quotas().rules_per_acl;
    match (replaces, is_there) {
        (true, false) => return Err(no_entry(entry.number)),
        (false, true) => return Err(Fault::Exists { kind: ExistsKind::AclEntry, what: entry.number.to_string() }),
        (false, false) if entries.len() >= limit as usize => {
            return Err(Fault::Quota(QuotaKind::RulesPerAcl, u64::from(limit)));
        }
        _ => {}
    }
    tx.update::<NetworkAcls, _>(&key, |row| {
        let entries = of(row, direction);
        entries.retain(|other| other.number != entry.number);
        entries.push(entry.clone());
        entries.sort_by_key(|entry| entry.number);
    });
    Ok(())
}

/// Removes the entry of a number.
pub fn delete_entry(tx: &mut Tx<'_, '_>, id: NetworkAclId, direction: Direction, number: u16) -> Result<(), Fault> {
    let row = tx.view().need::<NetworkAcls, _>(id)?;
    let key = row.key();
    check_number(number)?;
    let entries = if direction == Direction::Ingress { &row.ingress } else { &row.egress };
    if !entries.iter().any(|entry| entry.number == number) {
        return Err(no_entry(number));
    }
    tx.update::<NetworkAcls, _>(&key, |row| of(row, direction).retain(|entry| entry.number != number));
    Ok(())
}

/// Puts the subnet of an association behind another ACL of its VPC; the association's new id.
pub fn replace_association(
    tx: &mut Tx<'_, '_>,
    association: NetworkAclAssociationId,
    id: NetworkAclId,
) -> Result<NetworkAclAssociationId, Fault> {
    let (before, subnet) = tx.view().acl_association(association).ok_or_else(|| Fault::no_such(association))?;
    let (before, vpc) = (before.key(), before.vpc);
    let row = tx.view().need::<NetworkAcls, _>(id)?;
    let key = row.key();
    if row.vpc != vpc {
        return Err(Fault::Mismatch(format!(
            "You have specified two resources that belong to different networks: {id} is not in {vpc}"
        )));
    }
    let new = tx.new_id();
    tx.update::<NetworkAcls, _>(&before, |row| row.associations.retain(|(each, _)| *each != association));
    tx.update::<NetworkAcls, _>(&key, |row| row.associations.push((new, subnet)));
    Ok(new)
}

fn of(row: &mut NetworkAcl, direction: Direction) -> &mut Vec<AclRulePlan> {
    if direction == Direction::Ingress { &mut row.ingress } else { &mut row.egress }
}

fn no_entry(number: u16) -> Fault {
    Fault::NoSuch {
        code: "InvalidNetworkAclEntry.NotFound",
        noun: "network acl entry identified by",
        id: number.to_string(),
    }
}

fn check_number(number: u16) -> Result<(), Fault> {
    if (1..LAST).contains(&number) {
        return Ok(());
    }
    let why = format!("Rule numbers go from 1 to {}.", LAST - 1);
    Err(Fault::Invalid { name: "ruleNumber", value: number.to_string(), why })
}

/// That an entry is one that an ACL takes.
fn check(entry: &AclRulePlan) -> Result<(), Fault> {
    check_number(entry.number)?;
    if entry.protocol == IpProtocol::ICMPV6 && matches!(entry.cidr, Cidr::V4(_)) {
        return Err(Fault::Combination("The protocol 58 (ICMPv6) needs an Ipv6CidrBlock.".into()));
    }
    Ok(())
}

impl<'a> View<'a> {
    /// The ACL that has an association, and the subnet that it is for.
    pub fn acl_association(&self, id: NetworkAclAssociationId) -> Option<(&'a NetworkAcl, SubnetId)> {
        let row = self.own(self.tables().network_acls.by_association(&id), |row| row.scope).next()?;
        row.associations.iter().find(|(each, _)| *each == id).map(|(_, subnet)| (row, *subnet))
    }
}

/// Gives an ACL what it has where its VPC has IPv6: the entry that denies the rest of it, and, each way in which a default
/// ACL is as it came, the entry that allows all.
pub(crate) fn add_ipv6(acl: &mut NetworkAcl) {
    let untouched = [all(OPEN, true, V4), all(LAST, false, V4)];
    let is_default = acl.is_default;
    for rules in [&mut acl.ingress, &mut acl.egress] {
        if rules.iter().any(|rule| rule.number == LAST_IPV6) {
            continue;
        }
        if is_default && rules[..] == untouched {
            rules.push(all(OPEN_IPV6, true, V6));
        }
        rules.push(all(LAST_IPV6, false, V6));
        rules.sort_by_key(|rule| rule.number);
    }
}

/// Puts a new subnet behind its VPC's default ACL.
pub(crate) fn join_default(tx: &mut Tx<'_, '_>, vpc: VpcId, subnet: SubnetId) {
    let association = tx.new_id();
    let acl = tx.network_acls.by_vpc(&vpc).find(|acl| acl.is_default).map(NetworkAcl::key);
    if let Some(key) = acl {
        tx.update::<NetworkAcls, _>(&key, |acl| acl.associations.push((association, subnet)));
    }
}
