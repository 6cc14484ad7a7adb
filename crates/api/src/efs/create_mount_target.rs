//! elasticfilesystem:CreateMountTarget. Makes the place in a subnet at which a file system is mounted.

use std::net::Ipv4Addr;

use landfall_cloud::file_system::mount_target::{self, NewMountTarget};
use landfall_cloud::value::MountTargets;
use landfall_cloud::{Tx, View};
use landfall_model::{InterfaceKind, SecurityGroupId, SubnetId};
use serde::Deserialize;

use super::shape::mount_target::{MountTargetShape, shown};
use super::shape::{demand, file_system};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateMountTarget {
    file_system_id: String,
    subnet_id: SubnetId,
    ip_address: Option<Ipv4Addr>,
    ipv6_address: Option<String>,
    #[serde(default)]
    ip_address_type: IpAddressType,
    #[serde(default)]
    security_groups: Vec<SecurityGroupId>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum IpAddressType {
    #[default]
    #[serde(rename = "IPV4_ONLY")]
    Ipv4Only,
    #[serde(rename = "IPV6_ONLY")]
    Ipv6Only,
    DualStack,
}

impl Write for CreateMountTarget {
    const ACTION: Action = Action::efs("CreateMountTarget");
    type Output<'t> = MountTargetShape;

    /// EFS makes the interface in its caller's name. Source: the API Reference.
    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, &self.file_system_id);
        demands.anything(Action::ec2("DescribeSubnets"));
        demands.anything(Action::ec2("DescribeNetworkInterfaces"));
        let create = Action::ec2("CreateNetworkInterface");
        demands.ec2(view, create, self.subnet_id);
        demands.new_ec2::<InterfaceKind>(create);
        for group in &self.security_groups {
            demands.ec2(view, create, *group);
        }
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<MountTargetShape, ApiError> {
        let file_system = file_system(&tx.view(), &self.file_system_id)?.id;
        if self.ip_address_type != IpAddressType::Ipv4Only || self.ipv6_address.is_some() {
            return Err(ApiError::unsupported("mount targets with IPv6 addresses"));
        }
        let (subnet, address, groups) = (self.subnet_id, self.ip_address, self.security_groups);
        let id = mount_target::create(tx, NewMountTarget { file_system, subnet, address, groups })?;
        Ok(shown(tx.view().need::<MountTargets, _>(id)?))
    }
}
