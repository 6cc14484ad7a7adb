//! cloudtrail:UpdateTrail. Changes where a trail delivers and which regions it is about, in its home region.

use landfall_cloud::trail::{self, TrailChange};
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::{ChangedTrail, demand};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct UpdateTrail {
    name: String,
    s3_bucket_name: Option<String>,
    s3_key_prefix: Option<String>,
    sns_topic_name: Option<String>,
    include_global_service_events: Option<bool>,
    is_multi_region_trail: Option<bool>,
    enable_log_file_validation: Option<bool>,
    cloud_watch_logs_log_group_arn: Option<String>,
    cloud_watch_logs_role_arn: Option<String>,
    kms_key_id: Option<String>,
    is_organization_trail: Option<bool>,
}

impl Write for UpdateTrail {
    const ACTION: Action = Action::cloudtrail("UpdateTrail");
    type Output<'t> = ChangedTrail;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, &self.name);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<ChangedTrail, ApiError> {
        // An empty text takes away what no trail has here.
        let absent = [
            ("SnsTopicName", &self.sns_topic_name),
            ("CloudWatchLogsLogGroupArn", &self.cloud_watch_logs_log_group_arn),
            ("CloudWatchLogsRoleArn", &self.cloud_watch_logs_role_arn),
            ("KmsKeyId", &self.kms_key_id),
        ];
        if let Some((name, _)) = absent.iter().find(|(_, value)| value.as_ref().is_some_and(|value| !value.is_empty()))
        {
            return Err(ApiError::unsupported(format_args!("the parameter {name}")));
        }
        if self.is_organization_trail == Some(true) {
            return Err(ApiError::unsupported("trails of organisations"));
        }
        let asked = TrailChange {
            bucket: self.s3_bucket_name,
            prefix: self.s3_key_prefix,
            global_events: self.include_global_service_events,
            multi_region: self.is_multi_region_trail,
            validates: self.enable_log_file_validation,
        };
        Ok(ChangedTrail::new(trail::update(tx, &self.name, asked)?))
    }
}
