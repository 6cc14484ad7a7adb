//! ec2:DescribeImportImageTasks. Lists imports of images.

use landfall_cloud::value::ImportImages;
use landfall_cloud::{View, import};
use landfall_model::{ImportImageTaskId, ImportTask};
use serde::{Deserialize, Serialize};

use super::shape::import::{ImageTaskOut, image_task};
use super::shape::listing::listing;
use crate::filter::{FilterNames, Values, one};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeImportImageTasks {
    #[serde(default)]
    import_task_id: Vec<ImportImageTaskId>,
    #[serde(default, rename = "Filters")]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeImportImageTasksResult<'v> {
    import_image_task_set: Vec<ImageTaskOut<'v>>,
}

impl Read for DescribeImportImageTasks {
    const ACTION: Action = Action::ec2("DescribeImportImageTasks");
    const FILTERS: FilterNames = FilterNames { known: &["task-state"], refused: &[] };
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = DescribeImportImageTasksResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeImportImageTasksResult<'v>, ApiError> {
        let view = look.view;
        let rows = listing::<ImportImages, _>(look, &self.import_task_id, &self.filter, Self::FILTERS, field)?;
        let tasks = rows.into_iter().map(|row| image_task(&view, row)).collect();
        Ok(DescribeImportImageTasksResult { import_image_task_set: tasks })
    }
}

/// The one field that filters know: the state.
fn field<'v>(view: &View<'v>, row: &'v ImportTask, _: &str) -> Values<'v> {
    one(import::status(view, row).0)
}
