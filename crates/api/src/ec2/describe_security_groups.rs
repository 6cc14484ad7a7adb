//! ec2:DescribeSecurityGroups. Lists groups with their rules.

use landfall_cloud::value::SecurityGroups;
use landfall_cloud::{Fault, View};
use landfall_model::{Cidr, Peer, RuleDirection, SecurityGroup, SecurityGroupId, SecurityGroupRule};
use serde::{Deserialize, Serialize};

use super::shape::permission::default_vpc_group;
use super::shape::security_group::SecurityGroupShape;
use crate::filter::{FilterNames, Selection, Values, one, shown};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeSecurityGroups {
    #[serde(default)]
    group_id: Vec<SecurityGroupId>,
    #[serde(default)]
    group_name: Vec<String>,
    #[serde(default)]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeSecurityGroupsResult<'v> {
    security_group_info: Vec<SecurityGroupShape<'v>>,
}

impl Read for DescribeSecurityGroups {
    const ACTION: Action = Action::ec2("DescribeSecurityGroups");
    const PAGE_LIMIT: usize = 1000;
    const PAGE_LEAST: usize = 5;
    const FILTERS: FilterNames = FilterNames {
        known: &[
            "description",
            "egress.ip-permission.cidr",
            "egress.ip-permission.from-port",
            "egress.ip-permission.group-id",
            "egress.ip-permission.group-name",
            "egress.ip-permission.ipv6-cidr",
            "egress.ip-permission.prefix-list-id",
            "egress.ip-permission.protocol",
            "egress.ip-permission.to-port",
            "egress.ip-permission.user-id",
            "group-id",
            "group-name",
            "ip-permission.cidr",
            "ip-permission.from-port",
            "ip-permission.group-id",
            "ip-permission.group-name",
            "ip-permission.ipv6-cidr",
            "ip-permission.prefix-list-id",
            "ip-permission.protocol",
            "ip-permission.to-port",
            "ip-permission.user-id",
            "owner-id",
            "tag-key",
            "vpc-id",
        ],
        refused: &[],
    };
    type Output<'v> = DescribeSecurityGroupsResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeSecurityGroupsResult<'v>, ApiError> {
        let view = look.view;
        let selection = self.filter.select(Self::FILTERS)?;
        let rows = self.named(&view)?;
        let matching = rows.into_iter().filter(|row| matches(&view, &selection, row));
        let page = look.page.take(matching, |row| row.id)?;
        let security_group_info = page.into_iter().map(|row| SecurityGroupShape::of(&view, row)).collect();
        Ok(DescribeSecurityGroupsResult { security_group_info })
    }
}

impl DescribeSecurityGroups {
    fn named<'v>(&self, view: &View<'v>) -> Result<Vec<&'v SecurityGroup>, ApiError> {
        if self.group_id.is_empty() && self.group_name.is_empty() {
            return Ok(view.all::<SecurityGroups, _>().collect());
        }
        let absent: Vec<_> =
            self.group_id.iter().copied().filter(|id| view.find::<SecurityGroups, _>(*id).is_none()).collect();
        if !absent.is_empty() {
            return Err(Fault::none_of(&absent).into());
        }
        let mut ids = self.group_id.clone();
        for name in &self.group_name {
            ids.push(default_vpc_group(view, name)?);
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(ids.into_iter().filter_map(|id| view.find::<SecurityGroups, _>(id)).collect())
    }
}

fn matches(view: &View<'_>, selection: &Selection, row: &SecurityGroup) -> bool {
    selection.is_empty()
        || selection.matches(view.tags(&row.id.to_string()), |name| match name {
            "description" => one(row.description.as_str()),
            "group-id" => shown(row.id),
            "group-name" => one(row.name.as_str()),
            "owner-id" => shown(row.scope.account),
            "vpc-id" => shown(row.vpc),
            permission => match permission.strip_prefix("egress.ip-permission.") {
                Some(field) => of_rules(view, row.id, RuleDirection::Egress, field),
                None => {
                    let field = permission.strip_prefix("ip-permission.").unwrap_or_default();
                    of_rules(view, row.id, RuleDirection::Ingress, field)
                }
            },
        })
}

/// The values that a field has in any of the group's rules.
fn of_rules<'v>(view: &View<'v>, group: SecurityGroupId, direction: RuleDirection, field: &str) -> Values<'v> {
    let rules = view.rules_of(group).filter(|rule| rule.direction == direction);
    rules.flat_map(|rule| of_rule(view, rule, field)).collect()
}

fn of_rule<'v>(view: &View<'v>, rule: &SecurityGroupRule, field: &str) -> Values<'v> {
    let has_range = rule.protocol.has_ports() || rule.protocol.is_icmp();
    match (field, &rule.peer) {
        ("protocol", _) => shown(rule.protocol),
        ("from-port", _) if has_range => shown(rule.ports.from),
        ("to-port", _) if has_range => shown(rule.ports.to),
        ("cidr", Peer::Cidr(Cidr::V4(block))) => shown(block),
        ("ipv6-cidr", Peer::Cidr(Cidr::V6(block))) => shown(block),
        ("group-id", Peer::Group(group)) => shown(group),
        ("group-name", Peer::Group(group)) => {
            view.find::<SecurityGroups, _>(*group).map(|row| one(row.name.as_str())).unwrap_or_default()
        }
        ("user-id", Peer::Group(_)) => shown(rule.peered.map_or(rule.scope.account, |peered| peered.owner)),
        ("prefix-list-id", Peer::PrefixList(list)) => shown(list),
        _ => Values::new(),
    }
}
