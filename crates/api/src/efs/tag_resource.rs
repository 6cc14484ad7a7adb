//! elasticfilesystem:TagResource. Adds tags to a file system or an access point, or changes those that it has.

use landfall_cloud::{Tx, View, tag};
use serde::Deserialize;

use super::shape::{BAD_TAGS, Nothing, demand_resource, resource};
use crate::tagging::{self, Tag};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TagResource {
    resource_id: String,
    tags: Vec<Tag>,
}

impl Write for TagResource {
    const ACTION: Action = Action::efs("TagResource");
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let tags = tagging::by_key(&self.tags);
        demand_resource(view, demands, Self::ACTION, &self.resource_id).request_tags(&tags);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let (kind, id) = resource(&tx.view(), &self.resource_id)?;
        let tags = tagging::distinct(&self.tags, BAD_TAGS)?;
        tag::put(tx, kind, &id, &tags)?;
        Ok(Nothing {})
    }
}
