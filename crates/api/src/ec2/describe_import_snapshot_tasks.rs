//! ec2:DescribeImportSnapshotTasks. Lists imports of snapshots.

use landfall_cloud::value::ImportSnapshots;
use landfall_cloud::{View, import};
use landfall_model::{ImportSnapshotTaskId, ImportTask};
use serde::{Deserialize, Serialize};

use super::shape::import::{SnapshotTaskOut, snapshot_task};
use super::shape::listing::listing;
use crate::filter::{FilterNames, Values, one};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeImportSnapshotTasks {
    #[serde(default)]
    import_task_id: Vec<ImportSnapshotTaskId>,
    #[serde(default, rename = "Filters")]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeImportSnapshotTasksResult<'v> {
    import_snapshot_task_set: Vec<SnapshotTaskOut<'v>>,
}

impl Read for DescribeImportSnapshotTasks {
    const ACTION: Action = Action::ec2("DescribeImportSnapshotTasks");
    const FILTERS: FilterNames = FilterNames { known: &["task-state"], refused: &[] };
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = DescribeImportSnapshotTasksResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeImportSnapshotTasksResult<'v>, ApiError> {
        let view = look.view;
        let rows = listing::<ImportSnapshots, _>(look, &self.import_task_id, &self.filter, Self::FILTERS, field)?;
        let tasks = rows.into_iter().map(|row| snapshot_task(&view, row)).collect();
        Ok(DescribeImportSnapshotTasksResult { import_snapshot_task_set: tasks })
    }
}

/// The one field that filters know: the state.
fn field<'v>(view: &View<'v>, row: &'v ImportTask, _: &str) -> Values<'v> {
    one(import::status(view, row).0)
}
