//! landfall:ListHosts. Shows the machines of the cloud, whether they are heard, and what is taken of each.

use landfall_cloud::host;
use landfall_model::{Host, HostId};
use landfall_wire::Time;
use serde::{Deserialize, Serialize};

use super::check_operator;
use crate::outside::HostPresence;
use crate::{Action, ApiError, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListHosts {
    /// The one of that name; all of them if none is named.
    host_name: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListHostsResponse {
    hosts: Vec<HostShape>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct HostShape {
    host_id: HostId,
    host_name: String,
    /// `registered` until it has joined, then `connected`, `lost`, or `unknown` just after the control plane began.
    state: &'static str,
    schedulable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    availability_zone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    underlay_address: Option<String>,
    hypervisor: String,
    cpus: u32,
    memory_mib: u64,
    used_vcpus: u64,
    used_memory_mib: u64,
    instances: usize,
    joined_at: Time,
}

impl Read for ListHosts {
    const ACTION: Action = Action::landfall("ListHosts");
    type Output<'v> = ListHostsResponse;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<ListHostsResponse, ApiError> {
        let view = look.view;
        check_operator(&view)?;
        let cloud = view.tables();
        let rows = match &self.host_name {
            None => host::all(cloud),
            Some(name) => {
                let missing =
                    || ApiError::not_found("InvalidHostName.NotFound", format!("The host '{name}' does not exist"));
                vec![host::named(cloud, name).ok_or_else(missing)?]
            }
        };
        let shape = |row: &Host| HostShape {
            host_id: row.id,
            host_name: row.facts.name.clone(),
            state: state(row, look.outside.hosts.presence(row.id)),
            schedulable: row.schedulable,
            availability_zone: row.zone.map(|index| {
                let region = row.region.unwrap_or(view.scope().region);
                landfall_model::ZoneName { region, index }.to_string()
            }),
            underlay_address: row.underlay().map(|address| address.to_string()),
            hypervisor: row.facts.hypervisor.clone(),
            cpus: row.facts.cpus,
            memory_mib: row.facts.memory_mib,
            used_vcpus: row.used_vcpus,
            used_memory_mib: row.used_memory_mib,
            instances: host::instances(cloud, row.id),
            joined_at: Time(row.joined_at.as_millis()),
        };
        Ok(ListHostsResponse { hosts: rows.into_iter().map(shape).collect() })
    }
}

/// How a host fares, in a word.
pub fn state(row: &Host, presence: HostPresence) -> &'static str {
    match presence {
        _ if row.join.is_some() => "registered",
        HostPresence::Connected => "connected",
        HostPresence::Lost => "lost",
        HostPresence::Unknown => "unknown",
    }
}
