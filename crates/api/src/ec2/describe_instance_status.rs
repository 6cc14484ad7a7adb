//! ec2:DescribeInstanceStatus. Shows states and status checks: of running instances, unless all are asked for.

use landfall_cloud::View;
use landfall_cloud::value::Instances;
use landfall_model::{Instance, InstanceId, InstanceState, ZoneName};
use serde::{Deserialize, Serialize};

use super::describe_instances::named;
use super::shape::StateShape;
use crate::filter::{FilterNames, Values, one, shown};
use crate::{Action, ApiError, Filters, HostPresence, Hosts, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeInstanceStatus {
    #[serde(default)]
    instance_id: Vec<InstanceId>,
    #[serde(default)]
    filter: Filters,
    #[serde(default)]
    include_all_instances: bool,
    /// No instance is managed by another service, so that both answers are the same.
    #[serde(default, rename = "IncludeManagedResources")]
    _include_managed_resources: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeInstanceStatusResult {
    instance_status_set: Vec<InstanceStatusShape>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InstanceStatusShape {
    instance_id: InstanceId,
    availability_zone: ZoneName,
    availability_zone_id: String,
    instance_state: StateShape,
    system_status: Summary,
    instance_status: Summary,
    attached_ebs_status: Summary,
}

#[derive(Serialize)]
struct Summary {
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<Detail>,
}

#[derive(Serialize)]
struct Detail {
    name: &'static str,
    status: &'static str,
}

/// A check's outcome, on evidence: the machine runs, or the guest was heard.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Check {
    Ok,
    /// The host isn't heard any more.
    Impaired,
    /// What can't be told as long as the host isn't heard.
    InsufficientData,
    Initializing,
    NotApplicable,
}

impl Check {
    /// Of the machine: its process runs on a host that reports it.
    fn system(row: &Instance, hosts: &dyn Hosts) -> Self {
        let is_lost = || row.status.host.is_some_and(|host| hosts.presence(host) == HostPresence::Lost);
        match row.status.state {
            InstanceState::Running if is_lost() => Check::Impaired,
            InstanceState::Running => Check::Ok,
            InstanceState::Pending => Check::Initializing,
            _ => Check::NotApplicable,
        }
    }

    /// Of the guest: its own system has asked for its address or its metadata.
    fn guest(row: &Instance, hosts: &dyn Hosts) -> Self {
        match Self::system(row, hosts) {
            Check::Impaired => Check::InsufficientData,
            Check::Ok if !row.status.answered => Check::Initializing,
            other => other,
        }
    }

    fn status(self) -> &'static str {
        match self {
            Check::Ok => "ok",
            Check::Impaired => "impaired",
            Check::InsufficientData => "insufficient-data",
            Check::Initializing => "initializing",
            Check::NotApplicable => "not-applicable",
        }
    }

    fn reachability(self) -> Option<&'static str> {
        match self {
            Check::Ok => Some("passed"),
            Check::Impaired => Some("failed"),
            Check::InsufficientData => Some("insufficient-data"),
            Check::Initializing => Some("initializing"),
            Check::NotApplicable => None,
        }
    }

    fn summary(self) -> Summary {
        let details = self.reachability().map(|status| Detail { name: "reachability", status });
        Summary { status: self.status(), details: details.into_iter().collect() }
    }
}

impl Read for DescribeInstanceStatus {
    const ACTION: Action = Action::ec2("DescribeInstanceStatus");
    const FILTERS: FilterNames = FilterNames {
        known: &[
            "attached-ebs-status.status",
            "availability-zone",
            "availability-zone-id",
            "instance-state-code",
            "instance-state-name",
            "instance-status.reachability",
            "instance-status.status",
            "system-status.reachability",
            "system-status.status",
        ],
        refused: &[
            "event.code",
            "event.description",
            "event.instance-event-id",
            "event.not-after",
            "event.not-before",
            "event.not-before-deadline",
            "operator.managed",
            "operator.principal",
        ],
    };
    const PAGE_LIMIT: usize = 1000;
    const PAGE_LEAST: usize = 5;
    type Output<'v> = DescribeInstanceStatusResult;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeInstanceStatusResult, ApiError> {
        let view: View<'v> = look.view;
        let hosts = &*look.outside.hosts;
        let selection = self.filter.select(Self::FILTERS)?;
        let all = self.include_all_instances;
        let wanted = |row: &&Instance| {
            (all || row.status.state == InstanceState::Running)
                && selection.matches(None, |name| field(row, hosts, name))
        };
        let rows = if self.instance_id.is_empty() {
            let start = look.page.start()?;
            look.page.take(view.from::<Instances, InstanceId>(start).filter(wanted), |row| row.id)?
        } else {
            if look.page.is_asked() {
                return Err(ApiError::combination(
                    "The parameter instancesSet cannot be used with the parameter maxResults",
                ));
            }
            named(&view, &self.instance_id)?.into_iter().filter(wanted).collect()
        };
        let shapes = rows.into_iter().map(|row| InstanceStatusShape {
            instance_id: row.id,
            availability_zone: row.spec.zone,
            availability_zone_id: row.spec.zone.zone_id(),
            instance_state: row.status.state.into(),
            system_status: Check::system(row, hosts).summary(),
            instance_status: Check::guest(row, hosts).summary(),
            attached_ebs_status: Check::system(row, hosts).summary(),
        });
        Ok(DescribeInstanceStatusResult { instance_status_set: shapes.collect() })
    }
}

fn field<'v>(row: &Instance, hosts: &dyn Hosts, name: &str) -> Values<'v> {
    match name {
        "availability-zone" => shown(row.spec.zone),
        "availability-zone-id" => shown(row.spec.zone.zone_id()),
        "instance-state-code" => shown(row.status.state.code()),
        "instance-state-name" => one(row.status.state.name()),
        "instance-status.status" => one(Check::guest(row, hosts).status()),
        "instance-status.reachability" => Check::guest(row, hosts).reachability().map_or_else(Vec::new, one),
        "system-status.status" | "attached-ebs-status.status" => one(Check::system(row, hosts).status()),
        "system-status.reachability" => Check::system(row, hosts).reachability().map_or_else(Vec::new, one),
        _ => Vec::new(),
    }
}
