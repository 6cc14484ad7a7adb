//! ec2:DescribeFlowLogs. Lists flow logs: whose traffic each records, and where to.

use landfall_cloud::View;
use landfall_cloud::value::FlowLogs;
use landfall_model::{FlowLog, FlowLogId, FlowLogResource, FlowLogTraffic};
use landfall_wire::Time;
use serde::{Deserialize, Serialize};

use super::shape::listing::listing;
use super::shape::{Tag, tag_set, time};
use crate::filter::{FilterNames, Values, one, shown};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeFlowLogs {
    #[serde(default)]
    flow_log_id: Vec<FlowLogId>,
    #[serde(default)]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeFlowLogsResult<'v> {
    flow_log_set: Vec<FlowLogShape<'v>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FlowLogShape<'v> {
    creation_time: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    deliver_logs_error_message: Option<&'v str>,
    deliver_logs_status: &'static str,
    flow_log_id: FlowLogId,
    flow_log_status: &'static str,
    resource_id: String,
    traffic_type: &'static str,
    log_destination_type: &'static str,
    log_destination: &'v str,
    log_format: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'v>>>,
    max_aggregation_interval: u32,
    destination_options: DestinationOptions,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DestinationOptions {
    file_format: &'static str,
    hive_compatible_partitions: bool,
    per_hour_partition: bool,
}

impl Read for DescribeFlowLogs {
    const ACTION: Action = Action::ec2("DescribeFlowLogs");
    const FILTERS: FilterNames = FilterNames {
        known: &[
            "deliver-log-status",
            "flow-log-id",
            "log-destination-type",
            "log-group-name",
            "resource-id",
            "tag-key",
            "traffic-type",
        ],
        refused: &[],
    };
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = DescribeFlowLogsResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeFlowLogsResult<'v>, ApiError> {
        let view = look.view;
        let rows = listing::<FlowLogs, _>(look, &self.flow_log_id, &self.filter, Self::FILTERS, field)?;
        Ok(DescribeFlowLogsResult { flow_log_set: rows.into_iter().map(|row| shape(&view, row)).collect() })
    }
}

fn shape<'v>(view: &View<'v>, row: &'v FlowLog) -> FlowLogShape<'v> {
    let fields: Vec<_> = row.fields.iter().map(|field| format!("${{{field}}}")).collect();
    FlowLogShape {
        creation_time: time(row.created_at),
        deliver_logs_error_message: row.failure.as_deref(),
        deliver_logs_status: status(row),
        flow_log_id: row.id,
        flow_log_status: "ACTIVE",
        resource_id: resource(row),
        traffic_type: traffic(row),
        log_destination_type: "s3",
        log_destination: &row.destination,
        log_format: fields.join(" "),
        tag_set: tag_set(view, &row.id.to_string()),
        max_aggregation_interval: row.interval_s,
        destination_options: DestinationOptions {
            file_format: "plain-text",
            hive_compatible_partitions: row.hive_partitions,
            per_hour_partition: row.hourly_partitions,
        },
    }
}

fn status(row: &FlowLog) -> &'static str {
    if row.failure.is_some() { "FAILED" } else { "SUCCESS" }
}

fn resource(row: &FlowLog) -> String {
    match row.resource {
        FlowLogResource::Vpc(id) => id.to_string(),
        FlowLogResource::Subnet(id) => id.to_string(),
        FlowLogResource::Interface(id) => id.to_string(),
    }
}

fn traffic(row: &FlowLog) -> &'static str {
    match row.traffic {
        FlowLogTraffic::Accept => "ACCEPT",
        FlowLogTraffic::Reject => "REJECT",
        FlowLogTraffic::All => "ALL",
    }
}

fn field<'v>(_: &View<'v>, row: &'v FlowLog, name: &str) -> Values<'v> {
    match name {
        "deliver-log-status" => one(status(row)),
        "flow-log-id" => shown(row.id),
        "log-destination-type" => one("s3"),
        "resource-id" => one(resource(row)),
        "traffic-type" => one(traffic(row)),
        // None writes to a log group.
        _ => Vec::new(),
    }
}
