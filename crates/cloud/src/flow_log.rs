//! Flow logs: which traffic is recorded, in which form, and where to. Hosts write the records.

use std::collections::BTreeSet;

use landfall_model::agent::FlowLogSeen;
use landfall_model::plan::BucketPermission;
use landfall_model::{AccountId, FlowLog, FlowLogId, FlowLogResource, FlowLogTraffic, HostId, Settings, VpcId};

use crate::fault::{ExistsKind, Fault, QuotaKind};
use crate::tag;
use crate::tx::Tx;
use crate::value::{Cloud, FlowLogs, Interfaces, Subnets, Vpcs};
use crate::view::View;

/// The fields of the default format. Source: "Flow log records" in the Amazon VPC User Guide.
pub const DEFAULT_FIELDS: [&str; 14] = [
    "version",
    "account-id",
    "interface-id",
    "srcaddr",
    "dstaddr",
    "srcport",
    "dstport",
    "protocol",
    "packets",
    "bytes",
    "start",
    "end",
    "action",
    "log-status",
];

/// The fields that only a format of one's own has, by the same source.
const MORE_FIELDS: [&str; 26] = [
    "vpc-id",
    "subnet-id",
    "instance-id",
    "tcp-flags",
    "type",
    "pkt-srcaddr",
    "pkt-dstaddr",
    "region",
    "az-id",
    "sublocation-type",
    "sublocation-id",
    "pkt-src-aws-service",
    "pkt-dst-aws-service",
    "flow-direction",
    "traffic-path",
    "ecs-cluster-arn",
    "ecs-cluster-name",
    "ecs-container-instance-arn",
    "ecs-container-instance-id",
    "ecs-container-id",
    "ecs-second-container-id",
    "ecs-service-name",
    "ecs-task-definition-arn",
    "ecs-task-arn",
    "ecs-task-id",
    "reject-reason",
];

/// What a flow log is to be.
#[derive(Clone, Debug)]
pub struct NewFlowLog {
    /// Whose traffic.
    pub resource: FlowLogResource,
    /// Which traffic.
    pub traffic: FlowLogTraffic,
    /// The ARN of the bucket, with the folder within it.
    pub destination: String,
    /// The record's fields, in order.
    pub fields: Vec<String>,
    /// How long flows are summed up, in seconds.
    pub interval_s: u32,
    /// Whether folders are named `key=value`.
    pub hive_partitions: bool,
    /// Whether there is a folder an hour.
    pub hourly_partitions: bool,
}

/// Whether a record can have that field.
pub fn is_field(name: &str) -> bool {
    DEFAULT_FIELDS.contains(&name) || MORE_FIELDS.contains(&name)
}

/// Makes a flow log, unless the resource has the same one already or as many as it may have.
pub fn create(tx: &mut Tx<'_, '_>, new: NewFlowLog) -> Result<FlowLogId, Fault> {
    check_resource(&tx.view(), new.resource)?;
    let is_same =
        |row: &FlowLog| row.traffic == new.traffic && row.destination == new.destination && row.fields == new.fields;
    if tx.flow_logs.by_resource(&new.resource).any(is_same) {
        return Err(Fault::Exists { kind: ExistsKind::FlowLog, what: new.destination });
    }
    let limit = tx.quotas().flow_logs_per_resource;
    if tx.flow_logs.by_resource.count(&new.resource) >= limit as usize {
        return Err(Fault::Quota(QuotaKind::FlowLogs, u64::from(limit)));
    }
    let NewFlowLog { resource, traffic, destination, fields, interval_s, hive_partitions, hourly_partitions } = new;
    let (scope, id, created_at) = (tx.scope(), tx.new_id(), tx.now());
    tx.put::<FlowLogs>(FlowLog {
        scope,
        id,
        resource,
        traffic,
        destination,
        fields,
        interval_s,
        hive_partitions,
        hourly_partitions,
        failure: None,
        failed_on: BTreeSet::new(),
        created_at,
    });
    Ok(id)
}

fn check_resource(view: &View<'_>, resource: FlowLogResource) -> Result<(), Fault> {
    match resource {
        FlowLogResource::Vpc(id) => view.need::<Vpcs, _>(id).map(|_| ()),
        FlowLogResource::Subnet(id) => view.need::<Subnets, _>(id).map(|_| ()),
        FlowLogResource::Interface(id) => view.need::<Interfaces, _>(id).map(|_| ()),
    }
}

