//! ec2:CreateNetworkAclEntry. Adds an entry to a network ACL, under a number that is free.

use landfall_cloud::{Tx, View, network_acl};
use landfall_model::{Ipv4Cidr, Ipv6Cidr, NetworkAclId};
use serde::Deserialize;

use super::shape::Done;
use super::shape::acl_entry::{EntryIn, IcmpIn, PortRangeIn, direction};
use super::shape::network_demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateNetworkAclEntry {
    network_acl_id: NetworkAclId,
    rule_number: i32,
    protocol: String,
    rule_action: String,
    egress: bool,
    cidr_block: Option<Ipv4Cidr>,
    ipv6_cidr_block: Option<Ipv6Cidr>,
    icmp: Option<IcmpIn>,
    port_range: Option<PortRangeIn>,
}

impl Write for CreateNetworkAclEntry {
    const ACTION: Action = Action::ec2("CreateNetworkAclEntry");
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        network_demand::acl(view, demands, Self::ACTION, self.network_acl_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        let entry = EntryIn {
            number: self.rule_number,
            protocol: &self.protocol,
            action: &self.rule_action,
            v4: self.cidr_block,
            v6: self.ipv6_cidr_block,
            icmp: self.icmp,
            ports: self.port_range,
        };
        network_acl::put_entry(tx, self.network_acl_id, direction(self.egress), entry.to_rule()?, false)?;
        Ok(Done::OK)
    }
}
