//! elasticfilesystem:DeleteTags. Takes tags from a file system, as tools did before UntagResource.

use landfall_cloud::{Tx, View, tag};
use serde::Deserialize;

use super::shape::{Nothing, demand, file_system};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteTags {
    file_system_id: String,
    tag_keys: Vec<String>,
}

impl Write for DeleteTags {
    const ACTION: Action = Action::efs("DeleteTags");
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let own = demand(view, demands, Self::ACTION, &self.file_system_id);
        own.context.set_many("aws:TagKeys", self.tag_keys.iter().map(String::as_str));
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let id = file_system(&tx.view(), &self.file_system_id)?.id;
        let which: Vec<_> = self.tag_keys.into_iter().map(|key| (key, None)).collect();
        if !which.is_empty() {
            tag::remove(tx, &id.to_string(), &which);
        }
        Ok(Nothing {})
    }
}
