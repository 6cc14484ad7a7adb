//! ec2:DescribeNetworkInterfaces. Lists network interfaces.

use std::net::Ipv4Addr;

use landfall_cloud::View;
use landfall_cloud::value::Interfaces;
use landfall_model::{InterfaceId, NetworkInterface};
use serde::{Deserialize, Serialize};

use super::shape::listing::listing;
use super::shape::network_interface::{
    NetworkInterfaceShape, association, attachment, interface_type, network_interface, private_name, requester, status,
};
use crate::filter::{FilterNames, Values, many, one, shown};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeNetworkInterfaces {
    #[serde(default)]
    network_interface_id: Vec<InterfaceId>,
    #[serde(default)]
    filter: Filters,
    /// No interface is hidden because a service manages it, so that both answers are the same.
    #[serde(default, rename = "IncludeManagedResources")]
    _include_managed_resources: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeNetworkInterfacesResult<'v> {
    network_interface_set: Vec<NetworkInterfaceShape<'v>>,
}

impl Read for DescribeNetworkInterfaces {
    const ACTION: Action = Action::ec2("DescribeNetworkInterfaces");
    const FILTERS: FilterNames = FilterNames {
        known: &[
            "addresses.association.owner-id",
            "addresses.association.public-ip",
            "addresses.primary",
            "addresses.private-ip-address",
            "association.allocation-id",
            "association.association-id",
            "association.ip-owner-id",
            "association.public-dns-name",
            "association.public-ip",
            "attachment.attach-time",
            "attachment.attachment-id",
            "attachment.delete-on-termination",
            "attachment.device-index",
            "attachment.instance-id",
            "attachment.instance-owner-id",
            "attachment.status",
            "availability-zone",
            "availability-zone-id",
            "description",
            "group-id",
            "interface-type",
            "ipv6-addresses.ipv6-address",
            "mac-address",
            "network-interface-id",
            "operator.managed",
            "operator.principal",
            "owner-id",
            "private-dns-name",
            "private-ip-address",
            "requester-id",
            "requester-managed",
            "source-dest-check",
            "status",
            "subnet-id",
            "tag-key",
            "vpc-id",
        ],
        refused: &[],
    };
    const PAGE_LIMIT: usize = 1000;
    const PAGE_LEAST: usize = 5;
    type Output<'v> = DescribeNetworkInterfacesResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeNetworkInterfacesResult<'v>, ApiError> {
        let (view, ids) = (look.view, &self.network_interface_id);
        if !ids.is_empty() && look.page.is_asked() {
            return Err(ApiError::combination(
                "The parameter networkInterfaceIdSet cannot be used with the parameter maxResults",
            ));
        }
        let rows = listing::<Interfaces, _>(look, ids, &self.filter, Self::FILTERS, field)?;
        let shapes = rows.into_iter().map(|row| network_interface(&view, row));
        Ok(DescribeNetworkInterfacesResult { network_interface_set: shapes.collect() })
    }
}

fn field<'v>(view: &View<'v>, row: &'v NetworkInterface, name: &str) -> Values<'v> {
    if let Some(name) = name.strip_prefix("addresses.association.") {
        return row.addresses.iter().flat_map(|address| association_field(view, row, *address, name)).collect();
    }
    if let Some(name) = name.strip_prefix("association.") {
        return association_field(view, row, row.primary(), name);
    }
    if let Some(name) = name.strip_prefix("attachment.") {
        return attachment_field(row, name);
    }
    match name {
        "addresses.primary" => many(row.addresses.iter().enumerate().map(|(index, _)| index == 0)),
        "addresses.private-ip-address" => many(&row.addresses),
        "availability-zone" => shown(row.zone),
        "availability-zone-id" => shown(row.zone.zone_id()),
        "description" => one(row.description.as_str()),
        "group-id" => many(&row.groups),
        "interface-type" => one(interface_type(row)),
        "ipv6-addresses.ipv6-address" => many(&row.ipv6),
        "mac-address" => shown(row.mac),
        "network-interface-id" => shown(row.id),
        "operator.managed" => one("false"),
        "owner-id" => shown(row.scope.account),
        "private-dns-name" => shown(private_name(row, row.primary())),
        "private-ip-address" => many(&row.addresses),
        "requester-id" => one(requester(row)),
        "requester-managed" => shown(!row.purpose.is_tenants()),
        "source-dest-check" => shown(row.source_dest_check),
        "status" => one(status(row)),
        "subnet-id" => shown(row.subnet),
        "vpc-id" => shown(row.vpc),
        // No interface has a service of another's that manages it.
        _ => Vec::new(),
    }
}

fn association_field<'v>(view: &View<'v>, row: &NetworkInterface, private: Ipv4Addr, name: &str) -> Values<'v> {
    let Some(association) = association(view, row, private) else { return Vec::new() };
    match name {
        "allocation-id" => many(association.allocation_id),
        "association-id" => many(association.association_id),
        "ip-owner-id" | "owner-id" => one(association.ip_owner_id),
        "public-dns-name" => one(association.public_dns_name),
        "public-ip" => shown(association.public_ip),
        _ => Vec::new(),
    }
}

fn attachment_field<'v>(row: &'v NetworkInterface, name: &str) -> Values<'v> {
    let Some(attachment) = attachment(row) else { return Vec::new() };
    match name {
        "attach-time" => shown(row.attachment.as_ref().map_or(row.created_at, |attachment| attachment.attached_at)),
        "attachment-id" => one(attachment.attachment_id),
        "delete-on-termination" => shown(attachment.delete_on_termination),
        "device-index" => shown(attachment.device_index),
        "instance-id" => many(row.instance()),
        "instance-owner-id" => one(attachment.instance_owner_id),
        "status" => one(attachment.status),
        _ => Vec::new(),
    }
}
