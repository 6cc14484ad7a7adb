//! ec2:DescribeVpcs. Lists virtual networks.

use landfall_cloud::value::Vpcs;
use landfall_model::{Vpc, VpcId};
use serde::{Deserialize, Serialize};

use super::shape::cidr::{ASSOCIATED, POOL};
use super::shape::listing::listing;
use super::shape::vpc::{VpcShape, dhcp_options_id, primary_block, vpc};
use crate::filter::{FilterNames, Values, many, one, shown};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeVpcs {
    #[serde(default)]
    vpc_id: Vec<VpcId>,
    #[serde(default)]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeVpcsResult<'v> {
    vpc_set: Vec<VpcShape<'v>>,
}

impl Read for DescribeVpcs {
    const ACTION: Action = Action::ec2("DescribeVpcs");
    const FILTERS: FilterNames = FilterNames {
        known: &[
            "cidr",
            "cidr-block-association.association-id",
            "cidr-block-association.cidr-block",
            "cidr-block-association.state",
            "dhcp-options-id",
            "ipv6-cidr-block-association.association-id",
            "ipv6-cidr-block-association.ipv6-cidr-block",
            "ipv6-cidr-block-association.ipv6-pool",
            "ipv6-cidr-block-association.state",
            "is-default",
            "owner-id",
            "state",
            "tag-key",
            "vpc-id",
        ],
        refused: &[],
    };
    const PAGE_LIMIT: usize = 1000;
    const PAGE_LEAST: usize = 5;
    type Output<'v> = DescribeVpcsResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeVpcsResult<'v>, ApiError> {
        let view = look.view;
        let rows =
            listing::<Vpcs, _>(look, &self.vpc_id, &self.filter, Self::FILTERS, |_, row, name| field(row, name))?;
        Ok(DescribeVpcsResult { vpc_set: rows.into_iter().map(|row| vpc(&view, row)).collect() })
    }
}

fn field<'v>(row: &'v Vpc, name: &str) -> Values<'v> {
    match name {
        "cidr" => shown(primary_block(row)),
        "cidr-block-association.association-id" => many(row.cidrs.iter().map(|(id, _)| id)),
        "cidr-block-association.cidr-block" => many(row.cidrs.iter().map(|(_, block)| block)),
        "cidr-block-association.state" => one(ASSOCIATED),
        "ipv6-cidr-block-association.association-id" => many(row.ipv6.iter().map(|(id, _)| id)),
        "ipv6-cidr-block-association.ipv6-cidr-block" => many(row.ipv6.iter().map(|(_, block)| block)),
        "ipv6-cidr-block-association.ipv6-pool" => many(row.ipv6.iter().map(|_| POOL)),
        "ipv6-cidr-block-association.state" => many(row.ipv6.iter().map(|_| ASSOCIATED)),
        "dhcp-options-id" => one(dhcp_options_id(row.dhcp_options)),
        "is-default" => shown(row.is_default),
        "owner-id" => shown(row.scope.account),
        "state" => one("available"),
        "vpc-id" => shown(row.id),
        _ => Vec::new(),
    }
}
