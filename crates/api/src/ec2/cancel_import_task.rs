//! ec2:CancelImportTask. Ends an import that is under way; nothing of it stays.

use landfall_cloud::import::{self, ImportId};
use landfall_cloud::{Tx, View};
use serde::{Deserialize, Serialize};

use crate::{Action, ApiError, Demands, Write};

/// What is told of one that was ended without a reason.
const REASON: &str = "Canceled by user";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CancelImportTask {
    import_task_id: Option<String>,
    cancel_reason: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CancelImportTaskResult {
    import_task_id: String,
    previous_state: &'static str,
    state: &'static str,
}

impl Write for CancelImportTask {
    const ACTION: Action = Action::ec2("CancelImportTask");
    const FREES: bool = true;
    type Output<'t> = CancelImportTaskResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        match self.id() {
            Ok(ImportId::Image(id)) => drop(demands.ec2(view, Self::ACTION, id)),
            Ok(ImportId::Snapshot(id)) => drop(demands.ec2(view, Self::ACTION, id)),
            Err(_) => drop(demands.anything(Self::ACTION)),
        }
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<CancelImportTaskResult, ApiError> {
        let id = self.id()?;
        let name = import::find(&tx.view(), id)?.name();
        let reason = self.cancel_reason.filter(|reason| !reason.is_empty());
        import::cancel(tx, id, reason.as_deref().unwrap_or(REASON))?;
        Ok(CancelImportTaskResult { import_task_id: name, previous_state: "active", state: "deleting" })
    }
}

impl CancelImportTask {
    fn id(&self) -> Result<ImportId, ApiError> {
        let text = self.import_task_id.as_deref().ok_or_else(|| ApiError::missing("ImportTaskId"))?;
        let of_image = text.parse().map(ImportId::Image);
        of_image
            .or_else(|_| text.parse().map(ImportId::Snapshot))
            .map_err(|error| ApiError::new(error.code, error.to_string()))
    }
}
