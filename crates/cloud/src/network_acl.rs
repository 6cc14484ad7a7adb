//! Network ACLs: stateless filters of subnets. Each has, besides its numbered entries, one last entry that denies the rest,
//! of either family; a VPC's default one lets all through before that.

use landfall_model::plan::AclRulePlan;
use landfall_model::{
    Cidr, IpProtocol, Ipv4Cidr, Ipv6Cidr, NetworkAcl, NetworkAclId, PortRange, Scope, SubnetId, VpcId,
};

use crate::tx::Tx;
use crate::value::NetworkAcls;

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
