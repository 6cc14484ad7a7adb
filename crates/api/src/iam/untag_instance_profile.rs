//! iam:UntagInstanceProfile. Removes tags of an instance profile.

use landfall_cloud::identity::instance_profile;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::Nothing;
use super::shape::demand::profile_demand;
use super::shape::tag;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct UntagInstanceProfile {
    instance_profile_name: String,
    tag_keys: Vec<String>,
}

impl Write for UntagInstanceProfile {
    const ACTION: Action = Action::iam("UntagInstanceProfile");
    const FREES: bool = true;
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let demand = profile_demand(view, demands, Self::ACTION, &self.instance_profile_name);
        demand.context.set_many("aws:TagKeys", self.tag_keys.iter().map(String::as_str));
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let id = instance_profile::need(&tx.view(), &self.instance_profile_name)?.id.clone();
        tag::remove(tx, tag::Tagged::InstanceProfile, &id, &self.tag_keys)?;
        Ok(Nothing {})
    }
}
