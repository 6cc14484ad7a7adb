//! ec2:DescribeStaleSecurityGroups. Lists a VPC's groups with rules that name groups of peered VPCs which are gone, or out
//! of reach since the peering is.

use std::collections::BTreeMap;

use landfall_cloud::View;
use landfall_cloud::value::Vpcs;
use landfall_model::{IpProtocol, PortRange, RuleDirection, SecurityGroup, SecurityGroupId, VpcId};
use serde::{Deserialize, Serialize};

use super::shape::security_group::UserIdGroupPair;
use crate::{Action, ApiError, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeStaleSecurityGroups {
    vpc_id: VpcId,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeStaleSecurityGroupsResult<'v> {
    stale_security_group_set: Vec<StaleGroup<'v>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StaleGroup<'v> {
    description: &'v str,
    group_id: SecurityGroupId,
    group_name: &'v str,
    stale_ip_permissions: Vec<StalePermission<'v>>,
    stale_ip_permissions_egress: Vec<StalePermission<'v>>,
    vpc_id: VpcId,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StalePermission<'v> {
    #[serde(skip_serializing_if = "Option::is_none")]
    from_port: Option<i32>,
    ip_protocol: String,
    ip_ranges: [(); 0],
    prefix_list_ids: [(); 0],
    #[serde(skip_serializing_if = "Option::is_none")]
    to_port: Option<i32>,
    groups: Vec<UserIdGroupPair<'v>>,
}

impl Read for DescribeStaleSecurityGroups {
    const ACTION: Action = Action::ec2("DescribeStaleSecurityGroups");
    const PAGE_LIMIT: usize = 255;
    const PAGE_LEAST: usize = 5;
    type Output<'v> = DescribeStaleSecurityGroupsResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeStaleSecurityGroupsResult<'v>, ApiError> {
        let view = look.view;
        let vpc = view.need::<Vpcs, _>(self.vpc_id)?.id;
        let mut groups: Vec<_> = view.groups_of(vpc).collect();
        groups.sort_unstable_by_key(|group| group.id);
        let stale = groups.into_iter().filter_map(|group| stale(&view, group));
        Ok(DescribeStaleSecurityGroupsResult {
            stale_security_group_set: look.page.take(stale, |group| group.group_id)?,
        })
    }
}

fn stale<'v>(view: &View<'v>, group: &'v SecurityGroup) -> Option<StaleGroup<'v>> {
    let (ingress, egress) =
        (permissions(view, group.id, RuleDirection::Ingress), permissions(view, group.id, RuleDirection::Egress));
    (!ingress.is_empty() || !egress.is_empty()).then(|| StaleGroup {
        description: &group.description,
        group_id: group.id,
        group_name: &group.name,
        stale_ip_permissions: ingress,
        stale_ip_permissions_egress: egress,
        vpc_id: group.vpc,
    })
}

fn permissions<'v>(view: &View<'v>, group: SecurityGroupId, direction: RuleDirection) -> Vec<StalePermission<'v>> {
    let mut together: BTreeMap<(IpProtocol, PortRange), Vec<UserIdGroupPair<'v>>> = BTreeMap::new();
    for rule in view.rules_of(group).filter(|rule| rule.direction == direction && view.is_stale(rule)) {
        together.entry((rule.protocol, rule.ports)).or_default().extend(UserIdGroupPair::of(view, rule));
    }
    let permission = |((protocol, ports), groups): ((IpProtocol, PortRange), _)| {
        let shows_ports = protocol.has_ports() || protocol.is_icmp();
        StalePermission {
            from_port: shows_ports.then_some(ports.from),
            ip_protocol: protocol.to_string(),
            ip_ranges: [],
            prefix_list_ids: [],
            to_port: shows_ports.then_some(ports.to),
            groups,
        }
    };
    together.into_iter().map(permission).collect()
}
