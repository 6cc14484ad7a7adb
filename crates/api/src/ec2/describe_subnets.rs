//! ec2:DescribeSubnets. Lists subnets, with how many addresses each has free.

use landfall_cloud::value::Subnets;
use landfall_cloud::{View, network};
use landfall_model::{Arn, Subnet, SubnetId};
use serde::{Deserialize, Serialize};

use super::shape::cidr::ASSOCIATED;
use super::shape::listing::listing;
use super::shape::vpc::{SubnetShape, hostname_type, subnet};
use crate::filter::{FilterNames, Values, many, one, shown};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeSubnets {
    #[serde(default)]
    subnet_id: Vec<SubnetId>,
    #[serde(default)]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeSubnetsResult<'v> {
    subnet_set: Vec<SubnetShape<'v>>,
}

impl Read for DescribeSubnets {
    const ACTION: Action = Action::ec2("DescribeSubnets");
    const FILTERS: FilterNames = FilterNames {
        known: &[
            "availability-zone",
            "availability-zone-id",
            "available-ip-address-count",
            // The API reference names this one in the text of the next.
            "cidr",
            "cidr-block",
            "customer-owned-ipv4-pool",
            "default-for-az",
            "enable-dns64",
            "enable-lni-at-device-index",
            "ipv6-cidr-block-association.association-id",
            "ipv6-cidr-block-association.ipv6-cidr-block",
            "ipv6-cidr-block-association.state",
            "ipv6-native",
            "map-customer-owned-ip-on-launch",
            "map-public-ip-on-launch",
            "outpost-arn",
            "owner-id",
            "private-dns-name-options-on-launch.enable-resource-name-dns-a-record",
            "private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record",
            "private-dns-name-options-on-launch.hostname-type",
            "state",
            "subnet-arn",
            "subnet-id",
            "tag-key",
            "vpc-id",
        ],
        refused: &[],
    };
    const PAGE_LIMIT: usize = 1000;
    const PAGE_LEAST: usize = 5;
    type Output<'v> = DescribeSubnetsResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeSubnetsResult<'v>, ApiError> {
        let view = look.view;
        let rows = listing::<Subnets, _>(look, &self.subnet_id, &self.filter, Self::FILTERS, field)?;
        Ok(DescribeSubnetsResult { subnet_set: rows.into_iter().map(|row| subnet(&view, row)).collect() })
    }
}

fn field<'v>(view: &View<'v>, row: &'v Subnet, name: &str) -> Values<'v> {
    match name {
        "availability-zone" => shown(row.zone),
        "availability-zone-id" => shown(row.zone.zone_id()),
        "available-ip-address-count" => shown(network::free_addresses(view, row)),
        "cidr" | "cidr-block" => shown(row.cidr),
        "default-for-az" => shown(row.default_for_az),
        "enable-dns64" => shown(row.dns64),
        "ipv6-cidr-block-association.association-id" => many(row.ipv6.map(|(id, _)| id)),
        "ipv6-cidr-block-association.ipv6-cidr-block" => many(row.ipv6.map(|(_, block)| block)),
        "ipv6-cidr-block-association.state" => many(row.ipv6.map(|_| ASSOCIATED)),
        "ipv6-native" | "map-customer-owned-ip-on-launch" => one("false"),
        "private-dns-name-options-on-launch.enable-resource-name-dns-a-record" => shown(row.names.resource_a),
        "private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record" => shown(row.names.resource_aaaa),
        "map-public-ip-on-launch" => shown(row.map_public_ip),
        "owner-id" => shown(row.scope.account),
        "private-dns-name-options-on-launch.hostname-type" => one(hostname_type(row.names)),
        "state" => one("available"),
        "subnet-arn" => shown(Arn::ec2(row.scope, row.id)),
        "subnet-id" => shown(row.id),
        "vpc-id" => shown(row.vpc),
        // No subnet has a pool of its own, an Outpost or a local network interface.
        _ => Vec::new(),
    }
}
