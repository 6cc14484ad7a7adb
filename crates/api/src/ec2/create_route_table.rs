//! ec2:CreateRouteTable. Makes a route table of a VPC, with nothing in it but the way within.

use landfall_cloud::value::RouteTables;
use landfall_cloud::{Tx, View, route_table, tag};
use landfall_model::{RouteTableKind, VpcId};
use serde::{Deserialize, Serialize};

use super::shape::TagSpecifications;
use super::shape::network_demand;
use super::shape::route_table::{RouteTableShape, route_table as shape};
use crate::{Action, ApiError, Demands, Write};

/// The kind that its tag specifications name.
const KIND: &str = "route-table";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateRouteTable {
    vpc_id: VpcId,
    #[serde(default)]
    tag_specification: TagSpecifications,
    #[serde(skip)]
    client_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateRouteTableResult<'t> {
    route_table: RouteTableShape<'t>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_token: Option<String>,
}

impl Write for CreateRouteTable {
    const ACTION: Action = Action::ec2("CreateRouteTable");
    const CLIENT_TOKEN: bool = true;
    type Output<'t> = CreateRouteTableResult<'t>;

    fn hear_client_token(&mut self, token: &str) {
        self.client_token = Some(token.to_owned());
    }

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let tags = self.tag_specification.claimed(KIND);
        network_demand::vpc(view, demands, Self::ACTION, self.vpc_id);
        demands.new_ec2::<RouteTableKind>(Self::ACTION).request_tags(&tags);
        demands.tagging(Self::ACTION, KIND, &tags);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<CreateRouteTableResult<'t>, ApiError> {
        self.tag_specification.check(&[KIND])?;
        let tags = self.tag_specification.of(KIND)?;
        let id = route_table::create(tx, self.vpc_id)?;
        tag::put(tx, KIND, &id.to_string(), &tags)?;
        let view = tx.view();
        let route_table = shape(&view, view.need::<RouteTables, _>(id)?);
        Ok(CreateRouteTableResult { route_table, client_token: self.client_token })
    }
}
