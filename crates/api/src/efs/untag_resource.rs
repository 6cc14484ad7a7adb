//! elasticfilesystem:UntagResource. Takes tags from a file system or an access point.

use landfall_cloud::{Tx, View, tag};
use serde::Deserialize;

use super::shape::{Nothing, demand_resource, resource};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct UntagResource {
    resource_id: String,
    #[serde(rename = "tagKeys")]
    tag_keys: Vec<String>,
}

impl Write for UntagResource {
    const ACTION: Action = Action::efs("UntagResource");
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let own = demand_resource(view, demands, Self::ACTION, &self.resource_id);
        own.context.set_many("aws:TagKeys", self.tag_keys.iter().map(String::as_str));
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let (_, id) = resource(&tx.view(), &self.resource_id)?;
        let which: Vec<_> = self.tag_keys.into_iter().map(|key| (key, None)).collect();
        if !which.is_empty() {
            tag::remove(tx, &id, &which);
        }
        Ok(Nothing {})
    }
}
