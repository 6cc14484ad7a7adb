//! iam:CreateInstanceProfile. Makes an instance profile, which has no role yet.

use landfall_cloud::identity::instance_profile;
use landfall_cloud::{Tx, View};
use landfall_model::Arn;
use serde::{Deserialize, Serialize};

use super::shape::profile::{ProfileShape, shown};
use super::shape::{root, tag};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateInstanceProfile {
    instance_profile_name: String,
    #[serde(default = "root")]
    path: String,
    #[serde(default)]
    tags: Vec<tag::Tag>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateInstanceProfileResult<'t> {
    instance_profile: ProfileShape<'t>,
}

impl Write for CreateInstanceProfile {
    const ACTION: Action = Action::iam("CreateInstanceProfile");
    type Output<'t> = CreateInstanceProfileResult<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let _ = view;
        let place = format!("instance-profile{}{}", self.path, self.instance_profile_name);
        demands.resource(Self::ACTION, Arn::iam(demands.account(), place)).request_tags(&tag::by_key(&self.tags));
        tag::demand_on_new(demands, "TagInstanceProfile", &self.tags);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<CreateInstanceProfileResult<'t>, ApiError> {
        let id = instance_profile::create(tx, &self.instance_profile_name, &self.path)?;
        tag::put(tx, tag::Tagged::InstanceProfile, &id, &self.tags)?;
        let view = tx.view();
        let row = instance_profile::need(&view, &self.instance_profile_name)?;
        Ok(CreateInstanceProfileResult { instance_profile: shown(&view, row) })
    }
}
