//! ec2:AuthorizeSecurityGroupEgress. Adds rules that say what may go out: all of them or none.

use landfall_cloud::{Tx, View};
use landfall_model::{Ipv4Cidr, RuleDirection, SecurityGroupId};
use serde::Deserialize;

use super::shape::TagSpecifications;
use super::shape::authorize::{Authorized, authorize, demand};
use super::shape::permission::{IpPermissionIn, SingleRule, demand_group, single_rule};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AuthorizeSecurityGroupEgress {
    group_id: SecurityGroupId,
    #[serde(default)]
    ip_permissions: Vec<IpPermissionIn>,
    cidr_ip: Option<Ipv4Cidr>,
    from_port: Option<i32>,
    to_port: Option<i32>,
    ip_protocol: Option<String>,
    source_security_group_name: Option<String>,
    source_security_group_owner_id: Option<String>,
    #[serde(default)]
    tag_specification: TagSpecifications,
}

impl AuthorizeSecurityGroupEgress {
    fn single(&self) -> SingleRule<'_> {
        single_rule!(self)
    }
}

impl Write for AuthorizeSecurityGroupEgress {
    const ACTION: Action = Action::ec2("AuthorizeSecurityGroupEgress");
    type Output<'t> = Authorized<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_group(view, demands, Self::ACTION, self.group_id);
        demand(demands, Self::ACTION, &self.tag_specification);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<Authorized<'t>, ApiError> {
        self.single().refuse()?;
        authorize(
            tx,
            self.group_id,
            RuleDirection::Egress,
            &self.ip_permissions,
            &self.single(),
            &self.tag_specification,
        )
    }
}
