//! ec2:DescribeSecurityGroupReferences. Lists the VPCs on the other sides of peerings whose rules name these groups.

use std::collections::BTreeSet;

use landfall_cloud::View;
use landfall_cloud::value::SecurityGroups;
use landfall_model::{PeeringId, SecurityGroupId, SecurityGroupKind, VpcId};
use serde::{Deserialize, Serialize};

use super::shape::listing::named;
use super::shape::permission::demand_group;
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeSecurityGroupReferences {
    group_id: Vec<SecurityGroupId>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeSecurityGroupReferencesResult {
    security_group_reference_set: Vec<Reference>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    group_id: SecurityGroupId,
    referencing_vpc_id: VpcId,
    vpc_peering_connection_id: PeeringId,
}

impl Read for DescribeSecurityGroupReferences {
    const ACTION: Action = Action::ec2("DescribeSecurityGroupReferences");
    type Output<'v> = DescribeSecurityGroupReferencesResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        for id in &self.group_id {
            demand_group(view, demands, Self::ACTION, *id);
        }
        if self.group_id.is_empty() {
            demands.new_ec2::<SecurityGroupKind>(Self::ACTION);
        }
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeSecurityGroupReferencesResult, ApiError> {
        if self.group_id.is_empty() {
            return Err(ApiError::missing("GroupId"));
        }
        let view = look.view;
        let groups = named::<SecurityGroups, _>(&view, &self.group_id)?;
        let found: BTreeSet<_> = groups.into_iter().flat_map(|group| references(&view, group.id)).collect();
        Ok(DescribeSecurityGroupReferencesResult { security_group_reference_set: found.into_iter().collect() })
    }
}

/// The VPCs whose rules name a group across a peering that is still there.
fn references(view: &View<'_>, group_id: SecurityGroupId) -> Vec<Reference> {
    let tables = view.tables();
    let rules = tables.security_group_rules.by_peer(&group_id).filter(|rule| !view.is_stale(rule));
    let found = rules.filter_map(|rule| {
        let vpc_peering_connection_id = rule.peered?.peering;
        let referencing_vpc_id = tables.security_groups.by_id(&rule.group).next()?.vpc;
        Some(Reference { group_id, referencing_vpc_id, vpc_peering_connection_id })
    });
    found.collect()
}
