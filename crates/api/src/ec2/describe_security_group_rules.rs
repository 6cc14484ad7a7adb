//! ec2:DescribeSecurityGroupRules. Lists rules of groups, each with its id.

use landfall_cloud::value::SecurityGroupRules;
use landfall_cloud::{Fault, View};
use landfall_model::{SecurityGroupRule, SecurityGroupRuleId};
use serde::{Deserialize, Serialize};

use super::shape::security_group::RuleShape;
use crate::filter::{FilterNames, Selection, Values, shown};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeSecurityGroupRules {
    #[serde(default)]
    security_group_rule_id: Vec<SecurityGroupRuleId>,
    #[serde(default)]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeSecurityGroupRulesResult<'v> {
    security_group_rule_set: Vec<RuleShape<'v>>,
}

impl Read for DescribeSecurityGroupRules {
    const ACTION: Action = Action::ec2("DescribeSecurityGroupRules");
    const PAGE_LIMIT: usize = 1000;
    const PAGE_LEAST: usize = 5;
    const FILTERS: FilterNames =
        FilterNames { known: &["group-id", "security-group-rule-id", "tag:<key>"], refused: &[] };
    type Output<'v> = DescribeSecurityGroupRulesResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeSecurityGroupRulesResult<'v>, ApiError> {
        let view = look.view;
        let selection = self.filter.select(Self::FILTERS)?;
        if !self.security_group_rule_id.is_empty() && look.page.is_asked() {
            return Err(ApiError::combination(
                "The parameter SecurityGroupRuleIds cannot be used with the parameter MaxResults",
            ));
        }
        let rows = self.named(&view)?;
        let matching = rows.into_iter().filter(|row| matches(&view, &selection, row));
        let page = look.page.take(matching, |row| row.id)?;
        let security_group_rule_set = page.into_iter().map(|row| RuleShape::of(&view, row)).collect();
        Ok(DescribeSecurityGroupRulesResult { security_group_rule_set })
    }
}

impl DescribeSecurityGroupRules {
    fn named<'v>(&self, view: &View<'v>) -> Result<Vec<&'v SecurityGroupRule>, ApiError> {
        if self.security_group_rule_id.is_empty() {
            return Ok(view.all::<SecurityGroupRules, _>().collect());
        }
        let mut ids = self.security_group_rule_id.clone();
        ids.sort_unstable();
        ids.dedup();
        let absent: Vec<_> =
            ids.iter().copied().filter(|id| view.find::<SecurityGroupRules, _>(*id).is_none()).collect();
        if !absent.is_empty() {
            return Err(Fault::none_of(&absent).into());
        }
        Ok(ids.into_iter().filter_map(|id| view.find::<SecurityGroupRules, _>(id)).collect())
    }
}

fn matches(view: &View<'_>, selection: &Selection, row: &SecurityGroupRule) -> bool {
    selection.is_empty()
        || selection.matches(view.tags(&row.id.to_string()), |name| match name {
            "group-id" => shown(row.group),
            "security-group-rule-id" => shown(row.id),
            _ => Values::new(),
        })
}