/// Whether an account's records may go to the bucket that such a destination names.
pub fn permission(settings: &Settings, account: AccountId, destination: &str) -> BucketPermission {
    // A folder's name may have colons; a bucket's may not.
    let path = destination.splitn(6, ':').nth(5).unwrap_or_default();
    let bucket = path.split('/').next().unwrap_or_default();
    if settings.takes(bucket, account) {
        BucketPermission::Granted
    } else if settings.buckets.contains(bucket) {
        BucketPermission::Refused
    } else {
        BucketPermission::Unnamed { is_provider: account == settings.operator }
    }
}

/// The network whose traffic is recorded; `None` once the resource is gone.
pub fn vpc_of(cloud: &Cloud, resource: FlowLogResource) -> Option<VpcId> {
    match resource {
        FlowLogResource::Vpc(id) => cloud.vpcs.by_id(&id).next().map(|row| row.id),
        FlowLogResource::Subnet(id) => cloud.subnets.by_id(&id).next().map(|row| row.vpc),
        FlowLogResource::Interface(id) => cloud.interfaces.by_id(&id).next().map(|row| row.vpc),
    }
}

/// The flow logs of a network, its subnets and its interfaces.
pub fn of_vpc(cloud: &Cloud, vpc: VpcId) -> impl Iterator<Item = &FlowLog> {
    let subnets = cloud.subnets.by_vpc(&vpc).map(|row| FlowLogResource::Subnet(row.id));
    let interfaces = cloud.interfaces.by_vpc(&vpc).map(|row| FlowLogResource::Interface(row.id));
    let resources = std::iter::once(FlowLogResource::Vpc(vpc)).chain(subnets).chain(interfaces);
    // Hosts with many interfaces ask this often, and most clouds have no flow log at all.
    let resources = resources.take_while(|_| !cloud.flow_logs.is_empty());
    resources.flat_map(|resource| cloud.flow_logs.by_resource(&resource).collect::<Vec<_>>())
}

/// Takes what a host says of the delivery of records. What a tenant reads is what the last host said that failed; it is
/// gone once none does.
pub(crate) fn take(tx: &mut Tx<'_, '_>, host: HostId, mut row: FlowLog, seen: &FlowLogSeen) {
    let before = row.clone();
    if seen.failure.is_some() {
        row.failed_on.insert(host);
        row.failure.clone_from(&seen.failure);
    } else {
        row.failed_on.remove(&host);
        if row.failed_on.is_empty() {
            row.failure = None;
        }
    }
    if row != before {
        tx.put::<FlowLogs>(row);
    }
}

/// Deletes a flow log; what it wrote stays.
pub fn delete(tx: &mut Tx<'_, '_>, id: FlowLogId) -> Result<(), Fault> {
    let key = tx.view().need::<FlowLogs, _>(id)?.key();
    tx.delete::<FlowLogs>(&key);
    tag::forget(tx, &id.to_string());
    Ok(())
}

/// Deletes the flow logs of a resource that goes.
pub fn forget(tx: &mut Tx<'_, '_>, resource: FlowLogResource) {
    let ids: Vec<_> = tx.flow_logs.by_resource(&resource).map(|row| row.id).collect();
    for id in ids {
        // It was found a line above.
        let _ = delete(tx, id);
    }
}

#[cfg(test)]
mod tests {
    use landfall_model::BucketAccounts;

    use super::*;

    #[test]
    fn a_bucket_is_open_to_those_whose_it_is() {
        let settings = Settings {
            buckets: ["own", "shared", "theirs"].map(str::to_owned).into(),
            bucket_accounts: [
                ("shared".to_owned(), BucketAccounts::All),
                ("theirs".to_owned(), BucketAccounts::These([AccountId::new(7).unwrap()].into())),
            ]
            .into(),
            ..crate::value::default_settings()
        };
        let (provider, tenant) = (settings.operator, AccountId::new(7).unwrap());
        let ask = |account, bucket: &str| permission(&settings, account, &format!("arn:aws:s3:::{bucket}/a:b/"));
        use BucketPermission::{Granted, Refused, Unnamed};
        assert_eq!([ask(provider, "own"), ask(tenant, "own")], [Granted, Refused]);
        assert_eq!([ask(provider, "shared"), ask(tenant, "shared")], [Granted, Granted]);
        assert_eq!([ask(provider, "theirs"), ask(tenant, "theirs")], [Refused, Granted]);
        let unnamed = [true, false].map(|is_provider| Unnamed { is_provider });
        assert_eq!([ask(provider, "hosts"), ask(tenant, "hosts")], unnamed);
    }
}
