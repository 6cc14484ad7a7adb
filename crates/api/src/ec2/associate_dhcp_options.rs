//! ec2:AssociateDhcpOptions. Gives a VPC another set of DHCP options; `default` means none.

use landfall_cloud::{Tx, View, dhcp_options};
use landfall_model::{Arn, DhcpOptionsId, VpcId};
use serde::Deserialize;

use super::shape::Done;
use super::shape::network_demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AssociateDhcpOptions {
    dhcp_options_id: String,
    vpc_id: VpcId,
}

impl AssociateDhcpOptions {
    fn options(&self) -> Result<Option<DhcpOptionsId>, ApiError> {
        if self.dhcp_options_id == "default" {
            return Ok(None);
        }
        let malformed = |error: landfall_model::id::MalformedId| ApiError::new(error.code, error.to_string());
        self.dhcp_options_id.parse().map(Some).map_err(malformed)
    }
}

impl Write for AssociateDhcpOptions {
    const ACTION: Action = Action::ec2("AssociateDhcpOptions");
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        match self.options() {
            Ok(Some(id)) => network_demand::dhcp(view, demands, Self::ACTION, id),
            _ => demands.resource(Self::ACTION, Arn::new("ec2", view.scope(), "dhcp-options/default")),
        };
        network_demand::vpc(view, demands, Self::ACTION, self.vpc_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        dhcp_options::associate(tx, self.vpc_id, self.options()?)?;
        Ok(Done::OK)
    }
}
