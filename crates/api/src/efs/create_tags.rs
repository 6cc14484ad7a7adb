//! elasticfilesystem:CreateTags. Adds tags to a file system, as tools did before TagResource.

use landfall_cloud::{Tx, View, tag};
use serde::Deserialize;

use super::shape::{BAD_TAGS, Nothing, demand, file_system};
use crate::tagging::{self, Tag};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateTags {
    file_system_id: String,
    tags: Vec<Tag>,
}

impl Write for CreateTags {
    const ACTION: Action = Action::efs("CreateTags");
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let tags = tagging::by_key(&self.tags);
        demand(view, demands, Self::ACTION, &self.file_system_id).request_tags(&tags);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let id = file_system(&tx.view(), &self.file_system_id)?.id;
        let tags = tagging::distinct(&self.tags, BAD_TAGS)?;
        tag::put(tx, "file-system", &id.to_string(), &tags)?;
        Ok(Nothing {})
    }
}
