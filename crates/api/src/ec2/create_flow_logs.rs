//! ec2:CreateFlowLogs. Has the traffic of interfaces recorded to buckets. Log groups and delivery streams are refused by
//! name until there are such.

use landfall_cloud::flow_log::{self, DEFAULT_FIELDS, NewFlowLog};
use landfall_cloud::{Tx, View, tag};
use landfall_model::id::{Id, Kind};
use landfall_model::plan::BucketPermission;
use landfall_model::{FlowLogId, FlowLogKind, FlowLogResource, FlowLogTraffic, Region};
use serde::{Deserialize, Serialize};

use super::shape::unsupported::{Unsupported, refuse_parameters};
use super::shape::{TagSpecifications, network_demand};
use crate::{Action, ApiError, Demands, Write};

const KIND: &str = "vpc-flow-log";
/// Resources of one call. Source: the EC2 API Reference on CreateFlowLogs.
const MAX_RESOURCES: usize = 1000;
/// Seconds that flows are summed up, unless said otherwise.
const DEFAULT_INTERVAL_S: u32 = 600;
/// The folder that AWS itself makes in the bucket.
const OWN_FOLDER: &str = "AWSLogs";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateFlowLogs {
    resource_type: String,
    resource_id: Vec<String>,
    traffic_type: Option<String>,
    log_destination_type: Option<String>,
    log_destination: Option<String>,
    log_group_name: Option<String>,
    deliver_logs_permission_arn: Option<String>,
    log_format: Option<String>,
    max_aggregation_interval: Option<u32>,
    destination_options: Option<DestinationOptions>,
    #[serde(default)]
    tag_specification: TagSpecifications,
    deliver_cross_account_role: Option<Unsupported>,
    #[serde(skip)]
    client_token: Option<String>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct DestinationOptions {
    file_format: Option<String>,
    #[serde(default)]
    hive_compatible_partitions: bool,
    #[serde(default)]
    per_hour_partition: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateFlowLogsResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    client_token: Option<String>,
    flow_log_id_set: Vec<FlowLogId>,
    /// What can't be made is refused as a whole.
    unsuccessful: [(); 0],
}

impl Write for CreateFlowLogs {
    const ACTION: Action = Action::ec2("CreateFlowLogs");
    const CLIENT_TOKEN: bool = true;
    type Output<'t> = CreateFlowLogsResult;

    fn hear_client_token(&mut self, token: &str) {
        self.client_token = Some(token.to_owned());
    }

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let tags = self.tag_specification.claimed(KIND);
        demands.new_ec2::<FlowLogKind>(Self::ACTION).request_tags(&tags);
        for resource in self.resource_id.iter().filter_map(|id| self.resource(id).ok()) {
            match resource {
                FlowLogResource::Vpc(id) => network_demand::vpc(view, demands, Self::ACTION, id),
                FlowLogResource::Subnet(id) => network_demand::subnet(view, demands, Self::ACTION, id),
                FlowLogResource::Interface(id) => network_demand::interface(view, demands, Self::ACTION, id),
            };
        }
        demands.tagging(Self::ACTION, KIND, &tags);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<CreateFlowLogsResult, ApiError> {
        refuse_parameters!(self; deliver_cross_account_role);
        self.tag_specification.check(&[KIND])?;
        let tags = self.tag_specification.of(KIND)?;
        let resources = self.resources()?;
        let traffic = self.traffic()?;
        let destination = self.destination(tx.scope().region)?;
        check_bucket(&tx.view(), &destination)?;
        let fields = self.fields()?;
        let interval_s = match self.max_aggregation_interval.unwrap_or(DEFAULT_INTERVAL_S) {
            interval @ (60 | 600) => interval,
            _ => return Err(ApiError::new("InvalidParameter", "Invalid Flow Log Max Aggregation Interval")),
        };
        let (hive_partitions, hourly_partitions) = self.partitions()?;
        let mut ids = Vec::with_capacity(resources.len());
        for resource in resources {
            let (destination, fields) = (destination.clone(), fields.clone());
            let new =
                NewFlowLog { resource, traffic, destination, fields, interval_s, hive_partitions, hourly_partitions };
            let id = flow_log::create(tx, new)?;
            tag::put(tx, KIND, &id.to_string(), &tags)?;
            ids.push(id);
        }
        Ok(CreateFlowLogsResult { client_token: self.client_token, flow_log_id_set: ids, unsuccessful: [] })
    }
}

/// That the account's records may go to a bucket. Of one that the control plane doesn't know only the hosts know whether there is
/// a folder for it, and whose: they ask when they deliver.
fn check_bucket(view: &View<'_>, destination: &str) -> Result<(), ApiError> {
    let asked = flow_log::permission(view.provider(), view.scope().account, destination);
    if asked == BucketPermission::Refused {
        let bucket = destination.splitn(6, ':').nth(5).and_then(|path| path.split('/').next()).unwrap_or_default();
        let message = format!("Access Denied for LogDestination: {bucket}. Please check LogDestination permissions");
        return Err(ApiError::new("InvalidParameter", message));
    }
    Ok(())
}

impl CreateFlowLogs {
    fn resource(&self, id: &str) -> Result<FlowLogResource, ApiError> {
        fn parse<K: Kind>(id: &str) -> Result<Id<K>, ApiError> {
            id.parse().map_err(|error: landfall_model::id::MalformedId| ApiError::new(error.code, error.to_string()))
        }
        match self.resource_type.as_str() {
            "VPC" => parse(id).map(FlowLogResource::Vpc),
            "Subnet" => parse(id).map(FlowLogResource::Subnet),
            "NetworkInterface" => parse(id).map(FlowLogResource::Interface),
            other @ ("TransitGateway" | "TransitGatewayAttachment" | "RegionalNatGateway") => {
                Err(ApiError::unsupported(format_args!("the value '{other}' of the parameter ResourceType")))
            }
            other => Err(ApiError::invalid("ResourceType", other, "It is VPC, Subnet or NetworkInterface.")),
        }
    }

    fn resources(&self) -> Result<Vec<FlowLogResource>, ApiError> {
        match self.resource_id.len() {
            0 => Err(ApiError::missing("ResourceId")),
            1..=MAX_RESOURCES => self.resource_id.iter().map(|id| self.resource(id)).collect(),
            count => Err(ApiError::new(
                "InvalidParameterValue",
                format!("A request names at most {MAX_RESOURCES} resources, not {count}."),
            )),
        }
    }

    fn traffic(&self) -> Result<FlowLogTraffic, ApiError> {
        match self.traffic_type.as_deref() {
            Some("ACCEPT") => Ok(FlowLogTraffic::Accept),
            Some("REJECT") => Ok(FlowLogTraffic::Reject),
            Some("ALL") => Ok(FlowLogTraffic::All),
            Some(other) => Err(ApiError::invalid("TrafficType", other, "It is ACCEPT, REJECT or ALL.")),
            None => Err(ApiError::missing("TrafficType")),
        }
    }

    /// The ARN of the bucket, with the folder within it.
    fn destination(&self, region: Region) -> Result<String, ApiError> {
        let wrong = |message: &str| Err(ApiError::new("InvalidParameter", message));
        match self.log_destination_type.as_deref().unwrap_or("cloud-watch-logs") {
            "s3" => {}
            other @ ("cloud-watch-logs" | "kinesis-data-firehose") => {
                let what = format_args!("the value '{other}' of the parameter LogDestinationType");
                return Err(ApiError::unsupported(what));
            }
            other => return Err(ApiError::invalid("LogDestinationType", other, "It is s3.")),
        }
        if self.log_group_name.is_some() {
            return wrong("LogDestination type must be cloud-watch-logs if LogGroupName is provided.");
        }
        if self.deliver_logs_permission_arn.is_some() {
            return wrong("DeliverLogsPermissionArn is not applicable for s3 delivery");
        }
        let Some(arn) = &self.log_destination else {
            return wrong("LogDestination can't be empty if LogGroupName is not provided.");
        };
        let start = format!("arn:{}:s3:::", region.partition());
        let path = arn.strip_prefix(&start).unwrap_or_default();
        let (bucket, folder) = path.split_once('/').unwrap_or((path, ""));
        if !is_bucket(bucket) || !is_folder(folder) {
            return Err(ApiError::new("InvalidParameter", format!("LogDestination: {arn} is not the ARN of a bucket")));
        }
        if folder.split('/').next() == Some(OWN_FOLDER) {
            return wrong("LogDestination: AWSLogs is reserved and can't be used as a subfolder name");
        }
        Ok(arn.clone())
    }

    fn fields(&self) -> Result<Vec<String>, ApiError> {
        let Some(format) = &self.log_format else { return Ok(DEFAULT_FIELDS.map(str::to_owned).to_vec()) };
        let mut fields = Vec::new();
        for word in format.split(' ').filter(|word| !word.is_empty()) {
            let name = word.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
            match name.filter(|name| flow_log::is_field(name)) {
                Some(name) => fields.push(name.to_owned()),
                None => {
                    let message = format!("LogFormat: '{word}' is not a field of flow log records");
                    return Err(ApiError::new("InvalidParameter", message));
                }
            }
        }
        if fields.is_empty() {
            return Err(ApiError::new("InvalidParameter", "LogFormat must have at least one field"));
        }
        Ok(fields)
    }

    fn partitions(&self) -> Result<(bool, bool), ApiError> {
        let Some(options) = &self.destination_options else { return Ok((false, false)) };
        match options.file_format.as_deref() {
            None | Some("plain-text") => {}
            Some("parquet") => return Err(ApiError::unsupported("the value 'parquet' of the parameter FileFormat")),
            Some(other) => return Err(ApiError::invalid("FileFormat", other, "It is plain-text.")),
        }
        Ok((options.hive_compatible_partitions, options.per_hour_partition))
    }
}

/// Whether a bucket can have that name. Source: "Bucket naming rules" in the Amazon S3 User Guide.
fn is_bucket(name: &str) -> bool {
    let is_end = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let bytes = name.as_bytes();
    (3..=63).contains(&bytes.len())
        && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-'))
        && is_end(bytes.first())
        && is_end(bytes.last())
        && !name.contains("..")
}

/// Whether records can be written to a folder of that name: hosts make it in a folder of theirs, and it must stay there.
fn is_folder(name: &str) -> bool {
    name.len() <= 512
        && !name.contains("//")
        && name.split('/').all(|part| part != "." && part != "..")
        && name.chars().all(|c| !c.is_control() && c != '\\')
}
