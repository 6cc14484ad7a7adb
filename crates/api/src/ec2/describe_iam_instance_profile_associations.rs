//! ec2:DescribeIamInstanceProfileAssociations. Lists which instances have which instance profiles.

use landfall_cloud::View;
use landfall_cloud::value::ProfileAssociations;
use landfall_model::{ProfileAssociation, ProfileAssociationId};
use serde::{Deserialize, Serialize};

use super::shape::instance_profile::{AssociationShape, association};
use super::shape::listing::listing;
use crate::filter::{FilterNames, Values, one, shown};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeIamInstanceProfileAssociations {
    #[serde(default)]
    association_id: Vec<ProfileAssociationId>,
    #[serde(default)]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeIamInstanceProfileAssociationsResult<'v> {
    iam_instance_profile_association_set: Vec<AssociationShape<'v>>,
}

impl Read for DescribeIamInstanceProfileAssociations {
    const ACTION: Action = Action::ec2("DescribeIamInstanceProfileAssociations");
    const FILTERS: FilterNames = FilterNames { known: &["instance-id", "state"], refused: &[] };
    const PAGE_LIMIT: usize = 1000;
    const PAGE_LEAST: usize = 5;
    type Output<'v> = DescribeIamInstanceProfileAssociationsResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeIamInstanceProfileAssociationsResult<'v>, ApiError> {
        let rows = listing::<ProfileAssociations, _>(look, &self.association_id, &self.filter, Self::FILTERS, field)?;
        let shapes = rows.into_iter().map(association).collect();
        Ok(DescribeIamInstanceProfileAssociationsResult { iam_instance_profile_association_set: shapes })
    }
}

fn field<'v>(_: &View<'v>, row: &'v ProfileAssociation, name: &str) -> Values<'v> {
    match name {
        "instance-id" => shown(row.instance),
        _ => one(row.state.name()),
    }
}
