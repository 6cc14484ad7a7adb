//! ec2:ModifyVpcPeeringConnectionOptions. Says for a side of a peering whether its public names resolve to private
//! addresses from the other.

use landfall_cloud::{Tx, View, peering};
use landfall_model::PeeringId;
use serde::{Deserialize, Serialize};

use super::shape::peering::{SideOptions, demand};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ModifyVpcPeeringConnectionOptions {
    vpc_peering_connection_id: PeeringId,
    accepter_peering_connection_options: Option<OptionsIn>,
    requester_peering_connection_options: Option<OptionsIn>,
}

/// The last two are of EC2-Classic, which is no more.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct OptionsIn {
    allow_dns_resolution_from_remote_vpc: Option<bool>,
    #[serde(default)]
    allow_egress_from_local_classic_link_to_remote_vpc: bool,
    #[serde(default)]
    allow_egress_from_local_vpc_to_remote_classic_link: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModifyVpcPeeringConnectionOptionsResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    accepter_peering_connection_options: Option<SideOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requester_peering_connection_options: Option<SideOptions>,
}

impl Write for ModifyVpcPeeringConnectionOptions {
    const ACTION: Action = Action::ec2("ModifyVpcPeeringConnectionOptions");
    type Output<'t> = ModifyVpcPeeringConnectionOptionsResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, self.vpc_peering_connection_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<ModifyVpcPeeringConnectionOptionsResult, ApiError> {
        let id = self.vpc_peering_connection_id;
        let requester = dns(self.requester_peering_connection_options.as_ref())?;
        let accepter = dns(self.accepter_peering_connection_options.as_ref())?;
        if requester.is_none() && accepter.is_none() {
            return Err(ApiError::missing("AccepterPeeringConnectionOptions or RequesterPeeringConnectionOptions"));
        }
        peering::set_dns(tx, id, requester, accepter)?;
        Ok(ModifyVpcPeeringConnectionOptionsResult {
            accepter_peering_connection_options: accepter.map(SideOptions::new),
            requester_peering_connection_options: requester.map(SideOptions::new),
        })
    }
}

fn dns(options: Option<&OptionsIn>) -> Result<Option<bool>, ApiError> {
    let Some(options) = options else { return Ok(None) };
    if options.allow_egress_from_local_classic_link_to_remote_vpc {
        return Err(ApiError::unsupported("AllowEgressFromLocalClassicLinkToRemoteVpc"));
    }
    if options.allow_egress_from_local_vpc_to_remote_classic_link {
        return Err(ApiError::unsupported("AllowEgressFromLocalVpcToRemoteClassicLink"));
    }
    Ok(options.allow_dns_resolution_from_remote_vpc)
}
