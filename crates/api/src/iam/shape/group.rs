//! Groups in answers.

use landfall_model::{Arn, Group, UniqueId};
use landfall_wire::Time;
use serde::Serialize;

use super::time;

/// A group.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GroupShape<'v> {
    path: &'v str,
    group_name: &'v str,
    group_id: &'v UniqueId,
    arn: Arn,
    create_date: Time,
}

/// A group.
pub fn shown(row: &Group) -> GroupShape<'_> {
    GroupShape {
        path: &row.path,
        group_name: &row.name,
        group_id: &row.id,
        arn: row.arn(),
        create_date: time(row.created_at),
    }
}
