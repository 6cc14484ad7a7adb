//! cloudtrail:CreateTrail. Makes a trail, which delivers to a bucket that a folder of the provider's stands for. It delivers
//! nothing before StartLogging.

use landfall_cloud::trail::{self, TrailChange};
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::{ChangedTrail, TagShape, by_key, here};
use crate::ec2::shape::unsupported::{Unsupported, refuse_parameters};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateTrail {
    name: String,
    s3_bucket_name: String,
    s3_key_prefix: Option<String>,
    sns_topic_name: Option<Unsupported>,
    include_global_service_events: Option<bool>,
    is_multi_region_trail: Option<bool>,
    enable_log_file_validation: Option<bool>,
    cloud_watch_logs_log_group_arn: Option<Unsupported>,
    cloud_watch_logs_role_arn: Option<Unsupported>,
    kms_key_id: Option<Unsupported>,
    is_organization_trail: Option<bool>,
    #[serde(default)]
    tags_list: Vec<TagShape>,
}

impl Write for CreateTrail {
    const ACTION: Action = Action::cloudtrail("CreateTrail");
    type Output<'t> = ChangedTrail;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let tags = by_key(&self.tags_list);
        // Its home is here, whatever others there are of that name.
        let arn = here(view, &self.name);
        demands.resource(Self::ACTION, &arn).request_tags(&tags);
        if !tags.is_empty() {
            demands.resource(Action::cloudtrail("AddTags"), &arn).request_tags(&tags);
        }
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<ChangedTrail, ApiError> {
        refuse_parameters!(self; sns_topic_name, cloud_watch_logs_log_group_arn, cloud_watch_logs_role_arn, kms_key_id);
        if self.is_organization_trail == Some(true) {
            return Err(ApiError::unsupported("trails of organisations"));
        }
        let asked = TrailChange {
            bucket: Some(self.s3_bucket_name),
            prefix: self.s3_key_prefix,
            global_events: self.include_global_service_events,
            multi_region: self.is_multi_region_trail,
            validates: self.enable_log_file_validation,
        };
        Ok(ChangedTrail::new(trail::create(tx, &self.name, asked, &by_key(&self.tags_list))?))
    }
}
