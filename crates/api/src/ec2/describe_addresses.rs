//! ec2:DescribeAddresses. Lists elastic addresses and what each stands for.

use std::net::Ipv4Addr;

use landfall_cloud::View;
use landfall_cloud::value::{Addresses, Interfaces};
use landfall_model::{
    AccountId, Address, AddressAssociationId, AllocationId, InstanceId, InterfaceId, NetworkInterface, Region,
};
use serde::{Deserialize, Serialize};

use super::shape::address::parse;
use super::shape::listing::listing;
use super::shape::{Tag, tag_set};
use crate::filter::{FilterNames, Values, many, shown};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeAddresses {
    #[serde(default)]
    allocation_id: Vec<AllocationId>,
    #[serde(default)]
    public_ip: Vec<String>,
    #[serde(default)]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeAddressesResult<'v> {
    addresses_set: Vec<AddressShape<'v>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AddressShape<'v> {
    public_ip: Ipv4Addr,
    allocation_id: AllocationId,
    domain: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance_id: Option<InstanceId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    association_id: Option<AddressAssociationId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network_interface_id: Option<InterfaceId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network_interface_owner_id: Option<AccountId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    private_ip_address: Option<Ipv4Addr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'v>>>,
    public_ipv4_pool: &'static str,
    network_border_group: Region,
}

impl Read for DescribeAddresses {
    const ACTION: Action = Action::ec2("DescribeAddresses");
    const FILTERS: FilterNames = FilterNames {
        known: &[
            "allocation-id",
            "association-id",
            "instance-id",
            "network-border-group",
            "network-interface-id",
            "network-interface-owner-id",
            "private-ip-address",
            "public-ip",
            "tag-key",
        ],
        refused: &[],
    };
    type Output<'v> = DescribeAddressesResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeAddressesResult<'v>, ApiError> {
        let view = look.view;
        let mut ids = self.allocation_id;
        for text in &self.public_ip {
            ids.push(view.elastic_by_address(parse(text)?)?.id);
        }
        let rows = listing::<Addresses, _>(look, &ids, &self.filter, Self::FILTERS, field)?;
        Ok(DescribeAddressesResult { addresses_set: rows.into_iter().map(|row| shape(&view, row)).collect() })
    }
}

fn interface<'v>(view: &View<'v>, row: &Address) -> Option<&'v NetworkInterface> {
    view.find::<Interfaces, _>(row.association.as_ref()?.interface)
}

fn shape<'v>(view: &View<'v>, row: &'v Address) -> AddressShape<'v> {
    let association = row.association.as_ref();
    let interface = interface(view, row);
    AddressShape {
        public_ip: row.public,
        allocation_id: row.id,
        domain: "vpc",
        instance_id: interface.and_then(NetworkInterface::instance),
        association_id: association.map(|each| each.id),
        network_interface_id: association.map(|each| each.interface),
        network_interface_owner_id: interface.map(|each| each.scope.account),
        private_ip_address: association.map(|each| each.private),
        tag_set: tag_set(view, &row.id.to_string()),
        public_ipv4_pool: "amazon",
        network_border_group: row.scope.region,
    }
}

fn field<'v>(view: &View<'v>, row: &'v Address, name: &str) -> Values<'v> {
    let association = row.association.as_ref();
    match name {
        "allocation-id" => shown(row.id),
        "association-id" => many(association.map(|each| each.id)),
        "instance-id" => many(interface(view, row).and_then(NetworkInterface::instance)),
        "network-border-group" => shown(row.scope.region),
        "network-interface-id" => many(association.map(|each| each.interface)),
        "network-interface-owner-id" => many(interface(view, row).map(|each| each.scope.account)),
        "private-ip-address" => many(association.map(|each| each.private)),
        "public-ip" => shown(row.public),
        _ => Vec::new(),
    }
}
