//! landfall:ListNatGateways. Lists the NAT gateways of all accounts that translate, with the hosts that do it and the flows
//! that they had no port for.

use landfall_cloud::host;
use landfall_model::{AccountId, NatGateway, NatGatewayId, VpcId};
use landfall_wire::Time;
use serde::{Deserialize, Serialize};

use super::check_operator;
use crate::{Action, ApiError, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListNatGateways {}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListNatGatewaysResponse {
    nat_gateways: Vec<NatGatewayShape>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct NatGatewayShape {
    nat_gateway_id: NatGatewayId,
    account_id: AccountId,
    region: String,
    vpc_id: VpcId,
    #[serde(skip_serializing_if = "Option::is_none")]
    host_name: Option<String>,
    /// As AWS's metric of that name counts, since the gateway was made.
    error_port_allocation: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error_at: Option<Time>,
}

impl Read for ListNatGateways {
    const ACTION: Action = Action::landfall("ListNatGateways");
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = ListNatGatewaysResponse;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<ListNatGatewaysResponse, ApiError> {
        check_operator(&look.view)?;
        look.page.bound(Self::PAGE_LIMIT);
        let cloud = look.view.tables();
        let hosts = host::all(cloud);
        let mut rows: Vec<&NatGateway> = cloud.nat_gateways.iter().filter(|row| row.state.is_live()).collect();
        rows.sort_by_key(|row| row.id);
        let shape = |row: &NatGateway| NatGatewayShape {
            nat_gateway_id: row.id,
            account_id: row.scope.account,
            region: row.scope.region.to_string(),
            vpc_id: row.vpc,
            host_name: hosts.iter().find(|host| Some(host.id) == row.host).map(|host| host.facts.name.clone()),
            error_port_allocation: row.lacked.flows,
            last_error_at: row.lacked.last_at.map(|at| Time(at.as_millis())),
        };
        let rows: Vec<&NatGateway> = look.page.take(rows, |row| row.id)?;
        Ok(ListNatGatewaysResponse { nat_gateways: rows.into_iter().map(shape).collect() })
    }
}
