//! iam:TagInstanceProfile. Adds tags to an instance profile, or changes those that it has.

use landfall_cloud::identity::instance_profile;
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::Nothing;
use super::shape::demand::profile_demand;
use super::shape::tag;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TagInstanceProfile {
    instance_profile_name: String,
    tags: Vec<tag::Tag>,
}

impl Write for TagInstanceProfile {
    const ACTION: Action = Action::iam("TagInstanceProfile");
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        profile_demand(view, demands, Self::ACTION, &self.instance_profile_name).request_tags(&tag::by_key(&self.tags));
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let id = instance_profile::need(&tx.view(), &self.instance_profile_name)?.id.clone();
        tag::put(tx, tag::Tagged::InstanceProfile, &id, &self.tags)?;
        Ok(Nothing {})
    }
}
