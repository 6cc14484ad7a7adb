//! cloudtrail:GetTrailStatus. Says whether a trail delivers, when it last did, and why not.

use landfall_cloud::{View, trail};
use landfall_wire::Time;
use serde::{Deserialize, Serialize};

use super::shape::{demand, text, time};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetTrailStatus {
    name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetTrailStatusResponse<'v> {
    is_logging: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_delivery_error: Option<&'v str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_delivery_time: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_logging_time: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_logging_time: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_digest_delivery_time: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_digest_delivery_error: Option<&'v str>,
    latest_delivery_attempt_time: String,
    latest_notification_attempt_time: &'static str,
    latest_notification_attempt_succeeded: &'static str,
    latest_delivery_attempt_succeeded: String,
    time_logging_started: String,
    time_logging_stopped: String,
}

impl Read for GetTrailStatus {
    const ACTION: Action = Action::cloudtrail("GetTrailStatus");
    type Output<'v> = GetTrailStatusResponse<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, &self.name);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GetTrailStatusResponse<'v>, ApiError> {
        let row = trail::seen(&look.view, &self.name)?;
        let delivery = &row.delivery;
        Ok(GetTrailStatusResponse {
            is_logging: row.is_logging,
            latest_delivery_error: delivery.error.as_deref(),
            latest_delivery_time: time(delivery.delivered_at),
            start_logging_time: time(row.started_at),
            stop_logging_time: time(row.stopped_at),
            latest_digest_delivery_time: time(delivery.digest_at),
            latest_digest_delivery_error: delivery.digest_error.as_deref(),
            latest_delivery_attempt_time: text(delivery.tried_at),
            latest_notification_attempt_time: "",
            latest_notification_attempt_succeeded: "",
            latest_delivery_attempt_succeeded: text(delivery.delivered_at),
            time_logging_started: text(row.started_at),
            time_logging_stopped: text(row.stopped_at),
        })
    }
}
