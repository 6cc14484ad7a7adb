//! ec2:AuthorizeSecurityGroupIngress. Adds rules that say what may come in: all of them or none.

use landfall_cloud::{Tx, View};
use landfall_model::{Ipv4Cidr, RuleDirection, SecurityGroupId};
use serde::Deserialize;

use super::shape::TagSpecifications;
use super::shape::authorize::{Authorized, authorize, demand};
use super::shape::permission::{GroupRef, IpPermissionIn, SingleRule, single_rule};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AuthorizeSecurityGroupIngress {
    group_id: Option<SecurityGroupId>,
    group_name: Option<String>,
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

impl AuthorizeSecurityGroupIngress {
    fn group(&self) -> GroupRef<'_> {
        GroupRef { id: self.group_id, name: self.group_name.as_deref() }
    }

    fn single(&self) -> SingleRule<'_> {
        single_rule!(self)
    }
}

impl Write for AuthorizeSecurityGroupIngress {
    const ACTION: Action = Action::ec2("AuthorizeSecurityGroupIngress");
    type Output<'t> = Authorized<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        self.group().demand(view, demands, Self::ACTION);
        demand(demands, Self::ACTION, &self.tag_specification);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<Authorized<'t>, ApiError> {
        let group = self.group().find(&tx.view())?;
        authorize(tx, group, RuleDirection::Ingress, &self.ip_permissions, &self.single(), &self.tag_specification)
    }
}
